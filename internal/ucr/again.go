package ucr

import (
	"context"
	"errors"
	"fmt"

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
			"Of several requests, all have to have ended; who is named by more than one of them is asked for once.",
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
	err := o.validate()
	switch {
	case err != nil:
		return err
	case len(names) > 1 && o.name != "":
		return errors.New("--name is for one request: several are named by user, type and time")
	case len(names) > 1 && o.wait:
		return errors.New("--wait is for one request: see how several stand with kubectl ucr list")
	}
	c, err := p.connect()
	if err != nil {
		return err
	}
	earlier, err := c.ended(ctx, names)
	if err != nil {
		return err
	}
	who := ""
	if !o.print {
		who = c.ownName(ctx)
	}
	var again []*v1alpha1.UserCredentialReset
	for i := range earlier {
		wish, note := advice.Again(&earlier[i], p.now().Add(o.window.duration), o.justification, who)
		if note != "" {
			p.say("Note: %s", note)
		}
		name := o.name
		if name == "" {
			name = advice.NameAgain(&earlier[i], wish, p.now())
		}
		again = append(again, wish.Request(name))
	}
	if err := p.confirmAgain(ctx, c, o, earlier); err != nil {
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

// ended are the requests of those names, which have to have ended. Of several that ask
// for the same it is the last one.
func (c *cluster) ended(ctx context.Context, names []string) ([]v1alpha1.UserCredentialReset, error) {
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
	return advice.OncePerPerson(requests), nil
}

// confirmAgain asks about every reset that may have happened already.
func (p *plugin) confirmAgain(ctx context.Context, c *cluster, o *askOptions, earlier []v1alpha1.UserCredentialReset) error {
	if o.dryRun.isOn() || o.yes {
		return nil
	}
	others, err := c.requests(ctx, c.namespace, client.HasLabels{advice.IncidentLabel})
	if err != nil {
		return err
	}
	for i := range earlier {
		question := advice.AgainQuestion(&earlier[i], advice.Later(&earlier[i], others.Items))
		if question == "" {
			continue
		}
		err := p.confirm(ctx, o.yes, question)
		if err != nil && len(earlier) > 1 {
			return fmt.Errorf("%s: %w", earlier[i].Name, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
