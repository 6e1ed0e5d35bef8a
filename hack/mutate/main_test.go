package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEveryMutationFitsTheSource finds out at once what would otherwise be found
// out by the next whole run: that the source has moved on.
func TestEveryMutationFitsTheSource(t *testing.T) {
	t.Parallel()
	if err := fit("../..", mutations()); err != nil {
		t.Error(err)
	}
}

func TestEveryInvariantIsBroken(t *testing.T) {
	t.Parallel()
	broken := map[string]int{}
	for _, m := range mutations() {
		broken[m.invariant]++
	}
	for _, invariant := range []string{
		onePost, closedList, success, sentOnce, noOwnReset, pinned, inTime, noLies, secrets, finishedFree, neverClaimed, bounded, fourEyes, leastPower, oneCall,
	} {
		if broken[invariant] == 0 {
			t.Errorf("nothing breaks: %s", invariant)
		}
	}
}

// TestEveryAttackIsMutated reads the twelve attacks of docs/security.md, each of which
// names mutations of what stops it.
func TestEveryAttackIsMutated(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, m := range mutations() {
		names[m.name] = true
	}
	rows := regexp.MustCompile(`(?m)^\| \*\*[^|]*\|[^|]*\|[^|]*\|([^|]*)\|$`).FindAllStringSubmatch(string(text), -1)
	if len(rows) != 12 {
		t.Errorf("%d attacks", len(rows))
	}
	for _, row := range rows {
		mutated := regexp.MustCompile(`\*([^*]+)\*`).FindAllStringSubmatch(row[1], -1)
		if len(mutated) == 0 {
			t.Errorf("nothing breaks what stops this attack: %s", row[0])
		}
		for _, name := range mutated {
			if !names[name[1]] {
				t.Errorf("no mutation has the name %q", name[1])
			}
		}
	}
}

// sample is a module with one invariant and a test of it.
func sample(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":            "module example.com/sample\n\ngo 1.26\n",
		"even/even.go":      "package even\n\nfunc Is(n int) bool { return n%2 == 0 }\n\nfunc Unasked() int { return 1 }\n",
		"even/even_test.go": "package even\n\nimport \"testing\"\n\nfunc TestIs(t *testing.T) {\n\tif !Is(2) || Is(3) {\n\t\tt.Error(\"wrong\")\n\t}\n}\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if output, err := exec.CommandContext(t.Context(), "git", "-C", dir, "init", "--quiet").CombinedOutput(); err != nil {
		t.Fatalf("git init: %v\n%s", err, output)
	}
	return dir
}

// TestReport proves what is said of a mutation that is caught, of one that is not,
// and of one that proves nothing.
func TestReport(t *testing.T) {
	t.Parallel()
	const file = "even/even.go"
	even := tests{pkg: "even"}
	for name, c := range map[string]struct {
		mutation mutation
		printed  string // a regular expression
		fails    string // likewise; "" if all is well
	}{
		"caught":          {mutation{"odd", onePost, file, "n%2 == 0", "n%2 == 1", even}, `1/1 odd +caught by TestIs \(`, ""},
		"not caught":      {mutation{"two", onePost, file, "return 1 ", "return 2 ", even}, `1/1 two +SURVIVED \(`, "1 mutations survived"},
		"hangs":           {mutation{"panics", onePost, file, "return n%2 == 0", `panic("no")`, even}, `caught by TestIs`, ""},
		"compiles not":    {mutation{"nonsense", onePost, file, "n%2 == 0", "n%2", even}, `unbroken`, "(?s)does not compile.*cannot use"},
		"not there":       {mutation{"gone", onePost, file, "n%4 == 0", "n%2 == 1", even}, `unbroken`, `"gone": its original occurs 0 times`},
		"there twice":     {mutation{"both", onePost, file, "func ", "func  ", even}, `unbroken`, `occurs 2 times`},
		"no such test":    {mutation{"odd", onePost, file, "n%2 == 0", "n%2 == 1", tests{pkg: "even", run: "TestNone"}}, ``, `no test of even matches "TestNone"`},
		"nothing mutated": {mutation{"same", onePost, file, "n%2 == 0", "n%2 == 0", even}, `unbroken`, `"same"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			copied, err := copyTree(t.Context(), sample(t))
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := copied.remove(); err != nil {
					t.Error(err)
				}
			}()
			var out bytes.Buffer
			err = report(t.Context(), &out, []tree{copied}, []mutation{c.mutation})
			if !regexp.MustCompile(c.printed).MatchString(out.String()) {
				t.Errorf("printed:\n%s", out.String())
			}
			if (err == nil) != (c.fails == "") || (err != nil && !regexp.MustCompile(c.fails).MatchString(err.Error())) {
				t.Errorf("err = %v", err)
			}
			text, err := os.ReadFile(filepath.Join(copied.root, file))
			if err != nil || !strings.Contains(string(text), "n%2 == 0") || !strings.Contains(string(text), "return 1 ") {
				t.Errorf("the mutation is left in the copy: %v\n%s", err, text)
			}
		})
	}
}

// TestTestsMustPassUnbroken proves that a test that fails anyway catches nothing.
func TestTestsMustPassUnbroken(t *testing.T) {
	t.Parallel()
	dir := sample(t)
	broken := []byte("package even\n\nimport \"testing\"\n\nfunc TestIs(t *testing.T) { t.Fail() }\n")
	if err := os.WriteFile(filepath.Join(dir, "even", "even_test.go"), broken, 0o600); err != nil {
		t.Fatal(err)
	}
	copied, err := copyTree(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = report(t.Context(), &out, []tree{copied}, []mutation{{"odd", onePost, "even/even.go", "n%2 == 0", "n%2 == 1", tests{pkg: "even"}}})
	if err == nil || !strings.Contains(err.Error(), "TestIs fails") {
		t.Errorf("err = %v", err)
	}
	if err := copied.remove(); err != nil {
		t.Error(err)
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	all := []mutation{{name: "one", file: "a.go"}, {name: "two", file: "b.go", invariant: onePost}}
	for pattern, want := range map[string][]string{"": {"one", "two"}, "two": {"two"}, "a.go": {"one"}, "POST": {"two"}, "three": nil} {
		var got []string
		for _, m := range choose(all, regexp.MustCompile(pattern)) {
			got = append(got, m.name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q chooses %v, want %v", pattern, got, want)
		}
	}
	if len(all) != 2 || all[0].name != "one" {
		t.Errorf("choosing changed the list: %v", all)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for output, want := range map[string]string{
		"=== x\n--- FAIL: TestA (0.1s)\n    --- FAIL: TestA/b (0.1s)\n--- FAIL: TestC (0s)\nFAIL\n": "TestA and 1 more",
		"panic: test timed out after 5m0s\n\ngoroutine 1":                                           "panic: test timed out after 5m0s",
		"fatal error: all goroutines are asleep - deadlock!\n":                                      "fatal error: all goroutines are asleep - deadlock!",
		"api: no kube-apiserver in bin/k8s: run make controlplane\n":                                "an exit without a word",
	} {
		if got := failures(output); got != want {
			t.Errorf("%q is called %q, want %q", output, got, want)
		}
	}
}
