package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/credentialreset/credential-reset-operator/internal/rocketchat"
)

// The controllers of a replica, and the pseudo-controller that drains it.
const (
	requestController = iota
	workspaceController
	recordController
	drainController
)

var controllerNames = []string{"request", "workspace", "record", "drain"}

// restartTime is how long a replica that died stays away.
const restartTime = time.Second

// replica is a process of the operator: the product's reconcilers and what
// controller-runtime does for them, on a clock of its own.
type replica struct {
	world  *world
	name   string
	offset time.Duration // of its machine's clock
	drift  time.Duration // by how much it misjudges the API server's

	life     int // counts the processes that this replica was
	up       bool
	stopping bool
	forever  bool // it does not come back
	until    time.Time
	ids      int

	operator    *Operator
	reconcilers [3]reconcile.Reconciler
	requests    *UserCredentialResetReconciler
	cancel      context.CancelFunc
	ctx         context.Context // the process's life

	caches [kinds]*cache
	queues [3]*queue
	tasks  []*task
}

func newReplica(w *world, name string) *replica {
	p := &replica{world: w, name: name}
	w.replicas = append(w.replicas, p)
	return p
}

// Now implements gate.Timer.
func (p *replica) Now() time.Time { return p.world.now.Add(p.offset) }

// AfterFunc implements gate.Timer.
func (p *replica) AfterFunc(wait time.Duration, call func()) {
	life := p.life
	p.world.after(wait, "a timer of "+p.name, func() {
		if p.life == life && p.up {
			call()
		}
	})
}

// start begins a process with an empty memory and the caches filled.
func (p *replica) start() {
	if p.forever {
		return
	}
	p.life++
	p.up, p.stopping = true, false
	p.ctx, p.cancel = context.WithCancel(ctrl.LoggerInto(context.Background(), logr.Discard()))
	clock := &Clock{machine: p}
	clock.offset.Store(int64(p.drift - p.offset))
	p.operator = newOperator(Options{Clock: clock, Audit: logr.New(&auditSink{p}), RecordRetention: 30 * 24 * time.Hour},
		&cachedClient{replica: p}, &liveReader{p}, &silentRecorder{})
	p.operator.atOnce = oneByOne
	p.operator.pause = func(d time.Duration) { p.world.now = p.world.now.Add(max(d, 0)) }
	p.operator.catchUp = func(_ context.Context, claim holding) bool {
		p.world.ask("catch up")
		select {
		case <-p.operator.ledger.told(claim.id):
			return true
		default:
			return false
		}
	}
	p.operator.newID = func() string {
		p.ids++
		return fmt.Sprintf("%s-%d-attempt-%d", p.name, p.life, p.ids)
	}
	p.operator.dial = func(c *rocketchat.Connection) chatClient {
		return &chatCaller{replica: p, connection: c, token: p.world.chat.tokens}
	}
	p.requests = &UserCredentialResetReconciler{Operator: p.operator, tries: newTries(), written: newWrittenStatuses()}
	p.reconcilers = [3]reconcile.Reconciler{
		p.requests, &RocketChatWorkspaceReconciler{Operator: p.operator},
		&ResetRecordReconciler{Operator: p.operator, sightings: newSightings()},
	}
	for i := range p.queues {
		p.queues[i] = &queue{replica: p, life: p.life, name: controllerNames[i], failures: map[types.NamespacedName]int{}}
	}
	p.operator.requests.queue, p.operator.workspaces.queue = p.queues[requestController], p.queues[workspaceController]
	for kind := range p.caches {
		p.caches[kind] = newCache(p, kind)
	}
	for kind := range p.caches {
		for _, key := range sortedKeys(p.caches[kind].objects) {
			if kind == kindRecord {
				p.operator.ledger.hear(nil, asRecord(p.caches[kind].objects[key]))
			}
			p.hear(kind, p.caches[kind].objects[key], true)
		}
	}
}

