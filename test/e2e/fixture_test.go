package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/controllers"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// canary is in every token, TOTP secret and password of the suite, in the form
// that each may have. Nothing that the operator says may hold it.
const (
	canary     = "CANARY0CANARY0CANARY0"
	canaryTOTP = "CANARYACANARYACANARYACANARYACANA" // base32
)

var serial atomic.Int64

// fixture is a workspace of a test's own, with the namespaces around it.
type fixture struct {
	t         *testing.T
	chat      *simulator.Workspace
	server    *simulator.Server
	namespace string // of the workspace and, unless told otherwise, of requests
	workspace *v1alpha1.RocketChatWorkspace
	secret    *corev1.Secret
}

type fixtureOptions struct {
	limit     simulator.Limit
	users     func([]simulator.User) []simulator.User
	workspace func(*v1alpha1.RocketChatWorkspace)
	secret    func(*corev1.Secret)
	noSecret  bool
	notReady  bool // do not wait for Ready
}

func users() []simulator.User {
	all := simulator.SampleUsers()
	for i := range all {
		if all[i].ID == simulator.SampleBotID {
			all[i].TOTP.Secret = canaryTOTP
			all[i].PasswordDigest = simulator.PasswordDigest(canary)
			all[i].Tokens = []simulator.Token{
				{Hash: simulator.TokenHash(canary + "-pat"), PAT: true, Name: "operator"},
				{Hash: simulator.TokenHash(canary + "-bypass"), PAT: true, Name: "bypass", BypassTwoFactor: true},
			}
		}
	}
	return all
}

func newFixture(t *testing.T, options fixtureOptions) *fixture {
	t.Helper()
	all := users()
	if options.users != nil {
		all = options.users(all)
	}
	chat := simulator.New(simulator.Options{Users: all, Limit: options.limit})
	server, err := simulator.Serve(chat, simulator.ServeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	f := &fixture{t: t, chat: chat, server: server}
	f.namespace = f.newNamespace("chat")
	f.secret = f.newSecret()
	if options.secret != nil {
		options.secret(f.secret)
	}
	if !options.noSecret {
		f.create(f.secret)
	}
	f.workspace = &v1alpha1.RocketChatWorkspace{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "chat"},
		Spec: v1alpha1.RocketChatWorkspaceSpec{
			SecretRef:    v1alpha1.SecretReference{Name: "chat"},
			AllowedTypes: []v1alpha1.ResetType{v1alpha1.ResetTypeTOTP, v1alpha1.ResetTypeE2EKey},
		},
	}
	if options.workspace != nil {
		options.workspace(f.workspace)
	}
	f.create(f.workspace)
	if !options.notReady && !options.noSecret {
		f.awaitWorkspace(v1alpha1.ReasonConnected)
	}
	return f
}

func (f *fixture) newSecret() *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "chat"},
		Type:       controllers.SecretType,
		Data: map[string][]byte{
			"url": []byte(f.server.URL), "userId": []byte(simulator.SampleBotID), "ca.crt": f.server.CA,
			"authToken": []byte(canary + "-pat"), "totpSecret": []byte(canaryTOTP),
		},
	}
}

func (f *fixture) newNamespace(prefix string) string {
	f.t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s-%d", prefix, serial.Add(1))}}
	f.create(namespace)
	return namespace.Name
}

func (f *fixture) create(object client.Object) {
	f.t.Helper()
	if err := shared.kube.Create(f.t.Context(), object); err != nil {
		f.t.Fatalf("create %T: %v", object, err)
	}
}

func (f *fixture) update(object client.Object, change func()) {
	f.t.Helper()
	if err := shared.kube.Get(f.t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
		f.t.Fatal(err)
	}
	change()
	if err := shared.kube.Update(f.t.Context(), object); err != nil {
		f.t.Fatalf("update %T: %v", object, err)
	}
}

func (f *fixture) delete(object client.Object) {
	f.t.Helper()
	if err := shared.kube.Delete(f.t.Context(), object); err != nil {
		f.t.Fatalf("delete %T: %v", object, err)
	}
}

