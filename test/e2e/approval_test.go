package e2e

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// The people of these tests. None of them is an administrator of the cluster.
const (
	requester = "ann@example.com"
	approver  = "rita@example.com"
)

// approvalFor lets the workspace require approval for a type.
func approvalFor(required ...v1alpha1.ResetType) func(*v1alpha1.RocketChatWorkspace) {
	return func(w *v1alpha1.RocketChatWorkspace) { w.Spec.ApprovalRequiredTypes = required }
}

// withPeople binds the shipped roles: the requester may ask, the approver approve,
// and whoever is both may do both.
func (f *fixture) withPeople() *fixture {
	f.t.Helper()
	f.bind(requester, "credential-reset-requester")
	f.bind(approver, "credential-reset-approver")
	return f
}

func (f *fixture) bind(user, role string) {
	f.t.Helper()
	f.create(&rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, GenerateName: role + "-"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	})
}

// as is a client of a person who has no rights but those that were bound.
func (f *fixture) as(user string) client.Client {
	f.t.Helper()
	config := rest.CopyConfig(f.on.cluster.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user}
	person, err := client.New(config, client.Options{Scheme: f.on.kube.Scheme()})
	if err != nil {
		f.t.Fatal(err)
	}
	return person
}

// askAs creates a request in the name of a person.
func (f *fixture) askAs(user, name, username string) *v1alpha1.UserCredentialReset {
	f.t.Helper()
	request := f.request(name, username)
	request.Spec.RequestedBy = user
	if err := f.as(user).Create(f.t.Context(), request); err != nil {
		f.t.Fatalf("%s asks: %v", user, err)
	}
	return request
}

// decision is an approver's decision about the request as it is shown, not created
// yet.
func (f *fixture) decision(decision v1alpha1.Decision, request *v1alpha1.UserCredentialReset, userID string) *v1alpha1.ResetApproval {
	return &v1alpha1.ResetApproval{
		ObjectMeta: metav1.ObjectMeta{Namespace: request.Namespace, GenerateName: request.Name + "-"},
		Spec: v1alpha1.ResetApprovalSpec{
			RequestName: request.Name, RequestUID: string(request.UID), UserID: userID,
			Decision: decision, ApprovedBy: approver, Message: "seen the passport",
		},
	}
}

// decide creates a decision as the approver.
func (f *fixture) decide(decision v1alpha1.Decision, request *v1alpha1.UserCredentialReset, userID string) {
	f.t.Helper()
	if err := f.as(approver).Create(f.t.Context(), f.decision(decision, request, userID)); err != nil {
		f.t.Fatalf("decide: %v", err)
	}
}

// awaitMessage waits until the request waits for approval and says so with the
// text.
func (f *fixture) awaitMessage(name, text string) *v1alpha1.UserCredentialReset {
	f.t.Helper()
	return f.awaitRequest(name, func(r *v1alpha1.UserCredentialReset) bool {
		said := succeeded(r)
		return said != nil && said.Reason == v1alpha1.ReasonAwaitingApproval && strings.Contains(said.Message, text)
	})
}

// TestAnApprovedRequestIsCarriedOut runs the command that the request shows.
func TestAnApprovedRequestIsCarriedOut(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{workspace: approvalFor(v1alpha1.ResetTypeTOTP)}).withPeople()
	f.askAs(requester, "lost-phone", "alice")
	waiting := f.awaitReason("lost-phone", v1alpha1.ReasonAwaitingApproval)
	if target := waiting.Status.Target; target == nil || target.UserID != simulator.SampleAliceID || target.Host != f.server.URL {
		t.Errorf("the request shows no target to approve: %+v", target)
	}
	f.wantNoRecord("lost-phone")
	f.wantPosts(0)
	_, command, _ := strings.Cut(succeeded(waiting).Message, "with echo ")
	f.runAs(approver, "echo "+command)
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	record := f.record("lost-phone")
	if record.RequestedBy != requester || record.Approval == nil || record.Approval.ApprovedBy != approver {
		t.Errorf("the record says %q asked, and of the approval %+v", record.RequestedBy, record.Approval)
	}
	f.wantPosts(1)
	f.wantResets(simulator.SampleAliceID, 1)
}

