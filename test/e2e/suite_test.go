// Package e2e proves the operator's behaviour on a real API server: the built
// binary, under the ServiceAccount and the rights that config ships, against
// simulated workspaces.
package e2e

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

const (
	// patience is how long a test waits for what must happen. It is not a
	// measurement: what is told to happen happens long before.
	patience = 2 * time.Minute
	// together is how many tests run at a time: most of them only wait.
	together = "32"
	// What the built operator must say of itself.
	stampedVersion  = "v0.0.0-e2e"
	stampedRevision = "0123456789abcdef0123456789abcdef01234567"
)

// suite is what the tests share: two clusters and the built operator.
type suite struct {
	dir    string
	binary string
	shared *stage // with an operator for everybody
	apart  *stage // without: tests that treat an operator badly bring their own

	third    sync.Once
	insisted *stage // with the policies on which the operator insists; started when needed

	mu        sync.Mutex
	operators []*cluster.Operator // all that ever ran
	fixtures  []*fixture          // all that ever were
	heard     []string            // what programs printed beside operators' logs
	seen      map[string]bool     // rows of the tables of conditions that were met
	inherited []types.UID         // of requests that an earlier version left behind
}

// stage is a cluster to play on. That of tests with operators of their own has no
// admission policies: the operator does not rest on them.
type stage struct {
	cluster *cluster.Cluster
	kube    client.WithWatch // of a cluster administrator
}

var suiteOf suite

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctrllog.SetLogger(logr.Discard())
	ctx := context.Background()
	if err := errors.Join(runTogether(), suiteOf.start(ctx)); err != nil {
		return fail(errors.Join(err, suiteOf.stop(ctx)))
	}
	code := m.Run()
	if code == 0 {
		code = fail(errors.Join(suiteOf.checkLateCalls(), suiteOf.checkLogs(), suiteOf.checkRights(), suiteOf.checkAudit(ctx), suiteOf.checkRows(), suiteOf.searchCanaries(ctx)))
	}
	err := suiteOf.stop(ctx)
	if code != 0 || err != nil {
		return max(code, fail(errors.Join(err, suiteOf.keepLogs())))
	}
	return fail(os.RemoveAll(suiteOf.dir))
}

func fail(err error) int {
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintln(os.Stderr, "e2e:", err)
	return 1
}

// runTogether lets many tests run at a time unless the command line says how many.
func runTogether() error {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if given {
		return nil
	}
	return flag.Set("test.parallel", together)
}

// start builds the operator and starts both clusters, all at the same time.
func (s *suite) start(ctx context.Context) error {
	var err error
	if s.dir, err = os.MkdirTemp("", "e2e-"); err != nil {
		return err
	}
	s.binary = filepath.Join(s.dir, "operator")
	s.shared, s.apart = &stage{}, &stage{}
	err = inParallel(
		func() error {
			return cluster.BuildOperator(ctx, s.binary, "-ldflags", "-X main.buildVersion="+stampedVersion+" -X main.buildRevision="+stampedRevision)
		},
		func() error { return s.shared.start(ctx, filepath.Join(s.dir, "shared")) },
		func() error { return s.apart.startWithoutPolicies(ctx, filepath.Join(s.dir, "apart")) },
	)
	if err != nil {
		return err
	}
	_, err = s.startOperator(ctx, s.shared, cluster.OperatorOptions{})
	return err
}

// insisting is a cluster without an operator, where people write their own names but
// may try to approve their own requests.
func (s *suite) insisting(t *testing.T) *stage {
	t.Helper()
	s.third.Do(func() {
		s.insisted = &stage{}
		if err := s.insisted.startInsisting(context.WithoutCancel(t.Context()), filepath.Join(s.dir, "insisting")); err != nil {
			t.Error(err)
			s.insisted = nil
		}
	})
	if s.insisted == nil {
		t.Fatal("the third cluster did not start")
	}
	return s.insisted
}

func inParallel(tasks ...func() error) error {
	errs := make([]error, len(tasks))
	var group sync.WaitGroup
	for i, task := range tasks {
		group.Go(func() { errs[i] = task() })
	}
	group.Wait()
	return errors.Join(errs...)
}

// startOperator starts an operator that tells everything, and remembers it.
func (s *suite) startOperator(ctx context.Context, on *stage, options cluster.OperatorOptions) (*cluster.Operator, error) {
	options.Binary = cmp.Or(options.Binary, s.binary)
	options.Args = append([]string{"--log-level", "debug"}, options.Args...)
	operator, err := on.cluster.StartOperator(ctx, options)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.operators = append(s.operators, operator)
	return operator, nil
}

