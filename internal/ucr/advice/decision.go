package advice

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// MayDecide says why a person cannot decide about the request as it is, nil if they
// can.
func MayDecide(decision v1alpha1.Decision, request *v1alpha1.UserCredentialReset, who string) error {
	switch {
	case request.Status.Outcome != "":
		return fmt.Errorf("%s has ended (%s): there is nothing to decide any more", request.Name, request.Status.Outcome)
	case request.Status.Target == nil:
		return fmt.Errorf("%s does not show yet whom it means (%s): decide when it waits for approval", request.Name, orUnseen(ReasonOf(request)))
	case decision == v1alpha1.DecisionApproved && request.Spec.RequestedBy == who:
		return fmt.Errorf("%s was asked for by %s, and nobody approves their own request: somebody else has to", request.Name, who)
	case decision == v1alpha1.DecisionApproved && request.Spec.RequestedBy == "":
		return fmt.Errorf("%s does not say who asked, so that no approval counts: deny it, and have it asked for again", request.Name)
	}
	return nil
}

func orUnseen(reason string) string {
	if reason == "" {
		return "not seen by the operator"
	}
	return reason
}

// Dossier shows an approver whom and what a request means.
func Dossier(request *v1alpha1.UserCredentialReset) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", request.Name)
	line := func(name, value string) { fmt.Fprintf(&b, "  %-12s %s\n", name, Shown(value)) }
	if target := request.Status.Target; target != nil {
		line("person", fmt.Sprintf("%s (id %s)", target.Username, target.UserID))
		line("host", target.Host)
	}
	line("type", string(request.Spec.Type))
	for _, consequence := range Consequences(request.Spec.Type) {
		line("", consequence)
	}
	line("asked by", orNobody(request.Spec.RequestedBy))
	if request.Spec.Justification != "" {
		line("because of", request.Spec.Justification)
	}
	line("not after", stamp(request.Spec.NotAfterTime.Time))
	if reason := ReasonOf(request); reason != v1alpha1.ReasonAwaitingApproval {
		line("waits for", fmt.Sprintf("%s, not for approval: a decision may not be needed", orUnseen(reason)))
	}
	return b.String()
}

func orNobody(name string) string {
	if name == "" {
		return "(it does not say)"
	}
	return name
}

// DecisionQuestion asks whether to go on with the decisions, of as many as were named.
func DecisionQuestion(decisions []*v1alpha1.ResetApproval, named int) string {
	what := decisions[0].Spec.RequestName
	switch count := len(decisions); {
	case count < named:
		what = fmt.Sprintf("%d of these %d requests", count, named)
	case count > 1:
		what = fmt.Sprintf("these %d requests", count)
	}
	if decisions[0].Spec.Decision == v1alpha1.DecisionApproved {
		return fmt.Sprintf("Have you made sure who asks? Approve %s?", what)
	}
	return fmt.Sprintf("Deny %s for good?", what)
}

// Done is the decision as a participle.
func Done(decision v1alpha1.Decision) string { return strings.ToLower(string(decision)) }

// Decide is the decision about the request as it was shown.
func Decide(decision v1alpha1.Decision, request *v1alpha1.UserCredentialReset, who, message string) *v1alpha1.ResetApproval {
	approval := &v1alpha1.ResetApproval{
		ObjectMeta: metav1.ObjectMeta{Namespace: request.Namespace, GenerateName: request.Name + "-"},
		Spec: v1alpha1.ResetApprovalSpec{
			RequestName: request.Name, RequestUID: string(request.UID), UserID: request.Status.Target.UserID,
			Decision: decision, Message: message, ApprovedBy: who,
		},
	}
	approval.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("ResetApproval"))
	return approval
}