// runAs runs a command as it would be pasted into a person's shell.
func (f *fixture) runAs(user, command string) {
	f.t.Helper()
	config, err := clientcmd.LoadFromFile(f.on.cluster.Kubeconfig)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, info := range config.AuthInfos {
		info.Impersonate = user
	}
	kubeconfig := filepath.Join(f.t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, kubeconfig); err != nil {
		f.t.Fatal(err)
	}
	shell := exec.CommandContext(f.t.Context(), "bash", "-euo", "pipefail", "-c", command)
	shell.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "PATH="+f.on.cluster.BinDir()+":"+os.Getenv("PATH"))
	if output, err := shell.CombinedOutput(); err != nil {
		f.t.Fatalf("%s: %v\n%s", command, err, output)
	}
}

// TestADeniedRequestIsOver denies a request, and approves it afterwards.
func TestADeniedRequestIsOver(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{workspace: approvalFor(v1alpha1.ResetTypeTOTP)}).withPeople()
	request := f.askAs(requester, "lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonAwaitingApproval)
	f.decide(v1alpha1.DecisionDenied, request, simulator.SampleAliceID)
	f.awaitReason("lost-phone", v1alpha1.ReasonDenied)
	f.decide(v1alpha1.DecisionApproved, request, simulator.SampleAliceID)
	f.touchWorkspace()
	f.awaitWorkspace(v1alpha1.ReasonConnected)
	f.awaitReason("lost-phone", v1alpha1.ReasonDenied)
	f.wantNoRecord("lost-phone")
	f.wantPosts(0)
}

// TestADenialBesideAnApprovalWins has the workspace suspended, so that both are
// there before anything happens.
func TestADenialBesideAnApprovalWins(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{workspace: approvalFor(v1alpha1.ResetTypeTOTP)}).withPeople()
	request := f.askAs(requester, "lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonAwaitingApproval)
	f.suspend(true)
	f.awaitWorkspace(v1alpha1.ReasonSuspended)
	f.decide(v1alpha1.DecisionApproved, request, simulator.SampleAliceID)
	f.awaitReason("lost-phone", v1alpha1.ReasonWorkspaceSuspended)
	// A denial counts whoever it was thought to mean.
	f.decide(v1alpha1.DecisionDenied, request, simulator.SampleBobID)
	f.awaitReason("lost-phone", v1alpha1.ReasonDenied)
	f.wantPosts(0)
}

// TestAnApprovalThatDoesNotCount covers approvals of something else, each of which
// the request names.
func TestAnApprovalThatDoesNotCount(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{workspace: approvalFor(v1alpha1.ResetTypeTOTP)}).withPeople()
	f.bind(requester, "credential-reset-approver")
	for name, test := range map[string]struct {
		change func(*v1alpha1.ResetApproval)
		said   string
	}{
		"another-person":  {func(a *v1alpha1.ResetApproval) { a.Spec.UserID = simulator.SampleBobID }, "its userID is that of another user"},
		"another-request": {func(a *v1alpha1.ResetApproval) { a.Spec.RequestUID = "11111111-2222-3333-4444-555555555555" }, "its requestUID is that of another request"},
		"nobody":          {func(a *v1alpha1.ResetApproval) { a.Spec.ApprovedBy = "" }, "it does not say who approved"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := f.in(t)
			request := f.askAs(requester, name, "alice")
			f.awaitReason(name, v1alpha1.ReasonAwaitingApproval)
			wrong := f.decision(v1alpha1.DecisionApproved, request, simulator.SampleAliceID)
			test.change(wrong)
			if err := f.as(approver).Create(t.Context(), wrong); err != nil {
				t.Fatal(err)
			}
			f.awaitMessage(name, test.said)
			f.wantNoRecord(name)
			if got := f.chat.Journal().Posts(); got != 0 {
				t.Errorf("%d resets were called", got)
			}
		})
	}
}