// hear keeps what a program printed for the search at the end.
func (s *suite) hear(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = append(s.heard, text)
}

// inherit notes a request that an earlier version left behind, and told of.
func (s *suite) inherit(request types.UID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inherited = append(s.inherited, request)
}

func (s *suite) remember(f *fixture) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fixtures = append(s.fixtures, f)
}

// checkLateCalls finds resets that were called after their test had counted them.
func (s *suite) checkLateCalls() error {
	var errs []error
	for _, f := range s.fixtures {
		if got := f.chat.Journal().Posts(); *f.counted != uncounted && got != *f.counted {
			errs = append(errs, fmt.Errorf("%s: %d resets had been called at the end of the suite, %d when the test looked",
				f.t.Name(), got, *f.counted))
		}
	}
	return errors.Join(errs...)
}

// see notes that an object was met in the state of a row, and that it was as it
// has to be.
func (s *suite) see(kind, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	s.seen[kind+" "+reason] = true
}

// unfiltered says whether all tests ran.
func unfiltered() bool {
	return flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == ""
}

// checkRows finds rows of the tables of conditions that no test has met. It says
// nothing if only some tests ran.
func (s *suite) checkRows() error {
	if !unfiltered() {
		return nil
	}
	var errs []error
	for kind, rows := range map[string]map[string]row{
		"UserCredentialReset": requestRows(), "RocketChatWorkspace": workspaceRows(),
	} {
		for reason := range rows {
			if reason != unmet && !s.seen[kind+" "+reason] {
				errs = append(errs, fmt.Errorf("no test met a %s with the reason %s", kind, reason))
			}
		}
	}
	return errors.Join(errs...)
}

// checkLogs finds panics, and lines that did not go through the logger.
func (s *suite) checkLogs() error {
	var errs []error
	for i, operator := range s.operators {
		for line := range strings.Lines(operator.Logs()) {
			if !strings.HasPrefix(line, "{") || strings.Contains(line, `"msg":"Observed a panic"`) {
				errs = append(errs, fmt.Errorf("operator %d logged: %s", i, line))
				break
			}
		}
	}
	return errors.Join(errs...)
}

// stop ends what still runs: operators in order, with exit status 0.
func (s *suite) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var errs []error
	for _, operator := range s.operators {
		if operator.IsRunning() {
			errs = append(errs, operator.Stop(ctx))
		}
	}
	for _, f := range s.fixtures {
		f.server.Close()
	}
	errs = append(errs, inParallel(s.shared.stop, s.apart.stop, s.insisted.stop))
	return errors.Join(errs...)
}

// keepLogs leaves the operators' logs behind for whoever looks into a failure.
func (s *suite) keepLogs() error {
	var errs []error
	for i, operator := range s.operators {
		path := filepath.Join(s.dir, fmt.Sprintf("operator-%d.log", i))
		errs = append(errs, os.WriteFile(path, []byte(operator.Logs()), 0o600))
	}
	_, _ = fmt.Fprintln(os.Stderr, "e2e: the operators' logs are in", s.dir)
	return errors.Join(errs...)
}

func (s *stage) start(ctx context.Context, dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	var err error
	if s.cluster, err = cluster.StartAudited(ctx, dir); err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		authorizationv1.AddToScheme, corev1.AddToScheme, eventsv1.AddToScheme, rbacv1.AddToScheme, v1alpha1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	s.kube, err = client.NewWithWatch(s.cluster.Config, client.Options{Scheme: scheme})
	return err
}

func (s *stage) startWithoutPolicies(ctx context.Context, dir string) error {
	if err := s.start(ctx, dir); err != nil {
		return err
	}
	if output, err := s.cluster.Kubectl(ctx, "delete", "-k", s.cluster.Path("config", "policy")); err != nil {
		return fmt.Errorf("remove the policies: %w\n%s", err, output)
	}
	return nil
}

func (s *stage) startInsisting(ctx context.Context, dir string) error {
	if err := s.start(ctx, dir); err != nil {
		return err
	}
	if output, err := s.cluster.Kubectl(ctx, "delete", "--filename", s.cluster.Path("config", "policy", "not-own.yaml")); err != nil {
		return fmt.Errorf("remove a policy: %w\n%s", err, output)
	}
	return nil
}

func (s *stage) stop() error {
	if s == nil || s.cluster == nil {
		return nil
	}
	return s.cluster.Stop()
}
