package controllers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// step is one call to the API server or to the workspace, in the order in which
// they are made.
type step struct {
	index int
	what  string
}

// fault is what happens at a step.
type fault struct {
	name   string
	effect bool // whether the call has its effect all the same
	err    error
	panics bool
}

func faults() []fault {
	resource := schema.GroupResource{Group: v1alpha1.Group, Resource: "resetrecords"}
	return []fault{
		{name: "times out before its effect", err: context.DeadlineExceeded},
		{name: "times out after its effect", err: context.DeadlineExceeded, effect: true},
		{name: "conflicts", err: apierrors.NewConflict(resource, "r", errors.New("stale"))},
		{name: "meets a server error", err: apierrors.NewInternalError(errors.New("etcd"))},
		{name: "meets a server error after its effect", err: apierrors.NewInternalError(errors.New("etcd")), effect: true},
		{name: "is forbidden", err: apierrors.NewForbidden(resource, "r", errors.New("rbac"))},
		{name: "panics before its effect", panics: true},
		{name: "panics after its effect", panics: true, effect: true},
	}
}

// inject makes the fault happen at the step of that index, once.
func (h *harness) inject(index int, f fault) *[]step {
	steps := &[]step{}
	at := func(what string, do func() error) error {
		*steps = append(*steps, step{index: len(*steps), what: what})
		if len(*steps)-1 != index {
			return do()
		}
		if f.effect {
			if err := do(); err != nil {
				return err
			}
		}
		if f.panics {
			panic(f.name)
		}
		return f.err
	}
	h.faults.Get = func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
		return at(fmt.Sprintf("get %T", obj), func() error { return c.Get(ctx, key, obj, opts...) })
	}
	h.faults.List = func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
		return at(fmt.Sprintf("list %T", list), func() error { return c.List(ctx, list, opts...) })
	}
	h.faults.Create = func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
		return at(fmt.Sprintf("create %T", obj), func() error { return c.Create(ctx, obj, opts...) })
	}
	h.faults.Update = func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
		return at(fmt.Sprintf("update %T", obj), func() error { return c.Update(ctx, obj, opts...) })
	}
	h.faults.Patch = func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
		return at(fmt.Sprintf("patch %T", obj), func() error { return patchAsServer(ctx, c, obj, patch, opts...) })
	}
	h.faults.SubResourceUpdate = func(ctx context.Context, c client.Client, name string, obj client.Object, opts ...client.SubResourceUpdateOption) error {
		return at(fmt.Sprintf("update %T status", obj), func() error { return c.SubResource(name).Update(ctx, obj, opts...) })
	}
	return steps
}

// stepsOfASuccess is how many calls to the API server a reset takes, and which.
func stepsOfASuccess(t *testing.T) []step {
	t.Helper()
	h := newHarness(t)
	steps := h.inject(-1, fault{})
	h.reconcile()
	if outcome := h.request().Status.Outcome; outcome != v1alpha1.OutcomeSucceeded {
		t.Fatalf("without a fault the request ends as %q", outcome)
	}
	return *steps
}

// TestNoFaultOfTheAPIServerCallsTwice makes every call to the API server fail in
// every way, lets the process live on or die there, and counts what the workspace
// saw.
func TestNoFaultOfTheAPIServerCallsTwice(t *testing.T) {
	t.Parallel()
	schedules := 0
	for _, s := range stepsOfASuccess(t) {
		for _, f := range faults() {
			for _, dies := range []bool{false, true} {
				schedules++
				name := fmt.Sprintf("step %d, %s, %s, process dies %t", s.index, s.what, f.name, dies)
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					h := newHarness(t)
					h.inject(s.index, f)
					_, err := h.reconcileOnce()
					h.faults.Get, h.faults.List, h.faults.Create = nil, nil, nil
					h.faults.Update, h.faults.Patch, h.faults.SubResourceUpdate = nil, nil, nil
					if dies {
						h.restart()
					}
					h.reconcile()
					h.giveUp()
					h.reconcile()
					checkAtMostOnce(t, h, err)
				})
			}
		}
	}
	if schedules < 100 {
		t.Errorf("only %d schedules", schedules)
	}
}

// checkAtMostOnce asserts the promise: one call an attempt, a second attempt only
// after proof, and a truth that the workspace would confirm.
func checkAtMostOnce(t *testing.T, h *harness, first error) {
	t.Helper()
	journal, record, request := h.chat.Journal(), h.record(), h.request()
	posts := journal.Posts()
	if posts > 1 {
		t.Errorf("%d calls after %v", posts, first)
	}
	if record == nil {
		if posts > 0 {
			t.Errorf("%d calls without a record", posts)
		}
		return
	}
	succeeded := 0
	for _, attempt := range record.Attempts {
		switch attempt.Result {
		case "":
			t.Errorf("an attempt is still open: %+v", record.Attempts)
		case v1alpha1.AttemptSucceeded:
			succeeded++
		case v1alpha1.AttemptUnconfirmed:
			if request.Status.Outcome != v1alpha1.OutcomeUnconfirmed {
				t.Errorf("an unconfirmed attempt, but the outcome is %q", request.Status.Outcome)
			}
		case v1alpha1.AttemptNotSent, v1alpha1.AttemptRefused:
		}
	}
	if succeeded > posts || (succeeded > 0 && request.Status.Outcome != v1alpha1.OutcomeSucceeded) {
		t.Errorf("%d attempts succeeded with %d calls, outcome %q", succeeded, posts, request.Status.Outcome)
	}
	if request.Status.Outcome == v1alpha1.OutcomeFailed && posts > 0 {
		t.Errorf("the request failed, but the workspace was called: %+v", record.Attempts)
	}
	if len(journal.Resets) > 0 && (journal.OwnResets() > 0 || journal.ResetsOf(simulator.SampleAliceID) != len(journal.Resets)) {
		t.Errorf("somebody else was reset: %+v", journal.Resets)
	}
}

// TestAnAnswerThatIsLostIsNeverRepeated lets the workspace do its work and lose
// the answer.
func TestAnAnswerThatIsLostIsNeverRepeated(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.chat.Intercept(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method != http.MethodPost {
			next.ServeHTTP(rw, r)
			return
		}
		next.ServeHTTP(&discard{header: http.Header{}}, r)
		panic(http.ErrAbortHandler)
	})
	h.reconcile()
	h.restart()
	h.reconcile()
	if outcome := h.request().Status.Outcome; outcome != v1alpha1.OutcomeUnconfirmed {
		t.Errorf("outcome %q", outcome)
	}
	if posts := h.chat.Journal().Posts(); posts != 1 {
		t.Errorf("%d calls", posts)
	}
}

// discard is an answer that nobody gets.
type discard struct{ header http.Header }

// Header implements http.ResponseWriter.
func (d *discard) Header() http.Header { return d.header }

// Write implements http.ResponseWriter.
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader implements http.ResponseWriter.
func (d *discard) WriteHeader(int) {}
