package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// The requests of the transcript.
const (
	succeeded = "alice-lost-her-phone"
	failed    = "erin-is-federated"
	waiting   = "frank-waits"
)

// transcribe writes what kubectl prints for a request that succeeded, one that
// failed and one that waits.
func (d *demo) transcribe(ctx context.Context, path string) error {
	for _, act := range []func(context.Context) error{d.start, d.connect} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	if err := d.apply(ctx, "reset-totp.yaml", "reset-federated.yaml"); err != nil {
		return err
	}
	if err := d.applyWaiting(ctx); err != nil {
		return err
	}
	for _, name := range []string{succeeded, failed, waiting} {
		condition := "--for=condition=Finished"
		if name == waiting {
			condition = "--for=condition=Reconciling"
		}
		if output, err := d.cluster.Kubectl(ctx, "wait", "-n", "support", "ucr/"+name, condition, "--timeout=60s"); err != nil {
			return fmt.Errorf("wait for %s: %w\n%s", name, err, output)
		}
	}
	var page bytes.Buffer
	page.WriteString("# What kubectl shows\n\nPrinted by kubectl for three requests of `make demo`'s workspace: one that succeeded, one that failed and one that\nwaits because its workspace does not exist. `make transcript` makes this page anew.\n")
	for _, section := range transcriptSections() {
		fmt.Fprintf(&page, "\n## %s\n", section.title)
		for _, command := range section.commands {
			// What a shell has to be kept from is all that is quoted, and has no space in it.
			output, err := d.cluster.Kubectl(ctx, strings.Fields(strings.ReplaceAll(command, "'", ""))...)
			if exit, failed := errors.AsType[*exec.ExitError](err); failed {
				output += fmt.Sprintf("(exit code %d)\n", exit.ExitCode())
			} else if err != nil {
				return err
			}
			fmt.Fprintf(&page, "\n```console\n$ kubectl %s\n%s```\n", command, output)
		}
	}
	return os.WriteFile(path, page.Bytes(), 0o644)
}

func (d *demo) applyWaiting(ctx context.Context) error {
	sample, err := d.sample("reset-totp.yaml")
	if err != nil {
		return err
	}
	text := strings.NewReplacer(succeeded, waiting, "username: alice", "username: frank", "name: chat\n", "name: intranet\n").Replace(sample)
	if output, err := d.cluster.KubectlWithInput(ctx, text, "apply", "-f", "-"); err != nil {
		return fmt.Errorf("apply %s: %w\n%s", waiting, err, output)
	}
	return nil
}

type transcriptSection struct {
	title    string
	commands []string
}

func transcriptSections() []transcriptSection {
	const jsonpath = "--for=jsonpath={.status.outcome}"
	return []transcriptSection{
		{"get", []string{"get ucr -n support", "get ucr -n support -o wide", "get rcws -n chat -o wide", "get ucrr -o wide", "get ucr -n support --field-selector status.outcome=Failed"}},
		{"A request that succeeded", []string{
			"describe ucr -n support " + succeeded,
			"wait -n support ucr/" + succeeded + " --for=condition=Finished --timeout=60s",
			"get ucr -n support " + succeeded + " -o jsonpath='{.status.outcome}{\"\\n\"}'",
		}},
		{"A request that failed", []string{
			"describe ucr -n support " + failed,
			"wait -n support ucr/" + failed + " --for=condition=Finished --timeout=60s",
			"wait -n support ucr/" + failed + " " + jsonpath + " --timeout=60s",
		}},
		{"A request that waits", []string{
			"describe ucr -n support " + waiting,
			"wait -n support ucr/" + waiting + " --for=condition=Finished --timeout=2s",
		}},
		{"explain", []string{"explain ucr", "explain ucr.spec", "explain ucr.spec.type", "explain ucr.status", "explain rcws.spec"}},
	}
}
