package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// operatorsName is what the API server calls the operator under its ServiceAccount.
const operatorsName = "system:serviceaccount:" + cluster.SystemNamespace + ":" + cluster.ServiceAccount

// asked is what an entry of the API server's own audit log tells of a request.
type asked struct {
	Verb      string
	UserAgent string
	User      struct{ Username string }
	ObjectRef *struct{ APIGroup, Resource, Subresource string }

	Annotations map[string]string
}

// readAsked calls back for each request of operators under their ServiceAccount. Tests
// that borrow it are told by their user agent.
func (s *stage) readAsked(each func(grant string, allowed bool)) error {
	file, err := os.Open(s.cluster.AuditLog())
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var entry asked
		if err := json.Unmarshal(lines.Bytes(), &entry); err != nil {
			return errors.Join(err, file.Close())
		}
		borrowed := strings.HasPrefix(entry.UserAgent, filepath.Base(os.Args[0])+"/")
		if entry.User.Username != operatorsName || borrowed || entry.ObjectRef == nil {
			continue
		}
		resource := strings.TrimSuffix(entry.ObjectRef.Resource+"/"+entry.ObjectRef.Subresource, "/")
		each(entry.Verb+" "+entry.ObjectRef.APIGroup+"/"+resource, entry.Annotations["authorization.k8s.io/decision"] == "allow")
	}
	return errors.Join(lines.Err(), file.Close())
}

// checkRights holds what the operators of the suite have asked the API server for
// against what config grants: nothing else was tried, and everything was used.
func (s *suite) checkRights() error {
	unused := map[string]bool{}
	for _, parts := range [][]string{{"rbac", "role.yaml"}, {"rbac", "leader_election_role.yaml"}, {"rbac", "metrics_auth_role.yaml"}} {
		role, err := s.shared.shippedRole(parts...)
		if err != nil {
			return err
		}
		for _, grant := range unnamed(grants(role)) {
			unused[grant] = true
		}
	}
	granted := maps.Clone(unused)
	var errs []error
	for name, on := range map[string]*stage{"shared": s.shared, "apart": s.apart} {
		err := on.readAsked(func(grant string, allowed bool) {
			delete(unused, grant)
			if !allowed || !granted[grant] {
				errs = append(errs, fmt.Errorf("an operator of the %s cluster wanted to %s: allowed %t, granted by config %t", name, grant, allowed, granted[grant]))
			}
		})
		errs = append(errs, err)
	}
	if unfiltered() && len(unused) > 0 {
		errs = append(errs, fmt.Errorf("config grants what no operator of the suite used: %q", slices.Sorted(maps.Keys(unused))))
	}
	return errors.Join(errs...)
}

// unnamed are the grants without the names of the objects to which some are limited.
func unnamed(grants []string) []string {
	short := make([]string, 0, len(grants))
	for _, grant := range grants {
		grant, _, _ = strings.Cut(grant, " [")
		short = append(short, grant)
	}
	return slices.Compact(short)
}

// TestTheOperatorIsGrantedNothingElse compares all that the API server lets the
// operator do with what config says, beside what it lets every ServiceAccount do.
func TestTheOperatorIsGrantedNothingElse(t *testing.T) {
	t.Parallel()
	f := &fixture{t: t, on: suiteOf.shared}
	f.namespace = f.newNamespace("rules")
	f.create(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "anybody"}})
	everywhere := grants(f.shippedRole("rbac", "role.yaml"), f.shippedRole("rbac", "metrics_auth_role.yaml"))
	for namespace, want := range map[string][]string{
		f.namespace:             everywhere,
		cluster.SystemNamespace: slices.Sorted(slices.Values(slices.Concat(everywhere, grants(f.shippedRole("rbac", "leader_election_role.yaml"))))),
	} {
		anybody := f.rulesOf(f.withToken(f.tokenOf(f.namespace, "anybody")), namespace)
		got := slices.DeleteFunc(f.rulesOf(asOperator(t), namespace), func(grant string) bool { return slices.Contains(anybody, grant) })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("in the namespace %s (-config +granted):\n%s", namespace, diff)
		}
	}
}

// rulesOf are the rights of a ServiceAccount in a namespace as the API server sees
// them, one line each.
func (f *fixture) rulesOf(who client.Client, namespace string) []string {
	f.t.Helper()
	review := &authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: namespace}}
	if err := who.Create(f.t.Context(), review); err != nil {
		f.t.Fatal(err)
	}
	if review.Status.Incomplete {
		f.t.Fatalf("the API server does not know all rules: %s", review.Status.EvaluationError)
	}
	role := &rbacv1.ClusterRole{}
	for _, rule := range review.Status.ResourceRules {
		role.Rules = append(role.Rules, rbacv1.PolicyRule{Verbs: rule.Verbs, APIGroups: rule.APIGroups, Resources: rule.Resources, ResourceNames: rule.ResourceNames})
	}
	return grants(role)
}

