package advice

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// Exit codes of the plugin.
const (
	ExitSucceeded   = 0
	ExitFailed      = 1
	ExitSkipped     = 2
	ExitUnconfirmed = 3
	ExitTimeout     = 4
	ExitError       = 5 // the command itself could not be carried out
	ExitInterrupted = 130
)

// ExitOf is the exit code for an outcome; an open request is one that was waited for
// in vain.
func ExitOf(outcome v1alpha1.Outcome) int {
	switch outcome {
	case v1alpha1.OutcomeSucceeded:
		return ExitSucceeded
	case v1alpha1.OutcomeFailed:
		return ExitFailed
	case v1alpha1.OutcomeSkipped:
		return ExitSkipped
	case v1alpha1.OutcomeUnconfirmed, Gone:
		return ExitUnconfirmed
	}
	return ExitTimeout
}

// Gone is how a request counts that was deleted before it ended: a reset that had begun
// goes on, and only the record tells of it.
const Gone v1alpha1.Outcome = "Deleted"

// Tally counts requests by how they ended; those that have not are under "".
type Tally map[v1alpha1.Outcome]int

// Count counts the requests.
func Count(requests []v1alpha1.UserCredentialReset) Tally {
	tally := Tally{}
	for i := range requests {
		tally[requests[i].Status.Outcome]++
	}
	return tally
}

// Ended is how many have ended.
func (t Tally) Ended() int { return t.Total() - t[""] }

// Total is how many were counted.
func (t Tally) Total() int {
	total := 0
	for _, count := range t {
		total += count
	}
	return total
}

// Exit is the exit code for all of them: that of the outcome which needs a person
// most.
func (t Tally) Exit() int {
	for _, outcome := range []v1alpha1.Outcome{
		v1alpha1.OutcomeUnconfirmed, Gone, v1alpha1.OutcomeFailed, "", v1alpha1.OutcomeSkipped,
	} {
		if t[outcome] > 0 {
			return ExitOf(outcome)
		}
	}
	return ExitSucceeded
}

// String tells the counts that are not zero.
func (t Tally) String() string {
	var parts []string
	for _, of := range []struct {
		outcome v1alpha1.Outcome
		word    string
	}{
		{v1alpha1.OutcomeSucceeded, "succeeded"},
		{v1alpha1.OutcomeSkipped, "skipped"},
		{v1alpha1.OutcomeFailed, "failed"},
		{v1alpha1.OutcomeUnconfirmed, "unconfirmed"},
		{Gone, "deleted"},
		{"", "open"},
	} {
		if t[of.outcome] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", t[of.outcome], of.word))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// ReasonOf is the reason that the request's status says, "" before the operator has
// seen it.
func ReasonOf(request *v1alpha1.UserCredentialReset) string {
	if said := meta.FindStatusCondition(request.Status.Conditions, v1alpha1.ConditionSucceeded); said != nil {
		return said.Reason
	}
	return ""
}

// MessageOf is the message beside it.
func MessageOf(request *v1alpha1.UserCredentialReset) string {
	if said := meta.FindStatusCondition(request.Status.Conditions, v1alpha1.ConditionSucceeded); said != nil {
		return said.Message
	}
	return "The operator has not seen the request yet"
}
