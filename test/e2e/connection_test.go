package e2e

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// relay is a way to a server that can be closed and opened again. It hands on
// bytes and knows nothing of TLS.
type relay struct {
	t       *testing.T
	target  string
	address string

	mu       sync.Mutex
	listener net.Listener
	conns    []net.Conn
}

// newRelay opens a way to the target. The target never changes: operators of other
// tests may still dial the address if an earlier listener had it.
func newRelay(t *testing.T, target string) *relay {
	t.Helper()
	r := &relay{t: t, target: target, address: "127.0.0.1:0"}
	r.open()
	r.address = r.listener.Addr().String()
	t.Cleanup(r.close)
	return r
}

// open accepts connections, always at the same address.
func (r *relay) open() {
	r.t.Helper()
	listener, err := new(net.ListenConfig).Listen(context.WithoutCancel(r.t.Context()), "tcp", r.address)
	if err != nil {
		r.t.Fatal(err)
	}
	r.mu.Lock()
	r.listener = listener
	r.mu.Unlock()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			go r.carry(conn)
		}
	}()
}

// close refuses connections from now on and breaks those that stand.
func (r *relay) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.listener.Close()
	for _, conn := range r.conns {
		_ = conn.Close()
	}
	r.conns = nil
}

// refuse lets no new connection in; those that stand go on.
func (r *relay) refuse() {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.listener.Close()
}

func (r *relay) carry(in net.Conn) {
	out, err := new(net.Dialer).DialContext(context.WithoutCancel(r.t.Context()), "tcp", r.target)
	if err != nil {
		_ = in.Close()
		return
	}
	r.mu.Lock()
	r.conns = append(r.conns, in, out)
	r.mu.Unlock()
	go func() {
		_, _ = io.Copy(out, in)
		_ = out.Close()
	}()
	_, _ = io.Copy(in, out)
	_ = in.Close()
}

// newRelayedFixture is a fixture whose workspace is reached through a relay.
func newRelayedFixture(t *testing.T) (*fixture, *relay) {
	t.Helper()
	var way *relay
	f := newFixture(t, fixtureOptions{
		served: func(server *simulator.Server) { way = newRelay(t, server.URL[len("https://"):]) },
		secret: func(secret *corev1.Secret) { secret.Data["url"] = []byte("https://" + way.address) },
	})
	return f, way
}

// TestAServerThatIsAwayIsWaitedFor refuses connections before anything was called.
// What is known to be away is not tried.
func TestAServerThatIsAwayIsWaitedFor(t *testing.T) {
	t.Parallel()
	f, way := newRelayedFixture(t)
	way.close()
	f.touchWorkspace()
	f.awaitWorkspace(v1alpha1.ReasonServerUnreachable)
	f.ask("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonWorkspaceNotReady)
	f.wantNoRecord("lost-phone")
	way.open()
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.awaitWorkspace(v1alpha1.ReasonConnected)
	f.wantPosts(1)
	f.wantResets(simulator.SampleAliceID, 1)
}

// TestACallThatFindsNoConnectionIsNotSent refuses connections between the look-up
// and the reset: the claim stands, and it is proven that nothing was sent.
func TestACallThatFindsNoConnectionIsNotSent(t *testing.T) {
	t.Parallel()
	f, way := newRelayedFixture(t)
	f.chat.Intercept(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.URL.Path == "/api/v1/users.info" {
			way.refuse()
		}
		next.ServeHTTP(rw, r)
	})
	f.ask("lost-phone", "alice")
	f.awaitAttempt("lost-phone", v1alpha1.AttemptNotSent, v1alpha1.ReasonConnectionFailed)
	f.wantPosts(0)
	f.awaitWorkspace(v1alpha1.ReasonServerUnreachable)
	f.awaitReason("lost-phone", v1alpha1.ReasonWorkspaceNotReady)
	f.chat.Intercept(nil)
	way.open()
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	record := f.record("lost-phone")
	if len(record.Attempts) != 2 || record.Attempts[1].Result != v1alpha1.AttemptSucceeded {
		t.Errorf("attempts %+v", record.Attempts)
	}
	f.wantPosts(1)
	f.wantResets(simulator.SampleAliceID, 1)
}

// TestAServerThatCannotProveItselfIsNotCalled gives the Secret another authority
// than the server's.
func TestAServerThatCannotProveItselfIsNotCalled(t *testing.T) {
	t.Parallel()
	other, err := simulator.Serve(simulator.New(simulator.Options{}), simulator.ServeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	f := newFixture(t, fixtureOptions{notReady: true, secret: func(secret *corev1.Secret) {
		secret.Data["ca.crt"] = other.CA
	}})
	f.awaitWorkspace(v1alpha1.ReasonServerUnreachable)
	f.ask("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonWorkspaceNotReady)
	f.wantNoCalls()
}
