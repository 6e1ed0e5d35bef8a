package simulator

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pquerna/otp/totp"
)

const (
	connectError = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Error</title>\n</head>\n" +
		"<body>\n<pre>Bad Request</pre>\n</body>\n</html>\n"
	htmlUTF8 = "text/html; charset=utf-8"
)

func beforeHono(o *Options) { o.Version = "6.13.0" }

// TestAnswersBeforeHono compares whole answers.
func TestAnswersBeforeHono(t *testing.T) {
	t.Parallel()
	const wrongVerb = `{"status":"error","message":"API endpoint does not exist"}`
	const loggedOut = `{"status":"error","message":"You must be logged in to do this."}`
	const noStore = "no-store"
	preflight := anonymous(http.MethodOptions, PathResetTOTP)
	preflight.Header.Set("Origin", "https://elsewhere.example")
	for name, test := range map[string]struct {
		request                   *http.Request
		status                    int
		contentType, cache, allow string
		body                      string
	}{
		"no caller": {
			anonymous(http.MethodPost, PathResetTOTP), http.StatusUnauthorized, "application/json", noStore, "", loggedOut,
		},
		"a wrong token": {
			request(http.MethodGet, "/api/v1/me", "admin", "wrong", ""),
			http.StatusUnauthorized, "application/json", noStore, "", loggedOut,
		},
		"GET of an unknown path": {
			anonymous(http.MethodGet, "/api/v1/users.nothing"), http.StatusOK, htmlUTF8, "", "", webClient,
		},
		"GET of an unknown version": {
			anonymous(http.MethodGet, "/api/v2/me"), http.StatusOK, htmlUTF8, "", "", webClient,
		},
		"POST to an unknown path": {
			typed("/api/v1/users.nothing", "application/json", "{}"),
			http.StatusMethodNotAllowed, "", "", "OPTIONS, GET, HEAD", "",
		},
		"HEAD of a known path": {
			anonymous(http.MethodHead, "/api/v1/me"), http.StatusOK, htmlUTF8, "", "", webClient,
		},
		"TRACE of a known path": {
			anonymous(http.MethodTrace, PathResetTOTP), http.StatusMethodNotAllowed, "", "", "OPTIONS, GET, HEAD", "",
		},
		"GET of a reset": {
			anonymous(http.MethodGet, PathResetTOTP),
			http.StatusMethodNotAllowed, "application/json", noStore, "POST, OPTIONS", wrongVerb,
		},
		"POST to a reading route": {
			typed("/api/v1/users.info", "application/json", "{}"),
			http.StatusMethodNotAllowed, "application/json", noStore, "GET, OPTIONS", wrongVerb,
		},
		"OPTIONS of a known path": {anonymous(http.MethodOptions, PathResetTOTP), http.StatusOK, "", noStore, "", ""},
		"a preflight": {
			preflight, http.StatusMethodNotAllowed, "", noStore, "",
			`CORS not enabled. Go to "Admin > General > REST Api" to enable it.`,
		},
		"broken JSON": {
			typed(PathResetTOTP, "application/json", "{"), http.StatusBadRequest, htmlUTF8, "", "", connectError,
		},
		"an untyped body to an unknown path": {
			httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/users.nothing", strings.NewReader("{")),
			http.StatusMethodNotAllowed, "", "", "OPTIONS, GET, HEAD", "",
		},
		"broken JSON to an unknown path": {
			typed("/api/v1/users.nothing", "application/json", "{"), http.StatusBadRequest, htmlUTF8, "", "", connectError,
		},
		"an invalid query": {
			request(http.MethodGet, "/api/v1/users.info?userId=a&includeUserRooms=true", "admin", TokenBypass, ""),
			http.StatusBadRequest, "application/json", noStore, "",
			`{"success":false,"error":"must NOT have additional properties\n must have required property 'username'\n ` +
				`must have required property 'importId'\n must match a schema in anyOf [invalid-params]","errorType":"invalid-params"}`,
		},
		"tokens without permission": {
			request(http.MethodGet, "/api/v1/users.getPersonalAccessTokens", "plain", TokenPAT, ""),
			http.StatusBadRequest, "application/json", noStore, "",
			`{"success":false,"error":"Not Authorized [not-authorized]","errorType":"not-authorized"}`,
		},
		"a code for nobody": {
			typed("/api/v1/users.2fa.sendEmailCode", "application/json", `{"emailOrUsername":""}`),
			http.StatusBadRequest, "application/json", noStore, "",
			`{"success":false,"error":"emailOrUsername is required [error-parameter-required]","errorType":"error-parameter-required"}`,
		},
		"a code for a number": {
			typed("/api/v1/users.2fa.sendEmailCode", "application/json", `{"emailOrUsername":5}`),
			http.StatusBadRequest, "application/json", noStore, "",
			`{"success":false,"error":"emailOrUsername.includes is not a function"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _ := sample(t, beforeHono)
			w.AddUser(User{ID: "plain", Username: "plain", Tokens: Tokens("plain", TokenPAT)})
			got := answerOf(w, test.request)
			want := []string{test.contentType, test.cache, test.allow, test.body}
			header := got.Header()
			seen := []string{header.Get("Content-Type"), header.Get("Cache-Control"), header.Get("Allow"), got.Body.String()}
			if diff := cmp.Diff(want, seen); diff != "" || got.Code != test.status {
				t.Errorf("status %d, want %d, content type, cache, allow, body (-want +got):\n%s", got.Code, test.status, diff)
			}
			if resets := w.Journal().Resets; len(resets) != 0 {
				t.Errorf("resets %v", resets)
			}
		})
	}
}

// TestAFailingDatabaseBeforeHono breaks authentication.
func TestAFailingDatabaseBeforeHono(t *testing.T) {
	t.Parallel()
	for version, want := range map[string][2]string{
		"6.13.0": {"text/html", "Server error."},
		"7.7.1":  {plainText, "Internal Server Error"},
		"8.6.1":  {plainText, "Internal Server Error"},
	} {
		w, _ := sample(t, func(o *Options) { o.Version = version })
		w.SetFault(func(step Step, userID string) error {
			if step == StepAuthenticate && userID == "admin" {
				return errors.New("connection closed")
			}
			return nil
		})
		got := answerOf(w, reset(PathResetTOTP, SampleAliceID))
		seen := [2]string{got.Header().Get("Content-Type"), got.Body.String()}
		if got.Code != http.StatusInternalServerError || seen != want || len(w.Journal().Resets) != 0 {
			t.Errorf("%s: %d %q, want %q", version, got.Code, seen, want)
		}
	}
}

// TestOrderBeforeSchemas follows one address through a whole budget: 401 comes
// before the limiter, the limiter before parameters and second factor, and the
// second factor before permission and target.
func TestOrderBeforeSchemas(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"6.13.0", "7.9.0"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			w, clock := sample(t, func(o *Options) { o.Version = version })
			code, err := totp.GenerateCode(SampleTOTPSecret, clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			w.UpdateUser(SampleBotID, func(u *User) { u.Roles = nil })
			say := func(times int, want string, r func() *http.Request) {
				t.Helper()
				for range times {
					if got := told(answerOf(w, r())); got != want {
						t.Errorf("%q, want %q", got, want)
					}
				}
			}
			unknown := func() *http.Request {
				return request(http.MethodPost, PathResetTOTP, "nobody", TokenPAT, `{"userId":"x"}`)
			}
			coded := func() *http.Request { return asBot(code) }
			say(11, "401", unknown)
			say(9, "400 totp-required", func() *http.Request { return asBot("") })
			say(1, "400 error-not-allowed", coded)
			say(2, "429", coded)
			say(1, "401", unknown)
			say(1, "200", func() *http.Request { return reset(PathResetTOTP, SampleAliceID) }) // exempt
			query := func() *http.Request {
				return request(http.MethodGet, "/api/v1/users.info?x=1", SampleBotID, TokenPAT, "")
			}
			say(10, "400 invalid-params", query)
			say(1, "429", query)
		})
	}
}

// TestSubPathBeforeHono proves that the server itself takes the path of its own
// address off, which later ones do not.
func TestSubPathBeforeHono(t *testing.T) {
	t.Parallel()
	w, _ := sample(t, func(o *Options) { o.Version, o.SiteURL = "6.13.0", "https://example.org/chat" })
	for path, want := range map[string]string{
		"/chat/api/v1/me":       "200",
		"/chat/channel/general": "200 " + htmlUTF8,
		"/api/v1/me":            "404",
	} {
		if got := told(answerOf(w, request(http.MethodGet, path, "admin", TokenBypass, ""))); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
