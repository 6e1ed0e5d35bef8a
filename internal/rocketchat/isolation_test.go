package rocketchat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRedirectsAreNotFollowed proves that neither a read nor a reset follows a
// redirect, to another server or on the same one, so that the token stays where
// it belongs and a reset is sent once.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := newMockServer(t) // expects nothing
	for _, status := range []int{300, 301, 302, 303, 307, 308} {
		for name, location := range map[string]string{
			"another server":   elsewhere.URL + "/api/v1/me",
			"the same server":  "/api/v1/me",
			"the other scheme": strings.Replace(elsewhere.URL, "http:", "https:", 1),
			"no location":      "",
		} {
			answer := http.Header{"Location": {location}}
			for route, expected := range map[string]mockExchange{
				"reset": expectReset("users.resetTOTP"),
				"read":  expectRead("/api/v1/me", ""),
			} {
				t.Run(fmt.Sprintf("%d to %s, %s", status, name, route), func(t *testing.T) {
					t.Parallel()
					expected.status, expected.answer, expected.text = status, answer, `{"success":true}`
					server := newMockServer(t, expected)
					err := calls()[route](t.Context(), clientOf(t, connect(t, server.URL, nil)), 20*time.Second)
					if failure := answerFailure(t, err); failure.Status != status || failure.RocketChat {
						t.Errorf("error = %+v, want status %d", failure, status)
					}
				})
			}
		}
	}
}

// TestCookiesAreIgnored proves that what a server wants to be remembered is
// forgotten: the mock server compares all headers.
func TestCookiesAreIgnored(t *testing.T) {
	t.Parallel()
	read, reset := expectRead("/api/v1/me", `{"success":true}`), expectReset("users.resetE2EKey")
	read.answer = http.Header{"Set-Cookie": {"rc_token=x; Path=/", "rc_uid=y; Path=/"}, "Strict-Transport-Security": {"max-age=1"}, "Alt-Svc": {`h2=":1"`}}
	reset.answer = read.answer
	server := newMockServer(t, read, reset, reset, read)
	client := clientOf(t, connect(t, server.URL, nil))
	for i, call := range []func() error{
		func() error { _, err := client.Me(t.Context()); return err },
		func() error { return client.ResetE2EKey(t.Context(), resetOf()) },
		func() error { return client.ResetE2EKey(t.Context(), resetOf()) },
		func() error { _, err := client.Me(t.Context()); return err },
	} {
		if err := call(); err != nil {
			t.Errorf("call %d = %v", i, err)
		}
	}
}

// TestProxiesAreIgnored proves that the environment cannot put a proxy between the
// operator and the workspace. The host is one that a proxy would be used for,
// which loopback is not.
func TestProxiesAreIgnored(t *testing.T) {
	proxy := serveRaw(t, nil, func(conn net.Conn) {
		if got := readOnce(conn); got != "" {
			t.Errorf("the proxy was sent %q", got)
		}
	})
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		t.Setenv(name, proxy.url)
	}
	t.Setenv("NO_PROXY", "")
	t.Setenv("no_proxy", "")
	for _, base := range []string{"http://no-such-host.invalid", "https://no-such-host.invalid"} {
		for name, call := range calls() {
			client := clientOf(t, connect(t, base, nil))
			if failure := transportFailure(t, call(t.Context(), client, time.Second)); failure.Connected {
				t.Errorf("%s of %s = %v, want no connection", name, base, failure)
			}
		}
	}
	if proxy.connections() != 0 {
		t.Errorf("the proxy was called %d times", proxy.connections())
	}
}

// TestCancellingDoesNotCutAReset proves that a reset goes on to its end whatever
// happens to the caller's context: a request that is cut resets the caller.
func TestCancellingDoesNotCutAReset(t *testing.T) {
	t.Parallel()
	for name, when := range map[string]struct{ before, atDial, atRequest bool }{
		"cancelled before the call":        {before: true},
		"cancelled at the end of the dial": {atDial: true},
		"cancelled after the request":      {atRequest: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			server := serveRaw(t, nil, func(conn net.Conn) {
				request := readRequest(conn)
				if !strings.HasSuffix(request, resetBody) {
					t.Errorf("request = %q, want it whole", request)
				}
				if when.atRequest {
					cancel()
				}
				if hungUp(conn, 100*time.Millisecond) {
					t.Error("the client hung up")
				}
				_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
				_, _ = io.WriteString(conn, success)
			})
			client := clientOf(t, connect(t, server.url, nil))
			if when.before {
				cancel()
			}
			reset := resetOf()
			reset.MaySend = func() error {
				if when.atDial {
					cancel()
				}
				return nil
			}
			if err := client.ResetTOTP(ctx, reset); err != nil {
				t.Errorf("reset = %v, want success", err)
			}
		})
	}
}

