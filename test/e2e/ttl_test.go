package e2e

import (
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// TestARequestIsDeletedWhenItHasOutlivedItsUse has a request deleted that ended, and
// then applied again by whoever keeps it in a repository.
func TestARequestIsDeletedWhenItHasOutlivedItsUse(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{workspace: func(w *v1alpha1.RocketChatWorkspace) { w.Spec.RequestTimeoutSeconds = 3 }})
	request := f.request("lost-phone", "alice")
	request.Spec.TTLSecondsAfterFinished = new(int32(0))
	request.Spec.NotAfterTime = metav1.NewTime(time.Now().Add(10 * time.Second).Truncate(time.Second))
	kept := request.DeepCopy()
	kept.Name, kept.Spec.User.Username, kept.Spec.TTLSecondsAfterFinished = "kept", "bob", nil
	again := request.DeepCopy()
	f.create(kept)
	f.create(request)
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.awaitReason("kept", v1alpha1.ReasonResetAccepted)
	f.poll(func() (bool, error) {
		err := f.on.kube.Get(t.Context(), client.ObjectKeyFromObject(request), request)
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	})
	if time.Now().Before(again.Spec.NotAfterTime.Time) {
		t.Error("the request was deleted before its notAfterTime")
	}
	f.record("lost-phone")
	f.awaitReason("kept", v1alpha1.ReasonResetAccepted)

	f.create(again)
	f.awaitReason("lost-phone", v1alpha1.ReasonAlreadyCarriedOut)
	f.wantPosts(2)
	f.wantResets(simulator.SampleAliceID, 1)
}
