package reset

import (
	"time"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

const (
	// watchBeforeGivingUp is how long an attempt of another process must have been
	// watched open: more than twice the longest pass.
	watchBeforeGivingUp = 60 * time.Second
	// ageBeforeGivingUp is the age at which no process can be at it any more.
	ageBeforeGivingUp = 15 * time.Minute
	// keepAfterNotAfter is how long a record outlives notAfterTime at least.
	keepAfterNotAfter = 24 * time.Hour
	// RecordRecheck is the pause between looks at a record that could go.
	RecordRecheck = time.Hour
)

// RecordStep is what to do next about a record.
type RecordStep int

// The steps.
const (
	// RecordStepNone means that nothing is to be done now.
	RecordStepNone RecordStep = iota + 1
	// RecordStepGiveUp means that the open attempt is to be given up.
	RecordStepGiveUp
	// RecordStepDelete means that the record may go, if its request has gone.
	RecordStepDelete
)

// RecordDecision is the next step for a record.
type RecordDecision struct {
	Step  RecordStep
	After time.Duration // when to look again
}

// RecordObservation is everything that a decision about a record may look at.
type RecordObservation struct {
	Now       time.Time // by the API server's clock
	Record    *v1alpha1.ResetRecord
	Held      bool          // this process answers for the open attempt
	Watched   time.Duration // how long this process has seen the attempt open
	Retention time.Duration
}

// DecideRecord says what to do next about a record.
func DecideRecord(o RecordObservation) RecordDecision {
	if open := OpenAttempt(o.Record); open != nil {
		age := o.Now.Sub(open.StartTime.Time)
		switch {
		case o.Held:
			return RecordDecision{Step: RecordStepNone, After: watchBeforeGivingUp}
		case o.Watched >= watchBeforeGivingUp || age >= ageBeforeGivingUp:
			return RecordDecision{Step: RecordStepGiveUp}
		}
		return RecordDecision{Step: RecordStepNone, After: watchBeforeGivingUp - o.Watched}
	}
	if left := expiry(o).Sub(o.Now); left > 0 {
		return RecordDecision{Step: RecordStepNone, After: left}
	}
	return RecordDecision{Step: RecordStepDelete}
}

// expiry is when the record may go.
func expiry(o RecordObservation) time.Time {
	notAfter := o.Record.NotAfterTime.Time
	last := notAfter
	for i := range o.Record.Attempts {
		last = later(last, endOf(&o.Record.Attempts[i]))
	}
	return later(last.Add(o.Retention), notAfter.Add(keepAfterNotAfter))
}
