package answers

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// Row is one misbehaviour of a workspace, or of what stands before it, and what
// must come of it.
type Row struct {
	Name  string // what happens, as a sentence without its full stop
	Cause string // what does so in the real world
	Scene Scene
	Want  Want
}

// Scene makes the misbehaviour happen. It concerns the first reset that is called,
// and no other unless it is Lasting. The zero value is a workspace in order.
type Scene struct {
	Type     v1alpha1.ResetType // of the request; TOTP if empty
	Version  string
	Clock    func() time.Time
	Settings func(*simulator.Settings)
	Users    func([]simulator.User) []simulator.User // the first is the operator's account
	Secret   func(data map[string][]byte)
	Timeout  int32 // requestTimeoutSeconds, if not the default

	Arrange    func(*simulator.Workspace) // once the workspace is in use
	Meanwhile  func(*simulator.Workspace) // between the look-up and the reset
	Reset      simulator.Interceptor      // stands before the reset
	OwnCheck   simulator.Interceptor      // stands before the look at the own account that follows
	Connection Script                     // plays with the reset's connection
	Refused    bool                       // connections are refused from the look-up on, until repaired

	Lasting bool                       // meets resets of others just the same
	Repair  func(*simulator.Workspace) // what a person has to do in Rocket.Chat
}

// Want is what must come of a misbehaviour.
type Want struct {
	Result    v1alpha1.AttemptResult // of the attempt
	Attempt   string                 // its reason
	Outcome   v1alpha1.Outcome       // of the request, right after
	Request   string                 // its reason
	Workspace string                 // the reason of the workspace's Ready
	Next      Next
	Pause     time.Duration // that the limiter asks for
	Seen      Effects
}

// Effects is what the workspace saw and did until the request's status told of it.
type Effects struct {
	Posts     int // resets called
	Resets    int // of the user
	OwnResets int // of the operator's account
	LogOuts   int
	Mails     int
	RoomKeys  int // users whose rooms' keys were dropped
}

// Next is what comes next of the request by itself, or whom it waits for.
type Next string

// What comes next.
const (
	Ended              Next = "ended"
	EndedUnconfirmed   Next = "ended for good; ask the user"
	EndedAndStopped    Next = "ended for good; nothing is called until the Secret changes"
	TriedAgain         Next = "tried again after 30 seconds"
	WaitsForServer     Next = "tried again when the workspace is reached again"
	WaitsForLimiter    Next = "tried again when the limiter lets calls pass"
	WaitsForRocketChat Next = "waits for Rocket.Chat's administrator; tried again after 30 seconds"
	WaitsForSecret     Next = "waits for a repair and a changed Secret; nothing is called before"
)

// GoesOn says whether the request is still open.
func (n Next) GoesOn() bool {
	return !slices.Contains([]Next{Ended, EndedUnconfirmed, EndedAndStopped}, n)
}

// Catalogue is every misbehaviour, grouped by the attempt's result.
func Catalogue() []Row {
	return slices.Concat(succeeded(), notSent(), refused(), unconfirmed())
}

// Play lets the scene happen between a workspace and those who reach it by the way.
func (s Scene) Play(w *simulator.Workspace, way *Way) {
	if s.Arrange != nil {
		s.Arrange(w)
	}
	lookUp := first(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if s.Refused {
			way.Close()
		}
		if s.Connection != nil {
			way.Play(s.Connection)
		}
		next.ServeHTTP(rw, r)
	})
	reset, ownCheck := first(s.meanwhile(w)), first(s.OwnCheck)
	w.Intercept(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		switch {
		case r.Method == http.MethodPost:
			reset(rw, r, next)
		case r.URL.Path == "/api/v1/users.info":
			lookUp(rw, r, next)
		case r.URL.Path == "/api/v1/me" && w.Journal().Posts() > 0:
			ownCheck(rw, r, next)
		default:
			next.ServeHTTP(rw, r)
		}
	})
}

// meanwhile is what becomes of the first reset when it arrives.
func (s Scene) meanwhile(w *simulator.Workspace) simulator.Interceptor {
	answer := s.Reset
	if answer == nil {
		answer = handOn
	}
	return func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if s.Meanwhile != nil {
			s.Meanwhile(w)
		}
		answer(rw, r, next)
	}
}

// NeedsWay says whether the scene plays below the workspace's own protocol.
func (s Scene) NeedsWay() bool { return s.Connection != nil || s.Refused }

// EffectsIn is what a journal tells of resets of a user, or of anybody but the
// operator's account if there is none.
func EffectsIn(j simulator.Journal) Effects {
	own := j.OwnResets()
	return Effects{
		Posts: j.Posts(), Resets: len(j.Resets) - own, OwnResets: own,
		LogOuts: len(j.LogOuts), Mails: len(j.Mails), RoomKeys: len(j.RoomKeys),
	}
}

// Plus adds effects up.
func (e Effects) Plus(more Effects) Effects {
	return Effects{
		Posts: e.Posts + more.Posts, Resets: e.Resets + more.Resets, OwnResets: e.OwnResets + more.OwnResets,
		LogOuts: e.LogOuts + more.LogOuts, Mails: e.Mails + more.Mails, RoomKeys: e.RoomKeys + more.RoomKeys,
	}
}

// String tells of the effects as the documentation does.
func (e Effects) String() string {
	var parts []string
	for _, part := range []struct {
		count     int
		one, many string
	}{
		{e.Posts, "1 call", "%d calls"},
		{e.Resets, "user reset", "%d users reset"},
		{e.OwnResets, "own account reset", "own account reset %d times"},
		{e.LogOuts, "1 log-out", "%d log-outs"},
		{e.Mails, "1 mail", "%d mails"},
		{e.RoomKeys, "room keys dropped", "room keys of %d users dropped"},
	} {
		switch part.count {
		case 0:
		case 1:
			parts = append(parts, part.one)
		default:
			parts = append(parts, fmt.Sprintf(part.many, part.count))
		}
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

// ResetOf are the effects of a reset that the workspace carries out as it should.
func ResetOf(resetType v1alpha1.ResetType) Effects {
	effects := Effects{Posts: 1, Resets: 1, LogOuts: 1, Mails: 1}
	if resetType == v1alpha1.ResetTypeE2EKey {
		effects.RoomKeys = 1
	}
	return effects
}
