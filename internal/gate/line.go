package gate

import (
	"cmp"
	"container/heap"
	"container/list"
	"slices"
	"time"
)

// waiter is a ticket in line.
type waiter struct {
	Ticket

	queue   *queue
	index   int           // in its lane
	missing *list.Element // its place among those passed over, if it is one
}

func (w *waiter) isMissing() bool { return w.missing != nil }

// line is the order in which the waiters of a server go. Adding and removing one
// takes O(log n), naming the first O(1). The zero value is empty.
type line struct {
	length int
	levels []*level // by number of attempts, of which there are few; none is empty
	// missing are those who did not come when woken, longest ago first. They go
	// when nobody else waits, until they ask.
	missing list.List
}

// level holds the waiters with as many attempts, in a lane for each namespace.
type level struct {
	attempts int
	lanes    map[string]*lane // none is empty
	turns    list.List        // of the lanes: in front is the one whose turn it is
}

// lane holds the waiters of a namespace in one level: a heap, the oldest on top.
type lane struct {
	waiters []*waiter
	turn    *list.Element
}

// first is the waiter that goes before all others, nil if there is none.
func (l *line) first() *waiter {
	if len(l.levels) > 0 {
		return laneOf(l.levels[0].turns.Front()).waiters[0]
	}
	if front := l.missing.Front(); front != nil {
		return waiterOf(front)
	}
	return nil
}

// add puts the waiter in line. A namespace of which nobody waited takes its turn
// after the others.
func (l *line) add(w *waiter) {
	l.length++
	at, found := l.search(w.Attempts)
	if !found {
		l.levels = slices.Insert(l.levels, at, &level{attempts: w.Attempts, lanes: map[string]*lane{}})
	}
	in := l.levels[at]
	own, active := in.lanes[w.Namespace]
	if !active {
		own = &lane{}
		own.turn = in.turns.PushBack(own)
		in.lanes[w.Namespace] = own
	}
	heap.Push(own, w)
}

// remove takes the waiter out of the line.
func (l *line) remove(w *waiter) {
	l.length--
	if w.isMissing() {
		l.missing.Remove(w.missing)
		w.missing = nil
		return
	}
	at, _ := l.search(w.Attempts)
	in := l.levels[at]
	own := in.lanes[w.Namespace]
	heap.Remove(own, w.index)
	if len(own.waiters) > 0 {
		return
	}
	in.turns.Remove(own.turn)
	delete(in.lanes, w.Namespace)
	if len(in.lanes) == 0 {
		l.levels = slices.Delete(l.levels, at, at+1)
	}
}

// serve takes the waiter, who got what it waited for, out of the line: the other
// namespaces have their turn before its own comes again.
func (l *line) serve(w *waiter) {
	if at, found := l.search(w.Attempts); found && !w.isMissing() {
		in := l.levels[at]
		in.turns.MoveToBack(in.lanes[w.Namespace].turn)
	}
	l.remove(w)
}

// putBehind lets everybody else go before the waiter.
func (l *line) putBehind(w *waiter) {
	l.remove(w)
	l.length++
	w.missing = l.missing.PushBack(w)
}

// oldest is when the oldest waiter was created, the zero time if nobody waits. It
// takes O(namespaces).
func (l *line) oldest() time.Time {
	var oldest time.Time
	consider := func(w *waiter) {
		if oldest.IsZero() || w.Created.Before(oldest) {
			oldest = w.Created
		}
	}
	for _, in := range l.levels {
		for _, own := range in.lanes {
			consider(own.waiters[0])
		}
	}
	for e := l.missing.Front(); e != nil; e = e.Next() {
		consider(waiterOf(e))
	}
	return oldest
}

func (l *line) search(attempts int) (int, bool) {
	return slices.BinarySearchFunc(l.levels, attempts, func(in *level, wanted int) int { return cmp.Compare(in.attempts, wanted) })
}

func laneOf(e *list.Element) *lane {
	own, _ := e.Value.(*lane)
	return own
}

func waiterOf(e *list.Element) *waiter {
	w, _ := e.Value.(*waiter)
	return w
}

// Len implements heap.Interface.
func (l *lane) Len() int { return len(l.waiters) }

// Less implements heap.Interface: oldest first, then by key, so that the order is
// total.
func (l *lane) Less(i, j int) bool {
	a, b := l.waiters[i], l.waiters[j]
	if !a.Created.Equal(b.Created) {
		return a.Created.Before(b.Created)
	}
	return a.Key < b.Key
}

// Swap implements heap.Interface.
func (l *lane) Swap(i, j int) {
	l.waiters[i], l.waiters[j] = l.waiters[j], l.waiters[i]
	l.waiters[i].index, l.waiters[j].index = i, j
}

// Push implements heap.Interface.
func (l *lane) Push(x any) {
	w, _ := x.(*waiter)
	w.index = len(l.waiters)
	l.waiters = append(l.waiters, w)
}

// Pop implements heap.Interface.
func (l *lane) Pop() any {
	last := len(l.waiters) - 1
	w := l.waiters[last]
	l.waiters[last] = nil
	l.waiters = l.waiters[:last]
	return w
}
