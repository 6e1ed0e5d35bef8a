package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// shippedRole is a ClusterRole of config.
func (f *fixture) shippedRole(parts ...string) *rbacv1.ClusterRole {
	f.t.Helper()
	role, err := f.on.shippedRole(parts...)
	if err != nil {
		f.t.Fatal(err)
	}
	return role
}

func (s *stage) shippedRole(parts ...string) (*rbacv1.ClusterRole, error) {
	text, err := os.ReadFile(s.cluster.Path(append([]string{"config"}, parts...)...))
	if err != nil {
		return nil, err
	}
	role := &rbacv1.ClusterRole{}
	return role, yaml.Unmarshal([]byte(strings.TrimPrefix(string(text), "---\n")), role)
}

// grants are what roles let somebody do, one line each.
func grants(roles ...*rbacv1.ClusterRole) []string {
	var lines []string
	for _, role := range roles {
		for _, rule := range role.Rules {
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					for _, verb := range rule.Verbs {
						names := slices.Clone(rule.ResourceNames)
						slices.Sort(names)
						lines = append(lines, fmt.Sprintf("%s %s/%s %v", verb, group, resource, names))
					}
				}
			}
		}
	}
	slices.Sort(lines)
	return lines
}

// TestTheNamespacedRolesAddUpToTheWhole says that an operator of some namespaces may do
// there what the other one may do everywhere.
func TestTheNamespacedRolesAddUpToTheWhole(t *testing.T) {
	t.Parallel()
	f := &fixture{t: t, on: suiteOf.shared}
	whole := grants(f.shippedRole("rbac", "role.yaml"))
	parts := grants(f.shippedRole("namespaced", "cluster_role.yaml"), f.shippedRole("namespaced", "namespace_role.yaml"))
	if diff := cmp.Diff(whole, parts); diff != "" {
		t.Errorf("rights (-everywhere +namespaced):\n%s", diff)
	}
}

// TestAnOperatorWithRightsInOneNamespace runs the operator with the namespaced rights,
// which let it read no Secret anywhere else.
func TestAnOperatorWithRightsInOneNamespace(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{apart: true})
	token := f.bindNamespaced(func(*rbacv1.ClusterRole) {})
	f.startOperator(cluster.OperatorOptions{Kubeconfig: f.kubeconfigOf(token), Args: []string{"--metrics-bind-address", "0"}})
	f.awaitWorkspace(v1alpha1.ReasonConnected)
	f.ask("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.wantPosts(1)
	f.wantResets(simulator.SampleAliceID, 1)

	who := f.withToken(token)
	other := f.newNamespace("other")
	for namespace, want := range map[string]bool{f.namespace: true, other: false} {
		if got := mayDo(t, who, namespace, "", "secrets", "get"); got != want {
			t.Errorf("may get Secrets in %s: %t, want %t", namespace, got, want)
		}
	}
}

// bindNamespaced binds the namespaced roles, changed, to a ServiceAccount in the
// fixture's namespace, and returns a token of it.
func (f *fixture) bindNamespaced(change func(*rbacv1.ClusterRole)) string {
	f.t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "namespaced"}}
	f.create(account)
	subject := rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: account.Namespace, Name: account.Name}
	everywhere, here := f.shippedRole("namespaced", "cluster_role.yaml"), f.shippedRole("namespaced", "namespace_role.yaml")
	everywhere.Name, here.Name = "cluster-"+f.namespace, "namespace-"+f.namespace
	change(everywhere)
	change(here)
	f.create(everywhere)
	f.create(here)
	f.create(&rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: everywhere.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: everywhere.Name},
		Subjects:   []rbacv1.Subject{subject},
	})
	f.create(&rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: here.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: here.Name},
		Subjects:   []rbacv1.Subject{subject},
	})
	return f.tokenOf(account.Namespace, account.Name)
}

func (f *fixture) tokenOf(namespace, serviceAccount string) string {
	f.t.Helper()
	token, err := f.on.cluster.Token(f.t.Context(), namespace, serviceAccount)
	if err != nil {
		f.t.Fatal(err)
	}
	return token
}

// withToken is a client with nothing but a token.
func (f *fixture) withToken(token string) client.Client {
	f.t.Helper()
	config := rest.AnonymousClientConfig(f.on.cluster.Config)
	config.BearerToken = token
	who, err := client.New(config, client.Options{Scheme: f.on.kube.Scheme()})
	if err != nil {
		f.t.Fatal(err)
	}
	return who
}

// kubeconfigOf writes a kubeconfig with the token.
func (f *fixture) kubeconfigOf(token string) string {
	f.t.Helper()
	config := clientcmdapi.NewConfig()
	config.Clusters["cluster"] = &clientcmdapi.Cluster{Server: f.on.cluster.Config.Host, CertificateAuthorityData: f.on.cluster.Config.CAData}
	config.AuthInfos["who"] = &clientcmdapi.AuthInfo{Token: token}
	config.Contexts["who"] = &clientcmdapi.Context{Cluster: "cluster", AuthInfo: "who", Namespace: f.namespace}
	config.CurrentContext = "who"
	path := filepath.Join(f.t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		f.t.Fatal(err)
	}
	return path
}
