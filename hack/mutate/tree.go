package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	// patience is how long the tests of one package may take. Where a mutation makes
	// them hang, that is noticed too.
	patience = 5 * time.Minute
	// grace is how long others may go on once a test has failed.
	grace = 2 * time.Second
)

// tree is a copy of the module that may be broken.
type tree struct {
	root   string
	assets string // the folder with etcd and kube-apiserver
}

// copyTree copies what git would: tracked files and those that could be.
func copyTree(ctx context.Context, from string) (tree, error) {
	list := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = from
	names, err := list.Output()
	if err != nil {
		return tree{}, fmt.Errorf("list the files: %w", err)
	}
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if assets == "" {
		if assets, err = filepath.Abs(filepath.Join(from, "bin", "k8s")); err != nil {
			return tree{}, err
		}
	}
	root, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return tree{}, err
	}
	copied := tree{root: root, assets: assets}
	for name := range strings.SplitSeq(strings.TrimRight(string(names), "\x00"), "\x00") {
		err := copyFile(filepath.Join(from, name), filepath.Join(root, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // deleted and not yet committed
			return tree{}, errors.Join(err, copied.remove())
		}
	}
	return copied, nil
}

func copyFile(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		return err
	}
	return os.WriteFile(to, text, info.Mode().Perm())
}

func (t tree) remove() error { return os.RemoveAll(t.root) }

// verdict is how the tests took a mutation.
type verdict struct {
	by     string // what failed, "" if none did
	took   time.Duration
	output string
}

// String implements fmt.Stringer.
func (v verdict) String() string {
	took := v.took.Round(100 * time.Millisecond)
	if v.by == "" {
		return fmt.Sprintf("SURVIVED (%s)", took)
	}
	return fmt.Sprintf("caught by %s (%s)", v.by, took)
}

// checkUnbroken proves that the tests pass on the tree as it is: otherwise they
// would seem to notice everything.
func (t tree) checkUnbroken(ctx context.Context, out io.Writer, chosen []mutation) error {
	var done []tests
	for _, m := range chosen {
		if slices.Contains(done, m.tests) {
			continue
		}
		done = append(done, m.tests)
		result, err := t.test(ctx, m.tests)
		if err != nil {
			return err
		}
		if result.by != "" {
			return fmt.Errorf("the tests of %s do not pass as they are: %s fails\n%s", m.tests.pkg, result.by, result.output)
		}
		_, _ = fmt.Fprintf(out, "unbroken, the tests of %s pass (%s)\n", strings.TrimSpace(m.tests.pkg+" "+m.tests.run), result.took.Round(100*time.Millisecond))
	}
	return nil
}

// try applies a mutation, runs its tests, and takes it back.
func (t tree) try(ctx context.Context, m mutation) (_ verdict, err error) {
	path := filepath.Join(t.root, m.file)
	before, err := os.ReadFile(path)
	if err != nil {
		return verdict{}, err
	}
	mutant, err := m.apply(t.root)
	if err != nil {
		return verdict{}, err
	}
	if err := os.WriteFile(path, []byte(mutant), 0o600); err != nil {
		return verdict{}, err
	}
	defer func() { err = errors.Join(err, os.WriteFile(path, before, 0o600)) }()
	return t.test(ctx, m.tests)
}

// test compiles the tests and runs them until one fails. An error means that they
// could not be run at all.
func (t tree) test(ctx context.Context, which tests) (verdict, error) {
	binary := filepath.Join(t.root, "mutate.test")
	// Without paths in it, what is compiled can be used by the next run too.
	compile := exec.CommandContext(ctx, "go", "test", "-trimpath", "-c", "-o", binary, "./"+which.pkg)
	compile.Dir = t.root
	if output, err := compile.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return verdict{}, ctx.Err()
		}
		return verdict{}, fmt.Errorf("%s does not compile: %w\n%s", which.pkg, err, output)
	}
	run, cancel := context.WithCancel(ctx)
	defer cancel()
	arguments := append([]string{"-test.run", which.run, "-test.failfast", "-test.timeout", patience.String()}, strings.Fields(which.flags)...)
	test := exec.CommandContext(run, binary, arguments...)
	test.Dir = filepath.Join(t.root, which.pkg)
	test.Env = append(os.Environ(), "KUBEBUILDER_ASSETS="+t.assets)
	output := &watched{failed: func() {
		if !which.hasChildren {
			time.AfterFunc(grace, cancel)
		}
	}}
	test.Stdout, test.Stderr = output, output
	began := time.Now()
	err := test.Run()
	result := verdict{took: time.Since(began), output: output.String()}
	if ctx.Err() != nil {
		return verdict{}, ctx.Err()
	}
	failure, exited := errors.AsType[*exec.ExitError](err)
	if exited && (failure.Exited() || output.noticed) {
		result.by = failures(result.output)
		return result, nil
	}
	if err != nil {
		return verdict{}, fmt.Errorf("run the tests of %s: %w", which.pkg, err)
	}
	if strings.Contains(result.output, "no tests to run") {
		return verdict{}, fmt.Errorf("no test of %s matches %q", which.pkg, which.run)
	}
	return result, nil
}

// watched is the output of tests, of which the first failure is told.
type watched struct {
	bytes.Buffer
	failed  func()
	noticed bool
}

// Write implements io.Writer.
func (w *watched) Write(text []byte) (int, error) {
	n, err := w.Buffer.Write(text)
	if !w.noticed && bytes.Contains(w.Bytes(), []byte("--- FAIL: ")) {
		w.noticed = true
		w.failed()
	}
	return n, err
}

// failures are the tests that failed, or the panic that ended them all.
func failures(output string) string {
	if matches := regexp.MustCompile(`(?m)^--- FAIL: (\S+)`).FindAllStringSubmatch(output, -1); matches != nil {
		more := ""
		if len(matches) > 1 {
			more = fmt.Sprintf(" and %d more", len(matches)-1)
		}
		return matches[0][1] + more
	}
	if match := regexp.MustCompile(`(?m)^(panic: .*|fatal error: .*)$`).FindString(output); match != "" {
		return match
	}
	return "an exit without a word"
}
