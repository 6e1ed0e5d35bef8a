package advice

import (
	"fmt"
	"time"

	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

// reserve is kept free at the end of a window: nothing is claimed with less than a
// request's time-out left.
const reserve = reset.MaxRequestTimeout

// Plan is what can be told of many resets before they are asked for.
type Plan struct {
	Wanted int           // resets that are to be asked for
	Window time.Duration // how long each of them is good for

	FitBudget  int // how many of them the budget lets begin within the window
	FitLimiter int // how many the server's limiter lets begin
	Fit        int // how many can begin in the end

	Needed time.Duration // the window that all of them need
}

// Foresee tells how many resets fit into the window, given the workspace's budget
// and the server's limiter.
func Foresee(load Load, budget, limiter Limit, wanted int, window time.Duration) Plan {
	end := load.Now.Add(window - reserve)
	plan := Plan{
		Wanted: wanted, Window: window,
		FitBudget:  load.Under(budget).Fit(wanted, end),
		FitLimiter: load.Under(limiter).Fit(wanted, end),
		Fit:        load.Under(budget, limiter).Fit(wanted, end),
	}
	if starts := load.Under(budget, limiter).Starts(wanted); len(starts) > 0 {
		plan.Needed = starts[len(starts)-1].Sub(load.Now) + reserve
	}
	return plan
}

// AllFit says whether every reset can begin within the window.
func (p Plan) AllFit() bool { return p.Fit >= p.Wanted }

// Remedy is what lets all of them fit, "" if they do.
func (p Plan) Remedy() string {
	if p.AllFit() {
		return ""
	}
	budget := p.FitBudget < p.Wanted && p.FitBudget <= p.FitLimiter
	longer := RoundUp(p.Needed)
	text := fmt.Sprintf("%d of %d do not fit", p.Wanted-p.Fit, p.Wanted)
	switch {
	case longer > reset.MaxValidity && budget:
		return text + "; have an administrator of the workspace raise spec.budget, or ask for fewer at a time"
	case longer > reset.MaxValidity:
		return text + "; ask for fewer at a time, or have the operator's account exempted from the limiter"
	case budget:
		return fmt.Sprintf("%s; with --for %s they would, or with a higher spec.budget, which an administrator of the workspace can set", text, Span(longer))
	}
	return fmt.Sprintf("%s; with --for %s they would", text, Span(longer))
}

// RoundUp is a duration that a person would choose, not shorter than that one.
func RoundUp(d time.Duration) time.Duration {
	step := time.Hour
	switch {
	case d <= time.Hour:
		step = 5 * time.Minute
	case d <= 6*time.Hour:
		step = 30 * time.Minute
	}
	return (d + step - 1).Truncate(step)
}

// Span is a duration as a person writes it.
func Span(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d >= time.Minute && d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%dm%ds", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}
