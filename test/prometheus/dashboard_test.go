package prometheus

import (
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/util/teststorage"
)

// panel is what matters here of a panel of the dashboard.
type panel struct {
	ID      int    `json:"id"`
	Title   string `json:"title"`
	Type    string `json:"type"`
	Targets []struct {
		Expr   string `json:"expr"`
		Legend string `json:"legendFormat"`
		RefID  string `json:"refId"`
	} `json:"targets"`
}

type dashboard struct {
	Panels     []panel `json:"panels"`
	Templating struct {
		List []struct {
			Name  string `json:"name"`
			Type  string `json:"type"`
			Query string `json:"query"`
		} `json:"list"`
	} `json:"templating"`
}

func shipped(t *testing.T) dashboard {
	t.Helper()
	var board dashboard
	if err := json.Unmarshal([]byte(read(t, "config", "grafana", "dashboard.json")), &board); err != nil {
		t.Fatal(err)
	}
	return board
}

// asGrafanaFills puts in what Grafana does, with everything chosen.
func asGrafanaFills(expression string) string {
	return strings.NewReplacer("$namespace", ".*", "$workspace", ".*", "$__rate_interval", "4m", "$__range", "8m").Replace(expression)
}

// collected is a storage into which the operator's page was scraped for ten minutes,
// and when that ended.
func collected(t *testing.T) (*teststorage.TestStorage, time.Time) {
	t.Helper()
	const interval = 30 * time.Second
	storage, now := teststorage.New(t), time.Unix(0, 0).UTC()
	for range 21 {
		appender, entries := storage.Appender(t.Context()), textparse.NewPromParser([]byte(suiteOf.page), labels.NewSymbolTable(), false)
		for {
			entry, err := entries.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if entry != textparse.EntrySeries {
				continue
			}
			var series labels.Labels
			entries.Labels(&series)
			target := labels.NewBuilder(series).Set("job", "credential-reset-operator").Set("instance", "10.0.0.7:8443").Labels()
			_, _, value := entries.Series()
			if _, err := appender.Append(0, target, now.UnixMilli(), value); err != nil {
				t.Fatal(err)
			}
		}
		if err := appender.Commit(); err != nil {
			t.Fatal(err)
		}
		now = now.Add(interval)
	}
	return storage, now.Add(-interval)
}

// inLegend is a label that a legend shows.
var inLegend = regexp.MustCompile(`{{(\w+)}}`)

// TestEveryPanelShowsSomething asks what the panels ask, of the metrics of an operator
// that has reset somebody.
func TestEveryPanelShowsSomething(t *testing.T) {
	t.Parallel()
	storage, now := collected(t)
	engine := promqltest.NewTestEngineWithOpts(t, promql.EngineOpts{
		MaxSamples: 1e6, Timeout: patience, LookbackDelta: 5 * time.Minute, Parser: parser.NewParser(parser.Options{}),
	})
	for _, panel := range shipped(t).Panels {
		if panel.Type != "row" && len(panel.Targets) == 0 {
			t.Errorf("%s asks nothing", panel.Title)
		}
		for _, target := range panel.Targets {
			expression := asGrafanaFills(target.Expr)
			checkSelectors(t, expression)
			query, err := engine.NewInstantQuery(t.Context(), storage, nil, expression, now)
			if err != nil {
				t.Errorf("%s: %v", panel.Title, err)
				continue
			}
			found, err := query.Exec(t.Context()).Vector()
			if err != nil || len(found) == 0 {
				t.Errorf("%s: %s shows %d series: %v", panel.Title, expression, len(found), err)
			}
			for _, sample := range found {
				for _, label := range inLegend.FindAllStringSubmatch(target.Legend, -1) {
					if sample.Metric.Get(label[1]) == "" {
						t.Errorf("%s: %s has no label %s for the legend", panel.Title, sample.Metric, label[1])
					}
				}
			}
			query.Close()
		}
	}
}

// TestChoicesOfTheDashboardAreOffered asks what the variables ask.
func TestChoicesOfTheDashboardAreOffered(t *testing.T) {
	t.Parallel()
	asks := regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)
	chosen := map[string]bool{}
	for _, variable := range shipped(t).Templating.List {
		chosen[variable.Name] = true
		if variable.Type != "query" {
			continue
		}
		parts := asks.FindStringSubmatch(variable.Query)
		if parts == nil {
			t.Errorf("%s asks %s", variable.Name, variable.Query)
			continue
		}
		checkSelectors(t, asGrafanaFills(parts[1]))
		checkSelectors(t, asGrafanaFills("max by ("+parts[2]+") ("+parts[1]+")"))
	}
	text := read(t, "config", "grafana", "dashboard.json")
	for _, used := range regexp.MustCompile(`\$\{?([a-z]+)\b`).FindAllStringSubmatch(text, -1) {
		if !chosen[used[1]] {
			t.Errorf("the variable %s is used and not there", used[1])
		}
	}
}

// TestPanelsAreTold says that each has a number and asks under letters of its own.
func TestPanelsAreTold(t *testing.T) {
	t.Parallel()
	numbers, titles := map[int]bool{}, map[string]bool{}
	for _, panel := range shipped(t).Panels {
		if panel.ID == 0 || numbers[panel.ID] || panel.Title == "" || titles[panel.Title] {
			t.Errorf("panel %d %q has no number or title of its own", panel.ID, panel.Title)
		}
		numbers[panel.ID], titles[panel.Title] = true, true
		letters := map[string]bool{}
		for _, target := range panel.Targets {
			if target.RefID == "" || letters[target.RefID] {
				t.Errorf("%s asks twice as %q", panel.Title, target.RefID)
			}
			letters[target.RefID] = true
		}
	}
}
