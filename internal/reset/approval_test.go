package reset

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// approvalOf is an approval of the request and the user of these tests.
func approvalOf(change func(*v1alpha1.ResetApproval)) v1alpha1.ResetApproval {
	a := v1alpha1.ResetApproval{
		ObjectMeta: metav1.ObjectMeta{Namespace: "support", Name: "yes", CreationTimestamp: at(-30 * time.Second)},
		Spec: v1alpha1.ResetApprovalSpec{
			RequestName: "lost-phone", RequestUID: "uid-1", UserID: aliceID, Decision: v1alpha1.DecisionApproved,
			ApprovedBy: "rita", Message: "seen the passport",
		},
	}
	if change != nil {
		change(&a)
	}
	return a
}

// approved is an observation of a request that needs approval and has it.
func approved() Observation {
	o := resolved()
	o.Workspace.Spec.ApprovalRequiredTypes = []v1alpha1.ResetType{v1alpha1.ResetTypeTOTP}
	o.Request.Spec.RequestedBy = "ann"
	o.NamesTrustedSince = now().Add(-time.Hour)
	o.Approvals = []v1alpha1.ResetApproval{approvalOf(nil)}
	return o
}

func instead(change func(*v1alpha1.ResetApproval)) func(*Observation) {
	return func(o *Observation) { o.Approvals = []v1alpha1.ResetApproval{approvalOf(change)} }
}

func beside(change func(*v1alpha1.ResetApproval)) func(*Observation) {
	return func(o *Observation) { o.Approvals = append(o.Approvals, approvalOf(change)) }
}

func TestDecideFromApprovals(t *testing.T) {
	t.Parallel()
	const waits, denied = v1alpha1.ReasonAwaitingApproval, v1alpha1.ReasonDenied
	deny := func(a *v1alpha1.ResetApproval) { a.Spec.Decision = v1alpha1.DecisionDenied }
	checkDecide(t, approved, map[string]decideCase{
		"an approved request is attempted":            {nil, StepAttempt, "", 0},
		"nobody has approved yet":                     {func(o *Observation) { o.Approvals = nil }, StepReport, waits, 0},
		"an approval of somebody else":                {instead(func(a *v1alpha1.ResetApproval) { a.Spec.UserID = "bobID" }), StepReport, waits, 0},
		"an approval of an earlier request":           {instead(func(a *v1alpha1.ResetApproval) { a.Spec.RequestUID = "uid-0" }), StepReport, waits, 0},
		"an approval of a request of another name":    {instead(func(a *v1alpha1.ResetApproval) { a.Spec.RequestName = "other" }), StepReport, waits, 0},
		"an approval in another namespace":            {instead(func(a *v1alpha1.ResetApproval) { a.Namespace = "other" }), StepReport, waits, 0},
		"an approval by nobody":                       {instead(func(a *v1alpha1.ResetApproval) { a.Spec.ApprovedBy = "" }), StepReport, waits, 0},
		"an approval by the requester":                {instead(func(a *v1alpha1.ResetApproval) { a.Spec.ApprovedBy = "ann" }), StepReport, waits, 0},
		"an approval that is being deleted":           {instead(func(a *v1alpha1.ResetApproval) { a.DeletionTimestamp = atPointer(0) }), StepReport, waits, 0},
		"an approval from before names were checked":  {instead(func(a *v1alpha1.ResetApproval) { a.CreationTimestamp = at(-2 * time.Hour) }), StepReport, waits, 0},
		"a decision that is neither yes nor no":       {instead(func(a *v1alpha1.ResetApproval) { a.Spec.Decision = "Perhaps" }), StepReport, waits, 0},
		"the right approval beside a wrong one":       {beside(func(a *v1alpha1.ResetApproval) { a.Spec.UserID = "bobID" }), StepAttempt, "", 0},
		"a denial ends the request":                   {instead(deny), StepReport, denied, 0},
		"a denial beside an approval ends it too":     {beside(deny), StepReport, denied, 0},
		"a denial of an earlier request is no denial": {beside(func(a *v1alpha1.ResetApproval) { deny(a); a.Spec.RequestUID = "uid-0" }), StepAttempt, "", 0},
		"a denial counts whoever it was thought to mean, and whoever says it": {beside(func(a *v1alpha1.ResetApproval) {
			deny(a)
			a.Spec.UserID, a.Spec.ApprovedBy = "bobID", ""
		}), StepReport, denied, 0},
		"a denial counts before anybody knows who is meant": {func(o *Observation) {
			beside(deny)(o)
			o.Target, o.NamesTrustedSince = nil, time.Time{}
		}, StepReport, denied, 0},
		"who is meant is found out first": {func(o *Observation) {
			o.Target, o.Approvals = nil, nil
		}, StepAttempt, "", 0},
		"a request of nobody fails": {func(o *Observation) { o.Request.Spec.RequestedBy = "" }, StepReport, v1alpha1.ReasonRequesterUnknown, 0},
		"a request from before names were checked fails": {func(o *Observation) {
			o.NamesTrustedSince = now().Add(-45 * time.Second)
		}, StepReport, v1alpha1.ReasonRequesterUnknown, 0},
		"names that nobody checks are not trusted": {func(o *Observation) {
			o.NamesTrustedSince = time.Time{}
		}, StepReport, v1alpha1.ReasonWorkspaceNotReady, 0},
		"another type needs none": {func(o *Observation) {
			o.Request.Spec.Type, o.NamesTrustedSince = v1alpha1.ResetTypeE2EKey, time.Time{}
			instead(deny)(o)
		}, StepAttempt, "", 0},
		"a protected user is not even asked for": {func(o *Observation) {
			o.Workspace.Spec.ProtectedUserIDs, o.Approvals = []string{aliceID}, nil
		}, StepReport, v1alpha1.ReasonUserProtected, 0},
	})
}

