package controllers

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/gate"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat"
)

// concurrentRequests is how many requests are looked at together. A worker waits
// for the answer of a slow server, and of each server only one does: so many servers
// may hang at the same time, less one, and the others go on.
const concurrentRequests = 256

// conflictPause is how long to wait for the cache after a write that met a newer
// object.
const conflictPause = 200 * time.Millisecond

// +kubebuilder:rbac:groups=credentialreset.dev,resources=usercredentialresets,verbs=get;list;watch;delete
// +kubebuilder:rbac:groups=credentialreset.dev,resources=usercredentialresets/status,verbs=update
// +kubebuilder:rbac:groups=credentialreset.dev,resources=resetrecords,verbs=get;list;watch;create;update;patch;delete
// +kubebuilder:rbac:groups=credentialreset.dev,resources=rocketchatworkspaces,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// UserCredentialResetReconciler carries requests out.
type UserCredentialResetReconciler struct {
	*Operator
	tries   *tries
	written *writtenStatuses
}

func (r *UserCredentialResetReconciler) setup(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.UserCredentialReset{}).
		Watches(&v1alpha1.ResetRecord{}, handler.EnqueueRequestsFromMapFunc(r.concernedByRecord)).
		Watches(&v1alpha1.RocketChatWorkspace{}, handler.EnqueueRequestsFromMapFunc(r.concernedByWorkspace),
			builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.ResetApproval{}, handler.EnqueueRequestsFromMapFunc(r.concernedByApproval)).
		WatchesRawSource(r.requests.source()).
		WithOptions(controllerOptions(concurrentRequests)).
		Complete(r)
}

// Reconcile looks at one request in four steps: settle what this process still
// owes an earlier attempt; observe; decide; act.
func (r *UserCredentialResetReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	if err := r.settle(ctx, request.NamespacedName); err != nil {
		return ctrl.Result{}, fmt.Errorf("settle the last attempt: %w", err) // again, with back-off
	}
	observed, err := r.observe(ctx, request.NamespacedName)
	if apierrors.IsNotFound(err) {
		r.gate.Leave(request.String())
		r.tries.forget(request.NamespacedName)
		r.written.forget(request.NamespacedName)
		r.holdings.forget(request.NamespacedName)
		return ctrl.Result{}, nil // gone: done
	}
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("observe: %w", err) // again, with back-off
	}
	r.holdings.told(observed.Request)
	if r.written.isStale(request.NamespacedName, observed.Request.ResourceVersion) {
		return ctrl.Result{RequeueAfter: conflictPause}, nil // the cache does not know the last status yet
	}
	decision := reset.Decide(*observed)
	if decision.Step != reset.StepAttempt {
		r.gate.Leave(request.String())
		return r.act(ctx, observed, decision)
	}
	decision, err = r.attempt(ctx, observed)
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("attempt: %w", err) // again, with back-off
	}
	return r.act(ctx, observed, decision)
}

// observe reads all that a decision may look at, from the cache but for a record
// that must be there and is not in the cache.
func (r *UserCredentialResetReconciler) observe(ctx context.Context, name types.NamespacedName) (*reset.Observation, error) {
	var request v1alpha1.UserCredentialReset
	if err := r.kube.Get(ctx, name, &request); err != nil {
		return nil, err
	}
	observed := &reset.Observation{Now: r.clock.Now(), Request: &request, Attempted: r.holdings.recorded(&request)}
	record, err := r.readRecord(ctx, &request, observed.Attempted)
	if err != nil {
		return nil, err
	}
	observed.Record = record
	if request.Status.Outcome != "" {
		return observed, nil
	}
	if observed.Workspace, err = r.readWorkspace(ctx, r.kube, &request); err != nil {
		return nil, err
	}
	observed.Health = r.board.get(workspaceName(&request))
	if reset.NeedsApproval(observed.Workspace, &request) {
		observed.NamesTrustedSince = observed.Health.NamesTrustedSince
		if observed.Approvals, err = listApprovals(ctx, r.kube, name); err != nil {
			return nil, err
		}
	}
	r.observeBudget(observed)
	observed.RetryAfter = r.tries.after(name, observed.Health.SecretVersion)
	if pinned := pinnedTarget(observed); pinned != nil {
		observed.Target = &reset.Resolved{Target: *pinned}
		if observed.Rivals, err = listRivals(ctx, r.kube, pinned.UserID); err != nil {
			return nil, err
		}
	}
	return observed, nil
}

