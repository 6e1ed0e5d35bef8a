package e2e

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// suspended begins a workspace in which nothing is reset yet.
func suspended(w *v1alpha1.RocketChatWorkspace) { w.Spec.Suspend = new(true) }

func TestARequestThatIsDeletedWhileItWaitsIsNotCarriedOut(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{notReady: true, workspace: suspended})
	request := f.ask("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonWorkspaceSuspended)
	f.delete(request)
	f.suspend(false)
	f.wantOthersServed()
	f.wantNoRecord("lost-phone")
	f.wantPosts(1)
	f.wantResets(simulator.SampleAliceID, 0)
}

// wantOthersServed asks for a reset of bob and waits until it has succeeded. What
// the operator had to do before, it has done by then.
func (f *fixture) wantOthersServed() {
	f.t.Helper()
	f.ask("other", "bob")
	f.awaitReason("other", v1alpha1.ReasonResetAccepted)
}

// TestADeletionThatTheOperatorHasNotHeardOf holds the operator's watch of requests
// back, so that its cache still shows a request which the API server has no more.
func TestADeletionThatTheOperatorHasNotHeardOf(t *testing.T) {
	t.Parallel()
	t.Run("the request is gone", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, fixtureOptions{apart: true, workspace: suspended})
		release, reads := f.deleteUnheard("lost-phone")
		f.suspend(false)
		if code := receive(f, reads); code != http.StatusNotFound {
			t.Errorf("the operator looked for the request and was answered with %d", code)
		}
		release()
		f.wantOthersServed()
		f.wantNoRecord("lost-phone")
		f.wantPosts(1)
		f.wantResets(simulator.SampleAliceID, 0)
	})
	t.Run("another request took its name", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, fixtureOptions{apart: true, workspace: suspended})
		release, reads := f.deleteUnheard("lost-phone")
		heir := f.request("lost-phone", "carol")
		f.create(heir)
		f.suspend(false)
		if code := receive(f, reads); code != http.StatusOK {
			t.Errorf("the operator looked for the request and was answered with %d", code)
		}
		f.wantNoRecord("lost-phone")
		release()
		f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
		if got := f.record("lost-phone").Request.UID; got != string(heir.UID) {
			t.Errorf("the record is for the UID %s, want %s", got, heir.UID)
		}
		f.wantPosts(1)
		f.wantResets(simulator.SampleCarolID, 1)
	})
}

// deleteUnheard makes a request that waits for its suspended workspace, and deletes
// it without the operator's knowing. It returns how to let the operator hear, and
// the answers that the API server gives it when it looks for the request itself.
func (f *fixture) deleteUnheard(name string) (release func(), reads <-chan int) {
	f.t.Helper()
	proxy := f.startProxy(nil)
	request := f.ask(name, "alice")
	f.awaitReason(name, v1alpha1.ReasonWorkspaceSuspended)
	f.awaitCaughtUp()
	release = proxy.Hold(cluster.ListsAndWatches("usercredentialresets"))
	f.t.Cleanup(release)
	f.delete(request)
	return release, answersTo(proxy, "/usercredentialresets/"+name)
}

// awaitCaughtUp waits until the operator has heard of all that happened to requests
// so far: it answers a later one.
func (f *fixture) awaitCaughtUp() {
	f.t.Helper()
	late := f.request("caught-up", "nobody")
	late.Spec.NotAfterTime = metav1.NewTime(time.Now().Add(-time.Hour).Truncate(time.Second))
	f.create(late)
	f.awaitReason("caught-up", v1alpha1.ReasonCreatedAfterNotAfterTime)
}

// answersTo are the status codes with which single objects under the path are read
// from now on.
func answersTo(proxy *cluster.Proxy, path string) <-chan int {
	codes := make(chan int, 100)
	proxy.Intercept(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, path) {
			next.ServeHTTP(rw, r)
			return
		}
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		maps.Copy(rw.Header(), answer.Header())
		rw.WriteHeader(answer.Code)
		_, _ = rw.Write(answer.Body.Bytes())
		codes <- answer.Code
	})
	return codes
}

// TestASuspensionThatTheOperatorHasNotHeardOf holds the operator's watch of
// workspaces back.
func TestASuspensionThatTheOperatorHasNotHeardOf(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{apart: true})
	proxy := f.startProxy(nil)
	f.awaitWorkspace(v1alpha1.ReasonConnected)
	release := proxy.Hold(cluster.ListsAndWatches("rocketchatworkspaces"))
	t.Cleanup(release)
	f.suspend(true)
	f.ask("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonWorkspaceSuspended)
	f.wantNoRecord("lost-phone")
	f.wantPosts(0)
	f.suspend(false)
	release()
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.wantPosts(1)
	f.wantResets(simulator.SampleAliceID, 1)
}

