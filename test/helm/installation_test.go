package helm

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// What stays when a release is uninstalled.
var keptKinds = []string{"customresourcedefinitions", "validatingadmissionpolicies", "validatingadmissionpolicybindings"}

// tooLong is a request that a policy of the chart refuses.
const tooLong = `{apiVersion: credentialreset.dev/v1alpha1, kind: UserCredentialReset, metadata: {name: too-long, namespace: support},
spec: {workspaceRef: {name: chat, namespace: chat}, user: {username: alice}, type: TOTP, notAfterTime: "2099-01-01T00:00:00Z"}}`

// TestTheAPIServerTakesEverySet has the API server check every object strictly. It
// would also warn of pods that its restricted namespace does not let in.
func TestTheAPIServerTakesEverySet(t *testing.T) {
	t.Parallel()
	l := newLive(t)
	l.kubectl("apply", "--filename", filepath.Join("testdata", "monitoring_crds.yaml"))
	l.kubectl("wait", "--for=condition=Established", "crd", "--all")
	for _, name := range sets {
		given := set(t, name)
		rendered, err := template(t, given, "")
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		for line := range strings.Lines(l.kubectlWithInput(rendered.Manifest, "apply", "--server-side", "--dry-run=server", "--validate=strict", "--filename", "-")) {
			count++
			if !strings.HasSuffix(strings.TrimSpace(line), "serverside-applied (server dry run)") {
				t.Errorf("%s: kubectl says %q", name, line)
			}
		}
		if want := len(objectsOf(t, rendered.Manifest)); count != want {
			t.Errorf("%s: %d of %d objects were applied", name, count, want)
		}
		l.wantPodsAreRestricted(objectsOf(t, rendered.Manifest))
	}
}

// wantPodsAreRestricted has a namespace that enforces Pod Security judge the pods of the
// Deployments, as they are and with a privilege.
func (l *live) wantPodsAreRestricted(objects []*unstructured.Unstructured) {
	l.t.Helper()
	const space = "restricted"
	l.kubectlWithInput(`{apiVersion: v1, kind: Namespace, metadata: {name: restricted, labels: {pod-security.kubernetes.io/enforce: restricted}}}`,
		"apply", "--filename", "-")
	for _, object := range objects {
		if object.GetKind() != "Deployment" {
			continue
		}
		template := decoded[appsv1.Deployment](l.t, object).Spec.Template
		// Neither is there, and nothing of Pod Security looks at them.
		template.Spec.ServiceAccountName, template.Spec.RuntimeClassName = "", nil
		pod := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: template.ObjectMeta, Spec: template.Spec}
		pod.Name = "operator"
		for _, privileged := range []bool{false, true} {
			if privileged {
				pod.Spec.Containers[0].SecurityContext.Privileged = new(true)
				pod.Spec.Containers[0].SecurityContext.AllowPrivilegeEscalation = nil
			}
			text, err := yaml.Marshal(pod)
			if err != nil {
				l.t.Fatal(err)
			}
			said, err := l.cluster.KubectlWithInput(l.t.Context(), string(text), "create", "--dry-run=server", "--namespace", space, "--filename", "-")
			if refused := err != nil && strings.Contains(said, "violates PodSecurity"); refused != privileged || (err != nil) != privileged {
				l.t.Errorf("privileged %t: kubectl says %q", privileged, said)
			}
		}
	}
}

