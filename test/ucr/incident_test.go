package ucr

import (
	"bytes"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

var drillUsers = flag.Int("users", 60, "how many users the incident drill resets")

// crowd are so many users.
func crowd(count int) []simulator.User {
	like := simulator.SampleUsers()[1]
	users := make([]simulator.User, count)
	for i := range users {
		users[i] = like
		users[i].ID = fmt.Sprintf("crowdUser%08d", i)
		users[i].Username = fmt.Sprintf("user%04d", i)
		users[i].Emails = []simulator.Email{{Address: users[i].Username + "@example.org", Verified: true}}
		users[i].Tokens = nil
	}
	return users
}

// file writes a file with a user a line.
func file(t *testing.T, name string, users []simulator.User, more ...string) string {
	t.Helper()
	var lines []string
	for i := range users {
		lines = append(lines, users[i].Username)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(strings.Join(append(lines, more...), "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func budget(resets, seconds int32) func(*v1alpha1.RocketChatWorkspace) {
	return func(w *v1alpha1.RocketChatWorkspace) {
		w.Spec.Budget = &v1alpha1.ResetBudget{MaxResets: resets, PeriodSeconds: seconds}
	}
}

// proxied is a kubeconfig of a ServiceAccount with a requester's rights and a look at
// the workspace, which reaches the API server through a proxy with that hook.
func (f *fixture) proxied(hook cluster.Hook) (string, *cluster.Proxy) {
	f.t.Helper()
	proxy, err := suiteOf.cluster.StartProxy()
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(proxy.Close)
	proxy.Intercept(hook)
	f.create(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: f.support, Name: "desk"}})
	for namespace, role := range map[string]string{f.support: "credential-reset-requester", f.chats: "credential-reset-viewer"} {
		f.create(&rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "desk-"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: f.support, Name: "desk"}},
		})
	}
	token, err := suiteOf.cluster.Token(f.t.Context(), f.support, "desk")
	if err != nil {
		f.t.Fatal(err)
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["proxy"] = &clientcmdapi.Cluster{Server: proxy.URL, CertificateAuthorityData: proxy.Authority()}
	config.AuthInfos["desk"] = &clientcmdapi.AuthInfo{Token: token}
	config.Contexts["desk"] = &clientcmdapi.Context{Cluster: "proxy", AuthInfo: "desk", Namespace: f.support}
	config.CurrentContext = "desk"
	path := filepath.Join(f.t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		f.t.Fatal(err)
	}
	return path, proxy
}

// TestAnIncidentIsInterruptedAndResumed resets many users with one command that is
// interrupted when a third of them has been asked for, just as a request is being
// created, and then run again.
func TestAnIncidentIsInterruptedAndResumed(t *testing.T) {
	t.Parallel()
	users := crowd(*drillUsers)
	count := len(users)
	f := newFixture(t, fixtureOptions{
		users: users, limit: simulator.Limit{Calls: 10, Period: 2 * time.Second}, workspace: budget(600, 3600),
	})
	var created atomic.Int64
	running := make(chan *os.Process, 1)
	ended := make(chan struct{})
	release := sync.OnceFunc(func() { close(ended) })
	kubeconfig, _ := f.proxied(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/usercredentialresets") || created.Add(1) != int64(count/3) {
			next.ServeHTTP(rw, r)
			return
		}
		next.ServeHTTP(httptest.NewRecorder(), r) // it is created, and nobody hears of it
		if err := (<-running).Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		<-ended
		panic(http.ErrAbortHandler)
	})
	t.Cleanup(release)
	args := append([]string{"--kubeconfig", kubeconfig, "reset", "totp", "--from-file", file(t, "breach.txt", users), "--for", "6h"}, f.at()...)

	first := f.command("", args...)
	first.Args = append(first.Args[:1], args...)
	began := time.Now()
	out, end := f.begin(first)
	running <- first.Process
	code := end()
	release()
	if code != 130 {
		t.Fatalf("interrupted, it ended with %d:\n%s", code, out)
	}
	wantSays(t, out.String(), fmt.Sprintf("Incident breach: reset of TOTP for %d users", count), fmt.Sprintf("to ask for    %d", count),
		"600 per 1h, 0 used: lets all begin in time", "10 calls per 1m: lets all begin in time", fmt.Sprintf("all %d, in about", count),
		fmt.Sprintf("interrupted with %d of %d asked for", count/3-1, count), "run the same command again to go on")
	if asked := len(f.requests()); asked != count/3 {
		t.Errorf("%d requests were created before the interruption, want %d", asked, count/3)
	}

	second := f.command("", args...)
	second.Args = append(second.Args[:1], args...)
	got := f.finish(second)
	if got.code != 0 {
		t.Fatalf("resumed, it ended with %d:\n%s%s", got.code, got.out, got.err)
	}
	wantSays(t, got.err, fmt.Sprintf("asked before  %d: ", count/3), fmt.Sprintf("to ask for    %d", count-count/3),
		fmt.Sprintf("%d of %d ended: %d succeeded", count, count, count))
	wantSays(t, got.out, fmt.Sprintf("%d of %d users asked for: %d succeeded\n", count, count, count))
	t.Logf("%d users were reset in %v, by %d calls", count, time.Since(began).Round(time.Second), f.chat.Journal().Posts())
	journal := f.chat.Journal()
	for i := range users {
		if resets := journal.ResetsOf(users[i].ID); resets != 1 {
			t.Errorf("%s was reset %d times", users[i].Username, resets)
		}
	}

	third := f.command("", args...)
	third.Args = append(third.Args[:1], args...)
	got = f.finish(third)
	wantSays(t, got.err, "nobody: this incident has been asked for; another one needs another --incident")
	wantSays(t, got.out, fmt.Sprintf("%d of %d users asked for: %d succeeded\n", count, count, count))
	if asked := len(f.requests()); asked != count {
		t.Errorf("there are %d requests for %d users", asked, count)
	}
}

