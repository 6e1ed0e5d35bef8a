package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// tarpits are servers that take connections and say nothing. They tell how many
// connections are open.
type tarpits struct {
	urls []string
	open atomic.Int32
}

func newTarpits(t *testing.T, count int) *tarpits {
	t.Helper()
	pits := &tarpits{}
	for range count {
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
		pits.urls = append(pits.urls, "https://"+listener.Addr().String())
		go pits.accept(t.Context(), listener)
	}
	return pits
}

func (p *tarpits) accept(ctx context.Context, listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			p.open.Add(1)
			defer p.open.Add(-1)
			defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
			_, _ = io.Copy(io.Discard, conn) // until the other side gives up
			_ = conn.Close()
		}()
	}
}

// addWorkspace makes another workspace in the fixture's namespace, with the Secret
// of its own.
func (f *fixture) addWorkspace(name, url string) {
	f.t.Helper()
	secret := f.newSecret()
	secret.Name, secret.Data["url"] = name, []byte(url)
	f.create(secret)
	f.create(&v1alpha1.RocketChatWorkspace{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: name},
		Spec: v1alpha1.RocketChatWorkspaceSpec{
			SecretRef: v1alpha1.SecretReference{Name: name}, AllowedTypes: []v1alpha1.ResetType{v1alpha1.ResetTypeTOTP},
		},
	})
}

// watchResetRoutes counts how many calls of a reset the workspace has at a time,
// and holds those of which hold is true until the caller gives up.
func (f *fixture) watchResetRoutes(hold bool) (most *atomic.Int32) {
	var now atomic.Int32
	most = &atomic.Int32{}
	f.chat.Intercept(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if !strings.HasPrefix(r.URL.Path, "/api/v1/users.") {
			next.ServeHTTP(rw, r)
			return
		}
		defer now.Add(-1)
		for here := now.Add(1); ; {
			before := most.Load()
			if here <= before || most.CompareAndSwap(before, here) {
				break
			}
		}
		if hold {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(rw, r)
	})
	return most
}

// TestATarpitHoldsUpNobodyElse lets many servers hang at a time, in probes and in
// look-ups, of which each may cost the operator one worker. All the others are
// served meanwhile.
func TestATarpitHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	const hanging = 40
	slow := newFixture(t, fixtureOptions{})
	most := slow.watchResetRoutes(true)
	slow.ask("a", "alice")
	slow.ask("b", "bob")
	slow.ask("c", "carol")
	pits := newTarpits(t, hanging)
	for i, url := range pits.urls {
		slow.addWorkspace(fmt.Sprintf("pit-%d", i), url)
		slow.addWorkspace(fmt.Sprintf("same-pit-%d", i), url)
	}
	slow.poll(func() (bool, error) {
		if open := pits.open.Load(); open > hanging {
			return false, errors.New("a server is probed twice at a time")
		}
		return pits.open.Load() == hanging && most.Load() > 0, nil
	})
	good := newFixture(t, fixtureOptions{})
	good.ask("lost-phone", "alice")
	good.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	good.wantPosts(1)
	for _, name := range []string{"a", "b", "c"} {
		request := slow.awaitRequest(name, func(*v1alpha1.UserCredentialReset) bool { return true })
		if request.Status.Outcome != "" {
			t.Errorf("%s ended as %s, although its server answers nothing", name, request.Status.Outcome)
		}
	}
	if most.Load() != 1 {
		t.Errorf("%d calls were made to the slow server at a time", most.Load())
	}
	slow.wantPosts(0)
}

// TestTwoWorkspacesOfAServerShareItsLimiter asks two workspaces that are the same
// server, each with a Secret of its own, for more than the limiter lets pass. None
// of their calls is refused, and no two are made at a time.
func TestTwoWorkspacesOfAServerShareItsLimiter(t *testing.T) {
	t.Parallel()
	const people = 14
	f := newFixture(t, fixtureOptions{
		limit: simulator.Limit{Calls: 6, Period: limiterPeriod},
		users: func(all []simulator.User) []simulator.User {
			for i := range people {
				user := all[1]
				user.ID, user.Username = fmt.Sprintf("person%dperson", i), fmt.Sprintf("person-%d", i)
				all = append(all, user)
			}
			return all
		},
	})
	most := f.watchResetRoutes(false)
	f.addWorkspace("twin", f.server.URL)
	for i := range people {
		request := f.request(fmt.Sprintf("request-%d", i), fmt.Sprintf("person-%d", i))
		if i%2 == 1 {
			request.Spec.WorkspaceRef.Name = "twin"
		}
		f.create(request)
	}
	for i := range people {
		f.awaitReason(fmt.Sprintf("request-%d", i), v1alpha1.ReasonResetAccepted)
	}
	for _, call := range f.chat.Journal().Requests {
		if call.Status == http.StatusTooManyRequests && strings.HasPrefix(call.Path, "/api/v1/users.") {
			t.Errorf("%s %s was refused by the limiter", call.Method, call.Path)
		}
	}
	if most.Load() != 1 {
		t.Errorf("%d calls were made at a time", most.Load())
	}
	f.wantPosts(people)
}
