package docs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// absence is why commands of a page are not run by a story here.
type absence struct {
	page     string
	commands string // what they begin with; all of the page if empty
	// One of these two.
	test   string // the file and the name of the test that runs them, or does what they do, or .ci/run and its line
	reason string
	// Whether make is asked if it knows the targets.
	rehearsed bool
}

// absences are all commands that no story runs.
func absences() []absence {
	const aRelease = "it takes a release that was published, with the signatures of the workflow that made it"
	return []absence{
		{page: "CONTRIBUTING.md", commands: "make ", rehearsed: true, reason: "it tests all of this tree, changes it or takes minutes: a contributor's own commands, of which .ci/run runs what must hold"},
		{page: "README.md", commands: "make demo", rehearsed: true, test: ".ci/run make demo"},
		{page: "README.md", commands: "make test", rehearsed: true, test: ".ci/run make test"},
		{page: "README.md", commands: "make image ", rehearsed: true, test: "hack/release/registry_test.go TestAnImageIsPushedBeforeItHasAName"},
		{page: "docs/helm.md", commands: "helm install credential-reset-operator charts/credential-reset-operator --namespace credentialreset-system \\\n  --set ", test: "test/helm/installation_test.go TestFromInstallationToUninstallation"},
		{page: "docs/helm.md", commands: "helm install credential-reset-operator charts/credential-reset-operator --namespace credentialreset-system \\\n  --take-ownership", test: "test/helm/installation_test.go TestWhatConfigInstalledIsTakenOver"},
		{page: "docs/helm.md", commands: "helm uninstall ", test: "test/helm/installation_test.go TestFromInstallationToUninstallation"},
		{page: "docs/kubectl-ucr.md", test: "test/ucr/page_test.go TestThePageShowsWhatIsPrinted"},
		{page: "docs/releases.md", commands: "cosign verify-blob ", reason: aRelease},
		{page: "docs/releases.md", commands: "gh attestation verify ", reason: aRelease},
		{page: "docs/releases.md", commands: "sha256sum ", test: "hack/release/files_test.go TestChecksumsAreThoseOfAllFiles"},
		{page: "docs/releases.md", commands: "git checkout ", reason: aRelease},
		{page: "docs/releases.md", commands: "make release-dry-run ", rehearsed: true, test: "hack/release/dryrun_test.go TestTheSameCommitMakesTheSameBytes"},
		{page: "docs/releases.md", commands: "diff ", test: "hack/release/dryrun_test.go TestTheSameCommitMakesTheSameBytes"},
		{page: "docs/releases.md", commands: "helm install ", test: "hack/release/files_test.go TestTheChartInstallsTheVeryImage"},
		{page: "docs/releases.md", commands: "kubectl krew install ", test: "hack/release/files_test.go TestThePluginIsWhatKrewIsTold"},
	}
}

// covers says whether the absence speaks of the command.
func (a absence) covers(page string, c *command) bool {
	return a.page == page && strings.HasPrefix(c.text, a.commands)
}

// absent finds why a command is not run here.
func absent(page string, c *command) (absence, bool) {
	for _, a := range absences() {
		if a.covers(page, c) {
			return a, true
		}
	}
	return absence{}, false
}

// typed calls do for each command of each page.
func typed(do func(page string, c *command, at string)) error {
	paths, err := pages()
	if err != nil {
		return err
	}
	for _, page := range paths {
		blocks, err := read(page)
		if err != nil {
			return err
		}
		for _, b := range blocks {
			for _, c := range b.commands {
				do(page, c, fmt.Sprintf("%s:%d", page, b.line))
			}
		}
	}
	return nil
}

// checkAccounts finds commands that no story has run and that nobody has said a word
// about.
func checkAccounts() error {
	var errs []error
	err := typed(func(page string, c *command, at string) {
		if _, known := absent(page, c); !known && !suiteOf.hasRun(page, c) {
			errs = append(errs, fmt.Errorf("%s: no story runs this, and absences do not say why: %s", at, firstLine(c.text)))
		}
	})
	return errors.Join(append(errs, err)...)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// TestAbsencesAreOfUse finds those that speak of no command, of a test that does not
// exist, or of nothing.
func TestAbsencesAreOfUse(t *testing.T) {
	t.Parallel()
	used := map[absence]bool{}
	if err := typed(func(page string, c *command, _ string) {
		if a, known := absent(page, c); known {
			used[a] = true
		}
	}); err != nil {
		t.Fatal(err)
	}
	for _, a := range absences() {
		if !used[a] {
			t.Errorf("%s has no command that begins with %q", a.page, a.commands)
		}
		if (a.test == "") == (a.reason == "") {
			t.Errorf("%s, %q: it has either a test or a reason", a.page, a.commands)
		}
		if a.test != "" {
			wantTest(t, a.test)
		}
	}
}

// wantTest expects a test in a file.
func wantTest(t *testing.T, named string) {
	t.Helper()
	root, err := cluster.Root()
	if err != nil {
		t.Fatal(err)
	}
	file, test, _ := strings.Cut(named, " ")
	source, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Error(err)
	}
	line := "\nfunc " + test + "(t *testing.T) {\n"
	if file == ".ci/run" {
		line = "\n" + test + "\n"
	}
	if !strings.Contains(string(source), line) {
		t.Errorf("%s has no %s", file, test)
	}
}

// TestMakeKnowsItsTargets asks make what it would do for commands that are too much
// to be run here.
func TestMakeKnowsItsTargets(t *testing.T) {
	t.Parallel()
	root, err := cluster.Root()
	if err != nil {
		t.Fatal(err)
	}
	if err := typed(func(page string, c *command, at string) {
		if a, known := absent(page, c); !known || !a.rehearsed {
			return
		}
		rehearsal := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", placeholder.ReplaceAllString(c.text, "image"))
		rehearsal.Dir, rehearsal.Env = root, append(os.Environ(), "MAKEFLAGS=--dry-run", "MAKELEVEL=")
		if output, err := rehearsal.CombinedOutput(); err != nil {
			t.Errorf("%s: %s: %v\n%s", at, c.text, err, output)
		}
	}); err != nil {
		t.Fatal(err)
	}
}

// placeholder is what a page leaves open.
var placeholder = regexp.MustCompile(`<[^>]*>`)
