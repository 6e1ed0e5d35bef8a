package gate

import "time"

// queue is the state of one server. It is not safe for concurrent use.
type queue struct {
	server      string
	busy        bool
	closedUntil time.Time
	line        line
	// called is the one who has been woken and has not come yet, nil if nobody is.
	called      *waiter
	calledUntil time.Time // then it is passed over
	alarm       time.Time // for which the timer is set, zero if it is not
}

func (q *queue) isFree(now time.Time) bool { return !q.busy && !q.closedUntil.After(now) }

// isIdle says that nothing is lost if the server is forgotten.
func (q *queue) isIdle(now time.Time) bool { return q.isFree(now) && q.line.length == 0 }

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
	if q.closedUntil.After(now) {
		return q.closedUntil, true
	}
	return q.calledUntil, q.called != nil
}
