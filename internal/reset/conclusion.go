package reset

import "github.com/credentialreset/credential-reset-operator/api/v1alpha1"

// A request that ends without a reset ends for good, while another process of the
// operator, which does not see the reason yet, may be about to claim it. So who
// ends it gives notice in its status before looking for a claim, and who claims it
// looks for a notice after the claim is stored: whichever comes second sees the
// other.

// Notice is the verdict that says that a request is about to end.
func Notice() Verdict { return VerdictOf(v1alpha1.ReasonConcluding) }

// HasNotice says whether the request's status says that it is about to end.
func HasNotice(request *v1alpha1.UserCredentialReset) bool {
	said, ok := saidBefore(request)
	return ok && said.Reason == v1alpha1.ReasonConcluding
}

// NeedsNotice says whether notice must be given before the request ends with that
// verdict: there is no record that forbids a claim, and the reason is one that
// others may not see.
func NeedsNotice(o Observation, v Verdict) bool {
	if !DeniesReset(v) || HasNotice(o.Request) {
		return false
	}
	switch v.Reason {
	case v1alpha1.ReasonCreatedAfterNotAfterTime, v1alpha1.ReasonValidityTooLong:
		return false // what they rest on never changes
	}
	if o.Record == nil {
		return true
	}
	_, closed := recordVerdict(o.Record)
	return isFor(o.Record, o.Request) && !closed
}

// withdrawn takes a notice back that does not hold any more: before it is gone
// from the status, nobody claims the request.
func withdrawn(o Observation) (Decision, bool) {
	if HasNotice(o.Request) {
		return report(v1alpha1.ReasonRetrying)
	}
	return Decision{}, false
}

// Claimed decides, after the claim was stored, whether the call may be made. It
// looks at the request, its approvals and its rivals as they are by then, and returns the result
// to be recorded if not.
func Claimed(o Observation) (Result, bool) {
	if !o.Request.DeletionTimestamp.IsZero() || o.Request.Status.Outcome != "" || HasNotice(o.Request) {
		return NotBegun(), true
	}
	if decision, decided := approval(o); decided {
		return Result{Result: v1alpha1.AttemptNotSent, Reason: decision.Verdict.Reason}, true
	}
	if decision, decided := rivals(o); decided {
		return Result{Result: v1alpha1.AttemptNotSent, Reason: decision.Verdict.Reason}, true
	}
	return Result{}, false
}
