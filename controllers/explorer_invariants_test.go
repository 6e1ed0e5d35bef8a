package controllers

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

// refusal is the answer of the CRDs' rules to a change, nil if they allow it.
func refusal(before, after client.Object) error {
	var broken string
	switch old := before.(type) {
	case *v1alpha1.ResetRecord:
		next, _ := after.(*v1alpha1.ResetRecord)
		broken = brokenByRecord(old, next)
	case *v1alpha1.UserCredentialReset:
		next, _ := after.(*v1alpha1.UserCredentialReset)
		broken = brokenByStatus(old.Status, next.Status)
	}
	if broken == "" {
		return nil
	}
	return apierrors.NewInvalid(schema.GroupKind{Group: v1alpha1.Group, Kind: "object"}, before.GetName(),
		field.ErrorList{field.Forbidden(field.NewPath("rule"), broken)})
}

func brokenByStatus(old, next v1alpha1.UserCredentialResetStatus) string {
	late := old.Outcome == v1alpha1.OutcomeUnconfirmed && (next.Outcome == v1alpha1.OutcomeSucceeded || next.Outcome == v1alpha1.OutcomeFailed)
	switch {
	case old.Outcome != "" && next.Outcome != old.Outcome && !late:
		return "a finished request stays finished"
	case old.Target != nil && !equality.Semantic.DeepEqual(old.Target, next.Target):
		return "target is written once"
	case old.RecordRef != nil && !equality.Semantic.DeepEqual(old.RecordRef, next.RecordRef):
		return "recordRef is written once"
	}
	return ""
}

func brokenByRecord(old, next *v1alpha1.ResetRecord) string {
	added := len(next.Attempts) - len(old.Attempts)
	switch {
	case old.Request != next.Request || old.Workspace != next.Workspace || old.Target != next.Target || old.Type != next.Type:
		return "identity is frozen"
	case added < 0 || added > 1 || len(next.Attempts) > reset.MaxAttempts:
		return "attempts are appended one at a time"
	case added == 1 && slices.ContainsFunc(old.Attempts, provesNothing):
		return "a new attempt needs the proof that every earlier one had no effect"
	}
	for i := range old.Attempts {
		if broken := brokenByAttempt(old.Attempts[i], next.Attempts[i]); broken != "" {
			return broken
		}
	}
	return ""
}

func provesNothing(a v1alpha1.Attempt) bool {
	return a.Result != v1alpha1.AttemptNotSent && a.Result != v1alpha1.AttemptRefused || a.LateResult != ""
}

func brokenByAttempt(old, next v1alpha1.Attempt) string {
	switch {
	case old.ID != next.ID || !old.StartTime.Equal(&next.StartTime) || old.SecretResourceVersion != next.SecretResourceVersion:
		return "an attempt's identity is frozen"
	case old.Result != "" && (next.Result != old.Result || !equality.Semantic.DeepEqual(old.EndTime, next.EndTime)):
		return "a result is written once"
	case next.LateResult != old.LateResult && (old.LateResult != "" || old.Result != v1alpha1.AttemptUnconfirmed):
		return "a late result is written once, beside Unconfirmed"
	}
	return ""
}

// watch judges every change that is stored.
func (w *world) watch(before, after client.Object) {
	w.tell("  stored: %s %s", kindNames[kindOf(after)], after.GetName())
	if record, ok := after.(*v1alpha1.ResetRecord); ok {
		w.watchRecord(before, record)
	}
	if request, ok := after.(*v1alpha1.UserCredentialReset); ok {
		w.tell("    outcome %q, %s", request.Status.Outcome, reasonOf(request))
		w.watchStatus(request)
		w.watchOutcome(before, request)
		if w.approver != nil {
			w.approver(request)
		}
	}
}

// watchOutcome asserts that the audit log tells of an outcome before the request does.
func (w *world) watchOutcome(before client.Object, request *v1alpha1.UserCredentialReset) {
	was, known := before.(*v1alpha1.UserCredentialReset)
	outcome := request.Status.Outcome
	if known && outcome != "" && outcome != was.Status.Outcome && !w.audited[string(request.UID)+" "+string(outcome)] {
		w.breaks("the outcome %s of %s was written before the audit log told of it", outcome, request.Name)
	}
}

// watchRecord asserts that the audit log tells of an attempt and of its result before
// the record does.
func (w *world) watchRecord(before client.Object, record *v1alpha1.ResetRecord) {
	for _, attempt := range record.Attempts {
		w.tell("    attempt %s: %q %q %s", attempt.ID, attempt.Result, attempt.LateResult, attempt.Reason)
		if !w.audited[attempt.ID] {
			w.breaks("the attempt %s was claimed before the audit log told of it", attempt.ID)
		}
		if attempt.Result != "" && !w.audited[attempt.ID+" "+string(attempt.Result)] && before != nil {
			w.breaks("the result of %s was recorded before the audit log told of it", attempt.ID)
		}
		if attempt.LateResult != "" && !w.audited[attempt.ID+" "+string(attempt.LateResult)] && before != nil {
			w.breaks("the late result of %s was recorded before the audit log told of it", attempt.ID)
		}
	}
}

