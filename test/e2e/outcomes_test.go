package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/answers"
)

// effects are what a reset does to its user and to nobody else.
type effects struct {
	HasTOTP, HasKeys bool
	Resets           []simulator.Reset
	LogOuts          []string
	Mails            []simulator.Mail
	Broadcasts       []simulator.Broadcast
	RoomKeys         []string
}

func TestAResetIsCarriedOutOnceWithAllItsEffects(t *testing.T) {
	t.Parallel()
	alice := simulator.SampleAliceID
	for name, test := range map[string]struct {
		resetType v1alpha1.ResetType
		path      string
		want      effects
	}{
		"a TOTP reset removes the second factor": {
			v1alpha1.ResetTypeTOTP, "/api/v1/users.resetTOTP",
			effects{
				HasKeys: true,
				Resets:  []simulator.Reset{{Kind: "TOTP", UserID: alice, CallerID: simulator.SampleBotID, Effective: true}},
				LogOuts: []string{alice},
				Mails:   []simulator.Mail{{To: "alice@example.org", Subject: "TOTP_reset_email", Language: "en", UserID: alice}},
			},
		},
		"an E2E key reset removes the keys": {
			v1alpha1.ResetTypeE2EKey, "/api/v1/users.resetE2EKey",
			effects{
				HasTOTP:    true,
				Resets:     []simulator.Reset{{Kind: "E2EKey", UserID: alice, CallerID: simulator.SampleBotID, Effective: true}},
				LogOuts:    []string{alice},
				Mails:      []simulator.Mail{{To: "alice@example.org", Subject: "E2E_key_reset_email", Language: "en", UserID: alice}},
				Broadcasts: []simulator.Broadcast{{Event: "user.forceLogout", UserID: alice}},
				RoomKeys:   []string{alice},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, fixtureOptions{})
			others := f.chat.Users()
			request := f.request("lost-phone", "alice")
			request.Spec.Type, request.Spec.Justification = test.resetType, "OPS-4711"
			f.create(request)
			done := f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
			f.wantPosts(1)
			f.wantEffects(test.want)
			f.wantUntouched(others, alice)
			f.wantCall(test.path, totpHeaders())
			f.wantAccount(done)
			f.awaitEvent(done, corev1.EventTypeNormal, v1alpha1.ReasonResetAccepted)
		})
	}
}

// wantEffects compares what happened in the workspace, to alice and to anybody.
func (f *fixture) wantEffects(want effects) {
	f.t.Helper()
	journal := f.chat.Journal()
	alice, _ := f.chat.User(simulator.SampleAliceID)
	got := effects{
		HasTOTP: alice.TOTP != nil, HasKeys: alice.E2E != nil,
		Resets: journal.Resets, LogOuts: journal.LogOuts, Mails: journal.Mails,
		Broadcasts: journal.Broadcasts, RoomKeys: journal.RoomKeys,
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(simulator.Reset{}, "Time"), cmpopts.EquateEmpty()); diff != "" {
		f.t.Errorf("effects (-want +got):\n%s", diff)
	}
	if len(alice.Tokens) > 0 {
		f.t.Errorf("alice still has tokens: %+v", alice.Tokens)
	}
}

// wantUntouched says that all but one user are as they were.
func (f *fixture) wantUntouched(before []simulator.User, but string) {
	f.t.Helper()
	for _, user := range before {
		now, _ := f.chat.User(user.ID)
		if diff := cmp.Diff(user, now); diff != "" && user.ID != but {
			f.t.Errorf("%s changed (-before +now):\n%s", user.Username, diff)
		}
	}
}

// headers are those of a reset, all of them. A pattern stands for a value.
type headers map[string]string

func totpHeaders() headers {
	return headers{"X-Auth-Token": canaryToken, "X-2fa-Method": "totp", "X-2fa-Code": `\d{6}`}
}

// wantCall compares the one reset that was called with the published API, byte for
// byte.
func (f *fixture) wantCall(path string, extra headers) {
	f.t.Helper()
	const body = `{"userId":"` + simulator.SampleAliceID + `"}`
	want := headers{
		"Accept": "application/json", "Connection": "close", "Content-Length": strconv.Itoa(len(body)),
		"Content-Type": "application/json", "X-User-Id": simulator.SampleBotID,
	}
	maps.Copy(want, extra)
	for _, call := range f.chat.Journal().Requests {
		if call.Method != http.MethodPost {
			continue
		}
		if call.Path != path || call.Body != body || call.Query != "" || call.Status != http.StatusOK {
			f.t.Errorf("%s %s?%s with the body %s was answered with %d", call.Method, call.Path, call.Query, call.Body, call.Status)
		}
		for name, values := range call.Header {
			pattern, known := want[name]
			if !known || len(values) != 1 || !regexp.MustCompile("^(?:"+pattern+")$").MatchString(values[0]) {
				f.t.Errorf("header %s: %q, want %q", name, values, pattern)
			}
			delete(want, name)
		}
		if len(want) > 0 {
			f.t.Errorf("headers that are missing: %v", want)
		}
	}
}

