package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "simulator:", err)
		os.Exit(1)
	}
}

// options are the command's flags.
type options struct {
	listenAddress  string
	inspectAddress string
	caFile         string
	hosts          string
	limitCalls     int
	limitPeriod    time.Duration
	serverVersion  string
	plainHTTP      bool
}

func parse(args []string, output io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("simulator", flag.ContinueOnError)
	flags.SetOutput(output)
	flags.StringVar(&o.listenAddress, "listen-address", "127.0.0.1:0", "address of the workspace")
	flags.StringVar(&o.inspectAddress, "inspect-address", "127.0.0.1:0", "loopback address of /journal and /users")
	flags.StringVar(&o.caFile, "ca-file", "", "file to write the certificate of the authority to")
	flags.StringVar(&o.hosts, "hosts", "", "further host names of the workspace, separated by commas")
	flags.IntVar(&o.limitCalls, "limit-calls", 10, "calls per period, address and route")
	flags.DurationVar(&o.limitPeriod, "limit-period", time.Minute, "period of the rate limit")
	flags.StringVar(&o.serverVersion, "server-version", "8.6.1", "release of Rocket.Chat whose answers the workspace gives")
	flags.BoolVar(&o.plainHTTP, "plain-http", false, "serve the workspace without TLS")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if flags.NArg() > 0 {
		return options{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if o.plainHTTP && o.caFile != "" {
		return options{}, errors.New("ca-file needs TLS")
	}
	if o.limitCalls <= 0 || o.limitPeriod <= 0 {
		return options{}, errors.New("limit-calls and limit-period must be positive")
	}
	if !simulator.ValidVersion(o.serverVersion) {
		return options{}, fmt.Errorf("server-version %q names no release", o.serverVersion)
	}
	return o, nil
}

// run serves until the context ends. It prints one line as soon as both
// addresses answer.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	o, err := parse(args, stdout)
	if err != nil {
		return err
	}
	workspace := simulator.New(simulator.Options{
		Version: o.serverVersion,
		Users:   simulator.SampleUsers(),
		Limit:   simulator.Limit{Calls: o.limitCalls, Period: o.limitPeriod},
	})
	serving := simulator.ServeOptions{Address: o.listenAddress, PlainHTTP: o.plainHTTP}
	if o.hosts != "" {
		serving.Hosts = strings.Split(o.hosts, ",")
	}
	server, err := simulator.Serve(workspace, serving)
	if err != nil {
		return fmt.Errorf("serve the workspace: %w", err)
	}
	defer server.Close()
	if o.caFile != "" {
		if err := os.WriteFile(o.caFile, server.CA, 0o644); err != nil {
			return fmt.Errorf("write the certificate: %w", err)
		}
	}
	inspection, err := inspect(ctx, workspace, o.inspectAddress)
	if err != nil {
		return err
	}
	defer inspection.close()
	if _, err := fmt.Fprintf(stdout, "workspace %s inspect %s\n", server.URL, inspection.url); err != nil {
		return fmt.Errorf("print the addresses: %w", err)
	}
	<-ctx.Done()
	return nil
}
