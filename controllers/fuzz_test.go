package controllers

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat"
)

// fuzzCanary is in every value of the fuzzed Secret that must not be seen.
const fuzzCanary = "CANARYCANARYCANARYCANARYCANARYCA"

// dice are the bytes of a fuzzed input, one throw after the other; when they are
// used up, every throw is 0.
type dice struct{ bytes []byte }

func (d *dice) throw(sides int) int {
	if len(d.bytes) == 0 {
		return 0
	}
	side := int(d.bytes[0]) % sides
	d.bytes = d.bytes[1:]
	return side
}

func pick[T any](d *dice, values ...T) T { return values[d.throw(len(values))] }

// FuzzReconcile lets the reconcilers meet any objects, answers and faults. The
// invariants of the explorer must hold, and nothing of the Secret may be seen.
func FuzzReconcile(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 0, 2, 3, 1, 1, 2, 1, 0, 4, 9, 5, 1, 1, 1, 7})
	f.Add([]byte("a request, a record and a workspace of some kind"))
	f.Add(aRefusedAttempt())
	f.Fuzz(func(t *testing.T, input []byte) {
		d := &dice{input}
		deviations := d.deviations()
		var seen strings.Builder
		s := scenario{name: "fuzzed", build: func(w *world) {
			w.trace = func(line string) { seen.WriteString(line + "\n") }
			d.furnish(w)
			w.mayHappen(w.newReplicas(1+d.throw(2)), "lost-phone")
		}}
		w := newWorld(s, &chooser{planned: deviations})
		w.run()
		for _, broken := range w.broken {
			t.Error(broken)
		}
		checkCanary(t, w, seen.String())
		if t.Failed() {
			t.Log(seen.String())
		}
	})
}

// aRefusedAttempt is an input whose request has a record already, of an attempt that
// Rocket.Chat refused, and therefore makes one more.
func aRefusedAttempt() []byte {
	const deviations, secret, workspace, request = 1, 2, 6, 7
	return slices.Concat(make([]byte, deviations+secret+workspace+request), []byte{1 /* there is a record */, 0, 0, 0, 3 /* refused */})
}

// deviations are up to five deviations.
func (d *dice) deviations() []deviation {
	var planned []deviation
	point := 0
	for range d.throw(6) {
		point += 1 + d.throw(60)
		planned = append(planned, deviation{point, d.throw(40)})
	}
	return planned
}

// checkCanary looks for the Secret's values in all that others can see.
func checkCanary(t *testing.T, w *world, seen string) {
	t.Helper()
	for kind := range kinds {
		for _, object := range w.server.objects[kind] {
			text, err := json.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			seen += string(text)
		}
	}
	if strings.Contains(seen, fuzzCanary) {
		t.Error("something of the Secret was shown")
	}
}

// furnish makes any objects: some sensible, some not.
func (d *dice) furnish(w *world) {
	w.server.add(d.secret())
	w.server.add(d.workspace())
	w.ask1("lost-phone", pick(d, "alice", "bob", "nobody", "reset-bot"))
	edit(w.server, w.server.request(key("lost-phone")), func(r *v1alpha1.UserCredentialReset) { d.change(w, r) })
	if d.throw(2) == 1 {
		d.formerRecord(w)
	}
	if d.throw(2) == 1 {
		w.chat.answers = d.answer
		w.loses("answers are of any kind")
	}
}

func (d *dice) secret() *corev1.Secret {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "chat", Name: "chat"}, Type: SecretType,
		Data: map[string][]byte{"url": []byte(chatURL), "userId": []byte(botID), "authToken": []byte(fuzzCanary)},
	}
	secret.Data[pick(d, "totpSecret", "password", "twoFactorCode", "unknown")] = []byte(fuzzCanary)
	switch d.throw(6) {
	case 1:
		secret.Type = corev1.SecretTypeOpaque
	case 2:
		secret.Data["url"] = []byte("https://" + fuzzCanary + "@chat.example.com")
	case 3:
		secret.Data["ca.crt"] = []byte(fuzzCanary)
	}
	return secret
}

func (d *dice) workspace() *v1alpha1.RocketChatWorkspace {
	return &v1alpha1.RocketChatWorkspace{
		ObjectMeta: metav1.ObjectMeta{Namespace: "chat", Name: "chat"},
		Spec: v1alpha1.RocketChatWorkspaceSpec{
			SecretRef:             v1alpha1.SecretReference{Name: pick(d, "chat", "chat", "chat", "other")},
			RequestTimeoutSeconds: pick[int32](d, 10, 1, 15, 0),
			AllowedTypes:          pick(d, []v1alpha1.ResetType{v1alpha1.ResetTypeTOTP, v1alpha1.ResetTypeE2EKey}, []v1alpha1.ResetType{v1alpha1.ResetTypeE2EKey}),
			ProtectedUserIDs:      pick(d, nil, []string{peopleIDs()["alice"]}),
			OwnAccount:            pick(d, v1alpha1.OwnAccountProtected, v1alpha1.OwnAccountAllowed),
			Suspend:               pick(d, nil, nil, new(true), new(false)),
		},
	}
}

