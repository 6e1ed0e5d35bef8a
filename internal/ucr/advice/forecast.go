package advice

import (
	"slices"
	"time"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// Limit lets so many resets begin within a period that slides.
type Limit struct {
	Count  int // no limit if it is not positive
	Period time.Duration
	Calls  bool // counts also what only looks a user up
}

// Load is what decides when resets of a workspace can begin.
type Load struct {
	Now      time.Time
	Limits   []Limit              // all of them hold
	Begun    []time.Time          // when earlier resets began, as far as that is known
	Ahead    int                  // requests that wait already and go first
	LookUps  int                  // of those, how many are only looked up, to be approved and to go once more
	Twice    bool                 // the next resets are to be approved as well
	Approval []v1alpha1.ResetType // types that have to be
}

// Starts are the times at which the next resets can begin at the earliest, one after
// another. What a single call takes is left out: it is short beside the limits. All who
// have to be looked up are, before the first one has been approved: that lets the fewest
// begin in time, and the last one when any other order would.
func (l Load) Starts(count int) []time.Time {
	line := l.timeline()
	lookUps := l.LookUps
	if l.Twice {
		lookUps += count
	}
	for range lookUps {
		line.lookUp()
	}
	for range l.Ahead {
		line.begin()
	}
	var starts []time.Time
	for range count {
		starts = append(starts, line.begin())
	}
	return starts
}

// timeline is when resets have begun, and calls that count before a server's limiter:
// each reset looks its user up, and so does who only wants to know who that is.
type timeline struct {
	load   Load
	resets []time.Time
	calls  []time.Time
}

func (l Load) timeline() *timeline {
	begun := slices.SortedFunc(slices.Values(l.Begun), time.Time.Compare)
	return &timeline{load: l, resets: begun, calls: slices.Clone(begun)}
}

// lookUp is when a user is looked up next. Nobody is while no reset could begin: the
// budget is asked first.
func (t *timeline) lookUp() time.Time {
	next := t.next()
	t.calls = append(t.calls, next)
	return next
}

// begin is when the next reset begins.
func (t *timeline) begin() time.Time {
	next := t.lookUp()
	t.resets = append(t.resets, next)
	return next
}

// next is when one more can begin after those that have.
func (t *timeline) next() time.Time {
	earliest := t.load.Now
	if count := len(t.calls); count > 0 && t.calls[count-1].After(earliest) {
		earliest = t.calls[count-1]
	}
	for _, limit := range t.load.Limits {
		begun := t.resets
		if limit.Calls {
			begun = t.calls
		}
		back := len(begun) - limit.Count
		if limit.Count <= 0 || back < 0 {
			continue
		}
		if free := begun[back].Add(limit.Period); free.After(earliest) {
			earliest = free
		}
	}
	return earliest
}

// Fit says how many of the next resets can begin by a time.
func (l Load) Fit(count int, by time.Time) int {
	fit := 0
	for _, start := range l.Starts(count) {
		if start.After(by) {
			break
		}
		fit++
	}
	return fit
}

// Under is the load if there were no limits but these.
func (l Load) Under(limits ...Limit) Load {
	l.Limits = limits
	return l
}
