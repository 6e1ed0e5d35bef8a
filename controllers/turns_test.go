package controllers

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/gate"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat"
)

// workspaceRequest asks to look at the workspace.
func workspaceRequest() ctrl.Request {
	return ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "chat", Name: "chat"}}
}

// server is the one that the workspace is.
func (h *harness) server() string { return rocketchat.ServerOf(h.alice().Host) }

// TestARequestThatWaitsWritesOnce proves that a request says once that it waits,
// and looks again by itself only when its time is up.
func TestARequestThatWaitsWritesOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.requests.gate.Close(h.server(), rocketchat.RouteResetTOTP, time.Minute)
	var said string
	for range 3 {
		result, err := h.reconcileOnce()
		if err != nil || result.RequeueAfter < 50*time.Minute {
			t.Fatalf("it looks again after %v (%v)", result.RequeueAfter, err)
		}
		request := h.request()
		if reasonOf(request) != v1alpha1.ReasonRateLimited || (said != "" && said != request.ResourceVersion) {
			t.Fatalf("it says %s, and has written again: %t", reasonOf(request), said != request.ResourceVersion)
		}
		said = request.ResourceVersion
	}
	if waiting := h.requests.gate.Snapshot()[h.server()].Waiting; waiting != 1 {
		t.Errorf("%d wait", waiting)
	}
}

// TestProbesAndResetsDoNotExhaustEachOther proves which gate a route's limiter
// closes.
func TestProbesAndResetsDoNotExhaustEachOther(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	for route, want := range map[string]*gate.Gate{
		"v1/users.info": h.requests.gate, "v1/users.resetTOTP": h.requests.gate, "v1/users.resetE2EKey": h.requests.gate,
		"info": h.requests.probes, "v1/me": h.requests.probes, "v1/permissions.listAll": h.requests.probes,
		"v1/users.getPersonalAccessTokens": h.requests.probes,
	} {
		if h.requests.gateOf(route) != want {
			t.Errorf("%s closes the other gate", route)
		}
	}
}

// TestAProbeTakesItsTurn proves that a workspace waits to be probed while another one
// of the same server is, without telling anything new, and that a probe keeps its
// permit until it has ended.
func TestAProbeTakesItsTurn(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.workspaces.last.forget(workspaceRequest().NamespacedName)
	permit, _ := h.workspaces.probes.Ask(h.server(), gate.Ticket{Key: "chat/other"})
	before, status := h.workspaces.board.get(workspaceRequest().NamespacedName), h.workspace().ResourceVersion
	if _, err := h.workspaces.Reconcile(t.Context(), workspaceRequest()); err != nil {
		t.Fatal(err)
	}
	if state := h.workspaces.probes.Snapshot()[h.server()]; state.Waiting != 1 {
		t.Errorf("state %+v, want one to wait", state)
	}
	if after := h.workspaces.board.get(workspaceRequest().NamespacedName); after.Reason != before.Reason || h.workspace().ResourceVersion != status {
		t.Errorf("a workspace that waits to be probed turned to %s", after.Reason)
	}
	permit.Release()
	var probed atomic.Int32
	h.chat.Intercept(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if second, _ := h.workspaces.probes.Ask(h.server(), gate.Ticket{Key: "chat/other"}); second != nil {
			t.Error("two probes of a server at a time")
		}
		probed.Add(1)
		next.ServeHTTP(rw, r)
	})
	if _, err := h.workspaces.Reconcile(t.Context(), workspaceRequest()); err != nil {
		t.Fatal(err)
	}
	if probed.Load() == 0 {
		t.Error("nothing was probed")
	}
	h.workspaces.probes.Leave("chat/other")
	if states := h.workspaces.probes.Snapshot(); len(states) != 0 {
		t.Errorf("the gate keeps %+v", states)
	}
}

