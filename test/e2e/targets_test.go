package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// impostorName is a username that is the id of somebody else, as anybody may
// choose it.
const impostorName = simulator.SampleCarolID

// TestUsersAreResolvedExactly asks one workspace for users in all spellings.
func TestUsersAreResolvedExactly(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{users: func(all []simulator.User) []simulator.User {
		dave, impostor := all[1], all[1]
		dave.ID, dave.Username = "dAv3", "dave"
		impostor.ID, impostor.Username = "iM2pO8sTr4QwE6ZxC", impostorName
		return append(all, dave, impostor)
	}})
	f.wantReasons(map[string]wish{
		"a username finds its user":                        {"", "alice", v1alpha1.ReasonResetAccepted},
		"an id finds its user":                             {simulator.SampleBobID, "", v1alpha1.ReasonResetAccepted},
		"both of the same user find it":                    {"dAv3", "dave", v1alpha1.ReasonResetAccepted},
		"both of different users are a mismatch":           {simulator.SampleAliceID, "bob", v1alpha1.ReasonUserMismatch},
		"an id with a username that nobody has mismatches": {simulator.SampleAliceID, "zoe", v1alpha1.ReasonUserMismatch},
		"an id that nobody has is unknown with any name":   {"nobodysid", "alice", v1alpha1.ReasonUserNotFound},
		"a username is no id":                              {"carol", "", v1alpha1.ReasonUserNotFound},
		"a username is no id beside itself":                {"carol", "carol", v1alpha1.ReasonUserNotFound},
		"an id is no username":                             {"", simulator.SampleFederatedID, v1alpha1.ReasonUserNotFound},
		"an id that somebody took as username is nobody":   {"", impostorName, v1alpha1.ReasonUserNotFound},
		"upper and lower case count in a username":         {"", "Carol", v1alpha1.ReasonUserNotFound},
		"upper and lower case count in an id":              {strings.ToUpper(simulator.SampleCarolID), "", v1alpha1.ReasonUserNotFound},
		"an unknown username is not found":                 {"", "zoe", v1alpha1.ReasonUserNotFound},
		"an unknown id is not found":                       {"zoesid", "", v1alpha1.ReasonUserNotFound},
		"a username cannot end the query":                  {"", "zoe&userId=" + simulator.SampleCarolID, v1alpha1.ReasonUserNotFound},
	})
	f.wantPosts(3)
	got := map[string]int{}
	for _, done := range f.chat.Journal().Resets {
		got[done.UserID]++
	}
	want := map[string]int{simulator.SampleAliceID: 1, simulator.SampleBobID: 1, "dAv3": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("resets (-want +got):\n%s", diff)
	}
}

// wish is a user who is asked for, and how the request must end.
type wish struct {
	id, username string
	reason       string
}

// wantReasons makes a request for each wish, all at the same time. Nothing may be
// recorded of those that are not carried out.
func (f *fixture) wantReasons(wishes map[string]wish) {
	f.t.Helper()
	names := map[string]string{}
	for sentence, w := range wishes {
		names[sentence] = fmt.Sprintf("wish-%d", len(names))
		request := f.request(names[sentence], w.username)
		request.Spec.User.ID = w.id
		f.create(request)
	}
	for sentence, w := range wishes {
		done := f.awaitEnd(names[sentence])
		if got := reasonOf(done); got != w.reason {
			f.t.Errorf("%s: the request ended with the reason %s, want %s", sentence, got, w.reason)
		}
		if w.reason != v1alpha1.ReasonResetAccepted {
			f.wantNoRecord(names[sentence])
		}
	}
}

// awaitEnd waits until the request has an outcome.
func (f *fixture) awaitEnd(name string) *v1alpha1.UserCredentialReset {
	f.t.Helper()
	return f.awaitRequest(name, func(r *v1alpha1.UserCredentialReset) bool { return r.Status.Outcome != "" })
}

