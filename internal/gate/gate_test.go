package gate

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	chat  = "https://chat.example.com"
	other = "https://other.example.com"

	reset, lookUp = "reset", "look-up" // routes
)

// start is when the tests begin.
func start() time.Time { return time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC) }

// ticketOf makes a ticket of a key, older by as many minutes. A key of the form
// namespace/name is of that namespace.
func ticketOf(key string, attempts, age int) Ticket {
	namespace, _, _ := strings.Cut(key, "/")
	if namespace == key {
		namespace = ""
	}
	return Ticket{Key: key, Namespace: namespace, Attempts: attempts, Created: start().Add(-time.Duration(age) * time.Minute)}
}

// fixture is a gate on a clock that the test moves, and what it did.
type fixture struct {
	*Gate
	time   time.Time
	timers []alarm
	woken  []string
	called string // who is woken, where the test has taken note of that
}

type alarm struct {
	at   time.Time
	call func()
}

func newFixture() *fixture { return newFixtureWith(0) }

func newFixtureWith(lead time.Duration) *fixture {
	f := &fixture{time: start()}
	f.Gate = New(f, lead, func(key string) { f.woken = append(f.woken, key) })
	return f
}

// Now implements Timer.
func (f *fixture) Now() time.Time { return f.time }

// AfterFunc implements Timer.
func (f *fixture) AfterFunc(wait time.Duration, call func()) {
	f.timers = append(f.timers, alarm{f.time.Add(wait), call})
}

// pass moves the clock and fires the timers on the way, each at its time.
func (f *fixture) pass(d time.Duration) {
	end := f.time.Add(d)
	for {
		slices.SortStableFunc(f.timers, func(a, b alarm) int { return a.at.Compare(b.at) })
		if len(f.timers) == 0 || f.timers[0].at.After(end) {
			f.time = end
			return
		}
		due := f.timers[0]
		f.timers = f.timers[1:]
		if due.at.After(f.time) { // or else it is late
			f.time = due.at
		}
		due.call()
	}
}

// takeWoken returns the keys that were woken since the last time.
func (f *fixture) takeWoken() []string {
	woken := f.woken
	f.woken = nil
	return woken
}

// mustAsk asks and fails the test without a permit.
func (f *fixture) mustAsk(t *testing.T, server string, ticket Ticket) *Permit {
	t.Helper()
	permit, closed := f.Ask(server, ticket)
	if permit == nil {
		t.Fatalf("Ask(%s) gave no permit, closed for %v", ticket.Key, closed)
	}
	return permit
}

// mustWait asks and fails the test unless the ticket has to wait as said.
func (f *fixture) mustWait(t *testing.T, server string, ticket Ticket, want time.Duration) {
	t.Helper()
	permit, closed := f.Ask(server, ticket)
	if permit != nil {
		t.Fatalf("Ask(%s) gave a permit", ticket.Key)
	}
	if closed != want {
		t.Fatalf("Ask(%s) = closed for %v, want %v", ticket.Key, closed, want)
	}
}

func wantWoken(t *testing.T, f *fixture, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, f.takeWoken()); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
}

// wantServed lets everybody who is woken come, and checks in which order that was.
func wantServed(t *testing.T, f *fixture, want ...string) {
	t.Helper()
	var got []string
	woken := f.takeWoken()
	if f.called != "" {
		woken = []string{f.called}
	}
	for len(woken) == 1 {
		got = append(got, woken[0])
		w := f.waiting[woken[0]]
		f.mustAsk(t, w.queue.server, w.Ticket).Release()
		woken = f.takeWoken()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("served (-want +got):\n%s", diff)
	}
}

// wantForgotten checks that the gate keeps nothing.
func wantForgotten(t *testing.T, f *fixture) {
	t.Helper()
	if len(f.waiting) != 0 || len(f.servers) != 0 {
		t.Errorf("waiting = %v, servers = %v, want none", f.waiting, f.servers)
	}
}

