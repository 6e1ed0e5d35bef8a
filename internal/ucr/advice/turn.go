package advice

import (
	"cmp"
	"slices"
	"time"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

// Turns estimates when each of the open requests is carried out, in the order in
// which they are given. Loads are those of the workspaces as far as they are known;
// the others are taken to have but the limiter.
func Turns(now time.Time, requests []v1alpha1.UserCredentialReset, loads map[v1alpha1.RecordedWorkspace]Load) []string {
	turns := make([]string, len(requests))
	lines := map[v1alpha1.RecordedWorkspace][]int{}
	for i := range requests {
		if text := notInLine(&requests[i]); text != "" || requests[i].Status.Outcome != "" {
			turns[i] = text
			continue
		}
		at := reset.WorkspaceOf(&requests[i])
		lines[at] = append(lines[at], i)
	}
	for at, line := range lines {
		slices.SortStableFunc(line, func(a, b int) int {
			x, y := requests[a], requests[b]
			return cmp.Or(x.CreationTimestamp.Compare(y.CreationTimestamp.Time), cmp.Compare(x.Name, y.Name))
		})
		load, known := loads[at]
		if !known {
			load = Load{Now: now, Limits: []Limit{DefaultLimiter()}, Approval: ApprovalTypes(at, nil, requests)}
		}
		ahead := load.timeline()
		for _, place := range line {
			request := &requests[place]
			if isForApproval(request, load.Approval) {
				turns[place] = turn(now, ahead.lookUp(), request) + ", then approval"
				continue
			}
			turns[place] = turn(now, ahead.begin(), request)
		}
	}
	return turns
}

// isForApproval says whether the request is looked up next, to be shown to somebody who
// approves it.
func isForApproval(request *v1alpha1.UserCredentialReset, types []v1alpha1.ResetType) bool {
	return request.Status.Target == nil && slices.Contains(types, request.Spec.Type)
}

// ApprovalTypes are the types that take an approval at the workspace. If that may not be
// read (nil), requests tell that wait for one.
func ApprovalTypes(at v1alpha1.RecordedWorkspace, w *v1alpha1.RocketChatWorkspace, requests []v1alpha1.UserCredentialReset) []v1alpha1.ResetType {
	if w != nil {
		return w.Spec.ApprovalRequiredTypes
	}
	var types []v1alpha1.ResetType
	for i := range requests {
		request := &requests[i]
		if reset.WorkspaceOf(request) == at && ReasonOf(request) == v1alpha1.ReasonAwaitingApproval {
			types = append(types, request.Spec.Type)
		}
	}
	return types
}

// notInLine is why the request waits for no turn, "" if it does.
func notInLine(request *v1alpha1.UserCredentialReset) string {
	switch guideOf(request).waits {
	case waitsForApproval:
		return "after approval"
	case waitsForRepair:
		return "after repair"
	case waitsForNothing:
		return "now"
	case waitsForTurn:
	}
	return ""
}

func turn(now, start time.Time, request *v1alpha1.UserCredentialReset) string {
	switch wait := start.Sub(now); {
	case start.After(request.Spec.NotAfterTime.Add(-reserve)):
		return "too late"
	case wait < time.Second:
		return "next"
	case wait < time.Minute:
		return "in " + Span(wait)
	default:
		return "in " + Span(wait.Round(time.Minute))
	}
}

// DefaultLimiter is what Rocket.Chat lets pass unless told otherwise.
func DefaultLimiter() Limit { return Limit{Count: 10, Period: time.Minute, Calls: true} }

// BudgetOf is the workspace's budget as a limit.
func BudgetOf(w *v1alpha1.RocketChatWorkspace) Limit {
	count, period := reset.BudgetOf(w)
	return Limit{Count: count, Period: period}
}

// BegunOf is when attempts through the workspace began, by its records.
func BegunOf(at v1alpha1.RecordedWorkspace, records []v1alpha1.ResetRecord) []time.Time {
	var begun []time.Time
	for i := range records {
		if records[i].Workspace != at {
			continue
		}
		for j := range records[i].Attempts {
			begun = append(begun, records[i].Attempts[j].StartTime.Time)
		}
	}
	return begun
}

// BegunBy is when resets through the workspace ended, by the requests that can be
// seen: a lower bound for what the budget has let pass.
func BegunBy(at v1alpha1.RecordedWorkspace, requests []v1alpha1.UserCredentialReset) []time.Time {
	var begun []time.Time
	for i := range requests {
		status := requests[i].Status
		if reset.WorkspaceOf(&requests[i]) == at && status.RecordRef != nil && status.CompletionTime != nil {
			begun = append(begun, status.CompletionTime.Time)
		}
	}
	return begun
}

// Within are the times that lie within the last period.
func Within(times []time.Time, period time.Duration, now time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(times), func(t time.Time) bool { return !t.After(now.Add(-period)) })
}

// InLine counts the requests that wait for their turn at the workspace, and those of
// them that wait for another one after it, as their types take an approval.
func InLine(at v1alpha1.RecordedWorkspace, requests []v1alpha1.UserCredentialReset, types []v1alpha1.ResetType) (all, forApproval int) {
	for i := range requests {
		request := &requests[i]
		if request.Status.Outcome != "" || reset.WorkspaceOf(request) != at || notInLine(request) != "" {
			continue
		}
		all++
		if isForApproval(request, types) {
			forApproval++
		}
	}
	return all, forApproval
}
