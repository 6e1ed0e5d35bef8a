package ucr

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
	"github.com/credentialreset/credential-reset-operator/internal/ucr/advice"
)

// completionPatience is how long a shell waits for names.
const completionPatience = 3 * time.Second

type completer = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

func noFiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// requestNames completes a name of a request that does, unless one was typed.
func (p *plugin) requestNames(many bool, does func(*v1alpha1.UserCredentialReset) bool) completer {
	return func(command *cobra.Command, typed []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(typed) > 0 && !many {
			return noFiles(command, typed, "")
		}
		found := p.look(command.Context())
		var names []string
		for i := range found {
			request := &found[i]
			if does(request) && !slices.Contains(typed, request.Name) {
				names = append(names, request.Name+"\t"+advice.UserOf(request.Spec.User)+", "+advice.ReasonOf(request))
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// workspaceNames completes a workspace by those that may be seen, or else by those
// that requests have named before.
func (p *plugin) workspaceNames(namespace func() string) completer {
	return func(command *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(command.Context(), completionPatience)
		defer cancel()
		c, err := p.connect()
		if err != nil {
			return noFiles(command, nil, "")
		}
		in := namespace()
		if in == "" {
			in = c.namespace
		}
		var names []string
		if seen, err := c.workspaces(ctx, in); err == nil {
			for i := range seen {
				names = append(names, seen[i].Name)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		}
		found := p.look(ctx)
		for i := range found {
			if at := reset.WorkspaceOf(&found[i]); at.Namespace == in && !slices.Contains(names, at.Name) {
				names = append(names, at.Name)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// look lists the requests that the person may see, none if anything is wrong: a
// completion has no place to say so.
func (p *plugin) look(ctx context.Context, options ...client.ListOption) []v1alpha1.UserCredentialReset {
	ctx, cancel := context.WithTimeout(ctx, completionPatience)
	defer cancel()
	c, err := p.connect()
	if err != nil {
		return nil
	}
	list, err := c.requests(ctx, c.namespace, options...)
	if err != nil {
		return nil
	}
	return list.Items
}

func isOpen(request *v1alpha1.UserCredentialReset) bool { return request.Status.Outcome == "" }

func isFinished(request *v1alpha1.UserCredentialReset) bool { return !isOpen(request) }

func isAny(*v1alpha1.UserCredentialReset) bool { return true }