// TestAPermitIsGivenBeforeTheServerOpens proves that who prepares itself meanwhile is
// told for how long each route stays closed.
func TestAPermitIsGivenBeforeTheServerOpens(t *testing.T) {
	t.Parallel()
	f := newFixtureWith(time.Second)
	f.Close(chat, lookUp, 59500*time.Millisecond)
	f.Close(chat, reset, time.Minute)
	f.mustWait(t, chat, ticketOf("a", 0, 9), time.Minute)
	f.pass(59*time.Second - 1)
	wantWoken(t, f)
	f.pass(1)
	wantWoken(t, f, "a")
	permit := f.mustAsk(t, chat, ticketOf("a", 0, 9))
	f.mustWait(t, chat, ticketOf("b", 0, 1), 0) // it is about to open
	for _, want := range []struct{ lookUp, reset time.Duration }{
		{500 * time.Millisecond, time.Second}, {0, 500 * time.Millisecond}, {0, 0},
	} {
		if first, second := permit.Closed(lookUp), permit.Closed(reset); first != want.lookUp || second != want.reset {
			t.Errorf("closed for %v and %v, want %v and %v", first, second, want.lookUp, want.reset)
		}
		f.pass(500 * time.Millisecond)
	}
	permit.Release()
	wantServed(t, f, "b")
	f.pass(time.Second)
	wantForgotten(t, f)
}

