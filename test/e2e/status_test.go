package e2e

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// TestAStatusThatIsWipedComesBackFromTheRecord takes everything out of a status
// that the API server lets an administrator take.
func TestAStatusThatIsWipedComesBackFromTheRecord(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string // answer to the reset, if it is not the workspace's own
		reason string
	}{
		"of a request that succeeded": {reason: v1alpha1.ReasonResetAccepted},
		"of a request that failed": {
			status: http.StatusBadRequest, body: publishedInvalidUser, reason: v1alpha1.ReasonUserNotFound,
		},
		"of a request that was lost": {
			status: http.StatusBadGateway, body: `{}`, reason: v1alpha1.ReasonOutcomeUnconfirmed,
		},
		"of a request that waits for another attempt": {
			status: http.StatusBadRequest, body: publishedNotAllowed, reason: v1alpha1.ReasonPermissionMissing,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, fixtureOptions{})
			if test.body != "" {
				f.answerPosts(test.status, test.body)
			}
			f.ask("lost-phone", "alice")
			before := f.awaitReason("lost-phone", test.reason)
			if err := f.patchStatus(before, `{"status":null}`); !apierrors.IsInvalid(err) {
				t.Errorf("wiping outcome, target and recordRef was answered with %v", err)
			}
			if err := f.patchStatus(before, `{"status":{"conditions":null,"observedGeneration":null,"completionTime":null}}`); err != nil {
				t.Fatal(err)
			}
			after := f.awaitRequest("lost-phone", func(r *v1alpha1.UserCredentialReset) bool {
				return reasonOf(r) == test.reason && r.ResourceVersion != before.ResourceVersion
			})
			ignored := cmp.Options{
				cmpopts.IgnoreFields(metav1.Condition{}, "LastTransitionTime"),
				cmpopts.IgnoreFields(v1alpha1.UserCredentialResetStatus{}, "CompletionTime"),
			}
			if diff := cmp.Diff(before.Status, after.Status, ignored); diff != "" {
				t.Errorf("the status did not come back as it was (-before +after):\n%s", diff)
			}
			if (before.Status.CompletionTime == nil) != (after.Status.CompletionTime == nil) {
				t.Errorf("completionTime was %v and came back as %v", before.Status.CompletionTime, after.Status.CompletionTime)
			}
			f.wantPosts(1)
		})
	}
}

func (f *fixture) patchStatus(request *v1alpha1.UserCredentialReset, patch string) error {
	return f.on.kube.Status().Patch(f.t.Context(), request.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(patch)))
}

// TestAStatusIsRestampedWhenTheGenerationChanges respells notAfterTime, which the
// API server takes for the same spec, and counts as a new one.
func TestAStatusIsRestampedWhenTheGenerationChanges(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	f.ask("lost-phone", "alice")
	before := f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	other := before.Spec.NotAfterTime.UTC().Format("2006-01-02T15:04:05+00:00")
	patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"notAfterTime":"`+other+`"}}`))
	if err := f.on.kube.Patch(t.Context(), before.DeepCopy(), patch); err != nil {
		t.Fatal(err)
	}
	after := f.awaitRequest("lost-phone", func(r *v1alpha1.UserCredentialReset) bool {
		return *r.Status.ObservedGeneration == 2
	})
	if after.Generation != 2 || reasonOf(after) != v1alpha1.ReasonResetAccepted || *after.Status.CompletionTime != *before.Status.CompletionTime {
		t.Errorf("generation %d, status %+v", after.Generation, after.Status)
	}
	f.wantPosts(1)
	f.wantResets(simulator.SampleAliceID, 1)
}
