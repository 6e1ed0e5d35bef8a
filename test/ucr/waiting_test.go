package ucr

import (
	"bytes"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// printed is what a program that still runs has printed.
type printed struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (p *printed) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(text)
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// begin runs the plugin in the background; the function returned waits for its end.
func (f *fixture) begin(command *exec.Cmd) (*printed, func() int) {
	f.t.Helper()
	out := &printed{}
	command.Stdout, command.Stderr = out, out
	if err := command.Start(); err != nil {
		f.t.Fatal(err)
	}
	return out, func() int {
		_ = command.Wait() // the exit code is what counts
		return command.ProcessState.ExitCode()
	}
}

func (f *fixture) suspend(suspended bool) {
	f.t.Helper()
	f.get(f.workspace)
	before := f.workspace.DeepCopy()
	f.workspace.Spec.Suspend = &suspended
	if err := suiteOf.kube.Patch(f.t.Context(), f.workspace, client.MergeFrom(before)); err != nil {
		f.t.Fatal(err)
	}
}

// gate is a hook that tells of watches, and refuses everything while it is shut.
type gate struct {
	shut     atomic.Bool
	watching chan struct{}
}

func (g *gate) hook(rw http.ResponseWriter, r *http.Request, next http.Handler) {
	if g.shut.Load() {
		rw.WriteHeader(http.StatusServiceUnavailable)
		g.watching <- struct{}{}
		return
	}
	if strings.Contains(r.URL.RawQuery, "watch=") {
		g.watching <- struct{}{}
	}
	next.ServeHTTP(rw, r)
}

// TestWhatIsDeletedUnseenIsNotWaitedFor deletes requests while nothing can be watched.
func TestWhatIsDeletedUnseenIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"one":  {"reset", "totp", "alice", "--wait"},
		"many": {"reset", "totp", "--from-file", file(t, "breach.txt", nil, "alice", "bob")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, fixtureOptions{})
			f.suspend(true)
			g := &gate{watching: make(chan struct{}, 100)}
			kubeconfig, proxy := f.proxied(g.hook)
			command := f.command("")
			command.Args = append(append(command.Args[:1], "--kubeconfig", kubeconfig), append(args, f.at()...)...)
			out, end := f.begin(command)
			<-g.watching
			f.until(func() bool {
				return strings.Contains(out.String(), "WorkspaceSuspended: ") || strings.Contains(out.String(), "0 of 2 ended")
			})
			g.shut.Store(true)
			proxy.Disconnect()
			<-g.watching // it was refused
			for _, request := range f.requests() {
				if err := suiteOf.kube.Delete(t.Context(), &request); err != nil {
					t.Fatal(err)
				}
			}
			g.shut.Store(false)
			if code := end(); code != 3 || !strings.Contains(out.String(), "deleted") {
				t.Errorf("it ended with %d:\n%s", code, out)
			}
		})
	}
}

// TestWaitingOutlivesTheAPIServer breaks the watch off, and has the API server refuse
// to answer for a while.
func TestWaitingOutlivesTheAPIServer(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	f.suspend(true)
	f.reset("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonWorkspaceSuspended)
	g := &gate{watching: make(chan struct{}, 100)}
	kubeconfig, proxy := f.proxied(g.hook)
	command := f.command("")
	command.Args = append(command.Args[:1], "--kubeconfig", kubeconfig, "wait", "lost-phone")
	out, end := f.begin(command)
	<-g.watching
	f.until(func() bool { return strings.Contains(out.String(), "WorkspaceSuspended: ") })
	g.shut.Store(true)
	proxy.Disconnect()
	<-g.watching // it was refused
	g.shut.Store(false)
	f.suspend(false)
	if code := end(); code != 0 || !strings.Contains(out.String(), "lost-phone Succeeded") {
		t.Errorf("it ended with %d:\n%s", code, out)
	}
	if count := strings.Count(out.String(), "WorkspaceSuspended: "); count != 1 {
		t.Errorf("it says %d times what it waits for:\n%s", count, out)
	}
	f.wantResets(simulator.SampleAliceID, 1)
}

// TestARequestThatIsDeletedIsNotWaitedFor ends the waiting for one, and for one of many.
func TestARequestThatIsDeletedIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	f.suspend(true)
	f.reset("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonWorkspaceSuspended)
	out, end := f.begin(f.command(requester, "wait", "lost-phone"))
	f.until(func() bool { return strings.Contains(out.String(), "WorkspaceSuspended: ") })
	if err := suiteOf.kube.Delete(t.Context(), f.request("lost-phone")); err != nil {
		t.Fatal(err)
	}
	if code := end(); code != 3 || !strings.Contains(out.String(), "lost-phone was deleted before it ended") {
		t.Errorf("it ended with %d:\n%s", code, out)
	}

	path := file(t, "breach.txt", nil, "bob")
	out, end = f.begin(f.command(requester, append([]string{"reset", "totp", "--from-file", path}, f.at()...)...))
	f.until(func() bool { return strings.Contains(out.String(), "0 of 1 ended: 1 open") })
	for _, request := range f.requests() {
		if err := suiteOf.kube.Delete(t.Context(), &request); err != nil {
			t.Fatal(err)
		}
	}
	if code := end(); code != 3 || !strings.Contains(out.String(), "1 of 1 users asked for: 1 deleted") {
		t.Errorf("it ended with %d:\n%s", code, out)
	}
}