// TestTheRightApprovalBesideAWrongOneCounts approves twice.
func TestTheRightApprovalBesideAWrongOneCounts(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{workspace: approvalFor(v1alpha1.ResetTypeTOTP)}).withPeople()
	request := f.askAs(requester, "lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonAwaitingApproval)
	f.decide(v1alpha1.DecisionApproved, request, simulator.SampleBobID)
	f.awaitMessage("lost-phone", "its userID is that of another user")
	f.decide(v1alpha1.DecisionApproved, request, simulator.SampleAliceID)
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.wantPosts(1)
	f.wantResets(simulator.SampleAliceID, 1)
}

// TestAnApprovalIsOfAPersonAndAPlace changes between approval and pass whom the
// name means, or where the workspace is.
func TestAnApprovalIsOfAPersonAndAPlace(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		byID   bool
		change func(*testing.T, *fixture)
		reason string
		resets int
	}{
		"the name now belongs to somebody else": {change: func(_ *testing.T, f *fixture) {
			f.rename(simulator.SampleAliceID, "alice-was-here")
			f.rename(simulator.SampleBobID, "alice")
		}, reason: v1alpha1.ReasonTargetChanged},
		"the name now belongs to nobody": {change: func(_ *testing.T, f *fixture) {
			f.rename(simulator.SampleAliceID, "alice-was-here")
		}, reason: v1alpha1.ReasonUserNotFound},
		"the same person has another name": {byID: true, change: func(_ *testing.T, f *fixture) {
			f.rename(simulator.SampleAliceID, "alina")
		}, reason: v1alpha1.ReasonResetAccepted, resets: 1},
		"the workspace is another server": {change: func(t *testing.T, f *fixture) {
			t.Helper()
			other, err := simulator.Serve(f.chat, simulator.ServeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(other.Close)
			f.update(f.secret, func() { f.secret.Data["url"], f.secret.Data["ca.crt"] = []byte(other.URL), other.CA })
		}, reason: v1alpha1.ReasonTargetChanged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, fixtureOptions{workspace: approvalFor(v1alpha1.ResetTypeTOTP)}).withPeople()
			request := f.request("lost-phone", "alice")
			if test.byID {
				request.Spec.User = v1alpha1.UserReference{ID: simulator.SampleAliceID}
			}
			request.Spec.RequestedBy = requester
			if err := f.as(requester).Create(t.Context(), request); err != nil {
				t.Fatal(err)
			}
			f.awaitReason("lost-phone", v1alpha1.ReasonAwaitingApproval)
			f.suspend(true)
			f.awaitWorkspace(v1alpha1.ReasonSuspended)
			f.decide(v1alpha1.DecisionApproved, request, simulator.SampleAliceID)
			f.awaitReason("lost-phone", v1alpha1.ReasonWorkspaceSuspended)
			test.change(t, f)
			f.suspend(false)
			f.awaitReason("lost-phone", test.reason)
			f.wantPosts(test.resets)
			f.wantResets(simulator.SampleAliceID, test.resets)
			f.wantResets(simulator.SampleBobID, 0)
		})
	}
}

func (f *fixture) rename(userID, username string) {
	f.chat.UpdateUser(userID, func(u *simulator.User) { u.Username = username })
}