// TestAnIncidentThatDoesNotFit stops where nobody can be asked, and goes on with
// --yes.
func TestAnIncidentThatDoesNotFit(t *testing.T) {
	t.Parallel()
	users := crowd(8)
	f := newFixture(t, fixtureOptions{users: users, workspace: budget(5, 86400)})
	f.bind(f.chats, requester, "credential-reset-viewer")
	args := append([]string{"reset", "totp", "--from-file", file(t, "breach.txt", users)}, f.at()...)
	f.until(func() bool {
		return strings.Contains(f.as(requester, args...).err, "5 per 24h, 0 used: lets 5 of 8 begin in time\n")
	})
	got := f.ok(5, requester, args...)
	wantSays(t, got.err, "fit           5 of 8", "3 of 8 do not fit; with --for 25h they would, or with a higher spec.budget", "nobody can be asked here: add --yes")
	if len(f.requests()) != 0 {
		t.Errorf("it asked for something")
	}
	screen := f.open(f.command(requester, args...))
	screen.answer("Ask for all 8 all the same? [y/N] ", "n\n")
	if code := screen.code(); code != 5 {
		t.Errorf("answered with no, it ends with %d", code)
	}
	command := f.command(requester, append(args, "--yes")...)
	out, end := f.begin(command)
	f.until(func() bool {
		said := map[string]int{}
		for _, request := range f.requests() {
			for _, condition := range request.Status.Conditions {
				if condition.Type == v1alpha1.ConditionSucceeded {
					said[condition.Reason]++
				}
			}
		}
		return said[v1alpha1.ReasonResetAccepted] == 5 && said[v1alpha1.ReasonBudgetExhausted] == 3 && strings.Contains(out.String(), "5 of 8 ended")
	})
	if err := command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := end(); code != 130 || !strings.Contains(out.String(), "8 of 8 users asked for: 5 succeeded, 3 open\n") {
		t.Errorf("interrupted while it waits, it ends with %d:\n%s", code, out)
	}
	got = f.ok(4, requester, append(args, "--timeout", "1s")...)
	wantSays(t, got.out, "8 of 8 users asked for: 5 succeeded, 3 open\n", "BudgetExhausted")
	list := f.ok(0, viewer, "list", "--incident", "breach").out
	wantSays(t, list, "BudgetExhausted", "TURN")
	if lines := countLines(list); lines != 4 {
		t.Errorf("it lists %d lines:\n%s", lines, list)
	}
	wantSays(t, f.ok(0, auditor, "check", "chat", "-n", f.chats).out, "5 per 24h, 5 used")
}

