package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/uuid"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/credentialreset/credential-reset-operator/internal/gate"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat"
)

// The pauses after an error.
const (
	minBackOff = 200 * time.Millisecond
	maxBackOff = 10 * time.Second
)

// wokenPriority is that of a key whose turn has come. Others have 0 or, when they
// come from the first list, less.
const wokenPriority = 1

// eventSource is the name under which events are reported.
const eventSource = "credential-reset-operator"

// Options say how the operator conducts itself.
type Options struct {
	DialPolicy       rocketchat.DialPolicy
	PlainHTTPAllowed bool
	RecordRetention  time.Duration
	Clock            *Clock
	// Namespaces are those that are watched; none means all.
	Namespaces []string
	// Version is the operator's own, and Revision the commit that it was built from.
	Version, Revision string
	// Audit tells of every attempt, whatever the level of other logs.
	Audit logr.Logger
}

// Operator is what the reconcilers share.
type Operator struct {
	options  Options
	kube     client.Client // reads from the cache
	live     client.Reader // reads from the API server
	events   events.EventRecorder
	clock    *Clock
	board    *board
	holdings *holdings
	passes   *passes
	ledger   *ledger
	meters   *meters
	gate     *gate.Gate // for resets
	probes   *gate.Gate // for probes, whose routes the limiter counts by themselves
	clocks   rocketchat.ServerClocks
	newID    func() string // of an attempt
	// catchUp waits until the cache has a claim of this process, and says whether it has.
	catchUp func(ctx context.Context, claim holding) bool
	pause   func(time.Duration)
	// atOnce makes calls that do not depend on each other, and joins their errors.
	atOnce func(calls ...func() error) error
	dial   func(*rocketchat.Connection) chatClient

	requests   wakeable
	workspaces wakeable
}

// Setup adds the reconcilers to the manager.
func Setup(ctx context.Context, mgr ctrl.Manager, options Options) (*Operator, error) {
	if err := addIndexes(ctx, mgr.GetFieldIndexer()); err != nil {
		return nil, err
	}
	operator := newOperator(options, mgr.GetClient(), mgr.GetAPIReader(), mgr.GetEventRecorder(eventSource))
	requests := &UserCredentialResetReconciler{Operator: operator, tries: newTries(), written: newWrittenStatuses()}
	if err := operator.registerMetrics(options.Version, options.Revision); err != nil {
		return nil, fmt.Errorf("register the metrics: %w", err)
	}
	if err := operator.ledger.listen(ctx, mgr); err != nil {
		return nil, err
	}
	for _, setup := range []func(ctrl.Manager) error{
		requests.setup,
		(&RocketChatWorkspaceReconciler{Operator: operator}).setup,
		(&ResetRecordReconciler{Operator: operator, sightings: newSightings()}).setup,
	} {
		if err := setup(mgr); err != nil {
			return nil, fmt.Errorf("set up a controller: %w", err)
		}
	}
	if err := mgr.Add(manager.RunnableFunc(operator.tellOfPolicies)); err != nil {
		return nil, fmt.Errorf("add the look at the policies: %w", err)
	}
	return operator, nil
}

func newOperator(options Options, kube client.Client, live client.Reader, recorder events.EventRecorder) *Operator {
	operator := &Operator{
		options:  options,
		kube:     kube,
		live:     live,
		events:   recorder,
		clock:    options.Clock,
		board:    newBoard(),
		holdings: newHoldings(),
		passes:   newPasses(),
		ledger:   newLedger(),
		meters:   newMeters(),
		newID:    uuid.NewString,
	}
	operator.gate = gate.New(options.Clock.machine, passLead, operator.requests.wakeByKey)
	operator.probes = gate.New(options.Clock.machine, 0, operator.workspaces.wakeByKey)
	operator.catchUp = func(ctx context.Context, claim holding) bool { return operator.ledger.awaitTold(ctx, claim.id) }
	operator.atOnce = inParallel
	operator.pause = options.Clock.pause
	operator.dial = func(connection *rocketchat.Connection) chatClient { return operator.newClient(connection) }
	return operator
}

func inParallel(calls ...func() error) error {
	errs := make([]error, len(calls))
	var group sync.WaitGroup
	for i, call := range calls {
		group.Go(func() { errs[i] = call() })
	}
	group.Wait()
	return errors.Join(errs...)
}

// controllerOptions let a controller look again soon after an error: what is known
// of a reset must not wait long for an API server that has come back.
func controllerOptions(workers int) controller.Options {
	return controller.Options{
		MaxConcurrentReconciles: workers,
		RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](minBackOff, maxBackOff),
	}
}

// Stop lets no reset begin any more; those in flight go on.
func (o *Operator) Stop() { o.passes.stop() }

// Drain waits for the resets in flight and records what is known of them, until
// the context ends.
func (o *Operator) Drain(ctx context.Context) error {
	o.passes.stop()
	if err := o.passes.wait(ctx); err != nil {
		return fmt.Errorf("wait for resets in flight: %w", err)
	}
	if err := o.settleAll(ctx); err != nil {
		return fmt.Errorf("record results: %w", err)
	}
	return nil
}

// watches says whether objects of the namespace are seen.
func (o *Operator) watches(namespace string) bool {
	return len(o.options.Namespaces) == 0 || slices.Contains(o.options.Namespaces, namespace)
}

// wakeable is a controller's queue, for those who want something reconciled.
type wakeable struct {
	mu    sync.Mutex
	queue workqueue.TypedRateLimitingInterface[reconcile.Request]
}

// source lends the controller's queue at its start.
func (w *wakeable) source() source.Source {
	return source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.queue = queue
		return nil
	})
}

// wakeAfter has the object reconciled when the time is over.
func (w *wakeable) wakeAfter(name types.NamespacedName, pause time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.queue != nil {
		w.queue.AddAfter(reconcile.Request{NamespacedName: name}, pause)
	}
}

func (w *wakeable) wake(name types.NamespacedName) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.queue != nil {
		w.queue.Add(reconcile.Request{NamespacedName: name})
	}
}

// wakeByKey is called by a gate. Who is woken holds up others until it comes, so it
// goes before all that merely wait to be looked at.
func (w *wakeable) wakeByKey(key string) {
	name, ok := parseKey(key)
	if !ok {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	item := reconcile.Request{NamespacedName: name}
	if queue, ranked := w.queue.(priorityqueue.PriorityQueue[reconcile.Request]); ranked {
		queue.AddWithOpts(priorityqueue.AddOpts{Priority: new(wokenPriority)}, item)
		return
	}
	if w.queue != nil {
		w.queue.Add(item)
	}
}
