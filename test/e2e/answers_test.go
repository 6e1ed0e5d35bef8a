package e2e

import (
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// The answers that the published pages of both endpoints show.
const (
	publishedTOTPRequired = `{
  "success": false,
  "error": "TOTP Required [totp-required]",
  "errorType": "totp-required",
  "details": {
    "method": "password",
    "codeGenerated": false,
    "availableMethods": []
  }
}`
	publishedNotAllowed = `{
  "success": false,
  "error": "Not allowed [error-not-allowed]",
  "errorType": "error-not-allowed"
}`
	publishedInvalidUser = `{
  "success": false,
  "error": "The required \"userId\" or \"username\" param provided does not match any users [error-invalid-user]",
  "errorType": "error-invalid-user"
}`
	publishedUnauthorized = `{
  "status": "error",
  "message": "You must be logged in to do this."
}`
)

// refusal is what must become of a request whose reset was refused.
type refusal struct {
	attempt   string // reason of the record's attempt
	request   string // reason of the request
	workspace string // reason of Ready
	bystander string // reason of a request for somebody else, created afterwards
	calls     int    // resets called in all, with the bystander's
}

// TestPublishedRefusals answers every reset in the words of the published pages.
func TestPublishedRefusals(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
		want   refusal
	}{
		"a missing second factor stops the workspace until its Secret changes": {
			http.StatusBadRequest, publishedTOTPRequired,
			refusal{
				attempt: v1alpha1.ReasonSecondFactorRejected, request: v1alpha1.ReasonWorkspaceNotReady,
				workspace: v1alpha1.ReasonSecondFactorRejected, bystander: v1alpha1.ReasonWorkspaceNotReady, calls: 1,
			},
		},
		"a missing permission is waited for": {
			http.StatusBadRequest, publishedNotAllowed,
			refusal{
				attempt: v1alpha1.ReasonPermissionMissing, request: v1alpha1.ReasonPermissionMissing,
				workspace: v1alpha1.ReasonConnected, bystander: v1alpha1.ReasonPermissionMissing, calls: 2,
			},
		},
		"a user who does not exist ends the request": {
			http.StatusBadRequest, publishedInvalidUser,
			refusal{
				attempt: v1alpha1.ReasonUserNotFound, request: v1alpha1.ReasonUserNotFound,
				workspace: v1alpha1.ReasonConnected, bystander: v1alpha1.ReasonUserNotFound, calls: 2,
			},
		},
		"a rejected token stops the workspace until its Secret changes": {
			http.StatusUnauthorized, publishedUnauthorized,
			refusal{
				attempt: v1alpha1.ReasonTokenRejected, request: v1alpha1.ReasonWorkspaceNotReady,
				workspace: v1alpha1.ReasonTokenRejected, bystander: v1alpha1.ReasonWorkspaceNotReady, calls: 1,
			},
		},
	} {
		for _, resetType := range []v1alpha1.ResetType{v1alpha1.ResetTypeTOTP, v1alpha1.ResetTypeE2EKey} {
			t.Run(name+" ("+string(resetType)+")", func(t *testing.T) {
				t.Parallel()
				f := newFixture(t, fixtureOptions{})
				f.answerPosts(test.status, test.body)
				f.wantRefusal(resetType, test.want)
			})
		}
	}
}

