package reset

import (
	"slices"
	"time"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// unconfirmedGrace is how long a lost attempt keeps others waiting: its late
// truth may still arrive.
const unconfirmedGrace = 5 * time.Minute

// target answers from the user that the request was resolved to, as far as that
// is known: whether it is the one that was asked for and shown, and whether policy
// protects it.
func target(o Observation) (Decision, bool) {
	if o.Target == nil {
		return Decision{}, false
	}
	switch {
	case !matches(o.Target.Target, o.Request.Spec.User):
		return report(v1alpha1.ReasonUserMismatch)
	case hasChanged(o):
		return report(v1alpha1.ReasonTargetChanged)
	case o.Target.Federated:
		return report(v1alpha1.ReasonUserFederated)
	case isProtected(o):
		return report(v1alpha1.ReasonUserProtected)
	}
	return Decision{}, false
}

// busy answers whether another request is about to reset the same person.
func busy(o Observation) (Decision, bool) {
	if o.Target == nil {
		return Decision{}, false
	}
	return rivals(o)
}

// hasChanged compares host and id with what was shown and recorded. A username
// may change; who is meant does not.
func hasChanged(o Observation) bool {
	differs := func(pinned *v1alpha1.Target) bool {
		return pinned.UserID != o.Target.UserID || pinned.Host != o.Target.Host
	}
	if shown := o.Request.Status.Target; shown != nil && differs(shown) {
		return true
	}
	return o.Record != nil && differs(&o.Record.Target)
}

func isProtected(o Observation) bool {
	if slices.Contains(o.Workspace.Spec.ProtectedUserIDs, o.Target.UserID) {
		return true
	}
	return IsOwn(o.Health, o.Target.UserID) && !OwnAllowed(o.Workspace)
}

// IsOwn says whether the user is the operator's own account.
func IsOwn(health Health, userID string) bool { return userID == health.AccountID }

// OwnAllowed says whether the operator's own account may be reset.
func OwnAllowed(w *v1alpha1.RocketChatWorkspace) bool {
	return w.Spec.OwnAccount == v1alpha1.OwnAccountAllowed
}

// rivals answers from the other records for the same credential of the same
// person: an open attempt is waited for, a success after the request's creation
// leaves nothing to do, and a loss must be looked at by somebody first.
func rivals(o Observation) (Decision, bool) {
	attempts := rivalAttempts(o)
	switch {
	case slices.ContainsFunc(attempts, isOpen):
		return reportAfter(v1alpha1.ReasonTargetBusy, recheckInterval)
	case slices.ContainsFunc(attempts, o.leavesNothing):
		return report(v1alpha1.ReasonAlreadyReset)
	case slices.ContainsFunc(attempts, o.isYoungLoss):
		return reportAfter(v1alpha1.ReasonTargetBusy, recheckInterval)
	case slices.ContainsFunc(attempts, o.isUnseenLoss):
		return report(v1alpha1.ReasonTargetUnconfirmed)
	}
	return Decision{}, false
}

func isOpen(attempt *v1alpha1.Attempt) bool { return attempt.Result == "" }

// leavesNothing says whether the attempt reset the person after the request was
// created, or turned out to have done so while the request waited for it.
func (o Observation) leavesNothing(attempt *v1alpha1.Attempt) bool {
	waited := attempt.LateResult != "" && waitsForRival(o.Request)
	return Truth(attempt) == v1alpha1.AttemptSucceeded && (endedSince(attempt, o.Request) || waited)
}

// isYoungLoss says whether the late truth of a lost attempt may still arrive.
func (o Observation) isYoungLoss(attempt *v1alpha1.Attempt) bool {
	return Truth(attempt) == v1alpha1.AttemptUnconfirmed && endOf(attempt).Add(unconfirmedGrace).After(o.Now)
}

// isUnseenLoss says whether the attempt was lost after the request was created, so
// that nobody can have known of it when asking.
func (o Observation) isUnseenLoss(attempt *v1alpha1.Attempt) bool {
	return Truth(attempt) == v1alpha1.AttemptUnconfirmed && endedSince(attempt, o.Request)
}

// waitsForRival says whether the request has said that it waits for another one.
func waitsForRival(request *v1alpha1.UserCredentialReset) bool {
	said, ok := saidBefore(request)
	return ok && said.Reason == v1alpha1.ReasonTargetBusy
}

// rivalAttempts are all attempts of all rivals.
func rivalAttempts(o Observation) []*v1alpha1.Attempt {
	var attempts []*v1alpha1.Attempt
	for i := range o.Rivals {
		if !isRival(o, &o.Rivals[i]) {
			continue
		}
		for j := range o.Rivals[i].Attempts {
			attempts = append(attempts, &o.Rivals[i].Attempts[j])
		}
	}
	return attempts
}

func isRival(o Observation, rival *v1alpha1.ResetRecord) bool {
	return rival.Name != RecordName(o.Request.Namespace, o.Request.Name) &&
		rival.Type == o.Request.Spec.Type &&
		rival.Target.Host == o.Target.Host && rival.Target.UserID == o.Target.UserID
}

// endOf is when the attempt's result was known, at the earliest.
func endOf(attempt *v1alpha1.Attempt) time.Time {
	if attempt.EndTime != nil {
		return attempt.EndTime.Time
	}
	return attempt.StartTime.Time
}

// endedSince says whether the attempt ended after the request was created, or in
// the same second. An attempt without an end may have.
func endedSince(attempt *v1alpha1.Attempt, request *v1alpha1.UserCredentialReset) bool {
	return attempt.EndTime == nil || !attempt.EndTime.Before(&request.CreationTimestamp)
}
