package gitops

import (
	"testing"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/utils"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

// TestFluxLeavesAloneWhatIsThere has Flux apply a request that has been changed in the
// repository, with what the example says, and even with force: the one that is there
// stays, and its health counts no more.
func TestFluxLeavesAloneWhatIsThere(t *testing.T) {
	t.Parallel()
	there := lostRequest(t)
	kube := fake.NewClientBuilder().WithObjects(there.DeepCopy()).Build()
	manager := ssa.NewResourceManager(kube, nil, ssa.Owner{Field: "kustomize-controller", Group: kustomizev1.GroupVersion.Group})
	changed := there.DeepCopy()
	if err := unstructured.SetNestedField(changed.Object, "bob", "spec", "user", "username"); err != nil {
		t.Fatal(err)
	}
	metadata := kustomizations(t)["credential-reset-requests"].Spec.CommonMetadata
	utils.SetCommonMetadata([]*unstructured.Unstructured{changed}, metadata.Labels, metadata.Annotations)
	options := ssa.DefaultApplyOptions()
	options.Force = true
	options.IfNotPresentSelector = map[string]string{kustomizev1.GroupVersion.Group + "/ssa": kustomizev1.IfNotPresentValue}
	changes, err := manager.ApplyAll(t.Context(), []*unstructured.Unstructured{changed}, options)
	if err != nil {
		t.Fatal(err)
	}
	if len(changes.Entries) != 1 || changes.Entries[0].Action != ssa.SkippedAction {
		t.Errorf("Flux did %v", changes.Entries)
	}
	got := there.DeepCopy()
	if err := kube.Get(t.Context(), client.ObjectKeyFromObject(there), got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(there.Object["spec"], got.Object["spec"]); diff != "" || got.GetUID() != there.GetUID() {
		t.Errorf("the request is another one (-want +got):\n%s", diff)
	}
}
