// Package helm renders the chart, compares it with config, and installs it, all with
// Helm's own code.
package helm

import (
	"cmp"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/loader"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	release "helm.sh/helm/v4/pkg/release/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// releaseName makes the names of the chart those of config.
const releaseName = "credential-reset-operator"

// newest is a version of Kubernetes that has all that the chart can use.
const newest = "v1.37.0"

// sets are values that an installation may have, by the names of their files.
var sets = []string{"default", "ha", "namespaced", "bare", "everything"}

// path is the path of a file of the repository.
func path(t *testing.T, parts ...string) string {
	t.Helper()
	root, err := cluster.Root()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(append([]string{root}, parts...)...)
}

func chartPath(t *testing.T) string {
	t.Helper()
	return path(t, "charts", "credential-reset-operator")
}

// loadChart reads the chart anew, since to render one changes it.
func loadChart(t *testing.T) *chart.Chart {
	t.Helper()
	loaded, err := loader.LoadDir(chartPath(t))
	if err != nil {
		t.Fatal(err)
	}
	loadedV2, ok := loaded.(*chart.Chart)
	if !ok {
		t.Fatalf("the chart is a %T", loaded)
	}
	return loadedV2
}

// values reads values as a user writes them.
func values(t *testing.T, text string) map[string]any {
	t.Helper()
	parsed := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(text), &parsed); err != nil {
		t.Fatal(err)
	}
	return parsed
}

// set is one of the sets of values.
func set(t *testing.T, name string) map[string]any {
	t.Helper()
	if name == "default" {
		return map[string]any{}
	}
	text, err := os.ReadFile(filepath.Join("testdata", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return values(t, string(text))
}

func silent() *action.Configuration {
	return action.NewConfiguration(action.ConfigurationSetLogger(slog.DiscardHandler))
}

// template is what helm template does, for a version of Kubernetes or, if that is
// empty, for the newest.
func template(t *testing.T, given map[string]any, kubernetes string) (*release.Release, error) {
	t.Helper()
	install := action.NewInstall(silent())
	install.DryRunStrategy = action.DryRunClient
	install.ReleaseName, install.Namespace = releaseName, cluster.SystemNamespace
	version, err := common.ParseKubeVersion(cmp.Or(kubernetes, newest))
	if err != nil {
		t.Fatal(err)
	}
	install.KubeVersion = version
	made, err := install.RunWithContext(t.Context(), loadChart(t), given)
	if err != nil {
		return nil, err
	}
	rendered, ok := made.(*release.Release)
	if !ok {
		t.Fatalf("the release is a %T", made)
	}
	return rendered, nil
}

// render renders values that are good.
func render(t *testing.T, given map[string]any) []*unstructured.Unstructured {
	t.Helper()
	rendered, err := template(t, given, "")
	if err != nil {
		t.Fatal(err)
	}
	return objectsOf(t, rendered.Manifest)
}

// objectsOf are the objects of a stream of YAML documents.
func objectsOf(t *testing.T, stream string) []*unstructured.Unstructured {
	t.Helper()
	var objects []*unstructured.Unstructured
	decoder := utilyaml.NewYAMLOrJSONDecoder(strings.NewReader(stream), 4096)
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return objects
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, stream)
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
}

// subject says which object one is.
func subject(object *unstructured.Unstructured) string {
	return strings.TrimSuffix(object.GetKind()+" "+object.GetName()+" in "+object.GetNamespace(), " in ")
}

// find is the one object of a kind with a name.
func find(t *testing.T, objects []*unstructured.Unstructured, kind, name string) *unstructured.Unstructured {
	t.Helper()
	for _, object := range objects {
		if object.GetKind() == kind && object.GetName() == name {
			return object
		}
	}
	t.Fatalf("there is no %s %s", kind, name)
	return nil
}
