package simulator

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pquerna/otp/totp"
)

// sample returns a workspace with the sample users, an administrator beside
// them, and a clock that stands still.
func sample(t *testing.T, change func(*Options)) (*Workspace, *clock) {
	t.Helper()
	clock := &clock{now: recordedAt()}
	options := Options{Clock: clock.Now, Users: append(SampleUsers(), User{
		ID: "admin", Username: "admin", Roles: []string{"admin"}, Tokens: Tokens("admin", TokenBypass, TokenSession),
	})}
	if change != nil {
		change(&options)
	}
	return New(options), clock
}

// request is a call by a caller's token, without network.
func request(method, path, caller, kind, body string) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-User-Id", caller)
	r.Header.Set("X-Auth-Token", TokenFor(caller, kind))
	return r
}

// anonymous is a call by nobody, without network.
func anonymous(method, path string) *http.Request {
	return httptest.NewRequestWithContext(context.Background(), method, path, http.NoBody)
}

// reset is a reset of a target by the administrator.
func reset(path, target string) *http.Request {
	return request(http.MethodPost, path, "admin", TokenBypass, `{"userId":"`+target+`"}`)
}

func answerOf(w http.Handler, r *http.Request) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	w.ServeHTTP(recorder, r)
	return recorder
}

// left is what a user still has, and what was done to it.
type left struct {
	TOTP, E2EKeys  bool
	Tokens, Resets int
}

func TestSampleBotNeedsItsCodeAndResetsEverybodyButTheFederated(t *testing.T) {
	t.Parallel()
	w, clock := sample(t, nil)
	refused := answerOf(w, request(http.MethodPost, PathResetTOTP, SampleBotID, TokenPAT, `{"userId":"`+SampleAliceID+`"}`))
	if refused.Code != http.StatusBadRequest || !strings.Contains(refused.Body.String(), "totp-required") {
		t.Fatalf("without a code: %d %s", refused.Code, refused.Body)
	}
	code, err := totp.GenerateCode(SampleTOTPSecret, clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]left{
		SampleAliceID: {Resets: 2}, SampleBobID: {Resets: 2}, SampleCarolID: {Resets: 2},
		SampleFederatedID: {TOTP: true, E2EKeys: true, Tokens: 2},
	} {
		for _, path := range []string{PathResetTOTP, PathResetE2EKey} {
			r := request(http.MethodPost, path, SampleBotID, TokenPAT, `{"userId":"`+target+`"}`)
			r.Header.Set("X-2fa-Code", code)
			if got := answerOf(w, r); (got.Code == http.StatusOK) != (want.Resets > 0) {
				t.Errorf("%s of %s: %d %s", path, target, got.Code, got.Body)
			}
		}
		user := must(t, w, target)
		got := left{user.TOTP != nil, user.E2E != nil, len(user.Tokens), w.Journal().ResetsOf(target)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("what is left of %s (-want +got):\n%s", target, diff)
		}
	}
	if journal := w.Journal(); journal.OwnResets() != 0 || journal.Posts() != 9 || len(journal.Mails) != 8 {
		t.Errorf("%d own resets, %d posts, %d mails", journal.OwnResets(), journal.Posts(), len(journal.Mails))
	}
}

func TestWorkspaceKeepsItsUsersToItself(t *testing.T) {
	t.Parallel()
	w, _ := sample(t, nil)
	for _, user := range append(w.Users(), must(t, w, SampleAliceID)) {
		user.TOTP, user.Roles = nil, append(user.Roles, "admin")
		if len(user.Tokens) > 0 {
			user.Tokens[0].Hash = "changed"
		}
	}
	if diff := cmp.Diff(SampleUsers(), w.Users()[:5]); diff != "" {
		t.Errorf("a copy changed the workspace (-want +got):\n%s", diff)
	}
	w.UpdateUser(SampleAliceID, func(u *User) { u.Inactive = true })
	w.UpdateUser("nobody", func(*User) { t.Error("an unknown user is updated") })
	w.AddUser(User{ID: SampleBobID, Username: "robert"})
	w.RemoveUser(SampleCarolID)
	if !must(t, w, SampleAliceID).Inactive || must(t, w, SampleBobID).Name != "robert" {
		t.Errorf("users are %+v", w.Users())
	}
	if _, ok := w.User(SampleCarolID); ok {
		t.Error("a removed user is still there")
	}
}

func must(t *testing.T, w *Workspace, id string) User {
	t.Helper()
	user, ok := w.User(id)
	if !ok {
		t.Fatalf("no user %s", id)
	}
	return user
}

func TestRevokedTokensAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	w, _ := sample(t, nil)
	me := func() int { return answerOf(w, request(http.MethodGet, "/api/v1/me", "admin", TokenSession, "")).Code }
	before := me()
	w.RevokeTokens("admin")
	if after := me(); before != http.StatusOK || after != http.StatusUnauthorized {
		t.Errorf("status %d before, %d after", before, after)
	}
	if logOuts := w.Journal().LogOuts; len(logOuts) != 0 {
		t.Errorf("log-outs %v", logOuts)
	}
}

func TestJournalShowsRequestsWholeAndIsACopy(t *testing.T) {
	t.Parallel()
	w, clock := sample(t, nil)
	body := `{"userId":"` + strings.Repeat("x", keptBody) + `"}`
	r := request(http.MethodPost, PathResetTOTP+"?a=b", "nobody", TokenPAT, body)
	r.Header.Set("User-Agent", "curl")
	answerOf(w, r)
	got := w.Journal().Requests[0]
	want := Request{
		Method: http.MethodPost, Path: PathResetTOTP, Query: "a=b", Body: body[:keptBody], BodySize: int64(len(body)),
		Header: http.Header{
			"Content-Type": {"application/json"}, "X-User-Id": {"nobody"}, "X-Auth-Token": {"nobody-pat"},
		},
		Time: clock.Now(), Status: http.StatusUnauthorized, Finished: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	got.Header.Set("X-User-Id", "changed")
	if header := w.Journal().Requests[0].Header.Get("X-User-Id"); header != "nobody" {
		t.Errorf("the journal was changed from outside to %q", header)
	}
}

func TestAwait(t *testing.T) {
	t.Parallel()
	w, _ := sample(t, nil)
	looked := make(chan struct{})
	var once sync.Once
	seen := make(chan error, 1)
	go func() {
		seen <- w.Await(t.Context(), func(j Journal) bool {
			once.Do(func() { close(looked) })
			return j.ResetsOf(SampleBobID) == 2
		})
	}()
	<-looked
	answerOf(w, reset(PathResetTOTP, SampleBobID))
	answerOf(w, reset(PathResetE2EKey, SampleBobID))
	if err := <-seen; err != nil {
		t.Errorf("await: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Await(ended, func(Journal) bool { return false }); !errors.Is(err, context.Canceled) {
		t.Errorf("await after the end: %v", err)
	}
	if err := w.Await(ended, func(Journal) bool { return true }); err != nil {
		t.Errorf("await of what is there: %v", err)
	}
}

func TestConcurrentCallsAreAllKept(t *testing.T) {
	t.Parallel()
	const callers = 24
	w, _ := sample(t, nil)
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			answerOf(w, reset(PathResetTOTP, SampleAliceID))
			w.UpdateUser(SampleAliceID, func(u *User) { u.Language = "de" })
			w.Journal()
		})
	}
	err := w.Await(t.Context(), func(j Journal) bool { return j.ResetsOf(SampleAliceID) == callers })
	group.Wait()
	journal := w.Journal()
	effective := 0
	for _, reset := range journal.Resets {
		if reset.Effective {
			effective++
		}
	}
	if err != nil || effective != 1 || len(journal.LogOuts) != 1 || journal.Posts() != callers {
		t.Errorf("%d effective, %d log-outs, %d posts, error %v", effective, len(journal.LogOuts), journal.Posts(), err)
	}
}