// need is what an operator cannot do without a right.
type need struct {
	before, after func(*fixture) // have the operator want to use it, before or after it is started
	scrape        bool           // somebody reads the metrics
	args, env     []string
}

// needs are those of every right, of which each is a line of grants.
func needs() map[string]need {
	const ours = " credentialreset.dev/"
	rights := map[string]need{}
	add := func(n need, grants ...string) {
		for _, grant := range grants {
			rights[grant] = n
		}
	}
	add(need{}, "get /secrets",
		"get admissionregistration.k8s.io/validatingadmissionpolicies", "get admissionregistration.k8s.io/validatingadmissionpolicybindings",
		"watch"+ours+"resetapprovals", "watch"+ours+"rocketchatworkspaces", "watch"+ours+"usercredentialresets", "watch"+ours+"resetrecords",
		"update"+ours+"rocketchatworkspaces/status")
	// As on API servers that do not stream lists.
	add(need{env: []string{"KUBE_FEATURE_WatchListClient=false"}},
		"list"+ours+"resetapprovals", "list"+ours+"rocketchatworkspaces", "list"+ours+"usercredentialresets", "list"+ours+"resetrecords")
	add(need{args: []string{"--leader-elect"}},
		"get coordination.k8s.io/leases", "create coordination.k8s.io/leases", "update coordination.k8s.io/leases", "create /events")
	add(need{scrape: true}, "create authentication.k8s.io/tokenreviews", "create authorization.k8s.io/subjectaccessreviews")
	add(need{after: func(f *fixture) { f.create(f.keyRequest("lost-key", "alice")) }},
		"get"+ours+"rocketchatworkspaces", "get"+ours+"usercredentialresets", "update"+ours+"usercredentialresets/status",
		"create"+ours+"resetrecords", "patch"+ours+"resetrecords", "create events.k8s.io/events")
	add(need{after: func(f *fixture) {
		replayed := f.keyRequest("replayed", "alice")
		replayed.Spec.NotAfterTime = metav1.NewTime(time.Now().Add(-time.Hour).Truncate(time.Second))
		f.create(replayed)
	}}, "get"+ours+"resetrecords")
	add(need{before: func(f *fixture) {
		request := f.keyRequest("second-try", "alice")
		f.create(request)
		record := f.formerRecord(request, attempt(time.Hour, v1alpha1.AttemptNotSent, v1alpha1.ReasonConnectionFailed))
		record.Type, record.Request.UID = request.Spec.Type, string(request.UID)
		f.create(record)
	}}, "update"+ours+"resetrecords")
	add(need{before: func(f *fixture) { f.create(f.expiredRecord()) }, args: []string{"--record-retention", "0s"}}, "delete"+ours+"resetrecords")
	add(need{after: func(f *fixture) {
		request := f.keyRequest("short", "nobody")
		request.Spec.TTLSecondsAfterFinished = new(int32(0))
		request.Spec.NotAfterTime = metav1.NewTime(time.Now().Add(5 * time.Second).Truncate(time.Second))
		f.create(request)
	}}, "delete"+ours+"usercredentialresets")
	add(need{before: func(f *fixture) {
		f.update(f.workspace, func() { oneAtATime(f.workspace) })
		f.exhaustTwice()
	}}, "patch events.k8s.io/events")
	return rights
}

// oneAtATime gives the workspace a budget that is soon used up, and soon free again.
func oneAtATime(w *v1alpha1.RocketChatWorkspace) {
	w.Spec.Budget = &v1alpha1.ResetBudget{MaxResets: 1, PeriodSeconds: 8}
}

// exhaustTwice has such a budget used up again and again: the second event of a kind
// about an object is a patch of the first.
func (f *fixture) exhaustTwice() {
	f.t.Helper()
	for i, username := range []string{"alice", "bob", "carol"} {
		f.create(f.keyRequest(fmt.Sprintf("request-%d", i), username))
	}
}

// TestAnEventThatComesAgainIsCounted uses the right to patch events.
func TestAnEventThatComesAgainIsCounted(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{workspace: oneAtATime})
	f.exhaustTwice()
	f.poll(func() (bool, error) {
		var events eventsv1.EventList
		err := f.on.kube.List(t.Context(), &events, client.InNamespace(f.namespace))
		return slices.ContainsFunc(events.Items, func(event eventsv1.Event) bool {
			return event.Reason == v1alpha1.ReasonBudgetExhausted && event.Series != nil
		}), err
	})
}

