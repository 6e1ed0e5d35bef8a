package e2e

import (
	"maps"
	"testing"
	"time"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// formerRecord is the record of an earlier request of the same name, which is gone.
func (f *fixture) formerRecord(request *v1alpha1.UserCredentialReset, attempts ...v1alpha1.Attempt) *v1alpha1.ResetRecord {
	record := &v1alpha1.ResetRecord{
		ObjectMeta: metav1.ObjectMeta{Name: reset.RecordName(request.Namespace, request.Name)},
		Request: v1alpha1.RequestReference{
			Namespace: request.Namespace, Name: request.Name, UID: uuid.NewString(),
		},
		Workspace:    v1alpha1.RecordedWorkspace{Namespace: f.namespace, Name: "chat"},
		Target:       v1alpha1.Target{Host: f.server.URL, UserID: simulator.SampleAliceID, Username: "alice"},
		Type:         v1alpha1.ResetTypeTOTP,
		NotAfterTime: request.Spec.NotAfterTime,
		Attempts:     attempts,
	}
	return record
}

// attempt is one of some time ago.
func attempt(ago time.Duration, result v1alpha1.AttemptResult, reason string) v1alpha1.Attempt {
	started := metav1.NewTime(time.Now().Add(-ago).Truncate(time.Second))
	a := v1alpha1.Attempt{ID: uuid.NewString(), StartTime: started, SecretResourceVersion: "1", Result: result, Reason: reason}
	if result != "" {
		a.EndTime = &started
	}
	return a
}

// awaitRecordsHeard returns when the operator has heard of all records so far. It hears
// of them in the order in which they were stored, and gives an old attempt up at once.
// One that hears of a request first looks its user up, and finds out when it claims.
func (f *fixture) awaitRecordsHeard() {
	f.t.Helper()
	marker := f.formerRecord(f.request("marker", "carol"), attempt(16*time.Minute, "", ""))
	marker.Target.UserID, marker.Target.Username = simulator.SampleCarolID, "carol"
	f.create(marker)
	f.awaitAttempt("marker", v1alpha1.AttemptUnconfirmed, v1alpha1.ReasonOutcomeUnconfirmed)
}

// usedName is a name with a record already, and what becomes of a request of it.
type usedName struct {
	attempts []v1alpha1.Attempt
	record   func(*v1alpha1.ResetRecord)
	request  func(*v1alpha1.UserCredentialReset)
	reason   string
}

// usedForTheSame are names under which the same was asked for before.
func usedForTheSame() map[string]usedName {
	const hour = time.Hour
	succeededThen := attempt(hour, v1alpha1.AttemptSucceeded, v1alpha1.ReasonResetAccepted)
	lost := attempt(hour, v1alpha1.AttemptUnconfirmed, v1alpha1.ReasonOutcomeUnconfirmed)
	lateSuccess, lateRefusal := lost, lost
	lateSuccess.LateResult, lateRefusal.LateResult = v1alpha1.AttemptSucceeded, v1alpha1.AttemptRefused
	return map[string]usedName{
		"that succeeded": {
			attempts: []v1alpha1.Attempt{succeededThen},
			reason:   v1alpha1.ReasonAlreadyCarriedOut,
		},
		"that succeeded at the second attempt": {
			attempts: []v1alpha1.Attempt{attempt(2*hour, v1alpha1.AttemptNotSent, v1alpha1.ReasonConnectionFailed), succeededThen},
			reason:   v1alpha1.ReasonAlreadyCarriedOut,
		},
		"that was lost": {
			attempts: []v1alpha1.Attempt{lost},
			reason:   v1alpha1.ReasonOutcomeUnconfirmed,
		},
		"that was lost and turned out to have succeeded": {
			attempts: []v1alpha1.Attempt{lateSuccess},
			reason:   v1alpha1.ReasonAlreadyCarriedOut,
		},
		"that was lost and turned out to have been refused": {
			attempts: []v1alpha1.Attempt{lateRefusal},
			reason:   v1alpha1.ReasonNameAlreadyUsed,
		},
		"that was refused": {
			attempts: []v1alpha1.Attempt{attempt(hour, v1alpha1.AttemptRefused, v1alpha1.ReasonUserNotFound)},
			reason:   v1alpha1.ReasonNameAlreadyUsed,
		},
		"that was never sent": {
			attempts: []v1alpha1.Attempt{attempt(hour, v1alpha1.AttemptNotSent, v1alpha1.ReasonConnectionFailed)},
			reason:   v1alpha1.ReasonNameAlreadyUsed,
		},
		"that is open and far too old": {
			attempts: []v1alpha1.Attempt{attempt(16*time.Minute, "", "")},
			reason:   v1alpha1.ReasonOutcomeUnconfirmed,
		},
	}
}

// usedForAnother are names under which something else was asked for before.
func usedForAnother() map[string]usedName {
	succeededThen := attempt(time.Hour, v1alpha1.AttemptSucceeded, v1alpha1.ReasonResetAccepted)
	lost := attempt(time.Hour, v1alpha1.AttemptUnconfirmed, v1alpha1.ReasonOutcomeUnconfirmed)
	return map[string]usedName{
		"that succeeded for another user": {
			attempts: []v1alpha1.Attempt{succeededThen},
			record: func(r *v1alpha1.ResetRecord) {
				r.Target.UserID, r.Target.Username = simulator.SampleBobID, "bob"
			},
			reason: v1alpha1.ReasonNameAlreadyUsed,
		},
		"that succeeded for the same name with another id": {
			attempts: []v1alpha1.Attempt{succeededThen},
			request:  func(r *v1alpha1.UserCredentialReset) { r.Spec.User.ID = simulator.SampleBobID },
			reason:   v1alpha1.ReasonNameAlreadyUsed,
		},
		"that succeeded for another type": {
			attempts: []v1alpha1.Attempt{succeededThen},
			record:   func(r *v1alpha1.ResetRecord) { r.Type = v1alpha1.ResetTypeE2EKey },
			reason:   v1alpha1.ReasonNameAlreadyUsed,
		},
		"that succeeded in a workspace of another namespace": {
			attempts: []v1alpha1.Attempt{succeededThen},
			record:   func(r *v1alpha1.ResetRecord) { r.Workspace.Namespace = "elsewhere" },
			reason:   v1alpha1.ReasonNameAlreadyUsed,
		},
		"that was refused, and that now points to another namespace": {
			attempts: []v1alpha1.Attempt{attempt(time.Hour, v1alpha1.AttemptRefused, v1alpha1.ReasonPermissionMissing)},
			request:  func(r *v1alpha1.UserCredentialReset) { r.Spec.WorkspaceRef.Namespace = "elsewhere" },
			reason:   v1alpha1.ReasonNameAlreadyUsed,
		},
		"that was lost, and that now points to another namespace": {
			attempts: []v1alpha1.Attempt{lost},
			request:  func(r *v1alpha1.UserCredentialReset) { r.Spec.WorkspaceRef.Namespace = "elsewhere" },
			reason:   v1alpha1.ReasonOutcomeUnconfirmed,
		},
		"whose record claims to be for another name": {
			attempts: []v1alpha1.Attempt{attempt(time.Hour, v1alpha1.AttemptNotSent, v1alpha1.ReasonConnectionFailed)},
			record:   func(r *v1alpha1.ResetRecord) { r.Request.Name = "another" },
			reason:   v1alpha1.ReasonNameAlreadyUsed,
		},
	}
}

// TestARequestUnderAUsedNameIsNeverCarriedOut creates requests whose name has a
// record already. Whatever stands in it, nothing is called.
func TestARequestUnderAUsedNameIsNeverCarriedOut(t *testing.T) {
	t.Parallel()
	names := usedForTheSame()
	maps.Copy(names, usedForAnother())
	for name, test := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, fixtureOptions{})
			request := f.request("lost-phone", "alice")
			if test.request != nil {
				test.request(request)
			}
			record := f.formerRecord(request, test.attempts...)
			if test.record != nil {
				test.record(record)
			}
			f.create(record)
			f.awaitRecordsHeard()
			f.create(request)
			done := f.awaitReason("lost-phone", test.reason)
			if done.Status.RecordRef != nil {
				t.Errorf("recordRef %+v points to the record of another request", done.Status.RecordRef)
			}
			if got := f.record("lost-phone"); len(got.Attempts) != len(test.attempts) {
				t.Errorf("attempts %+v", got.Attempts)
			}
			if got := f.lookUps(); got != 0 {
				t.Errorf("somebody was looked up %d times", got)
			}
			f.wantPosts(0)
		})
	}
}

