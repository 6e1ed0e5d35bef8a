package advice

import (
	"slices"
	"testing"
	"time"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

func TestTurns(t *testing.T) {
	t.Parallel()
	waiting := func(reason string, minutes int) v1alpha1.UserCredentialReset {
		request := *requestSaying(reason)
		request.CreationTimestamp, request.Spec.NotAfterTime = at(minutes), at(90)
		return request
	}
	requests := []v1alpha1.UserCredentialReset{
		waiting(v1alpha1.ReasonBudgetExhausted, 3),
		waiting("", 1),
		waiting(v1alpha1.ReasonAwaitingApproval, 0),
		waiting(v1alpha1.ReasonRateLimited, 2),
		waiting(v1alpha1.ReasonWorkspaceSuspended, 0),
		waiting(v1alpha1.ReasonAttemptPending, 0),
		waiting(v1alpha1.ReasonRetrying, 4),
		waiting(v1alpha1.ReasonRetrying, 5),
	}
	// One at once, then one in each half hour; the window ends before the fourth.
	load := Load{Now: noon, Limits: []Limit{{Count: 1, Period: 30 * time.Minute}}}
	loads := map[v1alpha1.RecordedWorkspace]Load{{Namespace: "chats", Name: "chat"}: load}
	want := []string{"in 1h", "next", "after approval", "in 30m", "after repair", "now", "too late", "too late"}
	if got := Turns(noon, requests, loads); !slices.Equal(got, want) {
		t.Errorf("turns %q, want %q", got, want)
	}
	if got := Turns(noon, requests[:1], nil); got[0] != "next" {
		t.Errorf("where nothing is known, it is %q's turn", got)
	}
	if got, _ := InLine(v1alpha1.RecordedWorkspace{Namespace: "chats", Name: "chat"}, requests, nil); got != 5 {
		t.Errorf("%d are in line", got)
	}
}

// TestTurnsBeforeApproval are those at which users are looked up, who are then to be
// approved. They use up no budget.
func TestTurnsBeforeApproval(t *testing.T) {
	t.Parallel()
	workspace := v1alpha1.RecordedWorkspace{Namespace: "chats", Name: "chat"}
	waiting := func(reason string, minutes int, isResolved bool) v1alpha1.UserCredentialReset {
		request := *requestSaying(reason)
		request.CreationTimestamp, request.Spec.NotAfterTime = at(minutes), at(90)
		if !isResolved {
			request.Status.Target = nil
		}
		return request
	}
	requests := []v1alpha1.UserCredentialReset{
		waiting(v1alpha1.ReasonRateLimited, 1, false),
		waiting(v1alpha1.ReasonRateLimited, 2, true),
		waiting(v1alpha1.ReasonRateLimited, 3, false),
		waiting(v1alpha1.ReasonRateLimited, 4, true),
		waiting(v1alpha1.ReasonResetAccepted, 0, true),
		waiting(v1alpha1.ReasonAwaitingApproval, 0, true),
	}
	load := Load{
		Now: noon, Limits: []Limit{{Count: 1, Period: time.Minute, Calls: true}, {Count: 1, Period: 30 * time.Minute}},
		Approval: []v1alpha1.ResetType{v1alpha1.ResetTypeTOTP},
	}
	want := []string{"next, then approval", "in 1m", "in 31m, then approval", "in 32m", "", "after approval"}
	if got := Turns(noon, requests, map[v1alpha1.RecordedWorkspace]Load{workspace: load}); !slices.Equal(got, want) {
		t.Errorf("turns %q, want %q", got, want)
	}
	if got := Turns(noon, requests, nil); got[0] != "next, then approval" {
		t.Errorf("where only requests are seen, it is %q's turn", got)
	}
	if got := Turns(noon, requests[:1], nil); got[0] != "next" {
		t.Errorf("where nothing is seen, it is %q's turn", got)
	}
	if all, forApproval := InLine(workspace, requests, load.Approval); all != 4 || forApproval != 2 {
		t.Errorf("%d are in line, %d of them for approval", all, forApproval)
	}
}

func TestTally(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		outcomes []v1alpha1.Outcome
		says     string
		exit     int
	}{
		"nobody":         {nil, "none", ExitSucceeded},
		"all succeeded":  {[]v1alpha1.Outcome{v1alpha1.OutcomeSucceeded, v1alpha1.OutcomeSucceeded}, "2 succeeded", ExitSucceeded},
		"one is open":    {[]v1alpha1.Outcome{v1alpha1.OutcomeSucceeded, "", v1alpha1.OutcomeSkipped}, "1 succeeded, 1 skipped, 1 open", ExitTimeout},
		"one was lost":   {[]v1alpha1.Outcome{v1alpha1.OutcomeFailed, v1alpha1.OutcomeUnconfirmed, ""}, "1 failed, 1 unconfirmed, 1 open", ExitUnconfirmed},
		"one failed":     {[]v1alpha1.Outcome{v1alpha1.OutcomeFailed, ""}, "1 failed, 1 open", ExitFailed},
		"one is skipped": {[]v1alpha1.Outcome{v1alpha1.OutcomeSkipped}, "1 skipped", ExitSkipped},
		"one is gone":    {[]v1alpha1.Outcome{Gone, ""}, "1 deleted, 1 open", ExitUnconfirmed},
	} {
		var requests []v1alpha1.UserCredentialReset
		for _, outcome := range test.outcomes {
			requests = append(requests, v1alpha1.UserCredentialReset{Status: v1alpha1.UserCredentialResetStatus{Outcome: outcome}})
		}
		tally := Count(requests)
		if tally.String() != test.says || tally.Exit() != test.exit {
			t.Errorf("%s: %q and %d, want %q and %d", name, tally, tally.Exit(), test.says, test.exit)
		}
	}
}

