package rocketchat

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// rawServer is a server of which every byte matters. It hands each connection to
// a script, of which the connection is closed at the end.
type rawServer struct {
	url string

	mu    sync.Mutex
	calls int // connections accepted
}

// serveRaw starts a server with a script; with a TLS configuration it shakes hands
// first. The test ends after all scripts have.
func serveRaw(t testing.TB, config *tls.Config, script func(net.Conn)) *rawServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &rawServer{url: "http://" + listener.Addr().String()}
	if config != nil {
		server.url = "https://" + listener.Addr().String()
	}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			server.mu.Lock()
			server.calls++
			server.mu.Unlock()
			group.Go(func() { runScript(conn, config, script) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		group.Wait()
	})
	return server
}

func runScript(conn net.Conn, config *tls.Config, script func(net.Conn)) {
	defer func() { _ = conn.Close() }()
	// No script may outlive a client that hangs.
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	if config == nil {
		script(conn)
		return
	}
	secured := tls.Server(conn, config)
	if secured.Handshake() == nil {
		script(secured)
	}
	_ = secured.Close()
}

// connections is how many were accepted.
func (s *rawServer) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// readOnce is what one read of the connection gives: over TLS one record.
func readOnce(conn net.Conn) string {
	buffer := make([]byte, 64<<10)
	n, _ := conn.Read(buffer)
	return string(buffer[:n])
}

// readRequest reads a request with a Content-Length to its end.
func readRequest(conn net.Conn) string {
	var request bytes.Buffer
	buffer := make([]byte, 64<<10)
	for {
		n, err := conn.Read(buffer)
		request.Write(buffer[:n])
		_, body, ended := strings.Cut(request.String(), "\r\n\r\n")
		isWhole := ended && (strings.HasPrefix(request.String(), "GET ") || strings.Contains(body, "}"))
		if err != nil || isWhole {
			return request.String()
		}
	}
}

// answering is a script that reads a request and sends some bytes.
func answering(answer string) func(net.Conn) {
	return func(conn net.Conn) {
		readRequest(conn)
		_, _ = io.WriteString(conn, answer)
	}
}

// hungUp waits until the client closes the connection and says whether it does
// within the time.
func hungUp(conn net.Conn, within time.Duration) bool {
	_ = conn.SetReadDeadline(time.Now().Add(within))
	_, err := conn.Read(make([]byte, 1))
	var timeout net.Error
	return err != nil && (!errors.As(err, &timeout) || !timeout.Timeout())
}

var errAwaited = errors.New("what has to come before did not")

// await waits for a channel, but not for ever.
func await(done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-time.After(10 * time.Second):
		return errAwaited
	}
}

// trickle sends a text, and then another one again and again until the client is
// gone.
func trickle(conn net.Conn, first, again string) {
	if _, err := io.WriteString(conn, first); err != nil {
		return
	}
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for range ticker.C {
		if _, err := io.WriteString(conn, again); err != nil {
			return
		}
	}
}
