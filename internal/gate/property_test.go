package gate

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// model is what must be true of a gate, kept beside it.
type model struct {
	*fixture
	t       *testing.T
	random  *rand.Rand
	held    map[string]*Permit           // by server
	closed  map[string]time.Time         // by server
	waits   map[string]map[string]Ticket // by server and key
	heard   map[string]bool              // woken since the ticket last asked
	history []string
}

func newModel(t *testing.T, seed uint64) *model {
	m := &model{
		fixture: newFixture(),
		t:       t,
		random:  rand.New(rand.NewPCG(seed, 7)),
		held:    map[string]*Permit{},
		closed:  map[string]time.Time{},
		waits:   map[string]map[string]Ticket{chat: {}, other: {}},
		heard:   map[string]bool{},
	}
	m.wake = func(key string) { m.heard[key] = true }
	return m
}

func (m *model) fatalf(format string, values ...any) {
	m.t.Helper()
	m.t.Fatalf("%s\nafter:\n%s", fmt.Sprintf(format, values...), m.history)
}

func (m *model) open(server string) bool { return !m.closed[server].After(m.time) }

// first is the waiting ticket that goes before all others, found the slow way.
func (m *model) first(server string) (Ticket, bool) {
	for _, ticket := range m.waits[server] {
		isFirst := true
		for _, rival := range m.waits[server] {
			isFirst = isFirst && !rival.before(ticket)
		}
		if isFirst {
			return ticket, true
		}
	}
	return Ticket{}, false
}

func (m *model) ask(server string) {
	key := fmt.Sprintf("key-%d", m.random.IntN(8))
	ticket := ticketOf(key, m.random.IntN(3), m.random.IntN(4))
	m.history = append(m.history, fmt.Sprintf("ask %s %+v;", server, ticket))
	delete(m.waits[chat], key)
	delete(m.waits[other], key)
	delete(m.heard, key)
	first, waits := m.first(server)
	want := m.held[server] == nil && m.open(server) && (!waits || ticket.before(first))
	permit, closed := m.Ask(server, ticket)
	switch {
	case want != (permit != nil):
		m.fatalf("a permit was given: %t, want %t", permit != nil, want)
	case permit != nil:
		m.held[server] = permit
	case closed != max(m.closed[server].Sub(m.time), 0):
		m.fatalf("closed for %v, want until %v", closed, m.closed[server])
	default:
		m.waits[server][key] = ticket
	}
}

func (m *model) leave() {
	key := fmt.Sprintf("key-%d", m.random.IntN(8))
	m.history = append(m.history, "leave "+key+";")
	delete(m.waits[chat], key)
	delete(m.waits[other], key)
	delete(m.heard, key)
	m.Leave(key)
}

func (m *model) release(server string) {
	permit := m.held[server]
	if permit == nil {
		return
	}
	m.history = append(m.history, "release "+server+";")
	m.held[server] = nil
	permit.Release()
}

func (m *model) shut(server string) {
	wait := time.Duration(m.random.IntN(5)) * time.Second
	m.history = append(m.history, fmt.Sprintf("close %s for %v;", server, wait))
	if until := m.time.Add(wait); until.After(m.closed[server]) {
		m.closed[server] = until
	}
	m.Close(server, wait)
}

// step does something by chance. A timer may be late: the clock then passes its
// time, and it fires with a later step.
func (m *model) step(late bool) {
	server := []string{chat, other}[m.random.IntN(2)]
	switch m.random.IntN(8) {
	case 0, 1, 2:
		m.ask(server)
	case 3, 4:
		m.release(server)
	case 5:
		m.shut(server)
	case 6:
		m.leave()
	case 7:
		d := time.Duration(m.random.IntN(4)) * time.Second
		m.history = append(m.history, fmt.Sprintf("pass %v;", d))
		if late {
			m.time = m.time.Add(d)
			return
		}
		m.pass(d)
	}
}

// check proves that no wake-up is lost: where the next one could call, it has been
// told, or a timer that is due will tell it.
func (m *model) check() {
	due := false
	for _, timer := range m.timers {
		due = due || !timer.at.After(m.time)
	}
	for _, server := range []string{chat, other} {
		first, waits := m.first(server)
		if waits && m.held[server] == nil && m.open(server) && !m.heard[first.Key] && !due {
			m.fatalf("%s is free and open, and %s waits without having been woken", server, first.Key)
		}
	}
}

// TestNoWakeUpIsLost runs random sequences against the model.
func TestNoWakeUpIsLost(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]bool{"timers are in time": false, "timers are late": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(400) {
				m := newModel(t, seed)
				for range 150 {
					m.step(late && m.random.IntN(2) == 0)
					m.check()
				}
			}
		})
	}
}

// TestEverybodyIsServed lets many call two servers at once, which close now and
// then, each waiting for nothing but to be woken. A lost wake-up leaves goroutines
// that wait for ever, which package synctest reports.
func TestEverybodyIsServed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const callers, calls = 40, 5
		servers := []string{chat, other}
		bells := map[string]chan struct{}{}
		for i := range callers {
			bells[fmt.Sprintf("key-%d", i)] = make(chan struct{}, 1)
		}
		gate := New(realTimer{}, func(key string) {
			select {
			case bells[key] <- struct{}{}:
			default: // it has not heard the last one yet
			}
		})
		var inside [2]atomic.Int32
		var group sync.WaitGroup
		for i := range callers {
			group.Go(func() {
				key := fmt.Sprintf("key-%d", i)
				for call := range calls {
					at := (i + call) % 2
					permit, _ := gate.Ask(servers[at], ticketOf(key, call, i))
					for permit == nil {
						<-bells[key]
						permit, _ = gate.Ask(servers[at], ticketOf(key, call, i))
					}
					if inside[at].Add(1) != 1 {
						t.Errorf("two permits for %s", servers[at])
					}
					if (i+call)%7 == 0 {
						gate.Close(servers[at], time.Duration(i)*time.Second)
					}
					inside[at].Add(-1)
					permit.Release()
				}
			})
		}
		group.Wait()
	})
}

// realTimer is package time.
type realTimer struct{}

// Now implements Timer.
func (realTimer) Now() time.Time { return time.Now() }

// AfterFunc implements Timer.
func (realTimer) AfterFunc(wait time.Duration, call func()) { time.AfterFunc(wait, call) }
