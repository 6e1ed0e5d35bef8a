package ucr

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

var updatePage = flag.Bool("update", false, "write what the examples print into docs/kubectl-ucr.md")

// example is a command of the page with what it prints.
var example = regexp.MustCompile("```console\n\\$ (kubectl ucr [^\n]*)\n((?:[^`]*\n)?)```\n")

// TestThePageShowsWhatIsPrinted runs the examples of the page in their order.
func TestThePageShowsWhatIsPrinted(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{
		names: [2]string{"chat", "support"},
		users: crowd(12),
		workspace: func(w *v1alpha1.RocketChatWorkspace) {
			w.Spec.ApprovalRequiredTypes = []v1alpha1.ResetType{v1alpha1.ResetTypeE2EKey}
			w.Spec.Budget = &v1alpha1.ResetBudget{MaxResets: 600}
		},
	})
	f.bind(f.chats, requester, "credential-reset-viewer")
	path := suiteOf.cluster.Path("docs", "kubectl-ucr.md")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(file(t, "breach.txt", crowd(12)))
	ran := 0
	after := example.ReplaceAllStringFunc(string(before), func(block string) string {
		ran++
		parts := example.FindStringSubmatch(block)
		printed := f.shell(dir, parts[1])
		if diff := cmp.Diff(steady(parts[2]), steady(printed)); diff != "" && !*updatePage {
			t.Errorf("%s prints something else (-page +printed):\n%s", parts[1], diff)
		}
		f.settle()
		return "```console\n$ " + parts[1] + "\n" + printed + "```\n"
	})
	if blocks := strings.Count(string(before), "```console\n"); ran != blocks || ran == 0 {
		t.Errorf("%d of the page's %d examples were run", ran, blocks)
	}
	if *updatePage {
		if err := os.WriteFile(path, []byte(after), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// settle waits until every request has ended or waits for a decision, so that the next
// example finds what the page shows.
func (f *fixture) settle() {
	f.t.Helper()
	f.until(func() bool {
		decided := map[string]bool{}
		for _, approval := range f.approvals() {
			decided[approval.Spec.RequestName] = true
		}
		for _, request := range f.requests() {
			if request.Status.Outcome == "" && (request.Status.Target == nil || decided[request.Name]) {
				return false
			}
		}
		return true
	})
}

// shell runs an example as the one who would, and returns what a terminal would show.
func (f *fixture) shell(dir, command string) string {
	f.t.Helper()
	who := requester
	for word, person := range map[string]string{" approve ": approver, " deny ": approver, " why ": auditor, " check ": viewer} {
		if strings.Contains(command, word) {
			who = person
		}
	}
	f.until(func() bool { return f.as(who, "list").code == 0 })
	script := `kubectl() { shift; "$PLUGIN" --kubeconfig "$ADMIN" --as "$WHO" -n support "$@"; }; ` + command
	shell := exec.CommandContext(f.t.Context(), "bash", "-c", script)
	shell.Dir = dir
	shell.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "PLUGIN=" + suiteOf.plugin, "ADMIN=" + suiteOf.cluster.Kubeconfig, "WHO=" + who}
	output, err := shell.CombinedOutput()
	if err != nil && len(output) == 0 {
		f.t.Fatalf("%s: %v", command, err)
	}
	return string(output)
}

// steady leaves out of what was printed what is another every time.
func steady(text string) string {
	for pattern, with := range map[string]string{
		`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`:       "TIME",
		`\d{8}-\d{6}`:                           "STAMP",
		`127\.0\.0\.1:\d+`:                      "HOST",
		`(bobs-key|lost-phone)-[0-9a-z]{5}\b`:   "$1-RANDOM",
		`(?m)^[A-Z][A-Za-z]+: .*\n`:             "", // what is waited for on the way
		`(?m)^\d+ of \d+ (asked for|ended).*\n`: "",
		` +(\d+[dhms])+ +`:                      " AGE ",
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, with)
	}
	return text
}
