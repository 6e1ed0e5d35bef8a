package e2e

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// promptly is how soon a bad start must end.
const promptly = 15 * time.Second

// TestABadStartEndsWithOneSentence starts the operator in ways that cannot work.
func TestABadStartEndsWithOneSentence(t *testing.T) {
	t.Parallel()
	good := kubeconfig(t, suiteOf.apart.cluster)
	taken := listen(t)
	for name, test := range map[string]struct {
		args []string
		says []string
	}{
		"a kubeconfig that is not there": {
			[]string{"--kubeconfig", "/nowhere/kubeconfig"},
			[]string{"--kubeconfig", "/nowhere/kubeconfig", "no such file"},
		},
		"a kubeconfig that is none": {
			[]string{"--kubeconfig", file(t, "not: [a kubeconfig")},
			[]string{"--kubeconfig"},
		},
		"a kubeconfig for a server that is away": {
			[]string{"--kubeconfig", file(t, strings.ReplaceAll(read(t, good), hostOf(t), "127.0.0.1:1"))},
			[]string{"connection refused"},
		},
		"a kubeconfig with a token that nobody gave": {
			[]string{"--kubeconfig", file(t, withToken(read(t, good), "eyJhbGciOiJub25lIn0.e30."))},
			[]string{"provide credentials"},
		},
		"a metrics port that is taken": {
			[]string{"--kubeconfig", good, "--metrics-bind-address", taken, "--health-probe-bind-address", "0"},
			[]string{taken, "address already in use"},
		},
		"a probe port that is taken": {
			[]string{"--kubeconfig", good, "--metrics-bind-address", "0", "--health-probe-bind-address", taken},
			[]string{taken, "address already in use"},
		},
		"an unknown flag": {
			[]string{"--kubeconfg", good},
			[]string{"-kubeconfg", "--help"},
		},
		"an argument that is no flag": {
			[]string{"start"},
			[]string{`"start"`, "--help"},
		},
		"a flag with a bad value": {
			[]string{"--allow-cidrs", "127.0.0.1"},
			[]string{"--allow-cidrs", `"127.0.0.1"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantOneSentence(t, test.args, test.says...)
		})
	}
}

// TestAClusterWithoutTheKindsIsNamed starts the operator on a cluster where only
// its rights are installed.
func TestAClusterWithoutTheKindsIsNamed(t *testing.T) {
	t.Parallel()
	bare, err := cluster.StartBare(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := bare.Stop(); err != nil {
			t.Error(err)
		}
	})
	root, err := cluster.Root()
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"create", "namespace", cluster.SystemNamespace},
		{"apply", "-k", filepath.Join(root, "config", "rbac")},
	} {
		if output, err := bare.Kubectl(t.Context(), args...); err != nil {
			t.Fatalf("kubectl %v: %v: %s", args, err, output)
		}
	}
	wantOneSentence(t, []string{"--kubeconfig", kubeconfig(t, bare)}, "UserCredentialReset", "kubectl apply -k config/crd")
}

// wantOneSentence starts the operator and waits for its end: with an error, soon,
// and with one line that holds all of the words.
func wantOneSentence(t *testing.T, args []string, words ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), promptly)
	defer cancel()
	defaults := []string{"--metrics-bind-address", "0", "--health-probe-bind-address", "0"}
	command := exec.CommandContext(ctx, suiteOf.binary, append(defaults, args...)...)
	command.Env = []string{"HOME=" + t.TempDir()}
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	suiteOf.hear(stdout.String() + stderr.String())
	if _, failed := errors.AsType[*exec.ExitError](err); !failed || ctx.Err() != nil {
		t.Fatalf("it did not end with an error within %s: %v\n%s", promptly, err, stderr.String())
	}
	var sentences []string
	for line := range strings.Lines(stderr.String()) {
		if !strings.HasPrefix(line, "{") { // a log line
			sentences = append(sentences, strings.TrimSuffix(line, "\n"))
		}
	}
	if len(sentences) != 1 || !strings.HasPrefix(sentences[0], "credential-reset-operator: ") || stdout.Len() > 0 {
		t.Fatalf("it printed %q and %d other lines, want one sentence:\n%s", stdout.String(), len(sentences), stderr.String())
	}
	for _, word := range words {
		if !strings.Contains(sentences[0], word) {
			t.Errorf("it said %q, want %q in it", sentences[0], word)
		}
	}
}

func kubeconfig(t *testing.T, c *cluster.Cluster) string {
	t.Helper()
	path, err := c.OperatorKubeconfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// hostOf is host and port of the API server.
func hostOf(t *testing.T) string {
	t.Helper()
	host := strings.TrimSuffix(strings.TrimPrefix(suiteOf.apart.cluster.Config.Host, "https://"), "/")
	if _, _, err := net.SplitHostPort(host); err != nil {
		t.Fatal(err)
	}
	return host
}

// withToken puts another token into a kubeconfig.
func withToken(kubeconfig, token string) string {
	before, _, _ := strings.Cut(kubeconfig, "token: ")
	return before + "token: " + token + "\n"
}

// listen takes a port, and returns its address.
func listen(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}
