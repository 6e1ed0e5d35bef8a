package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat"
)

// The people of the workspace.
const (
	chatURL = "https://chat.example.com"
	botID   = "botbotbotbotbot01"
)

// peopleIDs are the ids by username.
func peopleIDs() map[string]string {
	return map[string]string{"alice": "alicealicealice01", "bob": "bobbobbobbobbob01"}
}

// post is a reset that the workspace was called for.
type post struct {
	attempt string
	request types.UID
	userID  string
	kind    v1alpha1.ResetType
	at      time.Time
	effects int
	heard   bool // the operator was told of a success
	misled  bool // it was the operator's own account that was reset
}

// chatServer is the workspace in memory. How the client tells of what happens on
// the wire is proven where the client is; here it tells so.
type chatServer struct {
	world    *world
	posts    []*post
	tokens   int               // how often a token was made
	dead     int               // tokens up to this one are no longer accepted
	enrolled bool              // the operator's account has TOTP
	answers  func(*post) error // what becomes of a reset; nil: as chosen
}

func newChatServer(w *world) *chatServer {
	return &chatServer{world: w, tokens: 1, enrolled: true}
}

// renew is what an administrator does who repairs the account: enrol it again and
// make a new token.
func (c *chatServer) renew() {
	c.tokens++
	c.enrolled = true
}

// resetOwn is what befalls the account when the server misreads a request.
func (c *chatServer) resetOwn() {
	c.dead, c.enrolled = c.tokens, false
	c.world.loses("the operator's own account was reset")
}

// The faults of calls to the workspace; 0 is none.
const (
	lookUpSlow = iota + 1
	lookUpLost
	lookUpNotConnected
	lookUpLimited
	lookUpFaults
)

// The ways in which a dial can go; 0 is at once.
const (
	dialSlow = iota + 1
	dialFails
	dialWays
)

// What can become of a reset; 0 is that it succeeds at once.
const (
	postSlow = iota + 1
	postLostAfter
	postLostBefore
	postArrivesLate
	postLimited
	postFactorRefused
	postGatewayAfter
	postGatewayBefore
	postResetsOwn
	postResetsOwnLost
	postMailFails
	postPanicsAfter
	postPanicsBefore
	postWays
)

// The waits of calls that have difficulties.
const (
	slowLookUp = 3900 * time.Millisecond
	slowDial   = 9900 * time.Millisecond
	slowPost   = 9 * time.Second
	latePost   = 5 * time.Second // after the time-out
	limitWait  = 40 * time.Second
)

// chatCaller is the client of one replica.
type chatCaller struct {
	replica    *replica
	connection *rocketchat.Connection
	token      int
}

func (c *chatCaller) isAccepted() bool { return c.token > c.replica.world.chat.dead }

var errLost = errors.New("lost")

func lost(route string) error {
	return &rocketchat.TransportError{Route: route, Connected: true, Err: rocketchat.ErrLost}
}

func refusedWith(status int, code rocketchat.Code, method string) error {
	return &rocketchat.AnswerError{Route: "reset", Status: status, RocketChat: true, ErrorType: code, Details: rocketchat.Details{Method: method}}
}

func loginRequired(route string) error {
	return &rocketchat.AnswerError{Route: route, Status: 401, RocketChat: true, LoginRequired: true}
}

func (c *chatCaller) read(what string, faults int) error {
	w := c.replica.world
	w.ask(what)
	fault := w.fault(faults)
	if fault != 0 {
		w.tell("  %s: fault %d", what, fault)
	}
	switch fault {
	case lookUpSlow:
		w.now = w.now.Add(slowLookUp)
	case lookUpLost:
		return lost(what)
	case lookUpNotConnected:
		return &rocketchat.TransportError{Route: what, Err: errLost}
	case lookUpLimited:
		return c.limited(what)
	}
	if !c.isAccepted() {
		return loginRequired(what)
	}
	return nil
}

// limited is the limiter's refusal, of which the gate is told.
func (c *chatCaller) limited(route string) error {
	c.replica.operator.gate.Close(c.connection.Server(), rocketchat.RouteResetTOTP, limitWait)
	return &rocketchat.AnswerError{
		Route: route, Status: 429, RocketChat: true, TextCode: rocketchat.CodeTooManyRequests,
		RateLimit: rocketchat.RateLimit{Exhausted: true, Wait: limitWait},
	}
}

// Info implements chatClient.
func (c *chatCaller) Info(context.Context) (rocketchat.Info, error) {
	w := c.replica.world
	w.ask("info")
	if w.fault(2) == 1 {
		return rocketchat.Info{}, &rocketchat.TransportError{Route: "info", Err: errLost}
	}
	return rocketchat.Info{Version: "8.6"}, nil
}

// Me implements chatClient.
func (c *chatCaller) Me(context.Context) (rocketchat.Account, error) {
	if err := c.read("me", lookUpNotConnected); err != nil {
		// Who gets no answer about the own account learns nothing from it.
		if posts := c.replica.world.chat.posts; len(posts) > 0 && !c.isAccepted() && isTransportError(err) {
			posts[len(posts)-1].misled = true
		}
		return rocketchat.Account{}, err
	}
	return rocketchat.Account{ID: botID, Username: "reset-bot", Roles: []string{"resetter"}, TOTP: c.replica.world.chat.enrolled}, nil
}

