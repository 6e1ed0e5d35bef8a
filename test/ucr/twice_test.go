package ucr

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// many asks for those in a file, in the incident breach.
func (f *fixture) many(t *testing.T, lines []string, more ...string) []string {
	t.Helper()
	args := append([]string{"reset", "totp", "--from-file", file(t, "breach.txt", nil, lines...)}, f.at()...)
	return append(args, more...)
}

// TestNobodyIsResetTwiceInOneIncident, in whichever way they are written.
func TestNobodyIsResetTwiceInOneIncident(t *testing.T) {
	t.Parallel()
	const alice, bob, carol = "id:" + simulator.SampleAliceID, "id:" + simulator.SampleBobID, "id:" + simulator.SampleCarolID
	for name, runs := range map[string][][]string{
		"by name, then by id": {{"alice", "bob"}, {alice, bob, carol}},
		"by id, then by name": {{alice, bob}, {"alice", "bob", "carol"}},
		"in one file":         {{alice, "alice", "bob", carol, "carol"}, {"bob", bob}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, fixtureOptions{})
			for _, lines := range runs {
				f.ok(0, requester, f.many(t, lines)...)
			}
			for _, id := range []string{simulator.SampleAliceID, simulator.SampleBobID, simulator.SampleCarolID} {
				f.wantResets(id, 1)
			}
			got := f.ok(0, requester, f.many(t, []string{"alice", bob, "carol"})...)
			wantSays(t, got.err, "asked before  3: 3 succeeded", "same person   ", "to ask for    nobody")
			wantSays(t, got.out, "3 of 3 users asked for: 3 succeeded")
			if asked := len(f.requests()); asked != 3 {
				t.Errorf("there are %d requests for three people", asked)
			}
		})
	}
}

// TestWhoMayBeAskedForAlreadyIsHeldBack until it is known who they are.
func TestWhoMayBeAskedForAlreadyIsHeldBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	f.suspend(true)
	lines := []string{"alice", "bob", "id:" + simulator.SampleAliceID}
	got := f.ok(4, requester, f.many(t, lines, "--timeout", "2s")...)
	wantSays(t, got.err, "to ask for    3: 1 at once, 2 when it is known who those are", "1 of 3 were asked for in that time: run the same command again")
	got = f.ok(4, requester, f.many(t, lines, "--timeout", "2s", "--wait=false")...)
	wantSays(t, got.err, "asked before  1: 1 open", "to ask for    2, when it is known whom earlier requests mean")
	out, end := f.begin(f.command(requester, f.many(t, lines)...))
	f.suspend(false)
	if code := end(); code != 0 {
		t.Errorf("it ended with %d:\n%s", code, out)
	}
	wantSays(t, out.String(), "same person   alice: breach-axk9", "2 of 2 users asked for: 2 succeeded")
	f.wantResets(simulator.SampleAliceID, 1)
	f.wantResets(simulator.SampleBobID, 1)
}

// TestAnIncidentFromTwoNamespaces asks for nobody again whom those have asked for who
// may be seen.
func TestAnIncidentFromTwoNamespaces(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	desk, wide := f.support+"-desk", "wilma-"+f.support+"@example.com"
	f.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: desk}})
	f.bind(desk, wide, "credential-reset-requester")
	f.create(&rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "wilma-"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "credential-reset-viewer"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: wide}},
	})
	f.get(f.workspace)
	before := f.workspace.DeepCopy()
	f.workspace.Spec.AllowedNamespaces.Names = append(f.workspace.Spec.AllowedNamespaces.Names, desk)
	if err := suiteOf.kube.Patch(t.Context(), f.workspace, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	f.ok(0, requester, f.many(t, []string{"alice"})...)
	f.until(func() bool { return f.as(wide, "list", "-A").code == 0 })
	got := f.ok(0, wide, f.many(t, []string{"id:" + simulator.SampleAliceID, "bob"}, "-n", desk)...)
	wantSays(t, got.err, "reset of TOTP for 2 users", "elsewhere     1 in "+f.support+": 1 succeeded", "to ask for    1\n")
	wantSays(t, got.out, "1 of 1 users asked for: 1 succeeded")
	f.wantResets(simulator.SampleAliceID, 1)
	f.wantResets(simulator.SampleBobID, 1)
	got = f.ok(0, wide, f.many(t, []string{"alice"}, "-n", desk)...)
	wantSays(t, got.err, "elsewhere     1 in "+f.support, "to ask for    nobody")
	var list v1alpha1.UserCredentialResetList
	if err := suiteOf.kube.List(t.Context(), &list, client.InNamespace(desk)); err != nil || len(list.Items) != 1 {
		t.Errorf("%d requests were made: %v", len(list.Items), err)
	}
}

