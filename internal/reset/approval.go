package reset

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// NeedsApproval says whether the workspace lets nobody be reset by this request
// whom somebody else has not approved.
func NeedsApproval(w *v1alpha1.RocketChatWorkspace, request *v1alpha1.UserCredentialReset) bool {
	return w != nil && slices.Contains(w.Spec.ApprovalRequiredTypes, request.Spec.Type)
}

// approval answers from what approvers decided, once the names in requests and
// approvals are known to be true. Nobody can approve before it is known who is
// meant, so a request is resolved first; a denial needs neither.
func approval(o Observation) (Decision, bool) {
	if !NeedsApproval(o.Workspace, o.Request) {
		return Decision{}, false
	}
	switch {
	case o.Denial() != nil:
		return report(v1alpha1.ReasonDenied)
	case o.NamesTrustedSince.IsZero():
		return report(v1alpha1.ReasonWorkspaceNotReady)
	case o.Request.Spec.RequestedBy == "", o.Request.CreationTimestamp.Time.Before(o.NamesTrustedSince):
		return report(v1alpha1.ReasonRequesterUnknown)
	case o.Target == nil || o.Approval() != nil:
		return Decision{}, false
	}
	return Decision{Step: StepReport, Verdict: awaitingApproval(o)}, true
}

// Approval is the approval that lets the request be carried out, nil if there is
// none, or none is needed. Of several, it is the oldest.
func (o Observation) Approval() *v1alpha1.ResetApproval {
	if !NeedsApproval(o.Workspace, o.Request) {
		return nil
	}
	var oldest *v1alpha1.ResetApproval
	for i := range o.Approvals {
		candidate := &o.Approvals[i]
		if o.flaw(candidate) != "" {
			continue
		}
		if oldest == nil || candidate.CreationTimestamp.Before(&oldest.CreationTimestamp) {
			oldest = candidate
		}
	}
	return oldest
}

// Denial is the decision that ends the request, nil if there is none, or none counts.
// Of several, it is the first.
func (o Observation) Denial() *v1alpha1.ResetApproval {
	if !NeedsApproval(o.Workspace, o.Request) {
		return nil
	}
	i := slices.IndexFunc(o.Approvals, o.denies)
	if i < 0 {
		return nil
	}
	return &o.Approvals[i]
}

// denies says whether the decision ends the request: a no to this very request,
// whoever it was thought to mean.
func (o Observation) denies(a v1alpha1.ResetApproval) bool {
	return a.Spec.Decision == v1alpha1.DecisionDenied && a.Spec.RequestUID == string(o.Request.UID) && isAbout(&a, o.Request)
}

func isAbout(a *v1alpha1.ResetApproval, request *v1alpha1.UserCredentialReset) bool {
	return a.Namespace == request.Namespace && a.Spec.RequestName == request.Name
}

// flaw is why the decision does not let the request be carried out, "" if it does.
func (o Observation) flaw(a *v1alpha1.ResetApproval) string {
	requester, approver := o.Request.Spec.RequestedBy, a.Spec.ApprovedBy
	switch {
	case !isAbout(a, o.Request) || a.Spec.Decision != v1alpha1.DecisionApproved || !a.DeletionTimestamp.IsZero():
		return "it approves nothing here"
	case a.Spec.RequestUID != string(o.Request.UID):
		return "its requestUID is that of another request"
	case o.Target == nil || a.Spec.UserID != o.Target.UserID:
		return "its userID is that of another user"
	case a.CreationTimestamp.Time.Before(o.NamesTrustedSince):
		return "it is older than the policies that check who approved"
	case approver == "":
		return "it does not say who approved"
	case requester == "" || approver == requester:
		return "nobody approves their own request"
	}
	return ""
}

// awaitingApproval tells what an approver has to create, and why an approval that
// is there does not count.
func awaitingApproval(o Observation) Verdict {
	v := VerdictOf(v1alpha1.ReasonAwaitingApproval)
	if command := approvalCommand(o); command != "" {
		v.Message += ", with " + command
	}
	for i := range o.Approvals {
		if a := &o.Approvals[i]; isAbout(a, o.Request) && a.Spec.Decision == v1alpha1.DecisionApproved {
			v.Message += "; the approval " + a.Name + " does not count: " + o.flaw(a)
			break
		}
	}
	return v
}

// plainWord is what can stand in a shell command and in JSON as it is. User ids
// come from a server: what is shown here will be pasted into an approver's shell.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// approvalCommand is the command that approves the request, "" if it cannot be
// shown safely. It names the one who types it, so that it does with and without
// the policy that fills the name in.
func approvalCommand(o Observation) string {
	for _, word := range []string{o.Request.Name, string(o.Request.UID), o.Target.UserID} {
		if !plainWord.MatchString(word) {
			return ""
		}
	}
	return fmt.Sprintf(`echo '{"apiVersion":"credentialreset.dev/v1alpha1","kind":"ResetApproval",`+
		`"metadata":{"namespace":"%s","generateName":"%s-"},`+
		`"spec":{"requestName":"%s","requestUID":"%s","userID":"%s","decision":"Approved",`+
		`"approvedBy":"'"$(kubectl auth whoami -o jsonpath='{.status.userInfo.username}')"'"}}' | kubectl create -f -`,
		o.Request.Namespace, o.Request.Name, o.Request.Name, o.Request.UID, o.Target.UserID)
}
