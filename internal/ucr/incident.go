package ucr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
	"github.com/credentialreset/credential-reset-operator/internal/ucr/advice"
)

// incident is everybody in a file, to be asked for once.
type incident struct {
	name   string
	wishes map[string]advice.Wish // by the name of the request
	order  []string               // of the names, as in the file
	board  *board
}

// resetMany asks for everybody in the file who was not asked for before.
func (p *plugin) resetMany(ctx context.Context, c *cluster, o *resetOptions, like advice.Wish) error {
	all, err := p.readIncident(o, like)
	if err != nil {
		return err
	}
	if o.print {
		var manifests []*v1alpha1.UserCredentialReset
		for _, name := range all.order {
			manifests = append(manifests, labelled(all.wishes[name].Request(name), all.name))
		}
		return p.printManifests(manifests...)
	}
	list, err := c.requests(ctx, c.namespace)
	if err != nil {
		return err
	}
	if err := all.adopt(list.Items); err != nil {
		return err
	}
	if err := p.announce(ctx, c, o, all, list.Items); err != nil {
		return err
	}
	err = p.carryOut(ctx, c, o, all)
	if printed := p.summarise(o, all); printed != nil {
		return printed
	}
	if errors.Is(err, context.Canceled) {
		return exit(advice.ExitInterrupted, fmt.Sprintf(
			"interrupted with %d of %d asked for, which are carried out all the same: run the same command again to go on",
			all.board.asked(), len(all.order)))
	}
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w; %d of %d were asked for: run the same command again to go on", err, all.board.asked(), len(all.order))
	}
	if !o.wait {
		return nil
	}
	return exit(all.board.tally().Exit(), "")
}

func (p *plugin) readIncident(o *resetOptions, like advice.Wish) (*incident, error) {
	file, name := p.streams.In, o.incident
	if o.file != "-" {
		opened, err := os.Open(o.file)
		if err != nil {
			return nil, fmt.Errorf("the file cannot be read: %w", err)
		}
		defer opened.Close() //nolint:errcheck // it was only read
		file = opened
		if name == "" {
			name = strings.TrimSuffix(filepath.Base(o.file), filepath.Ext(o.file))
		}
	}
	if name == "" {
		return nil, errors.New("give the incident a name with --incident: without one, nobody could tell a second run from the first")
	}
	users, err := advice.ParseUsers(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.file, err)
	}
	all := &incident{name: name, wishes: map[string]advice.Wish{}}
	for _, user := range users {
		wish := like
		wish.User = user
		called := wish.NameIn(name)
		all.wishes[called] = wish
		all.order = append(all.order, called)
	}
	all.board = newBoard(all.order)
	return all, nil
}

// adopt notes the requests of the incident that exist. One that has its name from
// somebody else, for something else, is none of them.
func (i *incident) adopt(existing []v1alpha1.UserCredentialReset) error {
	for at := range existing {
		request := &existing[at]
		wish, ours := i.wishes[request.Name]
		if ours && !wish.IsSameWish(request) {
			return fmt.Errorf("the name %s is taken by a request for something else: choose another --incident", request.Name)
		}
		i.board.note(change{request: request})
	}
	return nil
}

// announce says what is about to be asked for and how much of it fits, and asks
// whether to go on if not all does.
func (p *plugin) announce(ctx context.Context, c *cluster, o *resetOptions, all *incident, seen []v1alpha1.UserCredentialReset) error {
	wanted := len(all.order) - all.board.asked()
	at := reset.WorkspaceOf(all.wishes[all.order[0]].Request(""))
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(p.streams.ErrOut, format+"\n", args...) }
	say("Incident %s: reset of %s for %d users of workspace %s/%s", advice.IncidentSlug(all.name), all.wishes[all.order[0]].Type, len(all.order), at.Namespace, at.Name)
	for _, consequence := range advice.Consequences(all.wishes[all.order[0]].Type) {
		say("  each reset    %s", consequence)
	}
	if asked := all.board.asked(); asked > 0 {
		say("  asked before  %d: %s", asked, all.board.tally())
	}
	if wanted == 0 {
		say("  to ask for    nobody: this incident has been asked for; another one needs another --incident")
		return nil
	}
	say("  to ask for    %d", wanted)
	known, err := p.survey(ctx, c, at, seen)
	if err != nil {
		return err
	}
	limiter := advice.DefaultLimiter()
	limiter.Count = o.callsPerMinute
	plan := advice.Foresee(known.load, known.budget, limiter, wanted, o.window.duration)
	for _, fact := range advice.PlanFacts(plan, known.budget, limiter, known.load, known.budgetNote) {
		say("  %-13s %s", fact.Name, fact.Value)
	}
	for _, warning := range advice.Warnings(known.workspace, all.wishes[all.order[0]].Type, c.namespace) {
		say("Note: %s", warning)
	}
	if plan.AllFit() {
		return nil
	}
	say("%s.", plan.Remedy())
	return p.confirm(ctx, o.yes, fmt.Sprintf("Ask for all %d all the same?", wanted))
}

