package e2e

import (
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// mailedCodes is a workspace whose account is asked for codes by mail, and whose clock
// is ahead by what it is told.
func mailedCodes(ahead *atomic.Int64) fixtureOptions {
	return fixtureOptions{
		clock: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
		users: func(all []simulator.User) []simulator.User {
			all[0].TOTP, all[0].Email2FA = nil, true
			return all
		},
		secret: func(s *corev1.Secret) { delete(s.Data, rocketchat.KeyTOTPSecret) },
	}
}

// codesMailed counts the codes that were mailed to the operator's account.
func (f *fixture) codesMailed() int {
	count := 0
	for _, mail := range f.chat.Journal().Mails {
		if mail.UserID == simulator.SampleBotID {
			count++
		}
	}
	return count
}

func (f *fixture) wantCodesMailed(want int) {
	f.t.Helper()
	if got := f.codesMailed(); got != want {
		f.t.Errorf("%d codes were mailed, want %d", got, want)
	}
}

// mailedCode is the code that lies in the account's mailbox, in groups as people read it.
func (f *fixture) mailedCode() string {
	f.t.Helper()
	account, _ := f.chat.User(simulator.SampleBotID)
	if account.EmailCode == nil {
		f.t.Fatal("no code was mailed")
	}
	return account.EmailCode.Code[:3] + "-" + account.EmailCode.Code[3:]
}

// typeCode puts a code into the Secret, as a person does.
func (f *fixture) typeCode(code string) {
	f.t.Helper()
	f.update(f.secret, func() {
		f.secret.Data[rocketchat.KeyTwoFactorMethod] = []byte("email")
		f.secret.Data[rocketchat.KeyTwoFactorCode] = []byte(code + "\n")
	})
}

// TestACodeByMailIsGoodForOneReset goes the way of an account with codes by mail: one
// mail, one code, one reset, and again.
func TestACodeByMailIsGoodForOneReset(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mailedCodes(&atomic.Int64{}))
	f.ask("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonSecondFactorRequired)
	f.awaitWorkspace(v1alpha1.ReasonEmailCodeRequired)
	f.touchWorkspace()
	f.awaitWorkspace(v1alpha1.ReasonEmailCodeRequired)
	f.wantPosts(1)
	f.wantCodesMailed(1)

	f.typeCode(f.mailedCode())
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.wantPosts(2)
	f.wantResets(simulator.SampleAliceID, 1)
	f.wantCodesMailed(1)

	// The code is used up: the next one waits, and nothing is called in vain.
	f.awaitWorkspace(v1alpha1.ReasonEmailCodeRequired)
	f.ask("also-lost", "bob")
	f.awaitReason("also-lost", v1alpha1.ReasonSecondFactorRequired)
	f.wantPosts(2)
	f.wantCodesMailed(1)

	// Without a code in the Secret, another one is mailed.
	f.update(f.secret, func() {
		delete(f.secret.Data, rocketchat.KeyTwoFactorMethod)
		delete(f.secret.Data, rocketchat.KeyTwoFactorCode)
	})
	f.awaitPosts(3)
	f.awaitAttempt("also-lost", v1alpha1.AttemptRefused, v1alpha1.ReasonEmailCodeRequired)
	f.wantCodesMailed(2)
	f.typeCode(f.mailedCode())
	f.awaitReason("also-lost", v1alpha1.ReasonResetAccepted)
	f.wantPosts(4)
	f.wantResets(simulator.SampleBobID, 1)
	f.wantCodesMailed(2)
}

// TestACodeThatHasExpired has a person come two hours late: there is one more mail, and
// none without another change of the Secret.
func TestACodeThatHasExpired(t *testing.T) {
	t.Parallel()
	ahead := &atomic.Int64{}
	f := newFixture(t, mailedCodes(ahead))
	f.ask("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonSecondFactorRequired)
	late := f.mailedCode()
	ahead.Store(int64(2 * time.Hour))
	f.typeCode(late)
	f.awaitPosts(2)
	f.awaitJournal(func(simulator.Journal) bool { return f.codesMailed() == 2 })
	f.awaitReason("lost-phone", v1alpha1.ReasonSecondFactorRequired)
	f.touchWorkspace()
	f.awaitWorkspace(v1alpha1.ReasonEmailCodeRequired)
	f.wantPosts(2)
	f.wantCodesMailed(2)
	f.typeCode(f.mailedCode())
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.wantPosts(3)
	f.wantResets(simulator.SampleAliceID, 1)
	f.wantCodesMailed(2)
}

// TestAWrongCodeIsTriedOnce types a wrong code, and then the right one.
func TestAWrongCodeIsTriedOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mailedCodes(&atomic.Int64{}))
	f.ask("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonSecondFactorRequired)
	right := f.mailedCode()
	wrong := "000-000"
	if right == wrong {
		wrong = "000-001"
	}
	f.typeCode(wrong)
	f.awaitPosts(2)
	f.awaitReason("lost-phone", v1alpha1.ReasonSecondFactorRequired)
	f.wantCodesMailed(1)
	f.typeCode(right)
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.wantPosts(3)
	f.wantResets(simulator.SampleAliceID, 1)
	f.wantCodesMailed(1)
}

// TestACodeStaysUsedUpAfterARestart ends the operator that used the code: the next one
// knows it from the records.
func TestACodeStaysUsedUpAfterARestart(t *testing.T) {
	t.Parallel()
	options := mailedCodes(&atomic.Int64{})
	options.apart = true
	f := newFixture(t, options)
	first := f.startOperator(cluster.OperatorOptions{})
	f.ask("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonSecondFactorRequired)
	f.typeCode(f.mailedCode())
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.stopOperator(first)
	f.ask("also-lost", "bob")
	f.startOperator(cluster.OperatorOptions{})
	f.awaitReason("also-lost", v1alpha1.ReasonSecondFactorRequired)
	f.awaitWorkspace(v1alpha1.ReasonEmailCodeRequired)
	f.wantNoRecord("also-lost")
	f.wantPosts(2)
	f.wantCodesMailed(1)
}
