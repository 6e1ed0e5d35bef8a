package simulator

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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

// TestVectors replays each recorded exchange against a fresh workspace over
// TCP and compares the answer and everything it did.
func TestVectors(t *testing.T) {
	t.Parallel()
	var large sync.Mutex // one body of many megabytes at a time
	for server, r := range recordings() {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			file := r.read(t)
			replayed := 0
			for _, v := range file.Vectors {
				if _, ok := r.excluded[v.Name]; ok {
					continue
				}
				replayed++
				t.Run(v.Name, func(t *testing.T) {
					t.Parallel()
					if v.Request.Body != nil && strings.Contains(*v.Request.Body, shortened) {
						large.Lock()
						defer large.Unlock()
					}
					replay(t, r, file.Users, v)
				})
			}
			if replayed < r.least {
				t.Errorf("%d of %d vectors are replayed, want at least %d", replayed, len(file.Vectors), r.least)
			}
		})
	}
}

// replay runs one vector.
func replay(t *testing.T, r recording, users map[string]vectorUser, v vector) {
	t.Helper()
	s := newScene(t, r, users, v)
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
