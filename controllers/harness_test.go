package controllers

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// harness is an API server in memory, a simulated workspace, and the reconcilers
// of one process, called by hand.
type harness struct {
	t      *testing.T
	store  client.WithWatch // without faults
	chat   *simulator.Workspace
	faults interceptor.Funcs
	name   types.NamespacedName // of the request

	*process
}

// process is what is lost when the operator dies.
type process struct {
	requests   *UserCredentialResetReconciler
	workspaces *RocketChatWorkspaceReconciler
	records    *ResetRecordReconciler
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	chat := simulator.New(simulator.Options{Users: simulator.SampleUsers()})
	server, err := simulator.Serve(chat, simulator.ServeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	h := &harness{t: t, chat: chat, name: types.NamespacedName{Namespace: "chat", Name: "lost-phone"}}
	h.store = fake.NewClientBuilder().WithScheme(scheme).
		WithStatusSubresource(&v1alpha1.UserCredentialReset{}, &v1alpha1.RocketChatWorkspace{}).
		WithIndex(&v1alpha1.UserCredentialReset{}, openByWorkspace, indexOpenByWorkspace).
		WithIndex(&v1alpha1.UserCredentialReset{}, openByTarget, indexOpenByTarget).
		WithIndex(&v1alpha1.ResetApproval{}, approvalByRequest, indexApprovalByRequest).
		WithIndex(&v1alpha1.ResetRecord{}, recordByTarget, indexRecordByTarget).
		WithIndex(&v1alpha1.ResetRecord{}, recordByStanding, indexRecordByStanding).
		WithIndex(&v1alpha1.ResetRecord{}, recordByUsed, indexRecordByUsed).
		WithObjects(
			&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "chat", Name: "chat"}, Type: SecretType, Data: map[string][]byte{
				"url": []byte(server.URL), "ca.crt": server.CA, "userId": []byte(simulator.SampleBotID),
				"authToken":  []byte(simulator.TokenFor(simulator.SampleBotID, simulator.TokenPAT)),
				"totpSecret": []byte(simulator.SampleTOTPSecret),
			}},
			&v1alpha1.RocketChatWorkspace{ObjectMeta: metav1.ObjectMeta{Namespace: "chat", Name: "chat", Generation: 1}, Spec: v1alpha1.RocketChatWorkspaceSpec{
				SecretRef: v1alpha1.SecretReference{Name: "chat"}, RequestTimeoutSeconds: 10,
				AllowedTypes: []v1alpha1.ResetType{v1alpha1.ResetTypeTOTP, v1alpha1.ResetTypeE2EKey},
			}},
			h.newRequest("uid-1"),
		).Build()
	h.restart()
	return h
}

func (h *harness) newRequest(uid types.UID) *v1alpha1.UserCredentialReset {
	return &v1alpha1.UserCredentialReset{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: h.name.Namespace, Name: h.name.Name, UID: uid, Generation: 1, CreationTimestamp: metav1.NewTime(time.Now().Add(-time.Minute)),
		},
		Spec: v1alpha1.UserCredentialResetSpec{
			WorkspaceRef: v1alpha1.WorkspaceReference{Name: "chat"},
			User:         v1alpha1.UserReference{Username: "alice"},
			Type:         v1alpha1.ResetTypeTOTP,
			NotAfterTime: metav1.NewTime(time.Now().Add(time.Hour)),
		},
	}
}

// restart replaces the process by a new one, which remembers nothing, and lets it
// probe the workspace.
func (h *harness) restart() {
	h.t.Helper()
	through := interceptor.NewClient(h.store, h.through())
	operator := newOperator(Options{
		Audit:      logr.Discard(),
		DialPolicy: rocketchat.DialPolicy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
		Clock:      NewClock(),
	}, through, through, events.NewFakeRecorder(1000))
	operator.atOnce = oneByOne
	operator.catchUp = func(context.Context, holding) bool { return false } // no informer tells of anything
	h.process = &process{
		requests:   &UserCredentialResetReconciler{Operator: operator, tries: newTries(), written: newWrittenStatuses()},
		workspaces: &RocketChatWorkspaceReconciler{Operator: operator},
		records:    &ResetRecordReconciler{Operator: operator, sightings: newSightings()},
	}
	if _, err := h.workspaces.Reconcile(h.t.Context(), ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "chat", Name: "chat"}}); err != nil {
		h.t.Logf("probe: %v", err)
	}
}