// TestClaimedLooksAtApprovals covers what approvers decide while the claim is being
// stored.
func TestClaimedLooksAtApprovals(t *testing.T) {
	t.Parallel()
	if result, withheld := Claimed(approved()); withheld {
		t.Errorf("an approved call is withheld: %+v", result)
	}
	for reason, change := range map[string]func(*Observation){
		v1alpha1.ReasonDenied:            instead(func(a *v1alpha1.ResetApproval) { a.Spec.Decision = v1alpha1.DecisionDenied }),
		v1alpha1.ReasonAwaitingApproval:  func(o *Observation) { o.Approvals = nil },
		v1alpha1.ReasonWorkspaceNotReady: func(o *Observation) { o.NamesTrustedSince = time.Time{} },
	} {
		o := approved()
		change(&o)
		want := Result{Result: v1alpha1.AttemptNotSent, Reason: reason}
		if got, withheld := Claimed(o); !withheld || got != want {
			t.Errorf("got %+v, withheld %t; want %+v", got, withheld, want)
		}
	}
}

// TestARecordTellsWhoApproved takes the oldest of two approvals.
func TestARecordTellsWhoApproved(t *testing.T) {
	t.Parallel()
	o := approved()
	beside(func(a *v1alpha1.ResetApproval) { a.Spec.ApprovedBy, a.CreationTimestamp = "rob", at(-50*time.Second) })(&o)
	record := Approved(NewRecord(o.Request, o.Target.Target, v1alpha1.Attempt{}), o.Approval())
	if diff := cmp.Diff(&v1alpha1.RecordedApproval{ApprovedBy: "rob", Message: "seen the passport"}, record.Approval); diff != "" {
		t.Errorf("approval (-want +got):\n%s", diff)
	}
	if record.RequestedBy != "ann" {
		t.Errorf("requestedBy is %q", record.RequestedBy)
	}
	o.Request.Spec.Type = v1alpha1.ResetTypeE2EKey
	if record := Approved(NewRecord(o.Request, o.Target.Target, v1alpha1.Attempt{}), o.Approval()); record.Approval != nil {
		t.Errorf("an approval that was not needed is recorded: %+v", record.Approval)
	}
}

// TestTheCommandOfAnApprovalIsSafeToPaste has a server that names ids which a shell
// would understand.
func TestTheCommandOfAnApprovalIsSafeToPaste(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"x'; rm -rf ~; '", "$(id)", "`id`", `a"b`, "a\\b", "-a", "", "a b", "ä"} {
		o := approved()
		o.Approvals = nil
		o.Target.UserID = id
		if message := Decide(o).Verdict.Message; strings.Contains(message, "echo") {
			t.Errorf("for the id %q, the message shows %q", id, message)
		}
	}
	o := approved()
	o.Approvals = nil
	if message := Decide(o).Verdict.Message; !strings.Contains(message, `"userID":"aliceID"`) {
		t.Errorf("no command in %q", message)
	}
}