// TestAFirstProbeThatWaitsSaysNothing proves that a workspace of which nothing is
// known waits for its turn without a status that would be outdated at once.
func TestAFirstProbeThatWaitsSaysNothing(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.workspaces.last.forget(workspaceRequest().NamespacedName)
	h.workspaces.board.forget(workspaceRequest().NamespacedName)
	if _, closed := h.workspaces.probes.Ask(h.server(), gate.Ticket{Key: "chat/other"}); closed != 0 {
		t.Fatal("the server is closed")
	}
	before := h.workspace().ResourceVersion
	if _, err := h.workspaces.Reconcile(t.Context(), workspaceRequest()); err != nil {
		t.Fatal(err)
	}
	if h.workspace().ResourceVersion != before {
		t.Error("the status was written")
	}
}

// TestTheOldestGoesFirstWhenAWorkspaceIsInOrder proves that of the requests that a
// workspace held up the oldest is carried out first, whichever is looked at first.
func TestTheOldestGoesFirstWhenAWorkspaceIsInOrder(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	older := h.newRequest("uid-2")
	older.Name, older.Spec.User.Username = "older", "bob"
	older.CreationTimestamp = metav1.NewTime(older.CreationTimestamp.Add(-time.Hour))
	if err := h.store.Create(t.Context(), older); err != nil {
		t.Fatal(err)
	}
	h.restart()
	if _, err := h.reconcileOnce(); err != nil {
		t.Fatal(err)
	}
	if h.record() != nil {
		t.Error("the younger is carried out first")
	}
	for range 2 { // the older one, then the younger
		h.name.Name = map[string]string{"lost-phone": "older", "older": "lost-phone"}[h.name.Name]
		h.reconcile()
		if reason := reasonOf(h.request()); reason != v1alpha1.ReasonResetAccepted {
			t.Errorf("%s says %s in its turn", h.name.Name, reason)
		}
	}
}

// TestAPassBeginsBeforeTheServerOpens proves that what a pass prepares is prepared
// while the limiter is still closed, and that neither call is made before it opens.
func TestAPassBeginsBeforeTheServerOpens(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	const lookUp, reset = passLead / 2, passLead - time.Millisecond
	began := time.Now()
	h.requests.gate.Close(h.server(), rocketchat.RouteUserInfo, lookUp)
	h.requests.gate.Close(h.server(), rocketchat.RouteResetTOTP, reset)
	h.faults.Create = func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
		if since := time.Since(began); since < reset-claimLead {
			t.Errorf("the claim was stored after %v", since)
		}
		return c.Create(ctx, object, options...)
	}
	if _, err := h.reconcileOnce(); err != nil {
		t.Fatal(err)
	}
	h.wantEnd(v1alpha1.OutcomeSucceeded, v1alpha1.ReasonResetAccepted, 1)
	for _, call := range h.chat.Journal().Requests {
		earliest, ofPass := map[string]time.Duration{"/api/" + rocketchat.RouteUserInfo: lookUp, "/api/" + rocketchat.RouteResetTOTP: reset}[call.Path]
		if since := call.Time.Sub(began); ofPass && since < earliest {
			t.Errorf("%s was called after %v, %v before it is open", call.Path, since, earliest-since)
		}
	}
}

// TestARouteThatWasClosedMeanwhileIsNotWaitedFor proves that a permit is given back
// rather than kept for longer than its lead.
func TestARouteThatWasClosedMeanwhileIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.faults.Get = func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
		if _, is := object.(*corev1.Secret); is {
			h.requests.gate.Close(h.server(), rocketchat.RouteResetTOTP, time.Hour)
		}
		return c.Get(ctx, key, object, options...)
	}
	for range 2 {
		if _, err := h.reconcileOnce(); err != nil {
			t.Fatal(err)
		}
	}
	if reason := reasonOf(h.request()); reason != v1alpha1.ReasonRateLimited || h.record() != nil {
		t.Errorf("it says %s", reason)
	}
}
