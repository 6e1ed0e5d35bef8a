package controllers

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

const (
	// stepTime is how long a call takes that meets no difficulty.
	stepTime = 5 * time.Millisecond
	// validity is how long requests of a schedule may be carried out.
	validity = 20 * time.Minute
	// graceTime is how long everything may take to settle once nothing fails any more.
	graceTime = 5 * time.Minute
	// maxSteps ends a schedule that runs in circles.
	maxSteps = 100_000
)

// world is one schedule being run: an API server, a workspace, replicas of the
// operator, and one clock. Nothing in it runs at the same time; what comes next,
// and what becomes of each call, is asked of the chooser.
type world struct {
	*chooser
	scenario scenario

	now      time.Time
	server   *apiServer
	chat     *chatServer
	replicas []*replica
	timers   []timer
	happen   []*happening
	current  *task
	buffer   []act
	deadline time.Time // when the world ends, whatever is open

	arrived func()               // called when a reset arrives, if not nil
	created map[string]time.Time // requests, by uid
	gone    map[string]bool      // records that somebody deleted
	audited map[string]bool      // attempts, their results and the outcomes of requests, of which an audit log tells

	// decided is when decisions about requests were stored, by uid, nil where no
	// approval is required; approver sees every status of a request.
	decided  map[types.UID]map[v1alpha1.Decision]time.Time
	approver func(*v1alpha1.UserCredentialReset)

	budget int           // attempts within the period, 0 where any number may begin
	period time.Duration // of the budget

	forgot bool // a process ended

	losses  []string // what happened that may cost an outcome
	crashes int
	broken  []string // invariants that did not hold
	trace   func(string)
	serial  int
}

type timer struct {
	at     time.Time
	serial int
	what   string
	ring   func()
}

// happening is something that may happen at any moment, once.
type happening struct {
	what     string
	possible func() bool // nil: always
	strike   func()
	struck   bool
}

func newWorld(s scenario, c *chooser) *world {
	w := &world{chooser: c, scenario: s, now: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)}
	w.created, w.gone, w.audited = map[string]time.Time{}, map[string]bool{}, map[string]bool{}
	w.endAfter(validity + graceTime)
	w.server = newAPIServer(w)
	w.chat = newChatServer(w)
	s.build(w)
	return w
}

func (w *world) tell(format string, args ...any) {
	if w.trace == nil {
		return
	}
	w.trace(w.now.Format("15:04:05.000 ") + fmt.Sprintf(format, args...))
}

// breaks notes that an invariant did not hold.
func (w *world) breaks(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.tell("BROKEN: %s", text)
	if !slices.Contains(w.broken, text) {
		w.broken = append(w.broken, text)
	}
}

// loses notes something after which an outcome may be unknown.
func (w *world) loses(format string, args ...any) {
	w.losses = append(w.losses, fmt.Sprintf(format, args...))
}

// fault asks what becomes of a call; 0 is that it goes well.
func (w *world) fault(ways int) int {
	if w.scenario.calm > 0 {
		return 0
	}
	return w.choose(ways)
}

// after rings once the time has passed.
func (w *world) after(wait time.Duration, what string, ring func()) {
	w.serial++
	w.timers = append(w.timers, timer{at: w.now.Add(max(wait, 0)), serial: w.serial, what: what, ring: ring})
}

// endAfter lets the world last so long at least.
func (w *world) endAfter(wait time.Duration) {
	if end := w.now.Add(wait); end.After(w.deadline) {
		w.deadline = end
	}
}

// ringDue rings what is due, in order of time.
func (w *world) ringDue() {
	for {
		next := w.nextTimer()
		if next.at.After(w.now) {
			return
		}
		w.timers = slices.DeleteFunc(w.timers, func(t timer) bool { return t.serial == next.serial })
		next.ring()
	}
}

// nextTimer is the timer that rings next; the last one is the end of the world.
func (w *world) nextTimer() timer {
	next := timer{at: w.deadline.Add(time.Second), what: "the end"}
	for _, t := range w.timers {
		if t.at.Before(next.at) || t.at.Equal(next.at) && t.serial < next.serial {
			next = t
		}
	}
	return next
}

// run runs the schedule to its end and judges it.
func (w *world) run() {
	for range maxSteps {
		if w.step() {
			w.judge()
			w.end()
			return
		}
	}
	w.breaks("the schedule did not end within %d steps", maxSteps)
	w.end()
}

// end lets go of what is suspended.
func (w *world) end() {
	for _, p := range w.replicas {
		p.die()
	}
}

