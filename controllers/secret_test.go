package controllers

import (
	"context"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// TestASecretOfAnotherTypeIsNotRead gives the workspace a Secret that would do in
// everything but its type: it may be somebody else's.
func TestASecretOfAnotherTypeIsNotRead(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	secret := &corev1.Secret{}
	if err := h.store.Get(t.Context(), client.ObjectKey{Namespace: "chat", Name: "chat"}, secret); err != nil {
		t.Fatal(err)
	}
	workspace := &v1alpha1.RocketChatWorkspace{}
	workspace.Namespace, workspace.Name, workspace.Spec.SecretRef.Name = "chat", "chat", "chat"
	for secretType, want := range map[corev1.SecretType]string{
		SecretType:              "",
		corev1.SecretTypeOpaque: v1alpha1.ReasonSecretTypeWrong,
		"":                      v1alpha1.ReasonSecretTypeWrong,
	} {
		shown := secret.DeepCopy()
		shown.Type = secretType
		found, err := readSecret(t.Context(), oneSecret{shown}, workspace, false)
		got := ""
		if fault, faulty := errors.AsType[*secretError](err); faulty {
			got = fault.reason
		}
		if got != want || (found.connection != nil) != (want == "") {
			t.Errorf("type %q: reason %q, want %q; connection %v", secretType, got, want, found.connection)
		}
	}
}

// oneSecret reads one Secret.
type oneSecret struct{ secret *corev1.Secret }

// Get implements client.Reader.
func (o oneSecret) Get(_ context.Context, _ client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	assign(o.secret, object)
	return nil
}

// List implements client.Reader.
func (oneSecret) List(context.Context, client.ObjectList, ...client.ListOption) error {
	return errors.New("Secrets are never listed")
}
