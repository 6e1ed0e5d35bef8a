package reset

import (
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// Facts are what a status shows beside the verdict; nil where not known.
type Facts struct {
	Target *v1alpha1.Target
	Record *v1alpha1.ResetRecord
}

// StatusOf is the request's status with the verdict and the facts in it. It
// equals the present status where that says the same already. What was shown
// once stays.
func StatusOf(request *v1alpha1.UserCredentialReset, v Verdict, facts Facts, now time.Time) v1alpha1.UserCredentialResetStatus {
	status := *request.Status.DeepCopy()
	if facts.Record != nil && isFor(facts.Record, request) {
		facts.Target = &facts.Record.Target
		if status.RecordRef == nil {
			status.RecordRef = &v1alpha1.RecordReference{Name: facts.Record.Name}
		}
	}
	if status.Target == nil {
		status.Target = facts.Target
	}
	if v.Outcome != "" && (v.Outcome != status.Outcome || status.CompletionTime == nil) {
		stamp := metav1.NewTime(now).Rfc3339Copy()
		status.CompletionTime = &stamp
	}
	status.Outcome = v.Outcome
	status.ObservedGeneration = new(request.Generation)
	set(&status.Conditions, conditionsOf(v), request.Generation, now)
	return status
}

// SameStatus says whether writing the status would change nothing.
func SameStatus(a, b v1alpha1.UserCredentialResetStatus) bool {
	return equality.Semantic.DeepEqual(a, b)
}

// conditionsOf are the conditions of a verdict; types that are not among them
// must be absent.
func conditionsOf(v Verdict) []metav1.Condition {
	succeeded := metav1.Condition{Type: v1alpha1.ConditionSucceeded, Reason: v.Reason, Message: v.Message}
	done := metav1.Condition{Type: v1alpha1.ConditionFinished, Status: metav1.ConditionTrue, Reason: string(v.Outcome), Message: v.Message}
	stalled := metav1.Condition{Type: v1alpha1.ConditionStalled, Status: metav1.ConditionTrue, Reason: v.Reason, Message: v.Message}
	switch v.Outcome {
	case v1alpha1.OutcomeSucceeded:
		succeeded.Status = metav1.ConditionTrue
		return []metav1.Condition{succeeded, done}
	case v1alpha1.OutcomeSkipped:
		succeeded.Status = metav1.ConditionFalse
		return []metav1.Condition{succeeded, done}
	case v1alpha1.OutcomeFailed:
		succeeded.Status = metav1.ConditionFalse
		return []metav1.Condition{succeeded, done, stalled}
	case v1alpha1.OutcomeUnconfirmed:
		succeeded.Status = metav1.ConditionUnknown
		return []metav1.Condition{succeeded, done, stalled}
	}
	succeeded.Status = metav1.ConditionUnknown
	done.Status, done.Reason = metav1.ConditionFalse, v1alpha1.ReasonInProgress
	reconciling := stalled
	reconciling.Type = v1alpha1.ConditionReconciling
	return []metav1.Condition{succeeded, done, reconciling}
}

// set makes the list hold exactly the wanted conditions, keeping the time of
// those that do not change.
func set(conditions *[]metav1.Condition, wanted []metav1.Condition, generation int64, now time.Time) {
	keep := map[string]bool{}
	for _, condition := range wanted {
		keep[condition.Type] = true
		condition.ObservedGeneration = generation
		condition.LastTransitionTime = metav1.NewTime(now).Rfc3339Copy()
		if present := meta.FindStatusCondition(*conditions, condition.Type); present != nil && present.Status == condition.Status {
			condition.LastTransitionTime = present.LastTransitionTime
		}
		meta.SetStatusCondition(conditions, condition)
	}
	for _, present := range append([]metav1.Condition{}, *conditions...) {
		if !keep[present.Type] {
			meta.RemoveStatusCondition(conditions, present.Type)
		}
	}
}

// saidBefore is the verdict that the request's conditions hold.
func saidBefore(request *v1alpha1.UserCredentialReset) (Verdict, bool) {
	succeeded := meta.FindStatusCondition(request.Status.Conditions, v1alpha1.ConditionSucceeded)
	done := meta.FindStatusCondition(request.Status.Conditions, v1alpha1.ConditionFinished)
	if succeeded == nil || done == nil || (done.Status == metav1.ConditionTrue && done.Reason != string(request.Status.Outcome)) {
		return Verdict{}, false
	}
	return Verdict{Outcome: request.Status.Outcome, Reason: succeeded.Reason, Message: succeeded.Message}, true
}

// isStamped says whether the status speaks of the present generation.
func isStamped(request *v1alpha1.UserCredentialReset) bool {
	observed := request.Status.ObservedGeneration
	return observed != nil && *observed == request.Generation
}
