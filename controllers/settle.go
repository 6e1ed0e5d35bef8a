package controllers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

// lateWrites is how long a write without an answer may still arrive.
const lateWrites = 2 * time.Minute

// settleInterval is the pause between tries to record results while draining.
const settleInterval = 500 * time.Millisecond

// settle records what this process still owes an attempt whose pass was cut short
// by an error or a panic, or whose result could not be written. It returns an
// error as long as that is open: nothing else is decided about the request until
// then.
func (o *Operator) settle(ctx context.Context, request types.NamespacedName) error {
	var errs []error
	for _, held := range o.holdings.of(request) {
		errs = append(errs, o.settleOne(ctx, held))
	}
	return errors.Join(errs...)
}

func (o *Operator) settleOne(ctx context.Context, held holding) error {
	switch held.stage {
	case stageClaiming:
		return o.settleClaim(ctx, held)
	case stageClaimed:
		held = o.cutShort(held, reset.NotBegun())
	case stageBegun:
		held = o.cutShort(held, reset.Lost())
	case stageEnded:
	case stageOrphaned:
		return o.settleOrphan(ctx, held)
	case stageRecorded:
		return o.settleRecorded(ctx, held)
	}
	_, err := o.recordResult(ctx, held)
	return err
}

// cutShort notes the result of an attempt whose pass did not come to its end.
func (o *Operator) cutShort(held holding, result reset.Result) holding {
	held = held.ended(result, o.clock.Now())
	o.holdings.put(held)
	o.auditAttempt(auditAttemptEnded, "Attempt cut short", held)
	return held
}

// settleClaim finds out whether a claim without an answer was stored after all.
// If it was, its call was never begun. If not, the next claim of the request uses
// the same id.
func (o *Operator) settleClaim(ctx context.Context, held holding) error {
	var record v1alpha1.ResetRecord
	err := o.live.Get(ctx, client.ObjectKey{Name: held.record.Name}, &record)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("read the record: %w", err)
	}
	if reset.Attempt(&record, held.id) != nil {
		held.index = reset.IndexOf(&record, held.id)
		_, err = o.recordResult(ctx, o.cutShort(held, reset.NotBegun()))
		return err
	}
	if o.clock.since(held.claimBegan) > lateWrites {
		o.holdings.drop(held)
	}
	return nil
}

// settleAll settles everything that this process owes, in rounds, so that one
// that fails does not hold the others up, until nothing fails any more or the
// context ends.
func (o *Operator) settleAll(ctx context.Context) error {
	var last error
	err := wait.PollUntilContextCancel(ctx, settleInterval, true, func(ctx context.Context) (bool, error) {
		last = o.settleRound(ctx)
		return last == nil, nil
	})
	if err != nil {
		return errors.Join(err, last)
	}
	return nil
}

func (o *Operator) settleRound(ctx context.Context) error {
	var errs []error
	for _, request := range o.holdings.requests() {
		errs = append(errs, o.settle(ctx, request))
	}
	return errors.Join(errs...)
}

// settleRecorded makes sure that an attempt is not forgotten with its record before
// the request's status tells of it.
func (o *Operator) settleRecorded(ctx context.Context, held holding) error {
	for _, reader := range []client.Reader{o.kube, o.live} {
		var record v1alpha1.ResetRecord
		err := reader.Get(ctx, client.ObjectKey{Name: held.record.Name}, &record)
		if err == nil && reset.Attempt(&record, held.id) != nil {
			return nil
		}
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("read the record: %w", err)
		}
	}
	return o.orphan(ctx, held)
}

// orphan notes that somebody deleted the record of an attempt.
func (o *Operator) orphan(ctx context.Context, held holding) error {
	if held.stage != stageRecorded {
		o.meters.recorded(held)
	}
	held.stage = stageOrphaned
	o.holdings.put(held)
	o.auditAttempt(auditAttemptOrphaned, "The attempt's record was deleted by somebody", held)
	return o.settleOrphan(ctx, held)
}

// settleOrphan writes the result of an attempt whose record somebody deleted into
// the status of its request. Without it, the request would be carried out again.
func (o *Operator) settleOrphan(ctx context.Context, held holding) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	var request v1alpha1.UserCredentialReset
	err := o.live.Get(ctx, held.request(), &request)
	switch {
	case apierrors.IsNotFound(err), err == nil && string(request.UID) != held.record.Request.UID:
		o.holdings.drop(held)
		return nil
	case err != nil:
		return fmt.Errorf("read the request: %w", err)
	}
	if request.Status.Outcome == "" {
		next := request.DeepCopy()
		next.Status = reset.StatusOf(&request, reset.Orphaned(held.result), reset.Facts{Record: held.record}, o.clock.Now())
		o.audit(auditLine{
			event: auditRequestEnded, message: "The request ended", record: held.record,
			attempt: held.id, result: held.result.Result, outcome: next.Status.Outcome, reason: reasonOf(next),
		})
		if err := o.kube.Status().Update(ctx, next); err != nil {
			return fmt.Errorf("write the result of attempt %s into the request: %w", held.id, err)
		}
		o.announce(next, "")
	}
	o.holdings.drop(held)
	return nil
}

