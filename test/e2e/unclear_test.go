package e2e

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// interceptFirstPost puts an interceptor in front of the first reset only.
func (f *fixture) interceptFirstPost(intercept simulator.Interceptor) {
	var posts atomic.Int64
	f.chat.Intercept(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodPost && posts.Add(1) == 1 {
			intercept(rw, r, next)
			return
		}
		next.ServeHTTP(rw, r)
	})
}

// effect lets the reset happen and keeps the answer.
func effect(r *http.Request, next http.Handler) { next.ServeHTTP(httptest.NewRecorder(), r) }

// page answers in place of the workspace.
func page(status int, contentType, body string) simulator.Interceptor {
	return func(rw http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		rw.Header().Set("Content-Type", contentType)
		rw.Header().Set("Location", "https://127.0.0.1:1/elsewhere")
		rw.WriteHeader(status)
		_, _ = io.WriteString(rw, body)
	}
}

// after answers in place of the workspace, after the reset has happened.
func after(answer simulator.Interceptor) simulator.Interceptor {
	return func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		effect(r, next)
		answer(rw, r, next)
	}
}

// drop closes the connection without an answer, or with so much of one.
func drop(answer string) simulator.Interceptor {
	return func(rw http.ResponseWriter, _ *http.Request, _ http.Handler) {
		conn, _, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(conn, answer)
		_ = conn.Close()
	}
}

// unclear is an answer after which nobody can tell whether the user was reset.
type unclear struct {
	intercept simulator.Interceptor
	fault     simulator.Step
	resets    int
	limits    bool // nothing at all is called for a while
}

func unclearAnswers() map[string]unclear {
	const html, jsonType = "text/html", "application/json"
	badGateway := page(http.StatusBadGateway, html, "<html><h1>502 Bad Gateway</h1></html>")
	return map[string]unclear{
		"a gateway's error page after the effect":      {intercept: after(badGateway), resets: 1},
		"a gateway's error page instead of the effect": {intercept: badGateway},
		"a mesh's 503 after the effect":                {intercept: after(page(http.StatusServiceUnavailable, "text/plain", "upstream connect error")), resets: 1},
		"a mesh's 503 in JSON":                         {intercept: page(http.StatusServiceUnavailable, jsonType, publishedNotAllowed)},
		"no answer after the effect":                   {intercept: after(drop("")), resets: 1},
		"no answer and no effect":                      {intercept: drop("")},
		"half an answer after the effect":              {intercept: after(drop("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"succ")), resets: 1},
		"an answer that is no HTTP":                    {intercept: drop("SSH-2.0-OpenSSH_9.6\r\n")},
		"an exception inside of the workspace":         {fault: simulator.StepReset},
		"an exception between effect and log-out":      {fault: simulator.StepLogOut, resets: 1},
		"a refusal with a code that nobody knows":      {intercept: page(http.StatusBadRequest, jsonType, `{"success":false,"error":"x [error-new]","errorType":"error-new"}`)},
		"a known code that no 400 carries":             {intercept: page(http.StatusNotFound, jsonType, publishedInvalidUser)},
		"a success that is no boolean":                 {intercept: page(http.StatusOK, jsonType, `{"success":"true"}`)},
		"a success that is not called JSON":            {intercept: page(http.StatusOK, "text/plain", `{"success":true}`)},
		"a success with another status":                {intercept: page(http.StatusCreated, jsonType, `{"success":true}`)},
		"the login page of a portal":                   {intercept: page(http.StatusOK, html, "<html>Please log in</html>")},
		"a redirect":                                   {intercept: page(http.StatusTemporaryRedirect, html, "")},
		"a 401 of a proxy":                             {intercept: page(http.StatusUnauthorized, html, "<html>401</html>")},
		"a 429 of a proxy":                             {intercept: page(http.StatusTooManyRequests, html, "<html>Slow down</html>"), limits: true},
	}
}

func TestAnAnswerThatProvesNothingIsNeverFollowedByAnotherCall(t *testing.T) {
	t.Parallel()
	for name, test := range unclearAnswers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, fixtureOptions{})
			if test.fault != "" {
				f.failOnce(test.fault)
			} else {
				f.interceptFirstPost(test.intercept)
			}
			f.ask("lost", "alice")
			f.wantUnconfirmed("lost", v1alpha1.ReasonOutcomeUnconfirmed)
			f.wantResets(simulator.SampleAliceID, test.resets)
			f.awaitWorkspace(v1alpha1.ReasonConnected)
			// Who asks again must wait until somebody could have looked.
			f.ask("impatient", "alice")
			if test.limits {
				f.awaitReason("impatient", v1alpha1.ReasonRateLimited)
				f.wantPosts(1)
				return
			}
			f.awaitReason("impatient", v1alpha1.ReasonTargetBusy)
			f.wantNoRecord("impatient")
			f.wantPosts(1)
			// Nothing else is held up by it.
			keys := f.request("keys", "alice")
			keys.Spec.Type = v1alpha1.ResetTypeE2EKey
			f.create(keys)
			f.awaitReason("keys", v1alpha1.ReasonResetAccepted)
			f.awaitReason("impatient", v1alpha1.ReasonTargetBusy)
			f.wantPosts(2)
			f.wantResets(simulator.SampleAliceID, test.resets+1)
		})
	}
}

