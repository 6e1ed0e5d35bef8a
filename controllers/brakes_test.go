package controllers

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// freeze makes the cache show request, workspace and records as they are now,
// whatever happens to them.
func (h *harness) freeze() {
	h.t.Helper()
	request, workspace := h.request(), h.workspace()
	funcs := h.through()
	get := funcs.Get
	funcs.Get = func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
		switch object := obj.(type) {
		case *v1alpha1.UserCredentialReset:
			request.DeepCopyInto(object)
			return nil
		case *v1alpha1.RocketChatWorkspace:
			workspace.DeepCopyInto(object)
			return nil
		}
		return get(ctx, c, key, obj, opts...)
	}
	funcs.List = func(_ context.Context, _ client.WithWatch, _ client.ObjectList, _ ...client.ListOption) error {
		return nil
	}
	h.requests.kube = interceptor.NewClient(h.store, funcs)
}

func (h *harness) workspace() *v1alpha1.RocketChatWorkspace {
	h.t.Helper()
	var workspace v1alpha1.RocketChatWorkspace
	if err := h.store.Get(h.t.Context(), types.NamespacedName{Namespace: "chat", Name: "chat"}, &workspace); err != nil {
		h.t.Fatal(err)
	}
	return &workspace
}

// must ends the test on an error.
func (h *harness) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// rival is the record of another request for the same person, with one attempt.
func (h *harness) rival(result v1alpha1.AttemptResult) *v1alpha1.ResetRecord {
	other := h.newRequest("uid-9")
	other.Name = "another"
	return reset.NewRecord(other, h.alice(), v1alpha1.Attempt{
		ID: "theirs", StartTime: metav1.NewTime(time.Now()), SecretResourceVersion: "1", Result: result,
	})
}

// alice is the target of the request.
func (h *harness) alice() v1alpha1.Target {
	h.t.Helper()
	var secret corev1.Secret
	h.must(h.store.Get(h.t.Context(), types.NamespacedName{Namespace: "chat", Name: "chat"}, &secret))
	return v1alpha1.Target{Host: string(secret.Data["url"]), UserID: simulator.SampleAliceID, Username: "alice"}
}

// afterTheClaim has something happen when the claim is stored.
func (h *harness) afterTheClaim(what func()) {
	h.faults.Create = func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
		h.faults.Create = nil
		if err := c.Create(ctx, obj, opts...); err != nil {
			return err
		}
		what()
		return nil
	}
}

// wantNoCall asserts that the workspace saw no reset, and that the first attempt,
// if there is one, is recorded as not sent for that reason.
func (h *harness) wantNoCall(reason string) {
	h.t.Helper()
	if posts := h.chat.Journal().Posts(); posts != 0 {
		h.t.Errorf("%d calls", posts)
	}
	record := h.record()
	switch {
	case record == nil && reason != "":
		h.t.Error("nothing was claimed")
	case record != nil && (record.Attempts[0].Result != v1alpha1.AttemptNotSent || record.Attempts[0].Reason != reason):
		h.t.Errorf("recorded: %+v, want %s", record.Attempts, reason)
	}
}

// TestWhatHappensAfterTheClaimStopsTheCall lets things happen between the claim and
// the call of which the cache does not know.
func TestWhatHappensAfterTheClaimStopsTheCall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		happens func(h *harness)
		reason  string
	}{
		"another process claims the same person": {
			func(h *harness) { h.must(h.store.Create(h.t.Context(), h.rival(""))) }, v1alpha1.ReasonTargetBusy,
		},
		"another process resets the same person": {
			func(h *harness) { h.must(h.store.Create(h.t.Context(), h.rival(v1alpha1.AttemptSucceeded))) }, v1alpha1.ReasonAlreadyReset,
		},
		"the records cannot be listed": {func(h *harness) {
			h.faults.List = func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
				return errors.New("connection refused")
			}
		}, v1alpha1.ReasonNotBegun},
		"the request is deleted": {
			func(h *harness) { h.must(h.store.Delete(h.t.Context(), h.request())) }, v1alpha1.ReasonNotBegun,
		},
		"the request is created anew": {func(h *harness) {
			h.must(h.store.Delete(h.t.Context(), h.request()))
			h.must(h.store.Create(h.t.Context(), h.newRequest("uid-2")))
		}, v1alpha1.ReasonNotBegun},
		"another process gives notice of its end": {func(h *harness) {
			request := h.request()
			request.Status = reset.StatusOf(request, reset.Notice(), reset.Facts{}, time.Now())
			h.must(h.store.Status().Update(h.t.Context(), request))
		}, v1alpha1.ReasonNotBegun},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			h.freeze()
			h.afterTheClaim(func() { c.happens(h) })
			h.pass(0)
			h.wantNoCall(c.reason)
		})
	}
}

