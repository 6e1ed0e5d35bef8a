package helm

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestBadValuesAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		given      string
		kubernetes string
		want       string // part of the error
	}{
		"a value that does not exist":    {given: "replicaCount: 2", want: "additional properties 'replicaCount' not allowed"},
		"a misspelt one deeper":          {given: "metrics: {serviceMonitor: {enable: true}}", want: "additional properties 'enable' not allowed"},
		"an unknown reset of the schema": {given: "operator: {logLevel: trace}", want: "/operator/logLevel"},
		"replicas as a string":           {given: "replicas: two", want: "/replicas"},
		"fewer than no replicas":         {given: "replicas: -1", want: "/replicas"},
		"a pod that is killed too early": {given: "terminationGracePeriodSeconds: 30", want: "/terminationGracePeriodSeconds"},
		"a network that is none":         {given: "operator: {denyCIDRs: [example.com]}", want: "/operator/denyCIDRs/0"},
		"a namespace that is none":       {given: "watchNamespaces: ['chat,support']", want: "/watchNamespaces/0"},
		"an argument that is no flag":    {given: "extraArgs: [leader-elect]", want: "/extraArgs/0"},
		"a digest that is none":          {given: "image: {digest: latest}", want: "/image/digest"},
		"a label that is no string":      {given: "podLabels: {mesh: true}", want: "/podLabels/mesh"},
		"a reader without a namespace":   {given: "metrics: {readers: [{name: prometheus}]}", want: "missing property 'namespace'"},
		"a port out of range":            {given: "metrics: {port: 70000}", want: "/metrics/port"},
		"a time that is none":            {given: "operator: {recordRetention: 30 days}", want: "/operator/recordRetention"},
		"neither true, false nor auto":   {given: "leaderElection: {enabled: maybe}", want: "/leaderElection/enabled"},
		"two that do not elect":          {given: "{replicas: 2, leaderElection: {enabled: false}}", want: "in each other's way"},
		"stamping before its time":       {given: "policies: {stamping: true}", kubernetes: "v1.35.9", want: "needs Kubernetes 1.36 or later"},
		"Kubernetes of old":              {given: "{}", kubernetes: "v1.31.4", want: "incompatible with Kubernetes v1.31.4"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := template(t, values(t, tc.given), tc.kubernetes)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// TestVersionsOfKubernetesFromTheFirst renders for those that the chart says it is for.
func TestVersionsOfKubernetesFromTheFirst(t *testing.T) {
	t.Parallel()
	for version, given := range map[string]string{"v1.32.0": "{}", "v1.33.4-eks-1234": "{}", "v1.36.0": "policies: {stamping: true}", "v1.36.0-gke.7": "policies: {stamping: true}"} {
		if _, err := template(t, values(t, given), version); err != nil {
			t.Errorf("%s: %v", version, err)
		}
	}
}

// TestTheSchemaHasEveryValue says that the schema knows each value of values.yaml, and
// that values.yaml names each that the schema knows.
func TestTheSchemaHasEveryValue(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(chartPath(t), "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	compareWithSchema(t, "", schema, loadChart(t).Values)
}

func compareWithSchema(t *testing.T, at string, schema, defaults map[string]any) {
	t.Helper()
	if schema["additionalProperties"] != false {
		t.Errorf("the schema lets anything into %q", at)
	}
	properties, _, err := unstructured.NestedMap(schema, "properties")
	if err != nil {
		t.Fatal(err)
	}
	known := slices.DeleteFunc(slices.Sorted(maps.Keys(properties)), func(key string) bool { return at == "" && key == "global" })
	if diff := cmp.Diff(known, slices.Sorted(maps.Keys(defaults))); diff != "" {
		t.Errorf("at %q (-schema +values.yaml):\n%s", at, diff)
	}
	for _, key := range known {
		deeper, isObject := properties[key].(map[string]any)
		section, isSection := defaults[key].(map[string]any)
		// Those that lie elsewhere in the schema, or say nothing of their properties, are
		// of a type of Kubernetes.
		if _, ok := deeper["properties"]; isObject && isSection && ok && len(section) > 0 {
			compareWithSchema(t, strings.TrimPrefix(at+"."+key, "."), deeper, section)
		}
	}
}

// TestEveryValueMatters changes each value of values.yaml by itself, and something else
// must come out.
func TestEveryValueMatters(t *testing.T) {
	t.Parallel()
	// What has its default in everything.yaml, or hides or is hidden by something there.
	alone := map[string]string{
		"image.digest":                "image: {digest: 'sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'}",
		"leaderElection.enabled":      "leaderElection: {enabled: true}",
		"crds.install":                "crds: {install: false}",
		"crds.keep":                   "crds: {keep: false}",
		"policies.install":            "policies: {install: false}",
		"policies.keep":               "policies: {keep: false}",
		"rbac.create":                 "rbac: {create: false}",
		"humanRoles.create":           "humanRoles: {create: false}",
		"serviceAccount.create":       "serviceAccount: {create: false}",
		"metrics.enabled":             "metrics: {enabled: false}",
		"podDisruptionBudget.enabled": "podDisruptionBudget: {enabled: true}",
	}
	defaults, everything := manifest(t, map[string]any{}), manifest(t, set(t, "everything"))
	for _, leaf := range leaves(nil, loadChart(t).Values) {
		name := strings.Join(leaf, ".")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if given, ok := alone[name]; ok {
				if manifest(t, values(t, given)) == defaults {
					t.Errorf("%s changes nothing", given)
				}
				return
			}
			without := set(t, "everything")
			if _, ok, err := unstructured.NestedFieldNoCopy(without, leaf...); err != nil || !ok {
				t.Fatalf("everything.yaml does not have it (%v)", err)
			}
			unstructured.RemoveNestedField(without, leaf...)
			if manifest(t, without) == everything {
				t.Error("without it, everything is as it was")
			}
		})
	}
}

func manifest(t *testing.T, given map[string]any) string {
	t.Helper()
	rendered, err := template(t, given, "")
	if err != nil {
		t.Fatal(err)
	}
	return rendered.Manifest
}

// leaves are the paths of the chart's own values: what Kubernetes defines is one of them.
func leaves(above []string, section map[string]any) [][]string {
	ofKubernetes := []string{"labels", "annotations", "tlsConfig", "resources", "podSecurityContext", "securityContext", "livenessProbe", "readinessProbe"}
	var found [][]string
	for _, key := range slices.Sorted(maps.Keys(section)) {
		at := append(slices.Clone(above), key)
		deeper, ok := section[key].(map[string]any)
		if !ok || len(deeper) == 0 || slices.Contains(ofKubernetes, key) {
			found = append(found, at)
			continue
		}
		found = append(found, leaves(at, deeper)...)
	}
	return found
}
