package main

// budgets are mutations of how many resets may begin within a while, by the budget and
// by the limiter.
func budgets() []mutation {
	const (
		budget = "internal/reset/budget.go"
		ledger = "controllers/ledger.go"
		pass   = "controllers/pass.go"
	)
	return []mutation{
		{
			"a used-up budget stops nobody", withinBudget, budget,
			`	if wait <= 0 {`, `	if wait != 0 {`, resetTests(),
		},
		{
			"a workspace without a budget has none", withinBudget, budget,
			`		attempts = defaultMaxResets`, `		attempts = 1 << 30`, resetTests(),
		},
		{
			"a budget may be of a moment", withinBudget, budget,
			`	if period <= 0 || period > MaxBudgetPeriod {`, `	if period < 0 || period > MaxBudgetPeriod {`, resetTests(),
		},
		{
			"one more than the budget may begin", withinBudget, ledger,
			`	if len(starts) < attempts {`, `	if len(starts) <= attempts {`, passTests(),
		},
		{
			"a budget is free a second early", withinBudget, ledger,
			`Add(period + time.Second); free`, `Add(period); free`, passTests(),
		},
		{
			"attempts of other processes do not count", withinBudget, ledger,
			`		if own == nil || !own.counted {`, `		if own != nil && !own.counted {`, passTests(),
		},
		{
			"attempts of this process count when their informer tells of them", withinBudget, ledger,
			`	if attempt := reset.Attempt(record, attemptID); attempt != nil && own`, `	if attempt := reset.Attempt(record, ""); attempt != nil && own`, passTests(),
		},
		{
			"resets begin before all earlier ones are known", withinBudget, "controllers/usercredentialreset_controller.go",
			`	if !r.ledger.isComplete() {`, `	if r.ledger == nil {`, passTests(),
		},
		{
			"a pass does not wait until the limiter lets its calls pass", oneCall, pass,
			`		p.pause(closed - before)
`, ``, passTests(),
		},
		{
			"a claim that was quick is followed by a call before the limiter lets it pass", oneCall, pass,
			`	p.pause(min(p.permit.Closed(p.route()), claimLead))
`, ``, passTests(),
		},
		{
			"a permit is kept for as long as a limiter says", oneCall, pass,
			`		if closed > passLead {`, `		if closed > passLead && closed < 0 {`, passTests(),
		},
	}
}
