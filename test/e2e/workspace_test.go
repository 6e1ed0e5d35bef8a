package e2e

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/answers"
)

// ailment is a reason of a workspace's Ready, as it comes about and goes away.
type ailment struct {
	fixtureOptions
	fall func(*fixture) // what goes wrong after the beginning
	cure func(*fixture)
}

func someReset(f *fixture) { f.ask("lost-phone", "alice") }

// keys changes what a Secret holds.
func keys(change func(data map[string][]byte)) func(*corev1.Secret) {
	return func(secret *corev1.Secret) { change(secret.Data) }
}

// bypassing replaces the second factor by a token that bypasses it.
func bypassing(data map[string][]byte) {
	answers.WithoutFactor(data)
	data["authToken"] = []byte(canaryBypass)
}

// ailments are all that can be wrong with a workspace, by reason, but for
// ApprovalPolicyMissing: TestNamesThatNobodyChecksAreNotTrusted takes the policies of a
// whole cluster for that.
func ailments() map[string]ailment {
	return map[string]ailment{
		v1alpha1.ReasonSuspended: {
			fall: func(f *fixture) { f.suspend(true) },
			cure: func(f *fixture) { f.suspend(false) },
		},
	}
}

// ailmentsOfTheSecret need nobody but who keeps the Secret.
func ailmentsOfTheSecret() map[string]ailment {
	return map[string]ailment{
		v1alpha1.ReasonSecretNotFound: {
			fall: func(f *fixture) {
				f.delete(f.secret)
				f.touchWorkspace()
			},
			cure: func(f *fixture) {
				f.secret = f.newSecret()
				f.create(f.secret)
			},
		},
		v1alpha1.ReasonSecretTypeWrong: {
			fixtureOptions: fixtureOptions{notReady: true, secret: func(secret *corev1.Secret) { secret.Type = corev1.SecretTypeOpaque }},
			cure: func(f *fixture) {
				f.delete(f.secret)
				f.secret = f.newSecret()
				f.create(f.secret)
			},
		},
		v1alpha1.ReasonSecretInvalid: {
			fixtureOptions: fixtureOptions{notReady: true, secret: keys(func(data map[string][]byte) { data["passwort"] = []byte(canary) })},
			cure:           func(f *fixture) { f.update(f.secret, func() { delete(f.secret.Data, "passwort") }) },
		},
		v1alpha1.ReasonServerUnreachable: {
			fixtureOptions: fixtureOptions{notReady: true, secret: keys(func(data map[string][]byte) { delete(data, "ca.crt") })},
			cure:           func(f *fixture) { f.update(f.secret, func() { f.secret.Data["ca.crt"] = f.server.CA }) },
		},
	}
}

// ailmentsOfTheAccount are found by a probe or by the first reset.
func ailmentsOfTheAccount() map[string]ailment {
	return map[string]ailment{
		v1alpha1.ReasonTokenRejected: {
			fixtureOptions: fixtureOptions{notReady: true, secret: keys(func(data map[string][]byte) { data["authToken"] = []byte(canary + "-old") })},
			cure:           func(f *fixture) { f.update(f.secret, func() { f.secret.Data["authToken"] = []byte(canaryToken) }) },
		},
		v1alpha1.ReasonPermissionMissing: {
			fixtureOptions: fixtureOptions{notReady: true, users: account(func(bot *simulator.User) { bot.Roles = []string{"user"} })},
			cure: func(f *fixture) {
				f.chat.UpdateUser(simulator.SampleBotID, func(bot *simulator.User) { bot.Roles = []string{simulator.RoleReset} })
			},
		},
		v1alpha1.ReasonSecondFactorRejected: {
			fixtureOptions: fixtureOptions{secret: keys(answers.WithoutFactor)},
			fall:           someReset,
			cure:           func(f *fixture) { f.update(f.secret, func() { f.secret.Data["totpSecret"] = []byte(canaryTOTP) }) },
		},
		v1alpha1.ReasonBypassTokenIgnored: {
			fixtureOptions: fixtureOptions{version: "8.5.1", secret: keys(bypassing)},
			fall:           someReset,
			cure:           func(f *fixture) { f.update(f.secret, func() { f.secret.Data["totpSecret"] = []byte(canaryTOTP) }) },
		},
		v1alpha1.ReasonEmailCodeRequired: {
			fixtureOptions: fixtureOptions{secret: keys(answers.WithoutFactor), users: account(func(bot *simulator.User) { bot.TOTP, bot.Email2FA = nil, true })},
			fall:           someReset,
			cure:           func(f *fixture) { f.update(f.secret, func() { f.secret.Data["authToken"] = []byte(canaryBypass) }) },
		},
		v1alpha1.ReasonOwnResetSuspected: {
			fixtureOptions: fixtureOptions{},
			fall: func(f *fixture) {
				// A proxy drops the body, so that the caller itself is reset.
				f.chat.Intercept(answers.WithoutBody(nil))
				someReset(f)
			},
			cure: func(f *fixture) {
				f.chat.Intercept(nil)
				f.chat.UpdateUser(simulator.SampleBotID, func(bot *simulator.User) {
					bot.Tokens = []simulator.Token{{Hash: simulator.TokenHash(canary + "-new"), PAT: true}}
					bot.TOTP = &simulator.TOTP{Enabled: true, Secret: canaryTOTP}
				})
				f.update(f.secret, func() { f.secret.Data["authToken"] = []byte(canary + "-new") })
			},
		},
	}
}

