package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// wantReplayed is how many of the vectors must be replayed at least.
const wantReplayed = 380

// shortened marks a body of which the recording keeps only the beginning.
const shortened = " bytes in all)"

// vectorFile is the recording of what the server's own handlers did.
type vectorFile struct {
	About   string                `json:"about"`
	Users   map[string]vectorUser `json:"users"`
	Vectors []vector              `json:"vectors"`
}

// vector is one recorded exchange.
type vector struct {
	Name     string         `json:"name"`
	Server   string         `json:"server"`
	Given    vectorGiven    `json:"given"`
	Request  vectorRequest  `json:"request"`
	Response vectorResponse `json:"response"`
	Effects  effects        `json:"effects"`
	Note     string         `json:"note"`
}

// vectorGiven is the state before the exchange. Caller and target name a user
// of the file or are a whole user.
type vectorGiven struct {
	Caller   json.RawMessage `json:"caller"`
	Token    string          `json:"token"`
	Target   json.RawMessage `json:"target"`
	Settings map[string]any  `json:"settings"`
	Words    string          `json:"words"`
}

type vectorRequest struct {
	Method  string         `json:"method"`
	Path    string         `json:"path"`
	Headers map[string]any `json:"headers"`
	Body    *string        `json:"body"`
	Raw     string         `json:"raw"`
}

type vectorResponse struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

// effects is what an exchange did to the workspace.
type effects struct {
	TOTPRemoved             []string    `json:"totpRemoved"`
	E2ERemoved              []string    `json:"e2eRemoved"`
	TokensWiped             []string    `json:"tokensWiped"`
	OwnReset                bool        `json:"ownReset"`
	ResetCalls              []resetCall `json:"resetCalls"`
	Mails                   []mailSeen  `json:"mails"`
	SubscriptionKeysRemoved []string    `json:"subscriptionKeysRemoved"`
	Broadcasts              [][2]string `json:"broadcasts"`
}

type resetCall struct {
	Target string `json:"target"`
	Kind   string `json:"kind"`
}

type mailSeen struct {
	To      string `json:"to"`
	Subject string `json:"subject"`
}

func readVectors(t *testing.T) vectorFile {
	t.Helper()
	raw, err := os.ReadFile("testdata/vectors-h8.json")
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields() // a key that nobody compares is a gap
	var file vectorFile
	if err := decoder.Decode(&file); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestVectors replays each recorded exchange against a fresh workspace over
// TCP and compares the answer and everything it did.
func TestVectors(t *testing.T) {
	t.Parallel()
	file := readVectors(t)
	out := excluded()
	replayed := 0
	var large sync.Mutex // one body of many megabytes at a time
	for _, v := range file.Vectors {
		if _, ok := out[v.Name]; ok {
			continue
		}
		replayed++
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			if v.Request.Body != nil && strings.Contains(*v.Request.Body, shortened) {
				large.Lock()
				defer large.Unlock()
			}
			replay(t, file.Users, v)
		})
	}
	if replayed < wantReplayed {
		t.Errorf("%d of %d vectors are replayed, want at least %d", replayed, len(file.Vectors), wantReplayed)
	}
}

// TestExclusions proves that every vector left out exists and says why, and
// that no preparation is kept for a vector that does not exist.
func TestExclusions(t *testing.T) {
	t.Parallel()
	file := readVectors(t)
	names := map[string]bool{}
	for _, v := range file.Vectors {
		if names[v.Name] {
			t.Errorf("two vectors are named %q", v.Name)
		}
		names[v.Name] = true
	}
	for name, reason := range excluded() {
		if !names[name] {
			t.Errorf("excluded vector %q does not exist", name)
		}
		if len(strings.Fields(reason)) < 5 {
			t.Errorf("excluded vector %q has no reason: %q", name, reason)
		}
	}
	for name := range preparations() {
		if !names[name] {
			t.Errorf("prepared vector %q does not exist", name)
		}
	}
	for name := range runTimeCodes() {
		if !names[name] {
			t.Errorf("vector %q with a run-time code does not exist", name)
		}
	}
	t.Logf("%d of %d vectors are replayed", len(names)-len(excluded()), len(names))
}

