package ucr

import (
	"context"
	"errors"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/ucr/advice"
)

// asking is where an incident is asked for, and which requests there are.
type asking struct {
	*cluster
	wide  *cluster // where requests of the incident are looked for
	known []v1alpha1.UserCredentialReset
}

// carryOut asks for who was not asked for, and waits for all if it is to.
func (p *plugin) carryOut(ctx context.Context, o *resetOptions, all *incident, a *asking) error {
	bar := newProgress(p.streams.ErrOut, "asked for")
	defer bar.close()
	if err := p.askForAll(ctx, all, a, bar); err != nil {
		return err
	}
	ctx, cancel := patience(ctx, o.timeout)
	defer cancel()
	for len(all.pending()) > 0 {
		if err := p.hold(ctx, all, a, bar); err != nil {
			return err
		}
		if err := p.askForAll(ctx, all, a, bar); err != nil {
			return err
		}
	}
	if !o.wait {
		return nil
	}
	bar.turnTo("ended")
	bar.show(all.board.tally().Ended(), len(all.board.order), all.board.tally().String())
	if all.board.done() {
		return nil
	}
	// Not by label: what was applied from Git may have lost it.
	return a.follow(ctx, client.MatchingLabels{}, &spectacle{board: all.board, bar: bar})
}

// patience is how long to wait; without a limit if it is none.
func patience(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, timeout)
}

// askForAll asks for everybody who can be asked for without asking for anybody twice.
func (p *plugin) askForAll(ctx context.Context, all *incident, a *asking, bar *progress) error {
	now := all.roll(a.known).AskNow(all.users(all.pending()))
	for _, name := range all.pending() {
		if !slices.Contains(now, all.wishes[name].User) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if !p.now().Before(all.like.NotAfter) {
			return errors.New("the window is over")
		}
		request, err := p.askOnce(ctx, a.cluster, all, name)
		if err != nil {
			return err
		}
		a.known = append(a.known, *request)
		bar.show(all.board.asked(), len(all.board.order), "")
	}
	return nil
}

// askOnce creates the request of that name, or finds that an earlier run did.
func (p *plugin) askOnce(ctx context.Context, c *cluster, all *incident, name string) (*v1alpha1.UserCredentialReset, error) {
	request := all.request(name)
	err := c.createRequest(ctx, request)
	if apierrors.IsAlreadyExists(err) {
		request, err = c.request(ctx, name)
	}
	if err != nil {
		return nil, err
	}
	return request, all.adopt([]v1alpha1.UserCredentialReset{*request})
}

// hold waits until somebody else can be asked for, or turns out to have been.
func (p *plugin) hold(ctx context.Context, all *incident, a *asking, bar *progress) error {
	bar.turnTo("resolved")
	v := &lookout{incident: all, bar: bar}
	if err := a.wide.follow(ctx, client.MatchingLabels{}, v); err != nil {
		return err
	}
	a.known = v.seen
	aliases := len(all.aliases)
	all.recognise(v.seen)
	bar.close()
	if found := all.aliases[aliases:]; len(found) > 0 {
		p.sayFact(advice.Fact{Name: "same person", Value: advice.Aliases(found)})
	}
	bar.turnTo("asked for")
	return nil
}

// lookout watches whom the requests of an incident are resolved to.
type lookout struct {
	incident *incident
	bar      *progress
	seen     []v1alpha1.UserCredentialReset
}

func (l *lookout) all(requests []v1alpha1.UserCredentialReset) bool {
	l.seen = slices.Clone(requests)
	l.incident.board.replace(in(l.incident.like.Namespace, requests))
	return l.enough()
}

func (l *lookout) one(now change) bool {
	l.seen = slices.DeleteFunc(l.seen, func(request v1alpha1.UserCredentialReset) bool {
		return request.Namespace == now.request.Namespace && request.Name == now.request.Name
	})
	if !now.deleted {
		l.seen = append(l.seen, *now.request)
	}
	if now.request.Namespace == l.incident.like.Namespace {
		l.incident.board.note(now)
	}
	return l.enough()
}

// enough says whether there is something to do again.
func (l *lookout) enough() bool {
	roll := l.incident.roll(l.seen)
	resolved, total := roll.Resolved()
	l.bar.show(resolved, total, "")
	users := l.incident.users(l.incident.pending())
	unknown := func(user v1alpha1.UserReference) bool { return roll.Find(user) == nil }
	return len(roll.AskNow(users)) > 0 || !slices.ContainsFunc(users, unknown)
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
