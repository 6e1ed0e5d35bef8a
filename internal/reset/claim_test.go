package reset

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// TestClaimed proves what a claim that is stored yields to.
func TestClaimed(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		rivals []v1alpha1.Attempt
		reason string // "" if the call may be made
	}{
		"nobody else":                      {nil, ""},
		"another that is open":             {[]v1alpha1.Attempt{attempt("", "", 0)}, v1alpha1.ReasonTargetBusy},
		"another that has just succeeded":  {[]v1alpha1.Attempt{attempt(v1alpha1.AttemptSucceeded, v1alpha1.ReasonResetAccepted, 0)}, v1alpha1.ReasonAlreadyReset},
		"another that was just lost":       {[]v1alpha1.Attempt{attempt(v1alpha1.AttemptUnconfirmed, v1alpha1.ReasonOutcomeUnconfirmed, 0)}, v1alpha1.ReasonTargetBusy},
		"another that provably did naught": {[]v1alpha1.Attempt{attempt(v1alpha1.AttemptRefused, v1alpha1.ReasonRateLimited, 0)}, ""},
		"one that is open behind a refusal": {
			[]v1alpha1.Attempt{attempt(v1alpha1.AttemptRefused, v1alpha1.ReasonRateLimited, 0), attempt("", "", 0)}, v1alpha1.ReasonTargetBusy,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := resolved()
			o.Rivals = []v1alpha1.ResetRecord{rivalWith(c.rivals...)}
			got, yields := Claimed(o)
			want := Result{}
			if c.reason != "" {
				want = Result{Result: v1alpha1.AttemptNotSent, Reason: c.reason}
			}
			if got != want || yields != (c.reason != "") {
				t.Errorf("Claimed = %+v, %t", got, yields)
			}
		})
	}
}

// TestIsSameClaim proves that a claim that is read back is taken for the one that
// was written only if it is that in everything.
func TestIsSameClaim(t *testing.T) {
	t.Parallel()
	const id = "mine"
	claim := func() *v1alpha1.ResetRecord {
		mine := attempt("", "", 0)
		mine.ID = id
		return recordFor(aliceRequest(), attempt(v1alpha1.AttemptRefused, v1alpha1.ReasonRateLimited, -time.Hour), mine)
	}
	cases := map[string]struct {
		change func(*v1alpha1.ResetRecord)
		want   bool
	}{
		"the very claim": {func(*v1alpha1.ResetRecord) {}, true},
		"the same instant in another zone": {func(r *v1alpha1.ResetRecord) {
			r.Attempts[1].StartTime = metav1.NewTime(r.Attempts[1].StartTime.In(time.FixedZone("", 3600)))
		}, true},
		"a claim of another process in the same second": {func(r *v1alpha1.ResetRecord) { r.Attempts[1].ID = "theirs" }, false},
		"an earlier write of this claim": {func(r *v1alpha1.ResetRecord) {
			r.Attempts[1].StartTime = at(-2 * time.Second)
		}, false},
		"a claim that has ended":        {func(r *v1alpha1.ResetRecord) { r.Attempts[1].Result = v1alpha1.AttemptNotSent }, false},
		"a claim with another Secret":   {func(r *v1alpha1.ResetRecord) { r.Attempts[1].SecretResourceVersion = "8" }, false},
		"a claim for another request":   {func(r *v1alpha1.ResetRecord) { r.Request.UID = "uid-0" }, false},
		"a claim for another workspace": {func(r *v1alpha1.ResetRecord) { r.Workspace.Name = "other" }, false},
		"a claim for another user":      {func(r *v1alpha1.ResetRecord) { r.Target.UserID = "bobID" }, false},
		"a claim for another server":    {func(r *v1alpha1.ResetRecord) { r.Target.Host = "https://other.example.com" }, false},
		"a claim of another type":       {func(r *v1alpha1.ResetRecord) { r.Type = v1alpha1.ResetTypeE2EKey }, false},
		"a record without the claim":    {func(r *v1alpha1.ResetRecord) { r.Attempts = r.Attempts[:1] }, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stored := claim()
			c.change(stored)
			if got := IsSameClaim(stored, claim(), id); got != c.want {
				t.Errorf("got %t", got)
			}
		})
	}
	if IsSameClaim(claim(), recordFor(aliceRequest()), id) {
		t.Error("a claim that was never to be written is taken for one")
	}
}

