package ucr

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/controllers"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// The people of these tests. None of them is an administrator of the cluster.
const (
	requester = "ann@example.com"
	approver  = "rita@example.com"
	viewer    = "vera@example.com"
	auditor   = "audrey@example.com"
	stranger  = "sam@example.com"
)

var serial atomic.Int64

// fixture is a workspace of a test's own, shared with a namespace of requests in
// which the people have their rights.
type fixture struct {
	t         *testing.T
	chat      *simulator.Workspace
	server    *simulator.Server
	chats     string // namespace of the workspace
	support   string // namespace of the requests
	workspace *v1alpha1.RocketChatWorkspace
}

type fixtureOptions struct {
	limit     simulator.Limit
	users     []simulator.User // beside the sample
	workspace func(*v1alpha1.RocketChatWorkspace)
	secret    func(*corev1.Secret)
	names     [2]string // of the namespaces of the workspace and of the requests
	notReady  string    // the reason to wait for instead of Connected
}

func newFixture(t *testing.T, options fixtureOptions) *fixture {
	t.Helper()
	if options.limit == (simulator.Limit{}) {
		options.limit.Calls = 1000
	}
	number := serial.Add(1)
	f := &fixture{
		t:       t,
		chats:   fmt.Sprintf("chat-%d", number),
		support: fmt.Sprintf("support-%d", number),
		chat:    simulator.New(simulator.Options{Users: append(simulator.SampleUsers(), options.users...), Limit: options.limit}),
	}
	if options.names[0] != "" {
		f.chats, f.support = options.names[0], options.names[1]
	}
	var err error
	if f.server, err = simulator.Serve(f.chat, simulator.ServeOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.server.Close)
	for _, name := range []string{f.chats, f.support} {
		f.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}
	f.createWorkspace(options)
	f.bind(f.support, requester, "credential-reset-requester")
	f.bind(f.support, approver, "credential-reset-approver")
	f.bind(f.support, viewer, "credential-reset-viewer")
	f.bind(f.chats, viewer, "credential-reset-viewer")
	f.bind(f.support, auditor, "credential-reset-viewer")
	f.bind(f.chats, auditor, "credential-reset-viewer")
	f.create(&rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "auditor-"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "credential-reset-auditor"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: auditor}},
	})
	return f
}

func (f *fixture) createWorkspace(options fixtureOptions) {
	f.t.Helper()
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.chats, Name: "chat"},
		Type:       controllers.SecretType,
		Data: map[string][]byte{
			"url": []byte(f.server.URL), "userId": []byte(simulator.SampleBotID), "ca.crt": f.server.CA,
			"authToken":  []byte(simulator.TokenFor(simulator.SampleBotID, simulator.TokenPAT)),
			"totpSecret": []byte(simulator.SampleTOTPSecret),
		},
	}
	if options.secret != nil {
		options.secret(secret)
	}
	f.create(secret)
	f.workspace = &v1alpha1.RocketChatWorkspace{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.chats, Name: "chat"},
		Spec: v1alpha1.RocketChatWorkspaceSpec{
			SecretRef:         v1alpha1.SecretReference{Name: "chat"},
			AllowedNamespaces: &v1alpha1.NamespaceSelection{Names: []string{f.support}},
			AllowedTypes:      []v1alpha1.ResetType{v1alpha1.ResetTypeTOTP, v1alpha1.ResetTypeE2EKey},
		},
	}
	if options.workspace != nil {
		options.workspace(f.workspace)
	}
	f.create(f.workspace)
	want := options.notReady
	if want == "" {
		want = v1alpha1.ReasonConnected
	}
	f.until(func() bool {
		f.get(f.workspace)
		ready := meta.FindStatusCondition(f.workspace.Status.Conditions, v1alpha1.ConditionReady)
		return ready != nil && ready.Reason == want
	})
}

func (f *fixture) bind(namespace, user, role string) {
	f.t.Helper()
	f.create(&rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: role + "-"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	})
}

func (f *fixture) create(object client.Object) {
	f.t.Helper()
	if err := suiteOf.kube.Create(f.t.Context(), object); err != nil {
		f.t.Fatalf("create %T: %v", object, err)
	}
}

func (f *fixture) get(object client.Object) {
	f.t.Helper()
	if err := suiteOf.kube.Get(f.t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
		f.t.Fatalf("get %T: %v", object, err)
	}
}

