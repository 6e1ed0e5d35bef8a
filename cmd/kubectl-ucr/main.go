// The plugin kubectl ucr asks for resets of Rocket.Chat users' credentials, follows
// them and decides about them.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"

	"github.com/credentialreset/credential-reset-operator/internal/ucr"
)

// buildVersion is set by the linker.
var buildVersion string //nolint:gochecknoglobals // the linker sets variables only

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := ucr.New(ucr.Options{
		Streams: genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr},
		Now:     clock.RealClock{}.Now,
		Version: ucr.Version(buildVersion),
	}).ExecuteContext(ctx)
	if sentence := ucr.Sentence(err); sentence != "" {
		_, _ = fmt.Fprintln(os.Stderr, "error:", sentence)
	}
	stop()
	os.Exit(ucr.ExitCode(err))
}