// wantAccount compares what is told of a reset afterwards: the request's status and
// the record.
func (f *fixture) wantAccount(done *v1alpha1.UserCredentialReset) {
	f.t.Helper()
	target := v1alpha1.Target{Host: f.server.URL, UserID: simulator.SampleAliceID, Username: "alice"}
	record := f.record(done.Name)
	digest := sha256.Sum256([]byte(done.Namespace + "/" + done.Name))
	if want := done.Name + "-" + hex.EncodeToString(digest[:16]); record.Name != want {
		f.t.Errorf("the record is called %s, want %s", record.Name, want)
	}
	status := done.Status
	if status.Target == nil || *status.Target != target || status.RecordRef == nil || status.RecordRef.Name != record.Name || status.CompletionTime.IsZero() {
		f.t.Errorf("status %+v", status)
	}
	want := v1alpha1.ResetRecord{
		Request:       v1alpha1.RequestReference{Namespace: done.Namespace, Name: done.Name, UID: string(done.UID)},
		Workspace:     v1alpha1.RecordedWorkspace{Namespace: f.namespace, Name: "chat"},
		Target:        target,
		Type:          done.Spec.Type,
		NotAfterTime:  done.Spec.NotAfterTime,
		Justification: done.Spec.Justification,
		Attempts: []v1alpha1.Attempt{{
			SecretResourceVersion: f.secret.ResourceVersion,
			Result:                v1alpha1.AttemptSucceeded,
			Reason:                v1alpha1.ReasonResetAccepted,
		}},
	}
	ignored := cmp.Options{
		cmpopts.IgnoreTypes(metav1.TypeMeta{}, metav1.ObjectMeta{}),
		cmpopts.IgnoreFields(v1alpha1.Attempt{}, "ID", "StartTime", "EndTime"),
	}
	if diff := cmp.Diff(want, *record, ignored); diff != "" {
		f.t.Errorf("record (-want +got):\n%s", diff)
	}
	if len(record.OwnerReferences) > 0 || len(record.Finalizers) > 0 || record.Namespace != "" {
		f.t.Errorf("the record's metadata would not outlive the request: %+v", record.ObjectMeta)
	}
	if attempt := record.Attempts[0]; len(attempt.ID) < 8 || attempt.StartTime.IsZero() || attempt.EndTime.IsZero() {
		f.t.Errorf("attempt %+v", attempt)
	}
}

