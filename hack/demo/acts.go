package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// start brings up everything but the objects.
func (d *demo) start(ctx context.Context) error {
	err := d.step("Starting etcd and kube-apiserver, and installing config/default", func() (err error) {
		d.cluster, err = cluster.Start(ctx, d.dir)
		return err
	})
	if err != nil {
		return err
	}
	err = d.step("Starting a simulated Rocket.Chat workspace", func() (err error) {
		d.chat, err = startWorkspace(ctx, d.root, d.dir)
		return err
	})
	if err != nil {
		return err
	}
	return d.step("Starting the operator under its own ServiceAccount", func() (err error) {
		d.operator, err = d.cluster.StartOperator(ctx, cluster.OperatorOptions{})
		return err
	})
}

// connect creates Secret and workspace from the samples.
func (d *demo) connect(ctx context.Context) error {
	d.tell("\nAn administrator connects the workspace (config/samples/secret.yaml, workspace.yaml):")
	if err := d.apply(ctx, "namespaces.yaml", "secret.yaml", "workspace.yaml"); err != nil {
		return err
	}
	if err := d.show(ctx, "wait", "-n", "chat", "rcws/chat", "--for=condition=Ready", "--timeout=60s"); err != nil {
		return err
	}
	return d.show(ctx, "get", "rcws", "-n", "chat", "-o", "wide")
}

// request creates the requests of the samples and waits for their ends.
func (d *demo) request(ctx context.Context) error {
	d.tell("\nThe support team asks for resets (config/samples/reset-*.yaml):")
	if err := d.apply(ctx, "reset-totp.yaml", "reset-e2ekey.yaml", "reset-federated.yaml", "reset-replayed.yaml"); err != nil {
		return err
	}
	if err := d.show(ctx, "wait", "-n", "support", "ucr", "--all", "--for=condition=Finished", "--timeout=60s"); err != nil {
		return err
	}
	if err := d.show(ctx, "get", "ucr", "-n", "support", "-o", "wide"); err != nil {
		return err
	}
	if err := d.show(ctx, "get", "ucrr"); err != nil {
		return err
	}
	return d.expectOutcomes(ctx, map[string]string{
		"alice-lost-her-phone": "Succeeded", "bob-lost-his-key": "Succeeded",
		"erin-is-federated": "Failed", "carol-from-last-year": "Skipped",
	})
}

// inspect shows what the resets did in the workspace.
func (d *demo) inspect(ctx context.Context) error {
	d.tell("\nWhat happened in the workspace:")
	accounts, journal, err := d.chat.look(ctx)
	if err != nil {
		return err
	}
	d.tell("  %-22s %-6s %-9s %-7s %s", "USER", "TOTP", "E2E KEYS", "TOKENS", "RESETS")
	for _, account := range accounts {
		d.tell("  %-22s %-6s %-9s %-7d %d", account.Username, yesNo(account.TOTP), yesNo(account.E2EKeys),
			account.Tokens, journal.ResetsOf(account.ID))
	}
	return d.expectWorkspace(accounts, journal)
}

// replay applies a request again that was carried out and deleted, as a rebuilt
// cluster or an old branch would.
func (d *demo) replay(ctx context.Context) error {
	d.tell("\nThe finished request is deleted, and Git applies it again:")
	if err := d.show(ctx, "delete", "ucr", "-n", "support", "alice-lost-her-phone"); err != nil {
		return err
	}
	if err := d.apply(ctx, "reset-totp.yaml"); err != nil {
		return err
	}
	if err := d.show(ctx, "wait", "-n", "support", "ucr/alice-lost-her-phone", "--for=condition=Finished", "--timeout=60s"); err != nil {
		return err
	}
	if err := d.show(ctx, "get", "ucr", "-n", "support", "alice-lost-her-phone"); err != nil {
		return err
	}
	if err := d.expectOutcomes(ctx, map[string]string{"alice-lost-her-phone": "Skipped"}); err != nil {
		return err
	}
	accounts, journal, err := d.chat.look(ctx)
	if err != nil {
		return err
	}
	d.tell("\nThe workspace has still seen %d calls: one for each reset.", journal.Posts())
	return d.expectWorkspace(accounts, journal)
}

// apply applies samples, with the simulator's address and with dates from now on.
func (d *demo) apply(ctx context.Context, names ...string) error {
	folder := filepath.Join(d.dir, "samples")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	args := []string{"apply"}
	for _, name := range names {
		text, err := d.sample(name)
		if err != nil {
			return err
		}
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
		args = append(args, "-f", path)
	}
	output, err := d.cluster.Kubectl(ctx, args...)
	if err != nil {
		return fmt.Errorf("apply %s: %w\n%s", strings.Join(names, ", "), err, output)
	}
	d.tell("\n$ kubectl apply -f %s", strings.Join(names, " -f "))
	_, _ = d.out.Write([]byte(output))
	return nil
}

func (d *demo) sample(name string) (string, error) {
	sample, err := os.ReadFile(filepath.Join(d.root, "config", "samples", name))
	if err != nil {
		return "", err
	}
	tonight := time.Now().Add(8 * time.Hour).UTC().Format(time.RFC3339)
	return strings.NewReplacer(
		"2030-01-01T00:00:00Z", tonight,
		"url: https://chat.example.com", "url: "+d.chat.url+"\n  ca.crt: "+quote(d.chat.ca),
	).Replace(string(sample)), nil
}

func (d *demo) expectOutcomes(ctx context.Context, want map[string]string) error {
	for name, outcome := range want {
		got, err := d.cluster.Kubectl(ctx, "get", "ucr", "-n", "support", name, "-o", "jsonpath={.status.outcome}")
		if err != nil {
			return fmt.Errorf("read %s: %w\n%s", name, err, got)
		}
		if got != outcome {
			return fmt.Errorf("%s ended as %q, not as %q", name, got, outcome)
		}
	}
	return nil
}

// expectWorkspace is what must have happened, however often requests were applied.
func (d *demo) expectWorkspace(accounts []account, journal simulator.Journal) error {
	if journal.Posts() != 2 || len(journal.Resets) != 2 || journal.OwnResets() != 0 {
		return fmt.Errorf("the workspace saw %d calls and carried out %d resets, %d of them on the caller; 2, 2 and 0 were due",
			journal.Posts(), len(journal.Resets), journal.OwnResets())
	}
	want := map[string]account{
		"alice": {TOTP: false, E2EKeys: true, Tokens: 0},
		"bob":   {TOTP: true, E2EKeys: false, Tokens: 0},
		"carol": {TOTP: true, E2EKeys: true, Tokens: 2},
	}
	for _, got := range accounts {
		due, named := want[got.Username]
		if named && (got.TOTP != due.TOTP || got.E2EKeys != due.E2EKeys || got.Tokens != due.Tokens) {
			return fmt.Errorf("%s is not as told: %+v", got.Username, got)
		}
	}
	return nil
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "-"
}

// quote makes a YAML string of it; JSON is one.
func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		return `""`
	}
	return string(quoted)
}
