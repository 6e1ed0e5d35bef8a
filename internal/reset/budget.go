package reset

import (
	"time"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// The budget of a workspace that names none.
const (
	defaultMaxResets = 60
	defaultPeriod    = time.Hour
	// MaxBudgetPeriod is the longest period of a budget.
	MaxBudgetPeriod = 7 * 24 * time.Hour
)

// budgetSpread is how far apart requests look again that wait for the same moment.
const budgetSpread = 5 * time.Second

// BudgetOf is how many attempts may begin in which period.
func BudgetOf(w *v1alpha1.RocketChatWorkspace) (attempts int, period time.Duration) {
	if budget := w.Spec.Budget; budget != nil {
		attempts, period = int(budget.MaxResets), time.Duration(budget.PeriodSeconds)*time.Second
	}
	if attempts <= 0 {
		attempts = defaultMaxResets
	}
	if period <= 0 || period > MaxBudgetPeriod {
		period = defaultPeriod
	}
	return attempts, period
}

// budget answers whether the workspace's budget lets another attempt begin.
func budget(o Observation) (Decision, bool) {
	wait := o.BudgetFreeAt.Sub(o.Now)
	if wait <= 0 {
		return Decision{}, false
	}
	return reportAfter(v1alpha1.ReasonBudgetExhausted, wait+Spread(o.Request.UID, budgetSpread))
}