// awaitEvent waits for an event about the object.
func (f *fixture) awaitEvent(about client.Object, eventType, reason string) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	var events eventsv1.EventList
	err := wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		if err := f.on.kube.List(ctx, &events, client.InNamespace(about.GetNamespace())); err != nil {
			return false, err
		}
		for i := range events.Items {
			event := &events.Items[i]
			if event.Regarding.UID == about.GetUID() && event.Type == eventType && event.Reason == reason {
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil {
		f.t.Errorf("no event %s %s about %s: %v; events: %+v", eventType, reason, about.GetName(), err, events.Items)
	}
}

// factor is a way in which an account proves itself for a reset.
type factor struct {
	users   func([]simulator.User) []simulator.User
	secret  func(map[string][]byte)
	method  v1alpha1.SecondFactorMethod
	headers headers
}

// account is a change of the operator's account in Rocket.Chat.
func account(change func(*simulator.User)) func([]simulator.User) []simulator.User {
	return func(all []simulator.User) []simulator.User {
		change(&all[0])
		return all
	}
}

func factors() map[string]factor {
	return map[string]factor{
		"a TOTP code is computed from the secret": {
			secret:  func(map[string][]byte) {},
			method:  v1alpha1.SecondFactorTOTP,
			headers: totpHeaders(),
		},
		"a TOTP secret may be written as people copy it": {
			secret: func(data map[string][]byte) {
				data["totpSecret"] = []byte("canary aca-nary acanaryacanary acana\n")
			},
			method:  v1alpha1.SecondFactorTOTP,
			headers: totpHeaders(),
		},
		"a password is sent as its digest where the account has no other factor": {
			users: account(func(bot *simulator.User) { bot.TOTP = nil }),
			secret: func(data map[string][]byte) {
				answers.WithoutFactor(data)
				data["password"] = []byte(canary + "\n")
			},
			method: v1alpha1.SecondFactorPassword,
			headers: headers{
				"X-Auth-Token": canaryToken, "X-2fa-Method": "password", "X-2fa-Code": simulator.PasswordDigest(canary),
			},
		},
		"a token that bypasses the second factor needs none": {
			secret:  bypassing,
			method:  v1alpha1.SecondFactorTOTP, // what the account would be asked for otherwise
			headers: headers{"X-Auth-Token": canaryBypass},
		},
		"an account without any factor is asked for none": {
			users:   account(func(bot *simulator.User) { bot.TOTP, bot.PasswordDigest = nil, "" }),
			secret:  answers.WithoutFactor,
			method:  v1alpha1.SecondFactorNone,
			headers: headers{"X-Auth-Token": canaryToken},
		},
	}
}

func TestEverySecondFactorIsPresented(t *testing.T) {
	t.Parallel()
	for name, test := range factors() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, fixtureOptions{
				users:  test.users,
				secret: func(secret *corev1.Secret) { test.secret(secret.Data) },
			})
			if got := f.awaitWorkspace(v1alpha1.ReasonConnected).Status; got.SecondFactorMethod != test.method || got.AccountUsername != simulator.SampleBotName || got.Version != "8.6" || got.Host != f.server.URL {
				t.Errorf("the workspace's status: %+v", got)
			}
			f.ask("lost-phone", "alice")
			f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
			f.wantPosts(1)
			f.wantResets(simulator.SampleAliceID, 1)
			f.wantCall(simulator.PathResetTOTP, test.headers)
		})
	}
}

func TestOfSeveralRequestsAtOnceOneResetsTheUser(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	names := []string{"a", "b", "c", "d", "e"}
	for _, name := range names {
		f.ask(name, "alice")
	}
	counts := map[v1alpha1.Outcome]int{}
	for _, name := range names {
		done := f.awaitRequest(name, func(r *v1alpha1.UserCredentialReset) bool { return r.Status.Outcome != "" })
		counts[done.Status.Outcome]++
		if reason := reasonOf(done); reason != v1alpha1.ReasonResetAccepted && reason != v1alpha1.ReasonAlreadyReset {
			t.Errorf("%s ended with the reason %s", name, reason)
		}
	}
	want := map[v1alpha1.Outcome]int{v1alpha1.OutcomeSucceeded: 1, v1alpha1.OutcomeSkipped: len(names) - 1}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	f.wantPosts(1)
	f.wantResets(simulator.SampleAliceID, 1)
}

func TestARequestOfAnotherTypeIsNoRival(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	f.ask("totp", "alice")
	keys := f.request("keys", "alice")
	keys.Spec.Type = v1alpha1.ResetTypeE2EKey
	f.create(keys)
	f.awaitReason("totp", v1alpha1.ReasonResetAccepted)
	f.awaitReason("keys", v1alpha1.ReasonResetAccepted)
	f.wantPosts(2)
	f.wantResets(simulator.SampleAliceID, 2)
}

func TestAnUnseenRequestIsInProgress(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{apart: true})
	f.ask("unseen", "alice")
	unseen := f.awaitRequest("unseen", func(*v1alpha1.UserCredentialReset) bool { return true })
	if got := unseen.Status; got.ObservedGeneration == nil || *got.ObservedGeneration != -1 || len(got.Conditions) > 0 {
		t.Errorf("status %+v", got)
	}
	f.wantPosts(0)
}

func TestKubectlWaitReturnsWhenARequestIsFinished(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{})
	f.ask("lost-phone", "alice")
	output, err := f.on.cluster.Kubectl(t.Context(), "wait", "--namespace", f.namespace, "--timeout", patience.String(),
		"--for=condition=Finished", "usercredentialreset/lost-phone")
	if err != nil || output != "usercredentialreset.credentialreset.dev/lost-phone condition met\n" {
		t.Errorf("kubectl wait: %v: %s", err, output)
	}
	var done v1alpha1.UserCredentialReset
	if err := f.on.kube.Get(t.Context(), client.ObjectKey{Namespace: f.namespace, Name: "lost-phone"}, &done); err != nil {
		t.Fatal(err)
	}
	if done.Status.Outcome != v1alpha1.OutcomeSucceeded || done.Status.RecordRef.Name != reset.RecordName(f.namespace, "lost-phone") {
		t.Errorf("status after kubectl wait: %+v", done.Status)
	}
	f.wantPosts(1)
}
