package cluster

import (
	"errors"
	"net"
)

// freeAddresses are addresses on loopback that nobody listened on a moment ago.
func freeAddresses(count int) ([]string, error) {
	addresses := make([]string, 0, count)
	var listeners []net.Listener
	var errs []error
	for range count {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			errs = append(errs, err)
			break
		}
		listeners = append(listeners, listener)
		addresses = append(addresses, listener.Addr().String())
	}
	for _, listener := range listeners {
		errs = append(errs, listener.Close())
	}
	return addresses, errors.Join(errs...)
}
