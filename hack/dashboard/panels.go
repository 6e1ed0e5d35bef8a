package main

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

type panel = cog.Builder[dashboard.Panel]

type row struct {
	title  string
	panels []panel
}

// The grid is 24 wide.
const (
	half, third, sixth = 12, 8, 4
	tall, low          = 8, 4
)

func rows() []row {
	return []row{
		{"At a glance", []panel{
			figure("Operators", "Replicas that are scraped", "count(credentialreset_build_info)").Thresholds(from("red", 1, "green")),
			figure("Workspaces ready", "Of those chosen above", sumOf(ofWorkspace("ready"))),
			figure("Workspaces not ready", "Suspended ones included", "count("+ofWorkspace("ready")+" == 0) or vector(0)").Thresholds(from("green", 1, "red")),
			figure("Requests waiting", "Not ended yet", sumOf(ofWorkspace("waiting_requests"))),
			figure("Oldest waiting", "Age of the oldest request that has not ended", "max("+ofWorkspace("oldest_waiting_seconds")+")").
				Unit(units.Seconds).Thresholds(from("green", 1800, "red")),
			figure("Unconfirmed", "Resets within the range of time of which nobody knows whether they had their effect",
				`sum(increase(credentialreset_requests_finished_total{outcome="Unconfirmed"}[$__range]))`).Decimals(0).Thresholds(from("green", 1, "red")),
		}},
		{"Resets", []panel{
			bars("Outcomes by type", "Requests that ended", query("sum by (type, outcome) (increase(credentialreset_requests_finished_total[$__rate_interval]))", "{{type}} {{outcome}}")),
			bars("Attempts by result", "A request takes several where one was provably not carried out",
				query("sum by (type, result) (increase(credentialreset_attempts_total[$__rate_interval]))", "{{type}} {{result}}")),
		}},
		{"Calls to Rocket.Chat", []panel{
			lines("Calls by class of status", "none: without an answer", units.RequestsPerSecond,
				query("sum by (class) (rate(credentialreset_call_duration_seconds_count[$__rate_interval]))", "{{class}}")),
			lines("Latency by route", "The slowest twentieth, and the middle", units.Seconds,
				query(quantile(0.95), "{{route}} 95 %"), query(quantile(0.5), "{{route}} 50 %")),
		}},
		{"Workspaces", workspacePanels()},
		{"Queue", []panel{
			lines("Queue length", "Requests that have not ended", units.Short, workspaceQuery("waiting_requests")).Span(third),
			lines("Age of the oldest", "Of the requests that have not ended", units.Seconds, workspaceQuery("oldest_waiting_seconds")).Span(third),
			lines("Budget left", "Resets that spec.budget still allows", units.Short, workspaceQuery("budget_left")).Span(third),
			lines("Waiting at the gate", "Requests that wait for their turn to call the server, which has one call at a time", units.Short,
				workspaceQuery("gate_waiting_requests")).Span(half),
			lines("Gate closed for", "How long the server's rate limiter lets nobody call", units.Seconds, workspaceQuery("gate_closed_seconds")).Span(half),
		}},
		{"Process", []panel{
			lines("Memory", "Resident", units.BytesIEC, ofProcess("process_resident_memory_bytes")).Span(third),
			lines("CPU", "Cores in use", units.Short, ofProcess("rate(process_cpu_seconds_total[$__rate_interval])")).Span(third),
			lines("Clock of the API server", "How far it is ahead of the operator's", units.Seconds, query("credentialreset_api_server_clock_offset_seconds", "{{instance}}")).Span(third),
		}},
	}
}

