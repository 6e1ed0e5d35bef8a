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

// dryRun is kubectl's flag of that name.
type dryRun string

const (
	dryRunNone   dryRun = "none"
	dryRunClient dryRun = "client" // nothing is sent
	dryRunServer dryRun = "server" // what is sent is judged, and not stored
)

func (d *dryRun) addTo(command *cobra.Command) {
	command.Flags().Var(d, "dry-run", `Must be "none", "server", or "client". If client, only show what would be asked for. `+
		`If server, have the API server judge it as well, without storing it.`)
	must(command.RegisterFlagCompletionFunc("dry-run", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{string(dryRunNone), string(dryRunServer), string(dryRunClient)}, cobra.ShellCompDirectiveNoFileComp
	}))
}

// String implements pflag.Value.
func (d *dryRun) String() string { return string(*d) }

// Type implements pflag.Value.
func (*dryRun) Type() string { return "string" }

// Set implements pflag.Value.
func (d *dryRun) Set(text string) error {
	switch strategy := dryRun(text); strategy {
	case dryRunNone, dryRunClient, dryRunServer:
		*d = strategy
		return nil
	}
	return errors.New(`say "none", "server", or "client"`)
}

func (d *dryRun) isOn() bool { return *d != dryRunNone }

// remark is how kubectl says that nothing was done.
func (d *dryRun) remark() string {
	switch *d {
	case dryRunClient:
		return " (dry run)"
	case dryRunServer:
		return " (server dry run)"
	case dryRunNone:
	}
	return ""
}

// create creates the request as far as the flag lets it.
func (d *dryRun) create(ctx context.Context, c *cluster, request *v1alpha1.UserCredentialReset) error {
	switch *d {
	case dryRunClient:
		return nil
	case dryRunServer:
		return c.createRequest(ctx, request, client.DryRunAll)
	case dryRunNone:
	}
	return c.createRequest(ctx, request)
}

// rehearse shows whom an incident would ask for, in which requests.
func (p *plugin) rehearse(ctx context.Context, o *resetOptions, all *incident, a *asking) error {
	var wanted []v1alpha1.UserCredentialReset
	var rows [][]string
	for _, name := range all.pending() {
		request := all.request(name)
		if err := o.dryRun.create(ctx, a.cluster, request); err != nil {
			return err
		}
		wanted = append(wanted, *request)
		rows = append(rows, []string{advice.Shown(advice.Written(request.Spec.User)), name})
	}
	if o.output.isForPrograms() {
		return o.output.printList(wanted, p.streams.Out)
	}
	_, err := fmt.Fprintf(p.streams.Out, "%d of %d users would be asked for%s\n", len(rows), len(all.board.order), o.dryRun.remark())
	if err != nil || len(rows) == 0 {
		return err
	}
	return table(p.streams.Out, []string{"USER", "NAME"}, rows)
}
