package rocketchat

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestResetBytes proves what a reset is on the wire, byte by byte, and that it
// arrives in one read: headers and body leave in one write.
func TestResetBytes(t *testing.T) {
	t.Parallel()
	longToken := strings.Repeat("t", maxSecretLength)
	for name, test := range map[string]struct {
		route   func(*Client) error
		path    string // of the URL
		changes map[string]string
		want    string // with %s for the host
	}{
		"TOTP with a TOTP code": {
			route: func(c *Client) error { return c.ResetTOTP(t.Context(), resetOf()) },
			want: "POST /api/v1/users.resetTOTP HTTP/1.1\r\nHost: %s\r\nUser-Agent: credential-reset-operator\r\n" +
				"Content-Length: 30\r\nAccept: application/json\r\nContent-Type: application/json\r\n" +
				"X-2fa-Code: " + testCode + "\r\nX-2fa-Method: totp\r\nX-Auth-Token: " + testToken + "\r\nX-User-Id: " + testUserID + "\r\n" +
				"Connection: close\r\n\r\n" + `{"userId":"` + targetID + `"}`,
		},
		"E2E key with a password, below a path": {
			route:   func(c *Client) error { return c.ResetE2EKey(t.Context(), resetOf()) },
			path:    "/team/chat/",
			changes: map[string]string{KeyTOTPSecret: absent, KeyPassword: testPassword + "\n"},
			want: "POST /team/chat/api/v1/users.resetE2EKey HTTP/1.1\r\nHost: %s\r\nUser-Agent: credential-reset-operator\r\n" +
				"Content-Length: 30\r\nAccept: application/json\r\nContent-Type: application/json\r\n" +
				"X-2fa-Code: " + passwordDigest(testPassword) + "\r\nX-2fa-Method: password\r\n" +
				"X-Auth-Token: " + testToken + "\r\nX-User-Id: " + testUserID + "\r\n" +
				"Connection: close\r\n\r\n" + `{"userId":"` + targetID + `"}`,
		},
		"a token that bypasses the second factor": {
			route:   func(c *Client) error { return c.ResetTOTP(t.Context(), resetOf()) },
			changes: map[string]string{KeyTOTPSecret: absent},
			want: "POST /api/v1/users.resetTOTP HTTP/1.1\r\nHost: %s\r\nUser-Agent: credential-reset-operator\r\n" +
				"Content-Length: 30\r\nAccept: application/json\r\nContent-Type: application/json\r\n" +
				"X-Auth-Token: " + testToken + "\r\nX-User-Id: " + testUserID + "\r\n" +
				"Connection: close\r\n\r\n" + `{"userId":"` + targetID + `"}`,
		},
		"an id that JSON has to escape": {
			route: func(c *Client) error {
				reset := resetOf()
				reset.UserID = "a\"b\\c\r\nd\u2028é"
				return c.ResetTOTP(t.Context(), reset)
			},
			changes: map[string]string{KeyTOTPSecret: absent},
			want: "POST /api/v1/users.resetTOTP HTTP/1.1\r\nHost: %s\r\nUser-Agent: credential-reset-operator\r\n" +
				"Content-Length: 33\r\nAccept: application/json\r\nContent-Type: application/json\r\n" +
				"X-Auth-Token: " + testToken + "\r\nX-User-Id: " + testUserID + "\r\n" +
				"Connection: close\r\n\r\n" + `{"userId":"a\"b\\c\r\nd\u2028é"}`,
		},
		"the longest request that there is": {
			route: func(c *Client) error {
				reset := resetOf()
				reset.UserID = strings.Repeat("\x01", maxTargetLength)
				return c.ResetTOTP(t.Context(), reset)
			},
			path:    "/" + strings.Repeat("p", 980),
			changes: map[string]string{KeyTOTPSecret: absent, KeyAuthToken: longToken, KeyUserID: strings.Repeat("i", maxUserIDLength)},
			want: "POST /" + strings.Repeat("p", 980) + "/api/v1/users.resetTOTP HTTP/1.1\r\nHost: %s\r\nUser-Agent: credential-reset-operator\r\n" +
				"Content-Length: 3085\r\nAccept: application/json\r\nContent-Type: application/json\r\n" +
				"X-Auth-Token: " + longToken + "\r\nX-User-Id: " + strings.Repeat("i", maxUserIDLength) + "\r\n" +
				"Connection: close\r\n\r\n" + `{"userId":"` + strings.Repeat(`\u0001`, maxTargetLength) + `"}`,
		},
	} {
		for _, secured := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, TLS %t", name, secured), func(t *testing.T) {
				t.Parallel()
				config, changes := serverTLS(t, secured, test.changes)
				got := make(chan string, 1)
				server := serveRaw(t, config, func(conn net.Conn) {
					got <- readOnce(conn)
					_, _ = io.WriteString(conn, success)
				})
				client := clientOf(t, connect(t, server.url+test.path, changes))
				if err := test.route(client); err != nil {
					t.Fatalf("reset = %v", err)
				}
				_, host, _ := strings.Cut(server.url, "://")
				if diff := cmp.Diff(fmt.Sprintf(test.want, host), <-got); diff != "" {
					t.Errorf("first read of the request (-want +got):\n%s", diff)
				}
				if server.connections() != 1 {
					t.Errorf("%d connections, want 1", server.connections())
				}
			})
		}
	}
}

