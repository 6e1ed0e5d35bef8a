package prometheus

import (
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

const ourMetrics = "credentialreset_"

// TestPromtoolFindsNothingWrongWithTheMetrics has those linted that are our own.
func TestPromtoolFindsNothingWrongWithTheMetrics(t *testing.T) {
	t.Parallel()
	var ours strings.Builder
	for line := range strings.Lines(suiteOf.page) {
		name := strings.TrimPrefix(strings.TrimPrefix(line, "# HELP "), "# TYPE ")
		if strings.HasPrefix(name, ourMetrics) {
			ours.WriteString(line)
		}
	}
	if strings.Count(ours.String(), "# TYPE ") < 10 {
		t.Errorf("only these are told:\n%s", ours.String())
	}
	promtool(t, ours.String(), "check", "metrics", "--lint=all")
}

// exposed are the names of labels that each series of the page has, by its name.
func exposed(t *testing.T) map[string][]string {
	t.Helper()
	textParser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := textParser.TextToMetricFamilies(strings.NewReader(suiteOf.page))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for name, family := range families {
		var names []string
		for _, label := range family.GetMetric()[0].GetLabel() {
			names = append(names, label.GetName())
		}
		found[name] = names
		if family.GetMetric()[0].GetHistogram() != nil {
			found[name+"_bucket"] = append(slices.Clone(names), "le")
			found[name+"_sum"], found[name+"_count"] = names, names
		}
	}
	return found
}

// ofTarget are the labels that Prometheus adds.
var ofTarget = []string{"job", "instance"}

// checkSelectors says that every series which the expression selects is exposed, with
// the labels that it selects by.
func checkSelectors(t *testing.T, expression string) {
	t.Helper()
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expression)
	if err != nil {
		t.Errorf("%s: %v", expression, err)
		return
	}
	known, selected := exposed(t), 0
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		selected++
		names, ok := known[selector.Name]
		if !ok {
			t.Errorf("%s selects %s, which is not exposed", expression, selector.Name)
		}
		for _, matcher := range selector.LabelMatchers {
			if matcher.Name != model.MetricNameLabel && !slices.Contains(names, matcher.Name) && !slices.Contains(ofTarget, matcher.Name) {
				t.Errorf("%s selects %s by the label %s, which it has not", expression, selector.Name, matcher.Name)
			}
		}
		return nil
	})
	if selected == 0 {
		t.Errorf("%s selects nothing", expression)
	}
}

func TestAlertsRestOnWhatIsExposed(t *testing.T) {
	t.Parallel()
	for alert, rule := range alerts(t) {
		t.Run(alert, func(t *testing.T) {
			t.Parallel()
			checkSelectors(t, rule.Expr)
		})
	}
}

// TestTestsOfAlertsRestOnWhatIsExposed says that what they are tested with looks as what
// the operator tells.
func TestTestsOfAlertsRestOnWhatIsExposed(t *testing.T) {
	t.Parallel()
	known, series := exposed(t), 0
	for line := range strings.Lines(read(t, rulesTest)) {
		_, told, ok := strings.Cut(line, "series: ")
		if !ok {
			continue
		}
		series++
		parsed, err := parser.NewParser(parser.Options{}).ParseMetric(told)
		if err != nil {
			t.Fatal(err)
		}
		want := append(slices.Clone(known[parsed.Get(model.MetricNameLabel)]), model.MetricNameLabel)
		parsed.Range(func(label labels.Label) {
			want = slices.DeleteFunc(want, func(name string) bool { return name == label.Name })
		})
		if len(want) > 0 || known[parsed.Get(model.MetricNameLabel)] == nil {
			t.Errorf("%s lacks the labels %v, or is not exposed", strings.TrimSpace(told), want)
		}
	}
	if series == 0 {
		t.Error("no series was found")
	}
}
