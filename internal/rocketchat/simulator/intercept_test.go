package simulator

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestIntercept drops, answers and delays calls over a real connection and
// proves what the journal tells of each.
func TestIntercept(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		intercept Interceptor
		status    int // zero: no answer
		resets    int
	}{
		"dropped before the workspace sees it": {
			intercept: func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) },
		},
		"dropped after the effect": {
			intercept: func(_ http.ResponseWriter, r *http.Request, next http.Handler) {
				next.ServeHTTP(httptest.NewRecorder(), r)
				panic(http.ErrAbortHandler)
			},
			resets: 1,
		},
		"connection taken over after the effect": {
			intercept: func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
				next.ServeHTTP(httptest.NewRecorder(), r)
				conn, _, err := http.NewResponseController(rw).Hijack()
				if err == nil {
					_ = conn.Close()
				}
			},
			resets: 1,
		},
		"answered in place of the workspace": {
			intercept: func(rw http.ResponseWriter, _ *http.Request, _ http.Handler) {
				http.Error(rw, "<html>Bad Gateway</html>", http.StatusBadGateway)
			},
			status: http.StatusBadGateway,
		},
		"answered in place of the workspace after the effect": {
			intercept: func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
				next.ServeHTTP(httptest.NewRecorder(), r)
				rw.WriteHeader(http.StatusGatewayTimeout)
			},
			status: http.StatusGatewayTimeout,
			resets: 1,
		},
		"let through": {
			intercept: func(rw http.ResponseWriter, r *http.Request, next http.Handler) { next.ServeHTTP(rw, r) },
			status:    http.StatusOK,
			resets:    1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _ := sample(t, nil)
			w.Intercept(test.intercept)
			server, err := Serve(w, ServeOptions{PlainHTTP: true})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(server.Close)
			if got := status(t, server.URL, reset(PathResetTOTP, SampleAliceID)); got != test.status {
				t.Errorf("status %d, want %d", got, test.status)
			}
			s := &scene{t: t, workspace: w}
			s.awaitFinished(1)
			journal := w.Journal()
			request := journal.Requests[0]
			if request.Status != test.status || request.Body != `{"userId":"`+SampleAliceID+`"}` || journal.Posts() != 1 {
				t.Errorf("request %+v", request)
			}
			if got := journal.ResetsOf(SampleAliceID); got != test.resets {
				t.Errorf("%d resets, want %d", got, test.resets)
			}
		})
	}
}

// status sends a prepared call over the network and returns its status, or
// zero if the connection broke.
func status(t *testing.T, base string, prepared *http.Request) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), prepared.Method, base+prepared.URL.Path, prepared.Body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header, request.ContentLength = prepared.Header, prepared.ContentLength
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	response, err := transport.RoundTrip(request)
	if errors.Is(err, io.EOF) || err != nil && strings.Contains(err.Error(), "connection reset") {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode
}

// TestInterceptHoldsAndLetsGo proves that a held request is in the journal
// before it has an effect, and that removing the interceptor ends it.
func TestInterceptHoldsAndLetsGo(t *testing.T) {
	t.Parallel()
	w, _ := sample(t, nil)
	release := make(chan struct{})
	w.Intercept(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		<-release
		next.ServeHTTP(rw, r)
	})
	done := make(chan int, 1)
	go func() { done <- answerOf(w, reset(PathResetE2EKey, SampleAliceID)).Code }()
	s := &scene{t: t, workspace: w}
	s.await(func(j Journal) bool { return j.Posts() == 1 })
	if resets := w.Journal().Resets; len(resets) != 0 {
		t.Errorf("resets %v while held", resets)
	}
	close(release)
	if code := <-done; code != http.StatusOK || w.Journal().ResetsOf(SampleAliceID) != 1 {
		t.Errorf("status %d, journal %+v", code, w.Journal())
	}
	w.Intercept(nil)
	if code := answerOf(w, reset(PathResetTOTP, SampleAliceID)).Code; code != http.StatusOK {
		t.Errorf("status %d without interceptor", code)
	}
}

// TestCutBodyWithoutConnection covers callers that cannot be hung up on.
func TestCutBodyWithoutConnection(t *testing.T) {
	t.Parallel()
	w, _ := sample(t, nil)
	r := reset(PathResetTOTP, SampleAliceID)
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"userId":`), broken{}))
	got := answerOf(w, r)
	journal := w.Journal()
	if got.Code != http.StatusBadRequest || got.Body.Len() != 0 {
		t.Errorf("answer %d %q", got.Code, got.Body)
	}
	if journal.OwnResets() != 1 || journal.ResetsOf("admin") != 1 || journal.Requests[0].BodyError == "" {
		t.Errorf("journal %+v", journal)
	}
}

// broken is a body that breaks off.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