// TestAgainBelongsToTheIncident lists what is asked for again beside what it repeats.
func TestAgainBelongsToTheIncident(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	f.ok(1, requester, f.many(t, []string{"nobody"})...)
	names := strings.Fields(f.ok(0, requester, "list", "--all", "--incident", "breach", "-o", "name").out)
	f.ok(1, requester, "again", names[0], "--name", "once-more", "--wait")
	wantSays(t, f.ok(0, requester, "list", "--all", "--incident", "breach").out, "once-more", "breach-nobody-")
}

// TestAgainForMany asks for several at once, for each person once, and asks before it
// repeats what was repeated already.
func TestAgainForMany(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	f.ok(1, requester, f.many(t, []string{"nobody", "dave"})...)
	names := strings.Fields(f.ok(0, requester, "list", "--all", "--incident", "breach", "-o", "name").out)
	if len(names) != 2 {
		t.Fatalf("there are %q", names)
	}
	wantSays(t, f.ok(5, requester, append([]string{"again", "--name", "x"}, names...)...).err, "--name is for one request")
	wantSays(t, f.ok(5, requester, append([]string{"again", "--wait"}, names...)...).err, "--wait is for one request")
	printed := f.ok(0, requester, append([]string{"again", "--print"}, names...)...).out
	if documents := strings.Count(printed, "kind: UserCredentialReset"); documents != 2 || strings.Count(printed, "---\n") != 1 {
		t.Errorf("it prints %d requests:\n%s", documents, printed)
	}
	like := simulator.SampleUsers()[1]
	for id, name := range map[string]string{"dE5sG8wNc3RyA2JkM": "dave", "nO7bO9dYf2UzE4KlP": "nobody"} {
		like.ID, like.Username, like.Emails, like.Tokens = id, name, nil, nil
		f.chat.AddUser(like)
	}
	created := f.request(names[0][strings.Index(names[0], "/")+1:]).CreationTimestamp
	f.until(func() bool { return time.Since(created.Time) > 2*time.Second })
	wantSays(t, f.ok(5, requester, append([]string{"again", "missing"}, names...)...).err, "there is no request missing")
	said := f.ok(0, requester, append([]string{"again", names[0]}, names...)...).out
	if lines := countLines(said); lines != 2 {
		t.Errorf("for two persons, it prints %d lines:\n%s", lines, said)
	}
	for name := range strings.Lines(said) {
		f.ok(0, requester, "wait", strings.Fields(name)[0])
	}
	got := f.ok(5, requester, append([]string{"again", "--yes"}, names...)...)
	wantSays(t, got.err, "Note: dave was asked for again already, by ", ": left out\n", "nobody is left to ask for")
	screen := f.open(f.command(requester, "again", names[0]))
	screen.answer(" was asked for again already, by ", "n\n")
	if code := screen.code(); code != 5 {
		t.Errorf("answered with no, it ends with %d:\n%s", code, screen.screen())
	}
	f.wantResets("dE5sG8wNc3RyA2JkM", 1)
}
