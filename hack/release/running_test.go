package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// connection is the Secret of a simulated workspace, the workspace, and a request.
const connection = `
apiVersion: v1
kind: Secret
metadata: {name: chat, namespace: chat}
type: credentialreset.dev/rocketchat-workspace
stringData: {url: %q, userId: %q, authToken: %q, totpSecret: %q, ca.crt: %q}
---
apiVersion: credentialreset.dev/v1alpha1
kind: RocketChatWorkspace
metadata: {name: chat, namespace: chat}
spec: {secretRef: {name: chat}, allowedNamespaces: {names: [support]}, allowedTypes: [TOTP, E2EKey]}
---
apiVersion: credentialreset.dev/v1alpha1
kind: UserCredentialReset
metadata: {name: lost-phone, namespace: support}
spec: {workspaceRef: {name: chat, namespace: chat}, user: {username: alice}, type: TOTP, notAfterTime: %q}
`

// TestTheImageResetsAUser installs what install.yaml has, and runs what the image has:
// the operator resets a user under the shipped rights, as the image's own user where
// the test may choose one.
func TestTheImageResetsAUser(t *testing.T) {
	t.Parallel()
	r := newRelease(t)
	_, image := r.imageHere(t)
	dir := t.TempDir()
	if files := unpack(t, image, dir); !slices.Equal(files, []string{"operator"}) {
		t.Errorf("the image holds %v", files)
	}
	config := configOf(t, image).Config
	binary := filepath.Join(dir, config.Entrypoint[0])
	said, err := exec.CommandContext(t.Context(), binary, "--version").Output()
	if err != nil || strings.TrimSpace(string(said)) != testVersion {
		t.Errorf("the operator says of its version: %q (%v)", said, err)
	}
	chat := simulator.New(simulator.Options{Users: simulator.SampleUsers()})
	server, err := simulator.Serve(chat, simulator.ServeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	c := startCluster(t, dir)
	kubectl := func(input string, args ...string) {
		t.Helper()
		if output, err := c.KubectlWithInput(t.Context(), input, args...); err != nil {
			t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, output)
		}
	}
	kubectl("", "apply", "--server-side", "--filename", r.file("install.yaml"))
	kubectl("", "wait", "--for=condition=Established", "crd", "--all")
	kubectl("", "apply", "--filename", c.Path("config", "samples", "namespaces.yaml"))
	operator, err := c.StartOperator(t.Context(), cluster.OperatorOptions{
		Binary: binary, Kubeconfig: kubeconfigFor(t, c, config.User), Credential: credential(t, config.User),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := operator.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("the operator ended: %v\n%s", err, operator.Logs())
		}
	})
	kubectl(fmt.Sprintf(connection, server.URL, simulator.SampleBotID, simulator.TokenFor(simulator.SampleBotID, simulator.TokenPAT), simulator.SampleTOTPSecret,
		server.CA, time.Now().Add(time.Hour).UTC().Format(time.RFC3339)), "apply", "--filename", "-")
	kubectl("", "wait", "ucr/lost-phone", "--namespace", "support", "--for=condition=Succeeded", "--timeout=60s")
	if got := chat.Journal().ResetsOf(simulator.SampleAliceID); got != 1 {
		t.Errorf("the user was reset %d times", got)
	}
}

func startCluster(t *testing.T, dir string) *cluster.Cluster {
	t.Helper()
	c, err := cluster.StartBare(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// credential is the user of an image, if this process may become it.
func credential(t *testing.T, user string) *syscall.Credential {
	t.Helper()
	uid, gid, _ := strings.Cut(user, ":")
	ids := [2]uint32{}
	for i, text := range []string{uid, gid} {
		id, err := strconv.ParseUint(text, 10, 32)
		if err != nil || id == 0 {
			t.Fatalf("a cluster cannot tell that the user %q is not root", user)
		}
		ids[i] = uint32(id)
	}
	if os.Geteuid() != 0 {
		return nil
	}
	return &syscall.Credential{Uid: ids[0], Gid: ids[1]}
}

// kubeconfigFor is the operator's kubeconfig where that user can read it.
func kubeconfigFor(t *testing.T, c *cluster.Cluster, user string) string {
	t.Helper()
	path, err := c.OperatorKubeconfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if as := credential(t, user); as != nil {
		// Temporary folders are for their owner alone, and so is the kubeconfig.
		if err := os.Chmod(filepath.Dir(c.Dir), 0o711); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, int(as.Uid), int(as.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	return path
}
