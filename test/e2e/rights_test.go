package e2e

import (
	"slices"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// asOperator is a client with a token of the operator's ServiceAccount.
func asOperator(t *testing.T) client.Client {
	t.Helper()
	f := &fixture{t: t, on: suiteOf.shared}
	return f.withToken(f.tokenOf(cluster.SystemNamespace, cluster.ServiceAccount))
}

// TestTheOperatorMayDoWhatItNeedsAndNoMore asks the API server what the shipped
// rights let the operator do, in every namespace.
func TestTheOperatorMayDoWhatItNeedsAndNoMore(t *testing.T) {
	t.Parallel()
	const ours = "credentialreset.dev"
	operator := asOperator(t)
	for name, test := range map[string]struct {
		group, resource, subresource string
		may                          []string
	}{
		"Secrets are read by name":                  {"", "secrets", "", []string{"get"}},
		"requests are read, and deleted in the end": {ours, "usercredentialresets", "", []string{"get", "list", "watch", "delete"}},
		"the status of requests is written":         {ours, "usercredentialresets", "status", []string{"update"}},
		"workspaces are read":                       {ours, "rocketchatworkspaces", "", []string{"get", "list", "watch"}},
		"the status of workspaces is written":       {ours, "rocketchatworkspaces", "status", []string{"update"}},
		"records are kept":                          {ours, "resetrecords", "", []string{"get", "list", "watch", "create", "update", "patch", "delete"}},
		"events are reported":                       {"events.k8s.io", "events", "", []string{"create", "patch"}},
		"tokens of who scrapes metrics are checked": {"authentication.k8s.io", "tokenreviews", "", []string{"create"}},
		"rights of who scrapes metrics are checked": {"authorization.k8s.io", "subjectaccessreviews", "", []string{"create"}},
		"ConfigMaps are no business of it":          {"", "configmaps", "", nil},
		"pods are no business of it":                {"", "pods", "", nil},
		"nobody's token is made":                    {"", "serviceaccounts", "token", nil},
		"no rights are given":                       {"rbac.authorization.k8s.io", "clusterroles", "", nil},
		"no kinds are changed":                      {"apiextensions.k8s.io", "customresourcedefinitions", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, verb := range verbs() {
				want := slices.Contains(test.may, verb)
				if got := mayDo(t, operator, "", test.group, test.resource+"/"+test.subresource, verb); got != want {
					t.Errorf("the operator may %s %s/%s: %t, want %t", verb, test.resource, test.subresource, got, want)
				}
			}
		})
	}
}

func verbs() []string {
	return []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}
}

// mayDo asks the API server whether who asks may do that, in the namespace or, if
// that is empty, in all.
func mayDo(t *testing.T, who client.Client, namespace, group, resource, verb string) bool {
	t.Helper()
	resource, subresource, _ := strings.Cut(resource, "/")
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: verb, Group: group, Resource: resource, Subresource: subresource,
		},
	}}
	if err := who.Create(t.Context(), review); err != nil {
		t.Fatal(err)
	}
	return review.Status.Allowed
}

// wantRights compares what somebody may do in the fixture's namespace: with the
// resources, by their groups, exactly what is told.
func (f *fixture) wantRights(who client.Client, groups map[string]string, may map[string][]string) {
	f.t.Helper()
	// Rights are known a moment after they were bound.
	f.poll(func() (bool, error) {
		for resource, allowed := range may {
			if !mayDo(f.t, who, f.namespace, groups[resource], resource, allowed[0]) {
				return false, nil
			}
		}
		return true, nil
	})
	for resource, group := range groups {
		for _, verb := range verbs() {
			want := slices.Contains(may[resource], verb)
			if got := mayDo(f.t, who, f.namespace, group, resource, verb); got != want {
				f.t.Errorf("may %s %s: %t, want %t", verb, resource, got, want)
			}
		}
	}
}

// TestTheOperatorIsRefusedWhatItMayNot tries it.
func TestTheOperatorIsRefusedWhatItMayNot(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{notReady: true, workspace: suspended})
	request := f.ask("lost-phone", "alice")
	operator := asOperator(t)
	touched := request.DeepCopy()
	touched.Labels = map[string]string{"touched": "by-the-operator"}
	for name, err := range map[string]error{
		"list Secrets":                  operator.List(t.Context(), &corev1.SecretList{}),
		"list Secrets of the namespace": operator.List(t.Context(), &corev1.SecretList{}, client.InNamespace(f.namespace)),
		"write a request":               operator.Update(t.Context(), touched),
		"patch a request":               operator.Patch(t.Context(), touched.DeepCopy(), client.MergeFrom(request)),
		"create a request":              operator.Create(t.Context(), f.request("another", "alice")),
		"delete all requests":           operator.DeleteAllOf(t.Context(), &v1alpha1.UserCredentialReset{}, client.InNamespace(f.namespace)),
		"write a workspace":             operator.Update(t.Context(), f.workspace.DeepCopy()),
		"write a Secret":                operator.Update(t.Context(), f.secret.DeepCopy()),
		"delete all records":            operator.DeleteAllOf(t.Context(), &v1alpha1.ResetRecord{}),
	} {
		if !apierrors.IsForbidden(err) {
			t.Errorf("%s: the API server answered %v", name, err)
		}
	}
	if err := operator.Get(t.Context(), client.ObjectKeyFromObject(f.secret), &corev1.Secret{}); err != nil {
		t.Errorf("read a Secret: %v", err)
	}
}
