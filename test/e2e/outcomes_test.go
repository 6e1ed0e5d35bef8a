package e2e

import (
	"testing"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

func TestTOTPIsReset(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	f.create(f.request("lost-phone", "alice"))
	done := f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	if done.Status.Outcome != v1alpha1.OutcomeSucceeded {
		t.Errorf("outcome %q", done.Status.Outcome)
	}
	f.wantPosts(1)
	if alice, _ := f.chat.User(simulator.SampleAliceID); alice.TOTP != nil || len(alice.Tokens) > 0 {
		t.Errorf("alice still has TOTP %v or tokens %v", alice.TOTP, alice.Tokens)
	}
	t.Logf("%+v", f.record("lost-phone"))
	t.Logf("%+v", done.Status)
}
