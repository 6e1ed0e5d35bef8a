package gate

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// model is what must be true of a gate, kept beside it in the simplest way: lists
// that are searched.
type model struct {
	*fixture
	t       *testing.T
	random  *rand.Rand
	sites   map[string]*site
	history []string
	serial  int
}

// site is what the model knows of a server.
type site struct {
	held   *Permit
	closed time.Time
	waits  []place
	turns  map[laneName]int // of the namespaces that wait, by number of attempts
	called string           // woken and not come
	until  time.Time        // then it may be passed over
}

type laneName struct {
	attempts  int
	namespace string
}

// place is a ticket that waits; it is missing since that event if not 0.
type place struct {
	Ticket

	missing int
}

func (p place) lane() laneName { return laneName{p.Attempts, p.Namespace} }

func newModel(t *testing.T, seed uint64, lead time.Duration) *model {
	m := &model{
		fixture: newFixtureWith(lead),
		t:       t,
		random:  rand.New(rand.NewPCG(seed, 7)),
		sites:   map[string]*site{chat: {turns: map[laneName]int{}}, other: {turns: map[laneName]int{}}},
	}
	m.wake = m.wakes
	return m
}

func (m *model) fatalf(format string, values ...any) {
	m.t.Helper()
	m.t.Fatalf("%s\nafter:\n%s", fmt.Sprintf(format, values...), m.history)
}

func (m *model) note(format string, values ...any) {
	m.history = append(m.history, fmt.Sprintf(format, values...))
}

// next numbers events.
func (m *model) next() int {
	m.serial++
	return m.serial
}

func (m *model) free(s *site) bool { return s.held == nil && !m.shutOut(s) }

// shutOut is whether the server is closed, and not about to open.
func (m *model) shutOut(s *site) bool { return s.closed.Add(-m.lead).After(m.time) }

// first is the ticket that goes before all others: present before missing, fewest
// attempts, the namespace whose turn it is, oldest, key.
func (s *site) first() (place, bool) {
	if len(s.waits) == 0 {
		return place{}, false
	}
	return slices.MinFunc(s.waits, func(a, b place) int {
		if a.missing != 0 || b.missing != 0 {
			return cmp.Compare(a.missing, b.missing)
		}
		return cmp.Or(cmp.Compare(a.Attempts, b.Attempts), cmp.Compare(s.turns[a.lane()], s.turns[b.lane()]),
			a.Created.Compare(b.Created), cmp.Compare(a.Key, b.Key))
	}), true
}

// take removes a ticket from the list, and the turn of a namespace of which nobody
// waits any more.
func (s *site) take(key string) (place, bool) {
	at := slices.IndexFunc(s.waits, func(p place) bool { return p.Key == key })
	if at < 0 {
		return place{}, false
	}
	taken := s.waits[at]
	s.waits = slices.Delete(s.waits, at, at+1)
	if s.called == key {
		s.called = ""
	}
	if !slices.ContainsFunc(s.waits, func(p place) bool { return p.missing == 0 && p.lane() == taken.lane() }) {
		delete(s.turns, taken.lane())
	}
	return taken, true
}

// enrol puts the ticket into the list, unless it is there already.
func (m *model) enrol(s *site, ticket Ticket) {
	for _, p := range s.waits {
		if p.Ticket == ticket && p.missing == 0 {
			return
		}
	}
	s.take(ticket.Key)
	s.waits = append(s.waits, place{Ticket: ticket})
	if lane := s.waits[len(s.waits)-1].lane(); s.turns[lane] == 0 {
		s.turns[lane] = m.next()
	}
}

// passOver puts one who did not come in time behind.
func (m *model) passOver(s *site) {
	if s.called == "" || s.until.After(m.time) {
		return
	}
	m.note("%s is passed over;", s.called)
	late, _ := s.take(s.called)
	late.missing = m.next()
	s.waits = append(s.waits, late)
}