// answerPosts answers every reset with this JSON, without any effect.
func (f *fixture) answerPosts(status int, body string) {
	f.chat.Intercept(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method != http.MethodPost {
			next.ServeHTTP(rw, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(status)
		_, _ = io.WriteString(rw, body)
	})
}

// wantRefusal asks for a reset of alice and follows what becomes of it, of the
// workspace, and of a request for bob that comes later.
func (f *fixture) wantRefusal(resetType v1alpha1.ResetType, want refusal) {
	f.t.Helper()
	ask := func(name, username string) {
		request := f.request(name, username)
		request.Spec.Type = resetType
		f.create(request)
	}
	ask("refused", "alice")
	f.awaitReason("refused", want.request)
	record := f.record("refused")
	if len(record.Attempts) != 1 || record.Attempts[0].Result != v1alpha1.AttemptRefused || record.Attempts[0].Reason != want.attempt {
		f.t.Errorf("attempts %+v, want one that was refused for %s", record.Attempts, want.attempt)
	}
	f.awaitWorkspace(want.workspace)
	ask("bystander", "bob")
	f.awaitReason("bystander", want.bystander)
	if got := f.awaitReason("refused", want.request).Status.Outcome; (want.request == v1alpha1.ReasonUserNotFound) != (got == v1alpha1.OutcomeFailed) {
		f.t.Errorf("outcome %q with the reason %s", got, want.request)
	}
	f.wantCalls(want)
	f.wantResets(simulator.SampleAliceID, 0)
	f.wantResets(simulator.SampleBobID, 0)
}

// wantCalls compares how often each route was called for the two requests. Where
// the workspace is stopped, the second one costs no call at all.
func (f *fixture) wantCalls(want refusal) {
	f.t.Helper()
	if got := f.lookUps(); got != want.calls {
		f.t.Errorf("%d look-ups, want %d", got, want.calls)
	}
	f.wantPosts(want.calls)
}

// lookUps counts how often somebody was looked up.
func (f *fixture) lookUps() int {
	count := 0
	for _, call := range f.chat.Journal().Requests {
		if call.Path == "/api/v1/users.info" {
			count++
		}
	}
	return count
}

// TestATokenThatDiedIsReplaced lets the account be logged out behind the
// operator's back.
func TestATokenThatDiedIsReplaced(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	f.chat.RevokeTokens(simulator.SampleBotID)
	f.ask("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonWorkspaceNotReady)
	f.awaitWorkspace(v1alpha1.ReasonTokenRejected)
	if got := f.lookUps(); got != 1 {
		t.Fatalf("the rejected token was used for %d look-ups, want 1", got)
	}
	f.wantPosts(0)
	f.wantNoRecord("lost-phone")
	f.chat.UpdateUser(simulator.SampleBotID, func(bot *simulator.User) {
		bot.Tokens = []simulator.Token{{Hash: simulator.TokenHash(canary + "-new"), PAT: true}}
	})
	f.update(f.secret, func() { f.secret.Data["authToken"] = []byte(canary + "-new") })
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.awaitWorkspace(v1alpha1.ReasonConnected)
	f.wantPosts(1)
	f.wantResets(simulator.SampleAliceID, 1)
}

// TestASecondFactorIsRepaired shows that after two refused codes none is tried again
// with the same Secret, whoever asks, and that a changed one lets the requests go on.
func TestASecondFactorIsRepaired(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{users: func(all []simulator.User) []simulator.User {
		all[0].TOTP.Secret = simulator.SampleTOTPSecret // not the one in the Secret
		return all
	}})
	f.ask("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonRetrying)
	f.ask("bystander", "bob")
	f.awaitReason("bystander", v1alpha1.ReasonRetrying)
	f.wantPosts(1)
	f.awaitReason("lost-phone", v1alpha1.ReasonWorkspaceNotReady)
	f.awaitReason("bystander", v1alpha1.ReasonWorkspaceNotReady)
	f.awaitWorkspace(v1alpha1.ReasonSecondFactorRejected)
	f.awaitGauges(map[string]float64{"ready": 0, "ready_reason SecondFactorRejected": 1}) // what the alert asks for
	f.wantCodesApart()
	// Somebody touches the workspace, but not the Secret: it is looked at anew.
	f.touchWorkspace()
	f.awaitWorkspace(v1alpha1.ReasonSecondFactorRejected)
	f.wantPosts(2)
	f.chat.UpdateUser(simulator.SampleBotID, func(bot *simulator.User) { bot.TOTP.Secret = canaryTOTP })
	f.update(f.secret, func() { f.secret.Labels = map[string]string{"repaired": "in-rocketchat"} })
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.awaitWorkspace(v1alpha1.ReasonConnected)
	f.awaitReason("bystander", v1alpha1.ReasonResetAccepted)
	f.wantPosts(4)
	f.wantResets(simulator.SampleAliceID, 1)
	f.wantResets(simulator.SampleBobID, 1)
}

// wantCodesApart says that two resets were called, with codes of different time steps.
func (f *fixture) wantCodesApart() {
	f.t.Helper()
	calls := slices.DeleteFunc(f.chat.Journal().Requests, func(call simulator.Request) bool { return !isReset(call) })
	if len(calls) != 2 || calls[0].Header.Get("X-2fa-Code") == calls[1].Header.Get("X-2fa-Code") {
		f.t.Errorf("want two calls with different codes, got %d", len(calls))
	}
}
