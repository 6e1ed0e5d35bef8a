package controllers

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

// concurrentRecords is how many records are looked at together.
const concurrentRecords = 4

// ResetRecordReconciler gives up attempts of dead processes and deletes records
// that nobody needs any more.
type ResetRecordReconciler struct {
	*Operator
	sightings *sightings
}

func (r *ResetRecordReconciler) setup(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.ResetRecord{}).
		WithOptions(controllerOptions(concurrentRecords)).
		Complete(r)
}

// Reconcile looks at one record.
func (r *ResetRecordReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var record v1alpha1.ResetRecord
	if err := r.kube.Get(ctx, request.NamespacedName, &record); err != nil {
		r.sightings.forget(request.Name)
		return ctrl.Result{}, client.IgnoreNotFound(err) // gone: done; otherwise again, with back-off
	}
	observed := reset.RecordObservation{Now: r.clock.Now(), Record: &record, Retention: r.options.RecordRetention}
	if open := reset.OpenAttempt(&record); open != nil {
		observed.Held = r.holdings.holds(open.ID)
		observed.Watched = r.sightings.since(record.Name, open.ID, r.clock.Local())
	} else {
		r.sightings.forget(record.Name)
	}
	decision := reset.DecideRecord(observed)
	switch decision.Step {
	case reset.RecordStepNone:
		return ctrl.Result{RequeueAfter: decision.After}, nil // look again later
	case reset.RecordStepGiveUp:
		return r.giveUp(ctx, &record)
	case reset.RecordStepDelete:
		return r.delete(ctx, &record)
	}
	return ctrl.Result{}, fmt.Errorf("unknown step %d", decision.Step)
}

// giveUp closes the attempt of a process that seems dead, against the version
// that was watched: whoever is alive after all has written or will be heard.
func (r *ResetRecordReconciler) giveUp(ctx context.Context, record *v1alpha1.ResetRecord) (ctrl.Result, error) {
	next := record.DeepCopy()
	open := reset.OpenAttempt(next)
	given := holding{id: open.ID, record: record}.ended(reset.Lost(), r.clock.Now())
	end := metav1.NewTime(given.endTime).Rfc3339Copy()
	open.Result, open.Reason, open.EndTime = given.result.Result, given.result.Reason, &end
	r.auditAttempt(auditAttemptGivenUp, "Attempt of another process given up", given)
	err := r.kube.Update(ctx, next)
	switch {
	case apierrors.IsConflict(err):
		return ctrl.Result{RequeueAfter: conflictPause}, nil // it lives: look again
	case err != nil:
		return ctrl.Result{}, client.IgnoreNotFound(err) // gone: done; otherwise again, with back-off
	}
	r.meters.recorded(given)
	return ctrl.Result{}, nil // the write brings the record back here
}

// delete removes a record whose time is over, unless its request still exists.
func (r *ResetRecordReconciler) delete(ctx context.Context, record *v1alpha1.ResetRecord) (ctrl.Result, error) {
	key := types.NamespacedName{Namespace: record.Request.Namespace, Name: record.Request.Name}
	// The cache spares a request that it knows; only the API server condemns.
	readers := []client.Reader{r.live}
	if r.watches(key.Namespace) {
		readers = []client.Reader{r.kube, r.live}
	}
	for _, reader := range readers {
		var request v1alpha1.UserCredentialReset
		err := reader.Get(ctx, key, &request)
		if err == nil && string(request.UID) == record.Request.UID {
			return ctrl.Result{RequeueAfter: reset.RecordRecheck}, nil // still in use
		}
		if err != nil && !apierrors.IsNotFound(err) {
			return ctrl.Result{}, fmt.Errorf("read the request: %w", err) // again, with back-off
		}
	}
	r.audit(auditLine{event: auditRecordExpired, message: "The record's retention is over", record: record})
	err := r.kube.Delete(ctx, record, client.Preconditions{UID: &record.UID, ResourceVersion: &record.ResourceVersion})
	if apierrors.IsConflict(err) {
		return ctrl.Result{RequeueAfter: conflictPause}, nil // it changed: look again
	}
	return ctrl.Result{}, client.IgnoreNotFound(err) // done; otherwise again, with back-off
}
