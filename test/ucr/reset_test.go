package ucr

import (
	"net/http"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

func TestAResetIsAskedForAndWaitedFor(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	got := f.reset("lost-phone", "alice", "--wait", "--justification", "TICKET-4711", "--for", "30m")
	if got.code != 0 {
		t.Fatalf("it ended with %d: %s%s", got.code, got.out, got.err)
	}
	wantSays(t, got.out, "usercredentialreset.credentialreset.dev/lost-phone created; void after ", "lost-phone Succeeded: Rocket.Chat confirmed the reset")
	request := f.request("lost-phone")
	if request.Spec.RequestedBy != requester || request.Spec.Justification != "TICKET-4711" {
		t.Errorf("the request says %+v", request.Spec)
	}
	if window := request.Spec.NotAfterTime.Sub(request.CreationTimestamp.Time); window < 29*time.Minute || window > 31*time.Minute {
		t.Errorf("the window is %v", window)
	}
	f.wantResets(simulator.SampleAliceID, 1)
}

// TestExitCodes waits for every way in which a request ends.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	f.reset("succeeds", "alice")
	f.reset("fails", "nobody")
	f.create(&v1alpha1.UserCredentialReset{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.support, Name: "is-skipped"},
		Spec: v1alpha1.UserCredentialResetSpec{
			WorkspaceRef: v1alpha1.WorkspaceReference{Name: "chat", Namespace: f.chats},
			User:         v1alpha1.UserReference{Username: "bob"}, Type: v1alpha1.ResetTypeTOTP,
			NotAfterTime: metav1.NewTime(time.Now().Add(-time.Hour).Truncate(time.Second)),
		},
	})
	f.awaitReason("succeeds", v1alpha1.ReasonResetAccepted)
	f.chat.Intercept(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodPost {
			rw.WriteHeader(http.StatusBadGateway)
			return
		}
		next.ServeHTTP(rw, r)
	})
	f.reset("is-lost", "carol")
	for name, want := range map[string]struct {
		code int
		says string
	}{
		"succeeds":   {0, "Succeeded"},
		"fails":      {1, "Failed: The workspace has no such user"},
		"is-skipped": {2, "Skipped: The request was created after its own notAfterTime"},
		"is-lost":    {3, "Unconfirmed: Rocket.Chat was called and gave no answer that proves anything"},
		"not-there":  {5, ""},
	} {
		got := f.ok(want.code, requester, "wait", name)
		wantSays(t, got.out, want.says)
	}
	f.reset("elsewhere", "alice", "-w", "another")
	f.awaitReason("elsewhere", v1alpha1.ReasonWorkspaceNotAvailable)
	got := f.ok(4, requester, "wait", "elsewhere", "--timeout", "5s")
	wantSays(t, got.err, "WorkspaceNotAvailable: There is no such workspace", "elsewhere has not ended within 5s; see why: kubectl ucr why elsewhere")
	f.wantResets(simulator.SampleAliceID, 1)
}

func TestWhatIsPrintedForGit(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	got := f.reset("lost-phone", "id:"+simulator.SampleAliceID, "--print", "--justification", "TICKET-4711")
	var printed v1alpha1.UserCredentialReset
	if err := yaml.UnmarshalStrict([]byte(got.out), &printed); err != nil {
		t.Fatalf("%v\n%s%s", err, got.out, got.err)
	}
	if strings.Contains(got.out, "status") || strings.Contains(got.out, "creationTimestamp") || printed.Spec.RequestedBy != "" {
		t.Errorf("it says more than it should:\n%s", got.out)
	}
	if len(f.requests()) != 0 {
		t.Errorf("it asked for something")
	}
	// Whoever applies it asks.
	f.create(&printed)
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	f.wantResets(simulator.SampleAliceID, 1)
}

// TestAgain asks again for a person whose name another one has by now.
func TestAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	f.reset("lost-phone", "alice", "--wait")
	open := f.reset("elsewhere", "alice", "-w", "another")
	if open.code != 0 {
		t.Fatal(open.err)
	}
	wantSays(t, f.ok(5, requester, "again", "elsewhere").err, "elsewhere has not ended")
	got := f.ok(5, requester, "again", "lost-phone")
	wantSays(t, got.err, "nobody can be asked here: add --yes")
	// A request of the same second may be a replay of the one that succeeded.
	ended := f.request("lost-phone").Status.CompletionTime.Add(time.Second)
	f.until(func() bool { return time.Now().After(ended) })
	got = f.ok(0, requester, "again", "lost-phone", "--yes", "--wait", "--name", "lost-phone-too", "--justification", "TICKET-4712")
	wantSays(t, got.out, "lost-phone-too Succeeded")
	request := f.request("lost-phone-too")
	if request.Spec.User != (v1alpha1.UserReference{ID: simulator.SampleAliceID}) || request.Spec.Justification != "TICKET-4712" {
		t.Errorf("it asks for %+v", request.Spec)
	}
	f.wantResets(simulator.SampleAliceID, 2)
}

func TestVersion(t *testing.T) {
	t.Parallel()
	f := &fixture{t: t}
	wantSays(t, f.ok(0, requester, "version").out, testVersion)
	wantSays(t, f.ok(0, requester, "version", "-o", "json").out, `{"version":"`+testVersion+`"}`)
}

func TestOutputForPrograms(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	got := f.reset("lost-phone", "alice", "-o", "name")
	if got.out != "usercredentialreset.credentialreset.dev/lost-phone\n" {
		t.Errorf("-o name prints %q", got.out)
	}
	got = f.ok(0, requester, "wait", "lost-phone", "-o", "json")
	var request v1alpha1.UserCredentialReset
	if err := yaml.Unmarshal([]byte(got.out), &request); err != nil || request.Status.Outcome != v1alpha1.OutcomeSucceeded || request.Kind == "" {
		t.Errorf("wait -o json prints %q: %v", got.out, err)
	}
	var ended v1alpha1.UserCredentialReset
	got = f.reset("another-phone", "bob", "-o", "json", "--wait")
	if err := yaml.UnmarshalStrict([]byte(got.out), &ended); err != nil || ended.Status.Outcome != v1alpha1.OutcomeSucceeded {
		t.Errorf("reset --wait -o json prints %q: %v", got.out, err)
	}
	wantSays(t, f.ok(0, requester, "list", "--all", "-o", "yaml").out, "kind: List", "kind: UserCredentialReset", "name: lost-phone")
	wantSays(t, f.ok(0, requester, "list", "--all", "-o", "name").out, "usercredentialreset.credentialreset.dev/lost-phone")
	wantSays(t, f.ok(0, requester, "why", "lost-phone", "-o", "json").out, `"headline":"Succeeded (ResetAccepted)`)
	wantSays(t, f.ok(0, viewer, "check", "chat", "-n", f.chats, "-o", "yaml").out, "healthy: true")
}
