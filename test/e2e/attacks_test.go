package e2e

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// attacker holds what a team's own namespace gives: everything in there.
const attacker = "mallory@example.com"

// trap is an attacker's server: it counts who comes.
type trap struct {
	address string
	came    atomic.Int32
}

func newTrap(t *testing.T) *trap {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	set := &trap{address: listener.Addr().String()}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			set.came.Add(1)
			_ = conn.Close()
		}
	}()
	return set
}

func (s *trap) wantNobody(t *testing.T) {
	t.Helper()
	if came := s.came.Load(); came != 0 {
		t.Errorf("the attacker's server was called %d times", came)
	}
}

// TestARequesterCannotLeadTheTokenAway has somebody who may ask for resets try
// everything that could name another server to the operator.
func TestARequesterCannotLeadTheTokenAway(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{}).withPeople()
	set := newTrap(t)
	elsewhere := "https://" + set.address
	who := f.as(requester)
	for name, attempt := range map[string]func() error{
		"change the Secret's URL": func() error {
			return who.Patch(t.Context(), f.secret.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(`{"stringData":{"url":"`+elsewhere+`"}}`)), client.DryRunAll)
		},
		"lead the workspace to another Secret": func() error {
			return who.Patch(t.Context(), f.workspace.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(`{"spec":{"secretRef":{"name":"mine"}}}`)), client.DryRunAll)
		},
		"create a Secret": func() error {
			return who.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "mine"}})
		},
		"create a workspace": func() error { return who.Create(t.Context(), f.secondWorkspace(f.namespace), client.DryRunAll) },
	} {
		if err := attempt(); !apierrors.IsForbidden(err) {
			t.Errorf("%s: the API server answered %v", name, err)
		}
	}
	// What a request has no field for is dropped, or refused where that was asked for.
	for i, place := range [][]string{{"spec", "url"}, {"spec", "host"}, {"spec", "workspaceRef", "url"}, {"status", "target", "host"}} {
		named := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": v1alpha1.GroupVersion.String(), "kind": "UserCredentialReset",
			"metadata": map[string]any{"namespace": f.namespace, "name": fmt.Sprintf("elsewhere-%d", i)},
			"spec": map[string]any{
				"workspaceRef": map[string]any{"name": "chat"}, "user": map[string]any{"username": []string{"alice", "bob", "carol", "alice"}[i]},
				"type": "TOTP", "notAfterTime": f.request("x", "x").Spec.NotAfterTime.UTC().Format("2006-01-02T15:04:05Z"),
			},
		}}
		if err := unstructured.SetNestedField(named.Object, elsewhere, place...); err != nil {
			t.Fatal(err)
		}
		if err := who.Create(t.Context(), named); err != nil {
			t.Fatal(err)
		}
		f.awaitEnd(named.GetName())
	}
	if resets := len(f.chat.Journal().Resets); resets < 3 {
		t.Errorf("the workspace carried out %d resets", resets)
	}
	set.wantNobody(t)
}

// TestARedirectLeadsNowhere has the workspace send every call on to an attacker's
// server, in each way in which HTTP knows to do that.
func TestARedirectLeadsNowhere(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		for _, route := range []string{"users.info", "users.resetTOTP", "me"} {
			t.Run(fmt.Sprintf("%d at %s", status, route), func(t *testing.T) {
				t.Parallel()
				f := newFixture(t, fixtureOptions{})
				set := newTrap(t)
				f.chat.Intercept(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
					if r.URL.Path == "/api/v1/"+route {
						http.Redirect(rw, r, "https://"+set.address+r.URL.Path, status)
						return
					}
					next.ServeHTTP(rw, r)
				})
				f.touchWorkspace()
				f.ask("lost-phone", "alice")
				f.awaitJournal(func(j simulator.Journal) bool { return wasAnswered(j, "/api/v1/"+route) })
				f.awaitRequest("lost-phone", func(r *v1alpha1.UserCredentialReset) bool { return reasonOf(r) != "" })
				set.wantNobody(t)
			})
		}
	}
}