// TestFromInstallationToUninstallation goes the whole way of a release on an API server,
// with the operator doing its work under what was installed.
func TestFromInstallationToUninstallation(t *testing.T) {
	t.Parallel()
	binary := buildOperator(t)
	l := newLive(t)

	l.install(set(t, "default"), false)
	kept := l.names(keptKinds...)
	if len(kept) != 4+5+5 {
		t.Errorf("%d CRDs, policies and bindings were installed: %v", len(kept), kept)
	}
	l.kubectl("apply", "--filename", l.cluster.Path("config", "samples", "workspace.yaml"))
	l.await("seven days", tooLong, "create", "--dry-run=server", "--filename", "-")
	l.kubectl("apply", "--filename", l.cluster.Path("config", "samples", "reset-replayed.yaml"))
	l.operate(binary, func() {
		l.await("Skipped", "", "get", "ucr", "carol-from-last-year", "--namespace", "support")
		l.kubectl("wait", "rcws/chat", "--namespace", "chat", "--for=condition=Ready=False", "--timeout=60s")
	})

	l.upgrade(set(t, "ha"))
	l.operate(binary, func() {
		l.await("lease.coordination.k8s.io/", "", "get", "leases", "--namespace", cluster.SystemNamespace, "--output", "name")
	})
	if budgets := l.names("poddisruptionbudgets"); len(budgets) != 1 {
		t.Errorf("three replicas have the disruption budgets %v", budgets)
	}

	// Leaving them out is no way to lose them either.
	l.upgrade(values(t, "{crds: {install: false}, policies: {install: false}}"))
	if diff := cmp.Diff(kept, l.names(keptKinds...)); diff != "" {
		t.Errorf("an upgrade without them removed CRDs or policies:\n%s", diff)
	}

	l.upgrade(set(t, "default"))
	if said := l.uninstall(); !strings.Contains(said, "usercredentialresets.credentialreset.dev") {
		t.Errorf("helm does not say what it kept: %q", said)
	}
	if diff := cmp.Diff(kept, l.names(keptKinds...)); diff != "" {
		t.Errorf("uninstalling removed CRDs or policies:\n%s", diff)
	}
	if left := ours(l.names("deployments", "services", "serviceaccounts", "clusterroles", "clusterrolebindings", "roles", "rolebindings", "poddisruptionbudgets")); len(left) > 0 {
		t.Errorf("uninstalling left %v", left)
	}
	l.await("Skipped", "", "get", "ucr", "carol-from-last-year", "--namespace", "support")
	l.await("seven days", tooLong, "create", "--dry-run=server", "--filename", "-")

	l.install(set(t, "namespaced"), false)
	l.await("no", "", "auth", "can-i", "get", "secrets", "--namespace", "default", "--as", "system:serviceaccount:credentialreset-system:credential-reset-operator")
	l.await("yes", "", "auth", "can-i", "get", "secrets", "--namespace", "chat", "--as", "system:serviceaccount:credentialreset-system:credential-reset-operator")
	l.kubectl("delete", "--filename", l.cluster.Path("config", "samples", "reset-replayed.yaml"))
	l.kubectl("apply", "--filename", l.cluster.Path("config", "samples", "reset-replayed.yaml"))
	l.operate(binary, func() {
		l.await("Skipped", "", "get", "ucr", "carol-from-last-year", "--namespace", "support")
	})

	l.upgrade(values(t, "{crds: {keep: false}, policies: {keep: false}}"))
	l.uninstall()
	l.await("No resources found", "", "get", strings.Join(keptKinds, ","), "--all-namespaces")
}

// ours are those names that have to do with the operator.
func ours(names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return !strings.Contains(name, "credential-reset") })
}

// TestWhatConfigInstalledIsTakenOver does what the page about Helm says for those who
// installed with kustomize.
func TestWhatConfigInstalledIsTakenOver(t *testing.T) {
	t.Parallel()
	l := newLive(t)
	l.kubectl("apply", "--server-side", "--kustomize", l.cluster.Path("config", "default"))
	l.kubectl("wait", "--for=condition=Established", "crd", "--all")
	l.await("seven days", tooLong, "create", "--dry-run=server", "--filename", "-")
	l.kubectl("apply", "--filename", l.cluster.Path("config", "samples", "reset-replayed.yaml"))

	// Its selector cannot be changed.
	l.kubectl("delete", "deployment", releaseName, "--namespace", cluster.SystemNamespace)
	l.install(set(t, "default"), true)
	l.kubectl("get", "ucr", "carol-from-last-year", "--namespace", "support")
	l.uninstall()
	if left := ours(l.names("deployments", "serviceaccounts", "clusterroles")); len(left) > 0 {
		t.Errorf("uninstalling left %v", left)
	}
	if got := len(l.names(keptKinds...)); got != 4+5+5 {
		t.Errorf("%d CRDs, policies and bindings stayed", got)
	}
}
