package advice

import (
	"context"
	"errors"
	"net/url"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	resource := schema.GroupResource{Group: v1alpha1.Group, Resource: "usercredentialresets"}
	asks := Deed{Verb: "create", Resource: "usercredentialresets", Namespace: "support", Name: "lost-phone", Who: "ann@example.com", Server: "https://k8s"}
	policy := apierrors.NewForbidden(resource, "lost-phone", errors.New("x"))
	policy.ErrStatus.Details.Causes = []metav1.StatusCause{{Message: "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: nobody approves their own request"}}
	unknown := apierrors.NewNotFound(resource, "")
	audits := Deed{Verb: "get", Resource: "resetrecords", Name: "r", Who: "system:serviceaccount:support:desk"}
	for name, test := range map[string]struct {
		deed Deed
		err  error
		want string
	}{
		"a right is missing": {
			asks, apierrors.NewForbidden(resource, "lost-phone", errors.New("x")),
			"ann@example.com may not create usercredentialresets in the namespace support; an administrator can bind the ClusterRole credential-reset-requester: kubectl create rolebinding credential-reset-requester-ann-example-com --clusterrole=credential-reset-requester --user=ann@example.com -n support",
		},
		"a right in the whole cluster is missing, for a machine": {
			audits, apierrors.NewForbidden(resource, "r", errors.New("x")),
			"system:serviceaccount:support:desk may not get resetrecords in the whole cluster; an administrator can bind the ClusterRole credential-reset-auditor: kubectl create clusterrolebinding credential-reset-auditor-support-desk --clusterrole=credential-reset-auditor --serviceaccount=support:desk",
		},
		"a policy refuses":    {asks, policy, "the cluster's policy refuses it: nobody approves their own request"},
		"nobody is logged in": {asks, apierrors.NewUnauthorized("x"), "the API server does not know you: log in again, or choose another --context"},
		"it is not installed": {asks, unknown, "this cluster does not know the kinds of credentialreset.dev: the operator is not installed here, or --context names another cluster"},
		"there is no namespace": {
			asks, apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "support"),
			"there is no namespace support: name another one with -n",
		},
		"there is no such request": {
			asks, apierrors.NewNotFound(resource, "lost-phone"),
			"there is no request lost-phone in the namespace support: check the spelling, or name another namespace with -n",
		},
		"there is no such record": {audits, apierrors.NewNotFound(resource, "r"), "there is no record r"},
		"the name is taken": {
			asks, apierrors.NewAlreadyExists(resource, "lost-phone"),
			"there is a request lost-phone in the namespace support already: choose another --name",
		},
		"a field is wrong": {
			asks, apierrors.NewInvalid(schema.GroupKind{}, "lost-phone", field.ErrorList{field.Required(field.NewPath("spec", "type"), "say which")}),
			"the API server does not accept it: spec.type: Required value: say which",
		},
		"it is busy":          {asks, apierrors.NewTooManyRequests("x", 1), "the API server cannot answer at present: try again (x)"},
		"it is away":          {asks, &url.Error{Op: "Get", URL: "https://k8s/x", Err: errors.New("connection refused")}, "the API server at https://k8s cannot be reached: check the network, or choose another --context (connection refused)"},
		"something else":      {asks, errors.New("strange"), "cannot create usercredentialresets: strange"},
		"another word of its": {asks, apierrors.NewConflict(resource, "lost-phone", errors.New("x")), `the API server refuses to create usercredentialresets: Operation cannot be fulfilled on usercredentialresets.credentialreset.dev "lost-phone": x`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Explain(test.deed, test.err); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// TestRoles names the shipped role for every deed of the plugin.
func TestRoles(t *testing.T) {
	t.Parallel()
	for deed, want := range map[[2]string]string{
		{"create", "usercredentialresets"}: "credential-reset-requester",
		{"get", "usercredentialresets"}:    "credential-reset-viewer",
		{"list", "usercredentialresets"}:   "credential-reset-viewer",
		{"create", "resetapprovals"}:       "credential-reset-approver",
		{"get", "rocketchatworkspaces"}:    "credential-reset-viewer",
		{"get", "resetrecords"}:            "credential-reset-auditor",
		{"list", "resetrecords"}:           "credential-reset-auditor",
		{"list", "events"}:                 "view",
	} {
		if got := roleFor(Deed{Verb: deed[0], Resource: deed[1]}); got != want {
			t.Errorf("who is to %s %s gets %s, want %s", deed[0], deed[1], got, want)
		}
	}
}

func TestIsPassing(t *testing.T) {
	t.Parallel()
	resource := schema.GroupResource{Resource: "usercredentialresets"}
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"the network":        {&url.Error{Err: errors.New("reset")}, true},
		"too many requests":  {apierrors.NewTooManyRequests("x", 1), true},
		"an internal error":  {apierrors.NewInternalError(errors.New("x")), true},
		"a missing right":    {apierrors.NewForbidden(resource, "x", errors.New("x")), false},
		"an interruption":    {context.Canceled, false},
		"the end of waiting": {context.DeadlineExceeded, false},
	} {
		if got := IsPassing(test.err); got != test.want {
			t.Errorf("%s passes: %t", name, got)
		}
	}
}
