package helm

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestThePageAboutHelmTellsTheDefaults compares its table with values.yaml.
func TestThePageAboutHelmTellsTheDefaults(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(path(t, "docs", "helm.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| `([^`]*)` \\|").FindAllStringSubmatch(string(page), -1)
	if len(rows) < 15 {
		t.Errorf("only %d rows were found", len(rows))
	}
	defaults := loadChart(t).Values
	for _, row := range rows {
		value, ok, err := unstructured.NestedFieldNoCopy(defaults, strings.Split(row[1], ".")...)
		if err != nil || !ok {
			t.Errorf("values.yaml has no %s (%v)", row[1], err)
			continue
		}
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if string(text) != row[2] {
			t.Errorf("%s is %s, and not %s", row[1], text, row[2])
		}
	}
}
