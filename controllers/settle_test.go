package controllers

import (
	"context"
	"errors"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// TestNothingIsDecidedBeforeAResultIsRecorded keeps the result of an attempt from
// being written, for several looks at the request.
func TestNothingIsDecidedBeforeAResultIsRecorded(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.faults.Patch = func(context.Context, client.WithWatch, client.Object, client.Patch, ...client.PatchOption) error {
		return errors.New("the API server is away")
	}
	for range 4 {
		if _, err := h.reconcileOnce(); err == nil {
			t.Error("a look at the request did not fail")
		}
		if conditions := h.request().Status.Conditions; len(conditions) > 0 {
			t.Errorf("the request says %+v", conditions)
		}
	}
	h.faults.Patch = nil
	h.reconcile()
	if got := h.request().Status.Outcome; got != v1alpha1.OutcomeSucceeded {
		t.Errorf("outcome %q", got)
	}
	if posts := h.chat.Journal().Posts(); posts != 1 {
		t.Errorf("%d calls", posts)
	}
}