// observeBudget looks how many attempts the workspace has left, and says once, in an
// event of the workspace, that none is.
func (r *UserCredentialResetReconciler) observeBudget(o *reset.Observation) {
	if o.Workspace == nil {
		return
	}
	name := workspaceName(o.Request)
	attempts, period := reset.BudgetOf(o.Workspace)
	o.BudgetFreeAt = r.ledger.freeAt(name, attempts, period, o.Now)
	if r.ledger.announces(name, !o.BudgetFreeAt.IsZero()) {
		r.events.Eventf(o.Workspace, nil, corev1.EventTypeWarning, v1alpha1.ReasonBudgetExhausted, "Count",
			"%d resets were attempted within %s, which is the budget; further requests wait", attempts, period)
	}
}

func pinnedTarget(o *reset.Observation) *v1alpha1.Target {
	if o.Record != nil && o.Record.Request.UID == string(o.Request.UID) {
		return &o.Record.Target
	}
	return o.Request.Status.Target
}

func (r *UserCredentialResetReconciler) readRecord(ctx context.Context, request *v1alpha1.UserCredentialReset, attempted bool) (*v1alpha1.ResetRecord, error) {
	var record v1alpha1.ResetRecord
	key := client.ObjectKey{Name: reset.RecordName(request.Namespace, request.Name)}
	err := r.kube.Get(ctx, key, &record)
	if apierrors.IsNotFound(err) && (attempted || request.Status.RecordRef != nil) && request.Status.Outcome == "" {
		// The cache may lag behind: whether the record is lost is asked live.
		err = r.live.Get(ctx, key, &record)
	}
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // an absent record is an observation, not an error
	}
	if err != nil {
		return nil, fmt.Errorf("read the record: %w", err)
	}
	return &record, nil
}

func (r *UserCredentialResetReconciler) readWorkspace(ctx context.Context, reader client.Reader, request *v1alpha1.UserCredentialReset) (*v1alpha1.RocketChatWorkspace, error) {
	name := workspaceName(request)
	if !r.watches(name.Namespace) {
		return nil, nil //nolint:nilnil // a namespace that is not watched has no workspace
	}
	var workspace v1alpha1.RocketChatWorkspace
	err := reader.Get(ctx, name, &workspace)
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // an absent workspace is an observation, not an error
	}
	if err != nil {
		return nil, fmt.Errorf("read the workspace: %w", err)
	}
	return &workspace, nil
}

// listRivals lists the records for a user id. The cache has an index of that
// name, the API server a field selector.
func listRivals(ctx context.Context, reader client.Reader, userID string) ([]v1alpha1.ResetRecord, error) {
	var records v1alpha1.ResetRecordList
	if err := reader.List(ctx, &records, client.MatchingFields{recordByTarget: userID}); err != nil {
		return nil, fmt.Errorf("list the records of the user: %w", err)
	}
	return records.Items, nil
}

// attempt waits for its turn and makes the pass. The observation is then what the
// pass saw.
func (r *UserCredentialResetReconciler) attempt(ctx context.Context, observed *reset.Observation) (reset.Decision, error) {
	if !r.ledger.isComplete() {
		return reset.Decision{Step: reset.StepNone, After: conflictPause}, nil
	}
	server := rocketchat.ServerOf(observed.Health.Host)
	permit, closed := r.gate.Ask(server, ticketOf(observed.Request, observed.Record))
	if permit == nil {
		return reset.Queued(*observed, closed), nil
	}
	defer permit.Release()
	if ctx.Err() != nil || !r.passes.begin() {
		return reset.Decision{Step: reset.StepNone}, nil
	}
	defer r.passes.end()
	return r.pass(ctx, observed, permit, server)
}