// TestAnApprovalOfAnEarlierRequest re-creates the request under its name, for
// somebody else, once it is approved.
func TestAnApprovalOfAnEarlierRequest(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{workspace: approvalFor(v1alpha1.ResetTypeTOTP)}).withPeople()
	request := f.askAs(requester, "lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonAwaitingApproval)
	f.suspend(true)
	f.awaitWorkspace(v1alpha1.ReasonSuspended)
	f.decide(v1alpha1.DecisionApproved, request, simulator.SampleAliceID)
	f.awaitReason("lost-phone", v1alpha1.ReasonWorkspaceSuspended)
	if err := f.as(requester).Delete(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	f.askAs(requester, "lost-phone", "alice")
	f.suspend(false)
	f.awaitMessage("lost-phone", "its requestUID is that of another request")
	f.wantNoRecord("lost-phone")
	f.wantPosts(0)
}

// TestNobodyWritesTheNameOfAnother tries what the policies refuse.
func TestNobodyWritesTheNameOfAnother(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{workspace: approvalFor(v1alpha1.ResetTypeTOTP)}).withPeople()
	f.bind(requester, "credential-reset-approver")
	forged := f.request("forged", "alice")
	forged.Spec.RequestedBy = approver
	if err := f.as(requester).Create(t.Context(), forged); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), requester) {
		t.Errorf("a request in the name of another: %v", err)
	}
	request := f.askAs(requester, "lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonAwaitingApproval)
	approval := f.decision(v1alpha1.DecisionApproved, request, simulator.SampleAliceID)
	forgedApproval := f.decision(v1alpha1.DecisionDenied, request, simulator.SampleAliceID)
	if err := f.as(requester).Create(t.Context(), forgedApproval); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), requester) {
		t.Errorf("an approval in the name of another: %v", err)
	}
	approval.Spec.ApprovedBy = requester
	own := f.as(requester)
	// The policy hears of a request a moment after it was created.
	f.poll(func() (bool, error) {
		err := own.Create(t.Context(), approval.DeepCopy(), client.DryRunAll)
		return apierrors.IsForbidden(err), client.IgnoreNotFound(ignoreForbidden(err))
	})
	if err := own.Create(t.Context(), approval); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "nobody approves their own request") {
		t.Errorf("an approval of the own request: %v", err)
	}
	f.wantPosts(0)
}

func ignoreForbidden(err error) error {
	if apierrors.IsForbidden(err) {
		return nil
	}
	return err
}

// TestARequestThatNobodyCanApprove does not say who asks.
func TestARequestThatNobodyCanApprove(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{workspace: approvalFor(v1alpha1.ResetTypeTOTP)})
	f.ask("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonRequesterUnknown)
	f.wantNoRecord("lost-phone")
	f.wantPosts(0)
}

// TestDecisionsAboutTypesThatNeedNoneAreIgnored denies a request that needs no
// approval.
func TestDecisionsAboutTypesThatNeedNoneAreIgnored(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{workspace: approvalFor(v1alpha1.ResetTypeE2EKey)}).withPeople()
	f.suspend(true)
	f.awaitWorkspace(v1alpha1.ReasonSuspended)
	request := f.ask("lost-phone", "alice")
	f.decide(v1alpha1.DecisionDenied, request, simulator.SampleAliceID)
	f.suspend(false)
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.wantPosts(1)
}

// TestNamesThatNobodyChecksAreNotTrusted runs where no policy is installed, and
// then installs them.
func TestNamesThatNobodyChecksAreNotTrusted(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{apart: true, workspace: approvalFor(v1alpha1.ResetTypeTOTP)}).withPeople()
	f.startOperator(cluster.OperatorOptions{})
	f.awaitWorkspace(v1alpha1.ReasonApprovalPolicyMissing)
	// Without a policy, anybody may say that it was somebody else.
	forged := f.request("forged", "alice")
	forged.Spec.RequestedBy = "somebody"
	f.create(forged)
	f.decide(v1alpha1.DecisionApproved, forged, simulator.SampleAliceID)
	f.awaitReason("forged", v1alpha1.ReasonWorkspaceNotReady)
	f.wantPosts(0)
	// Nor do roles give more than with the policies.
	for name, err := range map[string]error{
		"who may ask approves":    f.as(requester).Create(t.Context(), f.decision(v1alpha1.DecisionApproved, forged, simulator.SampleAliceID)),
		"who may approve asks":    f.as(approver).Create(t.Context(), f.request("by-approver", "bob")),
		"who may ask writes ends": f.as(requester).Status().Patch(t.Context(), forged.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(`{"status":{"outcome":"Failed"}}`))),
		"nobody asks":             f.as("nobody@example.com").Create(t.Context(), f.request("by-nobody", "bob")),
	} {
		if !apierrors.IsForbidden(err) {
			t.Errorf("%s: the API server answered %v", name, err)
		}
	}
	// What needs no approval goes on.
	other := f.request("other-type", "bob")
	other.Spec.Type = v1alpha1.ResetTypeE2EKey
	f.create(other)
	f.awaitReason("other-type", v1alpha1.ReasonResetAccepted)
	f.wantPosts(1)
	for _, file := range []string{"requested-by.yaml", "approved-by.yaml"} {
		if output, err := f.on.cluster.Kubectl(t.Context(), "apply", "--filename", f.on.cluster.Path("config", "policy", file)); err != nil {
			t.Fatalf("install %s: %v\n%s", file, err, output)
		}
	}
	f.awaitWorkspace(v1alpha1.ReasonConnected)
	// What was written before is not believed afterwards.
	f.awaitReason("forged", v1alpha1.ReasonRequesterUnknown)
	request := f.askAs(requester, "lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonAwaitingApproval)
	f.decide(v1alpha1.DecisionApproved, request, simulator.SampleAliceID)
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.wantPosts(2)
}

