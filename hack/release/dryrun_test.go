package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
)

// What the tests release, and from where.
const (
	root           = "../.."
	testVersion    = "v9.8.7"
	testRevision   = "0123456789abcdef0123456789abcdef01234567"
	testTime       = "2026-01-02T03:04:05Z"
	testRepository = "mirror.example:5000/resets/operator"
)

// here is the platform that is built: of the image, the one that runs on this machine.
var here = platform{"linux", runtime.GOARCH}

// work is a folder for what the tests share.
var work string

func TestMain(m *testing.M) {
	ctrllog.SetLogger(logr.Discard())
	var err error
	if work, err = os.MkdirTemp("", "release-test-"); err != nil {
		panic(err)
	}
	code := m.Run()
	if err := os.RemoveAll(work); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// variables are those of the Makefile.
func variables(dist string) []string {
	return []string{
		"DIST=" + dist, "ONLY=" + here.system + "/" + here.architecture, "VERSION=" + testVersion, "REVISION=" + testRevision,
		"SOURCE_DATE_EPOCH=1767323045", "IMG=" + testRepository,
	}
}

// made is what make release-dry-run makes, once for all tests.
var made = sync.OnceValues(func() (release, error) { return dryRun(root, filepath.Join(work, "dist")) })

func dryRun(tree, dist string) (release, error) {
	output, err := exec.Command("make", append([]string{"--directory", tree, "release-dry-run"}, variables(dist)...)...).CombinedOutput()
	if err != nil {
		return release{}, fmt.Errorf("make release-dry-run: %w\n%s", err, output)
	}
	if !strings.Contains(string(output), testRepository+":"+testVersion+"@sha256:") {
		return release{}, fmt.Errorf("make release-dry-run does not tell the image:\n%s", output)
	}
	return release{dist: dist, image: testRepository, version: testVersion}, nil
}

func newRelease(t *testing.T) release {
	t.Helper()
	r, err := made()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// file is the path of a file of the release.
func (r release) file(name string) string { return filepath.Join(r.dist, "release", name) }

// imageHere is the image, and the part of it for this machine.
func (r release) imageHere(t *testing.T) (v1.ImageIndex, v1.Image) {
	t.Helper()
	index, err := r.readImage()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 1 || manifest.Manifests[0].Platform.String() != here.system+"/"+here.architecture {
		t.Fatalf("the image is for %v", manifest.Manifests)
	}
	image, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return index, image
}

// TestTheSameCommitMakesTheSameBytes releases a copy of the tree in another folder.
func TestTheSameCommitMakesTheSameBytes(t *testing.T) {
	t.Parallel()
	tree, dist := t.TempDir(), t.TempDir()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	names, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.Trim(string(names), "\x00"), "\x00") {
		content, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // deleted, but not committed
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(tree, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(tree, name), content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	again, err := dryRun(tree, dist)
	if err != nil {
		t.Fatal(err)
	}
	first := newRelease(t)
	if one, other := read(t, first.file(checksumsName)), read(t, again.file(checksumsName)); one != other {
		t.Errorf("the files are not the same:\n%s\n%s", one, other)
	}
}