func TestMayDecide(t *testing.T) {
	t.Parallel()
	const yes, no = v1alpha1.DecisionApproved, v1alpha1.DecisionDenied
	unresolved := requestSaying(v1alpha1.ReasonWorkspaceNotReady)
	unresolved.Status.Target = nil
	anonymous := requestSaying(v1alpha1.ReasonAwaitingApproval)
	anonymous.Spec.RequestedBy = ""
	for name, test := range map[string]struct {
		decision v1alpha1.Decision
		request  *v1alpha1.UserCredentialReset
		who      string
		may      bool
	}{
		"somebody else approves":       {yes, requestSaying(v1alpha1.ReasonAwaitingApproval), "rita", true},
		"the requester approves":       {yes, requestSaying(v1alpha1.ReasonAwaitingApproval), "ann", false},
		"the requester denies":         {no, requestSaying(v1alpha1.ReasonAwaitingApproval), "ann", true},
		"nobody asked, and approval":   {yes, anonymous, "rita", false},
		"nobody asked, and denial":     {no, anonymous, "rita", true},
		"it is not known who is meant": {yes, unresolved, "rita", false},
		"it has ended":                 {no, requestSaying(v1alpha1.ReasonResetAccepted), "rita", false},
	} {
		if err := MayDecide(test.decision, test.request, test.who); (err == nil) != test.may {
			t.Errorf("%s: %v", name, err)
		}
	}
	decision := Decide(yes, requestSaying(v1alpha1.ReasonAwaitingApproval), "rita", "seen")
	want := v1alpha1.ResetApprovalSpec{RequestName: "lost-phone", RequestUID: "1-2-3", UserID: "aXk9", Decision: yes, Message: "seen", ApprovedBy: "rita"}
	if decision.Spec != want || decision.Namespace != "support" {
		t.Errorf("the decision is %+v", decision)
	}
}

func TestAgain(t *testing.T) {
	t.Parallel()
	request := requestSaying(v1alpha1.ReasonResetAccepted)
	request.Spec.Justification, request.Labels = "TICKET-1", map[string]string{IncidentLabel: "breach"}
	wish, note := Again(request, noon, "", "ann")
	if wish.User != (v1alpha1.UserReference{ID: "aXk9"}) || wish.Justification != "TICKET-1" || note != "" || wish.Workspace != request.Spec.WorkspaceRef {
		t.Errorf("it asks for %+v (%s)", wish, note)
	}
	if label := wish.Request("again").Labels[IncidentLabel]; label != "breach" {
		t.Errorf("it is of the incident %q", label)
	}
	if name := NameAgain(request, wish, noon); name != "alice-totp-20260304-120000" {
		t.Errorf("it is called %s", name)
	}
	request.Status.Target = nil
	if wish, note = Again(request, noon, "TICKET-2", "ann"); wish.User.Username != "alice" || wish.Justification != "TICKET-2" || note == "" {
		t.Errorf("unresolved, it asks for %+v (%s)", wish, note)
	}
	for reason, asks := range map[string]bool{
		v1alpha1.ReasonResetAccepted: true, v1alpha1.ReasonOutcomeUnconfirmed: true, v1alpha1.ReasonAlreadyReset: true,
		v1alpha1.ReasonAlreadyCarriedOut: true, v1alpha1.ReasonDenied: true, v1alpha1.ReasonTargetUnconfirmed: true,
		v1alpha1.ReasonNotAfterTimePassed: false, v1alpha1.ReasonRestoredFromBackup: false,
	} {
		if got := AgainQuestion(requestSaying(reason), nil) != ""; got != asks {
			t.Errorf("%s is asked about: %t", reason, got)
		}
	}
	again, later, another := requestSaying(v1alpha1.ReasonNotAfterTimePassed), requestSaying(v1alpha1.ReasonRetrying), requestSaying(v1alpha1.ReasonRetrying)
	later.Name, later.CreationTimestamp, later.Spec.User = "again", at(5), v1alpha1.UserReference{ID: "aXk9"}
	another.Name, another.CreationTimestamp, another.Status.Target.UserID, another.Spec.User = "bob", at(6), "bT6h", v1alpha1.UserReference{ID: "bT6h"}
	others := []v1alpha1.UserCredentialReset{*again, *later, *another}
	if Later(again, others) != nil {
		t.Error("what belongs to no incident was asked for again")
	}
	for _, request := range []*v1alpha1.UserCredentialReset{again, &others[0], &others[1], &others[2]} {
		request.Labels = map[string]string{IncidentLabel: "breach"}
	}
	if got := Later(again, others); got == nil || got.Name != "again" {
		t.Errorf("it was asked for again by %v", got)
	}
	if Later(&others[1], others) != nil {
		t.Error("the last one was asked for again")
	}
	if got := AgainQuestion(again, &others[1]); got != "alice was asked for again already, by again (Retrying). Ask once more?" {
		t.Errorf("it asks %q", got)
	}
	others[1].Status.Outcome = v1alpha1.OutcomeFailed
	if got := AgainQuestion(again, &others[1]); got != "" {
		t.Errorf("where that failed, it asks %q", got)
	}
	if once := OncePerPerson(others); len(once) != 2 || once[0].Name != "again" || once[1].Name != "bob" {
		t.Errorf("once per person, it is %+v", once)
	}
	if MayAskAgain(requestSaying(v1alpha1.ReasonRetrying)) == nil {
		t.Error("an open request may be asked for again")
	}
}
