package rocketchat

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"
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
	return c.reset(ctx, "v1/users.resetTOTP", reset)
}

// ResetE2EKey calls POST /api/v1/users.resetE2EKey. It returns what ResetTOTP
// returns.
func (c *Client) ResetE2EKey(ctx context.Context, reset Reset) error {
	return c.reset(ctx, "v1/users.resetE2EKey", reset)
}

// reset sends the call once, over a connection of its own. The server reads a
// body that it cannot read, or not to its end, as the wish to reset the caller.
// So the body is made of a struct with the id, and headers and body leave in one
// write which nothing cancels: the exchange is bounded by the connection's
// deadline, not by the context.
func (c *Client) reset(ctx context.Context, route string, reset Reset) error {
	switch {
	case strings.TrimSpace(reset.UserID) == "":
		return ErrBlankUserID
	case reset.UserID == c.connection.userID && !reset.AllowOwn:
		return ErrOwnUserID
	}
	body, err := json.Marshal(struct {
		UserID string `json:"userId"`
	}{reset.UserID})
	if err != nil {
		return err
	}
	request, err := c.request(context.WithoutCancel(ctx), http.MethodPost, route, nil, bytes.NewReader(body))
	if err != nil {
		return err
	}
	// Without GetBody, the transport has no means to send the body again.
	request.GetBody = nil
	request.Header.Set("Content-Type", "application/json")
	c.authenticate(request)
	if err := c.connection.factor.set(request.Header, c.options.Now()); err != nil {
		return err
	}
	transport := c.transport(dialer{limit: reset.Timeout, maySend: reset.MaySend})
	transport.DisableKeepAlives = true
	defer transport.CloseIdleConnections()
	reply, err := c.exchange(transport, request, route, maxBody)
	if err != nil {
		return err
	}
	return reply.err()
}
