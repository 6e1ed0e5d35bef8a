package api

import (
	"bufio"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// sampleNamespaces are applied once: kubectl fails where two find that they are not
// there, and both create them.
var sampleNamespaces sync.Once

func applySampleNamespaces(t *testing.T) {
	t.Helper()
	sampleNamespaces.Do(func() {
		kubectl(t, "apply", "--filename", shared.cluster.Path("config", "samples", "namespaces.yaml"))
	})
}

func TestSamplesApply(t *testing.T) {
	t.Parallel()
	root, err := cluster.Root()
	if err != nil {
		t.Fatal(err)
	}
	samples := filepath.Join(root, "config", "samples")
	applySampleNamespaces(t)
	all, err := filepath.Glob(filepath.Join(samples, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var oneByOne []string
	for _, file := range all {
		if name := filepath.Base(file); name != "kustomization.yaml" {
			oneByOne = append(oneByOne, appliedDry(t, "--filename", file)...)
		}
	}
	slices.Sort(oneByOne)
	together := appliedDry(t, "--kustomize", samples)
	slices.Sort(together)
	if diff := cmp.Diff(oneByOne, together); diff != "" || len(together) == 0 {
		t.Errorf("the kustomization holds other samples than the folder: %s", diff)
	}
}

// TestEveryInstallationApplies covers what the suites do not install. The API server
// must not warn of anything, such as of pods that their namespace would not let in.
func TestEveryInstallationApplies(t *testing.T) {
	t.Parallel()
	applySampleNamespaces(t)
	for _, folder := range []string{"default", "stamped", "namespaced", "network-policy"} {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			output := kubectl(t, "apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict",
				"--kustomize", shared.cluster.Path("config", folder))
			for line := range strings.Lines(output) {
				if !strings.HasSuffix(strings.TrimSpace(line), "serverside-applied (server dry run)") {
					t.Errorf("kubectl says %q", line)
				}
			}
		})
	}
}

// TestTheNetworkPolicyIsForThePods reads it as a network that enforces policies does.
func TestTheNetworkPolicyIsForThePods(t *testing.T) {
	t.Parallel()
	policy := object[networkingv1.NetworkPolicy](t, "network-policy", "NetworkPolicy")
	pod, labelled := deployment(t).Spec.Template, policy.Spec.PodSelector
	selector, err := metav1.LabelSelectorAsSelector(&labelled)
	if err != nil {
		t.Fatal(err)
	}
	if selector.Empty() || !selector.Matches(labels.Set(pod.Labels)) || policy.Namespace != cluster.SystemNamespace {
		t.Errorf("it is for pods in %s with %s, and the operator's have the labels %v", policy.Namespace, selector, pod.Labels)
	}
	if want := []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}; !slices.Equal(policy.Spec.PolicyTypes, want) {
		t.Errorf("it closes %v, want %v", policy.Spec.PolicyTypes, want)
	}
	// Its only way in leads to the metrics, and only for chosen namespaces.
	var metrics int32
	for _, port := range pod.Spec.Containers[0].Ports {
		if port.Name == "metrics" {
			metrics = port.ContainerPort
		}
	}
	in := policy.Spec.Ingress
	if len(in) != 1 || len(in[0].From) != 1 || in[0].From[0].NamespaceSelector == nil || len(in[0].Ports) != 1 || in[0].Ports[0].Port.IntVal != metrics || metrics == 0 {
		t.Errorf("the ways in are %+v, and the metrics are at %d", in, metrics)
	}
	for _, out := range policy.Spec.Egress {
		if len(out.Ports) == 0 {
			t.Errorf("a way out leads to every port: %+v", out)
		}
	}
}

