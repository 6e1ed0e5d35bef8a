package faults

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

// stopping is what an operator logs when it has been told to end, or has lost its
// lease.
const stopping = "Stopping and waiting"

// once does something when a call is at the point for the first time. The channel
// gives the call when that is done.
func (it *iteration) once(p point, do func(call)) <-chan call {
	done := make(chan call, 1)
	var met atomic.Bool
	it.mu.Lock()
	defer it.mu.Unlock()
	it.hook = func(c call, w when) fate {
		if (point{c.step, w}) == p && !met.Swap(true) {
			do(c)
			done <- c
		}
		return fatePassed
	}
	return done
}

// start launches the operators of the plan.
func (it *iteration) start(t *testing.T) {
	t.Helper()
	for range it.plan.replicas {
		if err := it.launch(); err != nil {
			t.Fatal(err)
		}
	}
}

// receive waits for what a hook tells.
func receive[T any](t *testing.T, it *iteration, from <-chan T) T {
	t.Helper()
	select {
	case told := <-from:
		return told
	case <-it.ctx.Done():
		t.Fatalf("what a hook was to see did not happen: %v", it.why(it.ctx.Err()))
		panic("unreachable")
	}
}

// pass lets time go by: it is part of what is done to the operator.
func (it *iteration) pass(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-it.ctx.Done():
	}
}

// settle waits for the end of the iteration and judges it.
func (it *iteration) settle(t *testing.T) {
	t.Helper()
	if err := it.finish(); err != nil {
		it.explain(t, err.Error())
		t.FailNow()
	}
	it.judge(t)
}

// wantOutcome compares the outcome of every request but the ones that are excepted.
func (it *iteration) wantOutcome(t *testing.T, want v1alpha1.Outcome, except ...string) {
	t.Helper()
	statuses, _ := it.view.read()
	for name := range it.asked {
		if got := statuses[name].Outcome; got != want && !slices.Contains(except, name) {
			it.explain(t, fmt.Sprintf("%s ended as %q, want %q", name, got, want))
		}
	}
}

// record reads the record of a request.
func (it *iteration) record(t *testing.T, name string) *v1alpha1.ResetRecord {
	t.Helper()
	var record v1alpha1.ResetRecord
	if err := it.on.kube.Get(it.ctx, client.ObjectKey{Name: reset.RecordName(it.namespace, name)}, &record); err != nil {
		t.Fatal(err)
	}
	return &record
}

// goAway takes the API server away from an operator and returns how it comes back.
func (it *iteration) goAway(o *operator, silent bool) (comeBack func()) {
	away := &outage{silent: silent, over: make(chan struct{})}
	release := func() {}
	if silent {
		release = o.proxy.Hold(func(*http.Request) bool { return true })
	}
	it.mu.Lock()
	o.away = away
	it.mu.Unlock()
	if !silent {
		// Not at once: one of the connections is that of the caller.
		it.behind.Go(o.proxy.Disconnect)
	}
	return func() {
		it.mu.Lock()
		o.away = nil
		it.mu.Unlock()
		close(away.over)
		release()
	}
}

// TestTheAPIServerIsAwayDuringACall takes the API server away when a reset has had
// its effect and its answer is on its way. The operator that lives has the result
// and must record it when the API server is back. One that leads ends when it
// cannot renew its lease; then at least its log has the result, which the judge
// demands.
func TestTheAPIServerIsAwayDuringACall(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		away   time.Duration
		silent bool
		elect  bool
		lives  bool // the operator lives through it
	}{
		"5 s, connections break":                       {away: 5 * time.Second, lives: true},
		"5 s, connections hang":                        {away: 5 * time.Second, silent: true, lives: true},
		"60 s, connections break":                      {away: 60 * time.Second, lives: true},
		"60 s, connections hang":                       {away: 60 * time.Second, silent: true, lives: true},
		"5 s from the leader, connections break":       {away: 5 * time.Second, elect: true, lives: true},
		"60 s from the leader, connections break":      {away: 60 * time.Second, elect: true},
		"60 s from the leader, connections hang":       {away: 60 * time.Second, silent: true, elect: true},
		"5 s from the leader, connections hang for it": {away: 5 * time.Second, silent: true, elect: true, lives: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			it := newIteration(t, plan{users: 3, replicas: 1, elect: test.elect})
			var comeBack func()
			struck := it.once(point{stepPost, whenDone}, func(c call) { comeBack = it.goAway(c.operator, test.silent) })
			it.start(t)
			c := receive(t, it, struck)
			it.pass(test.away)
			comeBack()
			it.settle(t)
			if !test.lives {
				it.wantOutcome(t, v1alpha1.OutcomeSucceeded, c.request)
				return
			}
			it.wantOutcome(t, v1alpha1.OutcomeSucceeded)
		})
	}
}

