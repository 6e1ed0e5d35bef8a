package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// told is what an answer says: its status, then its errorType, or its content
// type if it is no JSON.
func told(answer *httptest.ResponseRecorder) string {
	said := fmt.Sprint(answer.Code)
	if kind := answer.Header().Get("Content-Type"); kind != "application/json" {
		return strings.TrimSpace(said + " " + kind)
	}
	var body struct {
		ErrorType string `json:"errorType"`
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(said + " " + body.ErrorType)
}

// detailsOf returns the details of an answer as JSON.
func detailsOf(answer *httptest.ResponseRecorder) string {
	var body struct {
		Details json.RawMessage `json:"details"`
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil {
		return err.Error()
	}
	return string(body.Details)
}

// asBot is a reset of alice's TOTP by the account that needs a second factor.
func asBot(code string) *http.Request {
	r := request(http.MethodPost, PathResetTOTP, SampleBotID, TokenPAT, `{"userId":"`+SampleAliceID+`"}`)
	if code != "" {
		r.Header.Set("X-2fa-Code", code)
	}
	return r
}

// byMail makes the account that resets others depend on e-mail codes.
func byMail(w *Workspace) {
	w.UpdateUser(SampleBotID, func(u *User) { u.TOTP, u.Email2FA = nil, true })
}

func set(f func(*Settings)) func(*Workspace) {
	return func(w *Workspace) { w.UpdateSettings(f) }
}

// change is one that a release made: what the releases around it say.
type change struct {
	given func(*Workspace)
	probe func(*Workspace) string
	want  map[string]string
}

// answers is a probe that tells of the answer to one request.
func answers(r func() *http.Request) func(*Workspace) string {
	return func(w *Workspace) string { return told(answerOf(w, r())) }
}

func TestChanges(t *testing.T) {
	t.Parallel()
	for kind, changes := range map[string]map[string]change{
		"routes": changesOfRoutes(), "second factor": changesOfSecondFactor(),
	} {
		for name, test := range changes {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				got := map[string]string{}
				for version := range test.want {
					w, _ := sample(t, func(o *Options) { o.Version = version })
					if test.given != nil {
						test.given(w)
					}
					got[version] = test.probe(w)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("by version (-want +got):\n%s", diff)
				}
			})
		}
	}
}