// keyRequest asks for a reset of the type that needs no approval.
func (f *fixture) keyRequest(name, username string) *v1alpha1.UserCredentialReset {
	request := f.request(name, username)
	request.Spec.Type = v1alpha1.ResetTypeE2EKey
	return request
}

// sideRoles are those that the operator has beside its own.
func (f *fixture) sideRoles() []rbacv1.PolicyRule {
	return slices.Concat(f.shippedRole("rbac", "metrics_auth_role.yaml").Rules, f.shippedRole("rbac", "leader_election_role.yaml").Rules)
}

// TestEveryRightIsNeeded takes each right away of the namespaced roles, which add up
// to the whole one, and of those beside it, and sees that the operator misses it: it is
// refused, and says so.
func TestEveryRightIsNeeded(t *testing.T) {
	t.Parallel()
	on := suiteOf.insisting(t)
	config := &fixture{t: t, on: on}
	all := unnamed(grants(config.shippedRole("rbac", "role.yaml"), &rbacv1.ClusterRole{Rules: config.sideRoles()}))
	if diff := cmp.Diff(all, slices.Sorted(maps.Keys(needs()))); diff != "" {
		t.Fatalf("rights (-config +tested):\n%s", diff)
	}
	for right, need := range needs() {
		t.Run(right, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, fixtureOptions{on: on, notReady: true, workspace: approvalFor(v1alpha1.ResetTypeTOTP)})
			if need.before != nil {
				need.before(f)
			}
			operator := f.launchWithout(right, need)
			if need.after != nil {
				need.after(f)
			}
			if need.scrape {
				f.poll(func() (bool, error) {
					_, _, err := on.metrics(t.Context(), operator, true)
					return err == nil, nil // it may not listen yet
				})
			}
			verb, resource, _ := strings.Cut(right, " ")
			_, resource, _ = strings.Cut(resource, "/")
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := operator.AwaitLog(ctx, fmt.Sprintf(`cannot %s resource \"%s\"`, verb, resource)); err != nil {
				t.Fatalf("without the right to %s, the operator misses nothing: %v\n%s", right, err, operator.Logs())
			}
		})
	}
}

// launchWithout starts an operator with all roles, bound in its namespace where they
// can be, without a right. It may not become ready, and is killed at the end.
func (f *fixture) launchWithout(right string, need need) *cluster.Operator {
	f.t.Helper()
	token := f.bindNamespaced(func(role *rbacv1.ClusterRole) {
		role.Rules = append(role.Rules, f.sideRoles()...)
		withdraw(role, right)
	})
	operator, err := f.on.cluster.LaunchOperator(f.t.Context(), cluster.OperatorOptions{
		Binary: suiteOf.binary, Kubeconfig: f.kubeconfigOf(token), Env: need.env,
		Args: append([]string{"--watch-namespaces", f.namespace}, need.args...),
	})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		if err := operator.Kill(); err != nil {
			f.t.Error(err)
		}
		suiteOf.hear(operator.Logs())
	})
	return operator
}

// withdraw takes a right out of a role.
func withdraw(role *rbacv1.ClusterRole, right string) {
	var rest []rbacv1.PolicyRule
	for _, rule := range role.Rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				kept := slices.DeleteFunc(slices.Clone(rule.Verbs), func(verb string) bool { return verb+" "+group+"/"+resource == right })
				if len(kept) > 0 {
					rest = append(rest, rbacv1.PolicyRule{APIGroups: []string{group}, Resources: []string{resource}, ResourceNames: rule.ResourceNames, Verbs: kept})
				}
			}
		}
	}
	role.Rules = rest
}

// TestAnElectedOperatorCarriesOut uses the rights that leader election needs.
func TestAnElectedOperatorCarriesOut(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{apart: true})
	// It lists, besides, as operators do on API servers that do not stream lists.
	f.startOperator(cluster.OperatorOptions{Args: []string{"--leader-elect"}, Env: []string{"KUBE_FEATURE_WatchListClient=false"}})
	f.ask("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.wantPosts(1)
	f.wantResets(simulator.SampleAliceID, 1)
	// The election reports itself, a moment later.
	f.poll(func() (bool, error) {
		var events corev1.EventList
		err := f.on.kube.List(t.Context(), &events, client.InNamespace(cluster.SystemNamespace))
		return slices.ContainsFunc(events.Items, func(event corev1.Event) bool { return event.Reason == "LeaderElection" }), err
	})
}
