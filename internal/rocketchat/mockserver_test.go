package rocketchat

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mockExchange is a call that a mock server expects, and what it answers.
type mockExchange struct {
	method string
	target string      // path and query as on the wire
	header http.Header // all that arrive, but for those that every call has
	body   string

	status int         // 200 if zero
	answer http.Header // besides the JSON Content-Type
	text   string
}

// mockServer expects calls in their order. One that differs from what is expected
// or is one too many fails the test when it arrives, a missing one at the end.
type mockServer struct {
	t testing.TB
	*httptest.Server

	mu       sync.Mutex
	expected []mockExchange
}

// newMockServer starts a mock server.
func newMockServer(t testing.TB, expected ...mockExchange) *mockServer {
	t.Helper()
	mock := &mockServer{t: t, expected: expected}
	mock.Server = httptest.NewServer(mock)
	t.Cleanup(func() {
		mock.Close()
		mock.mu.Lock()
		defer mock.mu.Unlock()
		for _, missing := range mock.expected {
			t.Errorf("the server was not called: %s %s", missing.method, missing.target)
		}
	})
	return mock
}

// ServeHTTP implements http.Handler.
func (m *mockServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		m.t.Errorf("%s %s: the body was cut: %v", r.Method, r.RequestURI, err)
	}
	if len(m.expected) == 0 {
		m.t.Errorf("the server was called once too often: %s %s", r.Method, r.RequestURI)
		panic(http.ErrAbortHandler)
	}
	want := m.expected[0]
	m.expected = m.expected[1:]
	got := mockExchange{method: r.Method, target: r.RequestURI, header: r.Header, body: string(body)}
	want.header = want.header.Clone()
	if want.header == nil {
		want.header = http.Header{}
	}
	for name, value := range map[string]string{
		"Accept": "application/json", "User-Agent": "credential-reset-operator", "Connection": "close",
	} {
		want.header.Set(name, value)
	}
	if diff := cmp.Diff(
		mockExchange{method: want.method, target: want.target, header: want.header, body: want.body},
		got, cmp.AllowUnexported(mockExchange{})); diff != "" {
		m.t.Errorf("the call (-want +got):\n%s", diff)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Date", testNow().Format(http.TimeFormat)) // the clock of the clients
	maps.Copy(w.Header(), want.answer)
	w.WriteHeader(max(want.status, http.StatusOK))
	_, _ = io.WriteString(w, want.text)
}

// authenticated are the headers of a call that proves the account.
func authenticated() http.Header {
	return http.Header{"X-Auth-Token": {testToken}, "X-User-Id": {testUserID}}
}

// resetHeaders are the headers of a reset with a TOTP code.
func resetHeaders() http.Header {
	header := authenticated()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", "30")
	header.Set("X-2fa-Code", testCode)
	header.Set("X-2fa-Method", "totp")
	return header
}

const resetBody = `{"userId":"` + targetID + `"}`

// expectReset is an exchange of a reset that succeeds.
func expectReset(route string) mockExchange {
	return mockExchange{
		method: http.MethodPost, target: "/api/v1/" + route, header: resetHeaders(), body: resetBody,
		text: `{"success":true}`,
	}
}

// expectRead is an exchange of a read.
func expectRead(target, text string) mockExchange {
	return mockExchange{method: http.MethodGet, target: target, header: authenticated(), text: text}
}