// TestTheForecastCountsApproval asks for more than fit where each user is looked up
// before and after approval, and for few whose turns are told.
func TestTheForecastCountsApproval(t *testing.T) {
	t.Parallel()
	users := crowd(20)
	f := newFixture(t, fixtureOptions{users: users, workspace: approvalForTOTP, limit: simulator.Limit{Calls: 3, Period: time.Hour}})
	f.bind(f.chats, requester, "credential-reset-viewer")
	args := append([]string{"reset", "totp", "--from-file", file(t, "breach.txt", users), "--for", "2m"}, f.at()...)
	f.until(func() bool { return !strings.Contains(f.as(requester, args...).err, "assumed") })
	got := f.ok(5, requester, args...)
	wantSays(t, got.err, "10 calls per 1m, two for each: before and after approval: lets 0 of 20 begin in time",
		"20 of 20 do not fit; with --for 5m they would if they are approved at once")
	got = f.ok(0, requester, append(args, "--for", "1h", "--wait=false")...)
	wantSays(t, got.err, "all 20, in about 3m, and as long as approvals take")
	f.until(func() bool {
		list := f.ok(0, requester, "list").out
		return strings.Contains(list, "after approval") && strings.Contains(list, "in 1m, then approval")
	})
}

// TestANameThatIsTaken is found out before anything is asked for. A request for the
// same, from wherever, is the incident's.
func TestANameThatIsTaken(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	args := append([]string{"reset", "totp", "--from-file", file(t, "breach.txt", nil, "alice", "bob")}, f.at()...)
	var planned []*v1alpha1.UserCredentialReset
	for document := range strings.SplitSeq(f.ok(0, requester, append(args, "--print")...).out, "---\n") {
		request := &v1alpha1.UserCredentialReset{}
		if err := yaml.UnmarshalStrict([]byte(document), request); err != nil {
			t.Fatal(err)
		}
		request.Labels = nil
		planned = append(planned, request)
	}
	squatter := planned[1].DeepCopy()
	squatter.Spec.User.Username = "carol"
	f.create(squatter)
	wantSays(t, f.ok(5, requester, args...).err, "the name "+squatter.Name+" is taken by a request for something else: choose another --incident")
	if len(f.requests()) != 1 {
		t.Error("it asked for somebody all the same")
	}
	f.awaitReason(squatter.Name, v1alpha1.ReasonResetAccepted)
	if err := suiteOf.kube.Delete(t.Context(), squatter); err != nil {
		t.Fatal(err)
	}
	f.create(planned[0])
	got := f.ok(1, requester, args...)
	wantSays(t, got.err, "asked before  1: ", "to ask for    1")
	// The name was used up by somebody else; nobody is reset by it again.
	wantSays(t, got.out, "2 of 2 users asked for: 1 succeeded, 1 failed", "NameAlreadyUsed")
	f.wantResets(simulator.SampleAliceID, 1)
	f.wantResets(simulator.SampleBobID, 0)
}

// TestAnIncidentByThoseWhoSeeLittle has only a requester's rights, and a file that
// names somebody twice and somebody who is not there.
func TestAnIncidentByThoseWhoSeeLittle(t *testing.T) {
	t.Parallel()
	users := crowd(3)
	f := newFixture(t, fixtureOptions{users: users})
	path := file(t, "Breach 2026.txt", users, "# left out", "", "user0000", "@user0001", "nobody", "id:"+simulator.SampleAliceID)
	args := append([]string{"reset", "e2e-key", "--from-file", path}, f.at()...)
	got := f.ok(1, requester, args...)
	wantSays(t, got.err, "Incident breach-2026-", ": reset of E2EKey for 5 users", "messages encrypted to them become unreadable",
		"60 per 1h, 0 used: lets all begin in time (assumed, as rocketchatworkspaces in the namespace "+f.chats+": needs the ClusterRole credential-reset-viewer there)")
	wantSays(t, got.out, "5 of 5 users asked for: 4 succeeded, 1 failed\n", "nobody", "UserNotFound")
	f.wantResets(simulator.SampleAliceID, 1)

	// More users under the same incident: only they are asked for.
	more := crowd(4)
	f.chat.AddUser(more[3])
	args[3] = file(t, "Breach 2026.txt", more)
	got = f.ok(0, requester, args...)
	wantSays(t, got.err, "asked before  3: 3 succeeded", "to ask for    1")
	for i := range more {
		f.wantResets(more[i].ID, 1)
	}
	printed := f.ok(0, requester, append(args, "--print")...).out
	if documents := strings.Count(printed, "kind: UserCredentialReset"); documents != 4 || strings.Count(printed, "---\n") != 3 {
		t.Errorf("it prints %d requests:\n%s", documents, printed)
	}
	stdin := f.command(requester, append([]string{"reset", "totp", "--from-file", "-"}, f.at()...)...)
	stdin.Stdin = bytes.NewBufferString("user0000\n")
	if got := f.finish(stdin); got.code != 5 || !strings.Contains(got.err, "give the incident a name with --incident") {
		t.Errorf("without a name it ended with %d: %s", got.code, got.err)
	}
}