// TestBrakesAreReadLive lets things happen before the pass of which the cache does
// not know: nothing is claimed.
func TestBrakesAreReadLive(t *testing.T) {
	t.Parallel()
	for name, happens := range map[string]func(h *harness){
		"the request is deleted": func(h *harness) { h.must(h.store.Delete(h.t.Context(), h.request())) },
		"the request is being deleted": func(h *harness) {
			request := h.request()
			request.Finalizers = []string{"example.com/wait"}
			h.must(h.store.Update(h.t.Context(), request))
			h.must(h.store.Delete(h.t.Context(), request))
		},
		"the request is created anew": func(h *harness) {
			h.must(h.store.Delete(h.t.Context(), h.request()))
			h.must(h.store.Create(h.t.Context(), h.newRequest("uid-2")))
		},
		"the workspace is suspended": func(h *harness) {
			workspace := h.workspace()
			workspace.Spec.Suspend = new(true)
			h.must(h.store.Update(h.t.Context(), workspace))
		},
		"the user is protected": func(h *harness) {
			workspace := h.workspace()
			workspace.Spec.ProtectedUserIDs = []string{simulator.SampleAliceID}
			h.must(h.store.Update(h.t.Context(), workspace))
		},
		"the workspace names another Secret": func(h *harness) {
			var secret corev1.Secret
			h.must(h.store.Get(h.t.Context(), types.NamespacedName{Namespace: "chat", Name: "chat"}, &secret))
			h.must(h.store.Create(h.t.Context(), &corev1.Secret{
				ObjectMeta: metav1.ObjectMeta{Namespace: "chat", Name: "other"}, Type: secret.Type, Data: secret.Data,
			}))
			workspace := h.workspace()
			workspace.Spec.SecretRef.Name = "other"
			h.must(h.store.Update(h.t.Context(), workspace))
		},
		"the Secret is changed": func(h *harness) {
			var secret corev1.Secret
			h.must(h.store.Get(h.t.Context(), types.NamespacedName{Namespace: "chat", Name: "chat"}, &secret))
			secret.Labels = map[string]string{"changed": "yes"}
			h.must(h.store.Update(h.t.Context(), &secret))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			h.freeze()
			happens(h)
			h.pass(0)
			h.wantNoCall("")
		})
	}
}

// TestASecretThatWasNotProbedIsNotUsed proves that not even the look-up is made
// with it.
func TestASecretThatWasNotProbedIsNotUsed(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	var secret corev1.Secret
	h.must(h.store.Get(t.Context(), types.NamespacedName{Namespace: "chat", Name: "chat"}, &secret))
	secret.Labels = map[string]string{"changed": "yes"}
	h.must(h.store.Update(t.Context(), &secret))
	before := len(h.chat.Journal().Requests)
	h.pass(0)
	if after := len(h.chat.Journal().Requests); after != before || h.record() != nil {
		t.Errorf("%d calls, record %+v", after-before, h.record())
	}
}

// TestALaterClaimFollowsWhatItWasDecidedOn lets another process append its attempt
// while this one looks the user up.
func TestALaterClaimFollowsWhatItWasDecidedOn(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.refuseResets("error-email-send-failed", "", always)
	h.pass(0)
	h.chat.Intercept(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if record := h.record(); strings.HasSuffix(r.URL.Path, "users.info") && len(record.Attempts) == 1 {
			record.Attempts = append(record.Attempts, v1alpha1.Attempt{ID: "theirs", StartTime: metav1.NewTime(time.Now()), SecretResourceVersion: "1"})
			h.must(h.store.Update(t.Context(), record))
		}
		next.ServeHTTP(rw, r)
	})
	h.pass(time.Minute)
	attempts := h.record().Attempts
	if len(attempts) != 2 || attempts[1].ID != "theirs" || attempts[1].Result != "" {
		t.Errorf("recorded: %+v", attempts)
	}
	if posts := h.chat.Journal().Posts(); posts != 1 {
		t.Errorf("%d calls", posts)
	}
}

// TestNoCallAfterNotAfterTime lets a claim take so long that the request's time is
// over when it is stored.
func TestNoCallAfterNotAfterTime(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	workspace := h.workspace()
	workspace.Spec.RequestTimeoutSeconds = 1
	h.must(h.store.Update(t.Context(), workspace))
	request := h.request()
	request.Spec.NotAfterTime = metav1.NewTime(time.Now().Add(time.Minute))
	h.must(h.store.Update(t.Context(), request))
	h.requests.clock.offset.Store(int64(57 * time.Second))
	h.afterTheClaim(func() { h.requests.clock.offset.Store(int64(62 * time.Second)) })
	h.pass(0)
	h.wantNoCall(v1alpha1.ReasonSendDeadlinePassed)
}