// TestTakesLateResult proves that a late result is written once, beside a loss,
// and adds something.
func TestTakesLateResult(t *testing.T) {
	t.Parallel()
	lost := attempt(v1alpha1.AttemptUnconfirmed, v1alpha1.ReasonOutcomeUnconfirmed, 0)
	known := lost
	known.LateResult = v1alpha1.AttemptRefused
	suspected := lost
	suspected.Reason = v1alpha1.ReasonOwnResetSuspected
	succeeded := Result{Result: v1alpha1.AttemptSucceeded, Reason: v1alpha1.ReasonResetAccepted}
	graver := Result{Result: v1alpha1.AttemptUnconfirmed, Reason: v1alpha1.ReasonOwnResetSuspected}
	cases := map[string]struct {
		attempt              v1alpha1.Attempt
		result               Result
		takesLate, takesRest bool
	}{
		"a truth beside a loss":             {lost, succeeded, true, false},
		"a proof beside a loss":             {lost, Result{Result: v1alpha1.AttemptNotSent, Reason: v1alpha1.ReasonNotBegun}, true, false},
		"a loss beside a loss":              {lost, Lost(), false, false},
		"a graver loss beside a loss":       {lost, graver, false, true},
		"a graver loss beside itself":       {suspected, graver, false, false},
		"a lighter loss beside a grave one": {suspected, Lost(), false, false},
		"a truth beside a late one":         {known, succeeded, false, false},
		"a graver loss beside a late truth": {known, graver, false, false},
		"a truth beside a proof":            {attempt(v1alpha1.AttemptRefused, v1alpha1.ReasonRateLimited, 0), succeeded, false, false},
		"a truth beside a truth":            {attempt(v1alpha1.AttemptSucceeded, v1alpha1.ReasonResetAccepted, 0), succeeded, false, false},
		"a proof beside a truth":            {attempt(v1alpha1.AttemptSucceeded, v1alpha1.ReasonResetAccepted, 0), NotBegun(), false, false},
		"a truth beside nothing":            {attempt("", "", 0), succeeded, false, false},
		"a graver loss beside a truth":      {attempt(v1alpha1.AttemptSucceeded, v1alpha1.ReasonResetAccepted, 0), graver, false, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if late, rest := TakesLateResult(&c.attempt, c.result), TakesReason(&c.attempt, c.result); late != c.takesLate || rest != c.takesRest {
				t.Errorf("takes a late result: %t, a reason: %t", late, rest)
			}
		})
	}
}

// TestNothingOutlivesItsTime proves that whatever a request waits for, it ends
// with its notAfterTime.
func TestNothingOutlivesItsTime(t *testing.T) {
	t.Parallel()
	checkDecide(t, func() Observation {
		o := resolved()
		o.Request.Spec.NotAfterTime = at(-time.Second)
		return o
	}, map[string]decideCase{
		"for a workspace":       {func(o *Observation) { o.Workspace = nil }, StepReport, v1alpha1.ReasonNotAfterTimePassed, 0},
		"for being allowed":     {func(o *Observation) { o.Workspace.Spec.AllowedNamespaces = nil }, StepReport, v1alpha1.ReasonNotAfterTimePassed, 0},
		"for its type":          {func(o *Observation) { o.Workspace.Spec.AllowedTypes = nil }, StepReport, v1alpha1.ReasonNotAfterTimePassed, 0},
		"for the end of a stop": {func(o *Observation) { o.Workspace.Spec.Suspend = new(true) }, StepReport, v1alpha1.ReasonNotAfterTimePassed, 0},
		"for the first probe":   {func(o *Observation) { o.Health = Health{} }, StepReport, v1alpha1.ReasonNotAfterTimePassed, 0},
		"for a repair": {func(o *Observation) {
			o.Health.Reason, o.Health.Gates = v1alpha1.ReasonTokenRejected, true
		}, StepReport, v1alpha1.ReasonNotAfterTimePassed, 0},
		"for a rival": {func(o *Observation) {
			o.Rivals = []v1alpha1.ResetRecord{rivalWith(attempt("", "", 0))}
		}, StepReport, v1alpha1.ReasonNotAfterTimePassed, 0},
		"for the end of a pause": {func(o *Observation) { o.RetryAfter = now().Add(time.Hour) }, StepReport, v1alpha1.ReasonNotAfterTimePassed, 0},
	})
}

// TestAnOpenAttemptKeepsItsRecord proves that a record whose time is long over
// does not go while an attempt in it is open.
func TestAnOpenAttemptKeepsItsRecord(t *testing.T) {
	t.Parallel()
	long := -60 * 24 * time.Hour
	for name, c := range map[string]struct {
		held    bool
		watched time.Duration
		want    RecordStep
	}{
		"of this process":             {true, time.Hour, RecordStepNone},
		"of another that may be dead": {false, time.Minute, RecordStepGiveUp},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			record := recordFor(aliceRequest(), attempt("", "", long))
			record.NotAfterTime = at(long)
			o := RecordObservation{Now: now(), Record: record, Held: c.held, Watched: c.watched, Retention: 24 * time.Hour}
			if got := DecideRecord(o); got.Step != c.want {
				t.Errorf("step %d, want %d", got.Step, c.want)
			}
		})
	}
}
