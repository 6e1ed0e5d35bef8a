package e2e

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// manifest is the request as it lies in a repository.
func manifest(t *testing.T, request *v1alpha1.UserCredentialReset) string {
	t.Helper()
	kept := &v1alpha1.UserCredentialReset{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "UserCredentialReset"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: request.Namespace, Name: request.Name, Labels: request.Labels, Annotations: request.Annotations,
		},
		Spec: request.Spec,
	}
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(kept)
	if err != nil {
		t.Fatal(err)
	}
	delete(object, "status")
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// kubectl runs kubectl on the manifest of the request.
func (f *fixture) kubectl(request *v1alpha1.UserCredentialReset, args ...string) error {
	f.t.Helper()
	output, err := f.on.cluster.KubectlWithInput(f.t.Context(), manifest(f.t, request), append(args, "--filename", "-")...)
	if err != nil {
		return fmt.Errorf("kubectl %v: %w\n%s", args, err, output)
	}
	return nil
}

func (f *fixture) mustKubectl(request *v1alpha1.UserCredentialReset, args ...string) {
	f.t.Helper()
	if err := f.kubectl(request, args...); err != nil {
		f.t.Fatal(err)
	}
}

// TestWhatToolsDoToARequestThatWasCarriedOut has tools act on a request that
// succeeded, with the verbs that they use. Whatever they do, nobody is reset again.
func TestWhatToolsDoToARequestThatWasCarriedOut(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		act    func(*fixture, *v1alpha1.UserCredentialReset)
		reason string
	}{
		"Argo CD syncs": {func(f *fixture, r *v1alpha1.UserCredentialReset) {
			f.mustKubectl(r, "apply", "--dry-run=server")
			f.mustKubectl(r, "apply")
			f.mustKubectl(r, "apply")
		}, v1alpha1.ReasonResetAccepted},
		"Argo CD syncs with ServerSideApply=true": {func(f *fixture, r *v1alpha1.UserCredentialReset) {
			f.mustKubectl(r, "apply", "--server-side", "--field-manager=argocd-controller", "--force-conflicts")
		}, v1alpha1.ReasonResetAccepted},
		"Argo CD syncs with Replace=true": {func(f *fixture, r *v1alpha1.UserCredentialReset) {
			f.mustKubectl(r, "replace")
		}, v1alpha1.ReasonResetAccepted},
		"Argo CD syncs with Replace=true and Force=true": {func(f *fixture, r *v1alpha1.UserCredentialReset) {
			f.mustKubectl(r, "replace", "--force")
		}, v1alpha1.ReasonAlreadyCarriedOut},
		"Argo CD prunes, and syncs after a revert": {func(f *fixture, r *v1alpha1.UserCredentialReset) {
			f.mustKubectl(r, "delete", "--cascade=background")
			f.mustKubectl(r, "apply")
		}, v1alpha1.ReasonAlreadyCarriedOut},
		"Flux applies again and again": {func(f *fixture, r *v1alpha1.UserCredentialReset) {
			for range 3 {
				f.mustKubectl(r, "apply", "--server-side", "--field-manager=kustomize-controller", "--force-conflicts", "--dry-run=server")
				f.mustKubectl(r, "apply", "--server-side", "--field-manager=kustomize-controller", "--force-conflicts")
			}
		}, v1alpha1.ReasonResetAccepted},
		"Flux forces a change through": {func(f *fixture, r *v1alpha1.UserCredentialReset) {
			changed := r.DeepCopy()
			changed.Spec.User.Username = "bob"
			if err := f.kubectl(changed, "apply", "--server-side", "--field-manager=kustomize-controller", "--force-conflicts"); err == nil {
				f.t.Error("a changed request could be applied")
			}
			f.mustKubectl(r, "delete", "--cascade=background")
			f.mustKubectl(changed, "apply", "--server-side", "--field-manager=kustomize-controller")
		}, v1alpha1.ReasonNameAlreadyUsed},
		"Flux applies with IfNotPresent after somebody deleted it": {func(f *fixture, r *v1alpha1.UserCredentialReset) {
			f.mustKubectl(r, "delete")
			f.mustKubectl(r, "create")
		}, v1alpha1.ReasonAlreadyCarriedOut},
		"Velero restores it": {func(f *fixture, r *v1alpha1.UserCredentialReset) {
			f.mustKubectl(r, "delete")
			restored := r.DeepCopy()
			restored.Labels = map[string]string{"velero.io/restore-name": "monday", "velero.io/backup-name": "sunday"}
			f.mustKubectl(restored, "create")
		}, v1alpha1.ReasonAlreadyCarriedOut},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, fixtureOptions{})
			request := f.request("lost-phone", "alice")
			f.mustKubectl(request, "apply")
			f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
			test.act(f, request)
			f.awaitReason("lost-phone", test.reason)
			f.wantPosts(1)
			f.wantResets(simulator.SampleAliceID, 1)
			f.wantResets(simulator.SampleBobID, 0)
		})
	}
}

