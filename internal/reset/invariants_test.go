package reset

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// TestNoObservationLeadsToAnUnprovenSecondAttempt walks through every combination
// of what a record, a request and a workspace may look like, and asserts what
// must hold in all of them.
func TestNoObservationLeadsToAnUnprovenSecondAttempt(t *testing.T) {
	t.Parallel()
	observations, attempted := 0, 0
	for o := range allObservations() {
		observations++
		decision := Decide(o)
		if decision.Step == StepAttempt {
			attempted++
			checkMayAttempt(t, o)
		}
		checkAbsorbing(t, o, decision)
		checkProgress(t, o, decision)
		if again := Decide(o); again != decision {
			t.Errorf("not a function: %+v, then %+v", decision, again)
		}
	}
	if observations < 50_000 || attempted == 0 {
		t.Errorf("only %d observations, %d of them attempted", observations, attempted)
	}
	t.Logf("%d observations, %d of them lead to an attempt", observations, attempted)
}

func checkMayAttempt(t *testing.T, o Observation) {
	t.Helper()
	switch {
	case o.Request.Status.Outcome != "":
		t.Errorf("an attempt for a finished request: %s", show(o))
	case o.Record == nil && o.Request.Status.RecordRef != nil:
		t.Errorf("an attempt without memory: %s", show(o))
	case o.Now.Add(RequestTimeout(o.Workspace)).After(o.Request.Spec.NotAfterTime.Time):
		t.Errorf("an attempt too late: %s", show(o))
	case o.Health.Gate(o.Request.Spec.Type) != "":
		t.Errorf("an attempt through a gate: %s", show(o))
	}
	if o.Record == nil {
		return
	}
	proven := func(a v1alpha1.Attempt) bool {
		return a.LateResult == "" && (a.Result == v1alpha1.AttemptNotSent || a.Result == v1alpha1.AttemptRefused)
	}
	if !isFor(o.Record, o.Request) || len(o.Record.Attempts) >= MaxAttempts ||
		slices.ContainsFunc(o.Record.Attempts, func(a v1alpha1.Attempt) bool { return !proven(a) }) {
		t.Errorf("an attempt without proof: %s", show(o))
	}
}

func checkAbsorbing(t *testing.T, o Observation, decision Decision) {
	t.Helper()
	before := o.Request.Status.Outcome
	if before == "" || decision.Step == StepNone {
		return
	}
	after := decision.Verdict.Outcome
	late := before == v1alpha1.OutcomeUnconfirmed && (after == v1alpha1.OutcomeSucceeded || after == v1alpha1.OutcomeFailed)
	if decision.Step != StepReport || (after != before && !late) {
		t.Errorf("a finished request goes on: %+v for %s", decision, show(o))
	}
}

// checkProgress asserts that an open request is never forgotten: it ends, is
// attempted, or is looked at again at the latest when its time is over.
func checkProgress(t *testing.T, o Observation, decision Decision) {
	t.Helper()
	if o.Request.Status.Outcome != "" || decision.Step == StepAttempt || decision.Verdict.Outcome != "" {
		return
	}
	left := o.Request.Spec.NotAfterTime.Sub(o.Now)
	if left > 0 && (decision.After <= 0 || decision.After > left+time.Second) {
		t.Errorf("not looked at again: %+v for %s", decision, show(o))
	}
}

func show(o Observation) string {
	return fmt.Sprintf("status %+v, record %+v, health %+v, target %+v", o.Request.Status, o.Record, o.Health, o.Target)
}