// TestARequestThatIsDeletedDuringTheCallIsRecorded deletes the request, and then
// lets the call that is under way go on.
func TestARequestThatIsDeletedDuringTheCallIsRecorded(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	release := f.holdPosts()
	request := f.ask("lost-phone", "alice")
	f.awaitPosts(1)
	f.delete(request)
	f.poll(func() (bool, error) {
		err := f.on.kube.Get(t.Context(), client.ObjectKeyFromObject(request), request)
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	})
	release()
	f.awaitAttempt("lost-phone", v1alpha1.AttemptSucceeded, v1alpha1.ReasonResetAccepted)
	f.wantPosts(1)
	f.wantResets(simulator.SampleAliceID, 1)
	// Who asks again under that name learns that it was done.
	f.ask("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonAlreadyCarriedOut)
	f.wantPosts(1)
}

// TestAFinishedRequestStaysAsItEnded takes away what a finished request rests on.
func TestAFinishedRequestStaysAsItEnded(t *testing.T) {
	t.Parallel()
	ends := map[string]struct {
		body   string // answer to the first reset, if it is not the workspace's own
		reason string
	}{
		"succeeded":   {reason: v1alpha1.ReasonResetAccepted},
		"failed":      {body: publishedInvalidUser, reason: v1alpha1.ReasonUserNotFound},
		"unconfirmed": {body: `{"success":false}`, reason: v1alpha1.ReasonOutcomeUnconfirmed},
	}
	takeAway := map[string]func(*fixture){
		"the record is deleted": func(f *fixture) { f.delete(f.record("lost-phone")) },
		"the workspace and its Secret are deleted and come back": func(f *fixture) {
			f.delete(f.workspace)
			f.delete(f.secret)
			f.recreate()
		},
		"record, workspace and Secret are deleted and the latter come back": func(f *fixture) {
			f.delete(f.workspace)
			f.delete(f.secret)
			f.delete(f.record("lost-phone"))
			f.recreate()
		},
	}
	for end, how := range ends {
		for loss, take := range takeAway {
			t.Run("it "+end+" and "+loss, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t, fixtureOptions{})
				if how.body != "" {
					f.answerPosts(http.StatusBadRequest, how.body)
				}
				f.ask("lost-phone", "alice")
				before := f.awaitReason("lost-phone", how.reason)
				f.chat.Intercept(nil)
				take(f)
				f.wantUnmoved(before)
			})
		}
	}
}

// recreate makes workspace and Secret anew, as a restored namespace has them.
func (f *fixture) recreate() {
	f.t.Helper()
	for _, object := range []client.Object{f.secret, f.workspace} {
		object.SetResourceVersion("")
		object.SetUID(types.UID(""))
		f.create(object)
	}
	f.awaitWorkspace(v1alpha1.ReasonConnected)
}

// wantUnmoved makes the operator look at the finished request once more, and says
// that neither a call nor a write comes of it.
func (f *fixture) wantUnmoved(before *v1alpha1.UserCredentialReset) {
	f.t.Helper()
	now := before.DeepCopy()
	f.update(now, func() { now.Labels = map[string]string{"touched": "true"} })
	touched := now.ResourceVersion
	f.wantOthersServed()
	f.get(now)
	if diff := cmp.Diff(before.Status, now.Status); diff != "" {
		f.t.Errorf("the status changed (-before +now):\n%s", diff)
	}
	if now.ResourceVersion != touched {
		f.t.Errorf("the request was written to: %+v", now.ManagedFields)
	}
	f.wantPosts(2) // one of the request itself, one of the other
	f.wantResets(simulator.SampleBobID, 1)
}

// TestARecordThatIsLostWhileItsRequestWaits deletes the record of an attempt after
// which another one would follow: the memory is gone, so none may.
func TestARecordThatIsLostWhileItsRequestWaits(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{settings: func(s *simulator.Settings) { s.TwoFactor = false }})
	f.ask("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonTypeNotAvailable)
	f.delete(f.record("lost-phone"))
	f.awaitReason("lost-phone", v1alpha1.ReasonRecordLost)
	f.chat.UpdateSettings(func(s *simulator.Settings) { s.TwoFactor = true })
	f.wantOthersServed()
	f.awaitReason("lost-phone", v1alpha1.ReasonRecordLost)
	f.wantNoRecord("lost-phone")
	f.wantPosts(2)
	f.wantResets(simulator.SampleAliceID, 0)
}

// TestARecordThatIsLostDuringTheCall deletes the record while the call is under
// way: the truth then stands in the request alone.
func TestARecordThatIsLostDuringTheCall(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	release := f.holdPosts()
	f.ask("lost-phone", "alice")
	f.awaitPosts(1)
	f.delete(f.record("lost-phone"))
	release()
	done := f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.wantNoRecord("lost-phone")
	f.wantUnmoved(done)
	f.wantResets(simulator.SampleAliceID, 1)
}
