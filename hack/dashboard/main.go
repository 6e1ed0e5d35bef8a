// Command dashboard writes the dashboard for Grafana. Names of metrics and labels are
// held against the metrics of the built operator in test/prometheus.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	if err := write(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "dashboard:", err)
		os.Exit(1)
	}
}

func write(out *os.File) error {
	board, err := build().Build()
	if err != nil {
		return fmt.Errorf("build the dashboard: %w", err)
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(board)
}

// build puts rows of panels below each other.
func build() *dashboard.DashboardBuilder { //nolint:staticcheck // the form that every Grafana reads
	builder := dashboard.NewDashboardBuilder("Credential Reset Operator") //nolint:staticcheck // likewise
	builder.Uid("credential-reset-operator").
		Description("Resets of Rocket.Chat users' credentials: what became of them, what waits, and for what").
		Tags([]string{"credential-reset-operator", "rocketchat"}).
		Timezone(common.TimeZoneBrowser).
		Time("now-6h", "now").
		Refresh("1m").
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		Readonly().
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label("Data source").Type("prometheus")).
		WithVariable(choice("namespace", "Namespace", "label_values(credentialreset_workspace_ready, namespace)")).
		WithVariable(choice("workspace", "Workspace", `label_values(credentialreset_workspace_ready{namespace=~"$namespace"}, workspace)`))
	var id uint32
	for _, row := range rows() {
		id++
		builder.WithRow(dashboard.NewRowBuilder(row.title).Id(id))
		for _, panel := range row.panels {
			id++
			builder.WithPanel(numbered{panel, id})
		}
	}
	return builder
}

// numbered gives a panel the number that links to it hold.
type numbered struct {
	panel panel
	id    uint32
}

// Build implements cog.Builder.
func (n numbered) Build() (dashboard.Panel, error) {
	built, err := n.panel.Build()
	built.Id = &n.id
	return built, err
}

// choice is a variable of which all values, or some, can be chosen.
func choice(name, label, query string) *dashboard.QueryVariableBuilder {
	return dashboard.NewQueryVariableBuilder(name).
		Label(label).
		Datasource(source()).
		Query(dashboard.StringOrMap{String: &query}).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		Sort(dashboard.VariableSortAlphabeticalAsc).
		Multi(true).
		IncludeAll(true).
		AllValue(".*")
}

// source is the Prometheus that is chosen above.
func source() common.DataSourceRef {
	kind, chosen := "prometheus", "${datasource}"
	return common.DataSourceRef{Type: &kind, Uid: &chosen}
}