// TestHumanRoles asks the API server what each shipped role lets somebody do in the
// namespace where it is bound.
func TestHumanRoles(t *testing.T) {
	t.Parallel()
	const ours = "credentialreset.dev"
	resources := map[string]string{
		"usercredentialresets": ours, "usercredentialresets/status": ours, "resetapprovals": ours, "rocketchatworkspaces": ours,
		"rocketchatworkspaces/status": ours, "resetrecords": ours, "secrets": "", "rolebindings": rbacv1.GroupName,
	}
	read := []string{"get", "list", "watch"}
	for role, may := range map[string]map[string][]string{
		"credential-reset-requester": {"usercredentialresets": append([]string{"create", "delete"}, read...)},
		"credential-reset-approver": {
			"resetapprovals": append([]string{"create"}, read...), "usercredentialresets": read,
		},
		"credential-reset-viewer": {"usercredentialresets": read, "resetapprovals": read, "rocketchatworkspaces": read},
		"credential-reset-workspace-admin": {
			"rocketchatworkspaces": append([]string{"create", "update", "patch", "delete"}, read...),
		},
	} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			f := &fixture{t: t, on: suiteOf.shared}
			f.namespace = f.newNamespace("roles")
			user := role + "@example.com"
			f.bind(user, role)
			f.wantRights(f.as(user), resources, may)
		})
	}
	t.Run("credential-reset-auditor", func(t *testing.T) {
		t.Parallel()
		f := &fixture{t: t, on: suiteOf.shared}
		f.namespace = f.newNamespace("roles")
		f.create(&rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{GenerateName: "auditor-"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "credential-reset-auditor"},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "auditor@example.com"}},
		})
		f.wantRights(f.as("auditor@example.com"), resources, map[string][]string{"resetrecords": read})
	})
}

// TestNoRoleIsAggregated looks for shipped roles that others would pick up.
func TestNoRoleIsAggregated(t *testing.T) {
	t.Parallel()
	var roles rbacv1.ClusterRoleList
	if err := suiteOf.shared.kube.List(t.Context(), &roles); err != nil {
		t.Fatal(err)
	}
	ours := 0
	for _, role := range roles.Items {
		if !strings.HasPrefix(role.Name, "credential-reset-") {
			continue
		}
		ours++
		for label := range maps.Keys(role.Labels) {
			if strings.HasPrefix(label, "rbac.authorization.k8s.io/aggregate-") {
				t.Errorf("%s is aggregated: %s", role.Name, label)
			}
		}
	}
	if ours < 5 {
		t.Errorf("%d roles are shipped", ours)
	}
	for _, role := range roles.Items {
		if !slices.Contains([]string{"admin", "edit", "view"}, role.Name) {
			continue
		}
		for _, rule := range role.Rules {
			if slices.Contains(rule.APIGroups, "credentialreset.dev") {
				t.Errorf("%s has rights on our kinds: %v", role.Name, rule)
			}
		}
	}
}
