package controllers

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

var chatWorkspaceName = types.NamespacedName{Namespace: "chat", Name: "chat"}

// ledgerTime is when these tests take place.
func ledgerTime() time.Time { return time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC) }

// recordOf is a record with attempts that began so long ago.
func recordOf(name string, ago ...time.Duration) *v1alpha1.ResetRecord {
	record := &v1alpha1.ResetRecord{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID("uid-" + name)},
		Workspace:  v1alpha1.RecordedWorkspace{Namespace: "chat", Name: "chat"},
	}
	for i, age := range ago {
		record.Attempts = append(record.Attempts, v1alpha1.Attempt{
			ID: name + "-" + string(rune('a'+i)), StartTime: metav1.NewTime(ledgerTime().Add(-age)),
		})
	}
	return record
}

func TestLedger(t *testing.T) {
	t.Parallel()
	const minute = time.Minute
	free := time.Time{}
	for name, test := range map[string]struct {
		tell func(*ledger)
		want time.Time // of two attempts within an hour
	}{
		"nothing is known":         {func(*ledger) {}, free},
		"one was attempted":        {func(l *ledger) { l.hear(nil, recordOf("a", minute)) }, free},
		"two were attempted":       {func(l *ledger) { l.hear(nil, recordOf("a", minute)); l.hear(nil, recordOf("b", 20*minute)) }, ledgerTime().Add(40*minute + time.Second)},
		"two attempts of a record": {func(l *ledger) { l.hear(nil, recordOf("a", 20*minute, minute)) }, ledgerTime().Add(40*minute + time.Second)},
		"two, in another order":    {func(l *ledger) { l.hear(nil, recordOf("b", 20*minute)); l.hear(nil, recordOf("a", minute)) }, ledgerTime().Add(40*minute + time.Second)},
		"three, and the first matters no more": {func(l *ledger) {
			l.hear(nil, recordOf("a", 50*minute, 20*minute, minute))
		}, ledgerTime().Add(40*minute + time.Second)},
		"one of two is over":                {func(l *ledger) { l.hear(nil, recordOf("a", minute)); l.hear(nil, recordOf("b", 61*minute)) }, free},
		"one of two is over by stamps only": {func(l *ledger) { l.hear(nil, recordOf("a", minute)); l.hear(nil, recordOf("b", 60*minute)) }, ledgerTime().Add(time.Second)},
		"a change adds nothing": {func(l *ledger) {
			l.hear(nil, recordOf("a", minute))
			l.hear(recordOf("a", minute), recordOf("a", minute))
		}, free},
		"a change adds an attempt": {func(l *ledger) {
			l.hear(nil, recordOf("a", minute))
			l.hear(recordOf("a", minute), recordOf("a", minute, minute))
		}, ledgerTime().Add(59*minute + time.Second)},
		"a record took another's place": {func(l *ledger) {
			l.hear(nil, recordOf("a", minute))
			other := recordOf("a", minute)
			other.UID, other.Attempts[0].ID = "another", "another-attempt"
			l.hear(recordOf("a", minute), other)
		}, ledgerTime().Add(59*minute + time.Second)},
		"another workspace's count there": {func(l *ledger) {
			for _, name := range []string{"a", "b", "c"} {
				record := recordOf(name, minute)
				record.Workspace.Name = "other"
				l.hear(nil, record)
			}
		}, free},
		"an own claim counts before the informer tells": {func(l *ledger) {
			l.hear(nil, recordOf("a", minute))
			l.claiming("b-a")
			l.claimed(recordOf("b", 0), "b-a")
		}, ledgerTime().Add(59*minute + time.Second)},
		"an own claim counts once": {func(l *ledger) {
			l.claiming("a-a")
			l.claimed(recordOf("a", minute), "a-a")
			l.hear(nil, recordOf("a", minute))
		}, free},
		"an own claim counts once, though the informer was faster": {func(l *ledger) {
			l.claiming("a-a")
			l.hear(nil, recordOf("a", minute))
			l.claimed(recordOf("a", minute), "a-a")
		}, free},
		"an own claim that was not answered counts once, however often it is made": {func(l *ledger) {
			l.claiming("a-a")
			l.claimed(recordOf("a", minute), "a-a")
			l.claiming("a-a")
			l.claimed(recordOf("a", 0), "a-a")
		}, free},
		"an own claim that was refused does not count": {func(l *ledger) {
			l.hear(nil, recordOf("a", minute))
			l.claiming("b-a")
			l.refused("b-a")
		}, free},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger()
			test.tell(l)
			if got := l.freeAt(chatWorkspaceName, 2, time.Hour, ledgerTime()); !got.Equal(test.want) {
				t.Errorf("free at %v, want %v", got, test.want)
			}
		})
	}
}

// TestLedgerForgetsWhatNoBudgetCounts adds for weeks, and looks at what is kept.
func TestLedgerForgetsWhatNoBudgetCounts(t *testing.T) {
	t.Parallel()
	l := newLedger()
	for hours := range 24 * 21 {
		l.hear(nil, recordOf("a", time.Duration(24*21-hours)*time.Hour))
	}
	l.freeAt(chatWorkspaceName, 1, time.Hour, ledgerTime())
	if kept := len(l.starts[chatWorkspaceName]); kept > 24*7+1 {
		t.Errorf("%d starts are kept", kept)
	}
}

// TestAnExhaustedBudgetIsAnnouncedOnce until there is room again.
func TestAnExhaustedBudgetIsAnnouncedOnce(t *testing.T) {
	t.Parallel()
	l := newLedger()
	var got []bool
	for _, exhausted := range []bool{false, true, true, false, true} {
		got = append(got, l.announces(chatWorkspaceName, exhausted))
	}
	want := []bool{false, true, false, false, true}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("announced %v, want %v", got, want)
		}
	}
}

// TestTheLedgerTellsWhenTheInformerHasAClaim is what a pass waits for before it takes
// the cache's word.
func TestTheLedgerTellsWhenTheInformerHasAClaim(t *testing.T) {
	t.Parallel()
	l, record := newLedger(), recordOf("a", time.Minute)
	id := record.Attempts[0].ID
	toldNow := func() bool {
		select {
		case <-l.told(id):
			return true
		default:
			return false
		}
	}
	l.claiming(id)
	if toldNow() {
		t.Error("told of a claim that nobody made")
	}
	l.claimed(record, id)
	if toldNow() {
		t.Error("the API server's answer is taken for the informer's word")
	}
	waits := make(chan bool)
	go func() { waits <- l.awaitTold(t.Context(), id) }()
	l.hear(nil, recordOf("b", time.Minute))
	select {
	case <-waits:
		t.Error("told of another claim")
	default:
	}
	l.hear(nil, record)
	if !<-waits || !l.awaitTold(t.Context(), id) {
		t.Error("not told of the claim")
	}
}

// TestNothingBeginsBeforeAllAttemptsAreKnown proves that after a start, a reset waits
// until what was attempted before is counted.
func TestNothingBeginsBeforeAllAttemptsAreKnown(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.requests.ledger.heard = func() bool { return false }
	result, err := h.reconcileOnce()
	if err != nil || h.record() != nil || result.RequeueAfter != conflictPause {
		t.Fatalf("it looks again after %v (%v); record: %v", result.RequeueAfter, err, h.record())
	}
	h.requests.ledger.heard = func() bool { return true }
	h.reconcile()
	h.wantEnd(v1alpha1.OutcomeSucceeded, v1alpha1.ReasonResetAccepted, 1)
}
