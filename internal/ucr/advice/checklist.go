package advice

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// Mark is how a check came out.
type Mark string

// The marks.
const (
	MarkGood    Mark = "Good"
	MarkBad     Mark = "Bad"
	MarkUnknown Mark = "Unknown" // something before it is bad
)

// Check is one line of a checklist.
type Check struct {
	Mark Mark   `json:"mark"`
	What string `json:"what"`
	Note string `json:"note,omitempty"` // what it is, or what to repair
}

// rung is one check, and the reasons of Ready for which it is bad.
type rung struct {
	what    string
	reasons []string
	note    func(*v1alpha1.RocketChatWorkspace) string
}

// rungs are the checks in the order in which they rest on each other.
func rungs() []rung {
	return []rung{
		{"seen by the operator", []string{v1alpha1.ReasonProbing}, nil},
		{"not suspended", []string{v1alpha1.ReasonSuspended}, nil},
		{"Secret can be used", []string{v1alpha1.ReasonSecretNotFound, v1alpha1.ReasonSecretTypeWrong, v1alpha1.ReasonSecretInvalid}, secretNote},
		{"server answers", []string{v1alpha1.ReasonServerUnreachable}, serverNote},
		{"token is accepted", []string{v1alpha1.ReasonTokenRejected, v1alpha1.ReasonOwnResetSuspected}, accountNote},
		{"second factor is accepted", []string{v1alpha1.ReasonSecondFactorRejected, v1alpha1.ReasonEmailCodeRequired, v1alpha1.ReasonBypassTokenIgnored}, factorNote},
		{"account may reset what is allowed", []string{v1alpha1.ReasonPermissionMissing}, permissionNote},
		{"names of approvers are checked", []string{v1alpha1.ReasonApprovalPolicyMissing}, approvalNote},
	}
}

// Checklist tells the health of the workspace, one check after another. What comes
// after a bad one is not known, since the operator stops there.
func Checklist(w *v1alpha1.RocketChatWorkspace) []Check {
	ready := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionReady)
	reason, message := v1alpha1.ReasonProbing, "the operator has not looked at it: it does not run, or does not watch this namespace"
	if ready != nil {
		reason, message = ready.Reason, ready.Message
	}
	if ready != nil && ready.ObservedGeneration != w.Generation {
		reason, message = v1alpha1.ReasonProbing, "the operator has not looked at the last change yet"
	}
	var checks []Check
	mark := MarkGood
	for _, r := range rungs() {
		check := Check{Mark: mark, What: r.what}
		switch {
		case mark == MarkGood && slices.Contains(r.reasons, reason):
			check.Mark, check.Note = MarkBad, message
			mark = MarkUnknown
		case mark == MarkGood && r.note != nil:
			check.Note = r.note(w)
		}
		checks = append(checks, check)
	}
	if mark == MarkGood && reason != v1alpha1.ReasonConnected {
		checks = append(checks, Check{MarkBad, reason, message}) // a reason of a later release
	}
	return checks
}

// IsHealthy says whether resets can be carried out.
func IsHealthy(checks []Check) bool {
	return !slices.ContainsFunc(checks, func(c Check) bool { return c.Mark != MarkGood })
}

// Policy tells what the workspace lets people ask for.
func Policy(w *v1alpha1.RocketChatWorkspace, used int, usedKnown bool) []Fact {
	budget := BudgetOf(w)
	spent := fmt.Sprintf("%d per %s", budget.Count, Span(budget.Period))
	if usedKnown {
		spent += fmt.Sprintf(", %d used", used)
	}
	namespaces := []string{w.Namespace}
	if w.Spec.AllowedNamespaces != nil {
		namespaces = append(namespaces, w.Spec.AllowedNamespaces.Names...)
	}
	facts := []Fact{
		{"types", typeList(w.Spec.AllowedTypes)},
		{"namespaces", strings.Join(namespaces, ", ")},
		{"budget", spent},
	}
	if len(w.Spec.ApprovalRequiredTypes) > 0 {
		facts = append(facts, Fact{"approval", "needed for " + typeList(w.Spec.ApprovalRequiredTypes)})
	}
	if count := len(w.Spec.ProtectedUserIDs); count > 0 {
		facts = append(facts, Fact{"protected", fmt.Sprintf("%d users", count)})
	}
	return facts
}

func typeList(list []v1alpha1.ResetType) string {
	words := make([]string, 0, len(list))
	for _, t := range list {
		words = append(words, string(t))
	}
	return strings.Join(words, ", ")
}

func secretNote(w *v1alpha1.RocketChatWorkspace) string { return w.Spec.SecretRef.Name }

func serverNote(w *v1alpha1.RocketChatWorkspace) string {
	if w.Status.Version == "" {
		return w.Status.Host
	}
	return w.Status.Host + ", Rocket.Chat " + w.Status.Version
}

func accountNote(w *v1alpha1.RocketChatWorkspace) string { return w.Status.AccountUsername }

func factorNote(w *v1alpha1.RocketChatWorkspace) string { return string(w.Status.SecondFactorMethod) }

func permissionNote(w *v1alpha1.RocketChatWorkspace) string {
	if len(w.Status.PermittedTypes) == 0 {
		return "the server does not tell"
	}
	return typeList(w.Status.PermittedTypes)
}

func approvalNote(w *v1alpha1.RocketChatWorkspace) string {
	if len(w.Spec.ApprovalRequiredTypes) == 0 {
		return "nothing needs approval"
	}
	return typeList(w.Spec.ApprovalRequiredTypes)
}
