package e2e

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

var (
	upgradeFrom   = flag.String("upgrade.from", "", "commit to upgrade from; by default the last release, if there is one")
	upgradeRecord = flag.Bool("upgrade.record", false, "write what that commit leaves behind into testdata, for all later versions")
)

// leftBehind is the folder of what earlier versions left behind, by version.
var leftBehind = filepath.Join("testdata", "upgrade")

// Objects of an earlier version's cluster have these for what every cluster has anew.
const (
	thisURL       = "${URL}"
	thisUID       = "${UID}"
	thisNamespace = "${NAMESPACE}"
	thisRecord    = "${RECORD-%s}"
	soon          = "${SOON}"
)

// standing are the requests that an earlier version leaves behind, and what they say.
func standing() map[string]string {
	return map[string]string{
		"done":    v1alpha1.ReasonResetAccepted,
		"failed":  v1alpha1.ReasonUserNotFound,
		"skipped": v1alpha1.ReasonCreatedAfterNotAfterTime,
		"lost":    v1alpha1.ReasonOutcomeUnconfirmed,
		"waiting": v1alpha1.ReasonWorkspaceSuspended,
		"open":    "", // nothing is written while it is being called
	}
}

// TestAnUpgradeKeepsItsPromises has this version take over from every earlier one
// whose objects were kept, and from the last release, which it builds and runs.
func TestAnUpgradeKeepsItsPromises(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(leftBehind, "*.yaml"))
	if err != nil || len(files) == 0 && !*upgradeRecord {
		t.Fatalf("nothing was kept of earlier versions (%v)", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, fixtureOptions{apart: true})
			f.putBack(file)
			f.takeOver(0)
		})
	}
	if from := lastRelease(t); from != "" {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, fixtureOptions{apart: true})
			calls := f.leaveBehind(from)
			if *upgradeRecord {
				f.keep(from)
			}
			f.takeOver(calls)
		})
	}
}

// lastRelease is the commit to upgrade from, empty if nothing was released.
func lastRelease(t *testing.T) string {
	t.Helper()
	if *upgradeFrom != "" {
		return *upgradeFrom
	}
	describe := exec.CommandContext(t.Context(), "git", "describe", "--tags", "--abbrev=0", "--match", "v*", "HEAD^")
	output, err := describe.Output()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		return "" // nothing was released before, or nothing of it is in this clone
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(output))
}

// buildCommit builds the operator of another commit.
func (f *fixture) buildCommit(commit string) string {
	f.t.Helper()
	tree := f.t.TempDir()
	archive := exec.CommandContext(f.t.Context(), "git", "archive", "--format=tar", commit)
	archive.Dir = f.on.cluster.Path()
	content, err := archive.Output()
	if err != nil {
		f.t.Fatalf("the source of %s: %v", commit, err)
	}
	unpack := exec.CommandContext(f.t.Context(), "tar", "--extract", "--directory", tree)
	unpack.Stdin = bytes.NewReader(content)
	if output, err := unpack.CombinedOutput(); err != nil {
		f.t.Fatalf("unpack %s: %v\n%s", commit, err, output)
	}
	binary := filepath.Join(tree, "operator")
	build := exec.CommandContext(f.t.Context(), "go", "build", "-trimpath", "-o", binary, ".")
	build.Dir, build.Env = tree, append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		f.t.Fatalf("build %s: %v\n%s", commit, err, output)
	}
	return binary
}

