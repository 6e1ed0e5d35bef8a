package reset

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

const (
	recordNamePrefix = 50 // characters of the request's name
	recordNameDigest = 32 // hex digits
)

// RecordName is the name of the record of any request with this namespace and
// name, and of no other. It depends on nothing else, so that whatever happens to
// a request, the API server lets one record of that name exist.
func RecordName(namespace, name string) string {
	digest := sha256.Sum256([]byte(namespace + "/" + name))
	prefix := name[:min(len(name), recordNamePrefix)]
	return strings.TrimRight(prefix, ".-") + "-" + hex.EncodeToString(digest[:])[:recordNameDigest]
}

// WorkspaceOf is the workspace that the request points to.
func WorkspaceOf(request *v1alpha1.UserCredentialReset) v1alpha1.RecordedWorkspace {
	namespace := request.Spec.WorkspaceRef.Namespace
	if namespace == "" {
		namespace = request.Namespace
	}
	return v1alpha1.RecordedWorkspace{Namespace: namespace, Name: request.Spec.WorkspaceRef.Name}
}

// NewRecord is the record that claims the request's first attempt.
func NewRecord(request *v1alpha1.UserCredentialReset, target v1alpha1.Target, attempt v1alpha1.Attempt) *v1alpha1.ResetRecord {
	record := &v1alpha1.ResetRecord{
		Request: v1alpha1.RequestReference{
			Namespace: request.Namespace, Name: request.Name, UID: string(request.UID),
		},
		Workspace:     WorkspaceOf(request),
		Target:        target,
		Type:          request.Spec.Type,
		NotAfterTime:  request.Spec.NotAfterTime,
		Justification: request.Spec.Justification,
		RequestedBy:   request.Spec.RequestedBy,
		Attempts:      []v1alpha1.Attempt{attempt},
	}
	record.Name = RecordName(request.Namespace, request.Name)
	return record
}

// Approved is the record with who approved its request, if approval was needed.
func Approved(record *v1alpha1.ResetRecord, approval *v1alpha1.ResetApproval) *v1alpha1.ResetRecord {
	if approval != nil {
		record.Approval = &v1alpha1.RecordedApproval{ApprovedBy: approval.Spec.ApprovedBy, Message: approval.Spec.Message}
	}
	return record
}

// Attempt is the attempt with that id, nil if the record has none.
func Attempt(record *v1alpha1.ResetRecord, id string) *v1alpha1.Attempt {
	if i := IndexOf(record, id); i >= 0 {
		return &record.Attempts[i]
	}
	return nil
}

// IndexOf is the place of the attempt with that id, -1 if the record has none.
func IndexOf(record *v1alpha1.ResetRecord, id string) int {
	return slices.IndexFunc(record.Attempts, func(a v1alpha1.Attempt) bool { return a.ID == id })
}

// OpenAttempt is the attempt without a result, nil if there is none.
func OpenAttempt(record *v1alpha1.ResetRecord) *v1alpha1.Attempt {
	for i := range record.Attempts {
		if record.Attempts[i].Result == "" {
			return &record.Attempts[i]
		}
	}
	return nil
}

// Truth is what is known of the attempt by now: its result, or the late one.
func Truth(attempt *v1alpha1.Attempt) v1alpha1.AttemptResult {
	if attempt.LateResult != "" {
		return attempt.LateResult
	}
	return attempt.Result
}

// isFor says whether the record was made for this very request.
func isFor(record *v1alpha1.ResetRecord, request *v1alpha1.UserCredentialReset) bool {
	return sameName(record, request) && record.Request.UID == string(request.UID)
}

func sameName(record *v1alpha1.ResetRecord, request *v1alpha1.UserCredentialReset) bool {
	return record.Request.Namespace == request.Namespace && record.Request.Name == request.Name
}

// sameWish says whether the record was made for the same credential of the same
// user in the same workspace as the request asks for.
func sameWish(record *v1alpha1.ResetRecord, request *v1alpha1.UserCredentialReset) bool {
	return record.Type == request.Spec.Type && record.Workspace == WorkspaceOf(request) &&
		matches(record.Target, request.Spec.User)
}

// matches says whether the target is the user that was asked for.
func matches(target v1alpha1.Target, user v1alpha1.UserReference) bool {
	return (user.ID == "" || user.ID == target.UserID) && (user.Username == "" || user.Username == target.Username)
}

// IsSameClaim says whether the stored record holds the very claim that was to be
// stored: the attempt of that id, open, begun at the same time, and the same
// identity. An earlier write of the same claim has another time.
func IsSameClaim(stored, wanted *v1alpha1.ResetRecord, id string) bool {
	attempt, claim := Attempt(stored, id), Attempt(wanted, id)
	return attempt != nil && claim != nil && attempt.Result == "" &&
		attempt.StartTime.Equal(&claim.StartTime) && attempt.SecretResourceVersion == claim.SecretResourceVersion &&
		stored.Request == wanted.Request && stored.Workspace == wanted.Workspace &&
		stored.Target == wanted.Target && stored.Type == wanted.Type
}

// TakesLateResult says whether the result still adds something to an attempt that
// was given up.
func TakesLateResult(attempt *v1alpha1.Attempt, result Result) bool {
	return attempt.Result == v1alpha1.AttemptUnconfirmed && attempt.LateResult == "" &&
		result.Result != v1alpha1.AttemptUnconfirmed
}

// TakesReason says whether the result's reason is the graver one of two that both
// say Unconfirmed.
func TakesReason(attempt *v1alpha1.Attempt, result Result) bool {
	return attempt.Result == v1alpha1.AttemptUnconfirmed && attempt.LateResult == "" &&
		result == Result{Result: v1alpha1.AttemptUnconfirmed, Reason: v1alpha1.ReasonOwnResetSuspected} &&
		attempt.Reason != result.Reason
}
