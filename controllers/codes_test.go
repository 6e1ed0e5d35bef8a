package controllers

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// mailCode has the account asked for a code by mail, which is always the same.
func (h *harness) mailCode() {
	h.chat.UpdateUser(simulator.SampleBotID, func(bot *simulator.User) {
		bot.TOTP, bot.Email2FA = nil, true
		bot.EmailCode = &simulator.EmailCode{Code: "123456", Expires: time.Now().Add(time.Hour)}
	})
}

// TestATypedCodeIsUsedOnce resets somebody with a code that a person typed, and then
// asks for somebody else, in the same process and in the next one. The code would be
// accepted again.
func TestATypedCodeIsUsedOnce(t *testing.T) {
	t.Parallel()
	for name, between := range map[string]func(*harness){
		"in the same process": func(*harness) {},
		"in the next process": func(h *harness) { h.restart() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			h.mailCode()
			var secret corev1.Secret
			if err := h.store.Get(t.Context(), client.ObjectKey{Namespace: "chat", Name: "chat"}, &secret); err != nil {
				t.Fatal(err)
			}
			delete(secret.Data, rocketchat.KeyTOTPSecret)
			secret.Data[rocketchat.KeyTwoFactorMethod], secret.Data[rocketchat.KeyTwoFactorCode] = []byte("email"), []byte("123456")
			if err := h.store.Update(t.Context(), &secret); err != nil {
				t.Fatal(err)
			}
			h.restart()
			h.reconcile()
			if got := reasonOf(h.request()); got != v1alpha1.ReasonResetAccepted {
				t.Fatalf("the first request says %s", got)
			}
			h.mailCode()
			between(h)
			second := h.newRequest("uid-2")
			second.Name, second.Spec.User.Username = "also-lost", "bob"
			if err := h.store.Create(t.Context(), second); err != nil {
				t.Fatal(err)
			}
			h.name = client.ObjectKeyFromObject(second)
			h.reconcile()
			if got := reasonOf(h.request()); got != v1alpha1.ReasonSecondFactorRequired {
				t.Errorf("the second request says %s", got)
			}
			if got := h.chat.Journal().Posts(); got != 1 {
				t.Errorf("%d resets were called", got)
			}
		})
	}
}