// recordResult writes the result of an attempt of this process. It needs no
// resourceVersion, since a stranger's edit must not cost the truth: the patch
// tests that the attempt is this one and has no result yet. It returns nil
// without an error if the record was deleted and the result is in the request.
func (o *Operator) recordResult(ctx context.Context, held holding) (*v1alpha1.ResetRecord, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	record := &v1alpha1.ResetRecord{ObjectMeta: metav1.ObjectMeta{Name: held.record.Name}}
	err := o.patchRecord(ctx, record, resultPatch(held))
	if isRefusedBySchema(err) {
		// Better the bare result than none.
		err = o.patchRecord(ctx, record, resultPatch(held)[:3])
	}
	if isFailedTest(err) {
		record, err = o.recordLate(ctx, held)
	}
	switch {
	case apierrors.IsNotFound(err), errors.Is(err, errAttemptVanished):
		return nil, o.orphan(ctx, held)
	case err != nil:
		return nil, fmt.Errorf("record the result of attempt %s: %w", held.id, err)
	}
	o.meters.recorded(held)
	if !reset.ForbidsAnother(held.result) {
		o.holdings.drop(held)
		return record, nil
	}
	held.stage = stageRecorded
	o.holdings.put(held)
	return record, nil
}

// recordLate writes the result beside the Unconfirmed that somebody wrote who
// thought this process dead. Where the record has the result already, or another
// one, nothing is left to do.
func (o *Operator) recordLate(ctx context.Context, held holding) (*v1alpha1.ResetRecord, error) {
	var record v1alpha1.ResetRecord
	if err := o.live.Get(ctx, client.ObjectKey{Name: held.record.Name}, &record); err != nil {
		return nil, err
	}
	attempt := reset.Attempt(&record, held.id)
	patch := latePatch(held)
	switch {
	case attempt == nil:
		return nil, errAttemptVanished
	case reset.TakesLateResult(attempt, held.result):
	case reset.TakesReason(attempt, held.result):
		// Both say Unconfirmed; which of the two reasons it is stops the workspace.
		patch = []patchOperation{patch[0], patch[1], patch[len(patch)-1]}
	default:
		return &record, nil
	}
	err := o.patchRecord(ctx, &record, patch)
	return &record, err
}

// errAttemptVanished means that a record was replaced by hand.
var errAttemptVanished = errors.New("the record does not hold the attempt")

type patchOperation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// resultPatch writes a result where none is. Its first three operations are
// enough; the others add the reason and the time.
func resultPatch(held holding) []patchOperation {
	path := "/attempts/" + strconv.Itoa(held.index)
	return []patchOperation{
		{"test", path + "/id", held.id},
		{"test", path + "/result", nil},
		{"add", path + "/result", held.result.Result},
		{"add", path + "/reason", held.result.Reason},
		{"add", path + "/endTime", metav1.NewTime(held.endTime).Rfc3339Copy()},
	}
}

// latePatch writes a late result beside Unconfirmed.
func latePatch(held holding) []patchOperation {
	path := "/attempts/" + strconv.Itoa(held.index)
	return []patchOperation{
		{"test", path + "/id", held.id},
		{"test", path + "/result", v1alpha1.AttemptUnconfirmed},
		{"test", path + "/lateResult", nil},
		{"add", path + "/lateResult", held.result.Result},
		{"add", path + "/reason", held.result.Reason},
	}
}

func (o *Operator) patchRecord(ctx context.Context, record *v1alpha1.ResetRecord, operations []patchOperation) error {
	patch, err := json.Marshal(operations)
	if err != nil {
		return err
	}
	return o.kube.Patch(ctx, record, client.RawPatch(types.JSONPatchType, patch))
}

// isFailedTest recognises the answer to a JSON Patch whose test did not hold: it
// is Invalid like a refusal by the schema, but has no causes.
func isFailedTest(err error) bool { return apierrors.IsInvalid(err) && causes(err) == 0 }

func isRefusedBySchema(err error) bool { return apierrors.IsInvalid(err) && causes(err) > 0 }

func causes(err error) int {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return 0
	}
	return len(status.Status().Details.Causes)
}
