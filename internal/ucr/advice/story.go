package advice

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

// Evidence is what could be read of a request.
type Evidence struct {
	Request *v1alpha1.UserCredentialReset // nil if it is gone
	Record  *v1alpha1.ResetRecord         // nil if there is none, or if it may not be read
	Events  []corev1.Event                // of the request
	// Unread tells what could not be read, and who may.
	Unread []string
}

// Story is what happened to a request, and what to do next.
type Story struct {
	Headline string    `json:"headline"`
	Facts    []Fact    `json:"facts,omitempty"`
	Events   []Happens `json:"happened,omitempty"`
	Next     []string  `json:"next,omitempty"`
	Unread   []string  `json:"unread,omitempty"`
}

// Fact is one thing that is known.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Happens is one thing that happened.
type Happens struct {
	Time time.Time `json:"time"`
	Text string    `json:"text"`
}

// Tell makes a story of the evidence.
func Tell(e Evidence) Story {
	story := Story{Unread: e.Unread}
	switch {
	case e.Request != nil:
		story.Headline = headline(e.Request)
		story.Facts = requestFacts(e.Request)
		story.Next = Next(e.Request)
	case e.Record != nil:
		last := &e.Record.Attempts[len(e.Record.Attempts)-1]
		story.Headline = "The request is gone; its record says: " + AttemptText(last)
		story.Next = []string{"a new request needs a new name: this one is used up"}
	}
	if e.Record != nil {
		story.Facts = append(story.Facts, recordFacts(e.Record)...)
	}
	story.Events = happened(e)
	return story
}

func headline(request *v1alpha1.UserCredentialReset) string {
	outcome, reason := string(request.Status.Outcome), ReasonOf(request)
	switch {
	case reason == "":
		return "Not seen yet: the operator has not looked at the request"
	case outcome == "":
		outcome = "Open"
	}
	return fmt.Sprintf("%s (%s): %s", outcome, reason, PlainMessage(request))
}

func requestFacts(request *v1alpha1.UserCredentialReset) []Fact {
	at := reset.WorkspaceOf(request)
	facts := []Fact{
		{"asked for", fmt.Sprintf("%s of %s in workspace %s/%s", request.Spec.Type, UserOf(request.Spec.User), at.Namespace, at.Name)},
		{"not after", stamp(request.Spec.NotAfterTime.Time)},
	}
	if target := request.Status.Target; target != nil {
		facts = append(facts, Fact{"resolved to", fmt.Sprintf("%s (id %s) at %s", target.Username, target.UserID, target.Host)})
	}
	if request.Spec.RequestedBy != "" {
		facts = append(facts, Fact{"asked by", request.Spec.RequestedBy})
	}
	if request.Spec.Justification != "" {
		facts = append(facts, Fact{"because of", request.Spec.Justification})
	}
	return facts
}

func recordFacts(record *v1alpha1.ResetRecord) []Fact {
	facts := []Fact{{"record", record.Name}}
	if approval := record.Approval; approval != nil {
		by := approval.ApprovedBy
		if approval.Message != "" {
			by += ": " + approval.Message
		}
		facts = append(facts, Fact{"approved by", by})
	}
	return facts
}

// happened is the way of the request in its order: by its record where that could be
// read, else by what events and status still tell.
func happened(e Evidence) []Happens {
	var out []Happens
	if e.Request != nil {
		out = append(out, Happens{e.Request.CreationTimestamp.Time, "the request was created"})
	}
	if e.Record != nil {
		for i := range e.Record.Attempts {
			attempt := &e.Record.Attempts[i]
			out = append(out, Happens{attempt.StartTime.Time, fmt.Sprintf("attempt %d: %s", i+1, AttemptText(attempt))})
		}
	} else {
		for i := range e.Events {
			event := &e.Events[i]
			out = append(out, Happens{timeOf(event), event.Reason + ": " + event.Message})
		}
	}
	if e.Request != nil && e.Request.Status.CompletionTime != nil {
		out = append(out, Happens{e.Request.Status.CompletionTime.Time, fmt.Sprintf("the request ended as %s", e.Request.Status.Outcome)})
	}
	slices.SortStableFunc(out, func(a, b Happens) int { return a.Time.Compare(b.Time) })
	return out
}

// timeOf is when the event was seen last.
func timeOf(event *corev1.Event) time.Time {
	switch {
	case event.Series != nil:
		return event.Series.LastObservedTime.Time
	case !event.EventTime.IsZero():
		return event.EventTime.Time
	}
	return event.LastTimestamp.Time
}

// AttemptText tells one attempt in a sentence.
func AttemptText(attempt *v1alpha1.Attempt) string {
	var text string
	switch attempt.Result {
	case "":
		return "it is being carried out, or the operator was stopped in the middle"
	case v1alpha1.AttemptSucceeded:
		return "Rocket.Chat confirmed the reset"
	case v1alpha1.AttemptNotSent:
		text = "nothing was sent"
	case v1alpha1.AttemptRefused:
		text = "Rocket.Chat refused it and did nothing"
	case v1alpha1.AttemptUnconfirmed:
		text = "the call was made, and nothing proves what came of it"
	}
	text += fmt.Sprintf(" (%s)", attempt.Reason)
	if cause := causes()[attempt.Reason]; cause != "" {
		text += ": " + cause
	}
	switch attempt.LateResult {
	case v1alpha1.AttemptSucceeded:
		text += "; it turned out later that the reset was confirmed"
	case v1alpha1.AttemptNotSent, v1alpha1.AttemptRefused:
		text += "; it turned out later that nothing was done"
	case v1alpha1.AttemptUnconfirmed, "":
	}
	return text
}

// causes are what the reasons of attempts mean that say nothing by themselves.
func causes() map[string]string {
	return map[string]string{
		v1alpha1.ReasonConnectionFailed:     "no connection to the workspace was obtained",
		v1alpha1.ReasonSendDeadlinePassed:   "the connection took longer than a call may wait",
		v1alpha1.ReasonNotBegun:             "the operator gave up before it began the call",
		v1alpha1.ReasonMailFailed:           "the mail to the user could not be written",
		v1alpha1.ReasonRateLimited:          "too many calls within the limiter's period",
		v1alpha1.ReasonTokenRejected:        "the account's token is not accepted",
		v1alpha1.ReasonSecondFactorRejected: "the account's second factor is not accepted",
		v1alpha1.ReasonEmailCodeRequired:    "the account is asked for a mailed code",
		v1alpha1.ReasonPermissionMissing:    "the account lacks the permission",
		v1alpha1.ReasonTypeNotAvailable:     "two-factor authentication is switched off",
		v1alpha1.ReasonUserNotFound:         "the user was gone",
		v1alpha1.ReasonUserFederated:        "the user belongs to another server",
		v1alpha1.ReasonTargetBusy:           "another request for the same user was under way",
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// String is the story for a terminal.
func (s Story) String() string {
	var b strings.Builder
	fmt.Fprintln(&b, Shown(s.Headline))
	for _, fact := range s.Facts {
		fmt.Fprintf(&b, "  %-12s %s\n", fact.Name, Shown(fact.Value))
	}
	section := func(title string, lines []string) {
		if len(lines) == 0 {
			return
		}
		fmt.Fprintf(&b, "\n%s\n", title)
		for _, line := range lines {
			fmt.Fprintf(&b, "  %s\n", Shown(line))
		}
	}
	var events []string
	for _, event := range s.Events {
		events = append(events, stamp(event.Time)+"  "+event.Text)
	}
	section("What happened", events)
	section("Not read", s.Unread)
	section("What to do next", s.Next)
	return b.String()
}
