package controllers

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

// ledger counts when attempts began, for the budgets of workspaces. It hears of
// records from their informer, and of this process's own claims at once: the next
// pass comes before the informer does. A record that is deleted refunds nothing.
type ledger struct {
	mu     sync.Mutex
	starts map[types.NamespacedName][]time.Time // by workspace, in order
	own    map[string]*ownAttempt               // of this process, until the informer tells of them
	full   map[types.NamespacedName]bool        // workspaces of which it was said that nothing is left
	heard  func() bool                          // whether the informer has told what there was at the start
}

type ownAttempt struct {
	counted bool
	told    chan struct{} // closed when the informer has told of it
}

func newLedger() *ledger {
	return &ledger{
		starts: map[types.NamespacedName][]time.Time{}, own: map[string]*ownAttempt{}, full: map[types.NamespacedName]bool{},
		heard: func() bool { return true },
	}
}

// listen has the informer of records tell the ledger.
func (l *ledger) listen(ctx context.Context, mgr ctrl.Manager) error {
	informer, err := mgr.GetCache().GetInformer(ctx, &v1alpha1.ResetRecord{})
	if err != nil {
		return fmt.Errorf("find the informer of records: %w", err)
	}
	registration, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { l.hear(nil, asRecord(object)) },
		UpdateFunc: func(before, after any) { l.hear(asRecord(before), asRecord(after)) },
	})
	if err != nil {
		return fmt.Errorf("listen to records: %w", err)
	}
	l.heard = registration.HasSynced
	return nil
}

func asRecord(object any) *v1alpha1.ResetRecord {
	record, _ := object.(*v1alpha1.ResetRecord)
	return record
}

// hear notes the attempts that a change of a record added.
func (l *ledger) hear(before, after *v1alpha1.ResetRecord) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := 0
	if before != nil && before.UID == after.UID {
		known = len(before.Attempts)
	}
	for i := known; i < len(after.Attempts); i++ {
		attempt := &after.Attempts[i]
		own := l.own[attempt.ID]
		if own == nil || !own.counted {
			l.add(after, attempt)
		}
		if own != nil {
			close(own.told)
			delete(l.own, attempt.ID)
		}
	}
}

// awaitTold waits until the informer has told of a claim of this process, and says
// whether it has. The cache then has it, and all that was stored before it.
func (l *ledger) awaitTold(ctx context.Context, attemptID string) bool {
	select {
	case <-l.told(attemptID):
		return true
	case <-ctx.Done():
		return false
	}
}

// told is closed when the informer has told of a claim of this process.
func (l *ledger) told(attemptID string) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if own := l.own[attemptID]; own != nil {
		return own.told
	}
	told := make(chan struct{})
	close(told)
	return told
}

// claiming says that an attempt of this process may begin. The informer may tell of
// it before the API server has answered.
func (l *ledger) claiming(attemptID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.own[attemptID] == nil {
		l.own[attemptID] = &ownAttempt{told: make(chan struct{})}
	}
}

// claimed notes that an attempt of this process began, or may have.
func (l *ledger) claimed(record *v1alpha1.ResetRecord, attemptID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := l.own[attemptID]
	if attempt := reset.Attempt(record, attemptID); attempt != nil && own != nil && !own.counted {
		own.counted = true
		l.add(record, attempt)
	}
}

// refused notes that an attempt of this process did not begin.
func (l *ledger) refused(attemptID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.own, attemptID)
}

func (l *ledger) add(record *v1alpha1.ResetRecord, attempt *v1alpha1.Attempt) {
	workspace := types.NamespacedName{Namespace: record.Workspace.Namespace, Name: record.Workspace.Name}
	starts, began := l.starts[workspace], attempt.StartTime.Time
	l.starts[workspace] = slices.Insert(starts, earlier(starts, began), began)
}

// isComplete says whether the informer has told of all records.
func (l *ledger) isComplete() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.heard()
}

// freeAt is when so few attempts of the workspace lie within the period that another
// one may begin; zero if it may now.
func (l *ledger) freeAt(workspace types.NamespacedName, attempts int, period time.Duration, now time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	horizon := earlier(l.starts[workspace], now.Add(-reset.MaxBudgetPeriod))
	l.starts[workspace] = slices.Delete(l.starts[workspace], 0, horizon)
	starts := l.starts[workspace]
	if len(starts) < attempts {
		return time.Time{}
	}
	// Stamps have whole seconds: one that says now may be as late as a second from now.
	if free := starts[len(starts)-attempts].Add(period + time.Second); free.After(now) {
		return free
	}
	return time.Time{}
}

// spent is how many attempts of the workspace lie within the period.
func (l *ledger) spent(workspace types.NamespacedName, period time.Duration, now time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	starts := l.starts[workspace]
	return len(starts) - earlier(starts, now.Add(-period-time.Second))
}

// earlier is how many of the times, which are in order, are earlier.
func earlier(times []time.Time, at time.Time) int {
	count, _ := slices.BinarySearchFunc(times, at, time.Time.Compare)
	return count
}

// announces says once that the budget of a workspace is used up, until it is not.
func (l *ledger) announces(workspace types.NamespacedName, exhausted bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !exhausted {
		delete(l.full, workspace)
		return false
	}
	first := !l.full[workspace]
	l.full[workspace] = true
	return first
}

// forget drops what is said of a workspace that is gone. What was attempted counts
// when it comes back.
func (l *ledger) forget(workspace types.NamespacedName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.full, workspace)
}