// wakes judges a wake-up: the server is free, and the ticket is the first.
func (m *model) wakes(key string) {
	for server, s := range m.sites {
		if !slices.ContainsFunc(s.waits, func(p place) bool { return p.Key == key }) {
			continue
		}
		m.passOver(s)
		m.note("wake %s;", key)
		if first, _ := s.first(); first.Key != key || !m.free(s) || s.called != "" {
			m.fatalf("%s was woken: first is %s, %s is free: %t, woken before: %q", key, first.Key, server, m.free(s), s.called)
		}
		s.called, s.until = key, m.time.Add(Patience)
		return
	}
	m.fatalf("%s was woken and does not wait", key)
}

func (m *model) anyKey() string {
	return fmt.Sprintf("space-%d/%d", m.random.IntN(3), m.random.IntN(4))
}

// ask lets somebody ask: most often one who was woken.
func (m *model) ask(server string) {
	s := m.sites[server]
	ticket := ticketOf(m.anyKey(), m.random.IntN(3), m.random.IntN(4))
	for _, p := range s.waits {
		if p.Key == s.called && m.random.IntN(3) > 0 {
			ticket = p.Ticket
		}
	}
	m.note("ask %s %+v;", server, ticket)
	for name, elsewhere := range m.sites {
		if name != server {
			elsewhere.take(ticket.Key)
		}
	}
	m.enrol(s, ticket)
	if s.called == ticket.Key {
		s.called = ""
	}
	m.passOver(s)
	first, _ := s.first()
	want := m.free(s) && first.Key == ticket.Key
	if want {
		s.called = ""
		s.take(ticket.Key)
		if _, active := s.turns[first.lane()]; active && first.missing == 0 {
			s.turns[first.lane()] = m.next()
		}
	}
	if want {
		s.held = &Permit{} // whoever is woken from here on is woken while it is out
	}
	permit, closed := m.Ask(server, ticket)
	switch {
	case want != (permit != nil):
		m.fatalf("a permit was given: %t, want %t", permit != nil, want)
	case permit != nil:
		s.held = permit
	case !m.shutOut(s) && closed != 0, m.shutOut(s) && closed != s.closed.Sub(m.time):
		m.fatalf("closed for %v, want until %v", closed, s.closed)
	}
}

// expect announces some who are about to ask.
func (m *model) expect(server string) {
	s := m.sites[server]
	var tickets []Ticket
	for range m.random.IntN(4) {
		tickets = append(tickets, ticketOf(m.anyKey(), m.random.IntN(3), m.random.IntN(4)))
	}
	m.note("expect %s %+v;", server, tickets)
	for _, ticket := range tickets {
		for name, elsewhere := range m.sites {
			if name != server {
				elsewhere.take(ticket.Key)
			}
		}
		m.enrol(s, ticket)
	}
	if m.free(s) {
		m.passOver(s)
	}
	if first, _ := s.first(); first.Key != s.called {
		s.called = "" // another one goes before it now
	}
	m.Expect(server, tickets)
}

func (m *model) leave() {
	key := m.anyKey()
	m.note("leave %s;", key)
	for _, s := range m.sites {
		s.take(key)
	}
	m.Leave(key)
}

func (m *model) release(server string) {
	s := m.sites[server]
	if s.held == nil {
		return
	}
	m.note("release %s;", server)
	permit := s.held
	s.held = nil
	permit.Release()
}

func (m *model) shut(server string) {
	s, wait := m.sites[server], time.Duration(m.random.IntN(5))*time.Second
	m.note("close %s for %v;", server, wait)
	if until := m.time.Add(wait); until.After(s.closed) {
		s.closed = until
	}
	if m.shutOut(s) {
		s.called = ""
	}
	m.Close(server, reset, wait)
}

// step does something by chance. A timer may be late: the clock then passes its
// time, and it fires with a later step.
func (m *model) step(late bool) {
	server := []string{chat, other}[m.random.IntN(2)]
	switch m.random.IntN(10) {
	case 0, 1, 2, 3:
		m.ask(server)
	case 4, 5:
		m.release(server)
	case 6:
		m.shut(server)
	case 7:
		m.leave()
	case 8:
		m.expect(server)
	case 9:
		d := time.Duration(m.random.IntN(7)) * time.Second
		m.note("pass %v;", d)
		if late {
			m.time = m.time.Add(d)
			return
		}
		m.pass(d)
	}
}

