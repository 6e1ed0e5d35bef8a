package gate

import "time"

// queue is the state of one server. It is not safe for concurrent use.
type queue struct {
	server string
	lead   time.Duration
	busy   bool
	routes map[string]time.Time // until when each is closed; there are few
	line   line
	// called is the one who has been woken and has not come yet, nil if nobody is.
	called      *waiter
	calledUntil time.Time // then it is passed over
	alarm       time.Time // for which the timer is set, zero if it is not
}

// closedUntil is when the last of the routes opens.
func (q *queue) closedUntil() time.Time {
	var last time.Time
	for _, until := range q.routes {
		if until.After(last) {
			last = until
		}
	}
	return last
}

// opens is when permits are given again.
func (q *queue) opens() time.Time { return q.closedUntil().Add(-q.lead) }

func (q *queue) close(route string, until time.Time) {
	if until.After(q.routes[route]) {
		q.routes[route] = until
	}
}

func (q *queue) isFree(now time.Time) bool { return !q.busy && !q.opens().After(now) }

// isIdle says that nothing is lost if the server is forgotten.
func (q *queue) isIdle(now time.Time) bool {
	return !q.busy && !q.closedUntil().After(now) && q.line.length == 0
}

// call names the ticket whose turn has come and who has not been told, "" if
// there is none.
func (q *queue) call(now time.Time) string {
	if !q.isFree(now) {
		q.called = nil // the turn is taken back; it will be told again
		return ""
	}
	q.passOver(now)
	first := q.line.first()
	if first == nil || first == q.called {
		return ""
	}
	q.called, q.calledUntil = first, now.Add(Patience)
	return first.Key
}

// passOver puts one who was woken and did not come in time behind all others.
func (q *queue) passOver(now time.Time) {
	if q.called != nil && !q.calledUntil.After(now) {
		q.line.putBehind(q.called)
		q.called = nil
	}
}

// drop takes one who leaves out of the line.
func (q *queue) drop(w *waiter) {
	if q.called == w {
		q.called = nil
	}
	q.line.remove(w)
}

// nextLook is when something changes by the mere passing of time.
func (q *queue) nextLook(now time.Time) (time.Time, bool) {
	switch opens := q.opens(); {
	case opens.After(now):
		return opens, true
	case q.called != nil:
		return q.calledUntil, true
	}
	closed := q.closedUntil()
	return closed, closed.After(now) // to forget it
}