func (d *dice) change(w *world, r *v1alpha1.UserCredentialReset) {
	r.Spec.User.ID = pick(d, "", "", peopleIDs()["alice"], botID, "alice")
	r.Spec.Type = pick(d, v1alpha1.ResetTypeTOTP, v1alpha1.ResetTypeE2EKey)
	r.Spec.NotAfterTime = metav1.NewTime(w.now.Add(pick(d, validity, validity, 12*time.Second, -time.Hour, 8*24*time.Hour)).Truncate(time.Second))
	r.Annotations = pick(d, nil, nil, map[string]string{"helm.sh/hook": "post-install"})
	r.Labels = pick(d, nil, nil, map[string]string{"velero.io/restore-name": "nightly"})
	r.Spec.WorkspaceRef.Name = pick(d, "chat", "chat", "chat", "elsewhere")
}

// formerRecord is a record that is there already, of this request or of an earlier
// one, and what the workspace saw of it.
func (d *dice) formerRecord(w *world) {
	request := w.server.request(key("lost-phone")).DeepCopy()
	request.UID = pick(d, request.UID, "an-earlier-one")
	target := v1alpha1.Target{Host: chatURL, UserID: peopleIDs()["alice"], Username: pick(d, "alice", "alina")}
	ended := metav1.NewTime(w.now.Add(-time.Duration(d.throw(20)) * time.Minute).Truncate(time.Second))
	record := reset.NewRecord(request, target, v1alpha1.Attempt{ID: "former-attempt", StartTime: ended, SecretResourceVersion: "1"})
	attempt := &record.Attempts[0]
	attempt.Result = pick(d, "", v1alpha1.AttemptSucceeded, v1alpha1.AttemptNotSent, v1alpha1.AttemptRefused, v1alpha1.AttemptUnconfirmed)
	if attempt.Result != "" {
		attempt.EndTime = &ended
		attempt.Reason = pick(d, "NotBegun", "RateLimited", "MailFailed", "UserNotFound", "SecondFactorRejected", "CodeRefused", "NobodyKnowsThis")
	}
	if attempt.Result != v1alpha1.AttemptNotSent {
		succeeded := attempt.Result == v1alpha1.AttemptSucceeded
		p := &post{attempt: attempt.ID, request: request.UID, userID: target.UserID, kind: record.Type, at: ended.Time, heard: succeeded}
		if succeeded {
			p.effects = 1
		}
		w.chat.posts = append(w.chat.posts, p)
	}
	w.audited[attempt.ID] = true
	w.audited[attempt.ID+" "+string(attempt.Result)] = true
	attempt.SecretResourceVersion = pick(d, "1", w.server.objects[kindSecret][key("chat")].GetResourceVersion())
	w.server.add(record)
	w.loses("there was a record")
}

// answer is any answer to a reset. Rocket.Chat's own refusals are honest; what
// others answer says nothing about what happened.
func (d *dice) answer(p *post) error {
	refusal := &rocketchat.AnswerError{
		Route: "reset", Status: pick(d, 400, 401, 403, 404, 429, 500, 502, 503, 200, 302),
		RocketChat: d.throw(2) == 1,
		ErrorType: pick(d, rocketchat.CodeNone, rocketchat.CodeUnknown, rocketchat.CodeNotAllowed, rocketchat.CodeInvalidUser,
			rocketchat.CodeTOTPInvalid, rocketchat.CodeEmailSendFailed, rocketchat.CodeTooManyRequests, rocketchat.CodeUnauthorized),
		TextCode: pick(d, rocketchat.CodeNone, rocketchat.CodeTooManyRequests),
		Details:  rocketchat.Details{Method: pick(d, "", "totp", "email", "password"), HasFunction: d.throw(2) == 1},
	}
	refusal.LoginRequired = refusal.RocketChat && refusal.Status == 401
	known := refusal.ErrorType != rocketchat.CodeNone && refusal.ErrorType != rocketchat.CodeUnknown || refusal.TextCode != rocketchat.CodeNone
	if honest := refusal.RocketChat && (known || refusal.LoginRequired); !honest {
		p.effects = d.throw(2)
	}
	if d.throw(3) == 0 {
		p.effects, p.heard = 1, true
		return nil
	}
	return refusal
}
