package answers

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// Way is a way to a workspace. It hands on bytes and knows nothing of what is in
// them, but for one connection that a script may play with.
type Way struct {
	Address string // host and port

	target   string // never changes: somebody may still dial an address that was another's
	mu       sync.Mutex
	listener net.Listener
	script   Script
}

// Script plays with a connection; onward makes one to the workspace. The way
// closes both afterwards.
type Script func(conn net.Conn, onward func() (net.Conn, error))

// OpenWay opens a way to a host and port.
func OpenWay(target string) (*Way, error) {
	w := &Way{target: target, Address: "127.0.0.1:0"}
	if err := w.Open(); err != nil {
		return nil, err
	}
	w.Address = w.listener.Addr().String()
	return w, nil
}

// Open lets connections in, always at the same address.
func (w *Way) Open() error {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", w.Address)
	if err != nil {
		return fmt.Errorf("open the way: %w", err)
	}
	w.mu.Lock()
	w.listener = listener
	w.mu.Unlock()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			go w.carry(conn)
		}
	}()
	return nil
}

// Close refuses connections from now on. Those that stand go on.
func (w *Way) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.listener.Close()
}

// Play has the script play with the next connection.
func (w *Way) Play(script Script) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.script = script
}

func (w *Way) carry(conn net.Conn) {
	w.mu.Lock()
	script := w.script
	w.script = nil
	w.mu.Unlock()
	if script == nil {
		script = carryOn
	}
	script(conn, func() (net.Conn, error) { return dial(w.target) })
	_ = conn.Close()
}

func dial(target string) (net.Conn, error) {
	return new(net.Dialer).DialContext(context.Background(), "tcp", target)
}

// carryOn hands everything on.
func carryOn(conn net.Conn, onward func() (net.Conn, error)) {
	server, err := onward()
	if err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(server, conn)
		_ = server.Close()
	}()
	_, _ = io.Copy(conn, server)
}

// hangUp closes the connection as soon as it stands.
func hangUp(net.Conn, func() (net.Conn, error)) {}

// resetConnection breaks the connection off as soon as it stands.
func resetConnection(conn net.Conn, _ func() (net.Conn, error)) { breakOff(conn) }

// say answers the first that is sent with a text.
func say(text string) Script {
	return func(conn net.Conn, _ func() (net.Conn, error)) {
		_, _ = conn.Read(make([]byte, 4096))
		_, _ = io.WriteString(conn, text)
	}
}

// keepSilent reads and says nothing until the client gives up.
func keepSilent(conn net.Conn, _ func() (net.Conn, error)) { _, _ = io.Copy(io.Discard, conn) }

// delay hands everything on after a while.
func delay(pause time.Duration) Script {
	return func(conn net.Conn, onward func() (net.Conn, error)) {
		wait(pause)
		carryOn(conn, onward)
	}
}

// impersonate leads to another server, whose certificate is of another authority.
func impersonate(conn net.Conn, _ func() (net.Conn, error)) {
	other, err := simulator.Serve(simulator.New(simulator.Options{}), simulator.ServeOptions{})
	if err != nil {
		return
	}
	defer other.Close()
	carryOn(conn, func() (net.Conn, error) { return dial(other.URL[len("https://"):]) })
}

// untilRequest hands the handshake on, and lets then do what is to become of the
// request, which is not handed on yet.
func untilRequest(then func(conn, server net.Conn, request []byte)) Script {
	return func(conn net.Conn, onward func() (net.Conn, error)) {
		server, err := onward()
		if err != nil {
			return
		}
		defer func() { _ = server.Close() }()
		handshake, stop := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(handshake)
			copyUntil(stop, conn, server)
		}()
		request, err := passHandshake(conn, server)
		if err != nil {
			return
		}
		close(stop)
		_ = server.SetReadDeadline(time.Unix(1, 0)) // ends the read that waits
		<-handshake
		_ = server.SetReadDeadline(time.Time{})
		then(conn, server, request)
	}
}

// copyUntil hands on what the server says until it is told to stop.
func copyUntil(stop <-chan struct{}, conn io.Writer, server io.Reader) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := server.Read(buffer)
		select {
		case <-stop:
			return
		default:
		}
		if _, writeErr := conn.Write(buffer[:n]); err != nil || writeErr != nil {
			return
		}
	}
}

// passHandshake hands the client's part of a handshake of TLS 1.3 on and returns
// the record after it, which is the beginning of the request. The handshake's last
// message looks like data, as all does that is encrypted.
func passHandshake(conn io.Reader, server io.Writer) ([]byte, error) {
	const applicationData = 23
	for encrypted := 0; ; {
		header := make([]byte, 5)
		if _, err := io.ReadFull(conn, header); err != nil {
			return nil, err
		}
		record := bytes.NewBuffer(header)
		if _, err := io.CopyN(record, conn, int64(binary.BigEndian.Uint16(header[3:]))); err != nil {
			return nil, err
		}
		if header[0] == applicationData {
			encrypted++
		}
		if encrypted == 2 {
			return record.Bytes(), nil
		}
		if _, err := server.Write(record.Bytes()); err != nil {
			return nil, err
		}
	}
}

// loseRequest breaks both connections off before the request is handed on.
func loseRequest(conn, server net.Conn, _ []byte) {
	breakOff(server)
	breakOff(conn)
}

// swallowRequest keeps the request and never says so.
func swallowRequest(conn, _ net.Conn, _ []byte) { _, _ = io.Copy(io.Discard, conn) }

// loseAnswer hands the request on and keeps the answer.
func loseAnswer(conn, server net.Conn, request []byte) {
	_, _ = server.Write(request)
	_, _ = io.Copy(io.Discard, server)
	breakOff(conn)
}