// failOnce lets the workspace fail at a step, the first time that it comes to it.
func (f *fixture) failOnce(step simulator.Step) {
	var failed atomic.Bool
	f.chat.SetFault(func(at simulator.Step, _ string) error {
		if at == step && !failed.Swap(true) {
			return errors.New("the database is away")
		}
		return nil
	})
}

// wantUnconfirmed waits until the request is given up as lost, with one attempt.
// The operator must have looked at its own account afterwards, and done nothing
// else.
func (f *fixture) wantUnconfirmed(name, reason string) {
	f.t.Helper()
	done := f.awaitReason(name, reason)
	if done.Status.Outcome != v1alpha1.OutcomeUnconfirmed || done.Status.CompletionTime.IsZero() {
		f.t.Errorf("status %+v", done.Status)
	}
	record := f.record(name)
	if len(record.Attempts) != 1 || record.Attempts[0].Result != v1alpha1.AttemptUnconfirmed || record.Attempts[0].Reason != reason || record.Attempts[0].EndTime.IsZero() {
		f.t.Errorf("attempts %+v", record.Attempts)
	}
	var routes []string
	for _, call := range f.chat.Journal().Requests {
		if call.Method == http.MethodPost || len(routes) > 0 {
			routes = append(routes, strings.TrimPrefix(call.Path, "/api/v1/"))
		}
	}
	if len(routes) < 2 || routes[0] != "users.resetTOTP" || routes[1] != "me" {
		f.t.Errorf("from the reset on, these routes were called: %v", routes)
	}
	f.wantPosts(1)
}

func TestSilenceIsNeverFollowedByAnotherCall(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{workspace: func(w *v1alpha1.RocketChatWorkspace) {
		w.Spec.RequestTimeoutSeconds = 1
	}})
	release := f.holdPosts()
	f.ask("lost", "alice")
	f.wantUnconfirmed("lost", v1alpha1.ReasonOutcomeUnconfirmed)
	f.wantResets(simulator.SampleAliceID, 0)
	// The server comes to it after all.
	release()
	f.awaitJournal(func(j simulator.Journal) bool { return j.ResetsOf(simulator.SampleAliceID) == 1 })
	f.ask("impatient", "alice")
	f.awaitReason("impatient", v1alpha1.ReasonTargetBusy)
	f.wantPosts(1)
}

