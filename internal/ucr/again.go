package ucr

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/ucr/advice"
)

func (p *plugin) againCommand() *cobra.Command {
	o := newAskOptions()
	command := &cobra.Command{
		Use:   "again NAME...",
		Short: "Ask once more for what requests asked for, for the same persons and with a new window",
		Long: "Ask once more for what requests asked for. A new request is pinned to the id of the user that the earlier one " +
			"was resolved to, so that it cannot mean anybody else, and has a window of its own. It belongs to the same incident.\n\n" +
			"Of several requests, all have to have ended; who is named by more than one of them is asked for once, and who has been asked for again since is left out.",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: p.requestNames(true, isFinished),
		RunE: func(command *cobra.Command, args []string) error {
			return p.again(command.Context(), o, args)
		},
	}
	o.addTo(command)
	command.Flags().StringVar(&o.justification, "justification", "", "Why; by default as in the earlier request.")
	command.Flags().BoolVar(&o.wait, "wait", false, "Wait until the reset has ended, and exit as wait does; for one request only.")
	command.Flags().BoolVarP(&o.yes, "yes", "y", false, "Do not ask.")
	return command
}

func (p *plugin) again(ctx context.Context, o *askOptions, names []string) error {
	if err := o.validateFor(len(names)); err != nil {
		return err
	}
	c, err := p.connect()
	if err != nil {
		return err
	}
	earlier, err := c.ended(ctx, names)
	if err != nil {
		return err
	}
	if earlier, err = p.repeatable(earlier); err != nil {
		return err
	}
	again := p.requestsAgain(ctx, c, o, earlier)
	if err := p.confirmAgain(ctx, o, earlier); err != nil {
		return err
	}
	if o.print {
		return p.printManifests(again...)
	}
	for _, request := range again {
		if err := p.askFor(ctx, c, o, request); err != nil {
			return err
		}
	}
	return nil
}

// validateFor finds flags that do not go together, or not with so many requests.
func (o *askOptions) validateFor(count int) error {
	switch {
	case count > 1 && o.name != "":
		return errors.New("--name is for one request: several are named by user, type and time")
	case count > 1 && o.wait:
		return errors.New("--wait is for one request: see how several stand with kubectl ucr list")
	}
	return o.validate()
}

// requestsAgain are the new requests.
func (p *plugin) requestsAgain(ctx context.Context, c *cluster, o *askOptions, earlier []ending) []*v1alpha1.UserCredentialReset {
	who := ""
	if !o.print {
		who = c.ownName(ctx)
	}
	var again []*v1alpha1.UserCredentialReset
	for i := range earlier {
		wish, note := advice.Again(&earlier[i].request, p.now().Add(o.window.duration), o.justification, who)
		if note != "" {
			p.say("Note: %s", note)
		}
		name := o.name
		if name == "" {
			name = advice.NameAgain(&earlier[i].request, wish, p.now())
		}
		again = append(again, wish.Request(name))
	}
	return again
}

// ending is a request that has ended, and the one that has repeated it, nil if none has.
type ending struct {
	request v1alpha1.UserCredentialReset
	later   *v1alpha1.UserCredentialReset
}

// ended are the requests of those names, which have to have ended. Of several that ask
// for the same it is the last one.
func (c *cluster) ended(ctx context.Context, names []string) ([]ending, error) {
	var requests []v1alpha1.UserCredentialReset
	for _, name := range names {
		request, err := c.request(ctx, advice.NameOf(name))
		if err != nil {
			return nil, err
		}
		if err := advice.MayAskAgain(request); err != nil {
			return nil, err
		}
		requests = append(requests, *request)
	}
	others, err := c.requests(ctx, c.namespace, client.HasLabels{advice.IncidentLabel})
	if err != nil {
		return nil, err
	}
	var earlier []ending
	for _, request := range advice.OncePerPerson(requests) {
		earlier = append(earlier, ending{request: request, later: advice.Later(&request, others.Items)})
	}
	return earlier, nil
}

// repeatable leaves out of several whom another request has been made for since; a
// single one is asked about.
func (p *plugin) repeatable(earlier []ending) ([]ending, error) {
	if len(earlier) == 1 {
		return earlier, nil
	}
	left := slices.DeleteFunc(earlier, func(e ending) bool {
		note := advice.Repeated(&e.request, e.later)
		if note != "" {
			p.say("Note: %s: left out", note)
		}
		return note != ""
	})
	if len(left) == 0 {
		return nil, errors.New("nobody is left to ask for")
	}
	return left, nil
}

// confirmAgain asks about every reset that may have happened already.
func (p *plugin) confirmAgain(ctx context.Context, o *askOptions, earlier []ending) error {
	for i := range earlier {
		question := advice.AgainQuestion(&earlier[i].request, earlier[i].later)
		if question == "" || o.dryRun.isOn() {
			continue
		}
		err := p.confirm(ctx, o.yes, question)
		if err != nil && len(earlier) > 1 {
			return fmt.Errorf("%s: %w", earlier[i].request.Name, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
