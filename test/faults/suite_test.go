// Package faults proves the promise of the operator, at most one reset for a
// request and no outcome lost, on the built binary under its own rights: it is
// killed, terminated, stopped and cut off at every point of its way, on a real API
// server and against simulated workspaces. Then the calls that the workspaces saw
// are compared with what the records say.
package faults

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// patience is how long an iteration may take. Those that wait for a dead
// operator's attempts to be given up take more than a minute, and a request that
// was struck three times before its call waits for ten before its fourth attempt.
const patience = 20 * time.Minute

var (
	iterations = flag.Int("iterations", 50, "how many plans of strikes are carried out")
	seed       = flag.Uint64("seed", 0, "from which the plans are drawn; 0 draws one")
	together   = flag.Int("together", 40, "how many iterations go on at a time; most of them wait")
)

// scenariosTogether is how many other tests go on at a time: they wait as well.
const scenariosTogether = "32"

// suite is what the iterations share.
type suite struct {
	dir          string
	binary       string
	cluster      *cluster.Cluster
	kube         client.WithWatch // of a cluster administrator
	electionRole rbacv1.Role      // as config ships it
	serial       atomic.Int64

	mu        sync.Mutex
	figures   figures
	processes map[*cluster.Operator]bool // that may still run
}

var suiteOf = suite{processes: map[*cluster.Operator]bool{}}

func TestMain(m *testing.M) {
	flag.Parse()
	if *seed == 0 {
		*seed = rand.Uint64N(1 << 32)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctrllog.SetLogger(logr.Discard())
	ctx := context.Background()
	go suiteOf.abortOnSignal()
	if err := errors.Join(runTogether(), suiteOf.start(ctx)); err != nil {
		return fail(errors.Join(err, suiteOf.stop()))
	}
	code := m.Run()
	suiteOf.mu.Lock()
	_, _ = fmt.Fprintf(os.Stdout, "faults: -seed %d: %v\n", *seed, suiteOf.figures)
	suiteOf.mu.Unlock()
	if err := suiteOf.stop(); err != nil || code != 0 {
		return max(code, fail(err))
	}
	return fail(os.RemoveAll(suiteOf.dir))
}

// runTogether lets many tests run at a time unless the command line says how many.
func runTogether() error {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if given {
		return nil
	}
	return flag.Set("test.parallel", scenariosTogether)
}

func fail(err error) int {
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintln(os.Stderr, "faults:", err)
	return 1
}

// start builds the operator and starts the cluster, at the same time.
func (s *suite) start(ctx context.Context) error {
	var err error
	if s.dir, err = os.MkdirTemp("", "faults-"); err != nil {
		return err
	}
	s.binary = filepath.Join(s.dir, "operator")
	built := make(chan error, 1)
	go func() { built <- cluster.BuildOperator(ctx, s.binary) }()
	s.cluster, err = cluster.Start(ctx, s.dir)
	if err := errors.Join(err, <-built); err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, rbacv1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	config := rest.CopyConfig(s.cluster.Config)
	config.QPS = -1
	if s.kube, err = client.NewWithWatch(config, client.Options{Scheme: scheme}); err != nil {
		return err
	}
	key := client.ObjectKey{Namespace: cluster.SystemNamespace, Name: "credential-reset-operator-leader-election"}
	return s.kube.Get(ctx, key, &s.electionRole)
}

func (s *suite) stop() error {
	if s.cluster == nil {
		return nil
	}
	return s.cluster.Stop()
}

// abortOnSignal leaves nothing behind when the suite is told to end: operators that
// stand still would do so for ever.
func (s *suite) abortOnSignal() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, os.Interrupt, syscall.SIGTERM)
	<-told
	s.mu.Lock()
	for process := range s.processes {
		_ = process.Kill()
	}
	// The lock is kept: nobody launches another one.
	os.Exit(max(1, fail(s.stop())))
}

// launch starts an operator and remembers it.
func (s *suite) launch(ctx context.Context, options cluster.OperatorOptions) (*cluster.Operator, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	options.Binary = s.binary
	process, err := s.cluster.LaunchOperator(ctx, options)
	if err == nil {
		s.processes[process] = true
	}
	return process, err
}

// kill ends an operator and forgets it.
func (s *suite) kill(process *cluster.Operator) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.processes, process)
	return process.Kill()
}

// newName is the name of a namespace.
func (s *suite) newName() string { return fmt.Sprintf("chat-%d", s.serial.Add(1)) }

// figures are what all iterations came to.
type figures struct {
	iterations, requests, posts         int
	killed, terminated, stopped, cut    int
	duplicates, lost, unconfirmed, late int
}

// String is the line that is published.
func (f figures) String() string {
	return fmt.Sprintf("%d iterations, %d requests, %d SIGKILL, %d SIGTERM, %d SIGSTOP, %d cut connections, %d POSTs, "+
		"%d duplicates, %d lost outcomes, %d unconfirmed, %d late truths",
		f.iterations, f.requests, f.killed, f.terminated, f.stopped, f.cut, f.posts,
		f.duplicates, f.lost, f.unconfirmed, f.late)
}

// count adds a strike that has fallen.
func (s *suite) count(b blow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch b {
	case blowKill:
		s.figures.killed++
	case blowTerm:
		s.figures.terminated++
	case blowStop:
		s.figures.stopped++
	case blowCut:
		s.figures.cut++
	}
}

// sum adds an iteration that has ended.
func (s *suite) sum(requests int, v verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.figures.iterations++
	s.figures.requests += requests
	s.figures.posts += v.posts
	s.figures.duplicates += v.duplicates
	s.figures.lost += v.lost
	s.figures.unconfirmed += v.unconfirmed
	s.figures.late += v.late
}
