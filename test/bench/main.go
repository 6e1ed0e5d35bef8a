// Command bench measures how long resets take and what they cost, each figure beside
// a floor that is measured in the same run: a bare program that makes the same writes
// and calls in the same order, and nothing else.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

func main() {
	var opts options
	flag.BoolVar(&opts.smoke, "smoke", false, "measure little, to see that everything works; the figures mean nothing")
	flag.StringVar(&opts.only, "case", "", "measure only cases whose name contains this")
	flag.StringVar(&opts.json, "json", "", "also write the figures into this file")
	flag.StringVar(&opts.profile, "profile", "", "write CPU and heap profiles of a backlog into this folder, and measure nothing else")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctrl.SetLogger(logr.Discard())
	err := run(ctx, opts)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	smoke               bool
	only, json, profile string
}

func run(ctx context.Context, opts options) (err error) {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	binary := filepath.Join(dir, "operator")
	fmt.Fprintln(os.Stderr, "bench: building the operator")
	if err := cluster.BuildOperator(ctx, binary, "-ldflags=-s -w"); err != nil {
		return err
	}
	b := &bench{dir: dir, binary: binary, size: full()}
	if opts.smoke {
		b.size = smoke()
	}
	if opts.profile != "" {
		return b.profile(ctx, opts.profile)
	}
	if err := b.measure(ctx, opts.only); err != nil {
		return err
	}
	if opts.json != "" {
		if err := writeJSON(opts.json, b.figures); err != nil {
			return err
		}
	}
	if opts.only == "" && len(b.figures) == 0 {
		return errors.New("nothing was measured")
	}
	if missed := missed(b.figures); len(missed) > 0 && !opts.smoke {
		return fmt.Errorf("%d figures miss their bar", len(missed))
	}
	return nil
}
