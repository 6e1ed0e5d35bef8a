package controllers

import (
	"context"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat"
)

// scrapeTimeout bounds what a scrape reads from the cache.
const scrapeTimeout = 2 * time.Second

// meters count what happens. None of their labels names a user, a request or who
// asked.
type meters struct {
	finished *prometheus.CounterVec
	attempts *prometheus.CounterVec
	calls    *prometheus.HistogramVec
}

func newMeters() *meters {
	m := &meters{
		finished: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "credentialreset_requests_finished_total",
			Help: "Requests that ended, by type and outcome. A truth that arrives late counts once more, as what it is.",
		}, []string{"type", "outcome"}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "credentialreset_attempts_total",
			Help: "Attempts whose result was recorded, by type and result. A late result counts once more.",
		}, []string{"type", "result"}),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "credentialreset_call_duration_seconds",
			Help:    "Calls to Rocket.Chat, by route and class of the status, which is none without an answer.",
			Buckets: []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15},
		}, []string{"route", "class"}),
	}
	// What can happen is there from the beginning: an alert on the first one works.
	for _, resetType := range []v1alpha1.ResetType{v1alpha1.ResetTypeTOTP, v1alpha1.ResetTypeE2EKey} {
		for _, outcome := range []v1alpha1.Outcome{v1alpha1.OutcomeSucceeded, v1alpha1.OutcomeFailed, v1alpha1.OutcomeSkipped, v1alpha1.OutcomeUnconfirmed} {
			m.finished.WithLabelValues(string(resetType), string(outcome))
		}
		for _, result := range []v1alpha1.AttemptResult{v1alpha1.AttemptSucceeded, v1alpha1.AttemptNotSent, v1alpha1.AttemptRefused, v1alpha1.AttemptUnconfirmed} {
			m.attempts.WithLabelValues(string(resetType), string(result))
		}
	}
	return m
}

func (m *meters) ended(request *v1alpha1.UserCredentialReset) {
	m.finished.WithLabelValues(string(request.Spec.Type), string(request.Status.Outcome)).Inc()
}

func (m *meters) recorded(held holding) {
	m.attempts.WithLabelValues(string(held.record.Type), string(held.result.Result)).Inc()
}

func (m *meters) called(exchange rocketchat.Exchange) {
	m.calls.WithLabelValues(exchange.Route, statusClass(exchange.Status)).Observe(exchange.Duration.Seconds())
}

func statusClass(status int) string {
	classes := []string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}
	if class := status / 100; class > 0 && class < len(classes) {
		return classes[class]
	}
	return classes[0]
}

// register makes everything visible at the manager's metrics endpoint.
func (o *Operator) registerMetrics(version, revision string) error {
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "credentialreset_build_info",
		Help:        "Always 1; its labels tell the version of the operator, the commit that it was built from, and the version of Go.",
		ConstLabels: prometheus.Labels{"version": version, "revision": revision, "goversion": runtime.Version()},
	})
	build.Set(1)
	offset := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "credentialreset_api_server_clock_offset_seconds",
		Help: "How far the clock of the API server is ahead of the operator's; stamps are corrected by it.",
	}, func() float64 { return o.clock.Offset().Seconds() })
	for _, collector := range []prometheus.Collector{
		o.meters.finished, o.meters.attempts, o.meters.calls, build, offset, newWorkspaceCollector(o),
	} {
		if err := metrics.Registry.Register(collector); err != nil {
			return err
		}
	}
	return nil
}

// workspaceCollector tells of each workspace as it is when somebody looks: what is
// gone is not told of.
type workspaceCollector struct {
	*Operator

	ready, reason, probed, waiting, oldest, gateWaiting, gateClosed, budgetLeft *prometheus.Desc
}

func newWorkspaceCollector(o *Operator) *workspaceCollector {
	describe := func(name, help string, more ...string) *prometheus.Desc {
		return prometheus.NewDesc("credentialreset_workspace_"+name, help, append([]string{"namespace", "workspace"}, more...), nil)
	}
	return &workspaceCollector{
		Operator:    o,
		ready:       describe("ready", "Whether resets can be carried out through the workspace: 1 or 0."),
		reason:      describe("ready_reason", "Always 1; its label tells the reason of the workspace's Ready condition.", "reason"),
		probed:      describe("last_probe_timestamp_seconds", "When the workspace's server was last probed, as Unix time."),
		waiting:     describe("waiting_requests", "Requests for the workspace that have not ended."),
		oldest:      describe("oldest_waiting_seconds", "Age of the oldest request for the workspace that has not ended; 0 without one."),
		gateWaiting: describe("gate_waiting_requests", "Requests that wait for their turn to call the workspace's server, those for other workspaces on it included."),
		gateClosed:  describe("gate_closed_seconds", "How long no reset calls the workspace's server, because its rate limiter is exhausted; 0 if it is open."),
		budgetLeft:  describe("budget_left", "Resets that the workspace's budget still allows at the moment."),
	}
}

// Describe implements prometheus.Collector.
func (c *workspaceCollector) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{c.ready, c.reason, c.probed, c.waiting, c.oldest, c.gateWaiting, c.gateClosed, c.budgetLeft} {
		out <- desc
	}
}

// Collect implements prometheus.Collector.
func (c *workspaceCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	var workspaces v1alpha1.RocketChatWorkspaceList
	if err := c.kube.List(ctx, &workspaces, client.UnsafeDisableDeepCopy); err != nil {
		ctrl.Log.Error(err, "List workspaces for the metrics")
		return
	}
	gates := c.gate.Snapshot()
	for i := range workspaces.Items {
		workspace := &workspaces.Items[i]
		name := client.ObjectKeyFromObject(workspace)
		tell := func(desc *prometheus.Desc, value float64, more ...string) {
			out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, append([]string{name.Namespace, name.Name}, more...)...)
		}
		health := c.board.get(name)
		tell(c.ready, boolean(reset.IsInOrder(workspace, health)))
		// From the status, so that every replica tells the same: one that does not work
		// has probed nothing.
		if ready := meta.FindStatusCondition(workspace.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
			tell(c.reason, 1, ready.Reason)
		}
		if at := c.board.probedAt(name); !at.IsZero() {
			tell(c.probed, float64(at.UnixMilli())/1000)
		}
		count, age := c.openRequests(ctx, name)
		tell(c.waiting, float64(count))
		tell(c.oldest, age.Seconds())
		state := gates[rocketchat.ServerOf(health.Host)]
		tell(c.gateWaiting, float64(state.Waiting))
		tell(c.gateClosed, max(0, state.ClosedUntil.Sub(c.clock.Local()).Seconds()))
		attempts, period := reset.BudgetOf(workspace)
		tell(c.budgetLeft, float64(max(0, attempts-c.ledger.spent(name, period, c.clock.Now()))))
	}
}

// openRequests counts the requests of a workspace that have not ended, and tells the
// age of the oldest.
func (c *workspaceCollector) openRequests(ctx context.Context, workspace types.NamespacedName) (int, time.Duration) {
	var open v1alpha1.UserCredentialResetList
	if err := c.kube.List(ctx, &open, client.MatchingFields{openByWorkspace: workspace.String()}, client.UnsafeDisableDeepCopy); err != nil {
		ctrl.Log.Error(err, "List waiting requests for the metrics")
		return 0, 0
	}
	var oldest time.Duration
	now := c.clock.Now()
	for i := range open.Items {
		oldest = max(oldest, now.Sub(open.Items[i].CreationTimestamp.Time))
	}
	return len(open.Items), oldest
}

func boolean(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
