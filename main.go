// The operator carries out resets of Rocket.Chat users' credentials that are
// declared as Kubernetes objects, each at most once.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/credentialreset/credential-reset-operator/controllers"
	"github.com/credentialreset/credential-reset-operator/internal/command"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat"
)

// drainTime is how long resets in flight may take to end and be recorded after
// the stop signal. The pod's grace period must be longer.
const drainTime = 45 * time.Second

// The linker sets these.
var buildVersion, buildRevision string //nolint:gochecknoglobals // the linker sets variables only

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	opts, err := command.ParseFlags(os.Args[1:], os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fail(err)
	case opts.Version:
		_, _ = fmt.Fprintln(os.Stdout, command.Version(buildVersion))
	default:
		if err := run(ctx, opts); err != nil {
			fail(err)
		}
	}
	stop()
}

func fail(err error) {
	_, _ = fmt.Fprintf(os.Stderr, "credential-reset-operator: %v\n", err)
	os.Exit(1)
}

// run operates until the context ends, and then until what is in flight is done
// and recorded. Errors are one sentence for a person at a terminal.
func run(ctx context.Context, opts command.Options) error {
	audit := command.SetLogger(opts)
	clock := controllers.NewClock()
	config, err := command.RESTConfig(opts.Kubeconfig, clock.Wrap)
	if err != nil {
		return err
	}
	mgr, err := command.NewManager(config, opts, drainTime)
	if err != nil {
		return err
	}
	operator, err := controllers.Setup(ctx, mgr, controllers.Options{
		DialPolicy:       rocketchat.DialPolicy{Allow: opts.Allow, Deny: opts.Deny},
		PlainHTTPAllowed: opts.PlainHTTPAllowed,
		RecordRetention:  opts.Retention,
		Clock:            clock,
		Namespaces:       opts.Namespaces,
		Version:          command.Version(buildVersion),
		Revision:         command.Revision(buildRevision),
		Audit:            audit,
	})
	if err != nil {
		return err
	}
	return operate(ctx, mgr, operator)
}

// operate runs the manager and then drains. One deadline, counted from the stop
// signal, bounds both.
func operate(ctx context.Context, mgr manager.Manager, operator *controllers.Operator) error {
	drain, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	unhook := context.AfterFunc(ctx, func() {
		operator.Stop()
		time.AfterFunc(drainTime, cancel)
	})
	defer unhook()
	ctrl.Log.Info("Starting", "version", command.Version(buildVersion))
	startErr := mgr.Start(ctx)
	if startErr != nil {
		// It ended by itself: there was no signal to count from.
		time.AfterFunc(drainTime, cancel)
		startErr = fmt.Errorf("the manager ended: %w", startErr)
	}
	if err := operator.Drain(drain); err != nil {
		return errors.Join(startErr, fmt.Errorf("drain: %w", err))
	}
	ctrl.Log.Info("Stopped: nothing is in flight")
	return startErr
}
