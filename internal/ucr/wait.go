package ucr

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/ucr/advice"
)

func (p *plugin) waitCommand() *cobra.Command {
	as := newOutput("ended")
	var timeout time.Duration
	command := &cobra.Command{
		Use:   "wait NAME",
		Short: "Wait until a request has ended, and say by the exit code how",
		Long: "Wait until a request has ended.\n\n" +
			"Exit codes: 0 succeeded, 1 failed, 2 skipped, 3 unconfirmed, 4 time-out, 5 it could not be waited for.",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: p.requestNames(false, isOpen),
		RunE: func(command *cobra.Command, args []string) error {
			c, err := p.connect()
			if err != nil {
				return err
			}
			if _, err := c.request(command.Context(), args[0]); err != nil {
				return err
			}
			return p.awaitOne(command.Context(), c, args[0], timeout, as)
		},
	}
	command.Flags().DurationVar(&timeout, "timeout", 0, "How long to wait; by default until the request has ended.")
	as.addTo(command)
	return command
}

// awaitOne waits until the request has ended and tells how, also by the exit code.
// While it waits it tells what for.
func (p *plugin) awaitOne(ctx context.Context, c *cluster, name string, timeout time.Duration, as output) error {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	var last *v1alpha1.UserCredentialReset
	var deleted bool
	said := ""
	err := c.follow(ctx, named(name), func(now change) bool {
		last, deleted = now.request, now.deleted
		if reason := advice.ReasonOf(last); isOpen(last) && !deleted && reason != "" && reason != said {
			said = reason
			_, _ = fmt.Fprintf(p.streams.ErrOut, "%s: %s\n", reason, advice.PlainMessage(last))
		}
		return deleted || isFinished(last)
	})
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return exit(advice.ExitTimeout, fmt.Sprintf("%s has not ended within %s; see why: kubectl ucr why %s -n %s", name, advice.Span(timeout), name, c.namespace))
	case err != nil:
		return err
	case deleted && isOpen(last):
		return exit(advice.ExitFailed, fmt.Sprintf("%s was deleted before it ended", name))
	}
	if as.flags != nil && as.isForPrograms() {
		if err := as.print(last, p.streams.Out); err != nil {
			return err
		}
		return exit(advice.ExitOf(last.Status.Outcome), "")
	}
	outcome := paletteFor(p.streams.Out).outcome(last.Status.Outcome, string(last.Status.Outcome))
	if _, err := fmt.Fprintf(p.streams.Out, "%s %s: %s\n", name, outcome, advice.PlainMessage(last)); err != nil {
		return err
	}
	return exit(advice.ExitOf(last.Status.Outcome), "")
}
