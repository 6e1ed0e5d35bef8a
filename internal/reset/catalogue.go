package reset

import (
	"strings"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// Verdict is what a request's status is to say.
type Verdict struct {
	Outcome v1alpha1.Outcome // empty while the request is open
	Reason  string           // of Succeeded
	Message string           // of both conditions
}

// entry is the outcome that a reason stands for, and what the reader is told.
type entry struct {
	reason  string
	outcome v1alpha1.Outcome
	message string
}

// catalogue is every reason of a request. A message says what to do next; it
// holds nothing of a server's answer, no time and nothing from a Secret.
func catalogue() []entry {
	const (
		open        = v1alpha1.Outcome("")
		skipped     = v1alpha1.OutcomeSkipped
		failed      = v1alpha1.OutcomeFailed
		unconfirmed = v1alpha1.OutcomeUnconfirmed
	)
	return []entry{
		{v1alpha1.ReasonAwaitingApproval, open, "The workspace requires approval; somebody else than the requester, who may create resetapprovals, has to approve the request for the user in status.target"},
		{v1alpha1.ReasonWorkspaceSuspended, open, "The workspace is suspended; the request goes on when its administrator sets spec.suspend to false"},
		{v1alpha1.ReasonSecondFactorRequired, open, "The workspace's account is asked for a mailed code; an administrator has to put it into the workspace's Secret"},
		{v1alpha1.ReasonWorkspaceNotAvailable, open, "There is no such workspace that this namespace may use; check spec.workspaceRef, or ask its administrator to share it through allowedNamespaces"},
		{v1alpha1.ReasonWorkspaceNotReady, open, "The workspace cannot be used at present; its Ready condition says what its administrator has to repair"},
		{v1alpha1.ReasonTypeNotAllowed, open, "The workspace does not allow resets of this type; its administrator can add the type to allowedTypes"},
		{v1alpha1.ReasonTypeNotAvailable, open, "Two-factor authentication is switched off in the settings of Rocket.Chat; its administrator can switch it on"},
		{v1alpha1.ReasonPermissionMissing, open, "The workspace's account lacks the permission for this reset in Rocket.Chat; its administrator can grant it"},
		{v1alpha1.ReasonRateLimited, open, "Rocket.Chat accepts no more calls for the moment; the request goes on by itself"},
		{v1alpha1.ReasonBudgetExhausted, open, "The workspace's budget of resets is used up for the moment; the request goes on by itself when earlier resets are longer ago, or when an administrator raises spec.budget"},
		{v1alpha1.ReasonTargetBusy, open, "Another request for the same user and type is not settled yet; this one goes on by itself"},
		{v1alpha1.ReasonRetrying, open, "The last try provably did nothing; the request is tried again by itself"},
		{v1alpha1.ReasonAttemptPending, open, "The reset is being carried out"},
		{v1alpha1.ReasonConcluding, open, "The request is about to end without a reset"},
		{v1alpha1.ReasonResetAccepted, v1alpha1.OutcomeSucceeded, "Rocket.Chat confirmed the reset; the user has to log in again"},
		{v1alpha1.ReasonCreatedAfterNotAfterTime, skipped, "The request was created after its own notAfterTime, as a replay is; nothing was done, and a new request with a later notAfterTime is needed if this was no replay"},
		{v1alpha1.ReasonRestoredFromBackup, skipped, "The request was restored from a backup; nothing was done, and a new request is needed if a reset is wanted"},
		{v1alpha1.ReasonAlreadyCarriedOut, skipped, "An earlier request of this name already reset this credential of this user; create a request under a new name to reset it again"},
		{v1alpha1.ReasonAlreadyReset, skipped, "Another request reset this credential of this user after this one was created; create a new request to reset it again"},
		{v1alpha1.ReasonUserNotFound, failed, "The workspace has no such user; check the spelling, in which upper and lower case count, and create a new request"},
		{v1alpha1.ReasonUserMismatch, failed, "The username and the id belong to different users; check which one is meant and create a new request"},
		{v1alpha1.ReasonUserFederated, failed, "The user is federated from another server; ask the administrators of that server"},
		{v1alpha1.ReasonUserProtected, failed, "The workspace's administrator protects this user from resets; ask the administrator"},
		{v1alpha1.ReasonDenied, failed, "An approver denied the request; ask the approver, whose ResetApproval may say why"},
		{v1alpha1.ReasonRequesterUnknown, failed, "The workspace requires approval and the request does not say who asks, or is older than the policies that check that; create a new request with your own name in spec.requestedBy"},
		{v1alpha1.ReasonNotAfterTimePassed, failed, "The reset could not be carried out before notAfterTime; create a new request if it is still wanted"},
		{v1alpha1.ReasonValidityTooLong, failed, "notAfterTime is more than seven days after the creation; create a new request with an earlier one"},
		{v1alpha1.ReasonTargetChanged, failed, "The user or the workspace is no longer the one that the request was resolved to; check whom it means and create a new request"},
		{v1alpha1.ReasonHookNotSupported, failed, "Requests must not be hooks of Argo CD or Helm, which create them anew at every sync; remove the hook annotation and create a new request"},
		{v1alpha1.ReasonRefusedByServer, failed, "Rocket.Chat refused the reset for good; the operator's log names the code"},
		{v1alpha1.ReasonAttemptsExhausted, failed, "Five attempts provably did nothing; look at the record's attempts, repair the cause and create a new request"},
		{v1alpha1.ReasonNameAlreadyUsed, failed, "An earlier request had this name; create a request under a new name"},
		{v1alpha1.ReasonTargetUnconfirmed, failed, "Another reset of this credential was lost while this request waited; find out whether the user was reset, then ask again"},
		{v1alpha1.ReasonOutcomeUnconfirmed, unconfirmed, "Rocket.Chat was called and gave no answer that proves anything; ask the user whether the reset happened before creating a new request"},
		{v1alpha1.ReasonOwnResetSuspected, unconfirmed, "The operator's own account seems to have been reset instead of the user; the workspace's administrator has to check the account and renew its Secret"},
		{v1alpha1.ReasonRecordLost, unconfirmed, "Something was attempted but its record is gone; ask the user whether the reset happened before creating a new request"},
	}
}

// Reasons are all reasons of a request's Succeeded condition, but for those of
// attempts of which the truth came late.
func Reasons() []string {
	var reasons []string
	for _, e := range catalogue() {
		reasons = append(reasons, e.reason)
	}
	return reasons
}

// lookUp is the verdict of a reason of the catalogue.
func lookUp(reason string) (Verdict, bool) {
	for _, e := range catalogue() {
		if e.reason == reason {
			return Verdict{Outcome: e.outcome, Reason: e.reason, Message: e.message}, true
		}
	}
	return Verdict{}, false
}

// VerdictOf is the verdict of a reason that is in the catalogue.
func VerdictOf(reason string) Verdict {
	v, _ := lookUp(reason)
	return v
}

// DeniesReset says whether the verdict ends a request and says that this request
// reset nothing.
func DeniesReset(v Verdict) bool {
	return v.Outcome == v1alpha1.OutcomeFailed || v.Outcome == v1alpha1.OutcomeSkipped
}

// ForbidsAnother says whether after an attempt with that result no other one may
// follow for the same request.
func ForbidsAnother(result Result) bool {
	return result.Result == v1alpha1.AttemptSucceeded || result.Result == v1alpha1.AttemptUnconfirmed
}

// Orphaned is the verdict of an attempt's result whose record is gone.
func Orphaned(result Result) Verdict {
	switch result.Result {
	case v1alpha1.AttemptSucceeded:
		return VerdictOf(v1alpha1.ReasonResetAccepted)
	case v1alpha1.AttemptUnconfirmed:
		return VerdictOf(result.Reason)
	case v1alpha1.AttemptNotSent, v1alpha1.AttemptRefused:
	}
	return lateFailure(result.Reason)
}

// lateFailure is the verdict for an attempt that had been given up and of which
// it turned out later that it did nothing.
func lateFailure(reason string) Verdict {
	return Verdict{
		Outcome: v1alpha1.OutcomeFailed,
		Reason:  reason,
		Message: "It turned out later that the attempt did nothing; create a new request if the reset is still wanted",
	}
}

// MessageOf is what is shown beside a reason, "" where there is nothing to show.
// It is for the documentation; where a request and a workspace share a reason,
// both messages are returned.
func MessageOf(reason string) string {
	var messages []string
	if v, known := lookUp(reason); known {
		messages = append(messages, v.Message)
	}
	if message, known := readyMessages()[reason]; known {
		messages = append(messages, message)
	}
	return strings.Join(messages, ". On a workspace: ")
}
