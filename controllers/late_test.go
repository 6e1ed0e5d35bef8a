package controllers

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// hold makes the workspace keep the answer to resets back until release is
// called; then answer is called in place of the workspace, if it is not nil.
func (h *harness) hold(answer http.HandlerFunc) (release func()) {
	gate := make(chan struct{})
	h.chat.Intercept(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodPost {
			select {
			case <-gate:
			case <-r.Context().Done():
				return
			}
			if answer != nil {
				answer(rw, r)
				return
			}
		}
		next.ServeHTTP(rw, r)
	})
	return func() { close(gate) }
}

// awaitPost returns when a reset has arrived at the workspace.
func (h *harness) awaitPost() {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 20*time.Second)
	defer cancel()
	if err := h.chat.Await(ctx, func(j simulator.Journal) bool {
		return len(j.Requests) > 0 && j.Requests[len(j.Requests)-1].Method == http.MethodPost
	}); err != nil {
		h.t.Fatalf("no reset arrived: %v", err)
	}
}

// TestTheLateTruthReplacesTheLoss lets a second process give up the attempt of a
// first one that is only slow.
func TestTheLateTruthReplacesTheLoss(t *testing.T) {
	t.Parallel()
	refuse := func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(http.StatusBadRequest)
		_, _ = rw.Write([]byte(`{"success":false,"error":"Not allowed [error-not-allowed]","errorType":"error-not-allowed"}`))
	}
	cases := map[string]struct {
		answer  http.HandlerFunc
		result  v1alpha1.AttemptResult
		outcome v1alpha1.Outcome
		reason  string
	}{
		"a success": {nil, v1alpha1.AttemptSucceeded, v1alpha1.OutcomeSucceeded, v1alpha1.ReasonResetAccepted},
		"a refusal": {refuse, v1alpha1.AttemptRefused, v1alpha1.OutcomeFailed, v1alpha1.ReasonPermissionMissing},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			release := h.hold(c.answer)
			slow := h.process
			done := make(chan error, 1)
			go func() {
				_, err := h.reconcileOnce()
				done <- err
			}()
			h.awaitPost()
			h.restart()
			h.giveUp()
			h.reconcile()
			if got := h.request().Status.Outcome; got != v1alpha1.OutcomeUnconfirmed {
				t.Fatalf("given up, but the outcome is %q", got)
			}
			release()
			if err := <-done; err != nil {
				t.Fatalf("the slow process: %v", err)
			}
			h.reconcile()
			attempt := h.record().Attempts[0]
			if attempt.Result != v1alpha1.AttemptUnconfirmed || attempt.LateResult != c.result {
				t.Errorf("recorded: %+v", attempt)
			}
			if got := h.request().Status; got.Outcome != c.outcome || got.Conditions[0].Reason != c.reason {
				t.Errorf("got %q, %+v", got.Outcome, got.Conditions)
			}
			for _, owed := range slow.requests.holdings.of(h.name) {
				if owed.stage != stageRecorded {
					t.Errorf("the slow process still owes %+v", owed)
				}
			}
		})
	}
}

func TestAnAttemptOfTheOwnProcessIsNeverGivenUp(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	release := h.hold(nil)
	done := make(chan error, 1)
	go func() {
		_, err := h.reconcileOnce()
		done <- err
	}()
	h.awaitPost()
	h.giveUp()
	if attempt := h.record().Attempts[0]; attempt.Result != "" {
		t.Errorf("given up: %+v", attempt)
	}
	release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if attempt := h.record().Attempts[0]; attempt.Result != v1alpha1.AttemptSucceeded {
		t.Errorf("recorded: %+v", attempt)
	}
}

// TestDrainRecordsWhatTheAPIServerMissed lets the API server be away when the
// result is to be written, and come back while the process drains.
func TestDrainRecordsWhatTheAPIServerMissed(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	missed := 0
	h.faults.Patch = func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
		missed++
		if missed <= 3 {
			return errors.New("connection refused")
		}
		return patchAsServer(ctx, c, obj, patch, opts...)
	}
	if _, err := h.reconcileOnce(); err == nil {
		t.Fatal("the result was written although the API server was away")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := h.requests.Drain(ctx); err != nil {
		t.Fatalf("drain: %v", err)
	}
	if attempt := h.record().Attempts[0]; attempt.Result != v1alpha1.AttemptSucceeded {
		t.Errorf("recorded: %+v", attempt)
	}
}

func TestNothingBeginsAfterTheStopSignal(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.requests.Stop()
	h.reconcile()
	if posts := h.chat.Journal().Posts(); posts != 0 || h.record() != nil {
		t.Errorf("%d calls, record %+v", posts, h.record())
	}
	if err := h.requests.Drain(t.Context()); err != nil {
		t.Errorf("drain: %v", err)
	}
}

func TestDrainWaitsForACallInFlight(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	release := h.hold(nil)
	go func() { _, _ = h.reconcileOnce() }()
	h.awaitPost()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.requests.Drain(over); !errors.Is(err, context.Canceled) {
		t.Errorf("drained while a call was in flight: %v", err)
	}
	release()
	if err := h.requests.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if attempt := h.record().Attempts[0]; attempt.Result != v1alpha1.AttemptSucceeded {
		t.Errorf("recorded: %+v", attempt)
	}
}
