package helm

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// Helm adds these, and nothing else may differ.
var (
	labelsOfHelm      = []string{"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart"}
	annotationsOfHelm = []string{"helm.sh/resource-policy"}
	// selectors choose pods by their release as well, so the pods have that label.
	selectorLabelOfHelm = "app.kubernetes.io/instance"
	selectors           = [][]string{
		{"spec", "selector"},
		{"spec", "selector", "matchLabels"},
		{"spec", "podSelector", "matchLabels"},
		{"spec", "template", "metadata", "labels"},
	}
	// The namespace is there before Helm is: it stores the release in it.
	leftToHelm = "Namespace credentialreset-system"
)

// stripped is every object without what Helm adds, by which object it is.
func stripped(t *testing.T, objects []*unstructured.Unstructured) map[string]any {
	t.Helper()
	found := map[string]any{}
	for _, object := range objects {
		name := subject(object)
		if name == leftToHelm {
			continue
		}
		if _, ok := found[name]; ok {
			t.Errorf("there are two of %s", name)
		}
		for _, label := range labelsOfHelm {
			unstructured.RemoveNestedField(object.Object, "metadata", "labels", label)
		}
		for _, annotation := range annotationsOfHelm {
			unstructured.RemoveNestedField(object.Object, "metadata", "annotations", annotation)
		}
		for _, at := range selectors {
			unstructured.RemoveNestedField(object.Object, append(append([]string{}, at...), selectorLabelOfHelm)...)
		}
		if len(object.GetLabels()) == 0 {
			object.SetLabels(nil)
		}
		// controller-gen notes its version in the annotations of CRDs; others have none.
		if len(object.GetAnnotations()) == 0 {
			object.SetAnnotations(nil)
		}
		found[name] = object.Object
	}
	return found
}

// kustomized is what kustomize builds of folders of config.
func kustomized(t *testing.T, folders ...string) []*unstructured.Unstructured {
	t.Helper()
	var objects []*unstructured.Unstructured
	for _, folder := range folders {
		built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), path(t, "config", folder))
		if err != nil {
			t.Fatal(err)
		}
		text, err := built.AsYaml()
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, objectsOf(t, string(text))...)
	}
	return objects
}

// TestTheChartIsWhatConfigIs compares object by object.
func TestTheChartIsWhatConfigIs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		given   string
		folders []string
	}{
		"default":        {"{}", []string{"default"}},
		"stamped":        {"policies: {stamping: true}", []string{"stamped"}},
		"namespaced":     {"watchNamespaces: [chat, support]", []string{"namespaced"}},
		"network policy": {"networkPolicy: {enabled: true}", []string{"default", "network-policy"}},
		"monitoring": {
			"metrics: {serviceMonitor: {enabled: true}, prometheusRule: {enabled: true}, dashboards: {enabled: true}}",
			[]string{"default", "prometheus", "grafana"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, got := stripped(t, kustomized(t, tc.folders...)), stripped(t, render(t, values(t, tc.given)))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("objects (-config +chart):\n%s", diff)
			}
			if len(want) < 29 {
				t.Errorf("only %d objects were compared", len(want))
			}
		})
	}
}

// TestTheInstallFileIsWhatTheChartIs builds the file that installs everything, and
// compares it with the chart for the same image.
func TestTheInstallFileIsWhatTheChartIs(t *testing.T) {
	t.Parallel()
	dist := t.TempDir()
	output, err := exec.CommandContext(t.Context(), "make", "--directory", path(t), "dist", "DIST="+dist, "IMG=mirror/operator:1.2.3").CombinedOutput()
	if err != nil {
		t.Fatalf("make dist: %v\n%s", err, output)
	}
	text, err := os.ReadFile(filepath.Join(dist, "install.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want, got := stripped(t, objectsOf(t, string(text))), stripped(t, render(t, values(t, "image: {repository: mirror/operator, tag: 1.2.3}")))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("objects (-install.yaml +chart):\n%s", diff)
	}
}
