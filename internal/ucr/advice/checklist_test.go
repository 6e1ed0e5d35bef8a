package advice

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// workspaceSaying is a workspace whose Ready has the reason.
func workspaceSaying(reason string) *v1alpha1.RocketChatWorkspace {
	w := &v1alpha1.RocketChatWorkspace{
		ObjectMeta: metav1.ObjectMeta{Namespace: "chats", Name: "chat", Generation: 2},
		Spec: v1alpha1.RocketChatWorkspaceSpec{
			SecretRef: v1alpha1.SecretReference{Name: "token"}, AllowedTypes: []v1alpha1.ResetType{v1alpha1.ResetTypeTOTP},
		},
		Status: v1alpha1.RocketChatWorkspaceStatus{Host: "https://chat.example.com", Version: "8.6", AccountUsername: "bot", SecondFactorMethod: v1alpha1.SecondFactorTOTP},
	}
	if reason != "" {
		w.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Reason: reason, Message: "Repair it", ObservedGeneration: 2}}
	}
	return w
}

func TestChecklist(t *testing.T) {
	t.Parallel()
	bad := map[string]int{
		v1alpha1.ReasonProbing: 0, "": 0, v1alpha1.ReasonSuspended: 1,
		v1alpha1.ReasonSecretNotFound: 2, v1alpha1.ReasonSecretTypeWrong: 2, v1alpha1.ReasonSecretInvalid: 2,
		v1alpha1.ReasonServerUnreachable: 3, v1alpha1.ReasonTokenRejected: 4, v1alpha1.ReasonOwnResetSuspected: 4,
		v1alpha1.ReasonSecondFactorRejected: 5, v1alpha1.ReasonEmailCodeRequired: 5, v1alpha1.ReasonBypassTokenIgnored: 5,
		v1alpha1.ReasonPermissionMissing: 6, v1alpha1.ReasonApprovalPolicyMissing: 7, "SomethingNew": 8,
	}
	for reason, place := range bad {
		checks := Checklist(workspaceSaying(reason))
		for i, check := range checks {
			want := MarkGood
			if i == place {
				want = MarkBad
			} else if i > place {
				want = MarkUnknown
			}
			if check.Mark != want {
				t.Errorf("%q: %q is %s, want %s", reason, check.What, check.Mark, want)
			}
		}
		if IsHealthy(checks) {
			t.Errorf("%q is healthy", reason)
		}
		if reason != "" && checks[place].Note != "Repair it" {
			t.Errorf("%q does not say what to repair: %q", reason, checks[place].Note)
		}
	}
	connected := Checklist(workspaceSaying(v1alpha1.ReasonConnected))
	want := []Check{
		{MarkGood, "seen by the operator", ""},
		{MarkGood, "not suspended", ""},
		{MarkGood, "Secret can be used", "token"},
		{MarkGood, "server answers", "https://chat.example.com, Rocket.Chat 8.6"},
		{MarkGood, "token is accepted", "bot"},
		{MarkGood, "second factor is accepted", "TOTP"},
		{MarkGood, "account may reset what is allowed", "the server does not tell"},
		{MarkGood, "names of approvers are checked", "nothing needs approval"},
	}
	if diff := cmp.Diff(want, connected); diff != "" || !IsHealthy(connected) {
		t.Errorf("the list of a healthy one differs (-want +got):\n%s", diff)
	}
}

// TestEveryReasonOfAWorkspaceIsOnTheList: none falls through to the last line.
func TestEveryReasonOfAWorkspaceIsOnTheList(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{v1alpha1.ReasonConnected: true}
	for _, rung := range rungs() {
		for _, reason := range rung.reasons {
			listed[reason] = true
		}
	}
	after := false
	for _, reason := range reasons(t) {
		after = after || reason == v1alpha1.ReasonProbing
		if reason == v1alpha1.ReasonConnected {
			after = false
		}
		if after && !listed[reason] {
			t.Errorf("%s is on no line", reason)
		}
	}
}

// TestAnOldVerdictIsNone: after a change of the spec, what was said before is not
// believed.
func TestAnOldVerdictIsNone(t *testing.T) {
	t.Parallel()
	w := workspaceSaying(v1alpha1.ReasonConnected)
	w.Generation = 3
	if checks := Checklist(w); IsHealthy(checks) || checks[0].Mark != MarkBad {
		t.Errorf("it believes %+v", checks)
	}
}