// TestAnInnerAddressIsNotDialled gives the operator, which nobody allows loopback
// addresses here, a server that is one by its number, by a name that the resolver turns
// into one, and by the number in other clothes. What is denied besides is not dialled
// either.
func TestAnInnerAddressIsNotDialled(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		host string
		args []string
	}{
		"by its number":              {"127.0.0.1", []string{"--allow-cidrs", ""}},
		"by a name":                  {"localhost", []string{"--allow-cidrs", ""}},
		"mapped into IPv6":           {"[::ffff:127.0.0.1]", []string{"--allow-cidrs", ""}},
		"as no address at all":       {"0.0.0.0", []string{"--allow-cidrs", ""}},
		"that only others may reach": {"127.0.0.1", []string{"--allow-cidrs", "127.0.0.2/32", "--deny-cidrs", "0.0.0.0/0,::/0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := newTrap(t)
			_, port, err := net.SplitHostPort(set.address)
			if err != nil {
				t.Fatal(err)
			}
			f := newFixture(t, fixtureOptions{apart: true, secret: func(secret *corev1.Secret) {
				secret.Data["url"] = []byte("https://" + net.JoinHostPort(strings.Trim(test.host, "[]"), port))
			}})
			f.startOperator(cluster.OperatorOptions{Args: test.args})
			f.awaitWorkspace(v1alpha1.ReasonServerUnreachable)
			f.ask("lost-phone", "alice")
			f.awaitReason("lost-phone", v1alpha1.ReasonWorkspaceNotReady)
			f.wantNoRecord("lost-phone")
			f.wantPosts(0)
			set.wantNobody(t)
		})
	}
}

// TestAStolenRequesterGainsLittle acts with all that a requester's rights allow: a
// protected user, a type that needs approval, one that is not allowed, more than the
// budget, and every way around.
func TestAStolenRequesterGainsLittle(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{workspace: func(w *v1alpha1.RocketChatWorkspace) {
		w.Spec.ProtectedUserIDs = []string{simulator.SampleAliceID}
		w.Spec.ApprovalRequiredTypes = []v1alpha1.ResetType{v1alpha1.ResetTypeE2EKey}
		w.Spec.Budget = &v1alpha1.ResetBudget{MaxResets: 1}
	}}).withPeople()
	f.askAs(requester, "the-chairman", "alice")
	f.awaitReason("the-chairman", v1alpha1.ReasonUserProtected)
	key := f.keyRequest("key", "carol")
	key.Spec.RequestedBy = requester
	who := f.as(requester)
	if err := who.Create(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	f.awaitReason("key", v1alpha1.ReasonAwaitingApproval)
	f.askAs(requester, "first", "bob")
	f.awaitReason("first", v1alpha1.ReasonResetAccepted)
	f.askAs(requester, "second", "carol")
	f.awaitReason("second", v1alpha1.ReasonBudgetExhausted)
	for name, err := range map[string]error{
		"approve":                 who.Create(t.Context(), f.decision(v1alpha1.DecisionApproved, key, simulator.SampleCarolID)),
		"write a status":          who.Status().Patch(t.Context(), key.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(`{"status":{"outcome":"Failed"}}`))),
		"change a request":        who.Patch(t.Context(), key.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(`{"spec":{"type":"TOTP"}}`))),
		"read the records":        who.List(t.Context(), &v1alpha1.ResetRecordList{}),
		"delete a record":         who.Delete(t.Context(), f.record("first")),
		"raise the budget":        who.Patch(t.Context(), f.workspace.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(`{"spec":{"budget":null}}`))),
		"read the Secret":         who.Get(t.Context(), client.ObjectKeyFromObject(f.secret), &corev1.Secret{}),
		"take the policies away":  who.Delete(t.Context(), policyNamed("resetapproval-not-own.credentialreset.dev")),
		"ask in other namespaces": who.Create(t.Context(), inNamespace(f.request("elsewhere", "carol"), f.newNamespace("other"))),
	} {
		if !apierrors.IsForbidden(err) {
			t.Errorf("%s: the API server answered %v", name, err)
		}
	}
	f.wantPosts(1)
	f.wantResets(simulator.SampleBobID, 1)
}

