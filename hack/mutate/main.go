// Command mutate breaks the lines that the invariants rest on, one at a time, and
// shows for each that a test notices. It works in a copy of the tree, with all
// changes that are in it.
//
// A mutation that no longer fits the source, or that does not compile, is a fault
// of the list: it proves nothing. The former ends the run before it begins.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"sync"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("mutate", flag.ContinueOnError)
	pattern := flags.String("run", "", "run only the mutations whose name, invariant or file matches this regular expression")
	workers := flags.Int("parallel", runtime.GOMAXPROCS(0), "how many to try at a time, each in a tree of its own")
	list := flags.Bool("list", false, "show the mutations and run nothing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	wanted, err := regexp.Compile(*pattern)
	if err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	chosen := choose(mutations(), wanted)
	if len(chosen) == 0 {
		return fmt.Errorf("no mutation matches %q", *pattern)
	}
	// The whole list is checked, not only what is chosen.
	if err := fit(".", mutations()); err != nil {
		return err
	}
	if *list {
		for _, m := range chosen {
			_, _ = fmt.Fprintf(out, "%s\n\t%s: %s\n", m.name, m.file, m.invariant)
		}
		return nil
	}
	var trees []tree
	defer func() {
		for _, t := range trees {
			err = errors.Join(err, t.remove())
		}
	}()
	for range max(*workers, 1) {
		t, err := copyTree(ctx, ".")
		if err != nil {
			return err
		}
		trees = append(trees, t)
	}
	return report(ctx, out, trees, chosen)
}

// report runs the tests on the tree as it is, and then with each mutation, in as many
// trees at a time as there are.
func report(ctx context.Context, out io.Writer, trees []tree, chosen []mutation) error {
	began := time.Now()
	if err := trees[0].checkUnbroken(ctx, out, chosen); err != nil {
		return err
	}
	next := make(chan mutation)
	var mu sync.Mutex // of what is counted and printed
	var faults []error
	done, survived := 0, 0
	var group sync.WaitGroup
	for _, t := range trees {
		group.Go(func() {
			for m := range next {
				caught, err := t.try(ctx, m)
				mu.Lock()
				done++
				switch {
				case err != nil:
					faults = append(faults, fmt.Errorf("%q: %w", m.name, err))
					_, _ = fmt.Fprintf(out, "%3d/%d %-68s proves nothing: %v\n", done, len(chosen), m.name, err)
				case caught.by == "":
					survived++
					fallthrough
				default:
					_, _ = fmt.Fprintf(out, "%3d/%d %-68s %s\n", done, len(chosen), m.name, caught)
				}
				mu.Unlock()
			}
		})
	}
	for _, m := range chosen {
		if ctx.Err() == nil {
			next <- m
		}
	}
	close(next)
	group.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	_, _ = fmt.Fprintf(out, "mutate: %d mutations, %d caught, %d survived, in %s\n",
		len(chosen), len(chosen)-survived-len(faults), survived, time.Since(began).Round(time.Second))
	if survived > 0 {
		faults = append(faults, fmt.Errorf("%d mutations survived: no test that was run notices them", survived))
	}
	return errors.Join(faults...)
}