// TestARequestUnderAUsedNameFollowsAnOpenAttempt lets an attempt of an earlier
// request of the name end while the later one waits.
func TestARequestUnderAUsedNameFollowsAnOpenAttempt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		result v1alpha1.AttemptResult
		reason string
		want   string
	}{
		"that succeeds":    {v1alpha1.AttemptSucceeded, v1alpha1.ReasonResetAccepted, v1alpha1.ReasonAlreadyCarriedOut},
		"that is lost":     {v1alpha1.AttemptUnconfirmed, v1alpha1.ReasonOutcomeUnconfirmed, v1alpha1.ReasonOutcomeUnconfirmed},
		"that is refused":  {v1alpha1.AttemptRefused, v1alpha1.ReasonPermissionMissing, v1alpha1.ReasonNameAlreadyUsed},
		"that is not sent": {v1alpha1.AttemptNotSent, v1alpha1.ReasonConnectionFailed, v1alpha1.ReasonNameAlreadyUsed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, fixtureOptions{})
			request := f.request("lost-phone", "alice")
			record := f.formerRecord(request, attempt(0, "", ""))
			f.create(record)
			f.create(request)
			f.awaitReason("lost-phone", v1alpha1.ReasonTargetBusy)
			f.update(record, func() {
				ended := metav1.NewTime(time.Now().Truncate(time.Second))
				open := &record.Attempts[0]
				open.Result, open.Reason, open.EndTime = test.result, test.reason, &ended
			})
			f.awaitReason("lost-phone", test.want)
			f.wantPosts(0)
		})
	}
}

