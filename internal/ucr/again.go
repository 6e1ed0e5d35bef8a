package ucr

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/credentialreset/credential-reset-operator/internal/ucr/advice"
)

func (p *plugin) againCommand() *cobra.Command {
	o := newAskOptions()
	command := &cobra.Command{
		Use:   "again NAME",
		Short: "Ask once more for what a request asked for, for the same person and with a new window",
		Long: "Ask once more for what a request asked for. The new request is pinned to the id of the user that the earlier one " +
			"was resolved to, so that it cannot mean anybody else, and has a window of its own. It belongs to the same incident.",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: p.requestNames(false, isFinished),
		RunE: func(command *cobra.Command, args []string) error {
			return p.again(command.Context(), o, advice.NameOf(args[0]))
		},
	}
	o.addTo(command)
	command.Flags().StringVar(&o.justification, "justification", "", "Why; by default as in the earlier request.")
	command.Flags().BoolVar(&o.wait, "wait", false, "Wait until the reset has ended, and exit as wait does.")
	command.Flags().BoolVarP(&o.yes, "yes", "y", false, "Do not ask.")
	return command
}

func (p *plugin) again(ctx context.Context, o *askOptions, name string) error {
	if err := o.validate(); err != nil {
		return err
	}
	c, err := p.connect()
	if err != nil {
		return err
	}
	earlier, err := c.request(ctx, name)
	if err != nil {
		return err
	}
	if err := advice.MayAskAgain(earlier); err != nil {
		return err
	}
	who := ""
	if !o.print {
		who = c.ownName(ctx)
	}
	wish, note := advice.Again(earlier, p.now().Add(o.window.duration), o.justification, who)
	if note != "" {
		_, _ = fmt.Fprintln(p.streams.ErrOut, "Note:", note)
	}
	if question := advice.AgainQuestion(earlier); question != "" && !o.dryRun.isOn() {
		if err := p.confirm(ctx, o.yes, question); err != nil {
			return err
		}
	}
	if o.name == "" {
		o.name = advice.NameAgain(earlier, wish, p.now())
	}
	return p.resetOne(ctx, c, o, wish)
}
