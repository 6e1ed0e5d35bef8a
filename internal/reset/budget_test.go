package reset

import (
	"testing"
	"time"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

func TestDecideFromTheBudget(t *testing.T) {
	t.Parallel()
	checkDecide(t, resolved, map[string]decideCase{
		"there is room":                {func(o *Observation) { o.BudgetFreeAt = time.Time{} }, StepAttempt, "", 0},
		"there is room again just now": {func(o *Observation) { o.BudgetFreeAt = now() }, StepAttempt, "", 0},
		"there is room in a while": {func(o *Observation) {
			o.BudgetFreeAt = now().Add(10 * time.Minute)
		}, StepReport, v1alpha1.ReasonBudgetExhausted, 10*time.Minute + Spread("uid-1", budgetSpread)},
		"there is room when it is too late": {func(o *Observation) {
			o.BudgetFreeAt = now().Add(2 * time.Hour)
		}, StepReport, v1alpha1.ReasonBudgetExhausted, time.Hour + time.Second},
		"a person who is being reset is waited for first": {func(o *Observation) {
			o.BudgetFreeAt, o.Rivals = now().Add(time.Hour), []v1alpha1.ResetRecord{rivalWith(attempt("", "", 0))}
		}, StepReport, v1alpha1.ReasonTargetBusy, 0},
	})
}

func TestBudgetOf(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		budget   *v1alpha1.ResetBudget
		attempts int
		period   time.Duration
	}{
		"nothing said":               {nil, 60, time.Hour},
		"neither said":               {&v1alpha1.ResetBudget{}, 60, time.Hour},
		"both said":                  {&v1alpha1.ResetBudget{MaxResets: 5, PeriodSeconds: 60}, 5, time.Minute},
		"seven days":                 {&v1alpha1.ResetBudget{MaxResets: 1, PeriodSeconds: 604800}, 1, 7 * 24 * time.Hour},
		"what no API server accepts": {&v1alpha1.ResetBudget{MaxResets: -1, PeriodSeconds: 604801}, 60, time.Hour},
	} {
		w := chatWorkspace()
		w.Spec.Budget = test.budget
		if attempts, period := BudgetOf(w); attempts != test.attempts || period != test.period {
			t.Errorf("%s: %d in %v, want %d in %v", name, attempts, period, test.attempts, test.period)
		}
	}
}
