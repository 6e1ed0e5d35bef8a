package ucr

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// TestKubectlCompletes asks kubectl itself, which asks the plugin.
func TestKubectlCompletes(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	f.reset("lost-phone", "alice", "--wait")
	f.reset("elsewhere", "bob", "-w", "another")
	for name, test := range map[string]struct {
		user  string
		typed []string
		want  []string
	}{
		"what ended, for again":       {requester, []string{"again", ""}, []string{"lost-phone\talice, ResetAccepted"}},
		"what waits, for wait":        {requester, []string{"wait", ""}, []string{"elsewhere\tbob, WorkspaceNotAvailable"}},
		"everything, for why":         {requester, []string{"why", ""}, []string{"elsewhere\tbob, WorkspaceNotAvailable", "lost-phone\talice, ResetAccepted"}},
		"no second name":              {requester, []string{"why", "lost-phone", ""}, nil},
		"another name for approve":    {approver, []string{"approve", "elsewhere", ""}, nil},
		"workspaces that may be seen": {viewer, []string{"reset", "totp", "alice", "--workspace-namespace", f.chats, "-w", ""}, []string{"chat"}},
		"workspaces that were named":  {requester, []string{"reset", "totp", "alice", "--workspace-namespace", f.chats, "-w", ""}, []string{"another", "chat"}},
		"types": {requester, []string{"reset", ""}, []string{
			"--workspace\tThe RocketChatWorkspace that the user belongs to.", "-w\tThe RocketChatWorkspace that the user belongs to.",
			"totp\tthe second factor", "e2e-key\tthe end-to-end encryption keys",
		}},
		"nothing for a stranger": {stranger, []string{"why", ""}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := slices.Concat([]string{"__complete", "ucr", "--kubeconfig", suiteOf.cluster.Kubeconfig, "--as", test.user, "-n", f.support}, test.typed)
			output, err := f.kubectl(t, filepath.Dir(suiteOf.plugin), args...).Output()
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(string(output)), "\n")
			if got := slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, ":") }); !slices.Equal(got, test.want) && len(got)+len(test.want) > 0 {
				t.Errorf("it completes %q, want %q", got, test.want)
			}
		})
	}
}

// kubectl is the cluster's kubectl, with the plugin in the folder on its PATH.
func (f *fixture) kubectl(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	command := exec.CommandContext(t.Context(), filepath.Join(suiteOf.cluster.BinDir(), "kubectl"), args...)
	command.Env = []string{"HOME=" + t.TempDir(), "PATH=" + strings.Join([]string{
		dir, suiteOf.cluster.Path("cmd", "kubectl-ucr"), suiteOf.cluster.BinDir(), os.Getenv("PATH"),
	}, ":")}
	return command
}

// TestKrewInstallsThePlugin fills the manifest in, as a release does, and lets krew
// install from it. kubectl then finds the plugin.
func TestKrewInstallsThePlugin(t *testing.T) {
	t.Parallel()
	f := &fixture{t: t}
	dir := t.TempDir()
	krew := filepath.Join(dir, "krew")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", krew, "sigs.k8s.io/krew/cmd/krew")
	build.Dir = suiteOf.cluster.Path("hack", "tools")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build krew: %v\n%s", err, output)
	}
	archive := filepath.Join(dir, "kubectl-ucr.tar.gz")
	content := pack(t, map[string]string{"kubectl-ucr": suiteOf.plugin, "LICENSE": suiteOf.cluster.Path("LICENSE")})
	if err := os.WriteFile(archive, content, 0o600); err != nil {
		t.Fatal(err)
	}
	template, err := os.ReadFile(suiteOf.cluster.Path("config", "krew", "ucr.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	filled := os.Expand(strings.ReplaceAll(string(template), `"$@"`, `"$$@"`), func(name string) string {
		switch {
		case name == "VERSION":
			return testVersion
		case strings.HasPrefix(name, "SHA256_"):
			return hex.EncodeToString(sum[:])
		}
		return "$"
	})
	manifest := filepath.Join(dir, "ucr.yaml")
	if err := os.WriteFile(manifest, []byte(filled), 0o600); err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(dir, "root")
	for _, platform := range []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", ""} {
		install := exec.CommandContext(t.Context(), krew, "install", "--manifest", manifest, "--archive", archive)
		install.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "KREW_ROOT=" + root + strings.ReplaceAll(platform, "/", "-"), "KREW_NO_UPGRADE_CHECK=1"}
		system, architecture, _ := strings.Cut(platform, "/")
		if platform == "" {
			system, architecture = runtime.GOOS, runtime.GOARCH
		}
		install.Env = append(install.Env, "KREW_OS="+system, "KREW_ARCH="+architecture)
		output, err := install.CombinedOutput()
		if system == "windows" {
			// The archive of this test has no kubectl-ucr.exe; all else was in order.
			if !strings.Contains(string(output), "kubectl-ucr.exe") {
				t.Errorf("krew says for %s: %v\n%s", platform, err, output)
			}
			continue
		}
		if err != nil {
			t.Errorf("krew says for %s: %v\n%s", platform, err, output)
		}
	}
	output, err := f.kubectl(t, filepath.Join(root, "bin"), "ucr", "version").CombinedOutput()
	if err != nil || strings.TrimSpace(string(output)) != testVersion {
		t.Errorf("kubectl ucr version: %v\n%s", err, output)
	}
}

// pack makes an archive of the files.
func pack(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	archive := tar.NewWriter(zip)
	for name, path := range files {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	for _, closer := range []interface{ Close() error }{archive, zip} {
		if err := closer.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// TestTheOperatorIsNoCommandLine: what the plugin needs stays out of the operator,
// which has no use for it, and the other way round.
func TestTheOperatorIsNoCommandLine(t *testing.T) {
	t.Parallel()
	for of, never := range map[string][]string{
		".":                 {"k8s.io/cli-runtime", "/internal/ucr"},
		"./cmd/kubectl-ucr": {"/controllers", "/internal/rocketchat", "/internal/gate", "sigs.k8s.io/controller-runtime/pkg/manager"},
	} {
		list := exec.CommandContext(t.Context(), "go", "list", "-deps", of)
		list.Dir = suiteOf.cluster.Path()
		output, err := list.Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range never {
			if strings.Contains(string(output), name) {
				t.Errorf("%s depends on %s", of, name)
			}
		}
	}
}

// TestNamesMayBeGivenAsKubectlPrintsThem is for pipes.
func TestNamesMayBeGivenAsKubectlPrintsThem(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{workspace: approvalForTOTP})
	names := strings.Fields(f.reset("lost-phone", "alice", "-o", "name").out)
	f.awaitReason("lost-phone", "AwaitingApproval")
	f.ok(0, approver, append([]string{"approve", "--yes"}, names...)...)
	f.ok(0, requester, "wait", "ucr/lost-phone")
	wantSays(t, f.ok(0, requester, "why", names[0]).out, "Succeeded (ResetAccepted)")
	f.wantResets(simulator.SampleAliceID, 1)
}
