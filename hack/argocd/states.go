package main

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

const (
	healthy     = "Healthy"
	progressing = "Progressing"
	suspended   = "Suspended"
	degraded    = "Degraded"
)

// hour is an instant of the day on which all states are seen.
func hour(h int) metav1.Time {
	return metav1.NewTime(time.Date(2026, time.March, 4, h, 0, 0, 0, time.UTC))
}

func meta(kind, namespace, name string, uid types.UID) (metav1.TypeMeta, metav1.ObjectMeta) {
	return metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: kind},
		metav1.ObjectMeta{Namespace: namespace, Name: name, UID: uid, Generation: 1, CreationTimestamp: hour(9)}
}

func request() *v1alpha1.UserCredentialReset {
	r := &v1alpha1.UserCredentialReset{Spec: v1alpha1.UserCredentialResetSpec{
		WorkspaceRef:  v1alpha1.WorkspaceReference{Name: "chat", Namespace: "chat"},
		User:          v1alpha1.UserReference{Username: "alice"},
		Type:          v1alpha1.ResetTypeTOTP,
		NotAfterTime:  hour(18),
		Justification: "TICKET-4711",
		RequestedBy:   "sam@example.com",
	}}
	r.TypeMeta, r.ObjectMeta = meta("UserCredentialReset", "support", "alice-lost-her-phone", "3f8cf7a9-6f6c-4f1c-9c6e-0a2d7d1f4711")
	return r
}

func target() *v1alpha1.Target {
	return &v1alpha1.Target{Host: "https://chat.example.com", UserID: "aLiCeId01", Username: "alice"}
}

// requestStates are a request with each reason, before the operator has seen it, and
// after the truth has come late.
func requestStates() []state {
	const unseenMessage = "The operator has not seen the request yet"
	unseen := request()
	unseen.Status.ObservedGeneration = new(int64(-1))
	bare := struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`
		Spec              v1alpha1.UserCredentialResetSpec `json:"spec"`
	}{unseen.TypeMeta, unseen.ObjectMeta, unseen.Spec}
	states := []state{
		{"unseen", unseen, progressing, unseenMessage},
		{"without-status", bare, progressing, unseenMessage},
		{"older-generation", olderGeneration(), progressing, unseenMessage},
	}
	for _, reason := range reset.Reasons() {
		states = append(states, requestState(kebab(reason), reset.VerdictOf(reason), target()))
	}
	late := reset.Orphaned(reset.Result{Result: v1alpha1.AttemptRefused, Reason: v1alpha1.ReasonRateLimited})
	return append(states,
		requestState("late-refusal", late, target()),
		requestState("not-resolved", reset.VerdictOf(v1alpha1.ReasonCreatedAfterNotAfterTime), nil))
}

func requestState(name string, v reset.Verdict, to *v1alpha1.Target) state {
	r := request()
	r.Status = reset.StatusOf(r, v, reset.Facts{Target: to}, hour(10).Time)
	waitsForAPerson := []string{v1alpha1.ReasonAwaitingApproval, v1alpha1.ReasonWorkspaceSuspended, v1alpha1.ReasonSecondFactorRequired}
	status := progressing
	switch v.Outcome {
	case v1alpha1.OutcomeSucceeded, v1alpha1.OutcomeSkipped:
		status = healthy
	case v1alpha1.OutcomeFailed, v1alpha1.OutcomeUnconfirmed:
		status = degraded
	case "":
		if slices.Contains(waitsForAPerson, v.Reason) {
			status = suspended
		}
	}
	return state{name, r, status, v.Reason + ": " + v.Message}
}

func olderGeneration() *v1alpha1.UserCredentialReset {
	r := request()
	r.Status = reset.StatusOf(r, reset.VerdictOf(v1alpha1.ReasonResetAccepted), reset.Facts{Target: target()}, hour(10).Time)
	r.Generation++
	return r
}

func workspace() *v1alpha1.RocketChatWorkspace {
	w := &v1alpha1.RocketChatWorkspace{Spec: v1alpha1.RocketChatWorkspaceSpec{
		SecretRef:         v1alpha1.SecretReference{Name: "chat"},
		AllowedNamespaces: &v1alpha1.NamespaceSelection{Names: []string{"support"}},
		AllowedTypes:      []v1alpha1.ResetType{v1alpha1.ResetTypeTOTP, v1alpha1.ResetTypeE2EKey},
	}}
	w.TypeMeta, w.ObjectMeta = meta("RocketChatWorkspace", "chat", "chat", "1b0e5c52-8a04-4c42-9b1e-5d0c2f6a0815")
	return w
}

// workspaceStates are a workspace with each reason, and before the operator has
// seen it.
func workspaceStates() []state {
	const unseenMessage = "The operator has not seen the workspace yet"
	unseen := workspace()
	unseen.Status.ObservedGeneration = new(int64(-1))
	older := workspace()
	older.Status = reset.WorkspaceStatusOf(older, reset.Health{Reason: v1alpha1.ReasonConnected}, hour(10))
	older.Generation++
	states := []state{{"unseen", unseen, progressing, unseenMessage}, {"older-generation", older, progressing, unseenMessage}}
	for _, reason := range reset.ReadyReasons() {
		states = append(states, workspaceState(reason))
	}
	return states
}

func workspaceState(reason string) state {
	w, health, status := workspace(), reset.Health{Host: "https://chat.example.com", Reason: reason}, degraded
	switch reason {
	case v1alpha1.ReasonConnected:
		status = healthy
		health.Version, health.AccountUsername, health.Method = "8.6", "reset.bot", v1alpha1.SecondFactorTOTP
	case v1alpha1.ReasonSuspended:
		status = suspended
		w.Spec.Suspend = new(true)
	case v1alpha1.ReasonProbing, v1alpha1.ReasonSecretNotFound, v1alpha1.ReasonServerUnreachable:
		status = progressing
	}
	w.Status = reset.WorkspaceStatusOf(w, health, hour(10))
	ready := w.Status.Conditions[0]
	return state{kebab(reason), w, status, ready.Reason + ": " + ready.Message}
}