// check proves that no wake-up is lost: where somebody waits and the way is free,
// the first has been told and is not overdue, or a timer that is due will tell it.
// It also proves that nothing is kept that is not needed.
func (m *model) check() {
	due := slices.ContainsFunc(m.timers, func(a alarm) bool { return !a.at.After(m.time) })
	length := 0
	for server, s := range m.sites {
		length += len(s.waits)
		first, waits := s.first()
		told := s.called == first.Key && s.until.After(m.time)
		if waits && m.free(s) && !told && !due {
			m.fatalf("%s is free, and %s waits without having been woken", server, first.Key)
		}
		_, known := m.servers[server]
		if needed := waits || s.held != nil || s.closed.After(m.time); known != needed && !due {
			m.fatalf("%s is kept: %t, want %t", server, known, needed)
		}
		if state := m.Snapshot()[server]; state.Waiting != len(s.waits) || state.Busy != (s.held != nil) || !state.Oldest.Equal(s.oldest()) {
			m.fatalf("snapshot of %s is %+v", server, state)
		}
	}
	if len(m.waiting) != length {
		m.fatalf("%d tickets wait, want %d", len(m.waiting), length)
	}
}

func (s *site) oldest() time.Time {
	if len(s.waits) == 0 {
		return time.Time{}
	}
	return slices.MinFunc(s.waits, func(a, b place) int { return a.Created.Compare(b.Created) }).Created
}

// TestGateKeepsToTheModel runs random sequences against the model.
func TestGateKeepsToTheModel(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]struct {
		late bool
		lead time.Duration
	}{
		"timers are in time": {}, "timers are late": {late: true},
		"permits have a lead": {lead: time.Second}, "permits have a lead, timers are late": {late: true, lead: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(400) {
				m := newModel(t, seed, of.lead)
				for range 200 {
					m.step(of.late && m.random.IntN(2) == 0)
					m.check()
				}
			}
		})
	}
}

// TestNobodyStarves lets many wait of whom some come late when woken, or never
// again unless woken anew: all are served, and of two that wait equally long none
// is served twice before the other namespaces were.
func TestNobodyStarves(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		f, random := newFixture(), rand.New(rand.NewPCG(seed, 3))
		permit := f.mustAsk(t, chat, ticketOf("holder", 0, 0))
		for i := range 60 {
			f.mustWait(t, chat, ticketOf(fmt.Sprintf("space-%d/%d", random.IntN(4), i), random.IntN(3), random.IntN(9)), 0)
		}
		permit.Release()
		for steps := 0; len(f.waiting) > 0; steps++ {
			if steps > 1000 {
				t.Fatalf("seed %d: %d still wait", seed, len(f.waiting))
			}
			woken := f.takeWoken()
			if len(woken) == 0 || random.IntN(4) == 0 {
				f.pass(Patience) // it does not come
				continue
			}
			w := f.waiting[woken[len(woken)-1]]
			f.mustAsk(t, chat, w.Ticket).Release()
		}
		wantForgotten(t, f)
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
		gate := New(realTimer{}, 0, func(key string) {
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
						gate.Close(servers[at], reset, time.Duration(i)*time.Second)
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

// BenchmarkTurn is what it costs that the first of n goes and another one comes. It
// must not grow with n, beyond its logarithm.
func BenchmarkTurn(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var woken string
			f := newFixture()
			gate := New(f, 0, func(key string) { woken = key })
			ticket := func(i int) Ticket { return ticketOf(fmt.Sprintf("space-%d/%d", i%10, i), 0, -i) }
			permit, _ := gate.Ask(chat, ticket(0))
			for i := 1; i <= n; i++ {
				gate.Ask(chat, ticket(i))
			}
			f.timers = nil
			b.ReportAllocs()
			for i := n + 1; b.Loop(); i++ {
				gate.Ask(chat, ticket(i))
				permit.Release()
				permit, _ = gate.Ask(chat, gate.waiting[woken].Ticket)
			}
		})
	}
}
