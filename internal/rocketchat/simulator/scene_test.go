package simulator

import (
	"encoding/json"
	"maps"
	"slices"
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

func newScene(t *testing.T, r recording, users map[string]vectorUser, v vector) *scene {
	t.Helper()
	clock := &clock{now: r.at}
	options := Options{Version: r.version, Clock: clock.Now, Roles: vectorRoles(), WorkspaceHash: "hash"}
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
	for _, name := range u.Tokens {
		user.Tokens = append(user.Tokens, vectorToken(t, u.ID, name))
	}
	u.addUnsaid(&user, v)
	return user
}

// vectorToken is a token with the particulars that the recording gave it.
func vectorToken(t *testing.T, userID, name string) Token {
	t.Helper()
	like, ok := map[string]struct{ kind, name, lastPart string }{
		"PAT bypass": {TokenBypass, "op", "ypass"},
		"PAT":        {TokenPAT, "op2", "-pat"},
		"session":    {kind: TokenSession},
	}[name]
	if !ok {
		t.Fatalf("user %s: token %q", userID, name)
	}
	token := Tokens(userID, like.kind)[0]
	token.Name, token.LastPart = like.name, like.lastPart
	token.CreatedAt = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	return token
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
