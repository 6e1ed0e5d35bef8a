package e2e

import (
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// TestAnOperatorThatIsAskedToStopRecordsWhatIsInFlight sends SIGTERM while a reset
// is being called.
func TestAnOperatorThatIsAskedToStopRecordsWhatIsInFlight(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{apart: true})
	operator := f.startOperator(cluster.OperatorOptions{})
	f.awaitWorkspace(v1alpha1.ReasonConnected)
	release := f.holdPosts()
	f.ask("in-flight", "alice")
	f.awaitPosts(1)
	if err := operator.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	f.poll(func() (bool, error) { return strings.Contains(operator.Logs(), "Stopping and waiting"), nil })
	f.ask("too-late", "bob")
	release()
	f.stopOperator(operator) // the signal for a second time; it must end with status 0
	f.awaitAttempt("in-flight", v1alpha1.AttemptSucceeded, v1alpha1.ReasonResetAccepted)
	done := f.awaitReason("in-flight", v1alpha1.ReasonResetAccepted)
	f.wantNoRecord("too-late")
	f.wantPosts(1)
	f.wantResets(simulator.SampleAliceID, 1)

	// The next one finds the first request finished, and takes up the second.
	f.startOperator(cluster.OperatorOptions{})
	f.awaitReason("too-late", v1alpha1.ReasonResetAccepted)
	after := done.DeepCopy()
	f.get(after)
	if diff := cmp.Diff(done.Status, after.Status); diff != "" || after.ResourceVersion != done.ResourceVersion {
		t.Errorf("the finished request changed (-before +after):\n%s", diff)
	}
	f.wantPosts(2)
	f.wantResets(simulator.SampleAliceID, 1)
	f.wantResets(simulator.SampleBobID, 1)
}

// TestAnAttemptOfAnOperatorThatWasKilledIsLost kills the operator while a reset is
// being called. Nobody can know what became of it, so nobody calls again.
func TestAnAttemptOfAnOperatorThatWasKilledIsLost(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{apart: true})
	operator := f.startOperator(cluster.OperatorOptions{})
	f.awaitWorkspace(v1alpha1.ReasonConnected)
	release := f.holdPosts()
	f.ask("in-flight", "alice")
	f.awaitPosts(1)
	if err := operator.Kill(); err != nil {
		t.Fatal(err)
	}
	release()
	f.awaitJournal(func(j simulator.Journal) bool { return j.ResetsOf(simulator.SampleAliceID) == 1 })
	f.startOperator(cluster.OperatorOptions{})
	f.awaitReason("in-flight", v1alpha1.ReasonAttemptPending)
	f.ask("impatient", "alice")
	f.awaitReason("impatient", v1alpha1.ReasonTargetBusy)
	// Others are served meanwhile.
	f.ask("other", "bob")
	f.awaitReason("other", v1alpha1.ReasonResetAccepted)

	f.awaitAttempt("in-flight", v1alpha1.AttemptUnconfirmed, v1alpha1.ReasonOutcomeUnconfirmed)
	f.awaitReason("in-flight", v1alpha1.ReasonOutcomeUnconfirmed)
	f.awaitReason("impatient", v1alpha1.ReasonTargetBusy)
	f.wantPosts(2)
	f.wantResets(simulator.SampleAliceID, 1)
}

// TestAnOperatorThatIsKilledBetweenResetsCarriesOn restarts the operator while a
// request waits for another attempt: what it knew is in the record.
func TestAnOperatorThatIsKilledBetweenResetsCarriesOn(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{apart: true, users: func(all []simulator.User) []simulator.User {
		all[0].TOTP.Secret = simulator.SampleTOTPSecret // not the one in the Secret
		return all
	}})
	operator := f.startOperator(cluster.OperatorOptions{})
	f.ask("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonRetrying)
	if err := operator.Kill(); err != nil {
		t.Fatal(err)
	}
	// The next one knows of the first code that was refused, and tries one more.
	operator = f.startOperator(cluster.OperatorOptions{})
	f.awaitWorkspace(v1alpha1.ReasonSecondFactorRejected)
	f.awaitReason("lost-phone", v1alpha1.ReasonWorkspaceNotReady)
	f.wantPosts(2)
	if err := operator.Kill(); err != nil {
		t.Fatal(err)
	}
	calls := len(f.chat.Journal().Requests)
	// The next one does not try the refused factor again, nor for anybody else.
	f.startOperator(cluster.OperatorOptions{})
	f.ask("other", "bob")
	f.awaitReason("other", v1alpha1.ReasonWorkspaceNotReady)
	f.awaitReason("lost-phone", v1alpha1.ReasonWorkspaceNotReady)
	f.wantPosts(2)
	if got := len(f.chat.Journal().Requests); got != calls {
		t.Errorf("%d calls after the restart", got-calls)
	}
	f.chat.UpdateUser(simulator.SampleBotID, func(bot *simulator.User) { bot.TOTP.Secret = canaryTOTP })
	f.update(f.secret, func() { f.secret.Labels = map[string]string{"repaired": "in-rocketchat"} })
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.awaitReason("other", v1alpha1.ReasonResetAccepted)
	f.wantPosts(4)
}

