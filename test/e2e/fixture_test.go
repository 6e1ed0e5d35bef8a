package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/controllers"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// canary is in every token, TOTP secret and password of the suite, in the form
// that each may have. Nothing that the operator says may hold it.
const (
	canary       = "CANARY0CANARY0CANARY0"
	canaryTOTP   = "CANARYACANARYACANARYACANARYACANA" // base32
	canaryToken  = canary + "-pat"
	canaryBypass = canary + "-bypass"
)

var serial atomic.Int64

// fixture is a workspace of a test's own, with the namespaces around it.
type fixture struct {
	t         *testing.T
	on        *stage
	chat      *simulator.Workspace
	server    *simulator.Server
	namespace string // of the workspace and, unless told otherwise, of requests
	workspace *v1alpha1.RocketChatWorkspace
	secret    *corev1.Secret
	counted   *int // resets that the test has counted, or uncounted
}

// uncounted says that a test has not looked how many resets were called.
const uncounted = -1

type fixtureOptions struct {
	apart     bool   // on the cluster where no operator is
	on        *stage // on a cluster of the test's own
	limit     simulator.Limit
	version   string
	clock     func() time.Time
	settings  func(*simulator.Settings)
	users     func([]simulator.User) []simulator.User
	workspace func(*v1alpha1.RocketChatWorkspace)
	served    func(*simulator.Server)
	secret    func(*corev1.Secret)
	noSecret  bool
	notReady  bool // do not wait for Connected
}

// users are the simulator's, with canaries for the account's credentials.
func users() []simulator.User {
	all := simulator.SampleUsers()
	for i := range all {
		if all[i].ID == simulator.SampleBotID {
			all[i].TOTP.Secret = canaryTOTP
			all[i].PasswordDigest = simulator.PasswordDigest(canary)
			all[i].Tokens = []simulator.Token{
				{Hash: simulator.TokenHash(canaryToken), PAT: true, Name: "operator"},
				{Hash: simulator.TokenHash(canaryBypass), PAT: true, Name: "bypass", LastPart: canaryBypass[len(canaryBypass)-6:], BypassTwoFactor: true},
			}
		}
	}
	return all
}

func newFixture(t *testing.T, options fixtureOptions) *fixture {
	t.Helper()
	f := &fixture{t: t, on: suiteOf.shared, counted: new(int)}
	*f.counted = uncounted
	if options.apart {
		f.on = suiteOf.apart
	}
	if options.on != nil {
		f.on = options.on
	}
	f.chat = newChat(options)
	var err error
	// The server runs until the suite ends: a call that comes late is not missed.
	if f.server, err = simulator.Serve(f.chat, simulator.ServeOptions{}); err != nil {
		t.Fatal(err)
	}
	suiteOf.remember(f)
	if options.served != nil {
		options.served(f.server)
	}
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
	t.Cleanup(f.cancel)
	if !options.notReady && !options.noSecret && !options.apart {
		f.awaitWorkspace(v1alpha1.ReasonConnected)
	}
	return f
}

// cancel deletes the requests that still wait, so that the suite can tell at its
// end whether a reset was called in vain.
func (f *fixture) cancel() {
	err := f.on.kube.DeleteAllOf(context.WithoutCancel(f.t.Context()), &v1alpha1.UserCredentialReset{},
		client.InNamespace(f.namespace), client.MatchingFields{"status.outcome": ""})
	if err != nil {
		f.t.Errorf("delete the requests that still wait: %v", err)
	}
}

func newChat(options fixtureOptions) *simulator.Workspace {
	all := users()
	if options.users != nil {
		all = options.users(all)
	}
	if options.limit == (simulator.Limit{}) {
		options.limit.Calls = 1000 // only tests of the limiter meet it
	}
	settings := simulator.DefaultSettings()
	if options.settings != nil {
		options.settings(&settings)
	}
	return simulator.New(simulator.Options{
		Users: all, Limit: options.limit, Settings: &settings, Version: options.version, Clock: options.clock,
	})
}

// in is the fixture for a subtest.
func (f *fixture) in(t *testing.T) *fixture {
	t.Helper()
	sub := *f
	sub.t = t
	return &sub
}

