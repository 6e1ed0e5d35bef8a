package controllers

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// reasonsTold are the values of the metric of reasons, by the reason that is told.
func reasonsTold(t *testing.T, o *Operator) map[string]float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(newWorkspaceCollector(o))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]float64{}
	for _, family := range families {
		if family.GetName() != "credentialreset_workspace_ready_reason" {
			continue
		}
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if label.GetName() == "reason" {
					told[label.GetValue()] = metric.GetGauge().GetValue()
				}
			}
		}
	}
	return told
}

// TestEveryReplicaTellsTheReasonOfAWorkspace follows a workspace by the metrics of the
// replica that works, and of one that waits and has probed nothing.
func TestEveryReplicaTellsTheReasonOfAWorkspace(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	waiting := newOperator(Options{Clock: NewClock()}, h.store, h.store, events.NewFakeRecorder(1))
	want := func(reasons map[string]float64) {
		t.Helper()
		for replica, operator := range map[string]*Operator{"that works": h.workspaces.Operator, "that waits": waiting} {
			if diff := cmp.Diff(reasons, reasonsTold(t, operator)); diff != "" {
				t.Errorf("the replica %s tells (-want +got):\n%s", replica, diff)
			}
		}
	}
	reconcile := func() {
		t.Helper()
		if _, err := h.workspaces.Reconcile(t.Context(), ctrl.Request{NamespacedName: chatWorkspaceName}); err != nil {
			t.Fatal(err)
		}
	}
	want(map[string]float64{v1alpha1.ReasonConnected: 1})

	var workspace v1alpha1.RocketChatWorkspace
	if err := h.store.Get(t.Context(), chatWorkspaceName, &workspace); err != nil {
		t.Fatal(err)
	}
	workspace.Spec.Suspend = new(true)
	if err := h.store.Update(t.Context(), &workspace); err != nil {
		t.Fatal(err)
	}
	reconcile()
	want(map[string]float64{v1alpha1.ReasonSuspended: 1})

	if err := h.store.Delete(t.Context(), &workspace); err != nil {
		t.Fatal(err)
	}
	reconcile()
	want(map[string]float64{})
}