// TestEveryAilmentOfAWorkspaceIsToldAndCured has each reason of Ready come about and
// go away again, without anybody touching the workspace.
func TestEveryAilmentOfAWorkspaceIsToldAndCured(t *testing.T) {
	t.Parallel()
	all := ailments()
	maps.Copy(all, ailmentsOfTheSecret())
	maps.Copy(all, ailmentsOfTheAccount())
	for reason := range workspaceRows() {
		if _, told := all[reason]; !told && !slices.Contains([]string{v1alpha1.ReasonConnected, v1alpha1.ReasonApprovalPolicyMissing, unmet}, reason) {
			t.Errorf("nothing brings %s about", reason)
		}
	}
	for reason, a := range all {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, a.fixtureOptions)
			if a.fall != nil {
				a.fall(f)
			}
			f.awaitWorkspace(reason)
			a.cure(f)
			f.awaitWorkspace(v1alpha1.ReasonConnected)
		})
	}
}

// TestAWorkspaceWarnsBeforeTheEmergency shows what Ready's message tells of a workspace
// that answers well, and of which it is known that it will not reset as one expects.
func TestAWorkspaceWarnsBeforeTheEmergency(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fixtureOptions
		want string
	}{
		"in order": {want: "Resets can be carried out"},
		"no second factor in the Secret": {
			fixtureOptions{secret: keys(answers.WithoutFactor)},
			"Resets can be carried out. Rocket.Chat asks the account for the second factor TOTP, and the Secret holds none, nor a token that bypasses it; resets will be refused",
		},
		"a token that bypasses it": {
			fixtureOptions{secret: keys(bypassing)},
			"Resets can be carried out",
		},
		"another second factor": {
			fixtureOptions{secret: keys(func(data map[string][]byte) {
				answers.WithoutFactor(data)
				data["password"] = []byte(canary)
			})},
			"Resets can be carried out. Rocket.Chat asks the account for the second factor TOTP, and the Secret holds Password; resets will be refused",
		},
		"a release without a limiter": {
			fixtureOptions{version: "7.7.1"},
			"Resets can be carried out. Releases 7.4 to 7.8 do not limit calls; spec.budget alone does",
		},
		"two-factor authentication switched off": {
			fixtureOptions{settings: func(s *simulator.Settings) { s.TwoFactor = false }},
			"Resets can be carried out. Two-factor authentication is switched off in the settings of Rocket.Chat, which resets no TOTP as long as it is",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, test.fixtureOptions)
			workspace := f.awaitWorkspace(v1alpha1.ReasonConnected)
			ready := meta.FindStatusCondition(workspace.Status.Conditions, v1alpha1.ConditionReady)
			if ready.Message != test.want || ready.Status != metav1.ConditionTrue {
				t.Errorf("Ready is %s: %s\nwant True: %s", ready.Status, ready.Message, test.want)
			}
			reads := f.chat.Journal().Requests
			if slices.ContainsFunc(reads, func(r simulator.Request) bool { return r.Method != http.MethodGet }) {
				t.Errorf("a probe called %+v", reads)
			}
		})
	}
}
