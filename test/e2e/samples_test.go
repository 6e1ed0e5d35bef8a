package e2e

import (
	"os"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// sample reads an object of config/samples.
func sample[T any](f *fixture, name string) *T {
	f.t.Helper()
	text, err := os.ReadFile(f.on.cluster.Path("config", "samples", name))
	if err != nil {
		f.t.Fatal(err)
	}
	object := new(T)
	if err := yaml.UnmarshalStrict(text, object); err != nil {
		f.t.Fatal(err)
	}
	return object
}

// TestTheSamplesOfAnApprovalWork does with the samples what their comments say.
func TestTheSamplesOfAnApprovalWork(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	if output, err := f.on.cluster.Kubectl(t.Context(), "apply", "--filename", f.on.cluster.Path("config", "samples", "namespaces.yaml")); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	secret, workspace := f.newSecret(), sample[v1alpha1.RocketChatWorkspace](f, "workspace-approval.yaml")
	secret.Namespace = workspace.Namespace
	f.create(secret)
	f.create(workspace)
	request := sample[v1alpha1.UserCredentialReset](f, "approval-request.yaml")
	f.namespace = request.Namespace
	f.withPeople()
	request.Spec.NotAfterTime = metav1.NewTime(time.Now().Add(time.Hour).Truncate(time.Second))
	if err := f.as(requester).Create(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	waiting := f.awaitReason(request.Name, v1alpha1.ReasonAwaitingApproval)
	approval := sample[v1alpha1.ResetApproval](f, "approval.yaml")
	if approval.Spec.UserID != waiting.Status.Target.UserID {
		t.Errorf("the sample approves %s, and the request means %s", approval.Spec.UserID, waiting.Status.Target.UserID)
	}
	approval.Spec.RequestUID = string(waiting.UID)
	if err := f.as(approver).Create(t.Context(), approval); err != nil {
		t.Fatal(err)
	}
	f.awaitReason(request.Name, v1alpha1.ReasonResetAccepted)
	f.wantPosts(1)
	f.wantResets(simulator.SampleBobID, 1)
}