// hear puts into the queues who has to look at an object that came or changed, as
// the controllers' set-up says.
func (p *replica) hear(kind int, object client.Object, specChanged bool) {
	own := reconcile.Request{NamespacedName: client.ObjectKeyFromObject(object)}
	ctx := p.ctx
	switch kind {
	case kindRequest:
		p.queues[requestController].Add(own)
	case kindRecord:
		p.queues[recordController].Add(own)
		for _, concerned := range p.requests.concernedByRecord(ctx, object) {
			p.queues[requestController].Add(concerned)
		}
	case kindApproval:
		for _, concerned := range p.requests.concernedByApproval(ctx, object) {
			p.queues[requestController].Add(concerned)
		}
	case kindWorkspace:
		if specChanged {
			p.queues[workspaceController].Add(own)
			for _, concerned := range p.requests.concernedByWorkspace(ctx, object) {
				p.queues[requestController].Add(concerned)
			}
		}
	}
}

func (p *replica) alive() bool { return p.up || p.forever }

func (p *replica) paused(now time.Time) bool { return p.until.After(now) }

// running says whether the process executes instructions.
func (p *replica) running() bool { return p.up && !p.paused(p.world.now) }

func (p *replica) holdings() []types.NamespacedName {
	if !p.up {
		return nil
	}
	return p.operator.holdings.requests()
}

// secretVersion is the one with which the process knows the workspace.
func (p *replica) secretVersion() string {
	return p.operator.board.get(types.NamespacedName{Namespace: "chat", Name: "chat"}).SecretVersion
}

// die ends the process at once, wherever its tasks are.
func (p *replica) die() {
	if !p.up {
		return
	}
	p.up, p.world.forgot = false, true
	p.cancel()
	tasks := p.tasks
	p.tasks = nil
	for _, t := range tasks {
		t.stop()
	}
	if p.world.current != nil && p.world.current.replica == p {
		p.world.current = nil
	}
}

// crash ends the process and begins another one.
func (p *replica) crash() {
	p.world.crashes++
	p.world.loses("%s crashed", p.name)
	p.die()
	p.world.after(restartTime, "the restart of "+p.name, p.start)
}

// terminate is the stop signal: no reset begins any more, what is in flight ends,
// and the process drains before it ends.
func (p *replica) terminate() {
	p.stopping = true
	p.cancel()
	p.operator.Stop()
	life := p.life
	p.world.after(45*time.Second, "the end of the grace of "+p.name, func() {
		if p.up && p.life == life {
			p.world.loses("%s did not drain in time", p.name)
			p.crash()
		}
	})
}

// drain settles what the process owes and ends it.
func (p *replica) drain() {
	t := newTask(p, drainController, types.NamespacedName{Name: "-"}, func() (ctrl.Result, error) {
		for p.operator.settleRound(context.WithoutCancel(p.ctx)) != nil {
			t := p.world.current
			t.wakeAt = p.world.now.Add(settleInterval)
			p.world.after(settleInterval, "the next round of "+p.name, func() {})
			p.world.ask("settle again")
		}
		return ctrl.Result{}, nil
	}, func(ctrl.Result, error) {
		if len(p.operator.holdings.requests()) > 0 {
			p.world.loses("%s ended with a claim that was not answered", p.name)
		}
		p.up, p.world.forgot = false, true
		p.world.after(restartTime, "the restart of "+p.name, p.start)
	})
	p.tasks = append(p.tasks, t)
	t.run()
}

// acts adds what the process can do beside going on with its tasks.
func (p *replica) acts(acts []act) []act {
	if !p.running() {
		return acts
	}
	if p.stopping {
		if len(p.tasks) == 0 {
			acts = append(acts, act{kind: actDrain, who: p.name, do: p.drain})
		}
		return acts
	}
	for kind, c := range p.caches {
		if c.pending() && !c.held {
			acts = append(acts, act{kind: actHear, who: p.name, what: kindNames[kind], do: c.deliver})
		}
	}
	for controller, q := range p.queues {
		if key, ok := q.first(); ok {
			acts = append(acts, act{kind: actLook, who: p.name, at: controllerNames[controller], what: key.Name, do: func() { p.begin(controller, key) }})
		}
	}
	return acts
}

