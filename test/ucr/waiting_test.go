package ucr

import (
	"bytes"
	"net/http"
	"os/exec"
	"strings"
	"sync"
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

// TestWaitingOutlivesTheAPIServer breaks the watch off, and has the API server refuse
// to answer for a while.
func TestWaitingOutlivesTheAPIServer(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	f.suspend(true)
	f.reset("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonWorkspaceSuspended)
	watching := make(chan struct{}, 8)
	var mu sync.Mutex
	refusals := 0
	kubeconfig, proxy := f.proxied(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		mu.Lock()
		refuse := refusals > 0
		if refuse {
			refusals--
		}
		mu.Unlock()
		if refuse {
			rw.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if strings.Contains(r.URL.RawQuery, "watch=") {
			watching <- struct{}{}
		}
		next.ServeHTTP(rw, r)
	})
	command := f.command("", "")
	command.Args = append(command.Args[:1], "--kubeconfig", kubeconfig, "wait", "lost-phone")
	out, end := f.begin(command)
	<-watching
	f.until(func() bool { return strings.Contains(out.String(), "WorkspaceSuspended: ") })
	mu.Lock()
	refusals = 2
	mu.Unlock()
	proxy.Disconnect()
	<-watching
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
	if code := end(); code != 1 || !strings.Contains(out.String(), "lost-phone was deleted before it ended") {
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
	if code := end(); code != 1 || !strings.Contains(out.String(), "1 of 1 users asked for: 1 deleted") {
		t.Errorf("it ended with %d:\n%s", code, out)
	}
}