// TestSomeUsersAreNeverReset covers those whom the server or the policy excludes.
// They are found out before the server would mail them.
func TestSomeUsersAreNeverReset(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{workspace: func(w *v1alpha1.RocketChatWorkspace) {
		w.Spec.ProtectedUserIDs = []string{simulator.SampleAliceID, "nobody"}
	}})
	f.wantReasons(map[string]wish{
		"a federated user":                     {"", "erin:partner.example", v1alpha1.ReasonUserFederated},
		"a federated user by id":               {simulator.SampleFederatedID, "", v1alpha1.ReasonUserFederated},
		"a protected user by name":             {"", "alice", v1alpha1.ReasonUserProtected},
		"a protected user by id":               {simulator.SampleAliceID, "", v1alpha1.ReasonUserProtected},
		"the operator's own account":           {"", simulator.SampleBotName, v1alpha1.ReasonUserProtected},
		"the operator's own account by id":     {simulator.SampleBotID, "", v1alpha1.ReasonUserProtected},
		"a user whom nobody protects is reset": {"", "bob", v1alpha1.ReasonResetAccepted},
	})
	f.wantPosts(1)
	f.wantResets(simulator.SampleBobID, 1)
	for _, mail := range f.chat.Journal().Mails {
		if mail.UserID != simulator.SampleBobID {
			t.Errorf("mail %+v", mail)
		}
	}
}

// TestTheOwnAccountIsResetOnRequestOnly covers the published case in which the
// sender's own credential is reset.
func TestTheOwnAccountIsResetOnRequestOnly(t *testing.T) {
	t.Parallel()
	for _, resetType := range []v1alpha1.ResetType{v1alpha1.ResetTypeTOTP, v1alpha1.ResetTypeE2EKey} {
		t.Run(string(resetType), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, fixtureOptions{workspace: func(w *v1alpha1.RocketChatWorkspace) {
				w.Spec.OwnAccount = v1alpha1.OwnAccountAllowed
			}})
			request := f.request("own", simulator.SampleBotName)
			request.Spec.Type = resetType
			f.create(request)
			f.awaitReason("own", v1alpha1.ReasonResetAccepted)
			f.awaitAttempt("own", v1alpha1.AttemptSucceeded, v1alpha1.ReasonResetAccepted)
			for _, call := range f.chat.Journal().Requests {
				if call.Method == http.MethodPost && call.Body != `{"userId":"`+simulator.SampleBotID+`"}` {
					t.Errorf("the account was reset with the body %s", call.Body)
				}
			}
			// The token died with the reset; who comes next has to wait for a new one.
			f.ask("next", "alice")
			f.awaitReason("next", v1alpha1.ReasonWorkspaceNotReady)
			f.awaitWorkspace(v1alpha1.ReasonTokenRejected)
			f.wantPosts(1)
			if got := f.chat.Journal().OwnResets(); got != 1 {
				t.Errorf("%d own resets, want 1", got)
			}
		})
	}
}

// TestAUserIsPinnedByTheFirstAttempt lets a username pass on to somebody else
// while the request waits for the limiter.
func TestAUserIsPinnedByTheFirstAttempt(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	f.refuseFirstPostFor(5 * time.Second)
	f.ask("lost-phone", "alice")
	f.awaitAttempt("lost-phone", v1alpha1.AttemptRefused, v1alpha1.ReasonRateLimited)
	f.chat.UpdateUser(simulator.SampleAliceID, func(u *simulator.User) { u.Username = "alice.martin" })
	f.chat.UpdateUser(simulator.SampleBobID, func(u *simulator.User) { u.Username = "alice" })
	done := f.awaitReason("lost-phone", v1alpha1.ReasonTargetChanged)
	if done.Status.Target.UserID != simulator.SampleAliceID {
		t.Errorf("target %+v", done.Status.Target)
	}
	f.wantPosts(1)
	f.wantResets(simulator.SampleAliceID, 0)
	f.wantResets(simulator.SampleBobID, 0)
}