// TestAResetThatHitTheOwnAccountStopsTheWorkspace lets something on the way cut
// the request, which the workspace reads as the wish to reset the caller.
func TestAResetThatHitTheOwnAccountStopsTheWorkspace(t *testing.T) {
	t.Parallel()
	withoutBody := func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		cut := r.Clone(r.Context())
		cut.Body, cut.ContentLength = http.NoBody, 0
		next.ServeHTTP(rw, cut)
	}
	for name, intercept := range map[string]simulator.Interceptor{
		"and was confirmed": withoutBody,
		"and was answered by a gateway": func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
			withoutBody(httptest.NewRecorder(), r, next)
			page(http.StatusBadGateway, "text/html", "<html>502</html>")(rw, r, next)
		},
		"and was not answered": func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
			withoutBody(httptest.NewRecorder(), r, next)
			drop("")(rw, r, next)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, fixtureOptions{})
			f.interceptFirstPost(intercept)
			f.ask("lost", "alice")
			f.wantUnconfirmed("lost", v1alpha1.ReasonOwnResetSuspected)
			f.awaitWorkspace(v1alpha1.ReasonOwnResetSuspected)
			f.ask("next", "bob")
			f.awaitReason("next", v1alpha1.ReasonWorkspaceNotReady)
			f.wantPosts(1)
			// A new token alone is no new Secret: only the Secret says that a person looked.
			f.chat.UpdateUser(simulator.SampleBotID, func(bot *simulator.User) {
				bot.Tokens = []simulator.Token{{Hash: simulator.TokenHash(canaryToken), PAT: true}}
				bot.TOTP = &simulator.TOTP{Enabled: true, Secret: canaryTOTP}
			})
			f.touchWorkspace()
			f.awaitWorkspace(v1alpha1.ReasonOwnResetSuspected)
			f.wantPosts(1)
			f.update(f.secret, func() { f.secret.Labels = map[string]string{"checked-by": "somebody"} })
			f.awaitReason("next", v1alpha1.ReasonResetAccepted)
			f.awaitReason("lost", v1alpha1.ReasonOwnResetSuspected)
			f.wantPosts(2)
			if journal := f.chat.Journal(); journal.ResetsOf(simulator.SampleAliceID) != 0 || journal.OwnResets() != 1 {
				t.Errorf("resets %+v", journal.Resets)
			}
		})
	}
}

// TestALookUpThatFailsIsTriedAgain covers answers to the look-up of the user: there
// was no call yet that could have had an effect.
func TestALookUpThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	const jsonType = "application/json"
	for name, answer := range map[string]simulator.Interceptor{
		"with a gateway's error page":    page(http.StatusBadGateway, "text/html", "<html>502</html>"),
		"without an answer":              drop(""),
		"with a user who has no id":      page(http.StatusOK, jsonType, `{"success":true,"user":{"username":"alice"}}`),
		"with a user who has no name":    page(http.StatusOK, jsonType, `{"success":true,"user":{"_id":"`+simulator.SampleAliceID+`"}}`),
		"with a success that names none": page(http.StatusOK, jsonType, `{"success":true}`),
		"with an error that is unknown":  page(http.StatusBadRequest, jsonType, `{"success":false,"error":"x [error-new]","errorType":"error-new"}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, fixtureOptions{})
			var lookUps atomic.Int64
			f.chat.Intercept(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
				if r.URL.Path == "/api/v1/users.info" && lookUps.Add(1) == 1 {
					answer(rw, r, next)
					return
				}
				next.ServeHTTP(rw, r)
			})
			f.ask("lost-phone", "alice")
			f.awaitReason("lost-phone", v1alpha1.ReasonRetrying)
			f.wantNoRecord("lost-phone")
			f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
			if got := f.record("lost-phone"); len(got.Attempts) != 1 {
				t.Errorf("attempts %+v", got.Attempts)
			}
			f.wantPosts(1)
			f.wantResets(simulator.SampleAliceID, 1)
		})
	}
}
