package faults

import (
	"io"
	"net"
	"sync"
)

// tunnel leads connections to the workspace. What it is told of each, before a
// byte has passed, may hold the connection or break it.
type tunnel struct {
	listener net.Listener
	target   string
	arrived  func() bool // whether the connection is let through

	mu     sync.Mutex
	closed bool
	open   map[net.Conn]bool
}

func openTunnel(target string, arrived func() bool) (*tunnel, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &tunnel{listener: listener, target: target, arrived: arrived, open: map[net.Conn]bool{}}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			go t.lead(conn)
		}
	}()
	return t, nil
}

func (t *tunnel) address() string { return t.listener.Addr().String() }

func (t *tunnel) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	_ = t.listener.Close()
	for conn := range t.open {
		_ = conn.Close()
	}
}

// keep says whether the connection may go on; if so, close ends it.
func (t *tunnel) keep(conn net.Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.open[conn] = true
	}
	return !t.closed
}

func (t *tunnel) drop(conn net.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, conn)
	_ = conn.Close()
}

// lead copies both ways until both ends have nothing more to say.
func (t *tunnel) lead(from net.Conn) {
	defer t.drop(from)
	if !t.keep(from) || !t.arrived() {
		return
	}
	to, err := net.Dial("tcp", t.target)
	if err != nil {
		return
	}
	defer t.drop(to)
	if !t.keep(to) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { pour(to, from) })
	both.Go(func() { pour(from, to) })
	both.Wait()
}

func pour(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	if half, ok := to.(*net.TCPConn); ok {
		_ = half.CloseWrite()
	}
}
