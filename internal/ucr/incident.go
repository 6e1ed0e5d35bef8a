package ucr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/ucr/advice"
)

// incident is everybody in a file, to be asked for once.
type incident struct {
	name      string
	like      advice.Wish            // what is asked for, whoever the user is
	wishes    map[string]advice.Wish // by the name of the request
	board     *board                 // in the order of the file
	aliases   []advice.Alias         // who has a request under another name
	elsewhere []v1alpha1.UserCredentialReset
}

// resetMany asks for everybody in the file who was not asked for before.
func (p *plugin) resetMany(ctx context.Context, c *cluster, o *resetOptions, like advice.Wish) error {
	all, err := p.readIncident(o, like)
	if err != nil {
		return err
	}
	if o.print {
		var manifests []*v1alpha1.UserCredentialReset
		for _, name := range all.board.order {
			manifests = append(manifests, all.request(name))
		}
		return p.printManifests(manifests...)
	}
	wide, list, err := c.widest(ctx)
	if err != nil {
		return err
	}
	if err := all.adopt(in(c.namespace, list)); err != nil {
		return err
	}
	all.recognise(list)
	a := &asking{cluster: c, wide: wide, known: list}
	if err := p.announce(ctx, o, all, a); err != nil {
		return err
	}
	if o.dryRun.isOn() {
		return p.rehearse(ctx, o, all, a)
	}
	err = p.carryOut(ctx, o, all, a)
	if printed := p.summarise(o, all); printed != nil {
		return printed
	}
	return all.end(err, o.wait)
}

// end is how the command ends.
func (i *incident) end(err error, waited bool) error {
	asked, total := i.board.asked(), len(i.board.order)
	switch {
	case errors.Is(err, context.Canceled):
		return exit(advice.ExitInterrupted, fmt.Sprintf(
			"interrupted with %d of %d asked for, which are carried out all the same: run the same command again to go on", asked, total))
	case errors.Is(err, context.DeadlineExceeded) && asked < total:
		return exit(advice.ExitTimeout, fmt.Sprintf("%d of %d were asked for in that time: run the same command again to go on", asked, total))
	case err != nil && !errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w; %d of %d were asked for: run the same command again to go on", err, asked, total)
	case !waited:
		return nil
	}
	return exit(i.board.tally().Exit(), "")
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
	like.Incident = advice.LabelOf(name)
	all := &incident{name: name, like: like, wishes: map[string]advice.Wish{}}
	var order []string
	for _, user := range users {
		wish := like
		wish.User = user
		called := wish.NameIn(name)
		all.wishes[called] = wish
		order = append(order, called)
	}
	all.board = newBoard(order)
	return all, nil
}

// request is what asks for the one of that name.
func (i *incident) request(name string) *v1alpha1.UserCredentialReset {
	return i.wishes[name].Request(name)
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

// recognise finds who has a request already under another name than theirs: since
// they were written in another way, or in another namespace.
func (i *incident) recognise(existing []v1alpha1.UserCredentialReset) {
	roll := i.roll(existing)
	for _, name := range i.pending() {
		user := i.wishes[name].User
		request := roll.Find(user)
		switch {
		case request == nil:
		case request.Namespace != i.like.Namespace:
			i.board.leave(name)
			i.elsewhere = append(i.elsewhere, *request)
		default:
			i.board.rename(name, request)
			i.aliases = append(i.aliases, advice.Alias{User: user, Request: *request})
		}
	}
}

func (i *incident) roll(existing []v1alpha1.UserCredentialReset) advice.Roll {
	return advice.RollOf(i.name, i.like, existing)
}

// pending are the names of those who are not asked for yet.
func (i *incident) pending() []string {
	return slices.DeleteFunc(slices.Clone(i.board.order), i.board.has)
}

// users are whom the names stand for.
func (i *incident) users(names []string) []v1alpha1.UserReference {
	var users []v1alpha1.UserReference
	for _, name := range names {
		users = append(users, i.wishes[name].User)
	}
	return users
}

// in are the requests of a namespace.
func in(namespace string, list []v1alpha1.UserCredentialReset) []v1alpha1.UserCredentialReset {
	return slices.DeleteFunc(slices.Clone(list), func(request v1alpha1.UserCredentialReset) bool { return request.Namespace != namespace })
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
	if _, err := fmt.Fprintf(out, "%d of %d users asked for: %s\n", all.board.asked(), len(all.board.order), tally); err != nil {
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
