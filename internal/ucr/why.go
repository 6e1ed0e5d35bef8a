package ucr

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/credentialreset/credential-reset-operator/internal/reset"
	"github.com/credentialreset/credential-reset-operator/internal/ucr/advice"
)

func (p *plugin) whyCommand() *cobra.Command {
	var as format
	command := &cobra.Command{
		Use:   "why NAME",
		Short: "Tell what happened to a request, attempt by attempt, and what to do next",
		Long: "Tell what happened to a request, attempt by attempt, and what to do next. The attempts are in the record, which " +
			"the ClusterRole credential-reset-auditor lets people read; without it, the status and the events are told.",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: p.requestNames(false, isAny),
		RunE: func(command *cobra.Command, args []string) error {
			c, err := p.connect()
			if err != nil {
				return err
			}
			evidence, err := c.gather(command.Context(), advice.NameOf(args[0]))
			if err != nil {
				return err
			}
			story := advice.Tell(evidence)
			return as.print(story, p.streams.Out, func() error {
				_, err := fmt.Fprint(p.streams.Out, story)
				return err
			})
		},
	}
	as.addTo(command)
	return command
}

// gather reads what the person may read of a request. The record outlives it.
func (c *cluster) gather(ctx context.Context, name string) (advice.Evidence, error) {
	var evidence advice.Evidence
	request, err := c.request(ctx, name)
	gone := err
	switch {
	case err == nil:
		evidence.Request = request
	case !apierrors.IsNotFound(err):
		return evidence, err
	}
	record, err := c.record(ctx, c.namespace, name)
	switch {
	case err == nil:
		evidence.Record = record
		return evidence, nil
	case gone != nil:
		return evidence, gone
	case apierrors.IsForbidden(err):
		evidence.Unread = append(evidence.Unread, "the attempts: "+advice.Grant(advice.Deed{Verb: "get", Resource: records, Name: reset.RecordName(c.namespace, name)}))
	case !apierrors.IsNotFound(err):
		return evidence, err
	}
	evidence.Events, err = c.events(ctx, request)
	if apierrors.IsForbidden(err) {
		evidence.Unread = append(evidence.Unread, "the events: "+advice.Grant(advice.Deed{Verb: "list", Resource: events, Namespace: c.namespace}))
		err = nil
	}
	return evidence, err
}
