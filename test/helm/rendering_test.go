package helm

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"helm.sh/helm/v4/pkg/action"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/credentialreset/credential-reset-operator/internal/command"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

func TestTheChartIsLinted(t *testing.T) {
	t.Parallel()
	for _, name := range sets {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lint := action.NewLint()
			lint.Strict, lint.Namespace = true, cluster.SystemNamespace
			result := lint.Run([]string{chartPath(t)}, set(t, name))
			if result.TotalChartsLinted != 1 || len(result.Errors) > 0 {
				t.Errorf("%d charts were linted: %v", result.TotalChartsLinted, result.Errors)
			}
		})
	}
}

// decoded reads an object as what it says it is; fields that its type does not have are
// errors.
func decoded[T any](t *testing.T, object *unstructured.Unstructured) T {
	t.Helper()
	var typed T
	text, err := yaml.Marshal(object.Object)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(text, &typed); err != nil {
		t.Fatalf("%s: %v", subject(object), err)
	}
	return typed
}

func deploymentOf(t *testing.T, objects []*unstructured.Unstructured, name string) appsv1.Deployment {
	t.Helper()
	return decoded[appsv1.Deployment](t, find(t, objects, "Deployment", name))
}

// TestTheOperatorUnderstandsItsArguments reads the arguments of the Deployment as the
// operator does.
func TestTheOperatorUnderstandsItsArguments(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		name string
		want func(command.Options) bool
	}{
		"default": {releaseName, func(o command.Options) bool {
			return !o.LeaderElect && len(o.Namespaces) == 0 && o.MetricsAddress == ":8443"
		}},
		"ha":         {releaseName, func(o command.Options) bool { return o.LeaderElect }},
		"namespaced": {releaseName, func(o command.Options) bool { return slices.Equal(o.Namespaces, []string{"chat", "support"}) }},
		"bare":       {releaseName, func(o command.Options) bool { return o.MetricsAddress == "0" }},
		"everything": {"reset-operator", func(o command.Options) bool {
			return o.LeaderElect && len(o.Namespaces) == 2 && o.MetricsAddress == ":9443" && o.PlainHTTPAllowed && o.LogFormat == "text" &&
				o.LogLevel.String() == "WARN" && o.Retention.Hours() == 2160 && len(o.Allow) == 2 && len(o.Deny) == 1
		}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pod := deploymentOf(t, render(t, set(t, name)), tc.name).Spec.Template.Spec
			options, err := command.ParseFlags(pod.Containers[0].Args, t.Output())
			if err != nil {
				t.Fatal(err)
			}
			if !tc.want(options) {
				t.Errorf("%q means %+v", pod.Containers[0].Args, options)
			}
		})
	}
}

func TestReplicasAreSpreadAndKept(t *testing.T) {
	t.Parallel()
	one, several := render(t, set(t, "default")), render(t, set(t, "ha"))
	if got := deploymentOf(t, one, releaseName).Spec; got.Strategy.Type != appsv1.RecreateDeploymentStrategyType || len(got.Template.Spec.TopologySpreadConstraints) != 0 {
		t.Errorf("one replica has the strategy %v and is spread by %v", got.Strategy.Type, got.Template.Spec.TopologySpreadConstraints)
	}
	if slices.ContainsFunc(one, func(object *unstructured.Unstructured) bool { return object.GetKind() == "PodDisruptionBudget" }) {
		t.Error("one replica has a disruption budget, so that its node cannot be drained")
	}
	deployment := deploymentOf(t, several, releaseName)
	if deployment.Spec.Strategy.Type != appsv1.RollingUpdateDeploymentStrategyType || *deployment.Spec.Replicas != 3 {
		t.Errorf("%d replicas have the strategy %v", *deployment.Spec.Replicas, deployment.Spec.Strategy.Type)
	}
	budget := decoded[policyv1.PodDisruptionBudget](t, find(t, several, "PodDisruptionBudget", releaseName))
	if diff := cmp.Diff(deployment.Spec.Selector, budget.Spec.Selector); diff != "" {
		t.Errorf("the budget is for other pods (-deployment +budget):\n%s", diff)
	}
	spread := deployment.Spec.Template.Spec.TopologySpreadConstraints
	if len(spread) != 1 || !cmp.Equal(spread[0].LabelSelector, deployment.Spec.Selector) {
		t.Errorf("the pods are spread by %v", spread)
	}
}

