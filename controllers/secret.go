package controllers

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat"
)

// SecretType is the type of a connection Secret.
const SecretType corev1.SecretType = "credentialreset.dev/rocketchat-workspace"

// secretError says why a connection Secret cannot be used, as a reason of a
// workspace's Ready and a sentence. It holds no value of the Secret.
type secretError struct {
	reason string
	detail string
}

// Error implements error.
func (f *secretError) Error() string { return f.reason + ": " + f.detail }

// connectionSecret is a connection Secret that can be used.
type connectionSecret struct {
	connection *rocketchat.Connection
	version    string // its resourceVersion
}

// readSecret reads the workspace's Secret, live and once. Errors are of type
// *secretError where the Secret is at fault; the version is known even then,
// unless there is no Secret.
func readSecret(ctx context.Context, live client.Reader, w *v1alpha1.RocketChatWorkspace, plainHTTPAllowed bool) (connectionSecret, error) {
	var secret corev1.Secret
	key := client.ObjectKey{Namespace: w.Namespace, Name: w.Spec.SecretRef.Name}
	if err := live.Get(ctx, key, &secret); err != nil {
		if apierrors.IsNotFound(err) {
			return connectionSecret{}, &secretError{
				reason: v1alpha1.ReasonSecretNotFound,
				detail: fmt.Sprintf("There is no Secret %q in this namespace; create it with: %s", key.Name, createCommand(w)),
			}
		}
		return connectionSecret{}, fmt.Errorf("read the Secret: %w", err)
	}
	found := connectionSecret{version: secret.ResourceVersion}
	if secret.Type != SecretType {
		// Another type may hold anything: nothing of it is looked at.
		return found, &secretError{
			reason: v1alpha1.ReasonSecretTypeWrong,
			detail: fmt.Sprintf("The Secret %q is of another type and was not read; delete it, then create it with: %s", key.Name, createCommand(w)),
		}
	}
	connection, err := rocketchat.ParseConnection(secret.Data, plainHTTPAllowed)
	if err != nil {
		problem := "cannot be used"
		if fault, ok := errors.AsType[*rocketchat.ConnectionError](err); ok {
			problem = fault.Error()
		}
		return found, &secretError{
			reason: v1alpha1.ReasonSecretInvalid,
			detail: fmt.Sprintf("The Secret %q cannot be used: %s", key.Name, problem),
		}
	}
	found.connection = connection
	return found, nil
}

func createCommand(w *v1alpha1.RocketChatWorkspace) string {
	return fmt.Sprintf("kubectl create secret generic %s --namespace=%s --type=%s --from-literal=url=https://HOST --from-literal=userId=ID --from-file=authToken=FILE --from-file=totpSecret=FILE",
		w.Spec.SecretRef.Name, w.Namespace, SecretType)
}
