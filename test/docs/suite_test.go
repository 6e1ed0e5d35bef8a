// Package docs types what the pages tell people to type: every block for the shell of
// the README and of docs is run by bash, on a real API server with the built operator
// and a simulated workspace behind it, and what a page shows is compared with what is
// printed. A block that nothing runs has to be accounted for in absences.
package docs

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// patience is how long anything that is waited for may take.
const patience = time.Minute

// suite is what the stories share.
type suite struct {
	dir      string
	operator string // the built operator
	bin      string // folder with the plugin and jq

	built func() error // builds them, once

	mu  sync.Mutex
	ran map[string]bool // commands, after their pages
}

var suiteOf = suite{ran: map[string]bool{}}

func TestMain(m *testing.M) {
	// The pages use jq. Under that name, this program is one.
	if filepath.Base(os.Args[0]) == "jq" {
		os.Exit(fail(jq(os.Args[1:], os.Stdin, os.Stdout)))
	}
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctrllog.SetLogger(logr.Discard())
	var err error
	if suiteOf.dir, err = os.MkdirTemp("", "docs-"); err != nil {
		return fail(err)
	}
	suiteOf.built = sync.OnceValue(func() error { return suiteOf.build(context.Background()) })
	code := m.Run()
	if code == 0 && unfiltered() {
		code = fail(checkAccounts())
	}
	return max(code, fail(os.RemoveAll(suiteOf.dir)))
}

// unfiltered says whether all tests ran.
func unfiltered() bool {
	return flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == ""
}

func fail(err error) int {
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintln(os.Stderr, "docs:", err)
	return 1
}

// build builds what people have installed.
func (s *suite) build(ctx context.Context) error {
	s.operator, s.bin = filepath.Join(s.dir, "operator"), filepath.Join(s.dir, "bin")
	if err := os.Mkdir(s.bin, 0o700); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	built := make(chan error, 1)
	go func() { built <- cluster.BuildOperator(ctx, s.operator) }()
	err = cluster.BuildPlugin(ctx, filepath.Join(s.bin, "kubectl-ucr"))
	return errors.Join(err, <-built, os.Symlink(self, filepath.Join(s.bin, "jq")))
}

// run notes that a command of a page was run.
func (s *suite) run(page string, c *command) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.ran = true
	s.ran[page+"\n"+c.text] = true
}

func (s *suite) hasRun(page string, c *command) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ran[page+"\n"+c.text]
}