// TestARequestThatIsAppliedAgainIsSkipped deletes a request that succeeded and
// creates the same one again, as a replay from a repository does.
func TestARequestThatIsAppliedAgainIsSkipped(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	f.ask("lost-phone", "alice")
	f.delete(f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted))
	f.ask("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonAlreadyCarriedOut)
	// Under a new name, and asked for afterwards, it is a new wish.
	f.awaitNextSecond(f.record("lost-phone").Attempts[0].EndTime)
	f.ask("lost-phone-again", "alice")
	f.awaitReason("lost-phone-again", v1alpha1.ReasonResetAccepted)
	f.wantPosts(2)
}

// awaitNextSecond waits until the API server stamps later than the time: stamps
// have whole seconds.
func (f *fixture) awaitNextSecond(after *metav1.Time) {
	f.t.Helper()
	f.poll(func() (bool, error) {
		probe := f.request("stamp", "nobody")
		probe.Spec.NotAfterTime = metav1.NewTime(time.Now().Add(-time.Hour).Truncate(time.Second))
		probe.GenerateName, probe.Name = "stamp-", ""
		err := f.on.kube.Create(f.t.Context(), probe)
		return probe.CreationTimestamp.After(after.Time), err
	})
}

// rivalry is a record for the same user that was made for a request of another
// name, and what becomes of a request beside it.
type rivalry struct {
	rival  v1alpha1.Attempt
	change func(*v1alpha1.ResetRecord)
	reason string
	posts  int
}