func (f *fixture) newSecret() *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "chat"},
		Type:       controllers.SecretType,
		Data: map[string][]byte{
			"url": []byte(f.server.URL), "userId": []byte(simulator.SampleBotID), "ca.crt": f.server.CA,
			"authToken": []byte(canaryToken), "totpSecret": []byte(canaryTOTP),
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
	if err := f.on.kube.Create(f.t.Context(), object); err != nil {
		f.t.Fatalf("create %T: %v", object, err)
	}
}

func (f *fixture) get(object client.Object) {
	f.t.Helper()
	if err := f.on.kube.Get(f.t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
		f.t.Fatalf("get %T: %v", object, err)
	}
}

// update changes an object as it is now. It merges, because the operator may write
// at the same time.
func (f *fixture) update(object client.Object, change func()) {
	f.t.Helper()
	f.get(object)
	before, ok := object.DeepCopyObject().(client.Object)
	if !ok {
		f.t.Fatalf("a copy of %T is no object", object)
	}
	change()
	if err := f.on.kube.Patch(f.t.Context(), object, client.MergeFrom(before)); err != nil {
		f.t.Fatalf("update %T: %v", object, err)
	}
}

// touchWorkspace makes the operator look at the workspace anew.
func (f *fixture) touchWorkspace() {
	f.t.Helper()
	f.update(f.workspace, func() { f.workspace.Spec.ProtectedUserIDs = []string{"somebody"} })
}

func (f *fixture) delete(object client.Object) {
	f.t.Helper()
	if err := f.on.kube.Delete(f.t.Context(), object); err != nil {
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

// ask creates a request for a TOTP reset of the user.
func (f *fixture) ask(name, username string) *v1alpha1.UserCredentialReset {
	f.t.Helper()
	request := f.request(name, username)
	f.create(request)
	return request
}

// awaitRequest waits until the request is as told and returns it.
func (f *fixture) awaitRequest(name string, ok func(*v1alpha1.UserCredentialReset) bool) *v1alpha1.UserCredentialReset {
	f.t.Helper()
	return await(f, "UserCredentialReset", client.ObjectKey{Namespace: f.namespace, Name: name}, ok)
}

// awaitReason waits until the request's Succeeded has the reason. A request that
// ended otherwise will never have it.
func (f *fixture) awaitReason(name, reason string) *v1alpha1.UserCredentialReset {
	f.t.Helper()
	request := f.awaitRequest(name, func(r *v1alpha1.UserCredentialReset) bool {
		return reasonOf(r) == reason || r.Status.Outcome != ""
	})
	if got := reasonOf(request); got != reason {
		f.t.Fatalf("%s ended with the reason %s, want %s", name, got, reason)
	}
	return request
}

func (f *fixture) awaitWorkspace(reason string) *v1alpha1.RocketChatWorkspace {
	f.t.Helper()
	return await(f, "RocketChatWorkspace", client.ObjectKeyFromObject(f.workspace),
		func(w *v1alpha1.RocketChatWorkspace) bool {
			ready := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionReady)
			return ready != nil && ready.Reason == reason && ready.ObservedGeneration == w.Generation
		})
}

// awaitAttempt waits until the record's last attempt has the result and the
// reason, and returns the record.
func (f *fixture) awaitAttempt(name string, result v1alpha1.AttemptResult, reason string) *v1alpha1.ResetRecord {
	f.t.Helper()
	return await(f, "ResetRecord", client.ObjectKey{Name: reset.RecordName(f.namespace, name)},
		func(r *v1alpha1.ResetRecord) bool {
			last := r.Attempts[len(r.Attempts)-1]
			return last.Result == result && last.Reason == reason
		})
}

// awaitPosts waits until so many resets have been called, answered or not.
func (f *fixture) awaitPosts(count int) {
	f.t.Helper()
	f.awaitJournal(func(j simulator.Journal) bool { return j.Posts() >= count })
}

func (f *fixture) awaitJournal(ok func(simulator.Journal) bool) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	if err := f.chat.Await(ctx, ok); err != nil {
		f.t.Fatalf("the workspace's journal did not become as told: %v\n%+v", err, f.chat.Journal())
	}
}

