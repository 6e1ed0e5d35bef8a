package gitops

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/health"
	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// row is what others make of an object in one state.
type row struct {
	Argo    health.HealthStatusCode
	Kstatus status.Status
}

var (
	done     = row{health.HealthStatusHealthy, status.CurrentStatus}
	underWay = row{health.HealthStatusProgressing, status.InProgressStatus}
	paused   = row{health.HealthStatusSuspended, status.InProgressStatus}
	broken   = row{health.HealthStatusDegraded, status.FailedStatus}
)

// requestRows are the rows of a request by the reason of Succeeded. They are written
// out here and not taken from the product: they are what others build on.
func requestRows() map[string]row {
	return rowsOf(map[row][]string{
		paused: {"AwaitingApproval", "WorkspaceSuspended", "SecondFactorRequired"},
		underWay: {
			"WorkspaceNotAvailable", "WorkspaceNotReady", "TypeNotAllowed", "TypeNotAvailable", "PermissionMissing", "RateLimited",
			"BudgetExhausted", "TargetBusy", "Retrying", "AttemptPending", "Concluding",
		},
		done: {"ResetAccepted", "CreatedAfterNotAfterTime", "RestoredFromBackup", "AlreadyCarriedOut", "AlreadyReset"},
		broken: {
			"UserNotFound", "UserMismatch", "UserFederated", "UserProtected", "Denied", "RequesterUnknown", "NotAfterTimePassed",
			"ValidityTooLong", "TargetChanged", "HookNotSupported", "RefusedByServer", "AttemptsExhausted", "NameAlreadyUsed",
			"TargetUnconfirmed", "OutcomeUnconfirmed", "OwnResetSuspected", "RecordLost",
		},
	})
}

// workspaceRows are the rows of a workspace by the reason of Ready.
func workspaceRows() map[string]row {
	return rowsOf(map[row][]string{
		done:     {"Connected"},
		paused:   {"Suspended"},
		underWay: {"Probing", "SecretNotFound", "ServerUnreachable"},
		broken: {
			"SecretTypeWrong", "SecretInvalid", "TokenRejected", "EmailCodeRequired", "SecondFactorRejected", "PermissionMissing",
			"BypassTokenIgnored", "OwnResetSuspected", "ApprovalPolicyMissing",
		},
	})
}

func rowsOf(reasons map[row][]string) map[string]row {
	rows := map[string]row{}
	for row, named := range reasons {
		for _, reason := range named {
			rows[reason] = row
		}
	}
	return rows
}

// documented are the reasons in the catalogue that conditions of the kind have.
func documented(t *testing.T, kind string) []string {
	t.Helper()
	text, err := os.ReadFile("../../docs/reasons.md")
	if err != nil {
		t.Fatal(err)
	}
	var reasons []string
	for section := range strings.SplitSeq(string(text), "\n## ") {
		title, table, _ := strings.Cut(section, "\n")
		ofRequests, ofWorkspaces := strings.HasPrefix(title, "Reasons of a request "), strings.HasPrefix(title, "Reasons of a workspace's Ready")
		for _, line := range regexp.MustCompile("(?m)^\\| `([A-Za-z]+)` .*$").FindAllStringSubmatch(table, -1) {
			shared := strings.Contains(line[0], "also a reason of a workspace's Ready")
			if kind == "UserCredentialReset" && ofRequests || kind == "RocketChatWorkspace" && (ofWorkspaces || shared) {
				reasons = append(reasons, line[1])
			}
		}
	}
	slices.Sort(reasons)
	return reasons
}

// reasonOf is the reason of the condition that leads the others.
func reasonOf(t *testing.T, object *unstructured.Unstructured, leading string) string {
	t.Helper()
	conditions, _, err := unstructured.NestedSlice(object.Object, "status", "conditions")
	if err != nil {
		t.Fatal(err)
	}
	for _, each := range conditions {
		if condition, ok := each.(map[string]any); ok && condition["type"] == leading {
			reason, _, err := unstructured.NestedString(condition, "reason")
			if err != nil {
				t.Fatal(err)
			}
			return reason
		}
	}
	return ""
}

// TestEveryReason holds what Argo CD and kstatus make of each reason against the rows,
// and the rows against the catalogue: a reason that is forgotten in any of the three
// fails.
func TestEveryReason(t *testing.T) {
	t.Parallel()
	for kind, table := range map[string]struct {
		leading string
		rows    map[string]row
	}{
		"UserCredentialReset": {"Succeeded", requestRows()},
		"RocketChatWorkspace": {"Ready", workspaceRows()},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(documented(t, kind), slices.Sorted(maps.Keys(table.rows))); diff != "" {
				t.Errorf("reasons in the catalogue and in the table (-catalogue +table):\n%s", diff)
			}
			folder := filepath.Join(shipped, ownScripts, kind)
			got := map[string]row{}
			for _, test := range healthCases(t, folder) {
				object := readObject(t, filepath.Join(folder, test.InputPath))
				reason := reasonOf(t, object, table.leading)
				computed, err := status.Compute(object)
				if err != nil {
					t.Fatal(err)
				}
				seen := row{test.HealthStatus.Status, computed.Status}
				switch name := strings.TrimSuffix(filepath.Base(test.InputPath), ".yaml"); name {
				case "unseen", "older-generation":
					if seen != underWay {
						t.Errorf("what the operator has not seen is %v, want %v", seen, underWay)
					}
				case "without-status":
					if seen.Argo != underWay.Argo {
						t.Errorf("without a status it is %s, want %s", seen.Argo, underWay.Argo)
					}
				case "late-refusal":
					if seen != broken {
						t.Errorf("what turned out to be refused is %v, want %v", seen, broken)
					}
				default:
					if before, known := got[reason]; known && before != seen {
						t.Errorf("with the reason %s it is %v and also %v", reason, before, seen)
					}
					got[reason] = seen
				}
			}
			if diff := cmp.Diff(table.rows, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
}
