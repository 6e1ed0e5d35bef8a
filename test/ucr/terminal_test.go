package ucr

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// terminal is a person's terminal, in which a program runs.
type terminal struct {
	f      *fixture
	master *os.File
	ended  chan error
	closed chan struct{} // when nothing more is printed

	mu   sync.Mutex
	text bytes.Buffer
}

// open runs the plugin in a terminal of its own.
func (f *fixture) open(command *exec.Cmd) *terminal {
	f.t.Helper()
	master, slave, err := cluster.OpenTerminal()
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = master.Close() })
	command.Stdin, command.Stdout, command.Stderr = slave, slave, slave
	if err := command.Start(); err != nil {
		f.t.Fatal(err)
	}
	if err := slave.Close(); err != nil {
		f.t.Fatal(err)
	}
	term := &terminal{f: f, master: master, ended: make(chan error, 1), closed: make(chan struct{})}
	go func() {
		defer close(term.closed)
		_, _ = io.Copy(term, master) // ends with an error when the program does
	}()
	go func() { term.ended <- command.Wait() }()
	return term
}

// Write notes what the program prints.
func (s *terminal) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *terminal) screen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// answer waits for the question and types.
func (s *terminal) answer(question, typed string) {
	s.f.t.Helper()
	s.f.until(func() bool { return strings.Contains(s.screen(), question) })
	if _, err := s.master.WriteString(typed); err != nil {
		s.f.t.Fatal(err)
	}
}

// code waits until the program has ended and is its exit code.
func (s *terminal) code() int {
	s.f.t.Helper()
	err := <-s.ended
	<-s.closed
	if exited, is := errors.AsType[*exec.ExitError](err); is {
		return exited.ExitCode()
	}
	if err != nil {
		s.f.t.Fatal(err)
	}
	return 0
}

// TestAPersonIsAsked answers no, interrupts, and answers yes.
func TestAPersonIsAsked(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{workspace: approvalForTOTP})
	f.reset("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonAwaitingApproval)
	const question = "Have you made sure who asks? Approve lost-phone? [y/N] "
	for typed, want := range map[string]int{"n\n": 5, "\n": 5, "\x04": 5} {
		screen := f.open(f.command(approver, "approve", "lost-phone"))
		screen.answer(question, typed)
		if got := screen.code(); got != want {
			t.Errorf("answered with %q, it ends with %d, want %d:\n%s", typed, got, want, screen.screen())
		}
	}
	command := f.command(approver, "approve", "lost-phone")
	screen := f.open(command)
	screen.answer(question, "")
	if err := command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if got := screen.code(); got != 130 {
		t.Errorf("interrupted, it ends with %d:\n%s", got, screen.screen())
	}
	f.awaitReason("lost-phone", v1alpha1.ReasonAwaitingApproval)
	screen = f.open(f.command(approver, "approve", "lost-phone"))
	screen.answer(question, "y\n")
	if got := screen.code(); got != 0 {
		t.Errorf("answered with yes, it ends with %d:\n%s", got, screen.screen())
	}
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.wantResets(simulator.SampleAliceID, 1)
}

// TestColour is for terminals alone, and for those only who want it.
func TestColour(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	f.reset("lost-phone", "alice", "--wait")
	for variable, want := range map[string]bool{"": true, "NO_COLOR=1": false, "TERM=dumb": false} {
		command := f.command(requester, "wait", "lost-phone")
		if variable != "" {
			command.Env = append(command.Env, variable)
		}
		screen := f.open(command)
		if code := screen.code(); code != 0 {
			t.Fatalf("it ends with %d:\n%s", code, screen.screen())
		}
		if got := strings.Contains(screen.screen(), "\x1b[32mSucceeded\x1b[0m"); got != want {
			t.Errorf("with %q it is coloured: %t, want %t: %q", variable, got, want, screen.screen())
		}
	}
}
