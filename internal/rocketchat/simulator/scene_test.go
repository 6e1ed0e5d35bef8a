package simulator

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	fixtureSecret   = SampleTOTPSecret
	fixturePassword = "Passw0rd!"
	fixtureBackup   = "Abcd1234"
	fixtureMailCode = "123456"
	runTimeCode     = "<run-time code, see name>"
)

// clock is a clock that stands still until told otherwise.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// scene is a workspace on the network with everything a vector presupposes.
type scene struct {
	t         *testing.T
	vector    vector
	clock     *clock
	workspace *Workspace
	server    *Server
}

func newScene(t *testing.T, users map[string]vectorUser, v vector) *scene {
	t.Helper()
	clock := &clock{now: recordedAt()}
	options := Options{Clock: clock.Now, Roles: vectorRoles(), WorkspaceHash: "hash"}
	if strings.Contains(v.Name, "HTTP_FORWARDED_COUNT=1") {
		options.ForwardedCount = 1
	}
	if strings.Contains(v.Name, "ROOT_URL /chat") {
		options.SiteURL = "http://localhost:3000/chat"
	}
	w := New(options)
	for _, id := range slices.Sorted(maps.Keys(users)) {
		w.AddUser(users[id].build(t, v))
	}
	for _, user := range unnamedUsers() {
		w.AddUser(user.build(t, v))
	}
	for _, given := range []json.RawMessage{v.Given.Caller, v.Given.Target} {
		var user vectorUser
		if json.Unmarshal(given, &user) == nil && user.ID != "" {
			w.AddUser(user.build(t, v))
		}
	}
	serving := ServeOptions{PlainHTTP: true}
	if strings.Contains(v.Name, "stalled") {
		serving.BodyTimeout = 2 * time.Second
	}
	server, err := Serve(w, serving)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return &scene{t: t, vector: v, clock: clock, workspace: w, server: server}
}

// vectorRoles is the table of the recording.
func vectorRoles() map[string][]string {
	roles := DefaultRoles()
	roles["bot-reset"] = []string{PermissionResetTOTP, PermissionResetE2EKey}
	roles["viewer"] = []string{PermissionFullUserInfo}
	return roles
}

// vectorUser is a user as the recording describes it.
type vectorUser struct {
	ID        string    `json:"_id"`
	Username  string    `json:"username"`
	Active    bool      `json:"active"`
	Type      string    `json:"type"`
	Roles     []string  `json:"roles"`
	Federated bool      `json:"federated"`
	Emails    []Email   `json:"emails"`
	TOTP      string    `json:"totp"`
	Email2FA  bool      `json:"email2fa"`
	Password  bool      `json:"password"`
	E2E       bool      `json:"e2e"`
	CreatedAt time.Time `json:"createdAt"`
	Tokens    []string  `json:"tokens"`
	EmailCode *struct {
		Expire   time.Time `json:"expire"`
		Attempts int       `json:"attempts"`
	} `json:"emailCode"`
}

// unnamedUsers are those that the recording had but does not describe; what
// they are follows from what happened to them.
func unnamedUsers() []vectorUser {
	plain := vectorUser{Active: true, Type: TypeUser, Roles: []string{"user"}, TOTP: "none", Password: true}
	var users []vectorUser
	for id, username := range map[string]string{
		"5": "five", "true": "yes", "idlikename": "tgtAlice", "tgtAliasId": "tgtBob2",
	} {
		user := plain
		user.ID, user.Username = id, username
		user.Emails = []Email{{Address: id + "@example.test", Verified: true}}
		if id == "5" || id == "true" {
			user.TOTP = "enabled"
		}
		users = append(users, user)
	}
	return users
}

func (u vectorUser) build(t *testing.T, v vector) User {
	t.Helper()
	user := User{
		ID: u.ID, Username: u.Username, Inactive: !u.Active, Type: u.Type, Federated: u.Federated,
		Emails: u.Emails, Roles: u.Roles, Email2FA: u.Email2FA, CreatedAt: u.CreatedAt,
	}
	switch u.TOTP {
	case "enabled":
		user.TOTP = &TOTP{Enabled: true, Secret: fixtureSecret, BackupHashes: []string{
			hexDigest(fixtureBackup), "1b71f88a03abdd1b768d39933a08383bb7740f787c7a32bf3a7f9f5115840d0e",
		}}
	case "pending":
		user.TOTP = &TOTP{TempSecret: fixtureSecret}
	case "none":
	default:
		t.Fatalf("user %s: totp %q", u.ID, u.TOTP)
	}
	if u.Password {
		user.PasswordDigest = PasswordDigest(fixturePassword)
	}
	if u.E2E {
		user.E2E = &E2EKeys{PublicKey: "public", PrivateKey: "private"}
	}
	if u.EmailCode != nil {
		user.EmailCode = &EmailCode{Code: fixtureMailCode, Expires: u.EmailCode.Expire, Attempts: u.EmailCode.Attempts}
	}
	kinds := map[string]string{"PAT bypass": TokenBypass, "PAT": TokenPAT, "session": TokenSession}
	for _, name := range u.Tokens {
		user.Tokens = append(user.Tokens, Tokens(u.ID, kinds[name])...)
	}
	u.addUnsaid(&user, v)
	return user
}