// poll asks the API server again and again until it answers as told.
func (f *fixture) poll(ok func() (bool, error)) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	err := wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(context.Context) (bool, error) { return ok() })
	if err != nil {
		f.t.Fatalf("the API server did not answer as told: %v", err)
	}
}

func (f *fixture) record(name string) *v1alpha1.ResetRecord {
	f.t.Helper()
	record := &v1alpha1.ResetRecord{ObjectMeta: metav1.ObjectMeta{Name: reset.RecordName(f.namespace, name)}}
	f.get(record)
	return record
}

// wantNoRecord says that nothing was ever claimed under the name.
func (f *fixture) wantNoRecord(name string) {
	f.t.Helper()
	var record v1alpha1.ResetRecord
	err := f.on.kube.Get(f.t.Context(), client.ObjectKey{Name: reset.RecordName(f.namespace, name)}, &record)
	if client.IgnoreNotFound(err) != nil {
		f.t.Fatal(err)
	}
	if err == nil {
		f.t.Errorf("there is a record %s: %+v", record.Name, record.Attempts)
	}
}

// wantPosts compares how many resets were called. The suite looks again at its
// end, whether it stayed so.
func (f *fixture) wantPosts(want int) {
	f.t.Helper()
	*f.counted = want
	if got := f.chat.Journal().Posts(); got != want {
		f.t.Errorf("the workspace saw %d resets being called, want %d", got, want)
	}
}

// wantResets compares how often a user was reset, and that the account itself was
// not.
func (f *fixture) wantResets(userID string, want int) {
	f.t.Helper()
	journal := f.chat.Journal()
	if got := journal.ResetsOf(userID); got != want {
		f.t.Errorf("the user %s was reset %d times, want %d", userID, got, want)
	}
	if got := journal.OwnResets(); got != 0 {
		f.t.Errorf("the account itself was reset %d times", got)
	}
}

func reasonOf(request *v1alpha1.UserCredentialReset) string {
	if said := succeeded(request); said != nil {
		return said.Reason
	}
	return ""
}

// succeeded is the condition that holds the reason, nil before the first write.
func succeeded(request *v1alpha1.UserCredentialReset) *metav1.Condition {
	return meta.FindStatusCondition(request.Status.Conditions, v1alpha1.ConditionSucceeded)
}

// awaitPassing waits until the request has said the reason, however short a time: it
// watches from the request's creation on.
func (f *fixture) awaitPassing(created *v1alpha1.UserCredentialReset, reason string) {
	f.t.Helper()
	awaitSince(f, "UserCredentialReset", client.ObjectKeyFromObject(created), created.ResourceVersion,
		func(r *v1alpha1.UserCredentialReset) bool { return reasonOf(r) == reason })
}

// await watches an object until it is as told. Whatever is seen on the way must
// keep the contract of conditions.
func await[T any](f *fixture, kind string, key client.ObjectKey, ok func(*T) bool) *T {
	f.t.Helper()
	return awaitSince(f, kind, key, "", ok)
}

// awaitSince is await from a resourceVersion on; if that is empty, from now on.
func awaitSince[T any](f *fixture, kind string, key client.ObjectKey, since string, ok func(*T) bool) *T {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind + "List"))
	var last *T
	for ctx.Err() == nil {
		watcher, err := f.on.kube.Watch(ctx, list, client.InNamespace(key.Namespace),
			client.MatchingFieldsSelector{Selector: fields.OneTermEqualSelector("metadata.name", key.Name)},
			&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: since}})
		if err != nil {
			f.t.Fatalf("watch %s: %v", key, err)
		}
		for event := range watcher.ResultChan() {
			read, is := event.Object.(*unstructured.Unstructured)
			if !is {
				continue
			}
			checkContract(f.t, read)
			object := new(T)
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(read.Object, object); err != nil {
				f.t.Fatal(err)
			}
			if last = object; ok(object) {
				watcher.Stop()
				return object
			}
		}
	}
	f.t.Fatalf("%s %s did not become as told; last: %s", kind, key, describe(last))
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
