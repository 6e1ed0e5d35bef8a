package e2e

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// TestAWorkspaceIsSharedByItsOwner covers requests that come from another
// namespace than the workspace's.
func TestAWorkspaceIsSharedByItsOwner(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	team := f.in(t)
	team.namespace = f.newNamespace("team")
	request := team.request("lost-phone", "alice")
	request.Spec.WorkspaceRef.Namespace = f.namespace
	f.create(request)
	notShared := team.awaitReason("lost-phone", v1alpha1.ReasonWorkspaceNotAvailable)

	absent := team.request("absent", "alice")
	absent.Spec.WorkspaceRef = v1alpha1.WorkspaceReference{Namespace: f.namespace, Name: "absent"}
	f.create(absent)
	noSuch := team.awaitReason("absent", v1alpha1.ReasonWorkspaceNotAvailable)
	noNamespace := team.request("no-namespace", "alice")
	noNamespace.Spec.WorkspaceRef = v1alpha1.WorkspaceReference{Namespace: "absent", Name: "chat"}
	f.create(noNamespace)
	nowhere := team.awaitReason("no-namespace", v1alpha1.ReasonWorkspaceNotAvailable)
	for _, other := range []*v1alpha1.UserCredentialReset{noSuch, nowhere} {
		diff := cmp.Diff(notShared.Status, other.Status, cmpopts.IgnoreFields(metav1.Condition{}, "LastTransitionTime"))
		if diff != "" {
			t.Errorf("who may not use a workspace learns whether it exists (-not shared +absent):\n%s", diff)
		}
	}
	f.wantPosts(0)

	// Sharing it with others changes nothing; sharing it lets the request go on.
	f.update(f.workspace, func() {
		f.workspace.Spec.AllowedNamespaces = &v1alpha1.NamespaceSelection{Names: []string{"others"}}
	})
	f.awaitWorkspace(v1alpha1.ReasonConnected)
	team.awaitReason("lost-phone", v1alpha1.ReasonWorkspaceNotAvailable)
	f.update(f.workspace, func() {
		f.workspace.Spec.AllowedNamespaces.Names = []string{"others", team.namespace}
	})
	team.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	if got := team.record("lost-phone"); got.Workspace.Namespace != f.namespace || got.Request.Namespace != team.namespace {
		t.Errorf("record %+v", got)
	}
	f.wantPosts(1)
	f.wantResets(simulator.SampleAliceID, 1)
}

func TestAWorkspaceSharedBeforehandIsUsedAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	team := f.in(t)
	team.namespace = f.newNamespace("team")
	f.update(f.workspace, func() {
		f.workspace.Spec.AllowedNamespaces = &v1alpha1.NamespaceSelection{Names: []string{team.namespace}}
	})
	f.awaitWorkspace(v1alpha1.ReasonConnected)
	request := team.request("lost-phone", "alice")
	request.Spec.WorkspaceRef.Namespace = f.namespace
	f.create(request)
	team.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	// Its own namespace needs no mention.
	own := f.request("lost-phone", "bob")
	own.Spec.WorkspaceRef.Namespace = ""
	f.create(own)
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.wantPosts(2)
}

func TestATypeIsAllowedLater(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{workspace: func(w *v1alpha1.RocketChatWorkspace) {
		w.Spec.AllowedTypes = []v1alpha1.ResetType{v1alpha1.ResetTypeE2EKey}
	}})
	f.ask("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonTypeNotAllowed)
	f.wantPosts(0)
	f.update(f.workspace, func() {
		f.workspace.Spec.AllowedTypes = append(f.workspace.Spec.AllowedTypes, v1alpha1.ResetTypeTOTP)
	})
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.wantPosts(1)
	f.wantResets(simulator.SampleAliceID, 1)
}

func TestASuspendedWorkspaceResetsNobody(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	f.suspend(true)
	f.awaitWorkspace(v1alpha1.ReasonSuspended)
	f.ask("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonWorkspaceSuspended)
	f.wantPosts(0)
	f.suspend(false)
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.awaitWorkspace(v1alpha1.ReasonConnected)
	f.wantPosts(1)
	f.wantResets(simulator.SampleAliceID, 1)
}

func (f *fixture) suspend(suspend bool) {
	f.t.Helper()
	f.update(f.workspace, func() { f.workspace.Spec.Suspend = &suspend })
}

// TestAPermissionThatIsKnownToBeMissingIsNotTried covers an account whose roles
// do not suffice: the server is not asked to refuse.
func TestAPermissionThatIsKnownToBeMissingIsNotTried(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{notReady: true, users: func(all []simulator.User) []simulator.User {
		all[0].Roles = []string{"bot"}
		return all
	}})
	f.awaitWorkspace(v1alpha1.ReasonPermissionMissing)
	f.ask("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonPermissionMissing)
	f.wantNoRecord("lost-phone")
	f.wantPosts(0)
	f.chat.UpdateUser(simulator.SampleBotID, func(bot *simulator.User) { bot.Roles = []string{simulator.RoleReset} })
	f.awaitWorkspace(v1alpha1.ReasonConnected)
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.wantPosts(1)
	f.wantResets(simulator.SampleAliceID, 1)
}
