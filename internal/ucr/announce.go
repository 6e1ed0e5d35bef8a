package ucr

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
	"github.com/credentialreset/credential-reset-operator/internal/ucr/advice"
)

// announce says what is about to be asked for and how much of it fits, and asks
// whether to go on if not all does and it is no rehearsal.
func (p *plugin) announce(ctx context.Context, o *resetOptions, all *incident, a *asking) error {
	p.introduce(all, a)
	wanted := len(all.pending())
	if wanted == 0 {
		return nil
	}
	known, err := p.survey(ctx, all, a)
	if err != nil {
		return err
	}
	limiter := advice.DefaultLimiter()
	limiter.Count = o.callsPerMinute
	plan := advice.Foresee(known.load, known.budget, limiter, wanted, o.window.duration)
	for _, fact := range advice.PlanFacts(plan, known.budget, limiter, known.load, known.budgetNote) {
		p.sayFact(fact)
	}
	for _, warning := range advice.Warnings(known.workspace, all.like.Type, a.namespace) {
		p.say("Note: %s", warning)
	}
	if plan.AllFit() {
		return nil
	}
	p.say("%s.", plan.Remedy())
	if o.dryRun.isOn() {
		return nil
	}
	return p.confirm(ctx, o.yes, fmt.Sprintf("Ask for all %d all the same?", wanted))
}

// introduce says who is about to be asked for, and who has been before.
func (p *plugin) introduce(all *incident, a *asking) {
	at := reset.WorkspaceOf(all.like.Request(""))
	p.say("Incident %s: reset of %s for %d users of workspace %s/%s",
		all.like.Incident, all.like.Type, len(all.board.order)+len(all.elsewhere), at.Namespace, at.Name)
	for _, consequence := range advice.Consequences(all.like.Type) {
		p.sayFact(advice.Fact{Name: "each reset", Value: consequence})
	}
	if asked := all.board.asked(); asked > 0 {
		p.sayFact(advice.Fact{Name: "asked before", Value: fmt.Sprintf("%d: %s", asked, all.board.tally())})
	}
	if len(all.aliases) > 0 {
		p.sayFact(advice.Fact{Name: "same person", Value: advice.Aliases(all.aliases)})
	}
	if len(all.elsewhere) > 0 {
		p.sayFact(advice.Fact{Name: "elsewhere", Value: advice.Elsewhere(all.elsewhere)})
	}
	p.sayFact(advice.Fact{Name: "to ask for", Value: all.roll(a.known).ToAskFor(all.users(all.pending()))})
}

// say tells the person something that is no result.
func (p *plugin) say(format string, args ...any) {
	_, _ = fmt.Fprintf(p.streams.ErrOut, format+"\n", args...)
}

func (p *plugin) sayFact(fact advice.Fact) { p.say("  %-13s %s", fact.Name, fact.Value) }

// surveyed is what could be found out about a workspace before resets are asked for.
type surveyed struct {
	workspace  *v1alpha1.RocketChatWorkspace // nil if it may not be read
	budget     advice.Limit
	budgetNote string // why it is an assumption
	load       advice.Load
}

// survey finds out how busy a workspace is, as far as the person may know.
func (p *plugin) survey(ctx context.Context, all *incident, a *asking) (surveyed, error) {
	at, seen := reset.WorkspaceOf(all.like.Request("")), in(a.namespace, a.known)
	known := surveyed{budget: advice.BudgetOf(&v1alpha1.RocketChatWorkspace{})}
	workspace, err := a.workspace(ctx, at)
	switch {
	case err == nil:
		known.workspace, known.budget = workspace, advice.BudgetOf(workspace)
	case apierrors.IsForbidden(err):
		known.budgetNote = "assumed, as " + advice.Grant(workspaceDeed(at))
	default:
		return known, err
	}
	begun := advice.BegunBy(at, seen)
	if records, err := a.records(ctx); err == nil {
		begun = advice.BegunOf(at, records)
	} else if !apierrors.IsForbidden(err) {
		return known, err
	}
	types := advice.ApprovalTypes(at, known.workspace, seen)
	ahead, lookUps := advice.InLine(at, seen, types)
	known.load = advice.Load{
		Now: p.now(), Begun: advice.Within(begun, known.budget.Period, p.now()),
		Ahead: ahead, LookUps: lookUps, Twice: slices.Contains(types, all.like.Type),
	}
	return known, nil
}