// TestAStopDoesNotCutAPass stops the process while the workspace works: what the
// look at the own account shows must still be found out.
func TestAStopDoesNotCutAPass(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	posted := false
	h.chat.Intercept(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		switch {
		case r.Method == http.MethodPost:
			posted = true
			stop()
			panic(http.ErrAbortHandler)
		case posted:
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(http.StatusUnauthorized)
			_, _ = rw.Write([]byte(`{"success":false,"error":"You must be logged in to do this."}`))
			return
		}
		next.ServeHTTP(rw, r)
	})
	_, err := h.requests.Reconcile(ctx, ctrl.Request{NamespacedName: h.name})
	h.must(err)
	h.wantEnd(v1alpha1.OutcomeUnconfirmed, v1alpha1.ReasonOwnResetSuspected, 1)
}

// TestAResultIsNotWrittenIntoAnothersAttempt lets somebody replace the record by
// hand while the workspace works.
func TestAResultIsNotWrittenIntoAnothersAttempt(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	release := h.hold(nil)
	done := make(chan error, 1)
	go func() {
		_, err := h.reconcileOnce()
		done <- err
	}()
	h.awaitPost()
	replaced := h.record().DeepCopy()
	h.must(h.store.Delete(t.Context(), replaced))
	replaced.ResourceVersion, replaced.Attempts[0].ID = "", "theirs"
	h.must(h.store.Create(t.Context(), replaced))
	release()
	h.must(<-done)
	if attempt := h.record().Attempts[0]; attempt.ID != "theirs" || attempt.Result != "" {
		t.Errorf("recorded: %+v", attempt)
	}
	h.wantEnd(v1alpha1.OutcomeSucceeded, v1alpha1.ReasonResetAccepted, 1)
}

// TestWhatIsOwedIsRecordedAfterTheStop settles with the context of a reconciler
// that was stopped.
func TestWhatIsOwedIsRecordedAfterTheStop(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	away := true
	h.faults.Patch = func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
		if away {
			return errors.New("connection refused")
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		return patchAsServer(ctx, c, obj, patch, opts...)
	}
	h.pass(0)
	away = false
	stopped, stop := context.WithCancel(t.Context())
	stop()
	h.must(h.requests.settle(stopped, h.name))
	if attempt := h.record().Attempts[0]; attempt.Result != v1alpha1.AttemptSucceeded {
		t.Errorf("recorded: %+v", attempt)
	}
}

// TestAnAttemptIsRememberedUntilTheStatusTellsOfIt keeps the status of a success
// from being written until somebody has deleted the record.
func TestAnAttemptIsRememberedUntilTheStatusTellsOfIt(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.faults.SubResourceUpdate = func(context.Context, client.Client, string, client.Object, ...client.SubResourceUpdateOption) error {
		return errors.New("connection refused")
	}
	for range 3 {
		h.pass(0)
	}
	h.deleteRecord()
	h.faults.SubResourceUpdate = nil
	h.reconcile()
	h.wantEnd(v1alpha1.OutcomeSucceeded, v1alpha1.ReasonResetAccepted, 1)
}

// TestARecordStaysWhileItsRequestDoes looks at a record whose time is over.
func TestARecordStaysWhileItsRequestDoes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		happens func(h *harness)
		stays   bool
	}{
		"its request is there": {func(*harness) {}, true},
		"its request is there, which the cache does not know": {func(h *harness) {
			funcs := h.through()
			funcs.Get = func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
				if _, is := obj.(*v1alpha1.UserCredentialReset); is {
					return apierrors.NewNotFound(recordResource(), key.Name)
				}
				return c.Get(ctx, key, obj, opts...)
			}
			h.records.kube = interceptor.NewClient(h.store, funcs)
		}, true},
		"the API server cannot be asked": {func(h *harness) {
			h.faults.Get = func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
				if _, is := obj.(*v1alpha1.UserCredentialReset); is {
					return errors.New("connection refused")
				}
				return c.Get(ctx, key, obj, opts...)
			}
		}, true},
		"its request is gone": {func(h *harness) { h.must(h.store.Delete(h.t.Context(), h.request())) }, false},
		"another request has its name": {func(h *harness) {
			h.must(h.store.Delete(h.t.Context(), h.request()))
			h.must(h.store.Create(h.t.Context(), h.newRequest("uid-2")))
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			long := metav1.NewTime(time.Now().Add(-72 * time.Hour))
			record := reset.NewRecord(h.request(), h.alice(), v1alpha1.Attempt{
				ID: "old", StartTime: long, EndTime: &long, Result: v1alpha1.AttemptSucceeded, Reason: v1alpha1.ReasonResetAccepted, SecretResourceVersion: "1",
			})
			record.NotAfterTime = long
			h.must(h.store.Create(t.Context(), record))
			c.happens(h)
			_, err := h.records.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(record)})
			if (h.record() != nil) != c.stays {
				t.Errorf("the record is there: %t (%v)", h.record() != nil, err)
			}
		})
	}
}
