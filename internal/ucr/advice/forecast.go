package advice

import (
	"slices"
	"time"
)

// Limit lets so many resets begin within a period that slides.
type Limit struct {
	Count  int // no limit if it is not positive
	Period time.Duration
}

// Load is what decides when resets of a workspace can begin.
type Load struct {
	Now    time.Time
	Limits []Limit     // all of them hold
	Begun  []time.Time // when earlier resets began, as far as that is known
	Ahead  int         // requests that wait already and go first
}

// Starts are the times at which the next resets can begin at the earliest, one after
// another. What a single call takes is left out: it is short beside the limits.
func (l Load) Starts(count int) []time.Time {
	begun := slices.SortedFunc(slices.Values(l.Begun), time.Time.Compare)
	first := len(begun)
	for range l.Ahead + count {
		begun = append(begun, l.next(begun))
	}
	return begun[first+l.Ahead:]
}

// next is when one more can begin after those that have.
func (l Load) next(begun []time.Time) time.Time {
	earliest := l.Now
	if len(begun) > 0 && begun[len(begun)-1].After(earliest) {
		earliest = begun[len(begun)-1]
	}
	for _, limit := range l.Limits {
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
