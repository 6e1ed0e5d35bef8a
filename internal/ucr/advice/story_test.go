package advice

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

func at(minutes int) metav1.Time {
	return metav1.NewTime(noon.Add(time.Duration(minutes) * time.Minute))
}

// recordOf is the record of the request with these attempts.
func recordOf(attempts ...v1alpha1.Attempt) *v1alpha1.ResetRecord {
	for i := range attempts {
		attempts[i].StartTime = at(i + 1)
	}
	return &v1alpha1.ResetRecord{
		ObjectMeta: metav1.ObjectMeta{Name: "lost-phone-4ddb"},
		Approval:   &v1alpha1.RecordedApproval{ApprovedBy: "rita", Message: "seen the passport"},
		Attempts:   attempts,
	}
}

func TestTellByTheRecord(t *testing.T) {
	t.Parallel()
	request := requestSaying(v1alpha1.ReasonResetAccepted)
	request.Status.CompletionTime = new(at(3))
	story := Tell(Evidence{
		Request: request,
		Record: recordOf(
			v1alpha1.Attempt{Result: v1alpha1.AttemptRefused, Reason: v1alpha1.ReasonRateLimited},
			v1alpha1.Attempt{Result: v1alpha1.AttemptSucceeded, Reason: v1alpha1.ReasonResetAccepted},
		),
		Events: []corev1.Event{{Reason: "Unused", Message: "the record says more"}},
	})
	want := `Succeeded (ResetAccepted): Rocket.Chat confirmed the reset; the user has to log in again
  asked for    TOTP of alice in workspace chats/chat
  not after    2026-03-04T13:00:00Z
  resolved to  alice (id aXk9) at https://chat.example.com
  asked by     ann
  record       lost-phone-4ddb
  approved by  rita: seen the passport

What happened
  2026-03-04T12:00:00Z  the request was created
  2026-03-04T12:01:00Z  attempt 1: Rocket.Chat refused it and did nothing (RateLimited): too many calls within the limiter's period
  2026-03-04T12:02:00Z  attempt 2: Rocket.Chat confirmed the reset
  2026-03-04T12:03:00Z  the request ended as Succeeded

What to do next
  tell alice to log in and to set the credential up again
`
	if diff := cmp.Diff(want, story.String()); diff != "" {
		t.Errorf("the story differs (-want +got):\n%s", diff)
	}
}

func TestTellByEvents(t *testing.T) {
	t.Parallel()
	story := Tell(Evidence{
		Request: requestSaying(v1alpha1.ReasonRetrying),
		Events: []corev1.Event{
			{Reason: "Retrying", Message: "The last try provably did nothing", EventTime: metav1.NewMicroTime(noon.Add(2 * time.Minute))},
			{Reason: "RateLimited", Message: "No more calls", LastTimestamp: at(1)},
			{Reason: "Retrying", Message: "Once more", Series: &corev1.EventSeries{LastObservedTime: metav1.NewMicroTime(noon.Add(3 * time.Minute))}},
		},
		Unread: []string{"the attempts: resetrecords: needs the ClusterRole credential-reset-auditor in the whole cluster"},
	})
	var told []string
	for _, event := range story.Events {
		told = append(told, event.Text)
	}
	want := []string{"the request was created", "RateLimited: No more calls", "Retrying: The last try provably did nothing", "Retrying: Once more"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("what happened differs (-want +got):\n%s", diff)
	}
	if text := story.String(); !strings.Contains(text, "\nNot read\n  the attempts: resetrecords") {
		t.Errorf("it does not say what it could not read:\n%s", text)
	}
}

func TestTellWithoutARequest(t *testing.T) {
	t.Parallel()
	story := Tell(Evidence{Record: recordOf(v1alpha1.Attempt{Result: v1alpha1.AttemptUnconfirmed, Reason: v1alpha1.ReasonOutcomeUnconfirmed})})
	if want := "The request is gone; its record says: the call was made, and nothing proves what came of it (OutcomeUnconfirmed)"; story.Headline != want {
		t.Errorf("%q, want %q", story.Headline, want)
	}
	if got := Tell(Evidence{Request: requestSaying("")}).Headline; !strings.HasPrefix(got, "Not seen yet") {
		t.Errorf("of a new request it says %q", got)
	}
}

func TestAttemptText(t *testing.T) {
	t.Parallel()
	for want, attempt := range map[string]v1alpha1.Attempt{
		"it is being carried out, or the operator was stopped in the middle":                                                                 {},
		"nothing was sent (ConnectionFailed): no connection to the workspace was obtained":                                                   {Result: v1alpha1.AttemptNotSent, Reason: v1alpha1.ReasonConnectionFailed},
		"the call was made, and nothing proves what came of it (OutcomeUnconfirmed); it turned out later that the reset was confirmed":       {Result: v1alpha1.AttemptUnconfirmed, Reason: v1alpha1.ReasonOutcomeUnconfirmed, LateResult: v1alpha1.AttemptSucceeded},
		"the call was made, and nothing proves what came of it (UserNotFound): the user was gone; it turned out later that nothing was done": {Result: v1alpha1.AttemptUnconfirmed, Reason: v1alpha1.ReasonUserNotFound, LateResult: v1alpha1.AttemptRefused},
		"Rocket.Chat refused it and did nothing (SecondFactorRejected): the account's second factor is not accepted":                         {Result: v1alpha1.AttemptRefused, Reason: v1alpha1.ReasonSecondFactorRejected},
	} {
		if got := AttemptText(&attempt); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