func rivalries() map[string]rivalry {
	endless := attempt(6*time.Minute, v1alpha1.AttemptUnconfirmed, v1alpha1.ReasonOutcomeUnconfirmed)
	endless.EndTime = nil
	return map[string]rivalry{
		"an open attempt is waited for": {
			rival: attempt(0, "", ""), reason: v1alpha1.ReasonTargetBusy,
		},
		"a young loss is waited for": {
			rival:  attempt(time.Minute, v1alpha1.AttemptUnconfirmed, v1alpha1.ReasonOutcomeUnconfirmed),
			reason: v1alpha1.ReasonTargetBusy,
		},
		"a loss that nobody could have known of must be looked at": {
			rival: endless, reason: v1alpha1.ReasonTargetUnconfirmed,
		},
		"an old loss is known": {
			rival:  attempt(6*time.Minute, v1alpha1.AttemptUnconfirmed, v1alpha1.ReasonOutcomeUnconfirmed),
			reason: v1alpha1.ReasonResetAccepted, posts: 1,
		},
		"an old success is known": {
			rival:  attempt(time.Minute, v1alpha1.AttemptSucceeded, v1alpha1.ReasonResetAccepted),
			reason: v1alpha1.ReasonResetAccepted, posts: 1,
		},
		"a success after the creation leaves nothing to do": {
			rival:  attempt(-time.Minute, v1alpha1.AttemptSucceeded, v1alpha1.ReasonResetAccepted),
			reason: v1alpha1.ReasonAlreadyReset,
		},
		"an attempt for another type is no rival": {
			rival:  attempt(0, "", ""),
			change: func(r *v1alpha1.ResetRecord) { r.Type = v1alpha1.ResetTypeE2EKey },
			reason: v1alpha1.ReasonResetAccepted, posts: 1,
		},
		"an attempt for another user is no rival": {
			rival:  attempt(0, "", ""),
			change: func(r *v1alpha1.ResetRecord) { r.Target.UserID = simulator.SampleBobID },
			reason: v1alpha1.ReasonResetAccepted, posts: 1,
		},
		"an attempt on another host is no rival": {
			rival:  attempt(0, "", ""),
			change: func(r *v1alpha1.ResetRecord) { r.Target.Host = "https://chat.example.com" },
			reason: v1alpha1.ReasonResetAccepted, posts: 1,
		},
	}
}

func TestRivalsOfAnotherName(t *testing.T) {
	t.Parallel()
	for name := range rivalries() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, fixtureOptions{})
			test := rivalries()[name] // ages are counted from now, not from when the test was queued
			rival := f.formerRecord(f.request("rival", "alice"), test.rival)
			if test.change != nil {
				test.change(rival)
			}
			f.create(rival)
			f.ask("lost-phone", "alice")
			f.awaitReason("lost-phone", test.reason)
			f.wantPosts(test.posts)
			f.wantResets(simulator.SampleAliceID, test.posts)
		})
	}
}

// TestFiveAttemptsAreEnough gives a request that waits a record of its own in
// which everything was tried.
func TestFiveAttemptsAreEnough(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	f.suspend(true)
	f.awaitWorkspace(v1alpha1.ReasonSuspended)
	request := f.ask("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonWorkspaceSuspended)
	var attempts []v1alpha1.Attempt
	for i := range 5 {
		attempts = append(attempts, attempt(time.Duration(60-i)*time.Minute, v1alpha1.AttemptNotSent, v1alpha1.ReasonConnectionFailed))
	}
	record := f.formerRecord(request, attempts...)
	record.Request.UID = string(request.UID)
	f.create(record)
	f.awaitReason("lost-phone", v1alpha1.ReasonAttemptsExhausted)
	f.suspend(false)
	f.awaitWorkspace(v1alpha1.ReasonConnected)
	f.awaitReason("lost-phone", v1alpha1.ReasonAttemptsExhausted)
	f.wantPosts(0)
}
