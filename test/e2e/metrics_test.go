package e2e

import (
	"maps"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

const ourMetrics = "credentialreset_"

// scrape reads the metrics of the shared operator as Prometheus does.
func (f *fixture) scrape() map[string]*dto.MetricFamily {
	f.t.Helper()
	var page string
	f.poll(func() (bool, error) {
		status, text, err := suiteOf.metrics(f.t.Context(), true)
		page = text
		return err == nil && status == http.StatusOK, nil
	})
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(page))
	if err != nil {
		f.t.Fatal(err)
	}
	maps.DeleteFunc(families, func(name string, _ *dto.MetricFamily) bool { return !strings.HasPrefix(name, ourMetrics) })
	return families
}

// ofWorkspace are the gauges of the fixture's workspace, by name and reason.
func (f *fixture) ofWorkspace() map[string]float64 {
	f.t.Helper()
	families := f.scrape()
	found := map[string]float64{}
	for name, family := range families {
		for _, metric := range family.GetMetric() {
			labels := map[string]string{}
			for _, label := range metric.GetLabel() {
				labels[label.GetName()] = label.GetValue()
			}
			if labels["namespace"] == f.namespace {
				gauge := strings.TrimPrefix(name, ourMetrics+"workspace_") + " " + labels["reason"]
				found[strings.TrimSpace(gauge)] = metric.GetGauge().GetValue()
			}
		}
	}
	return found
}

// documented is a line of the table in docs/metrics.md.
var documented = regexp.MustCompile("(?m)^\\| `(" + ourMetrics + "[a-z_]+)` \\| (\\w+) \\| ([^|]*)\\|")

// TestEveryMetricIsDocumented holds the page against a scrape, in both directions.
func TestEveryMetricIsDocumented(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	f.ask("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	text, err := os.ReadFile(f.on.cluster.Path("docs", "metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, line := range documented.FindAllStringSubmatch(string(text), -1) {
		want[line[1]] = line[2] + " " + strings.NewReplacer("`", "", ",", "").Replace(strings.TrimSpace(line[3]))
	}
	families := f.scrape()
	got := map[string]string{}
	for name, family := range families {
		var labels []string
		for _, label := range family.GetMetric()[0].GetLabel() {
			labels = append(labels, label.GetName())
		}
		got[name] = strings.ToLower(family.GetType().String()) + " " + strings.Join(labels, " ")
	}
	for _, all := range []map[string]string{want, got} {
		for name, line := range all {
			parts := strings.Fields(line)
			slices.Sort(parts[1:])
			all[name] = strings.Join(parts, " ")
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics (-documented +exposed):\n%s", diff)
	}
}

// TestMetricsTellOfAWorkspace follows a workspace from its first reset to its end.
func TestMetricsTellOfAWorkspace(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{workspace: func(w *v1alpha1.RocketChatWorkspace) {
		w.Spec.Budget = &v1alpha1.ResetBudget{MaxResets: 2}
	}})
	f.ask("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.awaitGauges(map[string]float64{"ready": 1, "ready_reason Connected": 1, "waiting_requests": 0, "oldest_waiting_seconds": 0, "budget_left": 1, "gate_closed_seconds": 0})
	if f.ofWorkspace()["last_probe_timestamp_seconds"] == 0 {
		t.Error("nothing is told of the last probe")
	}
	f.suspend(true)
	f.awaitWorkspace(v1alpha1.ReasonSuspended)
	request := f.ask("waiting", "bob")
	f.awaitReason("waiting", v1alpha1.ReasonWorkspaceSuspended)
	f.awaitGauges(map[string]float64{"ready": 0, "ready_reason Suspended": 1, "waiting_requests": 1, "budget_left": 1})
	if _, told := f.ofWorkspace()["ready_reason Connected"]; told {
		t.Error("the reason of before is still told")
	}
	f.delete(request)
	f.awaitGauges(map[string]float64{"waiting_requests": 0})
	f.delete(f.workspace)
	f.poll(func() (bool, error) { return len(f.ofWorkspace()) == 0, nil })
	f.wantPosts(1)
}

// awaitGauges waits until the workspace's gauges have the values.
func (f *fixture) awaitGauges(want map[string]float64) {
	f.t.Helper()
	f.poll(func() (bool, error) {
		got := f.ofWorkspace()
		for name, value := range want {
			if found, told := got[name]; !told || found != value {
				return false, nil
			}
		}
		return true, nil
	})
}

// TestMetricsCountWhatEnded compares the counters before and after.
func TestMetricsCountWhatEnded(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{apart: true})
	operator := f.startOperator(cluster.OperatorOptions{})
	f.awaitWorkspace(v1alpha1.ReasonConnected)
	f.ask("lost-phone", "alice")
	f.ask("nobody", "nobody")
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.awaitReason("nobody", v1alpha1.ReasonUserNotFound)
	want := []string{
		`credentialreset_build_info{goversion="` + runtime.Version() + `",revision="` + stampedRevision + `",version="` + stampedVersion + `"} 1`,
		`credentialreset_requests_finished_total{outcome="Succeeded",type="TOTP"} 1`,
		`credentialreset_requests_finished_total{outcome="Failed",type="TOTP"} 1`,
		`credentialreset_requests_finished_total{outcome="Unconfirmed",type="E2EKey"} 0`,
		`credentialreset_attempts_total{result="Succeeded",type="TOTP"} 1`,
		`credentialreset_call_duration_seconds_count{class="2xx",route="v1/users.resetTOTP"} 1`,
		`credentialreset_call_duration_seconds_count{class="4xx",route="v1/users.info"} 1`,
	}
	f.poll(func() (bool, error) {
		status, page, err := f.on.metrics(t.Context(), operator, true)
		if err != nil || status != http.StatusOK {
			return false, nil //nolint:nilerr // it listens a moment after it works
		}
		for _, line := range want {
			if !strings.Contains(page, line+"\n") {
				return false, nil
			}
		}
		return true, nil
	})
}