// until asks again and again until it is as told.
func (f *fixture) until(ok func() bool) {
	f.t.Helper()
	err := wait.PollUntilContextTimeout(f.t.Context(), 50*time.Millisecond, patience, true,
		func(context.Context) (bool, error) { return ok(), nil })
	if err != nil {
		f.t.Fatalf("it did not become as told: %v", err)
	}
}

// request is the request as it is now.
func (f *fixture) request(name string) *v1alpha1.UserCredentialReset {
	f.t.Helper()
	request := &v1alpha1.UserCredentialReset{ObjectMeta: metav1.ObjectMeta{Namespace: f.support, Name: name}}
	f.get(request)
	return request
}

// awaitReason waits until the request says the reason.
func (f *fixture) awaitReason(name, reason string) *v1alpha1.UserCredentialReset {
	f.t.Helper()
	var request *v1alpha1.UserCredentialReset
	f.until(func() bool {
		request = f.request(name)
		said := meta.FindStatusCondition(request.Status.Conditions, v1alpha1.ConditionSucceeded)
		return said != nil && said.Reason == reason
	})
	return request
}

// requests are all of the namespace.
func (f *fixture) requests() []v1alpha1.UserCredentialReset {
	f.t.Helper()
	var list v1alpha1.UserCredentialResetList
	f.list(&list)
	return list.Items
}

// approvals are all of the namespace.
func (f *fixture) approvals() []v1alpha1.ResetApproval {
	f.t.Helper()
	var list v1alpha1.ResetApprovalList
	f.list(&list)
	return list.Items
}

func (f *fixture) list(list client.ObjectList) {
	f.t.Helper()
	if err := suiteOf.kube.List(f.t.Context(), list, client.InNamespace(f.support)); err != nil {
		f.t.Fatal(err)
	}
}

// said is what the plugin printed and how it ended.
type said struct {
	out, err string
	code     int
}

// command is the plugin as a person would run it in the namespace of requests.
func (f *fixture) command(user string, args ...string) *exec.Cmd {
	args = append([]string{"--kubeconfig", suiteOf.cluster.Kubeconfig, "--as", user, "-n", f.support}, args...)
	command := exec.CommandContext(f.t.Context(), suiteOf.plugin, args...)
	command.Env = []string{"HOME=" + f.t.TempDir(), "PATH=" + os.Getenv("PATH"), "TERM=xterm"}
	return command
}

// as runs the plugin in a person's name.
func (f *fixture) as(user string, args ...string) said {
	f.t.Helper()
	return f.finish(f.command(user, args...))
}

func (f *fixture) finish(command *exec.Cmd) said {
	f.t.Helper()
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	err := command.Run()
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) {
		f.t.Fatal(err)
	}
	got := said{out: out.String(), err: errs.String(), code: command.ProcessState.ExitCode()}
	if strings.Contains(got.out+got.err, "\x1b") {
		f.t.Errorf("it coloured what goes to no terminal: %q %q", got.out, got.err)
	}
	return got
}

// ok runs the plugin, which must end as told.
func (f *fixture) ok(code int, user string, args ...string) said {
	f.t.Helper()
	got := f.as(user, args...)
	if got.code != code {
		f.t.Fatalf("kubectl ucr %s ended with %d, want %d\n%s%s", strings.Join(args, " "), got.code, code, got.out, got.err)
	}
	return got
}

// wantSays compares a part of what was printed.
func wantSays(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("it does not say %q:\n%s", part, text)
		}
	}
}

// at names the fixture's workspace for reset.
func (f *fixture) at() []string { return []string{"-w", "chat", "--workspace-namespace", f.chats} }

// reset asks for a reset under a name.
func (f *fixture) reset(name, user string, more ...string) said {
	f.t.Helper()
	args := append([]string{"reset", "totp", user, "--name", name}, f.at()...)
	return f.as(requester, append(args, more...)...)
}

// wantResets compares how often a user was reset.
func (f *fixture) wantResets(userID string, want int) {
	f.t.Helper()
	if got := f.chat.Journal().ResetsOf(userID); got != want {
		f.t.Errorf("the user %s was reset %d times, want %d", userID, got, want)
	}
}

func long(length int) string { return strings.Repeat("x", length) }

func countLines(text string) int { return strings.Count(text, "\n") }
