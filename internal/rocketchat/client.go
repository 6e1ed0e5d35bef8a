package rocketchat

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// maxBody bounds what is read of an answer, in bytes.
const maxBody = 64 << 10

// maxRequest is more than a request can be long, headers and body together, and
// what one TLS record holds: a request leaves in one write.
const maxRequest = 16 << 10

// Answers that are not taken for one.
var (
	errTooLarge = errors.New("the answer is too large")
	errSwitched = errors.New("the server switched to another protocol")
)

// Exchange is one call and how it ended, for those who watch calls go by.
type Exchange struct {
	Route     string
	Status    int // zero without an answer
	Duration  time.Duration
	RateLimit RateLimit
}

// The routes, below /api, of which a pass takes the limiter's calls.
const (
	RouteUserInfo    = "v1/users.info"
	RouteResetTOTP   = "v1/users.resetTOTP"
	RouteResetE2EKey = "v1/users.resetE2EKey"
)

// Options say how a Client conducts itself.
type Options struct {
	Policy  DialPolicy
	Now     func() time.Time // this machine's clock
	Observe func(Exchange)   // called after every call; may be nil
	// ServerClock is what is known of the server's clock, shared by all its clients.
	// If nil, each client learns by itself.
	ServerClock *ServerClock
}

// Client calls one workspace with one account. Close it after use.
type Client struct {
	connection *Connection
	options    Options
	reads      *http.Transport
}

// New makes a client. It makes no call.
func New(connection *Connection, options Options) *Client {
	if options.ServerClock == nil {
		options.ServerClock = &ServerClock{}
	}
	client := &Client{connection: connection, options: options}
	client.reads = client.transport(dialer{})
	return client
}

// Close gives up the dials of calls that were cancelled.
func (c *Client) Close() { c.reads.CloseIdleConnections() }

// transport speaks HTTP/1.1 only, without a proxy, and asks for no compression:
// each of these would put something between the call and what is known of it.
// Every call has a connection of its own: on one that was used before, Go sends a
// call again if it finds it closed, and logs what the server sends unasked.
func (c *Client) transport(d dialer) *http.Transport {
	d.policy = c.options.Policy
	transport := &http.Transport{
		DisableCompression:     true,
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: maxBody,
		WriteBufferSize:        maxRequest,
		Protocols:              &http.Protocols{},
	}
	transport.Protocols.SetHTTP1(true)
	if c.connection.roots == nil {
		rootsForBareSystems()
	}
	plain, secured := d, d
	secured.tls = &tls.Config{
		RootCAs:    c.connection.roots,
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
		// Otherwise the first records are of one packet each, and a longer request
		// takes several writes.
		DynamicRecordSizingDisabled: true,
	}
	transport.DialContext = plain.dial
	transport.DialTLSContext = secured.dial
	return transport
}

// request makes a request for a route below /api.
func (c *Client) request(ctx context.Context, method, route string, query url.Values, body io.Reader) (*http.Request, error) {
	location := *c.connection.base
	location.Path += "/api/" + route
	location.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, method, location.String(), body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "credential-reset-operator")
	return request, nil
}

func (c *Client) authenticate(request *http.Request) {
	userID, token := c.connection.account()
	request.Header.Set("X-Auth-Token", token)
	request.Header.Set("X-User-Id", userID)
}

// exchange sends the request once and reads the whole answer, at most limit bytes
// of it. Calling the transport directly means that nothing follows redirects,
// keeps cookies or sends again. Errors are of type *TransportError.
func (c *Client) exchange(transport *http.Transport, request *http.Request, route string, limit int64) (answer, error) {
	var connected atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
	request = request.WithContext(httptrace.WithClientTrace(request.Context(), trace))
	started := c.options.Now()
	reply, err := c.roundTrip(transport, request, limit)
	received := c.options.Now()
	reply.route = route
	reply.limit = reply.rateLimit(c.options.ServerClock, started, received)
	if c.options.Observe != nil {
		c.options.Observe(Exchange{Route: route, Status: reply.status, Duration: received.Sub(started), RateLimit: reply.limit})
	}
	if err != nil {
		return answer{}, transportError(route, connected.Load(), err)
	}
	return reply, nil
}

func transportError(route string, connected bool, cause error) *TransportError {
	var timeout net.Error
	switch {
	case !connected:
	case errors.As(cause, &timeout) && timeout.Timeout(), errors.Is(cause, context.DeadlineExceeded):
		cause = ErrTimedOut
	default:
		cause = ErrLost
	}
	return &TransportError{Route: route, Connected: connected, Err: cause}
}

func (c *Client) roundTrip(transport *http.Transport, request *http.Request, limit int64) (answer, error) {
	response, err := transport.RoundTrip(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusSwitchingProtocols {
		// Nobody asked for it, and no context bounds what is read from here on.
		return answer{}, errSwitched
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	if err != nil {
		return answer{}, err
	}
	if int64(len(body)) > limit {
		return answer{}, errTooLarge
	}
	return answer{status: response.StatusCode, header: response.Header, body: body}, nil
}
