// Package prometheus puts what is shipped for Prometheus and Grafana before
// Prometheus's own code, with the metrics of the built operator.
package prometheus

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/util/wait"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// patience is how long the suite waits for what must happen.
const patience = 2 * time.Minute

// suiteOf is what the tests share.
var suiteOf struct {
	promtool string
	page     string // the metrics of an operator that has reset somebody
}

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctrllog.SetLogger(logr.Discard())
	ctx, cancel := context.WithTimeout(context.Background(), 25*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "prometheus-")
	if err == nil {
		err = start(ctx, dir)
	}
	if err != nil {
		return fail(err)
	}
	return max(m.Run(), fail(os.RemoveAll(dir)))
}

func fail(err error) int {
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintln(os.Stderr, "prometheus:", err)
	return 1
}

// start builds promtool, and has the metrics of an operator read.
func start(ctx context.Context, dir string) error {
	suiteOf.promtool = filepath.Join(dir, "promtool")
	// Nothing here is discovered but on Kubernetes, which promtool always can.
	build := exec.CommandContext(ctx, "go", "build", "-tags", "remove_all_sd", "-o", suiteOf.promtool, "github.com/prometheus/prometheus/cmd/promtool")
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build promtool: %w\n%s", err, output)
	}
	binary := filepath.Join(dir, "operator")
	if err := cluster.BuildOperator(ctx, binary, "-ldflags", "-X main.buildVersion=v0.0.0-test"); err != nil {
		return err
	}
	control, err := cluster.Start(ctx, dir)
	if err != nil {
		return err
	}
	chat := simulator.New(simulator.Options{Users: simulator.SampleUsers()})
	server, err := simulator.Serve(chat, simulator.ServeOptions{})
	if err != nil {
		return errors.Join(err, control.Stop())
	}
	defer server.Close()
	operator, err := control.StartOperator(ctx, cluster.OperatorOptions{Binary: binary})
	if err != nil {
		return errors.Join(err, control.Stop())
	}
	if suiteOf.page, err = scrape(ctx, control, operator, server); err != nil {
		err = fmt.Errorf("%w\n%s", err, operator.Logs())
	}
	return errors.Join(err, operator.Stop(ctx), control.Stop())
}

// scrape connects the operator with a workspace, has it reset somebody, and reads its
// metrics with the rights that config ships for that.
func scrape(ctx context.Context, control *cluster.Cluster, operator *cluster.Operator, server *simulator.Server) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, step := range []struct {
		input string
		args  []string
	}{
		{args: []string{"create", "namespace", "chat"}},
		{args: []string{
			"create", "secret", "generic", "chat", "--namespace=chat", "--type=credentialreset.dev/rocketchat-workspace",
			"--from-literal=url=" + server.URL, "--from-literal=ca.crt=" + string(server.CA),
			"--from-literal=userId=" + simulator.SampleBotID,
			"--from-literal=authToken=" + simulator.TokenFor(simulator.SampleBotID, simulator.TokenPAT),
			"--from-literal=totpSecret=" + simulator.SampleTOTPSecret,
		}},
		{input: workspace + request(time.Now().Add(time.Hour)), args: []string{"create", "--filename=-"}},
		{args: []string{"wait", "ucr/lost-phone", "--namespace=chat", "--for=condition=Succeeded", "--timeout=1m"}},
	} {
		if output, err := control.KubectlWithInput(ctx, step.input, step.args...); err != nil {
			return "", fmt.Errorf("kubectl %s: %w\n%s", step.args[0], err, output)
		}
	}
	token, err := control.Scraper(ctx)
	if err != nil {
		return "", err
	}
	var page string
	// The API server learns of the scraper's right a moment later, and the workspace's
	// status and the counters are written a moment after the request's.
	err = wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		status, told, err := operator.Metrics(ctx, token)
		if err != nil {
			return false, nil //nolint:nilerr // it listens a moment after it works
		}
		page = told
		complete := strings.Contains(page, `reason="Connected"`) && strings.Contains(page, `credentialreset_attempts_total{result="Succeeded",type="TOTP"} 1`)
		return status == http.StatusOK && complete, nil
	})
	return page, err
}

const workspace = `apiVersion: credentialreset.dev/v1alpha1
kind: RocketChatWorkspace
metadata: {name: chat, namespace: chat}
spec: {secretRef: {name: chat}, allowedTypes: [TOTP, E2EKey]}
---
`

func request(notAfter time.Time) string {
	return `apiVersion: credentialreset.dev/v1alpha1
kind: UserCredentialReset
metadata: {name: lost-phone, namespace: chat}
spec: {workspaceRef: {name: chat}, user: {username: alice}, type: TOTP, notAfterTime: "` + notAfter.UTC().Format(time.RFC3339) + `"}
`
}

// path is the path of a file of the repository.
func path(t *testing.T, parts ...string) string {
	t.Helper()
	root, err := cluster.Root()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(append([]string{root}, parts...)...)
}

func read(t *testing.T, parts ...string) string {
	t.Helper()
	text, err := os.ReadFile(path(t, parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// promtool runs promtool, which must find nothing to say against what it is given.
func promtool(t *testing.T, input string, args ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), suiteOf.promtool, args...)
	command.Stdin = strings.NewReader(input)
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, output)
	}
}
