package rocketchat

import (
	"net"
	"strings"
	"testing"
	"time"
)

// TestAnswersAreBounded proves how much of an answer to a reset is read, to the
// byte: 64 KiB.
func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	const whole = `{"success":true}`
	for length, fits := range map[int]bool{65536: true, 65537: false} {
		body := whole + strings.Repeat(" ", length-len(whole))
		server := &memoryServer{answer: []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + body)}
		client := server.client(t, connect(t, "http://chat.example.com", nil), nil)
		if err := server.reset(t.Context(), client); (err == nil) != fits {
			t.Errorf("an answer of %d bytes: %v", length, err)
		}
		client.Close()
		server.group.Wait()
	}
}

// TestTimeOfAResetBeginsWithItsDial proves that what the dial and the handshake
// took is not given once more to the exchange.
func TestTimeOfAResetBeginsWithItsDial(t *testing.T) {
	t.Parallel()
	conn := &deadlineConn{}
	deadline := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	if err := (dialer{limit: time.Hour}).release(conn, deadline); err != nil {
		t.Fatal(err)
	}
	if !conn.deadline.Equal(deadline) {
		t.Errorf("the deadline is %v, want %v", conn.deadline, deadline)
	}
}

// deadlineConn notes its deadline.
type deadlineConn struct {
	net.Conn
	deadline time.Time
}

// SetDeadline implements net.Conn.
func (c *deadlineConn) SetDeadline(deadline time.Time) error {
	c.deadline = deadline
	return nil
}
