package e2e

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/answers"
)

// TestEveryAnswer has the workspace, or what stands before it, misbehave in every
// way of the catalogue, and follows the request until it ends.
func TestEveryAnswer(t *testing.T) {
	t.Parallel()
	for _, row := range answers.Catalogue() {
		t.Run(row.Name, func(t *testing.T) {
			t.Parallel()
			p := newPlay(t, row)
			p.row.Scene.Play(p.chat, p.way)
			p.demand("lost-phone", "alice")
			p.wantRequest()
			p.wantAttempt()
			p.awaitWorkspace(row.Want.Workspace)
			p.wantOwnCheck()
			p.wantBystander()
			p.goOn()
			p.wantSeen()
			p.wantPlainCalls()
		})
	}
}

// play is a row of the catalogue that is being played.
type play struct {
	*fixture
	row   answers.Row
	way   *answers.Way // nil if the workspace is called directly
	names []string     // of the requests
}

func newPlay(t *testing.T, row answers.Row) *play {
	t.Helper()
	p := &play{row: row}
	scene := row.Scene
	p.fixture = newFixture(t, fixtureOptions{
		version: scene.Version, clock: scene.Clock, settings: scene.Settings, users: scene.Users,
		workspace: func(w *v1alpha1.RocketChatWorkspace) { w.Spec.RequestTimeoutSeconds = scene.Timeout },
		served: func(server *simulator.Server) {
			if !scene.NeedsWay() {
				return
			}
			// It stays open until the suite ends: its address must not become another's.
			var err error
			if p.way, err = answers.OpenWay(server.URL[len("https://"):]); err != nil {
				t.Fatal(err)
			}
		},
		secret: func(secret *corev1.Secret) {
			if p.way != nil {
				secret.Data["url"] = []byte("https://" + p.way.Address)
			}
			if scene.Secret != nil {
				scene.Secret(secret.Data)
			}
		},
	})
	if p.row.Scene.Type == "" {
		p.row.Scene.Type = v1alpha1.ResetTypeTOTP
	}
	return p
}

// demand creates a request of the row's type.
func (p *play) demand(name, username string) {
	p.t.Helper()
	request := p.request(name, username)
	request.Spec.Type = p.row.Scene.Type
	p.create(request)
	p.names = append(p.names, name)
}

// wantRequest waits until the request tells what became of it.
func (p *play) wantRequest() {
	p.t.Helper()
	request := p.awaitReason("lost-phone", p.row.Want.Request)
	if got := request.Status.Outcome; got != p.row.Want.Outcome || (got == "") != request.Status.CompletionTime.IsZero() {
		p.t.Errorf("outcome %q at %v, want %q", got, request.Status.CompletionTime, p.row.Want.Outcome)
	}
}

// wantAttempt compares the first attempt that was begun, which nothing changes any
// more.
func (p *play) wantAttempt() {
	p.t.Helper()
	attempts := p.begun()
	if len(attempts) == 0 {
		p.t.Fatal("no attempt was begun")
	}
	got := attempts[0]
	if got.Result != p.row.Want.Result || got.Reason != p.row.Want.Attempt || got.LateResult != "" || got.EndTime.IsZero() {
		p.t.Errorf("attempt %+v, want %s, %s", got, p.row.Want.Result, p.row.Want.Attempt)
	}
	if !p.row.Want.Next.GoesOn() && len(attempts) != 1 {
		p.t.Errorf("%d attempts, want 1", len(attempts))
	}
}

// begun are the record's attempts but for those that were given up before their
// call, as it happens where the API server is slow.
func (p *play) begun() []v1alpha1.Attempt {
	p.t.Helper()
	return slices.DeleteFunc(p.record("lost-phone").Attempts, func(attempt v1alpha1.Attempt) bool {
		return attempt.Result == v1alpha1.AttemptNotSent && attempt.Reason == v1alpha1.ReasonNotBegun
	})
}

// wantOwnCheck looks at what was called after the reset. What is no proof of a
// refusal is followed by a look at the own account, before anything else is called;
// and a refusal of the own account by nothing at all.
func (p *play) wantOwnCheck() {
	p.t.Helper()
	calls := callsAfterReset(p.chat.Journal().Requests)
	switch {
	case p.row.Want.Result == v1alpha1.AttemptSucceeded, p.row.Want.Result == v1alpha1.AttemptUnconfirmed:
		if len(calls) == 0 || calls[0].Path != "/api/v1/me" {
			p.t.Errorf("the own account was not looked at after the reset, but this was called: %+v", calls)
		}
	case p.row.Want.Next == answers.WaitsForSecret && len(calls) > 0:
		p.t.Errorf("after the own account was refused, this was called: %+v", calls)
	}
}

