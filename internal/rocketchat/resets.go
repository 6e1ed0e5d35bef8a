package rocketchat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// Reset is one reset to be carried out.
type Reset struct {
	// UserID is the id of the user, resolved beforehand.
	UserID string
	// Timeout bounds the whole exchange, from the dial to the last byte.
	Timeout time.Duration
	// MaySend is asked when the connection stands and nothing has been written. An
	// error means that nothing is sent.
	MaySend func() error
	// AllowOwn permits the caller's own id.
	AllowOwn bool
}

// ResetTOTP calls POST /api/v1/users.resetTOTP. It returns nil if the workspace
// confirmed the reset, ErrBlankUserID or ErrOwnUserID if nothing was tried, and
// otherwise an *AnswerError or a *TransportError.
func (c *Client) ResetTOTP(ctx context.Context, reset Reset) error {
	return c.reset(ctx, RouteResetTOTP, reset)
}

// ResetE2EKey calls POST /api/v1/users.resetE2EKey. It returns what ResetTOTP
// returns.
func (c *Client) ResetE2EKey(ctx context.Context, reset Reset) error {
	return c.reset(ctx, RouteResetE2EKey, reset)
}

// maxTargetLength bounds a user id, in bytes: the 128 characters that a record can
// hold.
const maxTargetLength = 512

// reset sends the call once, over a connection of its own. The exchange is
// bounded by the connection's deadline, not by the context: nothing may cancel it
// in the middle of its write.
func (c *Client) reset(ctx context.Context, route string, reset Reset) error {
	switch {
	case strings.TrimSpace(reset.UserID) == "":
		return ErrBlankUserID
	case reset.UserID == c.connection.UserID() && !reset.AllowOwn:
		return ErrOwnUserID
	case len(reset.UserID) > maxTargetLength || !utf8.ValidString(reset.UserID):
		return errors.New("the user id is too long or no text")
	case reset.Timeout <= 0:
		return errors.New("the reset has no time-out")
	}
	request, err := c.resetRequest(context.WithoutCancel(ctx), route, reset.UserID)
	if err != nil {
		return err
	}
	transport := c.transport(dialer{limit: reset.Timeout, maySend: reset.MaySend})
	defer transport.CloseIdleConnections()
	reply, err := c.exchange(transport, request, route, maxBody)
	if err != nil {
		return err
	}
	return reply.err()
}

// resetRequest makes the request of a reset. The server reads a body that it
// cannot read, or not to its end, as the wish to reset the caller. So the body is
// made of a struct with the id, and it is short and of known length: headers and
// body leave in one write.
func (c *Client) resetRequest(ctx context.Context, route, userID string) (*http.Request, error) {
	body, err := json.Marshal(struct {
		UserID string `json:"userId"`
	}{userID})
	if err != nil {
		return nil, err
	}
	request, err := c.request(ctx, http.MethodPost, route, nil, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	// Without GetBody, the transport has no means to send the body again.
	request.GetBody = nil
	request.Header.Set("Content-Type", "application/json")
	c.authenticate(request)
	if err := c.connection.factor.set(request.Header, c.options.ServerClock.Now(c.options.Now())); err != nil {
		return nil, err
	}
	return request, nil
}