// allObservations yields every combination.
func allObservations() func(func(Observation) bool) {
	type dimension []func(*Observation)
	dimensions := []dimension{
		outcomes(), records(), {
			func(*Observation) {},
			func(o *Observation) { o.Request.Status.RecordRef = &v1alpha1.RecordReference{Name: "r"} },
		}, {
			func(*Observation) {},
			func(o *Observation) { o.Request.Spec.NotAfterTime = at(time.Second) },
			func(o *Observation) { o.Request.Spec.NotAfterTime = at(-time.Second) },
		}, {
			func(*Observation) {},
			func(o *Observation) { o.Workspace = nil },
			func(o *Observation) { o.Workspace.Spec.Suspend = new(true) },
		}, {
			func(*Observation) {},
			func(o *Observation) { o.Health = Health{} },
			func(o *Observation) { o.Health.Reason, o.Health.Gates = v1alpha1.ReasonOwnResetSuspected, true },
			func(o *Observation) { o.Health.Permitted = []v1alpha1.ResetType{} },
		}, {
			func(*Observation) {},
			func(o *Observation) { o.Target = &Resolved{Target: aliceTarget()} },
			func(o *Observation) { o.Target = &Resolved{Target: aliceTarget(), Federated: true} },
		}, {
			func(*Observation) {},
			func(o *Observation) { o.Rivals = []v1alpha1.ResetRecord{rivalWith(attempt("", "", 0))} },
			func(o *Observation) {
				o.Rivals = []v1alpha1.ResetRecord{rivalWith(attempt(v1alpha1.AttemptUnconfirmed, v1alpha1.ReasonOutcomeUnconfirmed, 0))}
			},
		},
	}
	return func(yield func(Observation) bool) {
		counters := make([]int, len(dimensions))
		for {
			o := open()
			for i, d := range dimensions {
				d[counters[i]](&o)
			}
			if !yield(o) || !advance(counters, func(i int) int { return len(dimensions[i]) }) {
				return
			}
		}
	}
}

// advance counts one up; false when all combinations are through.
func advance(counters []int, size func(int) int) bool {
	for i := range counters {
		counters[i]++
		if counters[i] < size(i) {
			return true
		}
		counters[i] = 0
	}
	return false
}

func outcomes() []func(*Observation) {
	reasons := []string{
		"", v1alpha1.ReasonResetAccepted, v1alpha1.ReasonUserNotFound, v1alpha1.ReasonAlreadyReset, v1alpha1.ReasonOutcomeUnconfirmed,
	}
	var changes []func(*Observation)
	for _, reason := range reasons {
		changes = append(changes, func(o *Observation) {
			if reason != "" {
				o.Request.Status = StatusOf(o.Request, VerdictOf(reason), Facts{}, now())
			}
		})
	}
	return changes
}

// records are no record and those with up to two attempts of every kind, for this
// request and for an earlier one.
func records() []func(*Observation) {
	kinds := []v1alpha1.Attempt{
		attempt("", "", 0),
		attempt(v1alpha1.AttemptSucceeded, v1alpha1.ReasonResetAccepted, -time.Hour),
		attempt(v1alpha1.AttemptNotSent, v1alpha1.ReasonConnectionFailed, -time.Hour),
		attempt(v1alpha1.AttemptRefused, v1alpha1.ReasonRateLimited, -time.Hour),
		attempt(v1alpha1.AttemptRefused, v1alpha1.ReasonUserFederated, -time.Hour),
		attempt(v1alpha1.AttemptUnconfirmed, v1alpha1.ReasonOutcomeUnconfirmed, -time.Hour),
	}
	late := kinds[5]
	late.LateResult = v1alpha1.AttemptNotSent
	kinds = append(kinds, late)
	changes := []func(*Observation){func(*Observation) {}}
	add := func(attempts ...v1alpha1.Attempt) {
		for _, uid := range []string{"uid-1", "uid-0"} {
			changes = append(changes, func(o *Observation) {
				o.Record = recordFor(o.Request, attempts...)
				o.Record.Request.UID = uid
			})
		}
	}
	for _, last := range kinds {
		add(last)
		add(kinds[2], last)
		add(kinds[3], last)
	}
	add(kinds[2], kinds[2], kinds[2], kinds[2], kinds[2])
	return changes
}
