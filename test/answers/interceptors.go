package answers

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// Media types of answers.
const (
	html      = "text/html"
	plainText = "text/plain"
	jsonType  = "application/json"
)

// Page answers in place of the workspace.
func Page(status int, contentType, body string) simulator.Interceptor {
	return func(rw http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		rw.Header().Set("Content-Type", contentType)
		rw.WriteHeader(status)
		_, _ = io.WriteString(rw, body)
	}
}

// With adds a header to an answer.
func With(name, value string, answer simulator.Interceptor) simulator.Interceptor {
	return func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		rw.Header().Add(name, value)
		answer(rw, r, next)
	}
}

// Drop closes the connection without an answer, or with so much of one.
func Drop(answer string) simulator.Interceptor {
	return func(rw http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn := takeOver(rw)
		_, _ = io.WriteString(conn, answer)
		_ = conn.Close()
	}
}

// After answers in place of the workspace, after the reset has happened.
func After(answer simulator.Interceptor) simulator.Interceptor {
	return func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		Effect(r, next)
		answer(rw, r, next)
	}
}

// Effect lets the reset happen and keeps the answer.
func Effect(r *http.Request, next http.Handler) { next.ServeHTTP(unheard{}, r) }

// WithoutBody hands a reset on without its body, as some proxies do. The workspace
// reads it as the wish to reset the caller.
func WithoutBody(answer simulator.Interceptor) simulator.Interceptor {
	return changed(func(cut *http.Request) {
		cut.Body, cut.ContentLength = http.NoBody, 0
		cut.Header.Del("Content-Length")
	}, answer)
}

// cutShort breaks a reset off in the middle of its body. The workspace reads that,
// too, as the wish to reset the caller.
func cutShort(answer simulator.Interceptor) simulator.Interceptor {
	return changed(func(cut *http.Request) {
		cut.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"userId":`), broken{}))
	}, answer)
}

// retyped hands a reset on under another content type.
func retyped(contentType string) simulator.Interceptor {
	return changed(func(other *http.Request) { other.Header.Set("Content-Type", contentType) }, nil)
}

// changed hands another request on than the one that arrived. Without an answer of
// its own, the workspace's is passed back.
func changed(change func(*http.Request), answer simulator.Interceptor) simulator.Interceptor {
	return func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		other := r.Clone(context.WithoutCancel(r.Context()))
		change(other)
		if answer == nil {
			next.ServeHTTP(rw, other)
			return
		}
		Effect(other, next)
		answer(rw, r, next)
	}
}

// broken is the end of a body that was cut.
type broken struct{}

// Read implements io.Reader.
func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// unheard is where an answer goes that nobody hears.
type unheard struct{}

// Header implements http.ResponseWriter.
func (unheard) Header() http.Header { return http.Header{} }

// Write implements http.ResponseWriter.
func (unheard) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader implements http.ResponseWriter.
func (unheard) WriteHeader(int) {}

// handOn lets the workspace answer.
func handOn(rw http.ResponseWriter, r *http.Request, next http.Handler) { next.ServeHTTP(rw, r) }

// abort breaks the connection off with a reset of TCP's kind.
func abort(rw http.ResponseWriter, _ *http.Request, _ http.Handler) { breakOff(takeOver(rw)) }

// silence never answers. It ends when the client gives up.
func silence(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// belated comes to the reset only after the client has given up.
func belated(_ http.ResponseWriter, r *http.Request, next http.Handler) {
	body, _ := io.ReadAll(r.Body)
	<-r.Context().Done()
	late := r.Clone(context.WithoutCancel(r.Context()))
	late.Body = io.NopCloser(strings.NewReader(string(body)))
	Effect(late, next)
}

// tooLate answers after the client has given up.
func tooLate(answer simulator.Interceptor) simulator.Interceptor {
	return func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		silence(rw, r, next)
		answer(rw, r, next)
	}
}

// slowly answers after a while.
func slowly(pause time.Duration, answer simulator.Interceptor) simulator.Interceptor {
	return func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		wait(pause)
		answer(rw, r, next)
	}
}

// trickle sends the beginning of an answer and then the same again and again until
// the client gives up.
func trickle(beginning, again string) simulator.Interceptor {
	return stream(beginning, again, 50*time.Millisecond)
}

// flood is a trickle that does not pause.
func flood(beginning, again string) simulator.Interceptor { return stream(beginning, again, 0) }

func stream(beginning, again string, pause time.Duration) simulator.Interceptor {
	return func(rw http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn := takeOver(rw)
		_, err := io.WriteString(conn, beginning)
		for err == nil {
			wait(pause)
			_, err = io.WriteString(conn, again)
		}
		_ = conn.Close()
	}
}

// half sends the beginning of an answer and keeps silent then.
func half(beginning string) simulator.Interceptor {
	return func(rw http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn := takeOver(rw)
		_, _ = io.WriteString(conn, beginning)
		_, _ = io.Copy(io.Discard, conn) // until the client gives up
		_ = conn.Close()
	}
}

// first lets an interceptor stand before the first request only.
func first(answer simulator.Interceptor) simulator.Interceptor {
	var met atomic.Bool
	return func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if answer != nil && !met.Swap(true) {
			answer(rw, r, next)
			return
		}
		next.ServeHTTP(rw, r)
	}
}

// failOnce lets the workspace fail at a step, the first time that it comes to it.
func failOnce(step simulator.Step) func(*simulator.Workspace) {
	return func(w *simulator.Workspace) {
		var failed atomic.Bool
		w.SetFault(func(at simulator.Step, _ string) error {
			if at == step && !failed.Swap(true) {
				return errors.New("connection 4 to mongo:27017 closed")
			}
			return nil
		})
	}
}

// changeAt changes somebody's record whenever the workspace comes to a step.
func changeAt(step simulator.Step, change func(w *simulator.Workspace, userID string)) func(*simulator.Workspace) {
	return func(w *simulator.Workspace) {
		w.SetFault(func(at simulator.Step, userID string) error {
			if at == step {
				change(w, userID)
			}
			return nil
		})
	}
}

func takeOver(rw http.ResponseWriter) net.Conn {
	conn, _, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return conn
}

// breakOff closes a connection so that the other side learns of it as of an error.
func breakOff(conn net.Conn) {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	if plain, ok := conn.(*net.TCPConn); ok {
		_ = plain.SetLinger(0)
	}
	_ = conn.Close()
}

// wait is how slow something is.
func wait(pause time.Duration) { <-time.After(pause) }