// watchStatus asserts the contract of conditions.
func (w *world) watchStatus(request *v1alpha1.UserCredentialReset) {
	conditions := request.Status.Conditions
	if len(conditions) == 0 {
		return
	}
	finished := meta.IsStatusConditionTrue(conditions, v1alpha1.ConditionFinished)
	reconciling := meta.FindStatusCondition(conditions, v1alpha1.ConditionReconciling)
	if finished != (request.Status.Outcome != "") || finished != (reconciling == nil) || meta.FindStatusCondition(conditions, v1alpha1.ConditionSucceeded) == nil {
		w.breaks("%s has the outcome %q and the conditions %v", request.Name, request.Status.Outcome, conditions)
	}
}

// arrive notes a reset that reaches the workspace, and judges it.
func (w *world) arrive(p *replica, kind v1alpha1.ResetType, userID string) *post {
	arrived := &post{userID: userID, kind: kind, at: w.now}
	for _, held := range p.operator.holdings.of(w.current.key) {
		if held.stage == stageBegun {
			arrived.attempt, arrived.request = held.id, types.UID(held.record.Request.UID)
			w.checkSend(p, held, arrived)
		}
	}
	w.tell("  POST of attempt %s for %s", arrived.attempt, userID)
	if arrived.attempt == "" {
		w.breaks("a reset was sent that no attempt answers for")
	}
	for _, earlier := range w.chat.posts {
		if earlier.attempt == arrived.attempt {
			w.breaks("attempt %s was sent twice", arrived.attempt)
		}
	}
	w.chat.posts = append(w.chat.posts, arrived)
	if w.arrived != nil {
		w.arrived()
	}
	return arrived
}

// checkSend asserts what must hold at the moment at which a reset is sent.
func (w *world) checkSend(p *replica, held holding, arrived *post) {
	key := client.ObjectKey{Name: held.record.Name}
	stored, _ := w.server.objects[kindRecord][key].(*v1alpha1.ResetRecord)
	switch {
	case stored == nil && !w.gone[key.Name], stored != nil && reset.Attempt(stored, held.id) == nil && !w.gone[key.Name]:
		w.breaks("attempt %s was sent, but its claim is not stored", held.id)
	}
	began := held.claimBegan.Add(-p.offset)
	if late := w.now.Sub(began); late > reset.SendWindow {
		w.breaks("attempt %s was sent %v after its claim was begun", held.id, late)
	}
	if w.now.After(held.record.NotAfterTime.Add(clockError)) {
		w.breaks("attempt %s was sent after notAfterTime", held.id)
	}
	if arrived.userID != held.record.Target.UserID {
		w.breaks("attempt %s is for %s and was sent for %s", held.id, held.record.Target.UserID, arrived.userID)
	}
	if w.budget > 0 {
		w.checkBudget(arrived)
	}
	if w.decided != nil {
		w.checkApproval(held, began)
	}
	w.checkEarlier(held, arrived)
}

// checkApproval asserts that the request was approved, and that nobody had denied
// it when its claim was begun.
func (w *world) checkApproval(held holding, began time.Time) {
	decided := w.decided[types.UID(held.record.Request.UID)]
	if decided[v1alpha1.DecisionApproved].IsZero() {
		w.breaks("attempt %s was sent without an approval", held.id)
	}
	if denied := decided[v1alpha1.DecisionDenied]; !denied.IsZero() && denied.Before(began) {
		w.breaks("attempt %s was sent although the request had been denied", held.id)
	}
}

// checkBudget asserts that no more resets were sent within the period than the budget
// allows. It is counted over records: who deletes one, and ends the process that
// remembers, refunds it.
func (w *world) checkBudget(arrived *post) {
	sent := 1
	for _, earlier := range w.chat.posts {
		// Claims are counted, and one may be sent later than it was begun.
		if earlier.attempt != arrived.attempt && w.now.Sub(earlier.at) < w.period-reset.SendWindow {
			sent++
		}
	}
	if sent > w.budget && !w.forgetful() {
		w.breaks("%d resets within %v, of which the budget allows %d", sent, w.period, w.budget)
	}
}

// clockError is the error of the operator's idea of the API server's clock.
const clockError = 1500 * time.Millisecond

// checkEarlier asserts that what went before allows this reset.
func (w *world) checkEarlier(held holding, arrived *post) {
	created := w.created[held.record.Request.UID]
	for _, record := range w.server.records() {
		if record.Target.UserID != arrived.userID || record.Type != arrived.kind {
			continue
		}
		for _, attempt := range record.Attempts {
			switch {
			case attempt.ID == held.id:
			case attempt.Result == v1alpha1.AttemptUnconfirmed && attempt.LateResult == "" && record.Name == held.record.Name:
				w.breaks("attempt %s follows the lost attempt %s of the same record", held.id, attempt.ID)
			case attempt.Result == v1alpha1.AttemptUnconfirmed && attempt.LateResult == "" && attempt.EndTime.After(created):
				w.breaks("attempt %s resets a person whose attempt %s was lost after the request was created", held.id, attempt.ID)
			}
		}
	}
}