// TestASignalDuringASlowCall terminates an operator while the workspace takes 8 s
// to answer. Before it ends, the result is recorded; nothing else is begun.
func TestASignalDuringASlowCall(t *testing.T) {
	t.Parallel()
	it := newIteration(t, plan{users: 3, replicas: 1})
	struck := it.once(point{stepPost, whenDone}, func(c call) {
		it.failIf(it.terminate(c.operator))
		it.pass(8 * time.Second)
	})
	it.start(t)
	c := receive(t, it, struck)
	if err := it.awaitEnd(c.operator); err != nil {
		t.Fatal(err)
	}
	record := it.record(t, c.request)
	if got := record.Attempts[0].Result; got != v1alpha1.AttemptSucceeded {
		it.explain(t, fmt.Sprintf("the operator has ended, and the record says %q", got))
	}
	if got := it.chat.Journal().Posts(); got != 1 {
		it.explain(t, fmt.Sprintf("%d resets were called", got))
	}
	it.start(t)
	it.settle(t)
	it.wantOutcome(t, v1alpha1.OutcomeSucceeded)
}

// TestASignalDuringAPass terminates an operator at each point between its claim and
// the record of its result. The pass goes on to its end as if nothing had happened.
func TestASignalDuringAPass(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]point{
		"before the claim is stored":         {stepClaim, whenBefore},
		"before the claim is answered":       {stepClaim, whenDone},
		"at the second read":                 {stepLookAgain, whenBefore},
		"at the dial":                        {stepDial, whenBefore},
		"before the reset":                   {stepPost, whenBefore},
		"at the look at the own account":     {stepOwnCheck, whenBefore},
		"before the result is recorded":      {stepResult, whenBefore},
		"before the patch of it is answered": {stepResult, whenDone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			it := newIteration(t, plan{users: 2, replicas: 1})
			struck := it.once(p, func(c call) { it.failIf(it.terminate(c.operator)) })
			it.start(t)
			c := receive(t, it, struck)
			if err := it.awaitEnd(c.operator); err != nil {
				t.Fatal(err)
			}
			attempts := it.record(t, c.request).Attempts
			got := attempts[len(attempts)-1].Result
			// On a machine that is busy, a call may take longer than a pass has for it.
			logs := c.operator.process.Logs()
			busy := got == v1alpha1.AttemptNotSent &&
				(strings.Contains(logs, "context deadline exceeded") || strings.Contains(logs, "the time was up"))
			if got != v1alpha1.AttemptSucceeded && !busy {
				it.explain(t, fmt.Sprintf("the operator has ended, and the record says %q", got))
			}
			it.start(t)
			it.settle(t)
			it.wantOutcome(t, v1alpha1.OutcomeSucceeded)
		})
	}
}

// TestALeaseThatIsLostDuringACall refuses to renew the lease of the operator that
// leads while it calls. It records the result before it ends, and the other one
// carries on.
func TestALeaseThatIsLostDuringACall(t *testing.T) {
	t.Parallel()
	it := newIteration(t, plan{users: 3, replicas: 2, elect: true})
	struck := it.once(point{stepPost, whenDone}, func(c call) {
		it.mu.Lock()
		c.operator.withheld = func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/leases/") }
		it.mu.Unlock()
		// The lease is lost after ten seconds. The call must not time out if that
		// takes longer here.
		ctx, cancel := context.WithTimeout(it.ctx, 11*time.Second)
		defer cancel()
		_ = c.operator.process.AwaitLog(ctx, stopping)
	})
	it.start(t)
	c := receive(t, it, struck)
	if err := c.operator.process.Wait(it.ctx); err == nil {
		it.explain(t, "the operator that lost its lease ended as if all were well")
	}
	it.settle(t)
	it.wantOutcome(t, v1alpha1.OutcomeSucceeded)
}

// TestTheLeaderIsKilled kills the operator that leads while it calls, in the
// namespace and under the rights that config ships. The other one takes the lease,
// gives the attempt up and carries on with the others.
func TestTheLeaderIsKilled(t *testing.T) {
	t.Parallel()
	it := newIteration(t, plan{users: 3, replicas: 2, elect: true, shipped: true})
	struck := it.once(point{stepPost, whenDone}, func(c call) { it.failIf(it.kill(c.operator)) })
	it.start(t)
	c := receive(t, it, struck)
	it.settle(t)
	it.wantOutcome(t, v1alpha1.OutcomeSucceeded, c.request)
	statuses, _ := it.view.read()
	if got := statuses[c.request].Outcome; got != v1alpha1.OutcomeUnconfirmed {
		it.explain(t, fmt.Sprintf("the call of the leader that was killed ended as %q", got))
	}
}

