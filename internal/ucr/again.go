package ucr

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/credentialreset/credential-reset-operator/internal/ucr/advice"
)

// againOptions are the flags of again.
type againOptions struct {
	output        output
	window        windowFlag
	justification string
	name          string
	wait          bool
	timeout       time.Duration
	print         bool
	yes           bool
}

func (p *plugin) againCommand() *cobra.Command {
	o := &againOptions{output: newOutput("created"), window: windowFlag{duration: time.Hour}}
	command := &cobra.Command{
		Use:   "again NAME",
		Short: "Ask once more for what a request asked for, for the same person and with a new window",
		Long: "Ask once more for what a request asked for. The new request is pinned to the id of the user that the earlier one " +
			"was resolved to, so that it cannot mean anybody else, and has a window of its own.",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: p.requestNames(false, isFinished),
		RunE: func(command *cobra.Command, args []string) error {
			return p.again(command.Context(), o, advice.NameOf(args[0]))
		},
	}
	flags := command.Flags()
	flags.Var(&o.window, "for", "How long from now the reset may be carried out; at most 168h.")
	flags.StringVar(&o.justification, "justification", "", "Why; by default as in the earlier request.")
	flags.StringVar(&o.name, "name", "", "The name of the new request; by default it is made from user, type and time.")
	flags.BoolVar(&o.wait, "wait", false, "Wait until the reset has ended, and exit as wait does.")
	flags.DurationVar(&o.timeout, "timeout", 0, "How long to wait; by default until the reset has ended.")
	flags.BoolVar(&o.print, "print", false, "Print the request as YAML, for Git, and ask for nothing.")
	flags.BoolVarP(&o.yes, "yes", "y", false, "Do not ask.")
	o.output.addTo(command)
	return command
}

func (p *plugin) again(ctx context.Context, o *againOptions, name string) error {
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
	if question := advice.AgainQuestion(earlier); question != "" {
		if err := p.confirm(ctx, o.yes, question); err != nil {
			return err
		}
	}
	called := o.name
	if called == "" {
		called = advice.NameAgain(earlier, wish, p.now())
	}
	return p.resetOne(ctx, c, &resetOptions{
		output: o.output, name: called, wait: o.wait, timeout: o.timeout, print: o.print,
	}, wish)
}
