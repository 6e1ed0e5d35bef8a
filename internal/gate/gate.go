// Package gate hands out permits to call a server: one call at a time for each
// server, and none while the server's rate limiter is exhausted. It knows
// neither the server's protocol nor who asks.
//
// Who gets no permit waits in line. Fewest attempts go first; of equally many, the
// namespaces take turns; within one of them the oldest goes first. When the turn
// of a ticket has come it is woken, once, and nobody else is: then it asks again.
// Until it does, those behind it wait, but not longer than Patience.
//
// Every operation takes O(log n) of the tickets that wait for the server, and a
// server for which nothing is known and nobody waits is forgotten.
package gate

import (
	"sync"
	"time"
)

// Patience is how long a woken ticket may take to ask. Who is woken has to be looked
// at, which takes milliseconds unless that fails, and then it comes back by
// itself: so one that fails costs the others at most this much, once.
const Patience = 5 * time.Second

// Ticket is one wish to call a server.
type Ticket struct {
	Key       string // tells the wish from others; asking twice is asking once
	Namespace string // these take turns
	Attempts  int    // fewer go first
	Created   time.Time
}

// same says that the ticket has the same place as the other.
func (t Ticket) same(other Ticket) bool {
	return t.Namespace == other.Namespace && t.Attempts == other.Attempts && t.Created.Equal(other.Created)
}

// Gate hands out the permits. The zero value is not usable; see New.
type Gate struct {
	timer Timer
	lead  time.Duration
	wake  func(key string)

	mu      sync.Mutex
	servers map[string]*queue
	waiting map[string]*waiter // by key
}

// Timer tells the time and makes a call after a while, as package time does.
type Timer interface {
	Now() time.Time
	AfterFunc(wait time.Duration, call func())
}

// New makes a gate. It calls wake with the key of a ticket whose turn has come;
// the one who waits then asks again, or leaves. wake must not call the gate.
// The permit for a server that is closed is given that lead before it opens, for what
// is to be prepared: who holds it looks by itself how long a route is closed.
func New(timer Timer, lead time.Duration, wake func(key string)) *Gate {
	return &Gate{
		timer:   timer,
		lead:    lead,
		wake:    wake,
		servers: map[string]*queue{},
		waiting: map[string]*waiter{},
	}
}

// Ask returns a permit to call the server, or how long the server is closed:
// zero when it is merely busy, about to open, or others go first. Who gets no permit
// waits, and is woken; asking again meanwhile changes nothing.
func (g *Gate) Ask(server string, ticket Ticket) (*Permit, time.Duration) {
	g.mu.Lock()
	now, passed := g.timer.Now(), ""
	if left := g.leaveOther(server, ticket.Key); left != nil {
		passed = g.settle(left, now)
	}
	q := g.queue(server)
	permit := g.admit(q, g.enrol(q, ticket), now)
	closed := time.Duration(0)
	if q.opens().After(now) {
		closed = q.closedUntil().Sub(now)
	}
	next := g.settle(q, now)
	g.mu.Unlock()
	g.awaken(passed)
	g.awaken(next)
	return permit, closed
}

// Expect puts tickets in line whose owners are about to ask, all at the same moment:
// the one who goes first is to pass first, not the one who is the first to ask. Who
// then does not want to call leaves.
func (g *Gate) Expect(server string, tickets []Ticket) {
	g.mu.Lock()
	now := g.timer.Now()
	var changed []*queue
	for _, ticket := range tickets {
		if left := g.leaveOther(server, ticket.Key); left != nil {
			changed = append(changed, left)
		}
	}
	q := g.queue(server)
	for _, ticket := range tickets {
		g.enrol(q, ticket)
	}
	var woken []string
	for _, each := range append(changed, q) {
		woken = append(woken, g.settle(each, now))
	}
	g.mu.Unlock()
	for _, key := range woken {
		g.awaken(key)
	}
}

// enrol puts the ticket in line. One that waits unchanged keeps its place.
func (g *Gate) enrol(q *queue, ticket Ticket) *waiter {
	w, waits := g.waiting[ticket.Key]
	if waits && w.same(ticket) && !w.isMissing() {
		return w
	}
	if waits {
		q.drop(w)
	}
	w = &waiter{Ticket: ticket, queue: q}
	g.waiting[ticket.Key] = w
	q.line.add(w)
	return w
}