func policyNamed(name string) *unstructured.Unstructured {
	policy := &unstructured.Unstructured{}
	policy.SetAPIVersion("admissionregistration.k8s.io/v1")
	policy.SetKind("ValidatingAdmissionPolicy")
	policy.SetName(name)
	return policy
}

func inNamespace(request *v1alpha1.UserCredentialReset, namespace string) *v1alpha1.UserCredentialReset {
	request.Namespace = namespace
	return request
}

// secondWorkspace is a workspace without any protection on a Secret of the same name
// as the fixture's.
func (f *fixture) secondWorkspace(namespace string) *v1alpha1.RocketChatWorkspace {
	return &v1alpha1.RocketChatWorkspace{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "mine"},
		Spec: v1alpha1.RocketChatWorkspaceSpec{
			SecretRef:    v1alpha1.SecretReference{Name: f.secret.Name},
			AllowedTypes: []v1alpha1.ResetType{v1alpha1.ResetTypeTOTP, v1alpha1.ResetTypeE2EKey},
		},
	}
}

// TestASecondWorkspaceHasNoSecret has somebody who may do everything in a namespace of
// their own make a workspace there on the Secret of another one, and ask through the
// other workspace too.
func TestASecondWorkspaceHasNoSecret(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{workspace: func(w *v1alpha1.RocketChatWorkspace) {
		w.Spec.ProtectedUserIDs = []string{simulator.SampleAliceID}
	}})
	own := f.in(t)
	own.namespace = f.newNamespace("own")
	for _, role := range []string{"credential-reset-requester", "credential-reset-workspace-admin"} {
		own.bind(attacker, role)
	}
	who := own.as(attacker)
	own.workspace = own.secondWorkspace(own.namespace)
	if err := who.Create(t.Context(), own.workspace); err != nil {
		t.Fatal(err)
	}
	own.awaitWorkspace(v1alpha1.ReasonSecretNotFound)
	for name, wanted := range map[string]struct {
		workspace v1alpha1.WorkspaceReference
		reason    string
	}{
		"through-mine":   {v1alpha1.WorkspaceReference{Name: "mine"}, v1alpha1.ReasonWorkspaceNotReady},
		"through-theirs": {v1alpha1.WorkspaceReference{Name: "chat", Namespace: f.namespace}, v1alpha1.ReasonWorkspaceNotAvailable},
	} {
		request := own.request(name, "alice")
		request.Spec.WorkspaceRef = wanted.workspace
		if err := who.Create(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		own.awaitReason(name, wanted.reason)
	}
	// A path is no name.
	for _, name := range []string{"../" + f.namespace + "/chat", f.namespace + "/chat"} {
		other := own.secondWorkspace(own.namespace)
		other.Name, other.Spec.SecretRef.Name = "path", name
		if err := who.Create(t.Context(), other); !apierrors.IsInvalid(err) {
			t.Errorf("a workspace on the Secret %q: %v", name, err)
		}
	}
	f.wantPosts(0)
}

// TestEditOfANamespaceIsNoRightToReset gives somebody what the cluster's own roles
// would hold if their controller added up all that asks to be added, and tries to ask
// and to approve with it.
func TestEditOfANamespaceIsNoRightToReset(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{workspace: approvalFor(v1alpha1.ResetTypeTOTP)}).withPeople()
	f.askAs(requester, "lost-phone", "alice")
	request := f.awaitReason("lost-phone", v1alpha1.ReasonAwaitingApproval)
	var roles rbacv1.ClusterRoleList
	if err := f.on.kube.List(t.Context(), &roles); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"view", "edit", "admin"} {
		i := slices.IndexFunc(roles.Items, func(role rbacv1.ClusterRole) bool { return role.Name == name })
		if i < 0 || roles.Items[i].AggregationRule == nil {
			t.Fatalf("the cluster's role %s is not made of others", name)
		}
		added := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name + "-in-" + f.namespace}, Rules: f.aggregated(&roles.Items[i], roles.Items)}
		if len(added.Rules) == 0 && name != "view" {
			t.Errorf("%s adds up to nothing", name)
		}
		f.create(added)
		user := name + "@example.com"
		f.bind(user, added.Name)
		who := f.as(user)
		f.poll(func() (bool, error) { return mayDo(t, who, f.namespace, "", "configmaps", "list"), nil })
		forged := f.decision(v1alpha1.DecisionApproved, request, simulator.SampleAliceID)
		forged.Spec.ApprovedBy = user
		asked := f.request("by-"+name, "bob")
		asked.Spec.RequestedBy = user
		for what, err := range map[string]error{
			"ask":             who.Create(t.Context(), asked),
			"approve":         who.Create(t.Context(), forged),
			"see requests":    who.List(t.Context(), &v1alpha1.UserCredentialResetList{}, client.InNamespace(f.namespace)),
			"make workspaces": who.Create(t.Context(), f.secondWorkspace(f.namespace)),
			"see records":     who.List(t.Context(), &v1alpha1.ResetRecordList{}),
		} {
			if !apierrors.IsForbidden(err) {
				t.Errorf("with the role %s, %s: the API server answered %v", name, what, err)
			}
		}
	}
	f.wantNoRecord("lost-phone")
	f.wantPosts(0)
}

