package ucr

import (
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

func approvalForTOTP(w *v1alpha1.RocketChatWorkspace) {
	w.Spec.ApprovalRequiredTypes = []v1alpha1.ResetType{v1alpha1.ResetTypeTOTP}
}

func TestApprove(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{workspace: approvalForTOTP})
	f.bind(f.support, requester, "credential-reset-approver")
	f.reset("lost-phone", "alice", "--justification", "TICKET-4711")
	f.awaitReason("lost-phone", v1alpha1.ReasonAwaitingApproval)
	wantSays(t, f.ok(0, requester, "list").out, "AwaitingApproval", "after approval")
	wantSays(t, f.ok(0, requester, "why", "lost-phone").out, "kubectl ucr approve lost-phone -n "+f.support)
	wantSays(t, f.ok(5, requester, "approve", "lost-phone", "--yes").err, "nobody approves their own request: somebody else has to")
	got := f.ok(5, approver, "approve", "lost-phone")
	wantSays(t, got.err, "alice (id "+simulator.SampleAliceID+")", f.server.URL, "a password alone logs in", "logs the user out everywhere",
		requester, "TICKET-4711", "nobody can be asked here: add --yes if you are sure")
	f.wantResets(simulator.SampleAliceID, 0)
	got = f.ok(0, approver, "approve", "lost-phone", "--yes", "-m", "seen the passport")
	wantSays(t, got.out, "lost-phone approved (resetapproval.credentialreset.dev/lost-phone-")
	f.ok(0, requester, "wait", "lost-phone")
	f.wantResets(simulator.SampleAliceID, 1)
	wantSays(t, f.ok(0, auditor, "why", "lost-phone").out, "approved by", approver+": seen the passport", "attempt 1: Rocket.Chat confirmed the reset")
	wantSays(t, f.ok(5, approver, "approve", "lost-phone", "--yes").err, "lost-phone has ended (Succeeded)")
}

// TestApproveThoseThatCanBe decides about who is shown, and names the others.
func TestApproveThoseThatCanBe(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{workspace: approvalForTOTP})
	f.reset("alices", "alice")
	f.reset("bobs", "bob")
	for _, name := range []string{"alices", "bobs"} {
		f.awaitReason(name, v1alpha1.ReasonAwaitingApproval)
	}
	f.reset("elsewhere", "carol", "-w", "another")
	f.awaitReason("elsewhere", v1alpha1.ReasonWorkspaceNotAvailable)
	names := []string{"alices", "elsewhere", "nothing", "bobs"}
	screen := f.open(f.command(approver, append([]string{"approve"}, names...)...))
	screen.answer("Approve 2 of these 4 requests? [y/N] ", "n\n")
	if code := screen.code(); code != 5 || len(f.approvals()) != 0 {
		t.Errorf("answered with no, it ends with %d:\n%s", code, screen.screen())
	}
	got := f.ok(1, approver, append([]string{"approve", "--yes"}, names...)...)
	wantSays(t, got.out, "alices approved", "bobs approved")
	wantSays(t, got.err, "2 of 4 were not decided about:\n", "elsewhere does not show yet whom it means (WorkspaceNotAvailable)", "there is no request nothing in the namespace")
	for _, name := range []string{"alices", "bobs"} {
		f.ok(0, requester, "wait", name)
	}
	got = f.ok(5, approver, "approve", "--yes", "alices", "elsewhere")
	wantSays(t, got.err, "alices has ended (Succeeded)", "elsewhere does not show yet whom it means")
	f.wantResets(simulator.SampleAliceID, 1)
}

func TestDeny(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{workspace: approvalForTOTP})
	for _, name := range []string{"alices", "bobs"} {
		f.reset(name, name[:len(name)-1])
		f.awaitReason(name, v1alpha1.ReasonAwaitingApproval)
	}
	wantSays(t, f.ok(0, approver, "deny", "alices", "bobs", "--yes", "-m", "not the person").out, "alices denied", "bobs denied")
	for _, name := range []string{"alices", "bobs"} {
		wantSays(t, f.ok(1, requester, "wait", name).out, "Failed: An approver denied the request")
	}
	f.wantResets(simulator.SampleAliceID, 0)
}

// TestWhy tells of an attempt that was refused and one that was lost, to those who
// may read records and to those who may not.
func TestWhy(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	f.chat.Intercept(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodPost {
			rw.WriteHeader(http.StatusBadGateway)
			return
		}
		next.ServeHTTP(rw, r)
	})
	f.reset("lost-phone", "alice")
	f.ok(3, requester, "wait", "lost-phone")
	wantSays(t, f.ok(0, auditor, "why", "lost-phone").out,
		"Unconfirmed (OutcomeUnconfirmed)", "resolved to  alice (id "+simulator.SampleAliceID+")", "record",
		"attempt 1: the call was made, and nothing proves what came of it (OutcomeUnconfirmed)",
		"ask alice whether they were logged out", "kubectl ucr again lost-phone -n "+f.support)
	told := f.ok(0, requester, "why", "lost-phone").out
	wantSays(t, told, "Unconfirmed (OutcomeUnconfirmed)", "the request ended as Unconfirmed",
		"the attempts: resetrecords: needs the ClusterRole credential-reset-auditor in the whole cluster",
		"the events: events in the namespace "+f.support+": needs the ClusterRole view there")
	// Nothing fills the role view in here; this is what it is filled with.
	f.bind(f.support, requester, "system:aggregate-to-view")
	f.until(func() bool {
		return strings.Contains(f.ok(0, requester, "why", "lost-phone").out, "OutcomeUnconfirmed: Rocket.Chat was called")
	})
	// The record outlives the request.
	if err := suiteOf.kube.Delete(t.Context(), f.request("lost-phone")); err != nil {
		t.Fatal(err)
	}
	wantSays(t, f.ok(0, auditor, "why", "lost-phone").out, "The request is gone; its record says: the call was made")
	wantSays(t, f.ok(5, requester, "why", "lost-phone").err, "there is no request lost-phone in the namespace "+f.support)
}

