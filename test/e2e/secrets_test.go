package e2e

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/controllers"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// brokenSecret is a Secret that cannot be used, and what the workspace says of it.
type brokenSecret struct {
	broken func(*fixture) *corev1.Secret
	reason string
	says   string
}

func brokenSecrets() map[string]brokenSecret {
	set := func(key, value string) func(*fixture) *corev1.Secret {
		return func(f *fixture) *corev1.Secret {
			secret := f.newSecret()
			secret.Data[key] = []byte(value)
			return secret
		}
	}
	return map[string]brokenSecret{
		"that is missing": {
			broken: func(*fixture) *corev1.Secret { return nil },
			reason: v1alpha1.ReasonSecretNotFound,
			says:   `There is no Secret "chat"`,
		},
		"that is of another type": {
			broken: func(f *fixture) *corev1.Secret {
				secret := f.newSecret()
				secret.Type = corev1.SecretTypeOpaque
				return secret
			},
			reason: v1alpha1.ReasonSecretTypeWrong,
			says:   `The Secret "chat" is of another type and was not read`,
		},
		"that has an unknown key": {
			broken: set("totpSecert", canaryTOTP),
			reason: v1alpha1.ReasonSecretInvalid,
			says:   `key "totpSecert" is unknown`,
		},
		"that lacks the token": {
			broken: set("authToken", ""),
			reason: v1alpha1.ReasonSecretInvalid,
			says:   `key "authToken" is missing`,
		},
		"whose TOTP secret is none": {
			broken: set("totpSecret", "canary-1-0-8-9"+canary),
			reason: v1alpha1.ReasonSecretInvalid,
			says:   `key "totpSecret" is not base32`,
		},
		"whose URL would send the token in clear": {
			broken: set("url", "http://127.0.0.1:1"),
			reason: v1alpha1.ReasonSecretInvalid,
			says:   `key "url" begins with http://`,
		},
	}
}

// TestASecretIsRepairedLater begins with a Secret that cannot be used. The request
// waits, nothing is called, and the repair alone lets it go on.
func TestASecretIsRepairedLater(t *testing.T) {
	t.Parallel()
	for name, test := range brokenSecrets() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, fixtureOptions{noSecret: true})
			broken := test.broken(f)
			if broken != nil {
				f.create(broken)
			}
			f.ask("lost-phone", "alice")
			f.awaitReason("lost-phone", v1alpha1.ReasonWorkspaceNotReady)
			f.wantSaid(f.awaitWorkspace(test.reason), test.says)
			f.wantNoCalls()
			if broken != nil && broken.Type == controllers.SecretType {
				f.update(broken, func() { broken.Data = f.secret.Data })
			} else {
				f.replace(broken)
			}
			f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
			f.awaitWorkspace(v1alpha1.ReasonConnected)
			f.wantPosts(1)
			f.wantResets(simulator.SampleAliceID, 1)
		})
	}
}

// replace puts the right Secret in the place of one whose type cannot be changed.
func (f *fixture) replace(broken *corev1.Secret) {
	f.t.Helper()
	if broken != nil {
		f.delete(broken)
	}
	f.create(f.secret)
}

// wantSaid looks at the message of Ready. Where a Secret has to be created, it
// says how.
func (f *fixture) wantSaid(w *v1alpha1.RocketChatWorkspace, says string) {
	f.t.Helper()
	ready := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionReady)
	if !strings.Contains(ready.Message, says) {
		f.t.Errorf("Ready says %q, want %q in it", ready.Message, says)
	}
	command := fmt.Sprintf("kubectl create secret generic chat --namespace=%s --type=credentialreset.dev/rocketchat-workspace ", f.namespace)
	if ready.Reason != v1alpha1.ReasonSecretInvalid && !strings.Contains(ready.Message, command) {
		f.t.Errorf("Ready says %q, want the command %q in it", ready.Message, command)
	}
}

// wantNoCalls says that nothing at all was sent to the workspace.
func (f *fixture) wantNoCalls() {
	f.t.Helper()
	if calls := f.chat.Journal().Requests; len(calls) > 0 {
		f.t.Errorf("the workspace was called: %+v", calls)
	}
	f.wantPosts(0)
}

// TestASecretOfAnotherTypeStaysUnread takes a Secret that would work but for its
// type, as a Secret of somebody else's does.
func TestASecretOfAnotherTypeStaysUnread(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{
		notReady: true,
		secret:   func(secret *corev1.Secret) { secret.Type = corev1.SecretTypeOpaque },
	})
	workspace := f.awaitWorkspace(v1alpha1.ReasonSecretTypeWrong)
	if got := workspace.Status; got.Host != "" || got.AccountUsername != "" {
		t.Errorf("status %+v", got)
	}
	f.wantNoCalls()
}

// TestASecretThatIsGoneStopsRequests deletes the Secret of a workspace that was in
// order.
func TestASecretThatIsGoneStopsRequests(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	f.delete(f.secret)
	f.ask("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonWorkspaceNotReady)
	f.awaitWorkspace(v1alpha1.ReasonSecretNotFound)
	f.wantPosts(0)
	f.secret.ResourceVersion = ""
	f.create(f.secret)
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.wantPosts(1)
}
