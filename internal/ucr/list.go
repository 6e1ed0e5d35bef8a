package ucr

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/duration"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
	"github.com/credentialreset/credential-reset-operator/internal/ucr/advice"
)

// listOptions are the flags of list.
type listOptions struct {
	output        output
	allNamespaces bool
	finished      bool
	workspace     string
	incident      string
}

func (p *plugin) listCommand() *cobra.Command {
	o := &listOptions{output: newOutput("")}
	command := &cobra.Command{
		Use:   "list",
		Short: "List the requests that wait, what for, and when their turn comes",
		Long: "List the requests that wait, what for, and when their turn comes. The turn is an estimate: it knows of the " +
			"requests that you may see, and of the workspace's policy if you may see that. Where approval is required, it is " +
			"the time at which a user is looked up, to be approved.",
		Args:              cobra.NoArgs,
		ValidArgsFunction: noFiles,
		RunE: func(command *cobra.Command, _ []string) error {
			return p.list(command.Context(), o)
		},
	}
	command.Flags().BoolVarP(&o.allNamespaces, "all-namespaces", "A", false, "List the requests of all namespaces.")
	command.Flags().BoolVar(&o.finished, "all", false, "List also the requests that have ended.")
	command.Flags().StringVarP(&o.workspace, "workspace", "w", "", "List only requests for the workspace of that name.")
	command.Flags().StringVar(&o.incident, "incident", "", "List only requests of that incident.")
	o.output.addTo(command)
	must(command.RegisterFlagCompletionFunc("workspace", p.workspaceNames(func() string { return "" })))
	return command
}

func (p *plugin) list(ctx context.Context, o *listOptions) error {
	c, err := p.connect()
	if err != nil {
		return err
	}
	namespace := c.namespace
	if o.allNamespaces {
		namespace = ""
	}
	list, err := c.requests(ctx, namespace, o.selection()...)
	if err != nil {
		return err
	}
	if o.output.isForPrograms() {
		return o.output.printList(list.Items, p.streams.Out)
	}
	if len(list.Items) == 0 {
		_, err := fmt.Fprintln(p.streams.ErrOut, "No requests wait here.")
		return err
	}
	loads, err := p.loads(ctx, c, list.Items)
	if err != nil {
		return err
	}
	return p.printRequests(list.Items, advice.Turns(p.now(), list.Items, loads), o.allNamespaces)
}

func (o *listOptions) selection() []client.ListOption {
	matching := client.MatchingFields{}
	if !o.finished {
		matching["status.outcome"] = ""
	}
	if o.workspace != "" {
		matching["spec.workspaceRef.name"] = o.workspace
	}
	options := []client.ListOption{matching}
	if o.incident != "" {
		options = append(options, client.MatchingLabels{advice.IncidentLabel: advice.LabelOf(o.incident)})
	}
	return options
}

// loads are how busy the workspaces of the requests are, as far as the person may
// know.
func (p *plugin) loads(ctx context.Context, c *cluster, list []v1alpha1.UserCredentialReset) (map[v1alpha1.RecordedWorkspace]advice.Load, error) {
	records, err := c.records(ctx)
	if err != nil && !apierrors.IsForbidden(err) {
		return nil, err
	}
	loads := map[v1alpha1.RecordedWorkspace]advice.Load{}
	for i := range list {
		at := reset.WorkspaceOf(&list[i])
		if _, known := loads[at]; known {
			continue
		}
		load := advice.Load{Now: p.now(), Limits: []advice.Limit{advice.DefaultLimiter()}, Begun: advice.BegunOf(at, records)}
		workspace, err := c.workspace(ctx, at)
		switch {
		case err == nil:
			load.Limits = append(load.Limits, advice.BudgetOf(workspace))
		case apierrors.IsForbidden(err), apierrors.IsNotFound(err):
			workspace = nil
		default:
			return nil, err
		}
		load.Approval = advice.ApprovalTypes(at, workspace, list)
		loads[at] = load
	}
	return loads, nil
}

func (p *plugin) printRequests(list []v1alpha1.UserCredentialReset, turns []string, withNamespace bool) error {
	paint := paletteFor(p.streams.Out)
	header := []string{"NAME", "USER", "TYPE", "REASON", "AGE", "TURN"}
	var rows [][]string
	for i := range list {
		request := &list[i]
		state := turns[i]
		if isFinished(request) {
			state = string(request.Status.Outcome)
		}
		row := []string{
			request.Name, advice.Shown(advice.UserOf(request.Spec.User)), string(request.Spec.Type), orDash(advice.ReasonOf(request)),
			duration.HumanDuration(p.now().Sub(request.CreationTimestamp.Time)), paint.outcome(request.Status.Outcome, state),
		}
		if withNamespace {
			row = slices.Insert(row, 0, request.Namespace)
		}
		rows = append(rows, row)
	}
	if withNamespace {
		header = slices.Insert(header, 0, "NAMESPACE")
	}
	return table(p.streams.Out, header, rows)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