// request is a request for a TOTP reset of the user, not created yet.
func (f *fixture) request(name, username string) *v1alpha1.UserCredentialReset {
	return &v1alpha1.UserCredentialReset{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: name},
		Spec: v1alpha1.UserCredentialResetSpec{
			WorkspaceRef: v1alpha1.WorkspaceReference{Name: "chat", Namespace: f.namespace},
			User:         v1alpha1.UserReference{Username: username},
			Type:         v1alpha1.ResetTypeTOTP,
			NotAfterTime: metav1.NewTime(time.Now().Add(time.Hour).Truncate(time.Second)),
		},
	}
}

// awaitRequest waits until the request is as told and returns it.
func (f *fixture) awaitRequest(name string, ok func(*v1alpha1.UserCredentialReset) bool) *v1alpha1.UserCredentialReset {
	f.t.Helper()
	return await(f.t, &v1alpha1.UserCredentialResetList{}, client.ObjectKey{Namespace: f.namespace, Name: name}, ok)
}

// awaitReason waits until the request's Succeeded has the reason.
func (f *fixture) awaitReason(name, reason string) *v1alpha1.UserCredentialReset {
	f.t.Helper()
	return f.awaitRequest(name, func(r *v1alpha1.UserCredentialReset) bool { return reasonOf(r) == reason })
}

func (f *fixture) awaitWorkspace(reason string) *v1alpha1.RocketChatWorkspace {
	f.t.Helper()
	return await(f.t, &v1alpha1.RocketChatWorkspaceList{}, client.ObjectKeyFromObject(f.workspace),
		func(w *v1alpha1.RocketChatWorkspace) bool {
			for _, condition := range w.Status.Conditions {
				if condition.Type == v1alpha1.ConditionReady {
					return condition.Reason == reason
				}
			}
			return false
		})
}

func (f *fixture) record(name string) *v1alpha1.ResetRecord {
	f.t.Helper()
	var record v1alpha1.ResetRecord
	key := client.ObjectKey{Name: reset.RecordName(f.namespace, name)}
	if err := shared.kube.Get(f.t.Context(), key, &record); err != nil {
		f.t.Fatalf("get the record: %v", err)
	}
	return &record
}

func (f *fixture) wantPosts(want int) {
	f.t.Helper()
	if got := f.chat.Journal().Posts(); got != want {
		f.t.Errorf("the workspace saw %d resets being called, want %d", got, want)
	}
}

func reasonOf(request *v1alpha1.UserCredentialReset) string {
	for _, condition := range request.Status.Conditions {
		if condition.Type == v1alpha1.ConditionSucceeded {
			return condition.Reason
		}
	}
	return ""
}

// await watches an object until it is as told.
func await[T client.Object](t *testing.T, list client.ObjectList, key client.ObjectKey, ok func(T) bool) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var last T
	for ctx.Err() == nil {
		watcher, err := shared.kube.Watch(ctx, list, client.InNamespace(key.Namespace),
			client.MatchingFieldsSelector{Selector: fields.OneTermEqualSelector("metadata.name", key.Name)})
		if err != nil {
			t.Fatalf("watch %s: %v", key, err)
		}
		for event := range watcher.ResultChan() {
			object, is := event.Object.(T)
			if !is {
				continue
			}
			last = object
			if ok(object) {
				watcher.Stop()
				return object
			}
		}
	}
	t.Fatalf("%s did not become as told; last: %s", key, describe(last))
	return last
}

func describe(object any) string {
	switch o := object.(type) {
	case *v1alpha1.UserCredentialReset:
		if o != nil {
			return fmt.Sprintf("outcome %q, conditions %+v", o.Status.Outcome, o.Status.Conditions)
		}
	case *v1alpha1.RocketChatWorkspace:
		if o != nil {
			return fmt.Sprintf("status %+v", o.Status)
		}
	}
	return strings.TrimSpace(fmt.Sprintf("%+v", object))
}
