package gate

import "time"

// queue is the state of one server. It is not safe for concurrent use.
type queue struct {
	busy        bool
	closedUntil time.Time
	tickets     map[string]Ticket // those that wait
}

// first is the waiting ticket that goes before all others.
func (q *queue) first() (Ticket, bool) {
	var first Ticket
	found := false
	for _, ticket := range q.tickets {
		if !found || ticket.before(first) {
			first, found = ticket, true
		}
	}
	return first, found
}

// mustYield says whether a ticket has to let one that waits go first.
func (q *queue) mustYield(ticket Ticket) bool {
	first, waits := q.first()
	return waits && first.before(ticket)
}

// call names the ticket whose turn it is, "" if nobody can pass now or nobody
// waits.
func (q *queue) call(now time.Time) string {
	if q.busy || q.closedUntil.After(now) {
		return ""
	}
	first, _ := q.first()
	return first.Key
}