// replay runs one vector.
func replay(t *testing.T, users map[string]vectorUser, v vector) {
	t.Helper()
	s := newScene(t, users, v)
	if prepare := preparations()[v.Name]; prepare != nil {
		prepare(s)
	}
	s.workspace.UpdateSettings(func(settings *Settings) { apply(t, settings, v.Given.Settings) })
	before := s.workspace.Journal()
	got := s.exchange(v.Request, v.Given.Words)
	s.awaitFinished(len(before.Requests) + 1)

	if got.status != v.Response.Status {
		t.Errorf("status %d, want %d", got.status, v.Response.Status)
	}
	if diff := cmp.Diff(compared(v.Response.Headers), compared(got.headers())); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	compareBody(t, v.Response, got)
	if diff := cmp.Diff(v.Effects, effectsSince(before, s.workspace.Journal())); diff != "" {
		t.Errorf("effects (-want +got):\n%s", diff)
	}
}

// compared returns the headers that the recording kept wherever they were
// sent, so that one too many is a difference as well.
func compared(headers map[string]string) map[string]string {
	kept := map[string]string{}
	for _, name := range []string{
		"content-type", "cache-control", "x-ratelimit-limit", "x-ratelimit-remaining", "allow", "location",
	} {
		if value, ok := headers[name]; ok {
			kept[name] = value
		}
	}
	return kept
}

func compareBody(t *testing.T, want vectorResponse, got answer) {
	t.Helper()
	if want.Headers["content-type"] != "application/json" || want.Body == "" {
		if diff := cmp.Diff(want.Body, got.body); diff != "" {
			t.Errorf("body (-want +got):\n%s", diff)
		}
		return
	}
	var wanted, sent any
	if err := errors.Join(json.Unmarshal([]byte(want.Body), &wanted), json.Unmarshal([]byte(got.body), &sent)); err != nil {
		t.Errorf("body %q: %v", got.body, err)
		return
	}
	if diff := cmp.Diff(wanted, sent); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

// effectsSince returns what happened between two states of the journal.
func effectsSince(before, after Journal) effects {
	var e effects
	for _, reset := range after.Resets[len(before.Resets):] {
		e.OwnReset = e.OwnReset || reset.Own
		kind := map[string]string{ResetTOTP: "totp", ResetE2EKey: "e2e"}[reset.Kind]
		e.ResetCalls = append(e.ResetCalls, resetCall{reset.UserID, kind})
		switch {
		case reset.Effective && reset.Kind == ResetTOTP:
			e.TOTPRemoved = append(e.TOTPRemoved, reset.UserID)
		case reset.Effective:
			e.E2ERemoved = append(e.E2ERemoved, reset.UserID)
		}
	}
	for _, mail := range after.Mails[len(before.Mails):] {
		subject := mail.Subject
		if mail.Language != "" {
			subject = "[" + mail.Language + "]" + subject
		}
		e.Mails = append(e.Mails, mailSeen{mail.To, subject})
	}
	for _, broadcast := range after.Broadcasts[len(before.Broadcasts):] {
		e.Broadcasts = append(e.Broadcasts, [2]string{broadcast.Event, broadcast.UserID})
	}
	e.TokensWiped = append(e.TokensWiped, after.LogOuts[len(before.LogOuts):]...)
	e.SubscriptionKeysRemoved = append(e.SubscriptionKeysRemoved, after.RoomKeys[len(before.RoomKeys):]...)
	return e
}

// apply sets the settings of a vector.
func apply(t *testing.T, settings *Settings, given map[string]any) {
	t.Helper()
	for name, value := range given {
		on, _ := value.(bool)
		number, _ := value.(float64)
		switch name {
		case "Accounts_TwoFactorAuthentication_Enabled":
			settings.TwoFactor = on
		case "Accounts_TwoFactorAuthentication_By_TOTP_Enabled":
			settings.TwoFactorByTOTP = on
		case "Accounts_TwoFactorAuthentication_MaxDelta":
			settings.MaxDelta = int(number)
		case "Accounts_TwoFactorAuthentication_Enforce_Password_Fallback":
			settings.PasswordFallback = on
		case "Accounts_twoFactorAuthentication_email_available_for_OAuth_users":
			settings.EmailForOAuthUsers = on
		case "Force_SSL":
			settings.ForceSSL = on
		case "API_Enable_Rate_Limiter":
			settings.RateLimiter = on
		case "API_Enable_Rate_Limiter_Limit_Calls_Default":
			// Read once, at start-up: a workspace cannot change it at run time.
		default:
			t.Fatalf("setting %s is unknown", name)
		}
	}
}

// answer is what came back over the connection; status 0 means nothing did.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) headers() map[string]string {
	headers := map[string]string{}
	for name := range a.header {
		headers[strings.ToLower(name)] = a.header.Get(name)
	}
	return headers
}

// recordedAt is when the vectors were recorded: their dates are relative to it.
func recordedAt() time.Time {
	return time.Date(2026, 11, 22, 10, 3, 59, 500_000_000, time.UTC)
}