// surveyed is what could be found out about a workspace before resets are asked for.
type surveyed struct {
	workspace  *v1alpha1.RocketChatWorkspace // nil if it may not be read
	budget     advice.Limit
	budgetNote string // why it is an assumption
	load       advice.Load
}

// survey finds out how busy a workspace is, as far as the person may know.
func (p *plugin) survey(ctx context.Context, c *cluster, at v1alpha1.RecordedWorkspace, seen []v1alpha1.UserCredentialReset) (surveyed, error) {
	known := surveyed{budget: advice.BudgetOf(&v1alpha1.RocketChatWorkspace{})}
	workspace, err := c.workspace(ctx, at)
	switch {
	case err == nil:
		known.workspace, known.budget = workspace, advice.BudgetOf(workspace)
	case apierrors.IsForbidden(err):
		known.budgetNote = "assumed, as " + advice.Grant(workspaceDeed(at))
	default:
		return known, err
	}
	begun := advice.BegunBy(at, seen)
	if records, err := c.records(ctx); err == nil {
		begun = advice.BegunOf(at, records)
	} else if !apierrors.IsForbidden(err) {
		return known, err
	}
	known.load = advice.Load{
		Now: p.now(), Begun: advice.Within(begun, known.budget.Period, p.now()), Ahead: advice.InLine(at, seen),
	}
	return known, nil
}

// carryOut asks for who was not asked for, and waits for all if it is to.
func (p *plugin) carryOut(ctx context.Context, c *cluster, o *resetOptions, all *incident) error {
	bar := newProgress(p.streams.ErrOut, "asked for")
	defer bar.close()
	for _, name := range all.order {
		if all.board.has(name) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := p.askOnce(ctx, c, all, name); err != nil {
			return err
		}
		bar.show(all.board.asked(), len(all.order), "")
	}
	if !o.wait {
		return nil
	}
	bar.turnTo("ended")
	if o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.timeout)
		defer cancel()
	}
	bar.show(all.board.tally().Ended(), len(all.order), all.board.tally().String())
	if all.board.done() {
		return nil
	}
	// Not by label: what was applied from Git may have lost it.
	return c.follow(ctx, client.MatchingLabels{}, &spectacle{board: all.board, bar: bar})
}

// spectacle shows on the bar how the board changes.
type spectacle struct {
	board *board
	bar   *progress
}

func (s *spectacle) all(requests []v1alpha1.UserCredentialReset) bool {
	s.board.replace(requests)
	return s.show()
}

func (s *spectacle) one(now change) bool {
	return s.board.note(now) && s.show()
}

func (s *spectacle) show() bool {
	tally := s.board.tally()
	s.bar.show(tally.Ended(), len(s.board.order), tally.String())
	return s.board.done()
}

// askOnce creates the request of that name, or finds that an earlier run did.
func (p *plugin) askOnce(ctx context.Context, c *cluster, all *incident, name string) error {
	wish := all.wishes[name]
	request := labelled(wish.Request(name), all.name)
	err := c.createRequest(ctx, request)
	if apierrors.IsAlreadyExists(err) {
		request, err = c.request(ctx, name)
	}
	if err != nil {
		return err
	}
	return all.adopt([]v1alpha1.UserCredentialReset{*request})
}

// summarise prints how the incident ended, or stands.
func (p *plugin) summarise(o *resetOptions, all *incident) error {
	if o.output.isForPrograms() {
		return o.output.printList(all.board.list(), p.streams.Out)
	}
	return summary(p.streams.Out, all)
}

func summary(out io.Writer, all *incident) error {
	tally := all.board.tally()
	paint := paletteFor(out)
	if _, err := fmt.Fprintf(out, "%d of %d users asked for: %s\n", all.board.asked(), len(all.order), tally); err != nil {
		return err
	}
	var rows [][]string
	for _, request := range all.board.list() {
		outcome := request.Status.Outcome
		if outcome == v1alpha1.OutcomeSucceeded {
			continue
		}
		word := string(outcome)
		if outcome == "" {
			word = "open"
		}
		rows = append(rows, []string{advice.Shown(advice.UserOf(request.Spec.User)), request.Name, advice.ReasonOf(&request), paint.outcome(outcome, word)})
	}
	if len(rows) == 0 {
		return nil
	}
	return table(out, []string{"USER", "NAME", "REASON", "OUTCOME"}, rows)
}