// callsAfterReset are the calls after the reset, or after the look-up if the reset
// did not arrive.
func callsAfterReset(calls []simulator.Request) []simulator.Request {
	start := slices.IndexFunc(calls, isReset)
	for i := 0; start < 0 && i < len(calls); i++ {
		if calls[i].Path == "/api/v1/users.info" {
			calls, i = calls[i+1:], -1
		}
	}
	return calls[start+1:]
}

func isReset(call simulator.Request) bool {
	return call.Method == http.MethodPost &&
		(call.Path == simulator.PathResetTOTP || call.Path == simulator.PathResetE2EKey)
}

// wantBystander asks for somebody else's reset, where that must come to the same:
// without any call, if the own account was refused.
func (p *play) wantBystander() {
	p.t.Helper()
	posts := p.row.Want.Seen.Posts
	switch {
	case p.row.Scene.Lasting:
		posts *= 2
	case p.row.Want.Next != answers.WaitsForSecret:
		return
	}
	before := p.lookUps()
	p.demand("bystander", "bob")
	p.awaitReason("bystander", p.row.Want.Request)
	p.awaitReason("lost-phone", p.row.Want.Request)
	p.wantPosts(posts)
	if got, want := p.lookUps()-before, posts-p.row.Want.Seen.Posts; got != want {
		p.t.Errorf("somebody else's request caused %d look-ups, want %d", got, want)
	}
}

// goOn follows requests that are still open to the end that they must come to.
func (p *play) goOn() {
	p.t.Helper()
	if !p.row.Want.Next.GoesOn() {
		return
	}
	p.repair()
	for _, name := range p.names {
		p.awaitReason(name, v1alpha1.ReasonResetAccepted)
	}
	p.awaitWorkspace(v1alpha1.ReasonConnected)
	p.wantAttempt()
	attempts := p.begun()
	if len(attempts) != 2 || attempts[1].Result != v1alpha1.AttemptSucceeded {
		p.t.Errorf("attempts %+v, want a second one that succeeded", attempts)
	}
	p.wantPause()
}

// repair does what the requests wait for.
func (p *play) repair() {
	p.t.Helper()
	if p.row.Scene.Repair != nil {
		p.row.Scene.Repair(p.chat)
	}
	if p.row.Scene.Refused {
		if err := p.way.Open(); err != nil {
			p.t.Fatal(err)
		}
	}
	if p.row.Want.Next == answers.WaitsForSecret {
		p.update(p.secret, func() { p.secret.Labels = map[string]string{"checked-by": "somebody"} })
	}
	p.touchWorkspace()
}

// wantPause compares how long after its refusal the reset was called again: not
// before the limiter asked for, and not much later.
func (p *play) wantPause() {
	p.t.Helper()
	pause := p.row.Want.Pause
	if pause == 0 {
		return
	}
	calls := slices.DeleteFunc(p.chat.Journal().Requests, func(call simulator.Request) bool { return !isReset(call) })
	if got := calls[1].Time.Sub(calls[0].Time); got < pause || got > pause+muchLater {
		p.t.Errorf("the reset was called again after %s, want %s", got, pause)
	}
}

// muchLater is what tells a pause that was understood from the one that is taken
// where nothing was, which is a minute and more.
const muchLater = 40 * time.Second

// wantSeen compares what the workspace saw and did in all, and has the suite look
// again at its end.
func (p *play) wantSeen() {
	p.t.Helper()
	want := p.row.Want.Seen
	if p.row.Scene.Lasting {
		want = want.Plus(want)
	}
	if p.row.Want.Next.GoesOn() {
		for range p.names {
			want = want.Plus(answers.ResetOf(p.row.Scene.Type))
		}
	}
	// A reset may happen after everybody has given up waiting for its answer.
	p.awaitJournal(func(j simulator.Journal) bool { return len(j.Resets) >= want.Resets+want.OwnResets })
	if diff := cmp.Diff(want, answers.EffectsIn(p.chat.Journal())); diff != "" {
		p.t.Errorf("what the workspace saw (-want +got):\n%s", diff)
	}
	p.wantPosts(want.Posts)
}

// wantPlainCalls says that no call carried what could have something on the way keep
// it, send it again or cut it, and that every reset that was read named its user.
func (p *play) wantPlainCalls() {
	p.t.Helper()
	bodies := []string{`{"userId":"` + simulator.SampleAliceID + `"}`, `{"userId":"` + simulator.SampleBobID + `"}`}
	for _, call := range p.chat.Journal().Requests {
		for _, name := range []string{"Cookie", "Expect", "Accept-Encoding", "Transfer-Encoding", "Idempotency-Key", "X-Idempotency-Key"} {
			if values := call.Header.Values(name); len(values) > 0 {
				p.t.Errorf("%s %s has the header %s: %q", call.Method, call.Path, name, values)
			}
		}
		if isReset(call) && call.Body != "" && !slices.Contains(bodies, call.Body) {
			p.t.Errorf("%s has the body %s", call.Path, call.Body)
		}
	}
}
