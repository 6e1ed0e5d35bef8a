package reset

import (
	"hash/fnv"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// The limits that a decision knows.
const (
	// MaxValidity is the longest time from a request's creation to notAfterTime.
	MaxValidity = 7 * 24 * time.Hour
	// MaxAttempts is the number of attempts that a record may hold.
	MaxAttempts = 5
	// SendWindow is how long after the beginning of its claim a call may be sent.
	SendWindow = 10 * time.Second
	// MaxRequestTimeout is the longest time that a workspace may take to answer.
	MaxRequestTimeout = 15 * time.Second
)

const (
	hookArgoCD      = "argocd.argoproj.io/hook"
	hookHelm        = "helm.sh/hook"
	labelVelero     = "velero.io/restore-name"
	recheckInterval = 30 * time.Second
	maxYield        = 20 * time.Second
	spreadSteps     = 20
	// codePause is the time step of a code, and what a recorded time is cut short by.
	codePause = 31 * time.Second
)

// Step is what to do next about a request.
type Step int

// The steps.
const (
	// StepNone means that nothing is to be done now.
	StepNone Step = iota + 1
	// StepReport means that the status is to say the verdict.
	StepReport
	// StepAttempt means that a reset is to be attempted.
	StepAttempt
	// StepDelete means that the request has outlived its use.
	StepDelete
)

// Decision is the next step for a request.
type Decision struct {
	Step    Step
	Verdict Verdict       // for StepReport
	After   time.Duration // when to look again at the latest; zero means on change only
}

// Observation is everything that a decision may look at. Times are those of the
// API server's clock.
type Observation struct {
	Now     time.Time
	Request *v1alpha1.UserCredentialReset
	// Record is the record under the request's record name, nil if there is none.
	// If the status refers to a record, nil means that it provably is gone.
	Record *v1alpha1.ResetRecord
	// Attempted says that there was a record, whatever the status tells.
	Attempted bool
	// Workspace is the workspace that the request points to, nil if there is none.
	Workspace *v1alpha1.RocketChatWorkspace
	// Health is what is known of the workspace's connection.
	Health Health
	// Target is whom the request was resolved to, nil if that is not known yet.
	Target *Resolved
	// Approvals are the decisions of approvers about a request of this name; they
	// are looked at only where the workspace requires approval.
	Approvals []v1alpha1.ResetApproval
	// NamesTrustedSince is since when the API server lets nobody write another name
	// than their own into requests and approvals; zero if it does.
	NamesTrustedSince time.Time
	// Rivals are the other records for the target's user id.
	Rivals []v1alpha1.ResetRecord
	// BudgetFreeAt is when the workspace's budget lets another attempt begin; zero, or
	// past, if it does now.
	BudgetFreeAt time.Time
	// RetryAfter is when a try that failed before its claim may be repeated.
	RetryAfter time.Time
}

// Resolved is the user that the workspace named for a request.
type Resolved struct {
	v1alpha1.Target
	Federated bool
}

// Decide says what to do next about a request. The questions are asked in this
// order; the first one with an answer decides.
func Decide(o Observation) Decision {
	if !o.Request.DeletionTimestamp.IsZero() {
		return Decision{Step: StepNone}
	}
	if o.Request.Status.Outcome != "" {
		return finished(o)
	}
	questions := []func(Observation) (Decision, bool){
		recorded, recordLost, hook, outOfTime, workspace, target, approval, ready, busy, budget, retry, withdrawn,
	}
	for _, ask := range questions {
		if decision, decided := ask(o); decided {
			return untilExpiry(o, decision)
		}
	}
	return Decision{Step: StepAttempt}
}

func report(reason string) (Decision, bool) {
	return Decision{Step: StepReport, Verdict: VerdictOf(reason)}, true
}

func reportAfter(reason string, after time.Duration) (Decision, bool) {
	return Decision{Step: StepReport, Verdict: VerdictOf(reason), After: after}, true
}

// untilExpiry makes sure that a request that waits ends when its time is up.
func untilExpiry(o Observation, decision Decision) Decision {
	if decision.Step == StepReport && decision.Verdict.Outcome != "" {
		return decision
	}
	left := o.Request.Spec.NotAfterTime.Sub(o.Now) + time.Second
	if left > 0 && (decision.After == 0 || left < decision.After) {
		decision.After = left
	}
	return decision
}

// finished keeps a request as it ended. Only its own record may still turn
// Unconfirmed into the truth, and only a lost or outdated status is written anew.
func finished(o Observation) Decision {
	status := o.Request.Status
	known := Verdict{Outcome: status.Outcome}
	if o.Record != nil && isFor(o.Record, o.Request) {
		if v, final := recordVerdict(o.Record); final {
			known = v
		}
	}
	lateTruth := status.Outcome == v1alpha1.OutcomeUnconfirmed &&
		(known.Outcome == v1alpha1.OutcomeSucceeded || known.Outcome == v1alpha1.OutcomeFailed)
	if lateTruth {
		return Decision{Step: StepReport, Verdict: known}
	}
	if said, ok := saidBefore(o.Request); ok {
		if isStamped(o.Request) {
			return expired(o)
		}
		return Decision{Step: StepReport, Verdict: said}
	}
	if known.Outcome == status.Outcome && known.Reason != "" {
		return Decision{Step: StepReport, Verdict: known}
	}
	return Decision{Step: StepNone}
}

// expired deletes a finished request whose time to live is over, unless somebody
// still has to look at it. Before notAfterTime it stays: created anew by then, it
// would be carried out again but for its record.
func expired(o Observation) Decision {
	status, ttl := o.Request.Status, o.Request.Spec.TTLSecondsAfterFinished
	ended := status.Outcome == v1alpha1.OutcomeSucceeded || status.Outcome == v1alpha1.OutcomeFailed
	if ttl == nil || !ended || status.CompletionTime == nil {
		return Decision{Step: StepNone}
	}
	due := later(status.CompletionTime.Add(time.Duration(*ttl)*time.Second), o.Request.Spec.NotAfterTime.Add(time.Second))
	if left := due.Sub(o.Now); left > 0 {
		return Decision{Step: StepNone, After: left}
	}
	return Decision{Step: StepDelete}
}

// hook refuses what is created anew at every sync. The record is asked first: the
// annotation may have been added to a request that was carried out.
func hook(o Observation) (Decision, bool) {
	_, argo := o.Request.Annotations[hookArgoCD]
	_, helm := o.Request.Annotations[hookHelm]
	if argo || helm {
		return report(v1alpha1.ReasonHookNotSupported)
	}
	return Decision{}, false
}

// recorded answers from the record of the request's name.
func recorded(o Observation) (Decision, bool) {
	if o.Record == nil {
		return Decision{}, false
	}
	if !isFor(o.Record, o.Request) {
		return recordedForAnother(o)
	}
	if OpenAttempt(o.Record) != nil {
		return reportAfter(v1alpha1.ReasonAttemptPending, recheckInterval)
	}
	if v, final := recordVerdict(o.Record); final {
		return Decision{Step: StepReport, Verdict: v}, true
	}
	return Decision{}, false
}

// recordVerdict is the verdict of a record after which its request never claims
// again: of a truth or a loss, of a refusal for good, or of too many attempts.
func recordVerdict(record *v1alpha1.ResetRecord) (Verdict, bool) {
	if v, final := finalVerdict(record); final {
		return v, true
	}
	if OpenAttempt(record) != nil {
		return Verdict{}, false
	}
	last := &record.Attempts[len(record.Attempts)-1]
	if v, known := lookUp(last.Reason); known && v.Outcome != "" {
		return v, true
	}
	return VerdictOf(v1alpha1.ReasonAttemptsExhausted), len(record.Attempts) >= MaxAttempts
}

// finalVerdict is the verdict of a record in which an attempt succeeded, was lost
// or turned out late to have done nothing.
func finalVerdict(record *v1alpha1.ResetRecord) (Verdict, bool) {
	for i := range record.Attempts {
		attempt := &record.Attempts[i]
		switch {
		case Truth(attempt) == v1alpha1.AttemptSucceeded:
			return VerdictOf(v1alpha1.ReasonResetAccepted), true
		case attempt.LateResult != "":
			return lateFailure(attempt.Reason), true
		case attempt.Result == v1alpha1.AttemptUnconfirmed && attempt.Reason == v1alpha1.ReasonOwnResetSuspected:
			return VerdictOf(v1alpha1.ReasonOwnResetSuspected), true
		case attempt.Result == v1alpha1.AttemptUnconfirmed:
			return VerdictOf(v1alpha1.ReasonOutcomeUnconfirmed), true
		}
	}
	return Verdict{}, false
}

// recordedForAnother answers from the record of an earlier request of the same
// name: this one never claims.
func recordedForAnother(o Observation) (Decision, bool) {
	if !sameName(o.Record, o.Request) {
		return report(v1alpha1.ReasonNameAlreadyUsed)
	}
	if OpenAttempt(o.Record) != nil {
		return reportAfter(v1alpha1.ReasonTargetBusy, recheckInterval)
	}
	v, _ := finalVerdict(o.Record)
	switch {
	case v.Outcome == v1alpha1.OutcomeUnconfirmed:
		return report(v1alpha1.ReasonOutcomeUnconfirmed)
	case v.Outcome == v1alpha1.OutcomeSucceeded && sameWish(o.Record, o.Request):
		return report(v1alpha1.ReasonAlreadyCarriedOut)
	}
	return report(v1alpha1.ReasonNameAlreadyUsed)
}

// recordLost answers for a request that remembers a record which is gone.
func recordLost(o Observation) (Decision, bool) {
	if o.Record == nil && (o.Attempted || o.Request.Status.RecordRef != nil) {
		return report(v1alpha1.ReasonRecordLost)
	}
	return Decision{}, false
}

// outOfTime answers from the request's own times and origin.
func outOfTime(o Observation) (Decision, bool) {
	created, notAfter := o.Request.CreationTimestamp.Time, o.Request.Spec.NotAfterTime.Time
	_, restored := o.Request.Labels[labelVelero]
	switch {
	case created.After(notAfter):
		return report(v1alpha1.ReasonCreatedAfterNotAfterTime)
	case restored:
		return report(v1alpha1.ReasonRestoredFromBackup)
	case notAfter.Sub(created) > MaxValidity:
		return report(v1alpha1.ReasonValidityTooLong)
	case o.Now.After(notAfter):
		return report(v1alpha1.ReasonNotAfterTimePassed)
	}
	return Decision{}, false
}

// workspace answers from the workspace's existence and policy.
func workspace(o Observation) (Decision, bool) {
	switch {
	case o.Workspace == nil || !isShared(o.Workspace, o.Request.Namespace):
		return report(v1alpha1.ReasonWorkspaceNotAvailable)
	case !slices.Contains(o.Workspace.Spec.AllowedTypes, o.Request.Spec.Type):
		return report(v1alpha1.ReasonTypeNotAllowed)
	}
	return Decision{}, false
}

func isShared(w *v1alpha1.RocketChatWorkspace, namespace string) bool {
	allowed := w.Spec.AllowedNamespaces
	return w.Namespace == namespace || (allowed != nil && slices.Contains(allowed.Names, namespace))
}

// RequestTimeout is how long the workspace may take to answer a reset.
func RequestTimeout(w *v1alpha1.RocketChatWorkspace) time.Duration {
	timeout := time.Duration(w.Spec.RequestTimeoutSeconds) * time.Second
	if timeout <= 0 || timeout > MaxRequestTimeout {
		return SendWindow
	}
	return timeout
}

// ready answers from the state of the workspace.
func ready(o Observation) (Decision, bool) {
	if o.Workspace.Spec.Suspend != nil && *o.Workspace.Spec.Suspend {
		return report(v1alpha1.ReasonWorkspaceSuspended)
	}
	if o.Now.Add(RequestTimeout(o.Workspace)).After(o.Request.Spec.NotAfterTime.Time) {
		return report(v1alpha1.ReasonNotAfterTimePassed)
	}
	if o.Health.Reason == "" {
		// The first probe is about to end; a status would be outdated at once.
		return Decision{Step: StepNone}, true
	}
	switch o.Health.Gate(o.Request.Spec.Type) {
	case "":
		return Decision{}, false
	case v1alpha1.ReasonEmailCodeRequired:
		return report(v1alpha1.ReasonSecondFactorRequired)
	case v1alpha1.ReasonPermissionMissing:
		return report(v1alpha1.ReasonPermissionMissing)
	}
	return report(v1alpha1.ReasonWorkspaceNotReady)
}

// retry answers whether the pause after the last try is over.
func retry(o Observation) (Decision, bool) {
	reason, due := v1alpha1.ReasonRetrying, o.RetryAfter
	if o.Record != nil {
		last := o.Record.Attempts[len(o.Record.Attempts)-1]
		reason = waitingReason(last.Reason)
		if last.EndTime != nil {
			pause := Pause(len(o.Record.Attempts)) + o.spread(last.Reason)
			if last.Reason == v1alpha1.ReasonRateLimited || StandingAfter(last.Reason, last.EndTime.Time) != (Standing{}) {
				pause = 0 // the gate, or the Secret, says when
			}
			due = later(due, last.EndTime.Add(pause))
		}
	}
	if refused := o.Health.CodeRefusedAt; !refused.IsZero() {
		due = later(due, refused.Add(codePause)) // all wait for the next code: it shows whether the secret is right
	}
	if wait := due.Sub(o.Now); wait > 0 {
		return reportAfter(reason, wait)
	}
	return Decision{}, false
}

// spread is a part of the pause that differs between requests: two that yielded
// to each other must not come back at the same moment.
func (o Observation) spread(reason string) time.Duration {
	if reason != v1alpha1.ReasonTargetBusy {
		return 0
	}
	return Spread(o.Request.UID, maxYield)
}

// Spread is a part of the limit that differs between objects, always the same for
// one of them.
func Spread(uid types.UID, limit time.Duration) time.Duration {
	digest := fnv.New32a()
	_, _ = digest.Write([]byte(uid))
	return limit * time.Duration(digest.Sum32()%spreadSteps) / spreadSteps
}

// waitingReason is what a request says while it pauses after an attempt.
func waitingReason(attempt string) string {
	if v, known := lookUp(attempt); known && v.Outcome == "" {
		return v.Reason
	}
	return v1alpha1.ReasonRetrying
}

// Pause is how long to wait after the given number of tries.
func Pause(tries int) time.Duration {
	pauses := []time.Duration{30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute}
	return pauses[min(max(tries, 1), len(pauses))-1]
}

// Queued is the decision for a request that waits for its turn to call the server,
// which is closed for so long, or busy. It is woken when its turn comes, and at the
// end of its time, and needs nothing else in between: only if its status does not
// say yet what it waits for, it looks again after a while, each time twice as late.
func Queued(o Observation, closed time.Duration) Decision {
	said, _ := saidBefore(o.Request)
	switch {
	case closed > 0:
		decision, _ := report(v1alpha1.ReasonRateLimited)
		return untilExpiry(o, decision)
	case said.Reason == v1alpha1.ReasonRateLimited:
		return untilExpiry(o, Decision{Step: StepNone})
	}
	waited := o.Now.Sub(o.Request.CreationTimestamp.Time)
	return untilExpiry(o, Decision{Step: StepNone, After: max(waited, recheckInterval)})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