func isTransportError(err error) bool {
	_, is := errors.AsType[*rocketchat.TransportError](err)
	return is
}

// Permitted implements chatClient.
func (c *chatCaller) Permitted(context.Context, []string) ([]string, error) {
	c.replica.world.ask("permissions")
	return []string{rocketchat.PermissionResetTOTP, rocketchat.PermissionResetE2EKey}, nil
}

// TwoFactorEnabled implements chatClient. What it tells decides nothing.
func (c *chatCaller) TwoFactorEnabled(context.Context) (bool, error) { return true, nil }

// BypassesSecondFactor implements chatClient. What it tells decides nothing.
func (c *chatCaller) BypassesSecondFactor(context.Context) (bool, error) { return false, nil }

// UserByID implements chatClient.
func (c *chatCaller) UserByID(_ context.Context, id string) (rocketchat.User, error) {
	for username, known := range peopleIDs() {
		if known == id {
			return c.user(username)
		}
	}
	return c.user(id)
}

// UserByUsername implements chatClient.
func (c *chatCaller) UserByUsername(_ context.Context, username string) (rocketchat.User, error) {
	return c.user(username)
}

func (c *chatCaller) user(username string) (rocketchat.User, error) {
	if err := c.read("users.info", lookUpFaults); err != nil {
		return rocketchat.User{}, err
	}
	id, known := peopleIDs()[username]
	if !known {
		return rocketchat.User{}, &rocketchat.AnswerError{Route: "v1/users.info", Status: 400, RocketChat: true, UserNotFound: true}
	}
	return rocketchat.User{ID: id, Username: username}, nil
}

// Close implements chatClient.
func (*chatCaller) Close() {}

// ResetTOTP implements chatClient.
func (c *chatCaller) ResetTOTP(_ context.Context, r rocketchat.Reset) error {
	return c.reset(v1alpha1.ResetTypeTOTP, r)
}

// ResetE2EKey implements chatClient.
func (c *chatCaller) ResetE2EKey(_ context.Context, r rocketchat.Reset) error {
	return c.reset(v1alpha1.ResetTypeE2EKey, r)
}

// reset dials, asks whether it may send, and sends, as the client does: between
// the last question and the first byte there is nothing.
func (c *chatCaller) reset(kind v1alpha1.ResetType, r rocketchat.Reset) error {
	w := c.replica.world
	w.ask("dial for a reset")
	switch w.fault(dialWays) {
	case dialSlow:
		w.now = w.now.Add(slowDial)
	case dialFails:
		w.tell("  no connection")
		return &rocketchat.TransportError{Route: "reset", Err: errLost}
	}
	w.ask("send a reset")
	if err := r.MaySend(); err != nil {
		w.tell("  not sent: %v", err)
		return &rocketchat.TransportError{Route: "reset", Err: fmt.Errorf("dial: %w", err)}
	}
	arrived := w.arrive(c.replica, kind, r.UserID)
	if !c.isAccepted() {
		return c.answer(loginRequired("reset"))
	}
	if w.chat.answers != nil {
		return c.answer(w.chat.answers(arrived))
	}
	return c.answer(c.become(arrived, r.Timeout))
}

// answer suspends the task between what the workspace does and its answer.
func (c *chatCaller) answer(err error) error {
	c.replica.world.ask("hear the answer to a reset")
	return err
}

// become is what becomes of a reset.
func (c *chatCaller) become(p *post, timeout time.Duration) error {
	w := c.replica.world
	way := w.fault(postWays)
	if way != 0 {
		w.tell("  the reset goes way %d", way)
	}
	effect := func() { p.effects++ }
	gateway := &rocketchat.AnswerError{Route: "reset", Status: 502}
	if way == postArrivesLate || way == postLostAfter || way == postLostBefore || way == postGatewayAfter || way == postGatewayBefore {
		w.loses("the answer to attempt %s was lost", p.attempt)
	}
	switch way {
	case postSlow:
		w.now = w.now.Add(slowPost)
	case postLostAfter:
		effect()
		return lost("reset")
	case postLostBefore:
		return lost("reset")
	case postArrivesLate:
		w.now = w.now.Add(timeout)
		w.after(latePost, "a reset that arrives late", effect)
		return &rocketchat.TransportError{Route: "reset", Connected: true, Err: rocketchat.ErrTimedOut}
	case postLimited:
		return c.limited("reset")
	case postFactorRefused:
		return refusedWith(400, rocketchat.CodeTOTPInvalid, "totp")
	case postGatewayAfter:
		effect()
		return gateway
	case postGatewayBefore:
		return gateway
	case postResetsOwn:
		w.chat.resetOwn()
		// Only the first success with a Secret is followed by a look at the own
		// account; see the design.
		p.misled = c.replica.operator.board.isVerified(types.NamespacedName{Namespace: "chat", Name: "chat"}, c.replica.secretVersion())
		return nil
	case postResetsOwnLost:
		w.chat.resetOwn()
		return lost("reset")
	case postMailFails:
		return refusedWith(400, rocketchat.CodeEmailSendFailed, "")
	case postPanicsAfter, postPanicsBefore:
		if way == postPanicsAfter {
			effect()
		}
		w.loses("a panic in attempt %s", p.attempt)
		panic("injected during a reset")
	}
	effect()
	p.heard = true
	return nil
}