// ticketOf is the request's place in line. The record may be nil.
func ticketOf(request *v1alpha1.UserCredentialReset, record *v1alpha1.ResetRecord) gate.Ticket {
	ticket := gate.Ticket{
		Key: client.ObjectKeyFromObject(request).String(), Namespace: request.Namespace, Created: request.CreationTimestamp.Time,
	}
	if record != nil {
		ticket.Attempts = len(record.Attempts)
	}
	return ticket
}

// act writes the status that a decision asks for, if it says anything new.
func (r *UserCredentialResetReconciler) act(ctx context.Context, observed *reset.Observation, decision reset.Decision) (ctrl.Result, error) {
	// A pass may have outlived the stop signal; what it found out is still written.
	ctx = context.WithoutCancel(ctx)
	decision, err := r.confirm(ctx, observed, decision)
	if err != nil {
		return afterWrite(fmt.Errorf("confirm the end: %w", err))
	}
	again := ctrl.Result{RequeueAfter: decision.After}
	switch decision.Step {
	case reset.StepNone:
		return again, nil // done, or look again later
	case reset.StepAttempt:
		return ctrl.Result{RequeueAfter: conflictPause}, nil // ask for a permit again
	case reset.StepDelete:
		return afterWrite(r.delete(ctx, observed.Request))
	case reset.StepReport:
	}
	wait := r.written.pause(client.ObjectKeyFromObject(observed.Request), observed.Request.ResourceVersion, r.clock.Local())
	if wait > 0 && decision.Verdict.Outcome == "" && !r.says(observed, decision.Verdict) {
		return ctrl.Result{RequeueAfter: wait}, nil // said otherwise a moment ago: look again
	}
	if err := r.say(ctx, observed, decision.Verdict); err != nil {
		return afterWrite(err)
	}
	return again, nil
}

// afterWrite is what follows from a status that could not be written.
func afterWrite(err error) (ctrl.Result, error) {
	if apierrors.IsConflict(err) {
		return ctrl.Result{RequeueAfter: conflictPause}, nil // decided on an older object: decide anew
	}
	return ctrl.Result{}, client.IgnoreNotFound(err) // gone: done; otherwise again, with back-off
}

// statusOf is the status with the verdict and what was observed.
func (r *UserCredentialResetReconciler) statusOf(observed *reset.Observation, v reset.Verdict) v1alpha1.UserCredentialResetStatus {
	facts := reset.Facts{Record: observed.Record}
	if observed.Target != nil && observed.Target.Username != "" {
		facts.Target = &observed.Target.Target
	}
	return reset.StatusOf(observed.Request, v, facts, r.clock.Now())
}

// says is whether the status has the verdict already.
func (r *UserCredentialResetReconciler) says(observed *reset.Observation, v reset.Verdict) bool {
	return reset.SameStatus(r.statusOf(observed, v), observed.Request.Status)
}

// say writes the verdict into the status, unless that has it already.
func (r *UserCredentialResetReconciler) say(ctx context.Context, observed *reset.Observation, v reset.Verdict) error {
	if r.says(observed, v) {
		return nil
	}
	request := observed.Request.DeepCopy()
	request.Status = r.statusOf(observed, v)
	var denial *v1alpha1.ResetApproval
	if v.Reason == v1alpha1.ReasonDenied {
		denial = observed.Denial()
	}
	r.auditOutcome(request, observed.Request.Status.Outcome, observed.Record, denial)
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	if err := r.kube.Status().Update(ctx, request); err != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	r.written.note(client.ObjectKeyFromObject(request), observed.Request.ResourceVersion, request.ResourceVersion, r.clock.Local())
	r.holdings.told(request)
	r.announce(request, observed.Request.Status.Outcome)
	observed.Request = request
	return nil
}

// delete removes a request that has outlived its use, as it was observed: not one
// that took its name, nor one that somebody has just changed.
func (r *UserCredentialResetReconciler) delete(ctx context.Context, request *v1alpha1.UserCredentialReset) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	err := r.kube.Delete(ctx, request, client.Preconditions{UID: &request.UID, ResourceVersion: &request.ResourceVersion})
	if err != nil {
		return fmt.Errorf("delete the request: %w", err)
	}
	return nil
}