// TestGate tells the stories of the gate, one each.
func TestGate(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]func(*testing.T, *fixture){
		"one permit at a time for a server": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("a", 0, 0))
			f.mustWait(t, chat, ticketOf("b", 0, 9), 0)
			wantWoken(t, f)
			permit.Release()
			wantWoken(t, f, "b")
			f.mustAsk(t, chat, ticketOf("b", 0, 9))
		},
		"servers do not hinder each other": func(t *testing.T, f *fixture) {
			f.mustAsk(t, chat, ticketOf("a", 0, 0))
			f.Close(chat, reset, time.Minute)
			f.mustWait(t, chat, ticketOf("b", 0, 0), time.Minute)
			f.mustAsk(t, other, ticketOf("c", 0, 0)).Release()
			wantWoken(t, f)
		},
		"who has tried least goes first": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("holder", 0, 0))
			f.mustWait(t, chat, ticketOf("old but tried", 2, 9), 0)
			f.mustWait(t, chat, ticketOf("young and fresh", 0, 1), 0)
			permit.Release()
			wantWoken(t, f, "young and fresh")
		},
		"of equally many attempts the oldest goes first": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("holder", 0, 0))
			for _, ticket := range []Ticket{ticketOf("young", 1, 1), ticketOf("oldest", 1, 9), ticketOf("old", 1, 5)} {
				f.mustWait(t, chat, ticket, 0)
			}
			permit.Release()
			wantWoken(t, f, "oldest")
		},
		"of equal age the key decides": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("holder", 0, 0))
			f.mustWait(t, chat, ticketOf("b", 0, 1), 0)
			f.mustWait(t, chat, ticketOf("a", 0, 1), 0)
			permit.Release()
			wantWoken(t, f, "a")
		},
		"a newcomer lets the woken one go first": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("holder", 0, 0))
			f.mustWait(t, chat, ticketOf("old", 0, 9), 0)
			permit.Release()
			f.takeWoken()
			f.mustWait(t, chat, ticketOf("newcomer", 0, 1), 0)
			wantWoken(t, f) // "old" knows
			f.mustAsk(t, chat, ticketOf("old", 0, 9)).Release()
			wantWoken(t, f, "newcomer")
		},
		"a newcomer that goes before the woken one does not wait for it": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("holder", 0, 0))
			f.mustWait(t, chat, ticketOf("tried", 3, 9), 0)
			permit.Release()
			f.takeWoken()
			fresh := f.mustAsk(t, chat, ticketOf("fresh", 0, 1))
			f.mustWait(t, chat, ticketOf("tried", 3, 9), 0)
			fresh.Release()
			wantWoken(t, f, "tried")
		},
		"of those that are expected the first in line passes, not the first to ask": func(t *testing.T, f *fixture) {
			f.Expect(chat, []Ticket{ticketOf("young", 0, 1), ticketOf("oldest", 0, 9), ticketOf("old", 0, 5)})
			wantWoken(t, f, "oldest")
			f.mustWait(t, chat, ticketOf("young", 0, 1), 0)
			f.mustAsk(t, chat, ticketOf("oldest", 0, 9)).Release()
			wantServed(t, f, "old", "young")
			wantForgotten(t, f)
		},
		"who is expected at another server waits there no longer": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("holder", 0, 0))
			f.mustWait(t, chat, ticketOf("a", 0, 9), 0)
			f.mustWait(t, chat, ticketOf("b", 0, 8), 0)
			f.mustWait(t, chat, ticketOf("c", 0, 7), 0)
			permit.Release()
			wantWoken(t, f, "a")
			f.Expect(other, []Ticket{ticketOf("b", 0, 8), ticketOf("a", 0, 9)})
			wantWoken(t, f, "c", "a")
		},
		"to expect nobody changes nothing": func(t *testing.T, f *fixture) {
			f.Expect(chat, nil)
			wantForgotten(t, f)
		},
		"a woken ticket that leaves passes the turn on": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("holder", 0, 0))
			f.mustWait(t, chat, ticketOf("first", 0, 9), 0)
			f.mustWait(t, chat, ticketOf("second", 0, 8), 0)
			permit.Release()
			wantWoken(t, f, "first")
			f.Leave("first")
			wantWoken(t, f, "second")
			f.mustAsk(t, chat, ticketOf("second", 0, 8))
		},
		"a woken ticket that turns to another server passes the turn on": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("holder", 0, 0))
			f.mustWait(t, chat, ticketOf("first", 0, 9), 0)
			f.mustWait(t, chat, ticketOf("second", 0, 8), 0)
			permit.Release()
			wantWoken(t, f, "first")
			f.mustAsk(t, other, ticketOf("first", 0, 9))
			wantWoken(t, f, "second")
		},
		"a woken ticket that does not come is passed over": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("holder", 0, 0))
			f.mustWait(t, chat, ticketOf("lost", 0, 9), 0)
			f.mustWait(t, chat, ticketOf("behind", 0, 1), 0)
			permit.Release()
			wantWoken(t, f, "lost")
			f.pass(Patience - 1)
			f.mustWait(t, chat, ticketOf("behind", 0, 1), 0)
			wantWoken(t, f)
			f.pass(1)
			wantWoken(t, f, "behind")
			f.mustAsk(t, chat, ticketOf("behind", 0, 1)).Release()
			wantWoken(t, f, "lost")
		},
		"a ticket that was passed over takes its place when it asks": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("holder", 0, 0))
			f.mustWait(t, chat, ticketOf("late", 0, 9), 0)
			f.mustWait(t, chat, ticketOf("behind", 0, 1), 0)
			permit.Release()
			f.pass(Patience)
			wantWoken(t, f, "late", "behind")
			f.mustAsk(t, chat, ticketOf("late", 0, 9)).Release()
			f.mustAsk(t, chat, ticketOf("behind", 0, 1))
		},
		"several that do not come are passed over one after another": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("holder", 0, 0))
			f.mustWait(t, chat, ticketOf("a", 0, 9), 0)
			f.mustWait(t, chat, ticketOf("b", 0, 8), 0)
			f.mustWait(t, chat, ticketOf("c", 0, 7), 0)
			permit.Release()
			f.pass(4 * Patience)
			wantWoken(t, f, "a", "b", "c", "a", "b")
		},
		"who is alone in line is woken again": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("holder", 0, 0))
			f.mustWait(t, chat, ticketOf("a", 0, 9), 0)
			permit.Release()
			f.pass(2 * Patience)
			wantWoken(t, f, "a", "a", "a")
		},
		"a ticket whose turn was taken back by a pause is not passed over": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("holder", 0, 0))
			f.mustWait(t, chat, ticketOf("a", 0, 9), 0)
			f.mustWait(t, chat, ticketOf("b", 0, 8), 0)
			permit.Release()
			f.Close(chat, reset, time.Minute)
			f.pass(time.Minute)
			wantWoken(t, f, "a", "a")
			f.mustAsk(t, chat, ticketOf("a", 0, 9))
		},
		"a ticket that was passed over leaves": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("holder", 0, 0))
			f.mustWait(t, chat, ticketOf("a", 0, 9), 0)
			permit.Release()
			f.pass(Patience)
			f.Leave("a")
			wantWoken(t, f, "a", "a")
			f.pass(2 * Patience)
			wantWoken(t, f)
			wantForgotten(t, f)
		},
		"namespaces take turns": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("holder", 0, 0))
			for _, key := range []string{"big/1", "big/2", "big/3", "big/4", "mid/1", "mid/2", "one/1"} {
				f.mustWait(t, chat, ticketOf(key, 0, 0), 0)
			}
			permit.Release()
			wantServed(t, f, "big/1", "mid/1", "one/1", "big/2", "mid/2", "big/3", "big/4")
		},
		"a namespace that comes back takes its turn behind the others": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("holder", 0, 0))
			for _, key := range []string{"one/1", "big/1", "big/2", "mid/1", "mid/2"} {
				f.mustWait(t, chat, ticketOf(key, 0, 0), 0)
			}
			permit.Release()
			permit = f.mustAsk(t, chat, ticketOf("one/1", 0, 0))
			f.mustWait(t, chat, ticketOf("one/2", 0, 9), 0)
			permit.Release()
			f.takeWoken()
			f.called = "big/1"
			wantServed(t, f, "big/1", "mid/1", "one/2", "big/2", "mid/2")
		},
		"fewest attempts go before the namespace's turn": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("holder", 0, 0))
			f.mustWait(t, chat, ticketOf("a/tried", 1, 9), 0)
			f.mustWait(t, chat, ticketOf("b/1", 0, 0), 0)
			f.mustWait(t, chat, ticketOf("b/2", 0, 0), 0)
			permit.Release()
			wantServed(t, f, "b/1", "b/2", "a/tried")
		},
		"asking again costs a namespace no turn": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("holder", 0, 0))
			f.mustWait(t, chat, ticketOf("a/1", 0, 0), 0)
			f.mustWait(t, chat, ticketOf("b/1", 0, 9), 0)
			f.mustWait(t, chat, ticketOf("a/1", 0, 0), 0)
			permit.Release()
			wantServed(t, f, "a/1", "b/1")
		},
		"a waiting ticket that leaves is not woken": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("holder", 0, 0))
			f.mustWait(t, chat, ticketOf("gone", 0, 9), 0)
			f.Leave("gone")
			permit.Release()
			wantWoken(t, f)
		},
		"leaving without waiting does nothing": func(t *testing.T, f *fixture) {
			f.mustAsk(t, chat, ticketOf("holder", 0, 0))
			f.mustWait(t, chat, ticketOf("b", 0, 0), 0)
			f.Leave("holder")
			f.Leave("nobody")
			wantWoken(t, f)
			f.mustWait(t, chat, ticketOf("c", 0, 0), 0) // still busy
		},
		"asking twice is asking once": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("holder", 0, 0))
			f.mustWait(t, chat, ticketOf("twice", 0, 9), 0)
			f.mustWait(t, chat, ticketOf("twice", 0, 9), 0)
			permit.Release()
			f.mustAsk(t, chat, ticketOf("twice", 0, 9)).Release()
			wantWoken(t, f, "twice")
		},
		"a ticket asks again with its new number of attempts": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("holder", 0, 0))
			f.mustWait(t, chat, ticketOf("a", 0, 9), 0)
			f.mustWait(t, chat, ticketOf("b", 1, 1), 0)
			f.mustWait(t, chat, ticketOf("a", 2, 9), 0)
			permit.Release()
			wantWoken(t, f, "b")
		},
		"a permit released twice is released once": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("a", 0, 0))
			permit.Release()
			f.mustAsk(t, chat, ticketOf("b", 0, 0))
			permit.Release()
			f.mustWait(t, chat, ticketOf("c", 0, 0), 0)
		},
		"a closed server lets nobody pass until it opens": func(t *testing.T, f *fixture) {
			f.Close(chat, reset, time.Minute)
			f.mustWait(t, chat, ticketOf("a", 0, 0), time.Minute)
			f.pass(59 * time.Second)
			f.mustWait(t, chat, ticketOf("a", 0, 0), time.Second)
			wantWoken(t, f)
			f.pass(time.Second)
			wantWoken(t, f, "a")
			f.mustAsk(t, chat, ticketOf("a", 0, 0))
		},
		"a server closed by the one who calls it stays closed after the release": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("holder", 0, 0))
			f.mustWait(t, chat, ticketOf("a", 0, 0), 0)
			f.Close(chat, reset, time.Minute)
			permit.Release()
			wantWoken(t, f)
			f.pass(time.Minute)
			wantWoken(t, f, "a")
		},
		"a server that opens while it is called stays busy": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("holder", 0, 0))
			f.mustWait(t, chat, ticketOf("a", 0, 0), 0)
			f.Close(chat, reset, time.Second)
			f.pass(time.Second)
			wantWoken(t, f)
			permit.Release()
			wantWoken(t, f, "a")
		},
		"a longer pause replaces a shorter one": func(t *testing.T, f *fixture) {
			f.Close(chat, reset, time.Second)
			f.Close(chat, reset, time.Minute)
			f.mustWait(t, chat, ticketOf("a", 0, 0), time.Minute)
			f.pass(time.Second)
			wantWoken(t, f)
			f.pass(time.Minute)
			wantWoken(t, f, "a")
		},
		"a shorter pause does not replace a longer one": func(t *testing.T, f *fixture) {
			f.Close(chat, reset, time.Minute)
			f.Close(chat, reset, time.Second)
			f.pass(time.Second)
			f.mustWait(t, chat, ticketOf("a", 0, 0), 59*time.Second)
		},
		"a pause between the wake-up and the question costs nobody the turn": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("holder", 0, 0))
			f.mustWait(t, chat, ticketOf("a", 0, 9), 0)
			permit.Release()
			wantWoken(t, f, "a")
			f.Close(chat, reset, time.Minute)
			f.mustWait(t, chat, ticketOf("a", 0, 9), time.Minute)
			f.pass(time.Minute)
			wantWoken(t, f, "a")
			f.mustAsk(t, chat, ticketOf("a", 0, 9))
		},
		"a newcomer does not overtake when the timer of the reopening is late": func(t *testing.T, f *fixture) {
			f.Close(chat, reset, time.Minute)
			f.mustWait(t, chat, ticketOf("a", 0, 9), time.Minute)
			f.time = f.time.Add(time.Minute) // and no timer fires
			f.mustWait(t, chat, ticketOf("newcomer", 0, 1), 0)
			wantWoken(t, f, "a")
		},
		"a server is forgotten when everybody was served and it is open": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("a", 0, 0))
			f.mustWait(t, chat, ticketOf("b", 0, 0), 0)
			permit.Release()
			f.mustAsk(t, chat, ticketOf("b", 0, 0)).Release()
			wantForgotten(t, f)
			f.Close(chat, reset, time.Minute)
			f.mustWait(t, chat, ticketOf("c", 0, 0), time.Minute)
			f.Leave("c")
			if len(f.servers) != 1 {
				t.Fatal("a closed server was forgotten")
			}
			f.pass(time.Minute)
			wantForgotten(t, f)
			wantWoken(t, f, "b")
		},
		"a server that waits for its reopening alone keeps one timer": func(t *testing.T, f *fixture) {
			for range 100 {
				f.Close(chat, reset, time.Second)
				f.mustWait(t, chat, ticketOf("a", 0, 0), time.Second)
				f.pass(time.Second)
				f.mustAsk(t, chat, ticketOf("a", 0, 0)).Release()
			}
			if len(f.timers) > 10 {
				t.Errorf("%d timers are set", len(f.timers))
			}
		},
		"a snapshot tells who waits where": func(t *testing.T, f *fixture) {
			permit := f.mustAsk(t, chat, ticketOf("holder", 0, 0))
			f.mustWait(t, chat, ticketOf("a/1", 1, 7), 0)
			f.mustWait(t, chat, ticketOf("b/1", 0, 3), 0)
			f.Close(other, reset, time.Minute)
			want := map[string]State{
				chat:  {Busy: true, Waiting: 2, Oldest: ticketOf("a/1", 1, 7).Created},
				other: {ClosedUntil: start().Add(time.Minute)},
			}
			if diff := cmp.Diff(want, f.Snapshot()); diff != "" {
				t.Errorf("snapshot (-want +got):\n%s", diff)
			}
			permit.Release()
			f.pass(Patience) // b/1 is passed over
			f.Leave("a/1")
			want = map[string]State{
				chat:  {Waiting: 1, Oldest: ticketOf("b/1", 0, 3).Created},
				other: {ClosedUntil: start().Add(time.Minute)},
			}
			if diff := cmp.Diff(want, f.Snapshot()); diff != "" {
				t.Errorf("snapshot (-want +got):\n%s", diff)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, newFixture())
		})
	}
}