// TestARollingUpdate starts an operator while another one calls, and terminates
// that one then. Nothing is lost and nothing is done twice.
func TestARollingUpdate(t *testing.T) {
	t.Parallel()
	for name, elect := range map[string]bool{"with an election": true, "without an election": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			it := newIteration(t, plan{users: 6, replicas: 1, elect: elect})
			struck := it.once(point{stepPost, whenBefore}, func(c call) {
				it.failIf(it.launch())
				it.mu.Lock()
				next := it.operators[len(it.operators)-1]
				it.mu.Unlock()
				// The call must not time out if the start takes long here.
				ctx, cancel := context.WithTimeout(it.ctx, 6*time.Second)
				defer cancel()
				_ = next.process.AwaitLog(ctx, "Starting")
				it.failIf(it.terminate(c.operator))
			})
			it.start(t)
			c := receive(t, it, struck)
			if err := it.awaitEnd(c.operator); err != nil {
				t.Fatal(err)
			}
			if got := it.record(t, c.request).Attempts[0].Result; got != v1alpha1.AttemptSucceeded {
				it.explain(t, fmt.Sprintf("the operator has ended, and the record says %q", got))
			}
			it.settle(t)
			it.wantOutcome(t, v1alpha1.OutcomeSucceeded)
		})
	}
}

// stopAt stops the first operator that comes to the point, does something meanwhile
// and lets it go on. The channel gives the call, and the attempt that was struck.
func (it *iteration) stopAt(p point, meanwhile func(call)) <-chan struckAttempt {
	struck := make(chan struckAttempt, 1)
	thawed := make(chan struct{})
	it.once(p, func(c call) {
		defer close(thawed)
		it.failIf(it.freeze(c.operator, thawed))
		meanwhile(c)
		it.failIf(it.thaw(c.operator))
		it.mu.Lock()
		defer it.mu.Unlock()
		struck <- struckAttempt{request: c.request, id: c.operator.attempt}
	})
	return struck
}

// struckAttempt is the attempt of an operator that was stopped.
type struckAttempt struct{ request, id string }

// attempt reads an attempt, and how many there are.
func (it *iteration) attempt(t *testing.T, s struckAttempt) (*v1alpha1.Attempt, int) {
	t.Helper()
	record := it.record(t, s.request)
	attempt := attemptOf(record, s.id)
	if attempt == nil {
		it.explain(t, fmt.Sprintf("%s has no attempt %s: %+v", s.request, s.id, record.Attempts))
		t.FailNow()
	}
	return attempt, len(record.Attempts)
}

// TestACallThatIsTooLate stops an operator between its claim and its call, for
// longer than a claim is good for. It must not call when it goes on: the attempt
// is recorded as one that was not sent, and another one follows.
func TestACallThatIsTooLate(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		point   point
		reasons []string
	}{
		"after the claim was stored": {point{stepClaim, whenDone}, []string{v1alpha1.ReasonNotBegun}},
		"at the second read":         {point{stepLookAgain, whenBefore}, []string{v1alpha1.ReasonNotBegun}},
		// A machine that is busy may not even end the dial in time.
		"at the dial": {point{stepDial, whenBefore}, []string{v1alpha1.ReasonSendDeadlinePassed, v1alpha1.ReasonConnectionFailed}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			it := newIteration(t, plan{users: 2, replicas: 1})
			struck := it.stopAt(test.point, func(call) { it.pass(pastWindow) })
			it.start(t)
			s := receive(t, it, struck)
			it.settle(t)
			it.wantOutcome(t, v1alpha1.OutcomeSucceeded)
			attempt, count := it.attempt(t, s)
			if count < 2 || attempt.Result != v1alpha1.AttemptNotSent || !slices.Contains(test.reasons, attempt.Reason) {
				it.explain(t, fmt.Sprintf("the attempt is %+v, and there are %d", attempt, count))
			}
		})
	}
}

// TestALateTruth stops an operator until another one has given its attempt up, and
// lets it go on: what it knows replaces Unconfirmed.
func TestALateTruth(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		point point
		late  v1alpha1.AttemptResult // empty: any truth
	}{
		"of a reset that succeeded":               {point{stepOwnCheck, whenBefore}, v1alpha1.AttemptSucceeded},
		"of a result that was on its way":         {point: point{stepResult, whenBefore}},
		"of a reset that was claimed, not called": {point{stepClaim, whenDone}, v1alpha1.AttemptNotSent},
		"of a reset that was dialled, not called": {point{stepDial, whenBefore}, v1alpha1.AttemptNotSent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			it := newIteration(t, plan{users: 2, replicas: 1})
			struck := it.stopAt(test.point, func(c call) {
				it.failIf(it.launch())
				it.failIf(it.view.await(it.ctx, func(statuses map[string]v1alpha1.UserCredentialResetStatus) bool {
					return statuses[c.request].Outcome == v1alpha1.OutcomeUnconfirmed
				}))
			})
			it.start(t)
			s := receive(t, it, struck)
			it.settle(t) // the judge compares the truth with what the workspace saw
			it.wantOutcome(t, v1alpha1.OutcomeSucceeded, s.request)
			attempt, _ := it.attempt(t, s)
			if attempt.LateResult == "" || (test.late != "" && attempt.LateResult != test.late) {
				it.explain(t, fmt.Sprintf("the attempt is %+v", attempt))
			}
		})
	}
}