// object is the only object of a kind that a folder of config makes.
func object[T any](t *testing.T, folder, kind string) *T {
	t.Helper()
	output := kubectl(t, "kustomize", shared.cluster.Path("config", folder))
	decoder := yaml.NewYAMLReader(bufio.NewReader(strings.NewReader(output)))
	var found *T
	for {
		text, err := decoder.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		var meta metav1.TypeMeta
		if err := yaml.Unmarshal(text, &meta); err != nil {
			t.Fatal(err)
		}
		if meta.Kind != kind {
			continue
		}
		if found != nil {
			t.Fatalf("config/%s has more than one %s", folder, kind)
		}
		found = new(T)
		if err := yaml.UnmarshalStrict(text, found); err != nil {
			t.Fatal(err)
		}
	}
	if found == nil {
		t.Fatalf("config/%s has no %s", folder, kind)
	}
	return found
}

// appliedDry applies strictly, without effect, and returns what was applied.
// Nothing else may be said.
func appliedDry(t *testing.T, args ...string) []string {
	t.Helper()
	var applied []string
	for line := range strings.Lines(kubectl(t, append([]string{"apply", "--dry-run=server", "--validate=strict"}, args...)...)) {
		line = strings.TrimSpace(line)
		subject, _, _ := strings.Cut(line, " ")
		applied = append(applied, subject)
		if !strings.HasSuffix(line, "(server dry run)") {
			t.Errorf("kubectl says %q", line)
		}
	}
	return applied
}

func deployment(t *testing.T) *appsv1.Deployment {
	t.Helper()
	shipped, err := shared.kube.AppsV1().Deployments(cluster.SystemNamespace).Get(t.Context(), "credential-reset-operator", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return shipped
}

func TestSystemNamespaceIsRestricted(t *testing.T) {
	t.Parallel()
	space, err := shared.kube.CoreV1().Namespaces().Get(t.Context(), cluster.SystemNamespace, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{"enforce", "audit", "warn"} {
		if got := space.Labels["pod-security.kubernetes.io/"+mode]; got != "restricted" {
			t.Errorf("%s is %q, want restricted", mode, got)
		}
	}
}

func TestPodOfTheOperatorIsRestricted(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*corev1.PodSpec)
		want   string // part of the refusal
	}{
		"as it is shipped":    {change: func(*corev1.PodSpec) {}},
		"if it might be root": {func(pod *corev1.PodSpec) { pod.SecurityContext.RunAsNonRoot = nil }, "runAsNonRoot != true"},
		"privileged": {func(pod *corev1.PodSpec) {
			pod.Containers[0].SecurityContext.Privileged, pod.Containers[0].SecurityContext.AllowPrivilegeEscalation = new(true), nil
		}, "privileged"},
		"with the host's network": {func(pod *corev1.PodSpec) { pod.HostNetwork = true }, "host namespaces"},
		"with all capabilities":   {func(pod *corev1.PodSpec) { pod.Containers[0].SecurityContext.Capabilities = nil }, "unrestricted capabilities"},
		"without seccomp":         {func(pod *corev1.PodSpec) { pod.SecurityContext.SeccompProfile = nil }, "seccompProfile"},
		"with more privileges":    {func(pod *corev1.PodSpec) { pod.Containers[0].SecurityContext.AllowPrivilegeEscalation = nil }, "allowPrivilegeEscalation != false"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			template := deployment(t).Spec.Template
			pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
			pod.Name = "operator"
			tc.change(&pod.Spec)
			_, err := shared.kube.CoreV1().Pods(cluster.SystemNamespace).Create(t.Context(), pod, metav1.CreateOptions{DryRun: dry.DryRun})
			switch {
			case tc.want == "" && err != nil:
				t.Error(err)
			case tc.want == "":
			case !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), tc.want):
				t.Errorf("got %v, want 403 with %q", err, tc.want)
			}
		})
	}
}