// judge asserts what must hold at the end, when all faults are over.
func (w *world) judge() {
	for _, record := range w.server.records() {
		for _, attempt := range record.Attempts {
			w.judgeAttempt(record, attempt)
		}
	}
	for _, key := range sortedKeys(w.server.objects[kindRequest]) {
		w.judgeRequest(w.server.request(key))
	}
	w.judgePosts()
}

// judgeAttempt compares a record with what the workspace saw.
func (w *world) judgeAttempt(record *v1alpha1.ResetRecord, attempt v1alpha1.Attempt) {
	sent := w.sent(attempt.ID)
	truth := attempt.Result
	if attempt.LateResult != "" {
		truth = attempt.LateResult
	}
	switch truth {
	case "":
		w.breaks("attempt %s of %s is still open", attempt.ID, record.Request.Name)
	case v1alpha1.AttemptSucceeded:
		if sent == nil || !sent.heard && !sent.misled {
			w.breaks("attempt %s is recorded as a success that never was", attempt.ID)
		}
	case v1alpha1.AttemptNotSent:
		if sent != nil {
			w.breaks("attempt %s is recorded as not sent, but was", attempt.ID)
		}
	case v1alpha1.AttemptRefused:
		if sent != nil && sent.effects > 0 {
			w.breaks("attempt %s is recorded as refused, but had its effect", attempt.ID)
		}
	case v1alpha1.AttemptUnconfirmed:
		if len(w.losses) == 0 {
			w.breaks("attempt %s is unconfirmed without a cause", attempt.ID)
		}
	}
	if sent != nil && sent.heard && len(w.losses) == 0 && truth != v1alpha1.AttemptSucceeded {
		w.breaks("attempt %s succeeded and is recorded as %s", attempt.ID, truth)
	}
}

func (w *world) sent(attempt string) *post {
	for _, p := range w.chat.posts {
		if p.attempt == attempt {
			return p
		}
	}
	return nil
}

// judgeRequest asserts that a request has ended, and as it should.
func (w *world) judgeRequest(request *v1alpha1.UserCredentialReset) {
	effects, misled := 0, false
	for _, p := range w.chat.posts {
		if p.request == request.UID {
			effects += p.effects
			misled = misled || p.misled
		}
	}
	status := request.Status
	switch status.Outcome {
	case "":
		if request.DeletionTimestamp.IsZero() {
			w.breaks("%s is stuck: %s", request.Name, reasonOf(request))
		}
	case v1alpha1.OutcomeSucceeded:
		if effects != 1 && !w.forgetful() && !misled {
			w.breaks("%s succeeded with %d resets", request.Name, effects)
		}
	case v1alpha1.OutcomeFailed, v1alpha1.OutcomeSkipped:
		if effects > 0 && !w.forgetful() {
			w.breaks("%s is %s with %d resets", request.Name, status.Outcome, effects)
		}
	case v1alpha1.OutcomeUnconfirmed:
		if len(w.losses) == 0 {
			w.breaks("%s is unconfirmed without a cause", request.Name)
		}
	}
}

// forgetful says whether somebody deleted a record and no process was there that
// remembered what the record told: the one way to lose the claim. Only people who
// may write records can do that, and the status of a request that ended, or that
// had to wait, is memory too.
func (w *world) forgetful() bool {
	return len(w.gone) > 0 && (w.forgot || len(w.replicas) > 1)
}

// judgePosts asserts that no request reset twice.
func (w *world) judgePosts() {
	effects := map[string]int{}
	for _, p := range w.chat.posts {
		effects[string(p.request)] += p.effects
		if effects[string(p.request)] > 1 && !w.forgetful() {
			w.breaks("the request %s had its effect twice", p.request)
		}
	}
}

func (w *world) figures() figures {
	f := figures{schedules: 1, requests: len(w.created), crashes: w.crashes, posts: len(w.chat.posts), points: len(w.widths)}
	sent := map[string]bool{}
	for _, p := range w.chat.posts {
		if sent[p.attempt] {
			f.duplicates++
		}
		sent[p.attempt] = true
	}
	for _, object := range w.server.objects[kindRequest] {
		request, _ := object.(*v1alpha1.UserCredentialReset)
		switch request.Status.Outcome {
		case v1alpha1.OutcomeSucceeded:
			f.succeeded++
		case v1alpha1.OutcomeUnconfirmed:
			f.unconfirmed++
		case v1alpha1.OutcomeFailed, v1alpha1.OutcomeSkipped:
		}
	}
	return f
}
