package cluster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// The ports that servers of the tests listen on. They lie below those that the
// kernel gives to connections: one of these may be taken at any moment.
const (
	firstPort = 10_000
	lastPort  = 32_000
)

// freeAddresses are addresses on loopback that nobody listened on a moment ago.
func freeAddresses(count int) ([]string, error) {
	addresses := make([]string, 0, count)
	var listeners []net.Listener
	var errs []error
	for tries := 0; len(addresses) < count; tries++ {
		address := fmt.Sprintf("127.0.0.1:%d", firstPort+rand.IntN(lastPort-firstPort))
		listener, err := net.Listen("tcp", address)
		if err != nil && tries < 1000 {
			continue // taken
		}
		if err != nil {
			errs = append(errs, err)
			break
		}
		listeners = append(listeners, listener)
		addresses = append(addresses, address)
	}
	for _, listener := range listeners {
		errs = append(errs, listener.Close())
	}
	return addresses, errors.Join(errs...)
}