// TestHooksOfSyncsAreNeverCarriedOut syncs a request that is a hook three times, as
// Argo CD does by default: the last one is deleted before the next is created.
func TestHooksOfSyncsAreNeverCarriedOut(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	request := f.request("hook", "alice")
	request.Annotations = map[string]string{"argocd.argoproj.io/hook": "PostSync", "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation"}
	for range 3 {
		f.mustKubectl(request, "delete", "--ignore-not-found")
		f.mustKubectl(request, "create")
		f.awaitReason("hook", v1alpha1.ReasonHookNotSupported)
	}
	f.wantNoRecord("hook")
	f.wantPosts(0)
}

// TestAnotherClusterFromTheSameRepository applies what was carried out on one
// cluster to another one, which knows nothing of it: within its time it is carried
// out there too. That is what notAfterTime is for.
func TestAnotherClusterFromTheSameRepository(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	f.mustKubectl(f.request("lost-phone", "alice"), "apply")
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	second := newFixture(t, fixtureOptions{apart: true})
	second.update(second.secret, func() { second.secret.Data["url"], second.secret.Data["ca.crt"] = []byte(f.server.URL), f.server.CA })
	second.startOperator(cluster.OperatorOptions{})
	second.awaitWorkspace(v1alpha1.ReasonConnected)
	over := second.request("over", "alice")
	over.Spec.NotAfterTime = metav1.NewTime(time.Now().Add(-time.Second).Truncate(time.Second))
	second.mustKubectl(over, "apply", "--server-side")
	second.awaitReason("over", v1alpha1.ReasonCreatedAfterNotAfterTime)
	f.wantPosts(1)
	second.mustKubectl(second.request("lost-phone", "alice"), "apply", "--server-side")
	second.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.wantPosts(2)
}

// TestARebuiltClusterResetsNobody is the drill: all that was ever asked for is
// applied to a cluster without memory. There is one call of the server for its
// health, and none for anybody.
func TestARebuiltClusterResetsNobody(t *testing.T) {
	t.Parallel()
	const historical = 200
	f := newFixture(t, fixtureOptions{apart: true})
	f.startOperator(cluster.OperatorOptions{})
	f.awaitWorkspace(v1alpha1.ReasonConnected)
	for i := range historical {
		request := f.request(fmt.Sprintf("request-%03d", i), []string{"alice", "bob", "carol"}[i%3])
		request.Spec.NotAfterTime = metav1.NewTime(time.Now().Add(-time.Duration(1+i) * time.Hour).Truncate(time.Second))
		f.create(request)
	}
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("UserCredentialResetList"))
	f.poll(func() (bool, error) {
		if err := f.on.kube.List(t.Context(), list, client.InNamespace(f.namespace)); err != nil {
			return false, err
		}
		for i := range list.Items {
			if outcome, _, _ := unstructured.NestedString(list.Items[i].Object, "status", "outcome"); outcome == "" {
				return false, nil
			}
		}
		return len(list.Items) == historical, nil
	})
	for i := range list.Items {
		outcome, _, _ := unstructured.NestedString(list.Items[i].Object, "status", "outcome")
		computed, err := status.Compute(&list.Items[i])
		if err != nil {
			t.Fatal(err)
		}
		if outcome != string(v1alpha1.OutcomeSkipped) || computed.Status != status.CurrentStatus {
			t.Errorf("%s is %s, and kstatus says %s", list.Items[i].GetName(), outcome, computed.Status)
		}
		checkContract(t, &list.Items[i])
	}
	f.wantPosts(0)
	if got := f.lookUps(); got != 0 {
		t.Errorf("somebody was looked up %d times", got)
	}
	var records v1alpha1.ResetRecordList
	if err := f.on.kube.List(t.Context(), &records); err != nil {
		t.Fatal(err)
	}
	for i := range records.Items {
		if records.Items[i].Request.Namespace == f.namespace {
			t.Errorf("there is a record %s", records.Items[i].Name)
		}
	}
}

// TestNothingIsCarriedOutAfterADowntime lets a request's time pass while no operator
// is there.
func TestNothingIsCarriedOutAfterADowntime(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{apart: true, workspace: func(w *v1alpha1.RocketChatWorkspace) { w.Spec.RequestTimeoutSeconds = 1 }})
	request := f.request("lost-phone", "alice")
	request.Spec.NotAfterTime = metav1.NewTime(time.Now().Add(3 * time.Second).Truncate(time.Second))
	f.create(request)
	f.poll(func() (bool, error) { return time.Now().After(request.Spec.NotAfterTime.Time), nil })
	f.startOperator(cluster.OperatorOptions{})
	f.awaitReason("lost-phone", v1alpha1.ReasonNotAfterTimePassed)
	f.wantNoRecord("lost-phone")
	f.wantPosts(0)
}
