package controllers

import (
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

// What the audit log tells of. The names are part of its documented format.
const (
	auditAttemptBegun    = "AttemptBegun"    // the attempt is about to be claimed
	auditAttemptEnded    = "AttemptEnded"    // its result is known, and about to be recorded
	auditAttemptGivenUp  = "AttemptGivenUp"  // that of a process that seems dead is about to be recorded as lost
	auditAttemptOrphaned = "AttemptOrphaned" // its record is gone: the result is about to go into the request's status
	auditRequestEnded    = "RequestEnded"    // the request is about to get this outcome
	auditRecordExpired   = "RecordExpired"   // the record is about to be deleted at the end of its retention
)

// auditLine is what a line of the audit log tells, beside what is in the record.
type auditLine struct {
	event, message string
	record         *v1alpha1.ResetRecord // or what it would be, without a name
	attempt        string                // id
	result         v1alpha1.AttemptResult
	outcome        v1alpha1.Outcome
	reason         string
	denial         *v1alpha1.ResetApproval // nil unless it ended the request
}

// audit writes a line before what it tells of goes to the API server: whatever fails
// from there on, what happened can be found. Every line has the same fields, as
// docs/audit.md promises; what does not apply is empty.
func (o *Operator) audit(line auditLine) {
	record := line.record
	var approvedBy, deniedBy, message string
	if record.Approval != nil {
		approvedBy, message = record.Approval.ApprovedBy, record.Approval.Message
	}
	if line.denial != nil {
		deniedBy, message = line.denial.Spec.ApprovedBy, line.denial.Spec.Message
	}
	o.options.Audit.Info(line.message, "audit", true, "event", line.event,
		"request", record.Request.Namespace+"/"+record.Request.Name, "requestUID", record.Request.UID,
		"workspace", record.Workspace.Namespace+"/"+record.Workspace.Name, "type", record.Type,
		"userID", record.Target.UserID, "username", record.Target.Username, "host", record.Target.Host,
		"requestedBy", record.RequestedBy, "justification", record.Justification,
		"approvedBy", approvedBy, "deniedBy", deniedBy, "decisionMessage", message,
		"record", record.Name, "attempt", line.attempt, "result", line.result, "outcome", line.outcome, "reason", line.reason)
}

// auditAttempt tells of an attempt, whose record is the one that was claimed.
func (o *Operator) auditAttempt(event, message string, held holding) {
	o.audit(auditLine{
		event: event, message: message, record: held.record,
		attempt: held.id, result: held.result.Result, reason: held.result.Reason,
	})
}

// auditOutcome tells of an outcome that the request did not have before. A request
// that was never claimed has no record: of it is told what was asked for, or shown.
func (o *Operator) auditOutcome(request *v1alpha1.UserCredentialReset, before v1alpha1.Outcome, record *v1alpha1.ResetRecord, denial *v1alpha1.ResetApproval) {
	if request.Status.Outcome == "" || request.Status.Outcome == before {
		return
	}
	line := auditLine{
		event: auditRequestEnded, message: "The request ended", record: record,
		denial: denial, outcome: request.Status.Outcome, reason: reasonOf(request),
	}
	if record != nil && record.Request.UID == string(request.UID) {
		last := &record.Attempts[len(record.Attempts)-1]
		line.attempt, line.result = last.ID, reset.Truth(last)
		o.audit(line)
		return
	}
	target := v1alpha1.Target{UserID: request.Spec.User.ID, Username: request.Spec.User.Username}
	if request.Status.Target != nil {
		target = *request.Status.Target
	}
	line.record = reset.NewRecord(request, target, v1alpha1.Attempt{})
	line.record.Name = ""
	o.audit(line)
}

// reasonOf is the detail that the request's status tells, "" before the first one.
func reasonOf(request *v1alpha1.UserCredentialReset) string {
	if said := meta.FindStatusCondition(request.Status.Conditions, v1alpha1.ConditionSucceeded); said != nil {
		return said.Reason
	}
	return ""
}