func TestCheck(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	wantSays(t, f.ok(0, viewer, "check", "chat", "-n", f.chats).out,
		"✓ seen by the operator", "✓ server answers: "+f.server.URL+", Rocket.Chat 8.6", "✓ token is accepted: reset-bot",
		"✓ second factor is accepted: TOTP", "budget       60 per 1h", "namespaces   "+f.chats+", "+f.support)
	broken := newFixture(t, fixtureOptions{
		secret:   func(s *corev1.Secret) { s.Data["authToken"] = []byte("no-such-token") },
		notReady: v1alpha1.ReasonTokenRejected,
	})
	wantSays(t, broken.ok(1, viewer, "check", "chat", "-n", broken.chats).out,
		"✓ server answers", "✗ token is accepted: Rocket.Chat does not accept the token", "? second factor is accepted")
	wantSays(t, broken.ok(5, viewer, "check", "chat").err, "there is no workspace chat in the namespace "+broken.support)
}

// TestEveryRefusalIsASentence has people do what they may not.
func TestEveryRefusalIsASentence(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{workspace: approvalForTOTP})
	f.reset("lost-phone", "alice")
	f.awaitReason("lost-phone", v1alpha1.ReasonAwaitingApproval)
	reset := append([]string{"reset", "totp", "alice"}, f.at()...)
	for name, test := range map[string]struct {
		user string
		args []string
		says string
	}{
		"a stranger asks": {
			stranger, reset,
			stranger + " may not create usercredentialresets in the namespace " + f.support + "; an administrator can bind the ClusterRole credential-reset-requester: " +
				"kubectl create rolebinding credential-reset-requester-sam-example-com --clusterrole=credential-reset-requester --user=" + stranger + " -n " + f.support,
		},
		"a viewer asks":            {viewer, reset, "bind the ClusterRole credential-reset-requester"},
		"a stranger lists":         {stranger, []string{"list"}, "may not list usercredentialresets in the namespace " + f.support + "; an administrator can bind the ClusterRole credential-reset-viewer"},
		"a requester lists all":    {requester, []string{"list", "-A"}, "may not list usercredentialresets in the whole cluster"},
		"a stranger waits":         {stranger, []string{"wait", "lost-phone"}, "credential-reset-viewer"},
		"a viewer approves":        {viewer, []string{"approve", "lost-phone", "--yes"}, "may not create resetapprovals in the namespace " + f.support + "; an administrator can bind the ClusterRole credential-reset-approver"},
		"a requester checks":       {requester, []string{"check", "chat", "-n", f.chats}, "may not get rocketchatworkspaces in the namespace " + f.chats},
		"too long a window":        {requester, append(reset, "--for", "200h"), "a window is seven days (168h) at most"},
		"no such type":             {requester, append([]string{"reset", "password", "alice"}, f.at()...), `"password" is nothing that can be reset: say totp or e2e-key`},
		"no user":                  {requester, append([]string{"reset", "totp"}, f.at()...), "name a user, or a file with users with --from-file"},
		"no workspace":             {requester, []string{"reset", "totp", "alice"}, `required flag(s) "workspace" not set`},
		"an impossible username":   {requester, append([]string{"reset", "totp", " alice"}, f.at()...), `" alice" is no username`},
		"a name that is taken":     {requester, append(reset, "--name", "lost-phone"), "there is a request lost-phone in the namespace " + f.support + " already: choose another --name"},
		"a name that is no name":   {requester, append(reset, "--name", "Lost_Phone"), "the API server does not accept it: metadata.name: "},
		"a long justification":     {requester, append(reset, "--justification", long(300)), "spec.justification: Too long"},
		"nothing to be waited for": {requester, []string{"wait", "nothing"}, "there is no request nothing in the namespace " + f.support + ": check the spelling"},
		"a namespace that is not":  {requester, append(reset, "-n", "nowhere"), "nowhere"},
		"a server that is not":     {requester, []string{"list", "--server", "https://127.0.0.1:1"}, "the API server at https://127.0.0.1:1 cannot be reached: check the network, or choose another --context"},
		"a context that is not":    {requester, []string{"list", "--context", "nothing"}, `the kubeconfig cannot be used: context "nothing" does not exist`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sub := *f
			sub.t = t
			got := sub.ok(5, test.user, test.args...)
			wantSays(t, got.err, test.says)
			if lines := countLines(got.err); test.user != viewer && lines != 1 {
				t.Errorf("it takes %d lines:\n%s", lines, got.err)
			}
		})
	}
}
