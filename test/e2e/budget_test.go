package e2e

import (
	"fmt"
	"testing"

	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// TestABudgetStopsAStorm asks for more resets than the budget allows, and raises it.
func TestABudgetStopsAStorm(t *testing.T) {
	t.Parallel()
	const budget, asked = 2, 5
	f := newFixture(t, fixtureOptions{
		workspace: func(w *v1alpha1.RocketChatWorkspace) { w.Spec.Budget = &v1alpha1.ResetBudget{MaxResets: budget} },
		users: func(all []simulator.User) []simulator.User {
			for i := range asked {
				user := all[1]
				user.ID, user.Username = fmt.Sprintf("member%dId", i), fmt.Sprintf("member-%d", i)
				all = append(all, user)
			}
			return all
		},
	})
	if f.workspace.Spec.Budget.PeriodSeconds != 3600 {
		t.Errorf("the period is %d s unless told otherwise", f.workspace.Spec.Budget.PeriodSeconds)
	}
	for i := range asked {
		f.ask(fmt.Sprintf("request-%d", i), fmt.Sprintf("member-%d", i))
	}
	waiting := map[string]string{} // by name: the version in which the request waits
	f.poll(func() (bool, error) {
		var list v1alpha1.UserCredentialResetList
		if err := f.on.kube.List(t.Context(), &list, client.InNamespace(f.namespace)); err != nil {
			return false, err
		}
		done := 0
		clear(waiting)
		for i := range list.Items {
			switch reasonOf(&list.Items[i]) {
			case v1alpha1.ReasonResetAccepted:
				done++
			case v1alpha1.ReasonBudgetExhausted:
				waiting[list.Items[i].Name] = list.Items[i].ResourceVersion
			}
		}
		return done == budget && len(waiting) == asked-budget, nil
	})
	f.wantPosts(budget)
	for name := range waiting {
		f.awaitReason(name, v1alpha1.ReasonBudgetExhausted)
	}
	// A look at the workspace has all requests looked at, and none is written again.
	f.touchWorkspace()
	f.awaitWorkspace(v1alpha1.ReasonConnected)
	f.wantOneEvent(v1alpha1.ReasonBudgetExhausted)
	f.update(f.workspace, func() { f.workspace.Spec.Budget.MaxResets = budget + 1 })
	f.awaitPosts(budget + 1)
	f.poll(func() (bool, error) {
		var list v1alpha1.UserCredentialResetList
		if err := f.on.kube.List(t.Context(), &list, client.InNamespace(f.namespace), client.MatchingFields{"status.outcome": ""}); err != nil {
			return false, err
		}
		for i := range list.Items {
			if got, want := list.Items[i].ResourceVersion, waiting[list.Items[i].Name]; got != want {
				return false, fmt.Errorf("%s was written while it waited", list.Items[i].Name)
			}
		}
		return len(list.Items) == asked-budget-1, nil
	})
	f.wantPosts(budget + 1)
}

// wantOneEvent waits for an event of the workspace with the reason, and for no other.
func (f *fixture) wantOneEvent(reason string) {
	f.t.Helper()
	f.poll(func() (bool, error) {
		var events eventsv1.EventList
		if err := f.on.kube.List(f.t.Context(), &events, client.InNamespace(f.namespace)); err != nil {
			return false, err
		}
		count := 0
		for i := range events.Items {
			if events.Items[i].Reason == reason {
				count++
			}
		}
		if count > 1 {
			return false, fmt.Errorf("%d events with the reason %s", count, reason)
		}
		return count == 1, nil
	})
}
