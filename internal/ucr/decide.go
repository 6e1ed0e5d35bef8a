package ucr

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/ucr/advice"
)

// decideOptions are the flags of approve and deny.
type decideOptions struct {
	output   output
	decision v1alpha1.Decision
	message  string
	yes      bool
}

func (p *plugin) approveCommand() *cobra.Command {
	return p.decideCommand(v1alpha1.DecisionApproved, "approve NAME...", "Approve requests, for the users that they show")
}

func (p *plugin) denyCommand() *cobra.Command {
	return p.decideCommand(v1alpha1.DecisionDenied, "deny NAME...", "Deny requests, which ends them for good")
}

func (p *plugin) decideCommand(decision v1alpha1.Decision, use, short string) *cobra.Command {
	o := &decideOptions{output: newOutput("created"), decision: decision}
	command := &cobra.Command{
		Use:   use,
		Short: short,
		Long: short + ".\n\nEach request is shown, and then asked about once for all. Those about which nothing can be decided, " +
			"such as those that do not show yet whom they mean, are left out and named at the end, with exit code 1.",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: p.requestNames(true, isOpen),
		RunE: func(command *cobra.Command, args []string) error {
			return p.decide(command.Context(), o, args)
		},
	}
	command.Flags().StringVarP(&o.message, "message", "m", "", "Why; it goes into the record and the audit log.")
	command.Flags().BoolVarP(&o.yes, "yes", "y", false, "Do not ask.")
	o.output.addTo(command)
	return command
}

// decide shows whom the requests mean, asks, and then decides about what was shown
// and nothing else: a request that changed in the meantime has another UID.
func (p *plugin) decide(ctx context.Context, o *decideOptions, names []string) error {
	c, err := p.connect()
	if err != nil {
		return err
	}
	decisions, undecided, err := p.show(ctx, c, o, names)
	if err != nil {
		return err
	}
	if len(decisions) == 0 {
		return errors.Join(undecided...)
	}
	if err := p.confirm(ctx, o.yes, advice.DecisionQuestion(decisions, len(names))); err != nil {
		return err
	}
	for _, decision := range decisions {
		if err := c.createApproval(ctx, decision); err != nil {
			return err
		}
		if err := p.sayDecided(o, decision); err != nil {
			return err
		}
	}
	if len(undecided) == 0 {
		return nil
	}
	return exit(advice.ExitFailed, fmt.Sprintf("%d of %d were not decided about:\n%v", len(undecided), len(names), errors.Join(undecided...)))
}

// show shows the requests and returns the decisions about them, not created yet, and
// why nothing can be decided about the others.
func (p *plugin) show(ctx context.Context, c *cluster, o *decideOptions, names []string) ([]*v1alpha1.ResetApproval, []error, error) {
	who, err := c.me(ctx)
	if err != nil {
		return nil, nil, err
	}
	var decisions []*v1alpha1.ResetApproval
	var undecided []error
	for _, name := range names {
		request, err := c.request(ctx, advice.NameOf(name))
		if err != nil && !apierrors.IsNotFound(err) {
			return nil, nil, err
		}
		if err == nil {
			err = advice.MayDecide(o.decision, request, who)
		}
		if err != nil {
			undecided = append(undecided, err)
			continue
		}
		_, _ = fmt.Fprint(p.streams.ErrOut, advice.Dossier(request))
		decisions = append(decisions, advice.Decide(o.decision, request, who, o.message))
	}
	return decisions, undecided, nil
}

func (p *plugin) sayDecided(o *decideOptions, decision *v1alpha1.ResetApproval) error {
	if o.output.isForPrograms() {
		return o.output.print(decision, p.streams.Out)
	}
	_, err := fmt.Fprintf(p.streams.Out, "%s %s (resetapproval.credentialreset.dev/%s)\n",
		decision.Spec.RequestName, advice.Done(o.decision), decision.Name)
	return err
}
