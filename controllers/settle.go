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
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

// settleInterval is the pause between tries to record results while draining.
const settleInterval = 500 * time.Millisecond

// settle records what this process still owes an attempt whose pass was cut short
// by an error or a panic, or whose result could not be written. It returns an
// error as long as that is open: nothing else is decided about the request until
// then.
func (o *Operator) settle(ctx context.Context, request types.NamespacedName) error {
	held, ok := o.holdings.get(request)
	if !ok {
		return nil
	}
	switch held.stage {
	case stageClaiming:
		return o.settleClaim(ctx, held)
	case stageClaimed:
		held.result = reset.NotBegun()
	case stageBegun:
		held.result = reset.Lost()
	case stageEnded:
	}
	if held.stage != stageEnded {
		held.stage, held.endTime = stageEnded, o.clock.Now()
		o.holdings.put(held)
		ctrl.LoggerFrom(ctx).Info("Attempt cut short", "audit", true, "attempt", held.id, "result", held.result.Result,
			"reason", held.result.Reason, "record", held.record)
	}
	_, err := o.recordResult(ctx, held)
	return err
}

// settleClaim finds out whether a claim without an answer was stored after all.
// If it was, its call was never begun. If not, the next pass claims with the same
// id.
func (o *Operator) settleClaim(ctx context.Context, held holding) error {
	var record v1alpha1.ResetRecord
	err := o.live.Get(ctx, client.ObjectKey{Name: held.record}, &record)
	if apierrors.IsNotFound(err) {
		return o.abandonGone(ctx, held)
	}
	if err != nil {
		return fmt.Errorf("read the record: %w", err)
	}
	if reset.Attempt(&record, held.id) == nil {
		return o.abandonGone(ctx, held)
	}
	held.stage, held.result, held.endTime = stageEnded, reset.NotBegun(), o.clock.Now()
	o.holdings.put(held)
	_, err = o.recordResult(ctx, held)
	return err
}

// abandonGone gives up a claim that was not stored, if its request is gone: nobody
// would claim for it any more.
func (o *Operator) abandonGone(ctx context.Context, held holding) error {
	err := o.live.Get(ctx, held.request, &v1alpha1.UserCredentialReset{})
	if apierrors.IsNotFound(err) {
		o.holdings.drop(held.request)
		return nil
	}
	return err
}

// settleUntil settles, again and again until it succeeds or the context ends.
func (o *Operator) settleUntil(ctx context.Context, request types.NamespacedName) error {
	return wait.PollUntilContextCancel(ctx, settleInterval, true, func(ctx context.Context) (bool, error) {
		held, ok := o.holdings.get(request)
		if !ok || held.stage == stageClaiming {
			return true, nil
		}
		return o.settle(ctx, request) == nil, nil
	})
}

// recordResult writes the result of an attempt of this process. It needs no
// resourceVersion, since a stranger's edit must not cost the truth: the patch
// tests that the attempt is this one and has no result yet. It returns nil
// without an error if the record was deleted.
func (o *Operator) recordResult(ctx context.Context, held holding) (*v1alpha1.ResetRecord, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	record := &v1alpha1.ResetRecord{ObjectMeta: metav1.ObjectMeta{Name: held.record}}
	err := o.patchRecord(ctx, record, resultPatch(held))
	if isRefusedBySchema(err) {
		// Better the bare result than none.
		err = o.patchRecord(ctx, record, resultPatch(held)[:3])
	}
	if isFailedTest(err) {
		record, err = o.recordLate(ctx, held)
	}
	switch {
	case apierrors.IsNotFound(err):
		ctrl.LoggerFrom(ctx).Error(err, "The record was deleted by somebody; the result stands in this log alone",
			"audit", true, "attempt", held.id, "result", held.result.Result, "record", held.record)
		record = nil
	case err != nil:
		return nil, fmt.Errorf("record the result of attempt %s: %w", held.id, err)
	}
	o.holdings.drop(held.request)
	return record, nil
}

// recordLate writes the result beside the Unconfirmed that somebody wrote who
// thought this process dead. Where the record has the result already, or another
// one, nothing is left to do.
func (o *Operator) recordLate(ctx context.Context, held holding) (*v1alpha1.ResetRecord, error) {
	var record v1alpha1.ResetRecord
	if err := o.live.Get(ctx, client.ObjectKey{Name: held.record}, &record); err != nil {
		return nil, err
	}
	attempt := reset.Attempt(&record, held.id)
	switch {
	case attempt == nil:
		ctrl.LoggerFrom(ctx).Error(errAttemptVanished, "The result stands in this log alone", "audit", true,
			"attempt", held.id, "result", held.result.Result, "record", held.record)
		return &record, nil
	case !reset.TakesLateResult(attempt, held.result):
		return &record, nil
	}
	err := o.patchRecord(ctx, &record, latePatch(held))
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
