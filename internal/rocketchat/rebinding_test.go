package rocketchat

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// rebindingName resolves to the test's server at first, and to the address of clouds'
// metadata from then on, as an attacker's name does whose answers are good for no time.
const rebindingName = "chat.rebinding.example"

// resolveBy has names of this process resolved by an attacker's server, until the end
// of the test.
func resolveBy(t *testing.T, looks *atomic.Int32) {
	t.Helper()
	before := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = before })
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		asks, answers := net.Pipe()
		go serveNames(answers, looks)
		return asks, nil
	}}
}

// serveNames speaks DNS as over TCP, since a pipe keeps no packets apart.
func serveNames(conn net.Conn, looks *atomic.Int32) {
	defer func() { _ = conn.Close() }()
	for {
		length := make([]byte, 2)
		if _, err := io.ReadFull(conn, length); err != nil {
			return
		}
		packet := make([]byte, int(length[0])<<8|int(length[1]))
		if _, err := io.ReadFull(conn, packet); err != nil {
			return
		}
		var message dnsmessage.Message
		if err := message.Unpack(packet); err != nil {
			return
		}
		message.Response, message.Additionals = true, nil
		for _, question := range message.Questions {
			if question.Type != dnsmessage.TypeA || !strings.HasPrefix(question.Name.String(), rebindingName) {
				continue
			}
			address := [4]byte{127, 0, 0, 1}
			if looks.Add(1) > 1 {
				address = [4]byte{169, 254, 169, 254}
			}
			message.Answers = append(message.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: question.Class},
				Body:   &dnsmessage.AResource{A: address},
			})
		}
		answer, err := message.Pack()
		if err != nil {
			return
		}
		if _, err := conn.Write(append([]byte{byte(len(answer) >> 8), byte(len(answer))}, answer...)); err != nil {
			return
		}
	}
}

// TestDNSRebinding proves that a name that was good once is judged anew by the address
// of each connection.
func TestDNSRebinding(t *testing.T) { //nolint:paralleltest // names of the whole process are resolved differently
	for route, call := range calls() { //nolint:paralleltest // likewise
		t.Run(route, func(t *testing.T) {
			var looks atomic.Int32
			resolveBy(t, &looks)
			server := serveRaw(t, nil, func(conn net.Conn) {
				readRequest(conn)
				_, _ = io.WriteString(conn, success)
			})
			base := strings.Replace(server.url, "127.0.0.1", rebindingName, 1)
			policy := DialPolicy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
			client := New(connect(t, base, nil), Options{Policy: policy, Now: testNow})
			defer client.Close()
			if err := call(t.Context(), client, 20*time.Second); errors.Is(err, ErrAddressNotAllowed) || server.connections() != 1 {
				t.Fatalf("the first call: %v, and %d connections", err, server.connections())
			}
			err := call(t.Context(), client, 20*time.Second)
			if failure := transportFailure(t, err); failure.Connected || !errors.Is(err, ErrAddressNotAllowed) {
				t.Errorf("the second call: %v, Connected = %t, want ErrAddressNotAllowed", err, failure.Connected)
			}
			if looks.Load() != 2 || server.connections() != 1 {
				t.Errorf("%d looks at the name and %d connections", looks.Load(), server.connections())
			}
		})
	}
}
