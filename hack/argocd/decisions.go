package main

import (
	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

func approvalStates() []state {
	approval := func(decision v1alpha1.Decision, by string) *v1alpha1.ResetApproval {
		r := request()
		a := &v1alpha1.ResetApproval{Spec: v1alpha1.ResetApprovalSpec{
			RequestName: r.Name, RequestUID: string(r.UID), UserID: target().UserID, Decision: decision, ApprovedBy: by,
		}}
		a.TypeMeta, a.ObjectMeta = meta("ResetApproval", r.Namespace, r.Name+"-7xk2p", "8d2f1a44-7f0e-4b5c-a3d1-6e9b0c1d0042")
		return a
	}
	return []state{
		{"approved", approval(v1alpha1.DecisionApproved, "lee@example.com"), healthy, "Approved by lee@example.com"},
		{"denied", approval(v1alpha1.DecisionDenied, "lee@example.com"), healthy, "Denied by lee@example.com"},
		{"approved-by-nobody", approval(v1alpha1.DecisionApproved, ""), degraded, "Does not count: spec.approvedBy does not say who approved"},
		{"denied-by-nobody", approval(v1alpha1.DecisionDenied, ""), healthy, "Denied by somebody who is not named"},
	}
}

func recordStates() []state {
	record := func(attempts ...v1alpha1.Attempt) *v1alpha1.ResetRecord {
		r := request()
		record := &v1alpha1.ResetRecord{
			Request:   v1alpha1.RequestReference{Namespace: r.Namespace, Name: r.Name, UID: string(r.UID)},
			Workspace: v1alpha1.RecordedWorkspace{Namespace: "chat", Name: "chat"},
			Target:    *target(), Type: r.Spec.Type, NotAfterTime: r.Spec.NotAfterTime, Attempts: attempts,
		}
		record.TypeMeta, record.ObjectMeta = meta("ResetRecord", "", "alice-lost-her-phone-0123456789abcdef0123456789abcdef",
			"c1f0a9f6-2f7a-4a2e-8b6b-4d2f3e5c0007")
		return record
	}
	attempt := func(result v1alpha1.AttemptResult, reason string) v1alpha1.Attempt {
		a := v1alpha1.Attempt{ID: "5f3b8f0e", StartTime: hour(10), SecretResourceVersion: "4711", Result: result, Reason: reason}
		if result != "" {
			end := hour(11)
			a.EndTime = &end
		}
		return a
	}
	refused := attempt(v1alpha1.AttemptRefused, v1alpha1.ReasonRateLimited)
	refused.ID = "9c2d7a10"
	lateSuccess := attempt(v1alpha1.AttemptUnconfirmed, v1alpha1.ReasonResetAccepted)
	lateSuccess.LateResult = v1alpha1.AttemptSucceeded
	open := attempt("", "")
	return []state{
		{"open", record(open), progressing, "An attempt is being carried out"},
		{"open-again", record(refused, open), progressing, "An attempt is being carried out"},
		{"succeeded", record(refused, attempt(v1alpha1.AttemptSucceeded, v1alpha1.ReasonResetAccepted)), healthy, "Attempt 2: Succeeded (ResetAccepted)"},
		{"not-sent", record(attempt(v1alpha1.AttemptNotSent, v1alpha1.ReasonConnectionFailed)), healthy, "Attempt 1: NotSent (ConnectionFailed)"},
		{"refused", record(refused), healthy, "Attempt 1: Refused (RateLimited)"},
		{
			"unconfirmed", record(attempt(v1alpha1.AttemptUnconfirmed, v1alpha1.ReasonOutcomeUnconfirmed)), degraded,
			"Attempt 1: Unconfirmed (OutcomeUnconfirmed)",
		},
		{"late-success", record(lateSuccess), healthy, "Attempt 1: Succeeded (ResetAccepted)"},
	}
}
