package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// TestRequestsThatAreNotToBeCarriedOut covers what a request's own times and
// origin decide: nobody is even looked up.
func TestRequestsThatAreNotToBeCarriedOut(t *testing.T) {
	t.Parallel()
	in := func(d time.Duration) metav1.Time { return metav1.NewTime(time.Now().Add(d).Truncate(time.Second)) }
	const day = 24 * time.Hour
	for name, test := range map[string]struct {
		change func(*v1alpha1.UserCredentialReset)
		reason string
	}{
		"created after its notAfterTime": {
			func(r *v1alpha1.UserCredentialReset) { r.Spec.NotAfterTime = in(-time.Minute) },
			v1alpha1.ReasonCreatedAfterNotAfterTime,
		},
		"created long after its notAfterTime": {
			func(r *v1alpha1.UserCredentialReset) { r.Spec.NotAfterTime = in(-30 * day) },
			v1alpha1.ReasonCreatedAfterNotAfterTime,
		},
		"too little time left for an answer": {
			func(r *v1alpha1.UserCredentialReset) { r.Spec.NotAfterTime = in(8 * time.Second) },
			v1alpha1.ReasonNotAfterTimePassed,
		},
		"restored from a backup": {
			func(r *v1alpha1.UserCredentialReset) {
				r.Labels = map[string]string{"velero.io/restore-name": "monday"}
			},
			v1alpha1.ReasonRestoredFromBackup,
		},
		"a hook of Argo CD": {
			func(r *v1alpha1.UserCredentialReset) {
				r.Annotations = map[string]string{"argocd.argoproj.io/hook": "PostSync"}
			},
			v1alpha1.ReasonHookNotSupported,
		},
		"a hook of Helm": {
			func(r *v1alpha1.UserCredentialReset) {
				r.Annotations = map[string]string{"helm.sh/hook": "post-install"}
			},
			v1alpha1.ReasonHookNotSupported,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, fixtureOptions{})
			request := f.request("lost-phone", "alice")
			test.change(request)
			f.create(request)
			f.awaitReason("lost-phone", test.reason)
			f.wantNoRecord("lost-phone")
			f.wantPosts(0)
			if got := f.lookUps(); got != 0 {
				t.Errorf("somebody was looked up %d times", got)
			}
		})
	}
}

// TestMoreThanSevenDaysAreRefused asks for too long a time where a policy refuses
// that, and where none does.
func TestMoreThanSevenDaysAreRefused(t *testing.T) {
	t.Parallel()
	long := metav1.NewTime(time.Now().Add(7*24*time.Hour + time.Minute).Truncate(time.Second))
	f := newFixture(t, fixtureOptions{})
	for _, until := range []metav1.Time{long, metav1.Date(2999, time.January, 1, 0, 0, 0, 0, time.UTC)} {
		refused := f.request("lost-phone", "alice")
		refused.Spec.NotAfterTime = until
		if err := f.on.kube.Create(t.Context(), refused); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "more than seven days") {
			t.Errorf("create until %s: %v", until, err)
		}
	}
	f = newFixture(t, fixtureOptions{apart: true})
	f.startOperator(cluster.OperatorOptions{})
	f.awaitWorkspace(v1alpha1.ReasonConnected)
	failed := f.request("lost-phone", "alice")
	failed.Spec.NotAfterTime = long
	f.create(failed)
	f.awaitReason("lost-phone", v1alpha1.ReasonValidityTooLong)
	f.wantNoRecord("lost-phone")
	f.wantPosts(0)
}

// TestAReplayIsAnnounced reads what kubectl prints of a request whose time is over.
func TestAReplayIsAnnounced(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{notReady: true, workspace: suspended})
	request := f.request("replayed", "alice")
	request.APIVersion, request.Kind = v1alpha1.GroupVersion.String(), "UserCredentialReset"
	request.Spec.NotAfterTime = metav1.NewTime(time.Now().Add(-time.Hour).Truncate(time.Second))
	manifest, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	output, err := f.on.cluster.KubectlWithInput(t.Context(), string(manifest), "apply", "--filename", "-")
	if err != nil || !strings.Contains(output, "Warning: ") || !strings.Contains(output, "will be Skipped, nothing will be reset") {
		t.Errorf("kubectl apply: %v\n%s", err, output)
	}
	f.awaitReason("replayed", v1alpha1.ReasonCreatedAfterNotAfterTime)
}

func TestAlmostSevenDaysAreAccepted(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	request := f.request("lost-phone", "alice")
	request.Spec.NotAfterTime = metav1.NewTime(time.Now().Add(7*24*time.Hour - time.Minute).Truncate(time.Second))
	f.create(request)
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.wantPosts(1)
	f.wantResets(simulator.SampleAliceID, 1)
}

// TestARequestExpiresWhileItWaits covers every kind of waiting that lasts.
func TestARequestExpiresWhileItWaits(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options fixtureOptions
		change  func(*v1alpha1.UserCredentialReset)
		waits   string
	}{
		"for a workspace": {
			change: func(r *v1alpha1.UserCredentialReset) { r.Spec.WorkspaceRef.Name = "absent" },
			waits:  v1alpha1.ReasonWorkspaceNotAvailable,
		},
		"for its type": {
			options: fixtureOptions{workspace: func(w *v1alpha1.RocketChatWorkspace) {
				w.Spec.AllowedTypes = []v1alpha1.ResetType{v1alpha1.ResetTypeE2EKey}
			}},
			waits: v1alpha1.ReasonTypeNotAllowed,
		},
		"for the end of a suspension": {
			options: fixtureOptions{notReady: true, workspace: func(w *v1alpha1.RocketChatWorkspace) {
				w.Spec.Suspend = new(true)
			}},
			waits: v1alpha1.ReasonWorkspaceSuspended,
		},
		"for a Secret": {
			options: fixtureOptions{noSecret: true},
			waits:   v1alpha1.ReasonWorkspaceNotReady,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, test.options)
			request := f.request("lost-phone", "alice")
			request.Spec.NotAfterTime = metav1.NewTime(time.Now().Add(25 * time.Second).Truncate(time.Second))
			if test.change != nil {
				test.change(request)
			}
			f.create(request)
			f.awaitReason("lost-phone", test.waits)
			done := f.awaitReason("lost-phone", v1alpha1.ReasonNotAfterTimePassed)
			if at := done.Status.CompletionTime; at.After(request.Spec.NotAfterTime.Add(5 * time.Second)) {
				t.Errorf("it ended at %v, its notAfterTime was %v", at, request.Spec.NotAfterTime)
			}
			f.wantNoRecord("lost-phone")
			f.wantPosts(0)
		})
	}
}
