// The demonstration carries resets out where everybody can watch: on an embedded
// control plane, with the built operator under its own ServiceAccount, against a
// simulated workspace. It ends with an error if anything is not as it tells.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// patience is how long any one step may take.
const patience = 2 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var opts options
	flag.BoolVar(&opts.keep, "keep", false, "leave everything running until interrupted")
	flag.StringVar(&opts.transcript, "transcript", "", "instead, write what kubectl prints for each kind of request to this file")
	flag.Parse()
	err := run(ctx, os.Stdout, opts)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// options are the command line.
type options struct {
	keep       bool
	transcript string
}

// demo is what runs, and where it tells about it.
type demo struct {
	out      io.Writer
	dir      string
	root     string
	cluster  *cluster.Cluster
	chat     *workspace
	operator *cluster.Operator
}

// run shows the demonstration and cleans up after it.
func run(ctx context.Context, out io.Writer, opts options) (err error) {
	root, err := cluster.Root()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "credential-reset-demo-")
	if err != nil {
		return err
	}
	d := &demo{out: out, dir: dir, root: root}
	defer func() { err = errors.Join(err, d.close(context.WithoutCancel(ctx))) }()
	if opts.transcript != "" {
		return d.transcribe(ctx, opts.transcript)
	}
	for _, act := range []func(context.Context) error{d.start, d.connect, d.request, d.inspect, d.replay} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	d.tell("\nAll as told.")
	if !opts.keep {
		d.tell("Next: `make demo KEEP=1` leaves this running for your own kubectl; docs/getting-started.md takes you to a workspace of your own.")
		return nil
	}
	d.tell("Everything is still running. In another terminal:\n\n  export KUBECONFIG=%s\n  export PATH=%s:$PATH\n  kubectl get ucr,rcws,ucrr -A\n\nThe workspace shows what happened to it at %s/journal and %s/users. Ctrl-C ends it all.",
		d.cluster.Kubeconfig, filepath.Join(d.root, "bin", "k8s"), d.chat.inspect, d.chat.inspect)
	<-ctx.Done()
	return nil
}

func (d *demo) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var errs []error
	if d.operator != nil {
		errs = append(errs, d.operator.Stop(ctx))
	}
	if d.chat != nil {
		errs = append(errs, d.chat.stop())
	}
	if d.cluster != nil {
		errs = append(errs, d.cluster.Stop())
	}
	return errors.Join(append(errs, os.RemoveAll(d.dir))...)
}

func (d *demo) tell(format string, args ...any) {
	_, _ = fmt.Fprintf(d.out, format+"\n", args...)
}

// step tells what is about to happen and, when it is done, how long it took.
func (d *demo) step(what string, do func() error) error {
	_, _ = fmt.Fprintf(d.out, "==> %s ... ", what)
	began := time.Now()
	if err := do(); err != nil {
		d.tell("failed")
		return err
	}
	d.tell("%.1fs", time.Since(began).Seconds())
	return nil
}

// show runs kubectl as a person would and prints command and answer.
func (d *demo) show(ctx context.Context, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	d.tell("\n$ kubectl %s", strings.Join(args, " "))
	output, err := d.cluster.Kubectl(ctx, args...)
	_, _ = io.WriteString(d.out, output)
	if err != nil {
		return fmt.Errorf("kubectl %s: %w", strings.Join(args, " "), err)
	}
	return nil
}
