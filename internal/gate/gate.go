// Package gate hands out permits to call a server: one call at a time for each
// server, and none while the server's rate limiter is exhausted. It knows
// neither the server's protocol nor who asks.
//
// Whenever a server can be called and somebody waits for it, the ticket that goes
// first has been woken. The gate trusts the woken one to ask again or to leave:
// until it does, those behind it wait.
package gate

import (
	"sync"
	"time"
)

// Ticket is one wish to call a server.
type Ticket struct {
	Key      string // tells the wish from others; asking twice is asking once
	Attempts int    // fewer go first
	Created  time.Time
}

// before orders tickets: fewest attempts, then oldest, then by key so that the
// order is total.
func (t Ticket) before(other Ticket) bool {
	if t.Attempts != other.Attempts {
		return t.Attempts < other.Attempts
	}
	if !t.Created.Equal(other.Created) {
		return t.Created.Before(other.Created)
	}
	return t.Key < other.Key
}

// Gate hands out the permits. The zero value is not usable; see New.
type Gate struct {
	timer Timer
	wake  func(key string)

	mu      sync.Mutex
	servers map[string]*queue
	waiting map[string]string // key of a ticket → its server
}

// Timer tells the time and makes a call after a while, as package time does.
type Timer interface {
	Now() time.Time
	AfterFunc(wait time.Duration, call func())
}

// New makes a gate. It calls wake with the key of a ticket whose turn has come;
// the one who waits then asks again. wake must not call the gate.
func New(timer Timer, wake func(key string)) *Gate {
	return &Gate{
		timer:   timer,
		wake:    wake,
		servers: map[string]*queue{},
		waiting: map[string]string{},
	}
}

// Ask returns a permit to call the server, or how long the server is closed:
// zero when it is merely busy or others go first. Who gets no permit is woken.
func (g *Gate) Ask(server string, ticket Ticket) (*Permit, time.Duration) {
	g.mu.Lock()
	passed := ""
	if before, waits := g.waiting[ticket.Key]; waits && before != server {
		passed = g.leave(ticket.Key)
	}
	permit, closed, next := g.admit(server, ticket)
	g.mu.Unlock()
	g.awaken(passed)
	g.awaken(next)
	return permit, closed
}

// admit gives the ticket a permit or lets it wait. It also names who goes first
// if that is another ticket: waking it once more does no harm, and helps if it
// was woken in vain.
func (g *Gate) admit(server string, ticket Ticket) (*Permit, time.Duration, string) {
	q, now := g.queue(server), g.timer.Now()
	delete(g.waiting, ticket.Key)
	delete(q.tickets, ticket.Key)
	closed := max(q.closedUntil.Sub(now), 0)
	if closed == 0 && !q.busy && !q.mustYield(ticket) {
		q.busy = true
		return &Permit{gate: g, server: server}, 0, ""
	}
	g.waiting[ticket.Key] = server
	q.tickets[ticket.Key] = ticket
	return nil, closed, q.call(now)
}

// Leave forgets the ticket: its owner does not want to call any more.
func (g *Gate) Leave(key string) {
	g.mu.Lock()
	next := ""
	if _, waits := g.waiting[key]; waits {
		next = g.leave(key)
	}
	g.mu.Unlock()
	g.awaken(next)
}

// Close lets nobody pass to the server for a while: its limiter is exhausted.
func (g *Gate) Close(server string, wait time.Duration) {
	g.mu.Lock()
	q := g.queue(server)
	if until := g.timer.Now().Add(wait); until.After(q.closedUntil) {
		q.closedUntil = until
		g.timer.AfterFunc(wait, func() { g.reopen(server) })
	}
	g.mu.Unlock()
}

func (g *Gate) reopen(server string) {
	g.mu.Lock()
	next := g.queue(server).call(g.timer.Now())
	g.mu.Unlock()
	g.awaken(next)
}

func (g *Gate) release(server string) {
	g.mu.Lock()
	q := g.queue(server)
	q.busy = false
	next := q.call(g.timer.Now())
	g.mu.Unlock()
	g.awaken(next)
}

func (g *Gate) awaken(key string) {
	if key != "" {
		g.wake(key)
	}
}

func (g *Gate) queue(server string) *queue {
	q, known := g.servers[server]
	if !known {
		q = &queue{tickets: map[string]Ticket{}}
		g.servers[server] = q
	}
	return q
}

// leave forgets a ticket that waits and names who goes first now: it may have been
// this one's turn.
func (g *Gate) leave(key string) string {
	q := g.queue(g.waiting[key])
	delete(g.waiting, key)
	delete(q.tickets, key)
	return q.call(g.timer.Now())
}

// Permit is the right to call a server until it is released.
type Permit struct {
	gate   *Gate
	server string
	once   sync.Once
}

// Release gives the permit back; a second time does nothing.
func (p *Permit) Release() { p.once.Do(func() { p.gate.release(p.server) }) }
