package answers

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// TestCatalogue proves that the table has what is promised of it: enough rows, each
// under a name of its own, and every result and every reason that an answer can
// lead to.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	rows := Catalogue()
	if len(rows) < 60 {
		t.Errorf("%d rows, want at least 60", len(rows))
	}
	names, results, reasons := map[string]bool{}, map[v1alpha1.AttemptResult]bool{}, map[string]bool{}
	for _, row := range rows {
		key := strings.ToLower(row.Name)
		if names[key] {
			t.Errorf("two rows are called %q", row.Name)
		}
		names[key], results[row.Want.Result], reasons[row.Want.Attempt] = true, true, true
		if row.Name == "" || row.Cause == "" || strings.ContainsAny(row.Name+row.Cause, "|\n") {
			t.Errorf("row %q, %q cannot be shown in a table", row.Name, row.Cause)
		}
	}
	for _, result := range []v1alpha1.AttemptResult{
		v1alpha1.AttemptSucceeded, v1alpha1.AttemptNotSent, v1alpha1.AttemptRefused, v1alpha1.AttemptUnconfirmed,
	} {
		if !results[result] {
			t.Errorf("no row leads to %s", result)
		}
	}
	// NotBegun is missing: no answer leads to it.
	want := map[string]bool{}
	for _, reason := range []string{
		v1alpha1.ReasonResetAccepted, v1alpha1.ReasonConnectionFailed, v1alpha1.ReasonSendDeadlinePassed,
		v1alpha1.ReasonUserNotFound, v1alpha1.ReasonUserFederated, v1alpha1.ReasonRefusedByServer,
		v1alpha1.ReasonPermissionMissing, v1alpha1.ReasonTypeNotAvailable, v1alpha1.ReasonMailFailed,
		v1alpha1.ReasonSecondFactorRejected, v1alpha1.ReasonEmailCodeRequired, v1alpha1.ReasonTokenRejected, v1alpha1.ReasonCodeRefused,
		v1alpha1.ReasonRateLimited, v1alpha1.ReasonOutcomeUnconfirmed, v1alpha1.ReasonOwnResetSuspected,
	} {
		want[reason] = true
	}
	if diff := cmp.Diff(want, reasons); diff != "" {
		t.Errorf("reasons of attempts (-want +got):\n%s", diff)
	}
}

// TestTheCatalogueKeepsThePromises holds every row against what no row may expect.
func TestTheCatalogueKeepsThePromises(t *testing.T) {
	t.Parallel()
	outcomes := map[v1alpha1.AttemptResult]v1alpha1.Outcome{
		v1alpha1.AttemptSucceeded: v1alpha1.OutcomeSucceeded, v1alpha1.AttemptUnconfirmed: v1alpha1.OutcomeUnconfirmed,
	}
	for _, row := range Catalogue() {
		t.Run(row.Name, func(t *testing.T) {
			t.Parallel()
			want := row.Want
			if want.Seen.Posts > 1 {
				t.Errorf("%d calls for one attempt", want.Seen.Posts)
			}
			outcome, final := outcomes[want.Result]
			switch {
			case final && want.Outcome != outcome:
				t.Errorf("the attempt is %s and the request %q", want.Result, want.Outcome)
			case final && want.Next.GoesOn():
				t.Errorf("an attempt that is %s is followed by another one", want.Result)
			case !final && want.Seen.Resets+want.Seen.OwnResets+want.Seen.LogOuts > 0:
				t.Errorf("an attempt that is %s had an effect: %s", want.Result, want.Seen)
			case !final && want.Next.GoesOn() != (want.Outcome == ""):
				t.Errorf("the outcome is %q and the request %s", want.Outcome, want.Next)
			case want.Result == v1alpha1.AttemptNotSent && want.Seen != Effects{}:
				t.Errorf("what was not sent was seen: %s", want.Seen)
			}
			if (want.Pause > 0) != (want.Next == WaitsForLimiter) {
				t.Errorf("the limiter asks for a pause of %s and the request %s", want.Pause, want.Next)
			}
			if row.Scene.Refused && want.Next != WaitsForServer {
				t.Errorf("the server is away and the request %s", want.Next)
			}
		})
	}
}

// TestEffects proves how effects are told.
func TestEffects(t *testing.T) {
	t.Parallel()
	for want, effects := range map[string]Effects{
		"nothing":                               {},
		"1 call":                                {Posts: 1},
		"1 call, user reset, 1 log-out, 1 mail": ResetOf(v1alpha1.ResetTypeTOTP),
		"2 calls, 2 users reset, own account reset, 3 log-outs, 2 mails, room keys dropped": ResetOf(v1alpha1.ResetTypeE2EKey).
			Plus(Effects{Posts: 1, Resets: 1, OwnResets: 1, LogOuts: 2, Mails: 1}),
	} {
		if got := effects.String(); got != want {
			t.Errorf("effects = %q, want %q", got, want)
		}
	}
}
