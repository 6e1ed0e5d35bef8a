package reset

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// now is the time of all observations of these tests.
func now() time.Time { return time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) }

func at(offset time.Duration) metav1.Time { return metav1.NewTime(now().Add(offset)) }

func atPointer(offset time.Duration) *metav1.Time {
	t := at(offset)
	return &t
}

const (
	chatHost = "https://chat.example.com"
	aliceID  = "aliceID"
)

func aliceTarget() v1alpha1.Target {
	return v1alpha1.Target{Host: chatHost, UserID: aliceID, Username: "alice"}
}

// aliceRequest is an open request that nothing stands in the way of.
func aliceRequest() *v1alpha1.UserCredentialReset {
	return &v1alpha1.UserCredentialReset{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "support", Name: "lost-phone", UID: "uid-1", Generation: 1, CreationTimestamp: at(-time.Minute),
		},
		Spec: v1alpha1.UserCredentialResetSpec{
			WorkspaceRef: v1alpha1.WorkspaceReference{Namespace: "chat", Name: "chat"},
			User:         v1alpha1.UserReference{Username: "alice"},
			Type:         v1alpha1.ResetTypeTOTP,
			NotAfterTime: at(time.Hour),
		},
	}
}

func chatWorkspace() *v1alpha1.RocketChatWorkspace {
	return &v1alpha1.RocketChatWorkspace{
		ObjectMeta: metav1.ObjectMeta{Namespace: "chat", Name: "chat", Generation: 1},
		Spec: v1alpha1.RocketChatWorkspaceSpec{
			SecretRef:             v1alpha1.SecretReference{Name: "chat"},
			AllowedNamespaces:     &v1alpha1.NamespaceSelection{Names: []string{"support"}},
			AllowedTypes:          []v1alpha1.ResetType{v1alpha1.ResetTypeTOTP, v1alpha1.ResetTypeE2EKey},
			RequestTimeoutSeconds: 10,
		},
	}
}

func connected() Health {
	return Health{SecretVersion: "7", Host: chatHost, AccountID: "botID", AccountUsername: "bot", Reason: v1alpha1.ReasonConnected}
}

// open is an observation after which a reset is attempted.
func open() Observation {
	return Observation{Now: now(), Request: aliceRequest(), Workspace: chatWorkspace(), Health: connected()}
}

// resolved is open with the user resolved.
func resolved() Observation {
	o := open()
	o.Target = &Resolved{Target: aliceTarget()}
	return o
}

func attempt(result v1alpha1.AttemptResult, reason string, ended time.Duration) v1alpha1.Attempt {
	a := v1alpha1.Attempt{ID: "attempt-" + reason, StartTime: at(ended - time.Second), SecretResourceVersion: "7"}
	if result != "" {
		a.Result, a.Reason, a.EndTime = result, reason, atPointer(ended)
	}
	return a
}

// recordFor is the record of the request with these attempts.
func recordFor(request *v1alpha1.UserCredentialReset, attempts ...v1alpha1.Attempt) *v1alpha1.ResetRecord {
	record := NewRecord(request, aliceTarget(), v1alpha1.Attempt{})
	record.Attempts = attempts
	return record
}

// rivalWith is the record of another request for the same user.
func rivalWith(attempts ...v1alpha1.Attempt) v1alpha1.ResetRecord {
	other := aliceRequest()
	other.Name, other.UID = "another", types.UID("uid-2")
	return *recordFor(other, attempts...)
}