// TestPodsOfEveryInstallationAreRestricted has the namespace that enforces it judge the
// pods that each installation makes.
func TestPodsOfEveryInstallationAreRestricted(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"default", "stamped", "namespaced"} {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			template := object[appsv1.Deployment](t, folder, "Deployment").Spec.Template
			pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
			pod.Name = "operator"
			pods := shared.kube.CoreV1().Pods(cluster.SystemNamespace)
			if _, err := pods.Create(t.Context(), pod, metav1.CreateOptions{DryRun: dry.DryRun}); err != nil {
				t.Error(err)
			}
			pod.Spec.Containers[0].SecurityContext.Privileged = new(true)
			pod.Spec.Containers[0].SecurityContext.AllowPrivilegeEscalation = nil
			if _, err := pods.Create(t.Context(), pod, metav1.CreateOptions{DryRun: dry.DryRun}); !apierrors.IsForbidden(err) {
				t.Errorf("privileged, the API server answers %v", err)
			}
		})
	}
}

// warnings hears what the API server warns of.
type warnings struct {
	mu    sync.Mutex
	texts []string
}

// HandleWarningHeader implements rest.WarningHandler.
func (w *warnings) HandleWarningHeader(_ int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.texts = append(w.texts, text)
}

func TestDeploymentOfTheOperatorEarnsNoWarning(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*corev1.PodSpec)
		warned bool
	}{
		"as it is shipped":    {func(*corev1.PodSpec) {}, false},
		"if it might be root": {func(pod *corev1.PodSpec) { pod.SecurityContext.RunAsNonRoot = nil }, true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			heard := &warnings{}
			config := rest.CopyConfig(shared.config)
			config.WarningHandler = heard
			kube, err := kubernetes.NewForConfig(config)
			if err != nil {
				t.Fatal(err)
			}
			shipped := deployment(t)
			another := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: newName("another")}, Spec: shipped.Spec}
			tc.change(&another.Spec.Template.Spec)
			if _, err := kube.AppsV1().Deployments(cluster.SystemNamespace).Create(t.Context(), another, dry); err != nil {
				t.Fatal(err)
			}
			if (len(heard.texts) > 0) != tc.warned {
				t.Errorf("warned of %q, want warnings: %t", heard.texts, tc.warned)
			}
		})
	}
}

