package controllers

import (
	"context"
	"net/http"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// TestARecordThatWasThereAndIsGoneIsLost lets somebody delete the record of the
// request's name between the claim that meets it and the look at it.
func TestARecordThatWasThereAndIsGoneIsLost(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.faults.Create = func(_ context.Context, _ client.WithWatch, object client.Object, _ ...client.CreateOption) error {
		return apierrors.NewAlreadyExists(recordResource(), object.GetName())
	}
	h.reconcile()
	h.wantEnd(v1alpha1.OutcomeUnconfirmed, v1alpha1.ReasonRecordLost, 0)
	if record := h.record(); record != nil {
		t.Errorf("a record was made: %+v", record)
	}
}

// TestWhatAPassFoundOutIsWrittenAfterTheStop sends the stop signal while a reset is
// being called.
func TestWhatAPassFoundOutIsWrittenAfterTheStop(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	ctx, stop := context.WithCancel(t.Context())
	h.chat.Intercept(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodPost {
			stop()
		}
		next.ServeHTTP(rw, r)
	})
	h.faults.SubResourceUpdate = func(ctx context.Context, c client.Client, name string, object client.Object, options ...client.SubResourceUpdateOption) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return c.SubResource(name).Update(ctx, object, options...)
	}
	if _, err := h.requests.Reconcile(ctx, ctrl.Request{NamespacedName: h.name}); err != nil {
		t.Errorf("the pass ended with %v", err)
	}
	h.wantEnd(v1alpha1.OutcomeSucceeded, v1alpha1.ReasonResetAccepted, 1)
}

// TestNothingIsDecidedOnARequestThatIsKnownToBeOld lets the cache not hear of the
// status that was written.
func TestNothingIsDecidedOnARequestThatIsKnownToBeOld(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	old := h.request()
	funcs := h.through()
	get := funcs.Get
	funcs.Get = func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
		if request, is := object.(*v1alpha1.UserCredentialReset); is {
			old.DeepCopyInto(request)
			return nil
		}
		return get(ctx, c, key, object, options...)
	}
	h.requests.kube = interceptor.NewClient(h.store, funcs)
	writes := 0
	h.faults.SubResourceUpdate = func(ctx context.Context, c client.Client, name string, object client.Object, options ...client.SubResourceUpdateOption) error {
		writes++
		return c.SubResource(name).Update(ctx, object, options...)
	}
	for range 3 {
		if _, err := h.reconcileOnce(); err != nil {
			t.Fatal(err)
		}
	}
	if writes != 1 {
		t.Errorf("%d status writes, want 1", writes)
	}
	h.wantEnd(v1alpha1.OutcomeSucceeded, v1alpha1.ReasonResetAccepted, 1)
}

// TestNoticeIsGivenBeforeTheRecordIsLookedAt follows a request for somebody who
// does not exist.
func TestNoticeIsGivenBeforeTheRecordIsLookedAt(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	steps := []string{}
	h.faults.Get = func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
		if _, is := object.(*v1alpha1.ResetRecord); is {
			steps = append(steps, "look for a record")
		}
		return c.Get(ctx, key, object, options...)
	}
	h.faults.SubResourceUpdate = func(ctx context.Context, c client.Client, name string, object client.Object, options ...client.SubResourceUpdateOption) error {
		if request, is := object.(*v1alpha1.UserCredentialReset); is {
			steps = append(steps, reasonOf(request))
		}
		return c.SubResource(name).Update(ctx, object, options...)
	}
	request := h.request()
	request.Spec.User.Username = "nobody"
	if err := h.store.Update(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	if _, err := h.reconcileOnce(); err != nil {
		t.Fatal(err)
	}
	want := []string{v1alpha1.ReasonConcluding, "look for a record", v1alpha1.ReasonUserNotFound}
	if len(steps) < len(want) {
		t.Fatalf("steps %v", steps)
	}
	for i, step := range steps[len(steps)-len(want):] {
		if step != want[i] {
			t.Errorf("the last steps of %v, want %v", steps, want)
			break
		}
	}
}
