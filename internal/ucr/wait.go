package ucr

import (
	"context"
	"errors"
	"fmt"
	"io"
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
			"Exit codes: 0 succeeded, 1 failed, 2 skipped, 3 unconfirmed or deleted meanwhile, 4 time-out, 5 it could not be waited for.",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: p.requestNames(false, isOpen),
		RunE: func(command *cobra.Command, args []string) error {
			c, err := p.connect()
			if err != nil {
				return err
			}
			name := advice.NameOf(args[0])
			if _, err := c.request(command.Context(), name); err != nil {
				return err
			}
			return p.awaitOne(command.Context(), c, name, timeout, as)
		},
	}
	command.Flags().DurationVar(&timeout, "timeout", 0, "How long to wait; by default until the request has ended.")
	as.addTo(command)
	return command
}

// awaitOne waits until the request has ended and tells how, also by the exit code.
func (p *plugin) awaitOne(ctx context.Context, c *cluster, name string, timeout time.Duration, as output) error {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	last, err := p.watchOne(ctx, c, name)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return exit(advice.ExitTimeout, fmt.Sprintf("%s has not ended within %s; see why: kubectl ucr why %s -n %s", name, advice.Span(timeout), name, c.namespace))
	case err != nil:
		return err
	case last.deleted && isOpen(last.request):
		return exit(advice.ExitOf(advice.Gone), name+" was deleted before it ended; if anything was attempted, a ResetRecord tells of it")
	}
	if err := p.tellEnd(last.request, as); err != nil {
		return err
	}
	return exit(advice.ExitOf(last.request.Status.Outcome), "")
}

// watchOne follows the request until it has ended, and tells what it waits for.
func (p *plugin) watchOne(ctx context.Context, c *cluster, name string) (change, error) {
	v := &vigil{out: p.streams.ErrOut, last: change{request: advice.Wish{Namespace: c.namespace}.Request(name)}}
	err := c.follow(ctx, named(name), v)
	return v.last, err
}

// vigil watches over one request.
type vigil struct {
	out  io.Writer
	last change
	said string // what was told last
}

func (v *vigil) all(requests []v1alpha1.UserCredentialReset) bool {
	if len(requests) == 0 {
		v.last.deleted = true
		return true
	}
	return v.one(change{request: &requests[0]})
}

func (v *vigil) one(now change) bool {
	v.last = now
	if now.deleted || isFinished(now.request) {
		return true
	}
	if reason := advice.ReasonOf(now.request); reason != v.said {
		v.said = reason
		_, _ = fmt.Fprintf(v.out, "%s: %s\n", reason, advice.PlainMessage(now.request))
	}
	return false
}

func (p *plugin) tellEnd(request *v1alpha1.UserCredentialReset, as output) error {
	if as.isForPrograms() {
		return as.print(request, p.streams.Out)
	}
	outcome := paletteFor(p.streams.Out).outcome(request.Status.Outcome, string(request.Status.Outcome))
	_, err := fmt.Fprintf(p.streams.Out, "%s %s: %s\n", request.Name, outcome, advice.PlainMessage(request))
	return err
}
