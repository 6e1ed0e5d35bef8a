package faults

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// fair is evidence of one request that succeeded with its first attempt.
func fair() evidence {
	return evidence{
		asked:    map[string]asked{"r": {"u", v1alpha1.ResetTypeTOTP}},
		records:  map[string]*v1alpha1.ResetRecord{"r": {Attempts: []v1alpha1.Attempt{{ID: "a", Result: v1alpha1.AttemptSucceeded}}}},
		outcomes: map[string]v1alpha1.Outcome{"r": v1alpha1.OutcomeSucceeded},
		posts:    []post{{request: "r", attempt: "a", effect: true, answered: true}},
		lives:    map[string]life{"a": {told: map[string]v1alpha1.AttemptResult{"a": v1alpha1.AttemptSucceeded}}},
		tooLate:  map[string]bool{},
		journal:  journal(1, simulator.Reset{Kind: simulator.ResetTOTP, UserID: "u"}),
	}
}

// journal is of a workspace that saw so many calls and carried out these resets.
func journal(posts int, resets ...simulator.Reset) simulator.Journal {
	j := simulator.Journal{Resets: resets}
	for range posts {
		j.Requests = append(j.Requests, simulator.Request{Method: "POST", Path: simulator.PathResetTOTP})
	}
	return j
}

// lost makes an attempt of it that ended as Unconfirmed.
func lost(e *evidence, owner life) {
	e.records["r"].Attempts[0] = v1alpha1.Attempt{ID: "a", Result: v1alpha1.AttemptUnconfirmed, Reason: v1alpha1.ReasonOutcomeUnconfirmed}
	e.outcomes["r"] = v1alpha1.OutcomeUnconfirmed
	e.lives["a"] = owner
}

func told(result v1alpha1.AttemptResult) map[string]v1alpha1.AttemptResult {
	return map[string]v1alpha1.AttemptResult{"a": result}
}