// through are the faults of the moment, and the one thing that the API server in
// memory does in its own way: it answers a failed JSON Patch test with a bare
// error, the real one with Invalid and without causes.
func (h *harness) through() interceptor.Funcs {
	return interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			if h.faults.Get != nil {
				return h.faults.Get(ctx, c, key, obj, opts...)
			}
			return c.Get(ctx, key, obj, opts...)
		},
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			if h.faults.List != nil {
				return h.faults.List(ctx, c, list, opts...)
			}
			return c.List(ctx, list, opts...)
		},
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			if h.faults.Create != nil {
				return h.faults.Create(ctx, c, obj, opts...)
			}
			return c.Create(ctx, obj, opts...)
		},
		Update: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
			if h.faults.Update != nil {
				return h.faults.Update(ctx, c, obj, opts...)
			}
			return c.Update(ctx, obj, opts...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			if h.faults.Patch != nil {
				return h.faults.Patch(ctx, c, obj, patch, opts...)
			}
			return patchAsServer(ctx, c, obj, patch, opts...)
		},
		SubResourceUpdate: func(ctx context.Context, c client.Client, name string, obj client.Object, opts ...client.SubResourceUpdateOption) error {
			if h.faults.SubResourceUpdate != nil {
				return h.faults.SubResourceUpdate(ctx, c, name, obj, opts...)
			}
			return c.SubResource(name).Update(ctx, obj, opts...)
		},
	}
}

func patchAsServer(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
	err := c.Patch(ctx, obj, patch, opts...)
	if err != nil && strings.Contains(err.Error(), "test") && !apierrors.IsNotFound(err) {
		return apierrors.NewGenericServerResponse(422, "patch", schema.GroupResource{Resource: "resetrecords"}, obj.GetName(), "", 0, false)
	}
	return err
}

// reconcile calls the request's reconciler until it neither fails nor wants to be
// called again soon; it gives up after a while.
func (h *harness) reconcile() {
	h.t.Helper()
	for range 20 {
		result, err := h.reconcileOnce()
		if err == nil && (result.RequeueAfter == 0 || result.RequeueAfter > conflictPause) {
			return
		}
	}
	h.t.Log("the request is still not settled")
}

// reconcileOnce recovers from panics, as controller-runtime does.
func (h *harness) reconcileOnce() (result ctrl.Result, err error) {
	defer func() {
		if recovered := recover(); recovered != nil {
			err = errors.New("panic")
		}
	}()
	return h.requests.Reconcile(h.t.Context(), ctrl.Request{NamespacedName: h.name})
}

func (h *harness) request() *v1alpha1.UserCredentialReset {
	h.t.Helper()
	var request v1alpha1.UserCredentialReset
	if err := h.store.Get(h.t.Context(), h.name, &request); err != nil {
		h.t.Fatal(err)
	}
	return &request
}

// record is the request's record, nil if there is none.
func (h *harness) record() *v1alpha1.ResetRecord {
	h.t.Helper()
	var record v1alpha1.ResetRecord
	err := h.store.Get(h.t.Context(), client.ObjectKey{Name: reset.RecordName(h.name.Namespace, h.name.Name)}, &record)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return &record
}

// giveUp lets the record's reconciler see the attempt after its minute.
func (h *harness) giveUp() {
	h.t.Helper()
	record := h.record()
	if record == nil {
		return
	}
	key := ctrl.Request{NamespacedName: client.ObjectKeyFromObject(record)}
	for range 2 {
		if _, err := h.records.Reconcile(h.t.Context(), key); err != nil {
			h.t.Fatal(err)
		}
		h.records.sightings.backdate(record.Name, 2*time.Minute)
	}
}

// backdate makes a sighting older than it is.
func (s *sightings) backdate(record string, by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if seen, ok := s.first[record]; ok {
		seen.at = seen.at.Add(-by)
		s.first[record] = seen
	}
}
