package ucr

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/ucr/advice"
)

// checkup is the health and the policy of a workspace.
type checkup struct {
	Workspace string         `json:"workspace"`
	Healthy   bool           `json:"healthy"`
	Checks    []advice.Check `json:"checks"`
	Policy    []advice.Fact  `json:"policy"`
}

func (p *plugin) checkCommand() *cobra.Command {
	var as format
	command := &cobra.Command{
		Use:               "check WORKSPACE",
		Short:             "Show the health of a workspace as a checklist",
		Long:              "Show the health of a workspace as a checklist. Exit code 0 if resets can be carried out, 1 if not.",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: p.workspaceNames(func() string { return "" }),
		RunE: func(command *cobra.Command, args []string) error {
			c, err := p.connect()
			if err != nil {
				return err
			}
			found, err := p.checkUp(command.Context(), c, v1alpha1.RecordedWorkspace{Namespace: c.namespace, Name: advice.NameOf(args[0])})
			if err != nil {
				return err
			}
			if err := as.print(found, p.streams.Out, func() error { return p.printCheckup(found) }); err != nil {
				return err
			}
			if !found.Healthy {
				return exit(advice.ExitFailed, "")
			}
			return nil
		},
	}
	as.addTo(command)
	return command
}

func (p *plugin) checkUp(ctx context.Context, c *cluster, at v1alpha1.RecordedWorkspace) (checkup, error) {
	workspace, err := c.workspace(ctx, at)
	if err != nil {
		return checkup{}, err
	}
	records, err := c.records(ctx)
	if err != nil && !apierrors.IsForbidden(err) {
		return checkup{}, err
	}
	used := advice.Within(advice.BegunOf(at, records), advice.BudgetOf(workspace).Period, p.now())
	checks := advice.Checklist(workspace)
	return checkup{
		Workspace: at.Namespace + "/" + at.Name, Healthy: advice.IsHealthy(checks), Checks: checks,
		Policy: advice.Policy(workspace, len(used), err == nil),
	}, nil
}

func (p *plugin) printCheckup(found checkup) error {
	paint := paletteFor(p.streams.Out)
	if _, err := fmt.Fprintln(p.streams.Out, "Workspace", found.Workspace); err != nil {
		return err
	}
	for _, check := range found.Checks {
		line := check.What
		if check.Note != "" {
			line += ": " + advice.Shown(check.Note)
		}
		if _, err := fmt.Fprintf(p.streams.Out, "  %s %s\n", paint.mark(check.Mark), line); err != nil {
			return err
		}
	}
	for _, fact := range found.Policy {
		if _, err := fmt.Fprintf(p.streams.Out, "  %-12s %s\n", fact.Name, advice.Shown(fact.Value)); err != nil {
			return err
		}
	}
	return nil
}
