package ucr

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/credentialreset/credential-reset-operator/internal/ucr/advice"
)

// plugin is what all commands share.
type plugin struct {
	flags   *genericclioptions.ConfigFlags
	streams genericiooptions.IOStreams
	now     func() time.Time
	version string
}

// Options say how the plugin is run.
type Options struct {
	Streams genericiooptions.IOStreams
	Now     func() time.Time
	Version string
}

// New is the plugin's command.
func New(options Options) *cobra.Command {
	p := &plugin{
		flags:   genericclioptions.NewConfigFlags(true),
		streams: options.Streams, now: options.Now, version: options.Version,
	}
	root := &cobra.Command{
		Use:   "kubectl-ucr",
		Short: "Ask for resets of Rocket.Chat users' credentials, follow them and decide about them",
		Long: "Ask for resets of Rocket.Chat users' credentials, follow them and decide about them.\n\n" +
			"Exit codes: 0 succeeded, 1 failed, 2 skipped, 3 unconfirmed or deleted meanwhile, 4 time-out, 5 the command could not be carried out.",
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl ucr"},
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(options.Streams.In)
	root.SetOut(options.Streams.Out)
	root.SetErr(options.Streams.ErrOut)
	p.flags.AddFlags(root.PersistentFlags())
	root.AddCommand(
		p.resetCommand(), p.listCommand(), p.waitCommand(), p.whyCommand(), p.approveCommand(), p.denyCommand(),
		p.againCommand(), p.checkCommand(), p.versionCommand(),
	)
	if err := root.RegisterFlagCompletionFunc("namespace", noFiles); err != nil {
		panic(err) // the flag was added above
	}
	return root
}

// ended is how a command ended that did what it was told, where that was no success.
type ended struct {
	code     int
	sentence string // empty if everything has been told
}

// Error is what is still to be told.
func (e *ended) Error() string { return e.sentence }

// ExitCode is the process's exit code for the error of the command.
func ExitCode(err error) int {
	var end *ended
	switch {
	case err == nil:
		return advice.ExitSucceeded
	case errors.As(err, &end):
		return end.code
	case errors.Is(err, context.Canceled):
		return advice.ExitInterrupted
	}
	return advice.ExitError
}

// Sentence is what is still to be told of the error, "" if nothing is.
func Sentence(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.Canceled):
		return "interrupted"
	}
	return strings.TrimSpace(err.Error())
}

// exit makes an error of an exit code, nil for 0.
func exit(code int, sentence string) error {
	if code == advice.ExitSucceeded {
		return nil
	}
	return &ended{code: code, sentence: sentence}
}