func TestServeSpeaksHTTP1UnderItsOwnAuthority(t *testing.T) {
	t.Parallel()
	w, _ := sample(t, nil)
	server, err := Serve(w, ServeOptions{Hosts: []string{"chat.example.org"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(server.CA) {
		t.Fatal("no certificate")
	}
	for name, want := range map[string]string{
		"":                 "HTTP/1.1", // the address it listens on
		"localhost":        "HTTP/1.1",
		"chat.example.org": "HTTP/1.1",
		"elsewhere":        "refused",
	} {
		config := &tls.Config{RootCAs: roots, ServerName: name, MinVersion: tls.VersionTLS12}
		if got := protocol(t, config, server.URL+"/api/info"); got != want {
			t.Errorf("name %q: %s, want %s", name, got, want)
		}
	}
}

// protocol returns what a server speaks to a client that would like HTTP/2, or
// that the client refused its certificate.
func protocol(t *testing.T, config *tls.Config, url string) string {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	response, err := transport.RoundTrip(httptest.NewRequestWithContext(t.Context(), http.MethodGet, url, nil))
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "refused"
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return response.Proto
}

func TestServeFailsWhereNobodyCanListen(t *testing.T) {
	t.Parallel()
	if _, err := Serve(New(Options{}), ServeOptions{Address: "nowhere"}); err == nil {
		t.Error("no error")
	}
}

// TestAnswersBeforeTheBodyIfTheCallerIsUnknown proves that the body is not
// waited for where the server does not look at it.
func TestAnswersBeforeTheBodyIfTheCallerIsUnknown(t *testing.T) {
	t.Parallel()
	w, _ := sample(t, nil)
	server, err := Serve(w, ServeOptions{PlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, "POST "+PathResetTOTP+" HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"); err != nil {
		t.Fatal(err)
	}
	s := &scene{t: t, workspace: w}
	if got := s.receive(conn, http.MethodPost).status; got != http.StatusUnauthorized {
		t.Errorf("status %d", got)
	}
	if request := w.Journal().Requests[0]; request.Finished || request.Status != http.StatusUnauthorized {
		t.Errorf("request %+v", request)
	}
	if _, err := io.WriteString(conn, " more"); err != nil {
		t.Fatal(err)
	}
	s.awaitFinished(1)
	if body := w.Journal().Requests[0].Body; body != "half more" {
		t.Errorf("body %q", body)
	}
}

func TestLimitedAnswersCarryTheWindowByTheWorkspacesClock(t *testing.T) {
	t.Parallel()
	w, clock := sample(t, func(o *Options) { o.Limit = Limit{Calls: 2, Period: time.Hour} })
	clock.Advance(10 * time.Minute)
	var got []map[string]string
	for range 3 {
		header := answerOf(w, request(http.MethodGet, "/api/v1/me", SampleBotID, TokenPAT, "")).Header()
		got = append(got, map[string]string{
			"limit": header.Get("X-RateLimit-Limit"), "left": header.Get("X-RateLimit-Remaining"),
			"reset": header.Get("X-RateLimit-Reset"), "retry": header.Get("Retry-After"),
		})
	}
	reset := strconv.FormatInt(recordedAt().Add(time.Hour).UnixMilli(), 10)
	want := []map[string]string{
		{"limit": "2", "left": "1", "reset": reset, "retry": ""},
		{"limit": "2", "left": "0", "reset": reset, "retry": ""},
		{"limit": "2", "left": "0", "reset": reset, "retry": ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestLimitCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	w, _ := sample(t, func(o *Options) { o.Limit = Limit{Calls: 1, Disabled: true} })
	for range 3 {
		got := answerOf(w, request(http.MethodGet, "/api/v1/me", SampleBotID, TokenPAT, ""))
		if got.Code != http.StatusOK || got.Header().Get("X-RateLimit-Limit") != "" {
			t.Errorf("status %d, header %v", got.Code, got.Header())
		}
	}
}

// TestEmailCodeAttempts follows one code from its mail to the wrong attempt
// that uses it up.
func TestEmailCodeAttempts(t *testing.T) {
	t.Parallel()
	w, _ := sample(t, nil)
	w.UpdateUser(SampleBotID, func(u *User) { u.TOTP, u.Email2FA = nil, true })
	answerOf(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/users.2fa.sendEmailCode",
		strings.NewReader(`{"emailOrUsername":"reset-bot"}`))) // no content type: no body
	send := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/users.2fa.sendEmailCode",
		strings.NewReader(`{"emailOrUsername":"RESET-BOT@example.org"}`))
	send.Header.Set("Content-Type", "application/json")
	answerOf(w, send)
	if mails := w.Journal().Mails; len(mails) != 1 || mails[0].Subject != "Authentication code" {
		t.Fatalf("mails %v", mails)
	}
	try := func(code string) string {
		r := request(http.MethodPost, PathResetTOTP, SampleBotID, TokenPAT, `{"userId":"`+SampleAliceID+`"}`)
		r.Header.Set("X-2fa-Code", code)
		var body struct {
			ErrorType string `json:"errorType"`
		}
		if err := json.Unmarshal(answerOf(w, r).Body.Bytes(), &body); err != nil {
			t.Fatal(err)
		}
		return body.ErrorType
	}
	var got []string
	for range 5 {
		got = append(got, try("none"))
	}
	want := []string{"totp-invalid", "totp-invalid", "totp-invalid", "totp-invalid", "totp-max-attempts"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("wrong codes (-want +got):\n%s", diff)
	}
	if code := must(t, w, SampleBotID).EmailCode; try(code.Code) != "" {
		t.Error("the old code is refused in the call that replaces it")
	}
	if mails := w.Journal().Mails; len(mails) != 3 {
		t.Errorf("mails %v", mails)
	}
}
