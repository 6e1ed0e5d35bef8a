package reset

import (
	"testing"
	"time"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// ended is an observation of a request that ended a minute ago, has a time to live
// of half a minute, and whose notAfterTime is over.
func ended() Observation {
	o := open()
	o.Request.Spec.NotAfterTime = at(-10 * time.Second)
	o.Request.Spec.TTLSecondsAfterFinished = new(int32(30))
	o.Request.Status = StatusOf(o.Request, VerdictOf(v1alpha1.ReasonResetAccepted), Facts{}, now().Add(-time.Minute))
	return o
}

func endedWith(reason string) func(*Observation) {
	return func(o *Observation) {
		o.Request.Status = StatusOf(aliceRequest(), VerdictOf(reason), Facts{}, now().Add(-time.Minute))
	}
}

func TestFinishedRequestsAreDeleted(t *testing.T) {
	t.Parallel()
	checkDecide(t, ended, map[string]decideCase{
		"when its time to live is over": {nil, StepDelete, "", 0},
		"not before": {func(o *Observation) {
			o.Request.Spec.TTLSecondsAfterFinished = new(int32(90))
		}, StepNone, "", 30 * time.Second},
		"not before notAfterTime": {func(o *Observation) {
			o.Request.Spec.NotAfterTime = at(time.Hour)
		}, StepNone, "", time.Hour + time.Second},
		"not without a time to live": {func(o *Observation) {
			o.Request.Spec.TTLSecondsAfterFinished = nil
		}, StepNone, "", 0},
		"at once, if that is wanted": {func(o *Observation) {
			o.Request.Spec.TTLSecondsAfterFinished = new(int32(0))
		}, StepDelete, "", 0},
		"also one that failed": {endedWith(v1alpha1.ReasonUserNotFound), StepDelete, "", 0},
		"not one that was skipped: it would come back as often as it is applied": {
			endedWith(v1alpha1.ReasonCreatedAfterNotAfterTime), StepNone, "", 0,
		},
		"not one at which somebody has to look": {endedWith(v1alpha1.ReasonOutcomeUnconfirmed), StepNone, "", 0},
		"not one that is being deleted":         {func(o *Observation) { o.Request.DeletionTimestamp = atPointer(0) }, StepNone, "", 0},
		"not before the truth is told": {func(o *Observation) {
			endedWith(v1alpha1.ReasonOutcomeUnconfirmed)(o)
			late := attempt(v1alpha1.AttemptUnconfirmed, v1alpha1.ReasonOutcomeUnconfirmed, -time.Minute)
			late.LateResult = v1alpha1.AttemptSucceeded
			o.Record = recordFor(o.Request, late)
		}, StepReport, v1alpha1.ReasonResetAccepted, 0},
	})
}