// addUnsaid adds what the recording had too and does not say: a German user,
// one user with rooms (but not where raw bytes were sent), and a caller of an
// OAuth service where the setting for them was off.
func (u vectorUser) addUnsaid(user *User, v vector) {
	if u.ID == "tgtTwoMail" {
		user.Language = "de"
	}
	if u.ID == "tgtAlice" && u.E2E && v.Request.Raw == "" {
		user.RoomKeys = 1
	}
	if _, ok := v.Given.Settings["Accounts_twoFactorAuthentication_email_available_for_OAuth_users"]; ok {
		user.OAuth = u.ID == "opMail"
	}
}

// send makes a call that comes before the vector's own.
func (s *scene) send(request vectorRequest) {
	s.t.Helper()
	s.exchange(request, "")
}

// exchange writes a request as it is recorded and returns what comes back.
func (s *scene) exchange(request vectorRequest, words string) answer {
	s.t.Helper()
	arrivals := len(s.workspace.Journal().Requests) + 1
	var dialer net.Dialer
	conn, err := dialer.DialContext(s.t.Context(), "tcp", strings.TrimPrefix(s.server.URL, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	head, body := request.Raw, ""
	if head == "" {
		head, body = s.bytes(request, words)
	}
	written := make(chan error, 1)
	go func() {
		buffer := bufio.NewWriter(conn)
		_, err := io.Copy(buffer, io.MultiReader(strings.NewReader(head), strings.NewReader(body)))
		written <- errors.Join(err, buffer.Flush())
	}()
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		s.t.Fatalf("connection of type %T", conn)
	}
	switch {
	case strings.HasSuffix(words, "destroy"), strings.HasSuffix(words, "rst"):
		s.await(func(j Journal) bool { return len(j.Requests) >= arrivals })
		if strings.HasSuffix(words, "rst") {
			err = tcp.SetLinger(0)
		}
		if err := errors.Join(err, <-written, conn.Close()); err != nil {
			s.t.Fatal(err)
		}
		return answer{}
	case strings.HasSuffix(words, "fin"), request.Method == http.MethodTrace:
		s.await(func(j Journal) bool { return len(j.Requests) >= arrivals })
		if err := errors.Join(<-written, tcp.CloseWrite()); err != nil {
			s.t.Fatal(err)
		}
	}
	return s.receive(conn, request.Method)
}

func (s *scene) receive(conn net.Conn, method string) answer {
	s.t.Helper()
	reader := bufio.NewReader(conn)
	for {
		response, err := http.ReadResponse(reader, &http.Request{Method: method})
		if errors.Is(err, io.ErrUnexpectedEOF) && reader.Buffered() == 0 {
			return answer{} // closed without a byte
		}
		if err != nil {
			s.t.Fatalf("read the answer: %v", err)
		}
		body, err := io.ReadAll(response.Body)
		if err := errors.Join(err, response.Body.Close()); err != nil {
			s.t.Fatalf("read the answer's body: %v", err)
		}
		if response.StatusCode >= http.StatusOK {
			return answer{status: response.StatusCode, header: response.Header, body: string(body)}
		}
	}
}

// bytes builds the request with the very header lines of the recording.
func (s *scene) bytes(request vectorRequest, words string) (head, body string) {
	s.t.Helper()
	if request.Body != nil {
		body = whole(s.t, *request.Body)
	}
	if strings.Contains(words, "base64 in body") {
		decoded, err := base64.StdEncoding.DecodeString(body)
		if err != nil {
			s.t.Fatal(err)
		}
		body = string(decoded)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", request.Method, request.Path)
	if _, ok := request.Headers["Host"]; !ok {
		b.WriteString("Host: localhost:3000\r\n")
	}
	for _, name := range slices.Sorted(maps.Keys(request.Headers)) {
		for _, value := range values(request.Headers[name]) {
			if value == runTimeCode {
				value = s.code()
			}
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	b.WriteString("\r\n")
	if request.Headers["Transfer-Encoding"] == "chunked" {
		body = fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	} else if length, ok := request.Headers["Content-Length"]; ok && values(length)[0] != strconv.Itoa(len(body)) {
		s.t.Fatalf("body of %d bytes, content length %v", len(body), length)
	}
	return b.String(), body
}

func values(header any) []string {
	switch header := header.(type) {
	case string:
		return []string{header}
	case float64:
		return []string{strconv.FormatFloat(header, 'f', -1, 64)}
	case []any:
		var lines []string
		for _, line := range header {
			lines = append(lines, fmt.Sprint(line))
		}
		return lines
	default:
		return nil
	}
}

// whole undoes the shortening of long bodies: they are filled up with the
// character they show before the ellipsis.
func whole(t *testing.T, body string) string {
	t.Helper()
	parts := regexp.MustCompile(`^((?s:.*))…\((\d+)` + regexp.QuoteMeta(shortened) + `$`).FindStringSubmatch(body)
	if parts == nil {
		return body
	}
	total, err := strconv.Atoi(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	shown := parts[1]
	tail := `"}`
	if strings.TrimSpace(shown) == "" {
		tail = `{"userId":"tgtAlice"}`
	}
	return shown + strings.Repeat(shown[len(shown)-1:], total-len(shown)-len(tail)) + tail
}

func (s *scene) code() string {
	s.t.Helper()
	code := runTimeCodes()[s.vector.Name]
	if code == nil {
		s.t.Fatal("nobody says which code was sent")
	}
	return code(s)
}

func (s *scene) awaitFinished(requests int) {
	s.t.Helper()
	s.await(func(j Journal) bool { return len(j.Requests) >= requests && j.Requests[requests-1].Finished })
}

func (s *scene) await(ok func(Journal) bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	if err := s.workspace.Await(ctx, ok); err != nil {
		s.t.Fatalf("await: %v", err)
	}
}