// TestCancellingEndsARead proves that a read, which does no harm, ends with its
// context, and that closing the client ends a dial that nobody waits for.
func TestCancellingEndsARead(t *testing.T) {
	t.Parallel()
	for name, secured := range map[string]bool{"while it waits for the answer": false, "while it shakes hands": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			closed := make(chan bool, 1)
			server := serveRaw(t, nil, func(conn net.Conn) {
				readOnce(conn)
				cancel()
				closed <- hungUp(conn, 20*time.Second)
			})
			base := server.url
			if secured {
				base = strings.Replace(base, "http:", "https:", 1)
			}
			client := clientOf(t, connect(t, base, nil))
			_, err := client.Me(ctx)
			if failure := transportFailure(t, err); failure.Connected == secured {
				t.Errorf("error = %v, Connected = %t", err, failure.Connected)
			}
			client.Close()
			if !<-closed {
				t.Error("the connection is left open")
			}
		})
	}
}

// TestWithheld proves that what must not be sent is not: the server sees nobody.
func TestWithheld(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*Reset)
		want   error // nil: any
	}{
		"no id":                 {func(r *Reset) { r.UserID = "" }, ErrBlankUserID},
		"a blank id":            {func(r *Reset) { r.UserID = " \t\n\u00a0" }, ErrBlankUserID},
		"a blank id allowed":    {func(r *Reset) { r.UserID, r.AllowOwn = "", true }, ErrBlankUserID},
		"the own id":            {func(r *Reset) { r.UserID = testUserID }, ErrOwnUserID},
		"an id too long":        {func(r *Reset) { r.UserID = strings.Repeat("x", maxTargetLength+1) }, nil},
		"an id that is no text": {func(r *Reset) { r.UserID = "id\xff" }, nil},
		"no time-out":           {func(r *Reset) { r.Timeout = 0 }, nil},
		"a negative time-out":   {func(r *Reset) { r.Timeout = -time.Second }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newMockServer(t)
			client := clientOf(t, connect(t, server.URL, nil))
			reset := resetOf()
			reset.MaySend = func() error {
				t.Error("a connection was made")
				return nil
			}
			test.change(&reset)
			for _, call := range []func(context.Context, Reset) error{client.ResetTOTP, client.ResetE2EKey} {
				err := call(t.Context(), reset)
				if err == nil || (test.want != nil && !errors.Is(err, test.want)) {
					t.Errorf("reset = %v, want %v", err, test.want)
				}
				if _, isTransport := errors.AsType[*TransportError](err); isTransport {
					t.Errorf("reset = %v, want a refusal before any call", err)
				}
			}
		})
	}
}

// TestOwnReset proves that the own id goes out, as an id, if it is allowed.
func TestOwnReset(t *testing.T) {
	t.Parallel()
	expected := expectReset("users.resetTOTP")
	expected.body = `{"userId":"` + testUserID + `"}`
	server := newMockServer(t, expected)
	reset := resetOf()
	reset.UserID, reset.AllowOwn = testUserID, true
	if err := clientOf(t, connect(t, server.URL, nil)).ResetTOTP(t.Context(), reset); err != nil {
		t.Errorf("reset = %v", err)
	}
}