// begin takes a key from a queue and reconciles it.
func (p *replica) begin(controller int, key types.NamespacedName) {
	q := p.queues[controller]
	q.take(key)
	ctx := p.ctx
	t := newTask(p, controller, key, func() (ctrl.Result, error) {
		return p.reconcilers[controller].Reconcile(ctx, reconcile.Request{NamespacedName: key})
	}, func(result ctrl.Result, err error) { q.done(key, result, err) })
	p.tasks = append(p.tasks, t)
	t.run()
}

// queue is a controller's queue as controller-runtime conducts it. Of the methods
// only those exist that the product uses.
type queue struct {
	workqueue.TypedRateLimitingInterface[reconcile.Request]

	replica  *replica
	life     int
	name     string
	waiting  []types.NamespacedName
	working  []types.NamespacedName
	failures map[types.NamespacedName]int
}

// Add implements workqueue.TypedInterface.
func (q *queue) Add(item reconcile.Request) {
	if !slices.Contains(q.waiting, item.NamespacedName) {
		q.waiting = append(q.waiting, item.NamespacedName)
	}
}

// AddAfter implements workqueue.TypedDelayingInterface.
func (q *queue) AddAfter(item reconcile.Request, wait time.Duration) {
	q.replica.world.after(wait, q.name, func() {
		if q.replica.life == q.life {
			q.Add(item)
		}
	})
}

// first is the key that is to be looked at next. One that is being looked at waits.
func (q *queue) first() (types.NamespacedName, bool) {
	for _, key := range q.waiting {
		if !slices.Contains(q.working, key) {
			return key, true
		}
	}
	return types.NamespacedName{}, false
}

func (q *queue) take(key types.NamespacedName) {
	q.waiting = slices.DeleteFunc(q.waiting, func(other types.NamespacedName) bool { return other == key })
	q.working = append(q.working, key)
}

// done does with a result what controller-runtime does with it.
func (q *queue) done(key types.NamespacedName, result ctrl.Result, err error) {
	q.working = slices.DeleteFunc(q.working, func(other types.NamespacedName) bool { return other == key })
	item := reconcile.Request{NamespacedName: key}
	if err != nil {
		q.replica.world.tell("  error: %v", err)
		wait := min(minBackOff<<min(q.failures[key], 10), maxBackOff)
		q.failures[key]++
		q.AddAfter(item, wait)
		return
	}
	delete(q.failures, key)
	if result.RequeueAfter > 0 {
		q.AddAfter(item, result.RequeueAfter)
	}
}

// auditSink hears what the audit log tells.
type auditSink struct{ replica *replica }

// Init implements logr.LogSink.
func (*auditSink) Init(logr.RuntimeInfo) {}

// Enabled implements logr.LogSink.
func (*auditSink) Enabled(int) bool { return true }

// Info implements logr.LogSink.
func (s *auditSink) Info(_ int, message string, pairs ...any) {
	line := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		line[fmt.Sprint(pairs[i])] = fmt.Sprint(pairs[i+1])
	}
	if line["event"] == auditRequestEnded {
		s.replica.world.audited[line["requestUID"]+" "+line["outcome"]] = true
	} else {
		s.replica.world.audited[line["attempt"]] = true
		s.replica.world.audited[line["attempt"]+" "+line["result"]] = true
	}
	s.replica.world.tell("  audit: %s %v", message, pairs)
}

// Error implements logr.LogSink.
func (*auditSink) Error(error, string, ...any) {}

// WithValues implements logr.LogSink.
func (s *auditSink) WithValues(...any) logr.LogSink { return s }

// WithName implements logr.LogSink.
func (s *auditSink) WithName(string) logr.LogSink { return s }

// silentRecorder makes no events.
type silentRecorder struct{ events.EventRecorder }

// Eventf implements events.EventRecorder.
func (*silentRecorder) Eventf(runtime.Object, runtime.Object, string, string, string, string, ...any) {
}

// oneByOne makes calls in their order, all of them: schedules are to be repeatable.
func oneByOne(calls ...func() error) error {
	var errs []error
	for _, call := range calls {
		errs = append(errs, call())
	}
	return errors.Join(errs...)
}