// serverTLS makes what a server and the Secret need to speak TLS, if wanted.
func serverTLS(t *testing.T, secured bool, changes map[string]string) (*tls.Config, map[string]string) {
	t.Helper()
	if !secured {
		return nil, changes
	}
	identity := newIdentity(t, nil)
	all := map[string]string{KeyCA: identity.pem}
	maps.Copy(all, changes)
	return identity.config("h2", "http/1.1"), all
}

// TestOneWrite counts the writes on the connection itself.
func TestOneWrite(t *testing.T) {
	t.Parallel()
	for _, secured := range []bool{false, true} {
		t.Run(fmt.Sprintf("TLS %t", secured), func(t *testing.T) {
			t.Parallel()
			config, changes := serverTLS(t, secured, map[string]string{KeyAuthToken: strings.Repeat("t", maxSecretLength)})
			server := serveRaw(t, config, answering(success))
			client := clientOf(t, connect(t, server.url, changes))
			request, err := client.resetRequest(t.Context(), "v1/users.resetTOTP", targetID)
			if err != nil {
				t.Fatal(err)
			}
			var writes []int
			transport := client.transport(dialer{limit: 20 * time.Second})
			counting := func(dial dialFunc) dialFunc { return dial.counted(&writes) }
			transport.DialContext = counting(transport.DialContext)
			transport.DialTLSContext = counting(transport.DialTLSContext)
			if _, err := client.exchange(transport, request, "v1/users.resetTOTP", maxBody); err != nil {
				t.Fatal(err)
			}
			if len(writes) != 1 || writes[0] < maxSecretLength+len(resetBody) {
				t.Errorf("writes of %v bytes, want one", writes)
			}
		})
	}
}

// TestNoGetBody proves that the transport is given no means to send a body again,
// and no header that would make it think it may.
func TestNoGetBody(t *testing.T) {
	t.Parallel()
	client := clientOf(t, connect(t, "https://chat.example.com", nil))
	request, err := client.resetRequest(t.Context(), "v1/users.resetTOTP", targetID)
	if err != nil {
		t.Fatal(err)
	}
	if request.GetBody != nil {
		t.Error("the request has a GetBody")
	}
	if request.ContentLength != int64(len(resetBody)) || len(request.TransferEncoding) != 0 {
		t.Errorf("ContentLength = %d, TransferEncoding = %v", request.ContentLength, request.TransferEncoding)
	}
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key", "Expect", "Cookie", "Accept-Encoding", "Authorization"} {
		if _, has := request.Header[name]; has {
			t.Errorf("the request has the header %s", name)
		}
	}
}

// TestHTTP1Only proves that HTTP/1.1 is spoken to a server that would rather
// speak HTTP/2.
func TestHTTP1Only(t *testing.T) {
	t.Parallel()
	identity := newIdentity(t, nil)
	server := serveRaw(t, identity.config("h2", "http/1.1"), func(conn net.Conn) {
		request := readRequest(conn)
		if !strings.Contains(request, " HTTP/1.1\r\n") {
			t.Errorf("request = %q, want HTTP/1.1", request)
		}
		if secured, ok := conn.(*tls.Conn); !ok || secured.ConnectionState().NegotiatedProtocol != "http/1.1" {
			t.Error("the protocol agreed on is not http/1.1")
		}
		_, _ = io.WriteString(conn, success)
	})
	client := clientOf(t, connect(t, server.url, map[string]string{KeyCA: identity.pem}))
	if err := client.ResetTOTP(t.Context(), resetOf()); err != nil {
		t.Errorf("reset = %v", err)
	}
	if _, err := client.Info(t.Context()); err != nil {
		t.Errorf("read = %v", err)
	}
}

// TestFreshConnection proves that no call uses a connection that was used before,
// although the server would keep it, and that none is left behind.
func TestFreshConnection(t *testing.T) {
	t.Parallel()
	closed := make(chan bool, 3)
	server := serveRaw(t, nil, func(conn net.Conn) {
		readRequest(conn)
		_, _ = io.WriteString(conn, success)
		closed <- hungUp(conn, 20*time.Second)
	})
	client := clientOf(t, connect(t, server.url, nil))
	if _, err := client.Info(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := client.ResetTOTP(t.Context(), resetOf()); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if !<-closed {
			t.Error("the client keeps a connection")
		}
	}
	if server.connections() != 3 {
		t.Errorf("%d connections for 3 calls", server.connections())
	}
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// counted notes the length of each write on the connections that are dialled.
func (d dialFunc) counted(writes *[]int) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := d(ctx, network, address)
		return &countingConn{Conn: conn, writes: writes}, err
	}
}

type countingConn struct {
	net.Conn
	writes *[]int
}

// Write implements net.Conn.
func (c *countingConn) Write(data []byte) (int, error) {
	*c.writes = append(*c.writes, len(data))
	return c.Conn.Write(data)
}
