package simulator

import (
	"fmt"
	"net/http"
	"strings"
)

// ownNotice is a reset by which callers mean themselves.
func ownNotice(body string) change {
	return change{
		given: func(w *Workspace) {
			w.UpdateUser("admin", func(u *User) { u.Emails = []Email{{Address: "a@example.org", Verified: true}} })
		},
		probe: func(w *Workspace) string {
			said := told(answerOf(w, request(http.MethodPost, PathResetE2EKey, "admin", TokenBypass, body)))
			return fmt.Sprint(said, ", own resets: ", w.Journal().OwnResets(), ", mails: ", len(w.Journal().Mails))
		},
		want: map[string]string{"4.8.7": "200, own resets: 1, mails: 0", "5.0.0": "200, own resets: 1, mails: 1"},
	}
}

// changesOfRoutes are the changes of the routes themselves.
func changesOfRoutes() map[string]change {
	const web = "200 text/html; charset=utf-8"
	resets := func(path, target string) func(*Workspace) string {
		return answers(func() *http.Request { return reset(path, target) })
	}
	get := func(path string) func(*Workspace) string {
		return answers(func() *http.Request { return request(http.MethodGet, path, "admin", TokenBypass, "") })
	}
	return map[string]change{
		"3.8 has users.resetTOTP": {
			probe: resets(PathResetTOTP, SampleAliceID),
			want:  map[string]string{"3.7.9": web, "3.8.0": "200"},
		},
		"4.4 shows its page to GET only": {
			probe: answers(func() *http.Request { return reset("/api/v1/users.nothing", SampleAliceID) }),
			want:  map[string]string{"4.3.9": web, "4.4.0": "405", "6.13.0": "405", "7.4.0": "404 text/plain; charset=UTF-8"},
		},
		"4.0 hides its patch level": {
			probe: func(w *Workspace) string {
				return answerOf(w, anonymous(http.MethodGet, "/api/info")).Body.String()
			},
			want: map[string]string{
				"3.18.7": `{"minimumClientVersions":{"desktop":"3.9.6","mobile":"4.39.0"},"success":true,"version":"3.18.7"}`,
				"4.0.0":  `{"minimumClientVersions":{"desktop":"3.9.6","mobile":"4.39.0"},"success":true,"version":"4.0"}`,
			},
		},
		"5.0 tells own resets by keys": {
			probe: func(w *Workspace) string {
				said := told(answerOf(w, reset(PathResetE2EKey, "")))
				return fmt.Sprint(said, ", own resets: ", w.Journal().OwnResets())
			},
			want: map[string]string{
				"4.8.7": "200, own resets: 1", "5.0.0": "400 error-user-param-not-provided, own resets: 0",
			},
		},
		"5.0 sends a mail if callers give their own id":                ownNotice(`{"userId":"admin"}`),
		"5.0 sends a mail if callers give their own username":          ownNotice(`{"username":"admin"}`),
		"5.0 sends a mail if callers name themselves by the third key": ownNotice(`{"user":"admin"}`),
		"5.0 hides from callers without permission who exists": {
			probe: answers(func() *http.Request {
				return request(http.MethodPost, PathResetTOTP, SampleAliceID, TokenBypass, `{"userId":"nobody"}`)
			}),
			given: func(w *Workspace) {
				w.UpdateUser(SampleAliceID, func(u *User) { u.Tokens = Tokens(SampleAliceID, TokenBypass) })
			},
			want: map[string]string{"4.8.7": "400 error-invalid-user", "5.0.0": "400 error-not-allowed"},
		},
		"6.0 refuses federated targets": {
			probe: resets(PathResetE2EKey, SampleFederatedID),
			want:  map[string]string{"5.4.9": "200", "6.0.0": "400 error-not-allowed"},
		},
		"6.0 shows who is federated": {
			probe: func(w *Workspace) string {
				answer := answerOf(w, request(http.MethodGet, "/api/v1/users.info?userId="+SampleFederatedID, "admin", TokenBypass, ""))
				return fmt.Sprint(strings.Contains(answer.Body.String(), `"federated":true`))
			},
			want: map[string]string{"5.4.9": "false", "6.0.0": "true"},
		},
		"6.2 fails with its mail": {
			given: func(w *Workspace) {
				w.UpdateUser(SampleAliceID, func(u *User) { u.Emails = []Email{{Address: "nobody", Verified: true}} })
			},
			probe: resets(PathResetTOTP, SampleAliceID),
			want:  map[string]string{"6.1.9": "200", "6.2.0": "400 error-email-send-failed"},
		},
		"6.4 resets TOTP without the password fallback": {
			given: set(func(s *Settings) { s.PasswordFallback = false }),
			probe: resets(PathResetTOTP, SampleAliceID),
			want:  map[string]string{"4.8.7": "400 error-not-allowed", "6.3.9": "400 error-not-allowed", "6.4.0": "200"},
		},
		"6.4 resets E2E keys without the password fallback": {
			given: set(func(s *Settings) { s.PasswordFallback = false }),
			probe: resets(PathResetE2EKey, SampleAliceID),
			want:  map[string]string{"4.8.7": "400 error-not-allowed", "6.3.9": "400 error-not-allowed", "6.4.0": "200"},
		},
		"6.4 needs two-factor authentication to reset it": {
			given: set(func(s *Settings) { s.TwoFactor = false }),
			probe: resets(PathResetTOTP, SampleAliceID),
			want:  map[string]string{"6.3.9": "200", "6.4.0": "400 error-two-factor-not-enabled"},
		},
		"6.8 ends open sessions": {
			probe: func(w *Workspace) string {
				answerOf(w, reset(PathResetE2EKey, SampleAliceID))
				return fmt.Sprint(len(w.Journal().Broadcasts), " broadcasts, ", len(w.Journal().LogOuts), " log-outs")
			},
			want: map[string]string{"6.7.9": "0 broadcasts, 1 log-outs", "6.8.0": "1 broadcasts, 1 log-outs"},
		},
		"7.0 shows the settings that were asked for": {
			probe: func(w *Workspace) string {
				r := anonymous(http.MethodGet, "/api/v1/settings.public?_id=Force_SSL")
				return fmt.Sprint(strings.Count(answerOf(w, r).Body.String(), `"_id"`))
			},
			want: map[string]string{"6.13.0": "6", "7.0.0": "1"},
		},
		"7.4 to 7.8 do not limit": {
			probe: func(w *Workspace) string {
				answer := answerOf(w, request(http.MethodGet, "/api/v1/me", SampleBotID, TokenPAT, ""))
				return answer.Header().Get("X-RateLimit-Limit")
			},
			want: map[string]string{"3.6.0": "10", "7.3.9": "10", "7.4.0": "", "7.8.9": "", "7.9.0": "10", "8.6.1": "10"},
		},
		"7.4 to 8.3 believe an id where anonymous reading is on": {
			given: set(func(s *Settings) { s.AnonymousRead = true }),
			probe: answers(func() *http.Request { return request(http.MethodGet, "/api/v1/me", SampleBotID, "wrong", "") }),
			want:  map[string]string{"7.3.9": "401", "7.4.0": "200", "8.3.9": "200", "8.4.0": "401"},
		},
		"8.4 knows its parameters": {
			probe: answers(func() *http.Request {
				return request(http.MethodPost, PathResetTOTP, "admin", TokenBypass, `{"userid":"x"}`)
			}),
			want: map[string]string{"6.13.0": "200", "8.3.9": "200", "8.4.0": "400 invalid-params"},
		},
		"8.4 has probes": {
			probe: get("/readyz"),
			want:  map[string]string{"6.13.0": web, "7.7.1": web, "8.6.1": "200"},
		},
		"8.4 tells its health as JSON": {
			probe: get("/health"),
			want:  map[string]string{"6.13.0": "200 text/plain", "7.7.1": "200 text/plain", "8.6.1": "200"},
		},
	}
}
