package prometheus

import (
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"
)

const (
	rules     = "config/prometheus/rules.yaml"
	rulesTest = "test/prometheus/testdata/rules_test.yaml"
)

// alerts are the rules as Prometheus reads them, by their names.
func alerts(t *testing.T) map[string]rulefmt.Rule {
	t.Helper()
	groups, errs := rulefmt.ParseFile(path(t, rules), false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	found := map[string]rulefmt.Rule{}
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			found[rule.Alert] = rule
		}
	}
	if len(found) != 7 {
		t.Errorf("there are %d alerts", len(found))
	}
	return found
}

func TestPromtoolTakesTheRules(t *testing.T) {
	t.Parallel()
	promtool(t, "", "check", "rules", "--lint=all", "--lint-fatal", path(t, rules))
}

func TestEachAlertFiresWhenItShould(t *testing.T) {
	t.Parallel()
	promtool(t, "", "test", "rules", path(t, rulesTest))
}

// TestEachAlertIsTestedBothWays says that the file of tests has a case in which it
// fires, and one in which it does not.
func TestEachAlertIsTestedBothWays(t *testing.T) {
	t.Parallel()
	var file struct {
		Tests []struct {
			Cases []struct {
				Alert string `json:"alertname"`
				Want  []any  `json:"exp_alerts"`
			} `json:"alert_rule_test"`
		} `json:"tests"`
	}
	if err := yaml.Unmarshal([]byte(read(t, rulesTest)), &file); err != nil {
		t.Fatal(err)
	}
	fires, silent := map[string]int{}, map[string]int{}
	for _, group := range file.Tests {
		for _, tc := range group.Cases {
			if len(tc.Want) > 0 {
				fires[tc.Alert]++
			} else {
				silent[tc.Alert]++
			}
		}
	}
	for alert := range alerts(t) {
		if fires[alert] == 0 || silent[alert] == 0 {
			t.Errorf("%s fires in %d cases, and does not in %d", alert, fires[alert], silent[alert])
		}
	}
}

// TestEachAlertHasARunbook says so in both directions, and that an alert leads there.
func TestEachAlertHasARunbook(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(path(t, "docs", "runbooks", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	all := alerts(t)
	for _, page := range pages {
		if alert := strings.TrimSuffix(filepath.Base(page), ".md"); all[alert].Alert == "" {
			t.Errorf("there is no alert for %s", page)
		}
	}
	for alert, rule := range all {
		for _, annotation := range []string{"summary", "description"} {
			if rule.Annotations[annotation] == "" {
				t.Errorf("%s has no %s", alert, annotation)
			}
		}
		_, page, ok := strings.Cut(rule.Annotations["runbook_url"], "/blob/main/")
		if want := "docs/runbooks/" + alert + ".md"; !ok || page != want {
			t.Errorf("%s leads to %s, not to %s", alert, rule.Annotations["runbook_url"], want)
			continue
		}
		text, err := os.ReadFile(path(t, page))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, heading := range []string{"# " + alert, "## Meaning", "## Impact", "## Diagnosis", "## Mitigation"} {
			if !strings.Contains(string(text), heading+"\n") {
				t.Errorf("%s has no %q", page, heading)
			}
		}
	}
}

// documented is a line of the table of alerts in docs/monitoring.md.
var documented = regexp.MustCompile(`(?m)^\| \[` + "`(\\w+)`" + `\]\(runbooks/(\w+)\.md\) \| (\w+) \| ([^|]*) \|`)

// TestThePageAboutMonitoringTellsTheAlerts compares its table with the rules.
func TestThePageAboutMonitoringTellsTheAlerts(t *testing.T) {
	t.Parallel()
	want, got := map[string]string{}, map[string]string{}
	for alert, rule := range alerts(t) {
		wait := "at once"
		if rule.For > 0 {
			wait = rule.For.String()
		}
		want[alert] = alert + " " + rule.Labels["severity"] + " " + wait
	}
	for _, row := range documented.FindAllStringSubmatch(read(t, "docs", "monitoring.md"), -1) {
		got[row[1]] = row[2] + " " + row[3] + " " + row[4]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alerts (-rules +page):\n%s", diff)
	}
}

// TestPromtoolTakesTheConfigurationOfThePage reads what the page shows to those who run
// Prometheus without its operator.
func TestPromtoolTakesTheConfigurationOfThePage(t *testing.T) {
	t.Parallel()
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(read(t, "docs", "monitoring.md"), -1)
	found := 0
	for _, block := range blocks {
		if !strings.Contains(block[1], "scrape_configs:") {
			continue
		}
		found++
		file := filepath.Join(t.TempDir(), "prometheus.yml")
		if err := os.WriteFile(file, []byte(block[1]), 0o600); err != nil {
			t.Fatal(err)
		}
		promtool(t, "", "check", "config", "--syntax-only", "--lint=all", "--lint-fatal", file)
	}
	if found != 1 {
		t.Errorf("the page shows %d configurations of Prometheus", found)
	}
}