// aggregated are the rules of a role that is made of others, with those that it takes
// in by way of others: what kube-controller-manager writes into it.
func (f *fixture) aggregated(role *rbacv1.ClusterRole, all []rbacv1.ClusterRole) []rbacv1.PolicyRule {
	f.t.Helper()
	if role.AggregationRule == nil {
		return role.Rules
	}
	var rules []rbacv1.PolicyRule
	for _, wanted := range role.AggregationRule.ClusterRoleSelectors {
		selector, err := metav1.LabelSelectorAsSelector(&wanted)
		if err != nil {
			f.t.Fatal(err)
		}
		for i := range all {
			if all[i].Name != role.Name && selector.Matches(labels.Set(all[i].Labels)) {
				rules = append(rules, f.aggregated(&all[i], all)...)
			}
		}
	}
	return rules
}

// TestAnOwnApprovalDoesNotCount has somebody who may ask and approve do both where no
// policy says at once that this is no second person: the operator says so itself.
func TestAnOwnApprovalDoesNotCount(t *testing.T) {
	t.Parallel()
	on := suiteOf.insisting(t)
	f := newFixture(t, fixtureOptions{on: on, notReady: true, workspace: approvalFor(v1alpha1.ResetTypeTOTP)}).withPeople()
	f.bind(requester, "credential-reset-approver")
	f.startOperator(cluster.OperatorOptions{})
	f.awaitWorkspace(v1alpha1.ReasonConnected)
	request := f.askAs(requester, "lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonAwaitingApproval)
	own := f.decision(v1alpha1.DecisionApproved, request, simulator.SampleAliceID)
	own.Spec.ApprovedBy = requester
	if err := f.as(requester).Create(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	f.awaitMessage("lost-phone", "nobody approves their own request")
	f.wantNoRecord("lost-phone")
	f.wantPosts(0)
	f.decide(v1alpha1.DecisionApproved, request, simulator.SampleAliceID)
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.wantPosts(1)
}

// TestAPoisonedURLIsRefused puts what a URL parser may be led astray by into a Secret.
func TestAPoisonedURLIsRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]func(server, trap string) string{
		"the server's name as a user": func(server, trap string) string {
			return "https://" + strings.TrimPrefix(server, "https://") + "@" + trap
		},
		"a query":                         func(server, trap string) string { return server + "?next=https://" + trap },
		"a fragment":                      func(server, trap string) string { return server + "#@" + trap },
		"a path that goes up":             func(server, _ string) string { return server + "/../" },
		"another scheme":                  func(string, string) string { return "file:///etc/passwd" },
		"a line break and another header": func(server, trap string) string { return server + "/\r\nHost: " + trap },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := newTrap(t)
			f := newFixture(t, fixtureOptions{notReady: true})
			f.update(f.secret, func() { f.secret.Data["url"] = []byte(text(f.server.URL, set.address)) })
			f.touchWorkspace()
			f.awaitWorkspace(v1alpha1.ReasonSecretInvalid)
			f.ask("lost-phone", "alice")
			f.awaitReason("lost-phone", v1alpha1.ReasonWorkspaceNotReady)
			f.wantPosts(0)
			set.wantNobody(t)
		})
	}
}
