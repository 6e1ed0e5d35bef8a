package controllers

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

func recordResource() schema.GroupResource {
	return schema.GroupResource{Group: v1alpha1.Group, Resource: "resetrecords"}
}

// holdBackRecords makes the cache know no record at all, as when its watch lags.
func (h *harness) holdBackRecords() (release func()) {
	operator := h.requests.Operator
	fresh, funcs := operator.kube, h.through()
	get, list := funcs.Get, funcs.List
	funcs.Get = func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
		if _, is := obj.(*v1alpha1.ResetRecord); is {
			return apierrors.NewNotFound(recordResource(), key.Name)
		}
		return get(ctx, c, key, obj, opts...)
	}
	funcs.List = func(ctx context.Context, c client.WithWatch, l client.ObjectList, opts ...client.ListOption) error {
		if _, is := l.(*v1alpha1.ResetRecordList); is {
			return nil
		}
		return list(ctx, c, l, opts...)
	}
	operator.kube = interceptor.NewClient(h.store, funcs)
	return func() { operator.kube = fresh }
}

// refuseResets answers resets in place of the workspace, with a code that proves
// that nothing happened, while on says so.
func (h *harness) refuseResets(code, details string, on func() bool) {
	h.chat.Intercept(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method != http.MethodPost || !on() {
			next.ServeHTTP(rw, r)
			return
		}
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(http.StatusBadRequest)
		_, _ = rw.Write([]byte(`{"success":false,"error":"Refused [` + code + `]","errorType":"` + code + `","details":{` + details + `}}`))
	})
}

func always() bool { return true }

func (h *harness) wantEnd(outcome v1alpha1.Outcome, reason string, posts int) {
	h.t.Helper()
	status := h.request().Status
	got := ""
	for _, condition := range status.Conditions {
		if condition.Type == v1alpha1.ConditionSucceeded {
			got = condition.Reason
		}
	}
	if status.Outcome != outcome || got != reason {
		h.t.Errorf("ended as %q because of %q, want %q because of %q", status.Outcome, got, outcome, reason)
	}
	if seen := h.chat.Journal().Posts(); seen != posts {
		h.t.Errorf("the workspace saw %d calls, want %d", seen, posts)
	}
}

// other creates a second request and reconciles it once.
func (h *harness) other(username string) {
	h.t.Helper()
	request := h.newRequest("uid-2")
	request.Name, request.Spec.User.Username = "other", username
	if err := h.store.Create(h.t.Context(), request); err != nil {
		h.t.Fatal(err)
	}
	name := types.NamespacedName{Namespace: request.Namespace, Name: request.Name}
	if _, err := h.requests.Reconcile(h.t.Context(), ctrl.Request{NamespacedName: name}); err != nil {
		h.t.Fatal(err)
	}
}

func TestASuccessIsNotForgottenWithItsRecord(t *testing.T) {
	t.Parallel()
	t.Run("deleted while the API server is away", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		h.faults.Patch = func(context.Context, client.WithWatch, client.Object, client.Patch, ...client.PatchOption) error {
			return errors.New("connection refused")
		}
		if _, err := h.reconcileOnce(); err == nil {
			t.Fatal("the result was written")
		}
		h.deleteRecord()
		h.faults.Patch = nil
		h.reconcile()
		h.wantEnd(v1alpha1.OutcomeSucceeded, v1alpha1.ReasonResetAccepted, 1)
	})
	t.Run("deleted while the request is edited", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t)
		edited := false
		h.faults.Patch = func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			h.deleteRecord()
			return patchAsServer(ctx, c, obj, patch, opts...)
		}
		h.faults.SubResourceUpdate = func(ctx context.Context, c client.Client, name string, obj client.Object, opts ...client.SubResourceUpdateOption) error {
			if !edited {
				edited = true
				return apierrors.NewConflict(recordResource(), obj.GetName(), errors.New("labelled"))
			}
			return c.SubResource(name).Update(ctx, obj, opts...)
		}
		h.reconcile()
		h.wantEnd(v1alpha1.OutcomeSucceeded, v1alpha1.ReasonResetAccepted, 1)
	})
}

func (h *harness) deleteRecord() {
	h.t.Helper()
	if record := h.record(); record != nil {
		if err := h.store.Delete(h.t.Context(), record); err != nil {
			h.t.Error(err)
		}
	}
}

// TestNoRequestFailsOnAnOldRecord lets a success be recorded, its status write
// fail, and the watch of records lag until the request's time is over.
func TestNoRequestFailsOnAnOldRecord(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	failed := false
	h.faults.SubResourceUpdate = func(ctx context.Context, c client.Client, name string, obj client.Object, opts ...client.SubResourceUpdateOption) error {
		if !failed {
			failed = true
			return apierrors.NewInternalError(errors.New("etcd"))
		}
		return c.SubResource(name).Update(ctx, obj, opts...)
	}
	h.holdBackRecords()
	if _, err := h.reconcileOnce(); err == nil {
		t.Fatal("the status was written")
	}
	h.requests.clock.offset.Store(int64(2 * time.Hour))
	h.reconcile()
	h.wantEnd(v1alpha1.OutcomeSucceeded, v1alpha1.ReasonResetAccepted, 1)
}

