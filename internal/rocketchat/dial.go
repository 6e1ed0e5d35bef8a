package rocketchat

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"
)

// ErrAddressNotAllowed is wrapped by the error of a call whose server resolved
// to an address that the operator must not dial.
var ErrAddressNotAllowed = errors.New("address not allowed")

// DialPolicy says which addresses may be dialled. Loopback, link-local,
// unspecified and multicast addresses may not, Deny closes more, and Allow opens
// some of all these again.
type DialPolicy struct {
	Allow []netip.Prefix
	Deny  []netip.Prefix
}

// Check returns an error that wraps ErrAddressNotAllowed for an address that may
// not be dialled.
func (p DialPolicy) Check(address netip.Addr) error {
	address = address.Unmap().WithZone("")
	if within(p.Allow, address) {
		return nil
	}
	closed := address.IsLoopback() || address.IsLinkLocalUnicast() || address.IsUnspecified() || address.IsMulticast()
	if closed || within(p.Deny, address) {
		return fmt.Errorf("%w: %s", ErrAddressNotAllowed, address)
	}
	return nil
}

// within says whether an unmapped address is in one of the networks. A network of
// IPv4 addresses mapped into IPv6 means those addresses: package netip would let
// it match nothing.
func within(networks []netip.Prefix, address netip.Addr) bool {
	return slices.ContainsFunc(networks, func(network netip.Prefix) bool {
		if network.Addr().Is4In6() && network.Bits() >= 96 {
			network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-96)
		}
		return network.Contains(address)
	})
}

// control is called with the resolved address, so that a name cannot be used to
// reach what the policy closes.
func (p DialPolicy) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	resolved, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrAddressNotAllowed, address)
	}
	return p.Check(resolved.Addr())
}

// dialer opens connections that pass the policy. For a reset, maySend is asked
// at the very end, after TLS: a refusal there means that no connection was ever
// obtained. A limit other than zero is the time that the whole exchange may take;
// it is a deadline on the connection, because cancelling a context in the middle
// of a write would cut the request, which Rocket.Chat reads as an own reset.
type dialer struct {
	policy  DialPolicy
	tls     *tls.Config
	limit   time.Duration
	maySend func() error
}

func (d dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	deadline := time.Now().Add(d.limit) //nolint:forbidigo // deadlines on connections are the runtime's own clock
	if d.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
	}
	plain := &net.Dialer{ControlContext: d.policy.control, KeepAlive: -1}
	conn, err := plain.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	conn, err = d.secure(ctx, conn, address)
	if err != nil {
		return nil, err
	}
	if err := d.release(conn, deadline); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &speaker{Conn: conn, spoke: make(chan struct{})}, nil
}

func (d dialer) secure(ctx context.Context, conn net.Conn, address string) (net.Conn, error) {
	if d.tls == nil {
		return conn, nil
	}
	config := d.tls.Clone()
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	config.ServerName = host
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // the handshake may have closed it already
		return nil, &handshakeError{cause: err}
	}
	return secured, nil
}

func (d dialer) release(conn net.Conn, deadline time.Time) error {
	if d.limit > 0 {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	if d.maySend == nil {
		return nil
	}
	return d.maySend()
}

// speaker is a connection on which the server is not heard before it was spoken
// to: what a server sends unasked, Go's transport writes to the log, and it may
// be the token of an earlier call.
type speaker struct {
	net.Conn
	once  sync.Once
	spoke chan struct{}
}

// Read implements net.Conn.
func (s *speaker) Read(buffer []byte) (int, error) {
	<-s.spoke
	return s.Conn.Read(buffer)
}

// Write implements net.Conn.
func (s *speaker) Write(data []byte) (int, error) {
	s.speak()
	return s.Conn.Write(data)
}

// Close implements net.Conn.
func (s *speaker) Close() error {
	s.speak()
	return s.Conn.Close()
}

func (s *speaker) speak() { s.once.Do(func() { close(s.spoke) }) }