// leaveBehind has the operator of another commit carry out, refuse and lose requests,
// and kills it while one is being called. It returns how many resets were called.
func (f *fixture) leaveBehind(commit string) int {
	f.t.Helper()
	operator := f.startOperator(cluster.OperatorOptions{Binary: f.buildCommit(commit)})
	f.awaitWorkspace(v1alpha1.ReasonConnected)
	f.ask("done", "alice")
	f.awaitReason("done", v1alpha1.ReasonResetAccepted)
	f.ask("failed", "nobody")
	skipped := f.request("skipped", "alice")
	skipped.Spec.NotAfterTime.Time = time.Now().Add(-time.Hour).Truncate(time.Second)
	f.create(skipped)
	f.awaitReason("failed", v1alpha1.ReasonUserNotFound)
	f.awaitReason("skipped", v1alpha1.ReasonCreatedAfterNotAfterTime)
	f.interceptFirstPost(badGateway)
	f.ask("lost", "carol")
	f.awaitReason("lost", v1alpha1.ReasonOutcomeUnconfirmed)
	release := f.holdPosts()
	f.ask("open", "bob")
	f.awaitPosts(3)
	f.suspend(true)
	waiting := f.request("waiting", "carol")
	waiting.Spec.Type = v1alpha1.ResetTypeE2EKey
	f.create(waiting)
	f.awaitReason("waiting", v1alpha1.ReasonWorkspaceSuspended)
	f.awaitWorkspace(v1alpha1.ReasonSuspended)
	if err := operator.Kill(); err != nil {
		f.t.Fatal(err)
	}
	release()
	f.chat.Intercept(nil)
	return 3
}

// ours are all objects of the fixture's namespace, and their records, by kind and name.
func (f *fixture) ours() map[string]*unstructured.Unstructured {
	f.t.Helper()
	found := map[string]*unstructured.Unstructured{}
	for _, kind := range []string{"RocketChatWorkspace", "UserCredentialReset", "ResetRecord"} {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind + "List"))
		if err := f.on.kube.List(f.t.Context(), list); err != nil {
			f.t.Fatal(err)
		}
		for i := range list.Items {
			object := &list.Items[i]
			of, _, err := unstructured.NestedString(object.Object, "request", "namespace")
			if err != nil {
				f.t.Fatal(err)
			}
			if object.GetNamespace() == f.namespace || of == f.namespace {
				found[kind+" "+object.GetName()] = object
			}
		}
	}
	return found
}

// takeOver starts this version's operator on what an earlier one left behind: what was
// open is lost and not called again, what had ended costs nothing, what waited goes on.
func (f *fixture) takeOver(called int) {
	f.t.Helper()
	for name, reason := range standing() {
		f.awaitRequest(name, func(r *v1alpha1.UserCredentialReset) bool { return reasonOf(r) == reason })
	}
	before := f.ours()
	for _, object := range before {
		if outcome, _, _ := unstructured.NestedString(object.Object, "status", "outcome"); outcome != "" {
			suiteOf.inherit(object.GetUID())
		}
	}
	f.startOperator(cluster.OperatorOptions{})
	f.awaitReason("open", v1alpha1.ReasonOutcomeUnconfirmed)
	f.awaitAttempt("open", v1alpha1.AttemptUnconfirmed, v1alpha1.ReasonOutcomeUnconfirmed)
	f.wantPosts(called)
	f.suspend(false)
	f.awaitReason("waiting", v1alpha1.ReasonResetAccepted)
	f.wantPosts(called + 1)
	f.wantResets(simulator.SampleCarolID, 1)

	after := f.ours()
	touched := map[string]bool{"RocketChatWorkspace chat": true}
	for _, name := range []string{"open", "waiting"} {
		touched["UserCredentialReset "+name], touched["ResetRecord "+f.record(name).Name] = true, true
	}
	for name := range maps.Keys(before) {
		if touched[name] {
			continue
		}
		if diff := cmp.Diff(before[name], after[name]); diff != "" {
			f.t.Errorf("%s changed (-before +after):\n%s", name, diff)
		}
	}
	if len(before) != 1+6+3 || len(after) != len(before)+1 {
		f.t.Errorf("there were %d objects, and then %d: %v", len(before), len(after), slices.Sorted(maps.Keys(after)))
	}
}

// anew is what a cluster has anew, each behind what stands for it.
func (f *fixture) anew() []string {
	pairs := []string{thisURL, f.server.URL, thisNamespace, f.namespace}
	for name := range standing() {
		pairs = append(pairs, fmt.Sprintf(thisRecord, name), reset.RecordName(f.namespace, name))
	}
	return pairs
}

