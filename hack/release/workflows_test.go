package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
	"sigs.k8s.io/yaml"
)

// pinned is how an action of somebody else is used: by a commit, with its version beside.
var pinned = regexp.MustCompile(`^[\w.-]+(/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)

// workflow is what the rules here are about.
type workflow struct {
	Permissions map[string]string      `json:"permissions"`
	Jobs        map[string]workflowJob `json:"jobs"`
}

type workflowJob struct {
	Permissions map[string]string `json:"permissions"`
	Uses        string            `json:"uses"`
	Steps       []struct {
		Uses string         `json:"uses"`
		Run  string         `json:"run"`
		With map[string]any `json:"with"`
	} `json:"steps"`
}

func workflowFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, ".github", "workflows", "*.yaml"))
	if err != nil || len(files) < 2 {
		t.Fatalf("the workflows are %v (%v)", files, err)
	}
	return files
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestWorkflowsAreSound(t *testing.T) {
	t.Parallel()
	linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{WorkingDir: root})
	if err != nil {
		t.Fatal(err)
	}
	problems, err := linter.LintFiles(workflowFiles(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Error(problem)
	}
}

// TestWorkflowsMayDoNoMoreThanTheyMust looks at what is pinned, and at rights.
func TestWorkflowsMayDoNoMoreThanTheyMust(t *testing.T) {
	t.Parallel()
	for _, file := range workflowFiles(t) {
		text := read(t, file)
		var parsed workflow
		if err := yaml.Unmarshal([]byte(text), &parsed); err != nil {
			t.Fatal(err)
		}
		if parsed.Permissions == nil || len(parsed.Permissions) > 0 {
			t.Errorf("%s: its permissions are %v, and not none", file, parsed.Permissions)
		}
		for name, job := range parsed.Jobs {
			if job.Permissions == nil {
				t.Errorf("%s: the job %s does not say what it may do", file, name)
			}
			if writes := len(job.Permissions) > 1; writes && name != "publish" {
				t.Errorf("%s: the job %s may %v", file, name, job.Permissions)
			}
			for _, step := range job.Steps {
				if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != false {
					t.Errorf("%s: the job %s leaves its credentials in the tree", file, name)
				}
				if strings.Contains(step.Run, "${{") {
					t.Errorf("%s: the job %s runs what an expression yields: %q", file, name, step.Run)
				}
			}
		}
		for line := range strings.Lines(text) {
			_, used, found := strings.Cut(line, "uses: ")
			if used = strings.TrimSpace(used); found && !strings.HasPrefix(used, "./.github/") && !pinned.MatchString(used) {
				t.Errorf("%s: %q is not pinned", file, used)
			}
		}
	}
}

// TestContinuousIntegrationRunsEverything compares what its jobs run with .ci/run.
func TestContinuousIntegrationRunsEverything(t *testing.T) {
	t.Parallel()
	file := read(t, root, ".github", "workflows", "ci.yaml")
	for line := range strings.Lines(read(t, root, ".ci", "run")) {
		if strings.HasPrefix(line, "make ") && !strings.Contains(file, "- run: "+line) {
			t.Errorf("no job runs %q", strings.TrimSpace(line))
		}
	}
}

// TestEverywhereTheSameGo compares what builds the image with what builds the rest.
func TestEverywhereTheSameGo(t *testing.T) {
	t.Parallel()
	match := regexp.MustCompile(`(?m)^FROM golang:([0-9.]+) AS build$`).FindStringSubmatch(read(t, root, "Dockerfile"))
	if match == nil {
		t.Fatal("the Dockerfile does not say which Go builds")
	}
	for _, file := range workflowFiles(t) {
		for _, other := range regexp.MustCompile(`go-version: (\S+)`).FindAllStringSubmatch(read(t, file), -1) {
			if other[1] != match[1] {
				t.Errorf("%s builds with Go %s, the Dockerfile with %s", file, other[1], match[1])
			}
		}
	}
}
