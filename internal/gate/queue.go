package gate

import "time"

// queue is the state of one server. It is not safe for concurrent use.
type queue struct {
	busy        bool
	closedUntil time.Time
	tickets     map[string]Ticket
	called      string // the ticket whose turn it is
}

// mustYield says whether a ticket has to let the one that was called go first.
func (q *queue) mustYield(ticket Ticket) bool {
	called, waiting := q.tickets[q.called]
	return waiting && called.before(ticket)
}

// call names the ticket whose turn it is, "" if nobody can pass now or nobody
// waits.
func (q *queue) call(now time.Time) string {
	if q.busy || q.closedUntil.After(now) {
		return ""
	}
	q.called = ""
	for key, ticket := range q.tickets {
		if q.called == "" || ticket.before(q.tickets[q.called]) {
			q.called = key
		}
	}
	return q.called
}