// keep writes what was left behind into testdata.
func (f *fixture) keep(commit string) {
	f.t.Helper()
	objects := f.ours()
	anew := f.anew()
	slices.Reverse(anew) // for the way back
	var out strings.Builder
	_, _ = fmt.Fprintf(&out, "# What the operator of %s left behind when it was killed, as TestAnUpgradeKeepsItsPromises wrote it down.\n", commit)
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		object := objects[name]
		object.Object["metadata"] = map[string]any{"name": object.GetName()}
		if object.GetName() == "waiting" {
			if err := unstructured.SetNestedField(object.Object, soon, "spec", "notAfterTime"); err != nil {
				f.t.Fatal(err)
			}
		}
		if object.GetKind() == "ResetRecord" {
			if err := unstructured.SetNestedField(object.Object, thisUID, "request", "uid"); err != nil {
				f.t.Fatal(err)
			}
		}
		text, err := yaml.Marshal(object.Object)
		if err != nil {
			f.t.Fatal(err)
		}
		_, _ = fmt.Fprintf(&out, "---\n%s", strings.NewReplacer(anew...).Replace(string(text)))
	}
	if err := os.MkdirAll(leftBehind, 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(leftBehind, commit+".yaml"), []byte(out.String()), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// putBack brings a cluster into the state that keep wrote down. The API server must
// take every object, and keep every field of it.
func (f *fixture) putBack(file string) {
	f.t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		f.t.Fatal(err)
	}
	text := strings.NewReplacer(append(f.anew(), soon, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))...).Replace(string(content))
	var records []*unstructured.Unstructured
	for _, document := range strings.Split(text, "---\n")[1:] { // behind the comment at the head
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), object); err != nil {
			f.t.Fatal(err)
		}
		switch object.GetKind() {
		case "ResetRecord":
			records = append(records, object) // they name the requests, which must be there
		case "RocketChatWorkspace":
			f.putBackWorkspace(object)
		default:
			object.SetNamespace(f.namespace)
			f.putBackObject(object)
		}
	}
	for _, record := range records {
		f.putBackRecord(record)
	}
}

// putBackObject creates an object and gives it its status.
func (f *fixture) putBackObject(wanted *unstructured.Unstructured) {
	f.t.Helper()
	made := wanted.DeepCopy()
	if err := f.on.kube.Create(f.t.Context(), made); err != nil {
		f.t.Fatalf("the API server does not take %s %s: %v", wanted.GetKind(), wanted.GetName(), err)
	}
	if status, ok := wanted.Object["status"]; ok {
		made.Object["status"] = status
		if err := f.on.kube.Status().Update(f.t.Context(), made); err != nil {
			f.t.Fatalf("the API server does not take the status of %s %s: %v", wanted.GetKind(), wanted.GetName(), err)
		}
	}
	// As it was stored: an operator of another test may give an old attempt up at once.
	got := made.DeepCopy().Object
	got["metadata"] = wanted.Object["metadata"]
	if diff := cmp.Diff(wanted.Object, got); diff != "" {
		f.t.Errorf("the API server keeps %s %s otherwise (-given +kept):\n%s", wanted.GetKind(), wanted.GetName(), diff)
	}
}

// putBackWorkspace makes the fixture's workspace the one that was left behind.
func (f *fixture) putBackWorkspace(wanted *unstructured.Unstructured) {
	f.t.Helper()
	f.delete(f.workspace)
	wanted.SetNamespace(f.namespace)
	f.putBackObject(wanted)
}

// putBackRecord gives a record the UID of its request, which has a new one here.
func (f *fixture) putBackRecord(record *unstructured.Unstructured) {
	f.t.Helper()
	name, _, err := unstructured.NestedString(record.Object, "request", "name")
	if err != nil {
		f.t.Fatal(err)
	}
	request := &v1alpha1.UserCredentialReset{}
	request.Namespace, request.Name = f.namespace, name
	f.get(request)
	if err := unstructured.SetNestedField(record.Object, string(request.UID), "request", "uid"); err != nil {
		f.t.Fatal(err)
	}
	f.putBackObject(record)
}