func workspacePanels() []panel {
	ready := dashboard.ValueMapping{ValueMap: &dashboard.ValueMap{Type: dashboard.MappingTypeValueToText, Options: map[string]dashboard.ValueMappingResult{
		"0": shown("not ready", "red"), "1": shown("ready", "green"),
	}}}
	reasons := prometheus.NewDataqueryBuilder().RefId("A").Datasource(source()).Instant().Format(prometheus.PromQueryFormatTable).
		Expr(`max by (namespace, workspace, reason) (credentialreset_workspace_ready_reason{` + chosen + `})`)
	return []panel{
		statetimeline.NewPanelBuilder().Title("Readiness").Description("Whether resets can be carried out through each workspace").
			Datasource(source()).Span(third).Height(tall).WithTarget(workspaceQuery("ready").RefId("A")).
			Mappings([]dashboard.ValueMapping{ready}).ShowValue(common.VisibilityModeNever),
		table.NewPanelBuilder().Title("Reasons").Description("What the Ready condition of each workspace says now").
			Datasource(source()).Span(third).Height(tall).WithTarget(reasons).
			WithTransformation(dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{
				"excludeByName": map[string]bool{"Time": true, "Value": true},
				"indexByName":   map[string]int{"namespace": 0, "workspace": 1, "reason": 2},
			}}),
		lines("Last probe", "How long ago the server was last probed", units.Seconds,
			query("time() - "+ofWorkspace("last_probe_timestamp_seconds"), ofWhich)).Span(third),
	}
}

// chosen selects the workspaces that are chosen above.
const chosen = `namespace=~"$namespace", workspace=~"$workspace"`

// ofWhich is the legend of what is told of workspaces.
const ofWhich = "{{namespace}}/{{workspace}}"

// ofWorkspace is what one replica knows best: those that do not work tell zero.
func ofWorkspace(name string) string {
	return fmt.Sprintf("max by (namespace, workspace) (credentialreset_workspace_%s{%s})", name, chosen)
}

func sumOf(expression string) string { return "sum(" + expression + ")" }

func quantile(share float64) string {
	return fmt.Sprintf("histogram_quantile(%g, sum by (route, le) (rate(credentialreset_call_duration_seconds_bucket[$__rate_interval])))", share)
}

func query(expression, legend string) *prometheus.DataqueryBuilder {
	return prometheus.NewDataqueryBuilder().Datasource(source()).Expr(expression).LegendFormat(legend)
}

func workspaceQuery(name string) *prometheus.DataqueryBuilder {
	return query(ofWorkspace(name), ofWhich)
}

// ofProcess leaves out other processes that Prometheus knows.
func ofProcess(expression string) *prometheus.DataqueryBuilder {
	return query(expression+" and on (job, instance) credentialreset_build_info", "{{instance}}")
}

// figure is one number, as it is now.
func figure(title, description, expression string) *stat.PanelBuilder {
	return stat.NewPanelBuilder().Title(title).Description(description).Datasource(source()).Span(sixth).Height(low).
		WithTarget(query(expression, "").RefId("A").Instant()).
		GraphMode(common.BigValueGraphModeNone).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}))
}

func lines(title, description, unit string, queries ...*prometheus.DataqueryBuilder) *timeseries.PanelBuilder {
	built := timeseries.NewPanelBuilder().Title(title).Description(description).Datasource(source()).Span(half).Height(tall).Unit(unit)
	for i, query := range queries {
		built.WithTarget(query.RefId(string(rune('A' + i))))
	}
	return built
}

// bars are lines of what is counted.
func bars(title, description string, queries ...*prometheus.DataqueryBuilder) *timeseries.PanelBuilder {
	return lines(title, description, units.Short, queries...).DrawStyle(common.GraphDrawStyleBars).FillOpacity(80).Min(0).
		Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal))
}

// from is a colour from a value on, and another below.
func from(below string, value float64, above string) *dashboard.ThresholdsConfigBuilder {
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).
		Steps([]dashboard.Threshold{{Color: below}, {Value: &value, Color: above}})
}

func shown(text, colour string) dashboard.ValueMappingResult {
	return dashboard.ValueMappingResult{Text: &text, Color: &colour}
}