// TestTwoOperatorsAtOnceResetOnce has two operators work for the same namespace, as
// it happens when nobody elects a leader.
func TestTwoOperatorsAtOnceResetOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{apart: true})
	f.startOperator(cluster.OperatorOptions{})
	f.startOperator(cluster.OperatorOptions{})
	f.awaitWorkspace(v1alpha1.ReasonConnected)
	wanted := map[string]string{
		"alice": simulator.SampleAliceID, "bob": simulator.SampleBobID, "carol": simulator.SampleCarolID,
	}
	for username := range wanted {
		f.ask("for-"+username, username)
	}
	for username, id := range wanted {
		f.awaitReason("for-"+username, v1alpha1.ReasonResetAccepted)
		f.wantResets(id, 1)
	}
	f.wantPosts(len(wanted))
}

// TestAResultIsKeptWhileTheAPIServerIsAway cuts the operator off from the records
// between the call and the writing of its result.
func TestAResultIsKeptWhileTheAPIServerIsAway(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{apart: true})
	var away atomic.Bool
	tries := make(chan struct{}, 1000)
	away.Store(true)
	f.startProxy(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodPatch && strings.Contains(r.URL.Path, "/resetrecords/") && away.Load() {
			tries <- struct{}{}
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(rw, r)
	})
	f.ask("lost-phone", "alice")
	for range 3 {
		receive(f, tries)
	}
	away.Store(false)
	f.awaitAttempt("lost-phone", v1alpha1.AttemptSucceeded, v1alpha1.ReasonResetAccepted)
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.wantPosts(1)
	f.wantResets(simulator.SampleAliceID, 1)
}

// TestFinishedRequestsCostNothingAtAStart watches what a new operator does about
// requests that have ended: no write to them or their records.
func TestFinishedRequestsCostNothingAtAStart(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{apart: true})
	operator := f.startOperator(cluster.OperatorOptions{})
	f.ask("succeeded", "alice")
	f.ask("failed", "zoe")
	f.awaitReason("succeeded", v1alpha1.ReasonResetAccepted)
	f.awaitReason("failed", v1alpha1.ReasonUserNotFound)
	f.stopOperator(operator)
	f.startProxy(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		about := strings.Contains(r.URL.Path, "/succeeded") || strings.Contains(r.URL.Path, "/failed")
		if about && r.Method != http.MethodGet {
			t.Errorf("the operator sent %s %s", r.Method, r.URL.Path)
		}
		next.ServeHTTP(rw, r)
	})
	f.wantOthersServed()
	f.wantPosts(2)
}

// TestAnOperatorOfSomeNamespacesLeavesTheOthersAlone shows an operator records and
// requests of a namespace that is not its own. Records have no namespace: it sees
// them all.
func TestAnOperatorOfSomeNamespacesLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{apart: true})
	elsewhere := f.in(t)
	elsewhere.namespace = f.newNamespace("elsewhere")
	theirs := elsewhere.request("theirs", "alice")
	f.create(theirs)
	former := elsewhere.request("former", "alice")
	f.create(f.formerRecord(former, attempt(0, v1alpha1.AttemptSucceeded, v1alpha1.ReasonResetAccepted)))
	operator := f.startOperator(cluster.OperatorOptions{})
	f.wantOthersServed()
	abroad := f.request("abroad", "carol")
	abroad.Spec.WorkspaceRef.Namespace = elsewhere.namespace
	f.create(abroad)
	f.awaitReason("abroad", v1alpha1.ReasonWorkspaceNotAvailable)
	f.get(theirs)
	if len(theirs.Status.Conditions) > 0 {
		t.Errorf("the request of another namespace was written to: %+v", theirs.Status)
	}
	f.wantPosts(1)
	for line := range strings.Lines(operator.Logs()) {
		if strings.Contains(line, `"level":"ERROR"`) {
			t.Errorf("the operator complains: %s", line)
			break
		}
	}
}