// confirm looks at the record live before a request ends for a reason that is not
// in the record: an outcome is final, and the cache may not know yet that an
// attempt was made. Where another process may be about to make one, notice is given
// first.
func (r *UserCredentialResetReconciler) confirm(ctx context.Context, observed *reset.Observation, decision reset.Decision) (reset.Decision, error) {
	if decision.Step != reset.StepReport || !reset.DeniesReset(decision.Verdict) {
		return decision, nil
	}
	if reset.NeedsNotice(*observed, decision.Verdict) {
		if err := r.say(ctx, observed, reset.Notice()); err != nil {
			return decision, err
		}
	}
	record, err := r.liveRecord(ctx, client.ObjectKeyFromObject(observed.Request))
	if err != nil {
		return decision, err
	}
	if record == nil || (observed.Record != nil && observed.Record.ResourceVersion == record.ResourceVersion) {
		return decision, nil
	}
	observed.Record = record
	return reset.Decide(*observed), nil
}

// announce makes an event of an outcome that was not there before.
func (o *Operator) announce(request *v1alpha1.UserCredentialReset, before v1alpha1.Outcome) {
	outcome := request.Status.Outcome
	if outcome == "" || outcome == before {
		return
	}
	o.meters.ended(request)
	eventType := corev1.EventTypeNormal
	if outcome == v1alpha1.OutcomeFailed || outcome == v1alpha1.OutcomeUnconfirmed {
		eventType = corev1.EventTypeWarning
	}
	said := meta.FindStatusCondition(request.Status.Conditions, v1alpha1.ConditionSucceeded)
	note := said.Message
	if request.Spec.Justification != "" {
		note += " (justification: " + request.Spec.Justification + ")"
	}
	o.events.Eventf(request, nil, eventType, said.Reason, "Reset"+string(request.Spec.Type), "%s", note)
}

// concernedByRecord are the record's own request and those that wait for the same
// person.
func (r *UserCredentialResetReconciler) concernedByRecord(ctx context.Context, object client.Object) []reconcile.Request {
	record, ok := object.(*v1alpha1.ResetRecord)
	if !ok {
		return nil
	}
	concerned := r.openRequests(ctx, openByTarget, record.Target.UserID)
	if own := record.Request; r.watches(own.Namespace) {
		concerned = append(concerned, reconcile.Request{NamespacedName: types.NamespacedName{Namespace: own.Namespace, Name: own.Name}})
	}
	return concerned
}

func (r *UserCredentialResetReconciler) concernedByWorkspace(ctx context.Context, object client.Object) []reconcile.Request {
	return r.openRequests(ctx, openByWorkspace, client.ObjectKeyFromObject(object).String())
}

// listOpen lists requests without an outcome by an index of the cache, for looking only.
func (o *Operator) listOpen(ctx context.Context, field, value string) []v1alpha1.UserCredentialReset {
	var list v1alpha1.UserCredentialResetList
	if err := o.kube.List(ctx, &list, client.MatchingFields{field: value}, client.UnsafeDisableDeepCopy); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "List waiting requests", "field", field)
		return nil
	}
	return list.Items
}

// openRequests asks to look at the requests that listOpen finds.
func (o *Operator) openRequests(ctx context.Context, field, value string) []reconcile.Request {
	open := o.listOpen(ctx, field, value)
	requests := make([]reconcile.Request, 0, len(open))
	for i := range open {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&open[i])})
	}
	return requests
}

func workspaceName(request *v1alpha1.UserCredentialReset) types.NamespacedName {
	workspace := reset.WorkspaceOf(request)
	return types.NamespacedName{Namespace: workspace.Namespace, Name: workspace.Name}
}

// parseKey is the inverse of NamespacedName.String.
func parseKey(key string) (types.NamespacedName, bool) {
	namespace, name, ok := strings.Cut(key, string(types.Separator))
	return types.NamespacedName{Namespace: namespace, Name: name}, ok
}
