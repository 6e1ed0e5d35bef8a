package e2e

import (
	"os"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// stamp installs the stamping policies as they ship, for the fixture's namespace
// alone: other tests need names that are left out.
func (f *fixture) stamp() {
	f.t.Helper()
	for _, file := range []string{"requested-by.yaml", "approved-by.yaml"} {
		text, err := os.ReadFile(f.on.cluster.Path("config", "policy", "stamping", file))
		if err != nil {
			f.t.Fatal(err)
		}
		for document := range strings.SplitSeq(string(text), "\n---\n") {
			object := &unstructured.Unstructured{}
			if err := yaml.Unmarshal([]byte(document), &object.Object); err != nil {
				f.t.Fatal(err)
			}
			if object.GetKind() == "MutatingAdmissionPolicyBinding" {
				selector := map[string]any{"matchLabels": map[string]any{"kubernetes.io/metadata.name": f.namespace}}
				if err := unstructured.SetNestedMap(object.Object, selector, "spec", "matchResources", "namespaceSelector"); err != nil {
					f.t.Fatal(err)
				}
			}
			f.create(object)
		}
	}
	// The API server follows a moment later, one policy after the other.
	f.poll(func() (bool, error) {
		request := f.request("probe", "alice")
		approval := f.decision(v1alpha1.DecisionDenied, request, simulator.SampleAliceID)
		approval.Spec.RequestUID, approval.Spec.ApprovedBy = "none", ""
		for _, object := range []client.Object{request, approval} {
			if err := f.on.kube.Create(f.t.Context(), object, client.DryRunAll); err != nil {
				return false, err
			}
		}
		return request.Spec.RequestedBy != "" && approval.Spec.ApprovedBy != "", nil
	})
}

// TestNamesAreStamped has the API server fill in who asks and who approves, and keep
// it when a manifest without the name is applied again.
func TestNamesAreStamped(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{workspace: approvalFor(v1alpha1.ResetTypeTOTP)}).withPeople()
	f.stamp()
	request := f.request("lost-phone", "alice")
	kept := request.DeepCopy()
	if err := f.as(requester).Create(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	if request.Spec.RequestedBy != requester {
		t.Errorf("stamped with %q", request.Spec.RequestedBy)
	}
	f.awaitReason("lost-phone", v1alpha1.ReasonAwaitingApproval)
	// A tool that applies the manifest, under another name, changes nothing.
	f.mustKubectl(kept, "apply")
	f.mustKubectl(kept, "apply", "--server-side", "--field-manager=kustomize-controller", "--force-conflicts")
	f.mustKubectl(kept, "replace")
	f.get(request)
	if request.Spec.RequestedBy != requester || request.Generation != 1 {
		t.Errorf("after it was applied again, requestedBy is %q and the generation %d", request.Spec.RequestedBy, request.Generation)
	}
	approval := f.decision(v1alpha1.DecisionApproved, request, simulator.SampleAliceID)
	approval.Spec.ApprovedBy = ""
	if err := f.as(approver).Create(t.Context(), approval); err != nil {
		t.Fatal(err)
	}
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	if got := f.record("lost-phone"); got.RequestedBy != requester || got.Approval.ApprovedBy != approver {
		t.Errorf("recorded: asked by %q, approved by %+v", got.RequestedBy, got.Approval)
	}
	f.wantPosts(1)
}