// TestTheJudgeAcceptsWhatIsJustified shows evidence that keeps the promise.
func TestTheJudgeAcceptsWhatIsJustified(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*evidence)
		want   verdict
	}{
		"a success": {func(*evidence) {}, verdict{posts: 1}},
		"a loss of an operator that was killed before it had an answer": {func(e *evidence) {
			lost(e, life{killed: true})
			e.posts[0].answered = false
		}, verdict{posts: 1, unconfirmed: 1}},
		"a loss of an operator that was killed before it could write what it knew": {func(e *evidence) {
			lost(e, life{killed: true, told: told(v1alpha1.AttemptSucceeded)})
		}, verdict{posts: 1, unconfirmed: 1}},
		"a loss of an answer": {func(e *evidence) {
			lost(e, life{told: told(v1alpha1.AttemptUnconfirmed)})
			e.posts[0].answered = false
		}, verdict{posts: 1, unconfirmed: 1}},
		"a loss of an operator that was stopped until its time was over": {func(e *evidence) {
			lost(e, life{stopped: true, told: told(v1alpha1.AttemptUnconfirmed)})
		}, verdict{posts: 1, unconfirmed: 1}},
		"a loss of an operator that could not write to its end": {func(e *evidence) {
			lost(e, life{failed: true, told: told(v1alpha1.AttemptSucceeded)})
		}, verdict{posts: 1, unconfirmed: 1}},
		"a loss of an operator that stood still until it had to end": {func(e *evidence) {
			lost(e, life{asked: true, stopped: true, failed: true})
		}, verdict{posts: 1, unconfirmed: 1}},
		"a late truth": {func(e *evidence) {
			e.records["r"].Attempts[0].Result = v1alpha1.AttemptUnconfirmed
			e.records["r"].Attempts[0].LateResult = v1alpha1.AttemptSucceeded
		}, verdict{posts: 1, late: 1}},
		"a success after a refusal": {func(e *evidence) {
			e.records["r"].Attempts = []v1alpha1.Attempt{{ID: "z", Result: v1alpha1.AttemptRefused}, {ID: "a", Result: v1alpha1.AttemptSucceeded}}
			e.posts = append(e.posts, post{request: "r", attempt: "z", answered: true})
			e.lives["z"] = life{told: map[string]v1alpha1.AttemptResult{"z": v1alpha1.AttemptRefused}}
			e.journal = journal(2, e.journal.Resets...)
		}, verdict{posts: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := fair()
			test.change(&e)
			if diff := cmp.Diff(test.want, judge(e), cmp.AllowUnexported(verdict{}), cmp.Comparer(slices.Equal[[]string])); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTheJudgeFindsWhatBreaksThePromise changes good evidence in one way each.
func TestTheJudgeFindsWhatBreaksThePromise(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*evidence)
		want   string // part of a complaint
	}{
		"two calls for one attempt": {func(e *evidence) {
			e.posts = append(e.posts, e.posts[0])
			e.journal = journal(2, e.journal.Resets...)
		}, "2 resets were called for one attempt"},
		"two resets of one user": {func(e *evidence) {
			e.journal.Resets = append(e.journal.Resets, e.journal.Resets[0])
		}, "was reset twice"},
		"a reset of the account itself": {func(e *evidence) {
			e.journal.Resets = append(e.journal.Resets, simulator.Reset{Own: true})
		}, "own account"},
		"a reset of another credential": {func(e *evidence) {
			e.journal.Resets[0].Kind = simulator.ResetE2EKey
		}, "nobody asked"},
		"a call that was not followed": {func(e *evidence) { e.journal = journal(2, e.journal.Resets...) }, "of which 1 were followed"},
		"a call without a record":      {func(e *evidence) { e.records = nil }, "no record tells of"},
		"a call of an attempt that the record does not have": {func(e *evidence) {
			e.posts[0].attempt = "b"
		}, "no record tells of"},
		"a call when its time was over": {func(e *evidence) { e.tooLate["a"] = true }, "time was over"},
		"a second attempt after a loss": {func(e *evidence) {
			e.records["r"].Attempts = append([]v1alpha1.Attempt{{ID: "z", Result: v1alpha1.AttemptUnconfirmed}}, e.records["r"].Attempts...)
		}, "proves nothing"},
		"a success without a reset": {func(e *evidence) {
			e.journal.Resets, e.posts[0].effect = nil, false
		}, "nobody was reset"},
		"a failure with a reset": {func(e *evidence) {
			e.records["r"].Attempts[0].Result = v1alpha1.AttemptNotSent
			e.outcomes["r"] = v1alpha1.OutcomeFailed
		}, "the user was reset"},
		"an attempt that was called and recorded as not sent": {func(e *evidence) {
			e.records["r"].Attempts[0].Result = v1alpha1.AttemptNotSent
		}, `"NotSent"; called true`},
		"an attempt that had an effect and is recorded as refused": {func(e *evidence) {
			e.records["r"].Attempts[0].Result = v1alpha1.AttemptRefused
		}, `"Refused"; called true, reset true`},
		"an attempt that is still open": {func(e *evidence) { e.records["r"].Attempts[0].Result = "" }, `says ""`},
		"an attempt of nobody":          {func(e *evidence) { e.lives = nil }, "nobody claimed"},
		"a result that was not told before it was written": {func(e *evidence) {
			e.lives["a"] = life{}
		}, "audit line"},
		"an outcome that is not the record's": {func(e *evidence) { e.outcomes["r"] = v1alpha1.OutcomeUnconfirmed }, "its record says"},
		"a request that did not end":          {func(e *evidence) { delete(e.outcomes, "r") }, "did not end"},
		"a loss of an operator that lived and was answered": {func(e *evidence) {
			lost(e, life{told: told(v1alpha1.AttemptUnconfirmed)})
		}, "lived and was answered"},
		"a loss of an outcome that a living operator knew": {func(e *evidence) {
			lost(e, life{told: told(v1alpha1.AttemptSucceeded)})
		}, `lived and knew "Succeeded"`},
		"a loss of which its operator said nothing": {func(e *evidence) { lost(e, life{}) }, "said nothing"},
		"a loss of which an operator that had to end said nothing": {func(e *evidence) {
			lost(e, life{asked: true, failed: true})
		}, "said nothing"},
		"a loss of which an operator that was stopped said nothing": {func(e *evidence) {
			lost(e, life{stopped: true, failed: true})
		}, "said nothing"},
		"a loss that suspects an own reset": {func(e *evidence) {
			lost(e, life{killed: true})
			e.records["r"].Attempts[0].Reason = v1alpha1.ReasonOwnResetSuspected
		}, "own account"},
		"what was seen on the way": {func(e *evidence) { e.complaints = []string{"seen"} }, "seen"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := fair()
			test.change(&e)
			got := judge(e).complaints
			if !slices.ContainsFunc(got, func(c string) bool { return strings.Contains(c, test.want) }) {
				t.Errorf("complaints %q, want one about %q", got, test.want)
			}
		})
	}
}

// TestFiguresOfWhatBreaksThePromise counts duplicates and losses.
func TestFiguresOfWhatBreaksThePromise(t *testing.T) {
	t.Parallel()
	e := fair()
	lost(&e, life{told: told(v1alpha1.AttemptUnconfirmed)})
	e.posts = append(e.posts, e.posts[0])
	e.journal = journal(2, e.journal.Resets[0], e.journal.Resets[0])
	got := judge(e)
	got.complaints = nil
	want := verdict{posts: 2, duplicates: 2, lost: 2, unconfirmed: 1}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(verdict{})); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
}

// TestPlansOfOneRun says that the iterations of a run strike at every point, and
// with both signals, and that they are the same for the same seed.
func TestPlansOfOneRun(t *testing.T) {
	t.Parallel()
	left, blows := map[point]bool{}, map[blow]int{}
	for _, p := range points() {
		left[p] = true
	}
	for i := range 50 {
		first := draw(*seed, i)
		delete(left, first.strikes[0].point)
		blows[first.strikes[0].blow]++
		if diff := cmp.Diff(first, draw(*seed, i), cmp.AllowUnexported(plan{}, strike{}, point{})); diff != "" {
			t.Errorf("plan %d is not the same when it is drawn again:\n%s", i, diff)
		}
	}
	if len(left) > 0 {
		t.Errorf("no iteration strikes first at: %v", slices.Collect(maps.Keys(left)))
	}
	for _, b := range []blow{blowKill, blowTerm, blowStop} {
		if blows[b] == 0 {
			t.Errorf("no iteration strikes first with %v", b)
		}
	}
}