// rulesOfTheOperator are the rules of every role that is bound to its
// ServiceAccount, by the name of the role.
func rulesOfTheOperator(t *testing.T) map[string][]rbacv1.PolicyRule {
	t.Helper()
	rbac, all := shared.kube.RbacV1(), metav1.ListOptions{}
	rules := map[string][]rbacv1.PolicyRule{}
	clusterBindings, err := rbac.ClusterRoleBindings().List(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	for _, binding := range clusterBindings.Items {
		if slices.ContainsFunc(binding.Subjects, isTheOperator) {
			role, err := rbac.ClusterRoles().Get(t.Context(), binding.RoleRef.Name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			rules["ClusterRole "+role.Name] = role.Rules
		}
	}
	bindings, err := rbac.RoleBindings("").List(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	for _, binding := range bindings.Items {
		if slices.ContainsFunc(binding.Subjects, isTheOperator) {
			if binding.RoleRef.Kind != "Role" {
				t.Fatalf("%s binds a %s", binding.Name, binding.RoleRef.Kind)
			}
			role, err := rbac.Roles(binding.Namespace).Get(t.Context(), binding.RoleRef.Name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			rules["Role "+role.Name] = role.Rules
		}
	}
	return rules
}

func isTheOperator(subject rbacv1.Subject) bool {
	return subject.Kind == rbacv1.ServiceAccountKind && subject.Name == cluster.ServiceAccount && subject.Namespace == cluster.SystemNamespace
}

func TestRulesOfTheOperatorAreNarrow(t *testing.T) {
	t.Parallel()
	roles := rulesOfTheOperator(t)
	if roles["ClusterRole credential-reset-operator"] == nil {
		t.Fatalf("the operator has no ClusterRole of its own, only %v", roles)
	}
	for role, rules := range roles {
		for _, rule := range rules {
			every := slices.Concat(rule.APIGroups, rule.Resources, rule.Verbs, rule.NonResourceURLs)
			if slices.ContainsFunc(every, func(word string) bool { return strings.Contains(word, "*") }) {
				t.Errorf("%s grants everything of something: %v", role, rule)
			}
			if slices.Contains(rule.Resources, "secrets") {
				if diff := cmp.Diff([]string{"get"}, rule.Verbs); diff != "" {
					t.Errorf("%s on secrets: %s", role, diff)
				}
			}
		}
	}
}

func TestRightsOfTheOperator(t *testing.T) {
	t.Parallel()
	const group, system = v1alpha1.Group, cluster.SystemNamespace
	tests := map[string]struct {
		right authorizationv1.ResourceAttributes
		want  bool
	}{
		"gets a Secret":                 {right("get", "", "secrets", "chat"), true},
		"lists no Secrets":              {right("list", "", "secrets", "chat"), false},
		"watches no Secrets":            {right("watch", "", "secrets", "chat"), false},
		"writes no Secret":              {right("update", "", "secrets", "chat"), false},
		"patches no Secret":             {right("patch", "", "secrets", "chat"), false},
		"creates no Secret":             {right("create", "", "secrets", system), false},
		"deletes no Secret":             {right("delete", "", "secrets", "chat"), false},
		"reads no ConfigMap":            {right("get", "", "configmaps", "chat"), false},
		"watches requests":              {right("watch", group, "usercredentialresets", ""), true},
		"writes the status of requests": {right("update", group, "usercredentialresets/status", "support"), true},
		"creates no request":            {right("create", group, "usercredentialresets", "support"), false},
		"changes no request":            {right("update", group, "usercredentialresets", "support"), false},
		"creates no workspace":          {right("create", group, "rocketchatworkspaces", "chat"), false},
		"changes no workspace":          {right("patch", group, "rocketchatworkspaces", "chat"), false},
		"writes status of workspaces":   {right("update", group, "rocketchatworkspaces/status", "chat"), true},
		"creates a record":              {right("create", group, "resetrecords", ""), true},
		"patches a record":              {right("patch", group, "resetrecords", ""), true},
		"deletes a record":              {right("delete", group, "resetrecords", ""), true},
		"deletes not all records":       {right("deletecollection", group, "resetrecords", ""), false},
		"creates an event":              {right("create", "events.k8s.io", "events", "support"), true},
		"creates no pod":                {right("create", "", "pods", system), false},
		"enters no pod":                 {right("create", "", "pods/exec", system), false},
		"is nobody else":                {right("impersonate", "", "users", ""), false},
		"grants no role":                {right("bind", "rbac.authorization.k8s.io", "clusterroles", ""), false},
		"widens no role":                {right("escalate", "rbac.authorization.k8s.io", "clusterroles", ""), false},
		"changes no role":               {right("update", "rbac.authorization.k8s.io", "clusterroles", ""), false},
		"makes no token":                {right("create", "", "serviceaccounts/token", system), false},
		"changes no CRD":                {right("update", "apiextensions.k8s.io", "customresourcedefinitions", ""), false},
		"changes no deployment":         {right("patch", "apps", "deployments", system), false},
		"changes no admission":          {right("update", "admissionregistration.k8s.io", "validatingadmissionpolicies", ""), false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := shared.operatorMay(t.Context(), tc.right)
			if err != nil || got != tc.want {
				t.Errorf("allowed: %t (%v), want %t", got, err, tc.want)
			}
		})
	}
}

// right is a verb on a resource, as "deployments" or "pods/exec".
func right(verb, group, resource, namespace string) authorizationv1.ResourceAttributes {
	resource, subresource, _ := strings.Cut(resource, "/")
	return authorizationv1.ResourceAttributes{Verb: verb, Group: group, Resource: resource, Subresource: subresource, Namespace: namespace}
}