func TestARecordThatTheCacheDoesNotKnowIsNotLost(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.refuseResets("error-email-send-failed", "", always)
	old := h.request()
	h.holdBackRecords()
	if _, err := h.reconcileOnce(); err != nil {
		t.Fatal(err)
	}
	h.requests.written.forget(h.name)
	operator := h.requests.Operator
	cached, ok := operator.kube.(client.WithWatch)
	if !ok {
		t.Fatalf("the client is a %T", operator.kube)
	}
	operator.kube = interceptor.NewClient(cached, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			if request, is := obj.(*v1alpha1.UserCredentialReset); is {
				old.DeepCopyInto(request)
				return nil
			}
			return c.Get(ctx, key, obj, opts...)
		},
	})
	if _, err := h.reconcileOnce(); err != nil {
		t.Fatal(err)
	}
	h.wantEnd("", v1alpha1.ReasonRetrying, 1)
}

// TestAClaimThatArrivesLateIsNeverACall lets the answer to a claim be lost and the
// write arrive later, in every way in which something else can happen first.
func TestAClaimThatArrivesLateIsNeverACall(t *testing.T) {
	t.Parallel()
	unanswered := func(late *client.Object, times int) func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
		calls := 0
		return func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			calls++
			if calls <= times {
				if calls == 1 {
					*late, _ = obj.DeepCopyObject().(client.Object)
				}
				return context.DeadlineExceeded
			}
			return c.Create(ctx, obj, opts...)
		}
	}
	cases := map[string]func(h *harness, land func()){
		"before the next claim": func(_ *harness, land func()) { land() },
		"before the next claim, which is refused": func(h *harness, land func()) {
			h.faults.Create = func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
				return apierrors.NewForbidden(recordResource(), "r", errors.New("rbac"))
			}
			h.pass(time.Minute)
			land()
		},
		"during the next claim, a minute later": func(h *harness, land func()) {
			h.faults.Create = func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
				land()
				return c.Create(ctx, obj, opts...)
			}
			h.pass(time.Minute)
		},
		"before the process drains": func(h *harness, land func()) {
			land()
			if err := h.requests.Drain(h.t.Context()); err != nil {
				h.t.Fatal(err)
			}
			h.restart()
		},
	}
	for name, between := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			var late client.Object
			h.faults.Create = unanswered(&late, 2)
			h.pass(0)
			between(h, func() {
				late.SetResourceVersion("")
				if err := h.store.Create(t.Context(), late); err != nil {
					t.Fatal(err)
				}
			})
			h.faults.Create = nil
			h.reconcile()
			h.giveUp()
			if attempt := h.record().Attempts[0]; attempt.Result != v1alpha1.AttemptNotSent {
				t.Errorf("the late claim was recorded as %+v", attempt)
			}
			if posts := h.chat.Journal().Posts(); posts != 0 {
				t.Errorf("%d calls", posts)
			}
		})
	}
}

// pass moves the clock on, past all pauses, and reconciles once.
func (h *harness) pass(later time.Duration) {
	h.t.Helper()
	if later > 0 {
		h.requests.clock.offset.Add(int64(later))
	}
	if _, err := h.reconcileOnce(); err != nil {
		h.t.Logf("reconcile: %v", err)
	}
}

func TestALaterClaimThatArrivesLateIsNeverACall(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	refusing := true
	h.refuseResets("error-email-send-failed", "", func() bool { return refusing })
	h.pass(0)
	refusing = false
	var late client.Object
	h.faults.Update = func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
		if _, is := obj.(*v1alpha1.ResetRecord); is && late == nil {
			late, _ = obj.DeepCopyObject().(client.Object)
			return apierrors.NewInternalError(errors.New("etcdserver: request timed out"))
		}
		return c.Update(ctx, obj, opts...)
	}
	h.pass(40 * time.Second)
	if late == nil {
		t.Fatal("nothing was claimed")
	}
	if err := h.store.Update(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	h.reconcile()
	h.giveUp()
	if attempts := h.record().Attempts; len(attempts) != 2 || attempts[1].Result != v1alpha1.AttemptNotSent {
		t.Errorf("recorded: %+v", attempts)
	}
	h.wantEnd("", v1alpha1.ReasonRetrying, 1)
}

func TestAFactorThatWasRefusedIsNotTriedForTheNextRequest(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.refuseResets("totp-required", `"method":"email","codeGenerated":true`, always)
	h.holdBackRecords()
	h.pass(0)
	calls := len(h.chat.Journal().Requests)
	h.other("bob")
	for range 3 {
		h.pass(time.Minute)
	}
	if more := len(h.chat.Journal().Requests) - calls; more != 0 {
		t.Errorf("%d more calls with a Secret that was refused", more)
	}
	h.wantEnd("", v1alpha1.ReasonSecondFactorRequired, 1)
}

func TestOnlyASuccessVerifiesTheOwnAccount(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	first := true
	h.chat.Intercept(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodPost && first {
			first = false
			rw.WriteHeader(http.StatusBadGateway)
			return
		}
		next.ServeHTTP(rw, r)
	})
	h.pass(0)
	calls := len(h.chat.Journal().Requests)
	h.other("bob")
	var after []string
	for _, request := range h.chat.Journal().Requests[calls:] {
		after = append(after, request.Path)
	}
	if got := strings.Join(after, " "); got != "/api/v1/users.info /api/v1/users.resetTOTP /api/v1/me" {
		t.Errorf("the first success was followed by %s", got)
	}
}

func TestAFaultOfTheLookUpIsNoMissingUser(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.chat.Intercept(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if !strings.HasSuffix(r.URL.Path, "users.info") {
			next.ServeHTTP(rw, r)
			return
		}
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(http.StatusBadRequest)
		_, _ = rw.Write([]byte(`{"success":false,"error":"connection 5 to 10.0.0.3:27017 closed"}`))
	})
	h.reconcile()
	h.wantEnd("", v1alpha1.ReasonRetrying, 0)
}