// TestNothingIsLogged proves that what a server sends unasked, before the request
// or behind its answer, does not get into the log of package net/http, where it
// may be the token of an earlier call.
//
//nolint:paralleltest // it listens to the process's log
func TestNothingIsLogged(t *testing.T) {
	var logged safeBuffer
	before := log.Writer()
	log.SetOutput(&logged)
	t.Cleanup(func() { log.SetOutput(before) })
	const leak = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: " + testToken + "\r\n\r\n"
	for name, test := range map[string]struct{ before, after string }{
		"before the request": {before: leak},
		"no HTTP at all":     {before: testToken + "\r\n\r\n"},
		"behind the answer":  {after: success + leak},
	} {
		t.Run(name, func(t *testing.T) {
			sent := make(chan struct{}, 1)
			server := serveRaw(t, nil, func(conn net.Conn) {
				_, _ = io.WriteString(conn, test.before)
				sent <- struct{}{}
				readRequest(conn)
				_, _ = io.WriteString(conn, test.after)
				hungUp(conn, 20*time.Second)
			})
			client := clientOf(t, connect(t, server.url, nil))
			reset := resetOf()
			// What comes too early is there before anybody listens.
			reset.MaySend = func() error { return await(sent) }
			for range 50 {
				err := client.ResetTOTP(t.Context(), reset)
				if errors.Is(err, errAwaited) {
					t.Fatal(err)
				}
				mustHide(t, fmt.Sprint(err))
			}
		})
	}
	if got := logged.String(); got != "" {
		t.Errorf("logged: %s", got)
	}
}

// TestSpeaker proves that the server is not heard before it was spoken to, and that
// closing ends the silence.
func TestSpeaker(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(net.Conn) error{
		"a write": func(conn net.Conn) error { _, err := io.WriteString(conn, "x"); return err },
		"a close": net.Conn.Close,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				conn := &speaker{Conn: near, spoke: make(chan struct{})}
				heard := make(chan struct{})
				go func() {
					_, _ = conn.Read(make([]byte, 1))
					close(heard)
				}()
				go func() { _, _ = io.WriteString(far, "unasked") }()
				go func() { _, _ = io.Copy(io.Discard, far) }()
				synctest.Wait()
				select {
				case <-heard:
					t.Error("the server was heard before it was spoken to")
				default:
				}
				if err := end(conn); err != nil {
					t.Error(err)
				}
				<-heard
				if err := errors.Join(conn.Close(), far.Close()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestDialledConnection proves that every connection that is dialled is one on which
// the server is not heard too early.
func TestDialledConnection(t *testing.T) {
	t.Parallel()
	for _, secured := range []bool{false, true} {
		config, changes := serverTLS(t, secured, nil)
		server := serveRaw(t, config, func(conn net.Conn) { readOnce(conn) })
		client := clientOf(t, connect(t, server.url, changes))
		for name, transport := range map[string]*http.Transport{"reset": client.transport(dialer{limit: time.Minute}), "read": client.reads} {
			dial := transport.DialContext
			if secured {
				dial = transport.DialTLSContext
			}
			_, address, _ := strings.Cut(server.url, "://")
			conn, err := dial(t.Context(), "tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			if _, isSpeaker := conn.(*speaker); !isSpeaker {
				t.Errorf("the connection of a %s is a %T", name, conn)
			}
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// safeBuffer is a buffer for several goroutines.
type safeBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

// Write implements io.Writer.
func (b *safeBuffer) Write(data []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(data)
}

// String implements fmt.Stringer.
func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

// TestObserve proves that every call is shown once, whether or not it was answered.
func TestObserve(t *testing.T) {
	t.Parallel()
	limited := expectRead("/api/v1/me", `{"success":false}`)
	limited.status = http.StatusTooManyRequests
	server := newMockServer(t, limited, expectReset("users.resetTOTP"))
	// A second passes from one look at the clock to the next; the code stays valid.
	now, seen := testNow(), []Exchange(nil)
	client := New(connect(t, server.URL, nil), Options{
		Policy: loopback(),
		Now: func() time.Time {
			now = now.Add(time.Second)
			return now
		},
		Observe: func(exchange Exchange) { seen = append(seen, exchange) },
	})
	defer client.Close()
	if _, err := client.Me(t.Context()); err == nil {
		t.Error("Me succeeded")
	}
	reset := resetOf()
	if err := client.ResetTOTP(t.Context(), reset); err != nil {
		t.Errorf("reset = %v", err)
	}
	reset.MaySend = func() error { return errors.New("no") }
	if err := client.ResetTOTP(t.Context(), reset); err == nil {
		t.Error("reset succeeded")
	}
	want := []Exchange{
		{Route: "v1/me", Status: 429, Duration: time.Second, RateLimit: RateLimit{Exhausted: true, Wait: time.Minute}},
		{Route: "v1/users.resetTOTP", Status: 200, Duration: time.Second},
		{Route: "v1/users.resetTOTP", Duration: time.Second},
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("exchanges (-want +got):\n%s", diff)
	}
}
