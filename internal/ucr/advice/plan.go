package advice

import (
	"fmt"
	"slices"
	"time"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
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

	Approval bool // somebody has to approve each of them, which takes time nobody knows
}

// Foresee tells how many resets fit into the window, given the workspace's budget
// and the server's limiter.
func Foresee(load Load, budget, limiter Limit, wanted int, window time.Duration) Plan {
	end := load.Now.Add(window - reserve)
	plan := Plan{
		Wanted: wanted, Window: window, Approval: load.Twice,
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
	would := fmt.Sprintf("with --for %s they would", Span(longer))
	if p.Approval {
		would += " if they are approved at once"
	}
	switch {
	case longer > reset.MaxValidity && budget:
		return text + "; have an administrator of the workspace raise spec.budget, or ask for fewer at a time"
	case longer > reset.MaxValidity:
		return text + "; ask for fewer at a time, or have the operator's account exempted from the limiter"
	case budget:
		return fmt.Sprintf("%s; %s, or with a higher spec.budget, which an administrator of the workspace can set", text, would)
	}
	return text + "; " + would
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

// PlanFacts tells the plan, for somebody who is about to go on with it.
func PlanFacts(p Plan, budget, limiter Limit, load Load, budgetNote string) []Fact {
	budgetText := fmt.Sprintf("%d per %s, %d used: %s", budget.Count, Span(budget.Period), len(load.Begun), letsBegin(p.FitBudget, p.Wanted))
	if budgetNote != "" {
		budgetText += " (" + budgetNote + ")"
	}
	limiterText := "none"
	if limiter.Count > 0 {
		limiterText = fmt.Sprintf("%d calls per %s%s: %s", limiter.Count, Span(limiter.Period), twice(p.Approval, budgetNote), letsBegin(p.FitLimiter, p.Wanted))
	}
	facts := []Fact{
		{"budget", budgetText},
		{"limiter", limiterText},
		{"window", fmt.Sprintf("%s, until %s", Span(p.Window), stamp(load.Now.Add(p.Window)))},
	}
	if load.Ahead > 0 {
		facts = append(facts, Fact{"in line", fmt.Sprintf("%d others go first", load.Ahead)})
	}
	if p.AllFit() {
		return append(facts, Fact{"fit", fmt.Sprintf("all %d, %s", p.Wanted, p.when())})
	}
	return append(facts, Fact{"fit", fmt.Sprintf("%d of %d", p.Fit, p.Wanted)})
}

// when is when the last reset begins.
func (p Plan) when() string {
	wait := p.Needed - reserve
	if wait >= time.Minute {
		wait = wait.Round(time.Minute)
	}
	switch about := "in about " + Span(wait); {
	case p.Approval && wait < time.Minute:
		return "as soon as they are approved"
	case p.Approval:
		return about + ", and as long as approvals take"
	case wait < time.Second:
		return "at once"
	default:
		return about
	}
}

// twice says that requests cost more calls than resets do, or that this is not known.
func twice(approval bool, unread string) string {
	switch {
	case approval:
		return ", two for each: before and after approval"
	case unread != "":
		return ", one for each if none needs approval"
	}
	return ""
}

func letsBegin(fit, wanted int) string {
	if fit >= wanted {
		return "lets all begin in time"
	}
	return fmt.Sprintf("lets %d of %d begin in time", fit, wanted)
}

// Warnings are what else keeps requests for that type, from that namespace, from
// being carried out through the workspace, which may be nil if it is not known.
func Warnings(w *v1alpha1.RocketChatWorkspace, t v1alpha1.ResetType, namespace string) []string {
	if w == nil {
		return nil
	}
	var warnings []string
	if namespace != w.Namespace && (w.Spec.AllowedNamespaces == nil || !slices.Contains(w.Spec.AllowedNamespaces.Names, namespace)) {
		warnings = append(warnings, fmt.Sprintf("the workspace is not shared with the namespace %s: requests wait until its administrator adds it to allowedNamespaces", namespace))
	}
	if !slices.Contains(w.Spec.AllowedTypes, t) {
		warnings = append(warnings, fmt.Sprintf("the workspace does not allow resets of %s: requests wait until its administrator adds it to allowedTypes", t))
	}
	if slices.Contains(w.Spec.ApprovalRequiredTypes, t) {
		warnings = append(warnings, fmt.Sprintf("the workspace requires approval for %s: each request waits until somebody else has approved it", t))
	}
	if checks := Checklist(w); !IsHealthy(checks) {
		warnings = append(warnings, fmt.Sprintf("the workspace is not ready: see kubectl ucr check %s -n %s", w.Name, w.Namespace))
	}
	return warnings
}
