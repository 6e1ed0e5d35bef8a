// Package gate hands out permits to call a server: one call at a time for each
// server, and none while the server's rate limiter is exhausted. It knows
// neither the server's protocol nor who asks.
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
	now  func() time.Time
	wake func(key string)

	mu      sync.Mutex
	servers map[string]*queue
	waiting map[string]string // key of a ticket → its server
}

// New makes a gate. It calls wake with the key of a ticket whose turn has come;
// the one who waits then asks again. wake must not call the gate.
func New(now func() time.Time, wake func(key string)) *Gate {
	return &Gate{now: now, wake: wake, servers: map[string]*queue{}, waiting: map[string]string{}}
}

// Ask returns a permit to call the server, or how long the server is closed:
// zero when it is merely busy. Who gets no permit is woken.
func (g *Gate) Ask(server string, ticket Ticket) (*Permit, time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.leave(ticket.Key)
	q := g.queue(server)
	if closed := q.closedUntil.Sub(g.now()); closed > 0 {
		g.join(server, q, ticket)
		return nil, closed
	}
	if q.busy || q.mustYield(ticket) {
		g.join(server, q, ticket)
		return nil, 0
	}
	q.busy, q.called = true, ""
	return &Permit{gate: g, server: server}, 0
}

// Leave forgets the ticket: its owner does not want to call any more.
func (g *Gate) Leave(key string) {
	g.mu.Lock()
	next := ""
	if server, known := g.waiting[key]; known {
		g.leave(key)
		next = g.queue(server).call(g.now())
	}
	g.mu.Unlock()
	g.awaken(next)
}

// Close lets nobody pass to the server for a while: its limiter is exhausted.
func (g *Gate) Close(server string, wait time.Duration) {
	g.mu.Lock()
	q := g.queue(server)
	if until := g.now().Add(wait); until.After(q.closedUntil) {
		q.closedUntil = until
		time.AfterFunc(wait, func() { g.reopen(server) })
	}
	g.mu.Unlock()
}

func (g *Gate) reopen(server string) {
	g.mu.Lock()
	next := g.queue(server).call(g.now())
	g.mu.Unlock()
	g.awaken(next)
}

func (g *Gate) release(server string) {
	g.mu.Lock()
	q := g.queue(server)
	q.busy = false
	next := q.call(g.now())
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

func (g *Gate) join(server string, q *queue, ticket Ticket) {
	g.waiting[ticket.Key] = server
	q.tickets[ticket.Key] = ticket
}

func (g *Gate) leave(key string) {
	server, known := g.waiting[key]
	if !known {
		return
	}
	delete(g.waiting, key)
	delete(g.queue(server).tickets, key)
}

// Permit is the right to call a server until it is released.
type Permit struct {
	gate   *Gate
	server string
	once   sync.Once
}

// Release gives the permit back; a second time does nothing.
func (p *Permit) Release() { p.once.Do(func() { p.gate.release(p.server) }) }
