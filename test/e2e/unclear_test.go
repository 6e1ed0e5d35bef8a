package e2e

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/answers"
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

// TestAnAnswerThatProvesNothingIsNeverFollowedByAnotherCall shows what others may do
// after a loss. The catalogue of answers has all that leads to one.
func TestAnAnswerThatProvesNothingIsNeverFollowedByAnotherCall(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		intercept simulator.Interceptor
		resets    int
		limits    bool // nothing at all is called for a while
	}{
		"a gateway's error page after the effect":      {intercept: answers.After(badGateway), resets: 1},
		"a gateway's error page instead of the effect": {intercept: badGateway},
		"a 429 of a proxy":                             {intercept: answers.Page(http.StatusTooManyRequests, "text/html", "<html>Slow down</html>"), limits: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, fixtureOptions{})
			f.interceptFirstPost(test.intercept)
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

// badGateway is the page of a gateway that lost the server.
func badGateway(rw http.ResponseWriter, r *http.Request, next http.Handler) {
	answers.Page(http.StatusBadGateway, "text/html", "<html><h1>502 Bad Gateway</h1></html>")(rw, r, next)
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
	for name, intercept := range map[string]simulator.Interceptor{
		"and was confirmed":             answers.WithoutBody(nil),
		"and was answered by a gateway": answers.WithoutBody(badGateway),
		"and was not answered":          answers.WithoutBody(answers.Drop("")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, fixtureOptions{})
			f.interceptFirstPost(intercept)
			f.ask("lost", "alice")
			f.wantUnconfirmed("lost", v1alpha1.ReasonOwnResetSuspected)
			f.awaitWorkspace(v1alpha1.ReasonOwnResetSuspected)
			f.awaitGauges(map[string]float64{"ready": 0, "ready_reason OwnResetSuspected": 1}) // what the alert asks for
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
		"with a gateway's error page":    badGateway,
		"without an answer":              answers.Drop(""),
		"with a user who has no id":      answers.Page(http.StatusOK, jsonType, `{"success":true,"user":{"username":"alice"}}`),
		"with a user who has no name":    answers.Page(http.StatusOK, jsonType, `{"success":true,"user":{"_id":"`+simulator.SampleAliceID+`"}}`),
		"with a success that names none": answers.Page(http.StatusOK, jsonType, `{"success":true}`),
		"with an error that is unknown":  answers.Page(http.StatusBadRequest, jsonType, `{"success":false,"error":"x [error-new]","errorType":"error-new"}`),
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
