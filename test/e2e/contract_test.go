package e2e

import (
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// row is a row of the table of conditions: what an object says in one state.
type row struct {
	Outcome     v1alpha1.Outcome
	Conditions  map[string]metav1.ConditionStatus
	FinishedFor string // the reason of Finished
	Kstatus     status.Status
}

func requestRow(outcome v1alpha1.Outcome, succeeded metav1.ConditionStatus, kstatus status.Status) row {
	r := row{Outcome: outcome, FinishedFor: string(outcome), Kstatus: kstatus, Conditions: map[string]metav1.ConditionStatus{
		"Succeeded": succeeded, "Finished": metav1.ConditionTrue,
	}}
	switch kstatus {
	case status.InProgressStatus:
		r.FinishedFor = "InProgress"
		r.Conditions["Finished"] = metav1.ConditionFalse
		r.Conditions["Reconciling"] = metav1.ConditionTrue
	case status.FailedStatus:
		r.Conditions["Stalled"] = metav1.ConditionTrue
	case status.CurrentStatus, status.TerminatingStatus, status.NotFoundStatus, status.UnknownStatus:
	}
	return r
}

// unmet is the reason of a workspace before the end of its first probe. It may be
// said, but need not: most are probed before anything is written.
const unmet = "Probing"

// requestRows are the states of a request by the reason of Succeeded. They are
// written out here and not taken from the product: they are what others build on.
func requestRows() map[string]row {
	rows := map[string]row{}
	add := func(r row, reasons ...string) {
		for _, reason := range reasons {
			rows[reason] = r
		}
	}
	add(requestRow("", "Unknown", status.InProgressStatus),
		"AwaitingApproval", "WorkspaceSuspended", "SecondFactorRequired", "WorkspaceNotAvailable", "WorkspaceNotReady", "TypeNotAllowed",
		"TypeNotAvailable", "PermissionMissing", "RateLimited", "TargetBusy", "Retrying", "AttemptPending", "Concluding")
	add(requestRow("Succeeded", "True", status.CurrentStatus), "ResetAccepted")
	add(requestRow("Skipped", "False", status.CurrentStatus),
		"CreatedAfterNotAfterTime", "RestoredFromBackup", "AlreadyCarriedOut", "AlreadyReset")
	add(requestRow("Failed", "False", status.FailedStatus),
		"UserNotFound", "UserMismatch", "UserFederated", "UserProtected", "Denied", "RequesterUnknown", "NotAfterTimePassed", "ValidityTooLong",
		"TargetChanged", "HookNotSupported", "RefusedByServer", "AttemptsExhausted", "NameAlreadyUsed", "TargetUnconfirmed")
	add(requestRow("Unconfirmed", "Unknown", status.FailedStatus), "OutcomeUnconfirmed", "OwnResetSuspected", "RecordLost")
	return rows
}

// workspaceRows are the states of a workspace by the reason of Ready.
func workspaceRows() map[string]row {
	rows := map[string]row{
		"Connected": {Kstatus: status.CurrentStatus, Conditions: map[string]metav1.ConditionStatus{"Ready": "True"}},
		"Suspended": {Kstatus: status.InProgressStatus, Conditions: map[string]metav1.ConditionStatus{"Ready": "False"}},
		unmet: {Kstatus: status.InProgressStatus, Conditions: map[string]metav1.ConditionStatus{
			"Ready": "Unknown", "Reconciling": "True",
		}},
	}
	for _, reason := range []string{"SecretNotFound", "ServerUnreachable"} {
		rows[reason] = row{Kstatus: status.InProgressStatus, Conditions: map[string]metav1.ConditionStatus{
			"Ready": "False", "Reconciling": "True",
		}}
	}
	for _, reason := range []string{
		"SecretTypeWrong", "SecretInvalid", "TokenRejected", "EmailCodeRequired", "SecondFactorRejected",
		"PermissionMissing", "BypassTokenIgnored", "OwnResetSuspected", "ApprovalPolicyMissing",
	} {
		rows[reason] = row{Kstatus: status.FailedStatus, Conditions: map[string]metav1.ConditionStatus{
			"Ready": "False", "Stalled": "True",
		}}
	}
	return rows
}

// checkContract holds an object, as it was read from the API server, against the
// row for its reason, kstatus included. What the operator has not seen yet is in
// progress.
func checkContract(t *testing.T, read *unstructured.Unstructured) {
	t.Helper()
	var seen struct {
		Status struct {
			ObservedGeneration int64              `json:"observedGeneration"`
			Outcome            v1alpha1.Outcome   `json:"outcome"`
			Conditions         []metav1.Condition `json:"conditions"`
		} `json:"status"`
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(read.Object, &seen); err != nil {
		t.Fatal(err)
	}
	rows, leading := requestRows(), "Succeeded"
	switch read.GetKind() {
	case "ResetRecord", "ResetApproval":
		return
	case "RocketChatWorkspace":
		rows, leading = workspaceRows(), "Ready"
	}
	computed, err := status.Compute(read)
	if err != nil {
		t.Fatalf("kstatus: %v", err)
	}
	said := meta.FindStatusCondition(seen.Status.Conditions, leading)
	if said == nil || seen.Status.ObservedGeneration < read.GetGeneration() {
		if seen.Status.ObservedGeneration == read.GetGeneration() || computed.Status != status.InProgressStatus {
			t.Errorf("%s is unseen: observedGeneration %d of %d, kstatus %s",
				read.GetName(), seen.Status.ObservedGeneration, read.GetGeneration(), computed.Status)
		}
		return
	}
	want, known := rows[said.Reason]
	if !known {
		t.Errorf("%s has the reason %q, which is not in the table", read.GetName(), said.Reason)
		return
	}
	got := row{Outcome: seen.Status.Outcome, Kstatus: computed.Status, Conditions: map[string]metav1.ConditionStatus{}}
	for _, condition := range seen.Status.Conditions {
		got.Conditions[condition.Type] = condition.Status
		if condition.Type == "Finished" {
			got.FinishedFor = condition.Reason
		}
		if condition.ObservedGeneration != read.GetGeneration() || condition.Message == "" {
			t.Errorf("%s: condition %+v at generation %d", read.GetName(), condition, read.GetGeneration())
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s with the reason %s (-want +got):\n%s", read.GetName(), said.Reason, diff)
		return
	}
	suiteOf.see(read.GetKind(), said.Reason)
}