// TestMonitoringIsWhatItsOwnTypesAllow reads the objects of Prometheus's operator with
// the types of that operator.
func TestMonitoringIsWhatItsOwnTypesAllow(t *testing.T) {
	t.Parallel()
	objects := render(t, set(t, "everything"))
	monitor := decoded[monitoringv1.ServiceMonitor](t, find(t, objects, "ServiceMonitor", "reset-operator"))
	service := find(t, objects, "Service", "reset-operator-metrics")
	for label, value := range monitor.Spec.Selector.MatchLabels {
		if service.GetLabels()[label] != value {
			t.Errorf("the ServiceMonitor wants %s=%s, which the Service has not", label, value)
		}
	}
	if service.GetLabels()[monitor.Spec.JobLabel] == "" {
		t.Errorf("the Service has no label %s to name the job by", monitor.Spec.JobLabel)
	}
	rule := decoded[monitoringv1.PrometheusRule](t, find(t, objects, "PrometheusRule", "reset-operator"))
	if last := rule.Spec.Groups[len(rule.Spec.Groups)-1]; last.Name != "resets.extra" || !strings.Contains(last.Rules[0].Annotations["summary"], "{{ $labels.job }}") {
		t.Errorf("the group of one's own came out as %v", last)
	}
}

// TestTheDashboardIsForItsSidecar says that it gets through word for word, and where it
// is looked for.
func TestTheDashboardIsForItsSidecar(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile(path(t, "config", "grafana", "dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	objects := render(t, values(t, "{fullnameOverride: resets, metrics: {dashboards: {enabled: true, namespace: monitoring}}}"))
	shown := decoded[corev1.ConfigMap](t, find(t, objects, "ConfigMap", "resets-dashboard"))
	if shown.Data["dashboard.json"] != string(want) || shown.Labels["grafana_dashboard"] != "1" || shown.Namespace != "monitoring" {
		t.Errorf("the dashboard came out in %s, with the labels %v and other text: %t", shown.Namespace, shown.Labels, shown.Data["dashboard.json"] != string(want))
	}
}

// TestServedNamespacesAreAllThatIsGranted looks at every binding of the operator.
func TestServedNamespacesAreAllThatIsGranted(t *testing.T) {
	t.Parallel()
	objects := render(t, set(t, "namespaced"))
	for _, object := range objects {
		if object.GetKind() != "ClusterRoleBinding" {
			continue
		}
		binding := decoded[rbacv1.ClusterRoleBinding](t, object)
		role := decoded[rbacv1.ClusterRole](t, find(t, objects, "ClusterRole", binding.RoleRef.Name))
		for _, rule := range role.Rules {
			if slices.Contains(rule.Resources, "secrets") || slices.Contains(rule.Resources, "usercredentialresets") {
				t.Errorf("%s grants %v in all namespaces", subject(object), rule)
			}
		}
	}
}

// TestWhatStaysIsMarked says that CRDs and policies are kept, unless that is switched
// off, and nothing else.
func TestWhatStaysIsMarked(t *testing.T) {
	t.Parallel()
	kept := map[string]bool{
		"CustomResourceDefinition": true, "ValidatingAdmissionPolicy": true, "ValidatingAdmissionPolicyBinding": true,
		"MutatingAdmissionPolicy": true, "MutatingAdmissionPolicyBinding": true,
	}
	tests := map[string]func(kind string) bool{
		"policies: {stamping: true}":                                             func(kind string) bool { return kept[kind] },
		"{crds: {keep: false}, policies: {stamping: true, keep: false}}":         func(string) bool { return false },
		"{crds: {keep: false}, policies: {stamping: true}}":                      func(kind string) bool { return kept[kind] && kind != "CustomResourceDefinition" },
		"{crds: {keep: true}, policies: {stamping: true, keep: false}}":          func(kind string) bool { return kind == "CustomResourceDefinition" },
		"{commonAnnotations: {example.com/a: b}, policies: {stamping: true}}":    func(kind string) bool { return kept[kind] },
		"{serviceAccount: {annotations: {a: b}}, policies: {stamping: true}}":    func(kind string) bool { return kept[kind] },
		"{replicas: 2, networkPolicy: {enabled: true}, policies: {install: no}}": func(kind string) bool { return kind == "CustomResourceDefinition" },
	}
	for given, want := range tests {
		t.Run(given, func(t *testing.T) {
			t.Parallel()
			for _, object := range render(t, values(t, given)) {
				if got := object.GetAnnotations()["helm.sh/resource-policy"] == "keep"; got != want(object.GetKind()) {
					t.Errorf("%s is kept: %t", subject(object), got)
				}
			}
		})
	}
}

func TestNotesTellWhatMatters(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ given, want string }{
		"all namespaces":     {"{}", "serves all namespaces."},
		"some namespaces":    {"watchNamespaces: [chat, support]", "serves the namespaces chat, support."},
		"without policies":   {"policies: {install: false}", "no type\nis reset that requires approval"},
		"CRDs that go":       {"crds: {keep: false}", "uninstalling deletes every request and record"},
		"a scraper unnamed":  {"metrics: {serviceMonitor: {enabled: true}}", "metrics.readers"},
		"name of the object": {"fullnameOverride: resets", "deployment/resets"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rendered, err := template(t, values(t, tc.given), "")
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(rendered.Info.Notes, tc.want) {
				t.Errorf("the notes lack %q:\n%s", tc.want, rendered.Info.Notes)
			}
		})
	}
}
