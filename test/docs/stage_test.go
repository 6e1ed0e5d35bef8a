package docs

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// stage is a control plane, and the workspace that the pages call
// https://chat.example.com.
type stage struct {
	cluster  *cluster.Cluster
	chat     *simulator.Workspace
	server   *simulator.Server
	operator *cluster.Operator
	admin    string // path of a kubeconfig

	upTo atomic.Int64 // how much of the operator's log kubectl shows; all if 0
}

// newStageWithOperator starts a control plane in which the operator is at work.
func newStageWithOperator(t *testing.T) *stage {
	t.Helper()
	s := newStage(t)
	s.install(t)
	s.operate(t)
	s.showPod(t)
	return s
}

// newStage starts a control plane in which nothing is installed.
func newStage(t *testing.T) *stage {
	t.Helper()
	built := make(chan error, 1)
	go func() { built <- suiteOf.built() }()
	started, err := cluster.StartBare(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := started.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := <-built; err != nil {
		t.Fatal(err)
	}
	s := &stage{cluster: started}
	s.chat, s.server = serve(t)
	s.admin = s.person(t, "root@example.com", "system:masters")
	return s
}

// serve puts a simulated workspace on the network.
func serve(t *testing.T) (*simulator.Workspace, *simulator.Server) {
	t.Helper()
	chat := simulator.New(simulator.Options{Users: simulator.SampleUsers(), Limit: simulator.Limit{Calls: 1000}})
	server, err := simulator.Serve(chat, simulator.ServeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return chat, server
}

// person is the kubeconfig of somebody.
func (s *stage) person(t *testing.T, name string, groups ...string) string {
	t.Helper()
	path, err := s.cluster.PersonKubeconfig(name, groups...)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// operate starts the operator under what is installed. It trusts the workspace as it
// would trust one with a certificate that everybody trusts.
func (s *stage) operate(t *testing.T, args ...string) {
	t.Helper()
	authority := filepath.Join(s.cluster.Dir, "authority.pem")
	if err := os.WriteFile(authority, s.server.CA, 0o600); err != nil {
		t.Fatal(err)
	}
	operator, err := s.cluster.StartOperator(t.Context(), cluster.OperatorOptions{
		Binary: suiteOf.operator, Args: args, Env: []string{"SSL_CERT_FILE=" + authority},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.operator = operator
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := operator.Stop(ctx); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(operator.Logs())
		}
	})
}

// install installs config/default.
func (s *stage) install(t *testing.T) {
	t.Helper()
	s.kubectl(t, "apply", "--server-side", "-k", s.cluster.Path("config", "default"))
	s.kubectl(t, "wait", "--for=condition=Established", "crd", "--all")
}

// kubectl does as an administrator what no page tells.
func (s *stage) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return s.kubectlWithInput(t, "", args...)
}

func (s *stage) kubectlWithInput(t *testing.T, input string, args ...string) string {
	t.Helper()
	output, err := s.cluster.KubectlWithInput(t.Context(), input, args...)
	if err != nil {
		t.Fatalf("kubectl %v: %v\n%s", args, err, output)
	}
	return output
}

// logs are what kubectl shows of the operator's log.
func (s *stage) logs() string {
	logs := s.operator.Logs()
	if upTo := int(s.upTo.Load()); upTo > 0 {
		return logs[:upTo]
	}
	return logs
}

// samples applies samples, for the workspace of the pages and from today on.
func (s *stage) samples(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		text, err := os.ReadFile(s.cluster.Path("config", "samples", name))
		if err != nil {
			t.Fatal(err)
		}
		s.kubectlWithInput(t, strings.NewReplacer("https://chat.example.com", s.server.URL, "2030-01-01T00:00:00Z", tomorrow()).Replace(string(text)), "apply", "-f", "-")
	}
}

func tomorrow() string { return time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339) }

// awaitReason waits until a request of the namespace support says why it waits or how
// it ended.
func (s *stage) awaitReason(t *testing.T, name, reason string) {
	t.Helper()
	s.awaitReasonIn(t, "support", name, reason)
}

func (s *stage) awaitReasonIn(t *testing.T, namespace, name, reason string) {
	t.Helper()
	output, err := s.cluster.Kubectl(t.Context(), "wait", "-n", namespace, "ucr/"+name, "--timeout="+patience.String(),
		`--for=jsonpath={.status.conditions[?(@.type=="Succeeded")].reason}=`+reason)
	if err != nil {
		t.Fatalf("%s does not say %s: %v\n%s\n%s", name, reason, err, output, s.kubectl(t, "get", "ucr", "-n", namespace, "-o", "wide"))
	}
}

// wantResets compares how often a user was reset.
func (s *stage) wantResets(t *testing.T, userID string, want int) {
	t.Helper()
	if got := s.chat.Journal().ResetsOf(userID); got != want {
		t.Errorf("the user %s was reset %d times, want %d", userID, got, want)
	}
}

// wantSays compares a part of what was printed.
func wantSays(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("it does not say %q:\n%s", part, text)
		}
	}
}