// act is something that can come next: the parts of its name, and what it does.
type act struct {
	kind          actKind
	who, at, what string
	do            func()
}

type actKind string

const (
	actGoOn   actKind = "goes on"
	actHear   actKind = "hears of a"
	actLook   actKind = "looks at the"
	actDrain  actKind = "drains"
	actWait   actKind = "wait for"
	actStrike actKind = "it happens:"
	actEnd    actKind = "the end"
)

// step does what comes next and says whether that is the end.
func (w *world) step() bool {
	w.ringDue()
	acts := w.acts()
	if acts[0].kind == actWait && w.isSettled() {
		acts[0] = act{kind: actEnd}
	}
	pick := acts[w.choose(len(acts))]
	if pick.kind == actEnd {
		return true
	}
	w.tell("%s %s %s %s", pick.who, pick.kind, pick.at, pick.what)
	pick.do()
	return w.now.After(w.deadline)
}

// acts are what can come next, the usual first: a task goes on, then what the
// informers have is delivered, then something is taken from a queue; where nothing
// else is to do, time passes.
func (w *world) acts() []act {
	acts := w.buffer[:0]
	if t := w.current; t != nil && t.canRun() {
		acts = append(acts, t.act())
	}
	for _, p := range w.replicas {
		for _, t := range p.tasks {
			if t != w.current && t.canRun() {
				acts = append(acts, t.act())
			}
		}
	}
	for _, p := range w.replicas {
		acts = p.acts(acts)
	}
	if len(acts) == 0 {
		next := w.nextTimer()
		acts = append(acts, act{kind: actWait, what: next.what, do: func() { w.now = next.at }})
	}
	for _, h := range w.happen {
		if !h.struck && (h.possible == nil || h.possible()) {
			acts = append(acts, act{kind: actStrike, what: h.what, do: func() { h.struck = true; h.strike() }})
		}
	}
	w.buffer = acts
	return acts
}

// isSettled says whether nothing is left to be decided.
func (w *world) isSettled() bool {
	for _, p := range w.replicas {
		if len(p.tasks) > 0 || len(p.holdings()) > 0 || p.paused(w.now) || !p.alive() {
			return false
		}
	}
	return w.server.isSettled()
}

// task is one call of a reconciler, suspended whenever it asks somebody outside of
// its process.
type task struct {
	replica    *replica
	controller int
	key        types.NamespacedName
	asks       string    // what it is about to ask
	wakeAt     time.Time // when it goes on, if it sleeps

	next  func() (string, bool)
	stop  func()
	yield func(string) bool
	// expired are the contexts whose time was used up by a call.
	expired map[any]bool
}

// killed unwinds a task whose process has died.
type killed struct{}

// newTask makes a task of a function.
func newTask(p *replica, controller int, key types.NamespacedName, do func() (ctrl.Result, error), ended func(ctrl.Result, error)) *task {
	t := &task{replica: p, controller: controller, key: key, expired: map[any]bool{}}
	t.next, t.stop = iter.Pull(func(yield func(string) bool) {
		t.yield = yield
		result, err, dead := recovered(do)
		if !dead {
			ended(result, err)
		}
	})
	return t
}

// recovered turns a panic into an error, as controller-runtime does.
func recovered(do func() (ctrl.Result, error)) (result ctrl.Result, err error, dead bool) { //nolint:revive // the error is the task's
	defer func() {
		switch cause := recover().(type) {
		case nil:
		case killed:
			dead = true
		default:
			err = fmt.Errorf("panic: %v", cause)
			if text := fmt.Sprint(cause); !strings.HasPrefix(text, "injected") {
				panic(cause)
			}
		}
	}()
	result, err = do()
	return result, err, false
}

func (t *task) act() act {
	return act{kind: actGoOn, who: t.replica.name, at: t.key.Name, what: t.asks, do: t.run}
}

func (t *task) canRun() bool {
	return t.replica.running() && !t.wakeAt.After(t.replica.world.now)
}

// run lets the task go on until it asks again or ends.
func (t *task) run() {
	w := t.replica.world
	w.current = t
	asks, more := t.next()
	if t.asks = asks; !more {
		w.current = nil
		t.replica.tasks = slices.DeleteFunc(t.replica.tasks, func(other *task) bool { return other == t })
	}
}

// ask suspends the running task before it asks somebody outside.
func (w *world) ask(what string) *task {
	t := w.current
	if !t.yield(what) {
		panic(killed{})
	}
	w.now = w.now.Add(stepTime)
	return t
}
