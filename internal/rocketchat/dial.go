package rocketchat

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
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
	for _, prefix := range p.Allow {
		if prefix.Contains(address) {
			return nil
		}
	}
	closed := address.IsLoopback() || address.IsLinkLocalUnicast() || address.IsUnspecified() || address.IsMulticast()
	for _, prefix := range p.Deny {
		closed = closed || prefix.Contains(address)
	}
	if closed {
		return fmt.Errorf("%w: %s", ErrAddressNotAllowed, address)
	}
	return nil
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
	return conn, nil
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
		return nil, errors.Join(err, conn.Close())
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