// admit gives the one who asks a permit if it goes first and the way is free.
func (g *Gate) admit(q *queue, w *waiter, now time.Time) *Permit {
	if q.called == w {
		q.called = nil // it came
	}
	q.passOver(now)
	if !q.isFree(now) || q.line.first() != w {
		return nil
	}
	q.line.serve(w)
	delete(g.waiting, w.Key)
	q.busy, q.called = true, nil
	return &Permit{gate: g, queue: q}
}

// Leave forgets the ticket: its owner does not want to call any more.
func (g *Gate) Leave(key string) {
	g.mu.Lock()
	next := ""
	if w, waits := g.waiting[key]; waits {
		g.leave(w)
		next = g.settle(w.queue, g.timer.Now())
	}
	g.mu.Unlock()
	g.awaken(next)
}

func (g *Gate) leave(w *waiter) {
	delete(g.waiting, w.Key)
	w.queue.drop(w)
}

// leaveOther takes the ticket out of the line of another server, which is returned to
// be settled; nil if it waits in none.
func (g *Gate) leaveOther(server, key string) *queue {
	w, waits := g.waiting[key]
	if !waits || w.queue.server == server {
		return nil
	}
	g.leave(w)
	return w.queue
}

// Close lets nobody pass to the server for a while: the limiter of a route is
// exhausted. Of several pauses the one that ends last counts.
func (g *Gate) Close(server, route string, wait time.Duration) {
	g.mu.Lock()
	now, q := g.timer.Now(), g.queue(server)
	q.close(route, now.Add(wait))
	next := g.settle(q, now)
	g.mu.Unlock()
	g.awaken(next)
}

func (g *Gate) release(q *queue) {
	g.mu.Lock()
	q.busy = false
	next := g.settle(q, g.timer.Now())
	g.mu.Unlock()
	g.awaken(next)
}

// ring looks at the server again at the time that the timer was set for, unless
// it was set to an earlier time since, or the server forgotten.
func (g *Gate) ring(q *queue, due time.Time) {
	g.mu.Lock()
	next := ""
	if g.servers[q.server] == q && q.alarm.Equal(due) {
		q.alarm = time.Time{}
		next = g.settle(q, g.timer.Now())
	}
	g.mu.Unlock()
	g.awaken(next)
}

// settle names the ticket that is to be woken now, "" if none is, sets the timer
// for what comes next, and forgets a server that nobody needs.
func (g *Gate) settle(q *queue, now time.Time) string {
	next := q.call(now)
	if due, ok := q.nextLook(now); ok && (q.alarm.IsZero() || due.Before(q.alarm)) {
		q.alarm = due
		g.timer.AfterFunc(due.Sub(now), func() { g.ring(q, due) })
	}
	if q.isIdle(now) {
		delete(g.servers, q.server)
	}
	return next
}

func (g *Gate) awaken(key string) {
	if key != "" {
		g.wake(key)
	}
}

func (g *Gate) queue(server string) *queue {
	q, known := g.servers[server]
	if !known {
		q = &queue{server: server, lead: g.lead, routes: map[string]time.Time{}}
		g.servers[server] = q
	}
	return q
}

// State is what a gate knows of one server.
type State struct {
	Busy        bool
	ClosedUntil time.Time // zero while open
	Waiting     int       // tickets
	Oldest      time.Time // when the oldest that waits was created; zero if none does
}

// Snapshot returns the states of the servers that are called, closed or waited
// for, by server.
func (g *Gate) Snapshot() map[string]State {
	g.mu.Lock()
	defer g.mu.Unlock()
	now, states := g.timer.Now(), make(map[string]State, len(g.servers))
	for server, q := range g.servers {
		state := State{Busy: q.busy, Waiting: q.line.length, Oldest: q.line.oldest()}
		if until := q.closedUntil(); until.After(now) {
			state.ClosedUntil = until
		}
		states[server] = state
	}
	return states
}

// Permit is the right to call a server until it is released.
type Permit struct {
	gate  *Gate
	queue *queue
	once  sync.Once
}

// Release gives the permit back; a second time does nothing.
func (p *Permit) Release() { p.once.Do(func() { p.gate.release(p.queue) }) }

// Closed is how long a route of the server is still closed.
func (p *Permit) Closed(route string) time.Duration {
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	return max(p.queue.routes[route].Sub(p.gate.timer.Now()), 0)
}
