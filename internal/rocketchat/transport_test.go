package rocketchat

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// TestNoHandshake proves for every way in which a TLS handshake fails that the
// call ends as not connected, and that the text says why without quoting the
// server's certificate.
func TestNoHandshake(t *testing.T) {
	t.Parallel()
	right := newIdentity(t, nil)
	// A server that knows the token from an earlier call can put it into its names.
	otherName := newIdentity(t, func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: testToken, Organization: []string{testUserID}}
		c.IPAddresses, c.DNSNames = nil, []string{testToken, testUserID + ".example.com"}
	})
	namesake := newIdentity(t, func(c *x509.Certificate) { c.Subject = pkix.Name{CommonName: testToken} })
	expired := newIdentity(t, func(c *x509.Certificate) {
		c.Subject, c.NotAfter = pkix.Name{CommonName: testToken}, time.Now().Add(-time.Minute)
	})
	client := newIdentity(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
	old := right.config()
	// Without the lower bound, the server would not speak it either.
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	for name, test := range map[string]struct {
		config *tls.Config // nil: the script speaks first, without TLS
		script func(net.Conn)
		ca     string
		want   string
		// The handshake goes on until the time is up.
		endless bool
	}{
		"unknown authority":                     {config: namesake.config(), ca: right.pem, want: "signed by an unknown authority"},
		"certificate for another host":          {config: otherName.config(), ca: otherName.pem, want: "for another host"},
		"expired certificate":                   {config: expired.config(), ca: expired.pem, want: "has expired"},
		"certificate of a client":               {config: client.config(), ca: client.pem, want: "certificate is not valid"},
		"another protocol":                      {config: right.config("acme-tls/1"), ca: right.pem, want: "did not complete"},
		"TLS 1.1 at most":                       {config: old, ca: right.pem, want: "did not complete"},
		"a server that speaks plain":            {script: func(c net.Conn) { readOnce(c); _, _ = io.WriteString(c, "HTTP/1.1 400 "+testToken+"\r\n\r\n") }, ca: right.pem, want: "does not speak TLS"},
		"a server that hangs up":                {script: func(c net.Conn) { readOnce(c) }, ca: right.pem, want: "did not complete"},
		"a server that hangs up early":          {script: func(net.Conn) {}, ca: right.pem, want: "no connection"},
		"a server that keeps silent":            {script: func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, ca: right.pem, want: "the time was up", endless: true},
		"a server that sends an alert":          {script: func(c net.Conn) { readOnce(c); _, _ = io.WriteString(c, "\x15\x03\x03\x00\x02\x02\x28") }, ca: right.pem, want: "did not complete"},
		"a server that sends an endless record": {script: func(c net.Conn) { trickle(c, "\x16\x03\x03\x40\x00", "\x02") }, ca: right.pem, want: "no connection", endless: true},
	} {
		for route, call := range calls() {
			t.Run(name+", "+route, func(t *testing.T) {
				t.Parallel()
				script := test.script
				if test.config != nil {
					script = func(conn net.Conn) {
						if got := readOnce(conn); got != "" {
							t.Errorf("the server was sent %q", got)
						}
					}
				}
				server := serveRaw(t, test.config, script)
				client := clientOf(t, connect(t, strings.Replace(server.url, "http:", "https:", 1), map[string]string{KeyCA: test.ca}))
				timeout := 20 * time.Second
				if test.endless {
					timeout = 500 * time.Millisecond
				}
				err := call(t.Context(), client, timeout)
				failure := transportFailure(t, err)
				if failure.Connected || !strings.Contains(err.Error(), "no connection") {
					t.Errorf("error = %v, Connected = %t, want no connection", err, failure.Connected)
				}
				// The read's context may end before the handshake says why it failed.
				if route == "reset" && !strings.Contains(err.Error(), test.want) {
					t.Errorf("error = %v, want it to say %q", err, test.want)
				}
				mustHide(t, fmt.Sprintf("%v %+v %q", err, failure, failure.Err))
				if server.connections() != 1 {
					t.Errorf("%d connections, want 1", server.connections())
				}
			})
		}
	}
}

// calls are a reset and a read with a time-out each.
func calls() map[string]func(context.Context, *Client, time.Duration) error {
	return map[string]func(context.Context, *Client, time.Duration) error{
		"reset": func(ctx context.Context, client *Client, timeout time.Duration) error {
			return client.ResetTOTP(ctx, Reset{UserID: targetID, Timeout: timeout})
		},
		"read": func(ctx context.Context, client *Client, timeout time.Duration) error {
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			_, err := client.Me(ctx)
			return err
		},
	}
}

// TestNotReached proves that a refused connection and an unknown name end as not
// connected.
func TestNotReached(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	for name, base := range map[string]string{
		"refused":         "http://" + listener.Addr().String(),
		"refused for TLS": "https://" + listener.Addr().String(),
		"unknown name":    "https://no-such-host.invalid",
	} {
		for route, call := range calls() {
			t.Run(name+", "+route, func(t *testing.T) {
				t.Parallel()
				err := call(t.Context(), clientOf(t, connect(t, base, nil)), 2*time.Second)
				if failure := transportFailure(t, err); failure.Connected {
					t.Errorf("error = %v, want no connection", err)
				}
				mustHide(t, err.Error())
			})
		}
	}
}

// TestAddressNotAllowed proves that the address that is dialled is judged, however
// the URL spells it, before anything is dialled.
func TestAddressNotAllowed(t *testing.T) {
	t.Parallel()
	var none DialPolicy
	for name, test := range map[string]struct {
		host   string
		policy DialPolicy
	}{
		"loopback":                     {"127.0.0.1", none},
		"loopback, another one":        {"127.255.255.254", none},
		"loopback of IPv6":             {"[::1]", none},
		"loopback mapped into IPv6":    {"[::ffff:127.0.0.1]", none},
		"cloud metadata":               {"169.254.169.254", none},
		"cloud metadata mapped":        {"[::ffff:a9fe:a9fe]", none},
		"link-local of IPv6":           {"[fe80::1]", none},
		"unspecified":                  {"0.0.0.0", none},
		"unspecified of IPv6":          {"[::]", none},
		"multicast":                    {"224.0.0.1", none},
		"multicast of IPv6":            {"[ff02::1]", none},
		"a name of loopback":           {"localhost", none},
		"a denied network":             {"10.1.2.3", DialPolicy{Deny: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}},
		"a denied network, mapped":     {"[::ffff:10.1.2.3]", DialPolicy{Deny: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}},
		"another one allowed":          {"127.0.0.1", DialPolicy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}}},
		"allowed for the other family": {"127.0.0.1", DialPolicy{Allow: []netip.Prefix{netip.MustParsePrefix("::/0")}}},
	} {
		for route, call := range calls() {
			t.Run(name+", "+route, func(t *testing.T) {
				t.Parallel()
				client := New(connect(t, "https://"+test.host+":1", nil), Options{Policy: test.policy, Now: testNow})
				defer client.Close()
				err := call(t.Context(), client, 5*time.Second)
				if failure := transportFailure(t, err); failure.Connected || !errors.Is(err, ErrAddressNotAllowed) {
					t.Errorf("error = %v, Connected = %t, want ErrAddressNotAllowed", err, failure.Connected)
				}
			})
		}
	}
}

// TestDialPolicy proves what a policy lets pass.
func TestDialPolicy(t *testing.T) {
	t.Parallel()
	prefixes := func(texts ...string) []netip.Prefix {
		var list []netip.Prefix
		for _, text := range texts {
			list = append(list, netip.MustParsePrefix(text))
		}
		return list
	}
	mapped := netip.PrefixFrom(netip.MustParseAddr("::ffff:10.0.0.0"), 104)
	for name, test := range map[string]struct {
		policy  DialPolicy
		address string
		want    bool
	}{
		"a public address":                       {DialPolicy{}, "203.0.113.7", true},
		"a public address of IPv6":               {DialPolicy{}, "2001:db8::7", true},
		"a private address":                      {DialPolicy{}, "10.1.2.3", true},
		"loopback":                               {DialPolicy{}, "127.0.0.1", false},
		"link-local with a zone":                 {DialPolicy{}, "fe80::1%eth0", false},
		"multicast of an interface":              {DialPolicy{}, "ff01::1", false},
		"denied":                                 {DialPolicy{Deny: prefixes("10.0.0.0/8")}, "10.1.2.3", false},
		"denied, mapped":                         {DialPolicy{Deny: prefixes("10.0.0.0/8")}, "::ffff:10.1.2.3", false},
		"denied by a mapped network":             {DialPolicy{Deny: []netip.Prefix{mapped}}, "10.1.2.3", false},
		"beside a mapped network":                {DialPolicy{Deny: []netip.Prefix{mapped}}, "11.1.2.3", true},
		"denied with a zone":                     {DialPolicy{Deny: prefixes("fd00::/8")}, "fd00::1%eth0", false},
		"beside what is denied":                  {DialPolicy{Deny: prefixes("10.0.0.0/8")}, "11.0.0.1", true},
		"allowed although loopback":              {DialPolicy{Allow: prefixes("127.0.0.0/8")}, "127.0.0.1", true},
		"allowed although loopback, mapped":      {DialPolicy{Allow: prefixes("127.0.0.0/8")}, "::ffff:127.0.0.1", true},
		"allowed although denied":                {DialPolicy{Allow: prefixes("10.1.0.0/16"), Deny: prefixes("10.0.0.0/8")}, "10.1.2.3", true},
		"denied beside what is allowed":          {DialPolicy{Allow: prefixes("10.1.0.0/16"), Deny: prefixes("10.0.0.0/8")}, "10.2.0.1", false},
		"loopback beside what is allowed":        {DialPolicy{Allow: prefixes("127.0.0.2/32")}, "127.0.0.1", false},
		"everything of IPv4 denied":              {DialPolicy{Deny: prefixes("0.0.0.0/0")}, "203.0.113.7", false},
		"everything of IPv4 denied but not IPv6": {DialPolicy{Deny: prefixes("0.0.0.0/0")}, "2001:db8::7", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := test.policy.Check(netip.MustParseAddr(test.address))
			if (err == nil) != test.want {
				t.Errorf("Check(%s) = %v, want allowed %t", test.address, err, test.want)
			}
			if err != nil && !errors.Is(err, ErrAddressNotAllowed) {
				t.Errorf("Check(%s) = %v, want ErrAddressNotAllowed", test.address, err)
			}
		})
	}
}

// TestMayNotSend proves that a refusal at the end of the dial is no connection, and
// that not one byte of the request was written: the server sees the end.
func TestMayNotSend(t *testing.T) {
	t.Parallel()
	for _, secured := range []bool{false, true} {
		t.Run(fmt.Sprintf("TLS %t", secured), func(t *testing.T) {
			t.Parallel()
			config, changes := serverTLS(t, secured, nil)
			got := make(chan string, 1)
			server := serveRaw(t, config, func(conn net.Conn) {
				all, _ := io.ReadAll(conn)
				got <- string(all)
			})
			client := clientOf(t, connect(t, server.url, changes))
			late, asked := errors.New("too late"), 0
			reset := resetOf()
			reset.MaySend = func() error {
				asked++
				return late
			}
			err := client.ResetTOTP(t.Context(), reset)
			if failure := transportFailure(t, err); failure.Connected || !errors.Is(err, late) {
				t.Errorf("error = %v, Connected = %t, want %v and no connection", err, failure.Connected, late)
			}
			if sent := <-got; sent != "" {
				t.Errorf("the server was sent %q", sent)
			}
			if asked != 1 || server.connections() != 1 {
				t.Errorf("asked %d times on %d connections, want once", asked, server.connections())
			}
		})
	}
}

// TestMaySendComesLast proves that the question is asked after the handshake and
// before the first byte.
func TestMaySendComesLast(t *testing.T) {
	t.Parallel()
	identity := newIdentity(t, nil)
	shaken := make(chan struct{})
	server := serveRaw(t, identity.config(), func(conn net.Conn) {
		close(shaken)
		answering(success)(conn)
	})
	client := clientOf(t, connect(t, server.url, map[string]string{KeyCA: identity.pem}))
	reset := resetOf()
	reset.MaySend = func() error { return await(shaken) }
	if err := client.ResetTOTP(t.Context(), reset); err != nil {
		t.Errorf("reset = %v", err)
	}
}

// brokenAnswers are what is no whole answer although the server says no more.
func brokenAnswers() map[string]string {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	long := strings.Repeat("x", maxBody)
	return map[string]string{
		"closed after the request":        "",
		"half a status line":              "HTTP/1.1 2",
		"half of the headers":             head,
		"half of the body":                head + "Content-Length: 16\r\n\r\n{\"success\":",
		"half of a chunk":                 head + "Transfer-Encoding: chunked\r\n\r\n10\r\n{\"success\":",
		"no last chunk":                   head + "Transfer-Encoding: chunked\r\n\r\n10\r\n{\"success\":true}\r\n",
		"a chunk that is none":            head + "Transfer-Encoding: chunked\r\n\r\n" + testToken + "\r\n{\"success\":true}\r\n0\r\n\r\n",
		"an unknown transfer encoding":    head + "Transfer-Encoding: " + testToken + "\r\n\r\n{}",
		"two lengths":                     head + "Content-Length: 16\r\nContent-Length: 17\r\n\r\n{\"success\":true}",
		"a length that is none":           head + "Content-Length: " + testToken + "\r\n\r\n{\"success\":true}",
		"a length that is negative":       head + "Content-Length: -1\r\n\r\n{\"success\":true}",
		"a status line that is none":      testToken + "\r\n\r\n",
		"a status that is none":           "HTTP/1.1 " + testToken + " OK\r\n\r\n",
		"a header that is none":           "HTTP/1.1 200 OK\r\n" + testToken + "\r\n\r\n",
		"headers without end":             "HTTP/1.1 200 OK\r\nX: " + long + "\r\n\r\n",
		"a body of known length too long": head + fmt.Sprintf("Content-Length: %d\r\n\r\n", maxBody+1) + long + "x",
		"a chunked body too long":         head + "Transfer-Encoding: chunked\r\n\r\n10001\r\n" + long + "x\r\n0\r\n\r\n",
		"a body up to the end too long":   head + "\r\n" + long + "x",
		"HTTP/2":                          "\x00\x00\x12\x04\x00\x00\x00\x00\x00",
	}
}

// TestConnected proves for every way in which an answer fails to arrive whole that
// the call ends as connected, within its time, that it was made once, and that
// nothing the server sent is in the text.
func TestConnected(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	cases := map[string]struct {
		script func(net.Conn)
		want   error
	}{
		"closed before the request":    {func(net.Conn) {}, ErrLost},
		"reset after the request":      {func(c net.Conn) { readRequest(c); abort(c) }, ErrLost},
		"an echo of the request":       {func(c net.Conn) { _, _ = io.WriteString(c, readRequest(c)) }, ErrLost},
		"a body without end":           {func(c net.Conn) { readRequest(c); flood(c, head+"\r\n") }, ErrLost},
		"interim answers without end":  {func(c net.Conn) { readRequest(c); flood(c, "HTTP/1.1 103 Early\r\nX: 1\r\n\r\n") }, ErrLost},
		"silence":                      {func(c net.Conn) { readRequest(c); hungUp(c, 20*time.Second) }, ErrTimedOut},
		"silence in the headers":       {func(c net.Conn) { answering(head)(c); hungUp(c, 20*time.Second) }, ErrTimedOut},
		"silence in the body":          {func(c net.Conn) { answering(head + "Content-Length: 16\r\n\r\n{")(c); hungUp(c, 20*time.Second) }, ErrTimedOut},
		"a trickle of headers":         {func(c net.Conn) { readRequest(c); trickle(c, head+"X: ", "x") }, ErrTimedOut},
		"a trickle of a body":          {func(c net.Conn) { readRequest(c); trickle(c, head+"Content-Length: 60000\r\n\r\n", "x") }, ErrTimedOut},
		"a trickle of chunks":          {func(c net.Conn) { readRequest(c); trickle(c, head+"Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n") }, ErrTimedOut},
		"a trickle of interim answers": {func(c net.Conn) { readRequest(c); trickle(c, "", "HTTP/1.1 103 Early\r\n\r\n") }, ErrTimedOut},
		"a switch of protocols": {func(c net.Conn) {
			readRequest(c)
			trickle(c, "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "x")
		}, ErrLost},
	}
	for name, answer := range brokenAnswers() {
		cases[name] = struct {
			script func(net.Conn)
			want   error
		}{answering(answer), ErrLost}
	}
	for name, test := range cases {
		for route, call := range calls() {
			timeout, layers := 20*time.Second, []bool{false, true}
			if errors.Is(test.want, ErrTimedOut) {
				// A slow machine has to get through the dial.
				timeout, layers = 750*time.Millisecond, []bool{false}
			}
			for _, secured := range layers {
				t.Run(fmt.Sprintf("%s, %s, TLS %t", name, route, secured), func(t *testing.T) {
					t.Parallel()
					config, changes := serverTLS(t, secured, nil)
					server := serveRaw(t, config, test.script)
					client := clientOf(t, connect(t, server.url, changes))
					began := time.Now()
					err := call(t.Context(), client, timeout)
					took := time.Since(began)
					failure := transportFailure(t, err)
					if !failure.Connected || failure.Err != test.want { //nolint:errorlint // exactly this one
						t.Errorf("error = %v, Connected = %t, want %v", err, failure.Connected, test.want)
					}
					mustHide(t, fmt.Sprintf("%v %+v", err, failure))
					if server.connections() != 1 {
						t.Errorf("%d connections, want 1", server.connections())
					}
					if took > timeout+5*time.Second {
						t.Errorf("the call took %v", took)
					}
				})
			}
		}
	}
}

// abort closes a connection with a reset.
func abort(conn net.Conn) {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	if plain, ok := conn.(*net.TCPConn); ok {
		_ = plain.SetLinger(0)
	}
	_ = conn.Close()
}

// flood sends a text again and again until the client is gone.
func flood(conn net.Conn, text string) {
	for {
		if _, err := io.WriteString(conn, text); err != nil {
			return
		}
	}
}

// TestTimeoutCoversTheDial proves that the time of a reset runs from its dial on.
func TestTimeoutCoversTheDial(t *testing.T) {
	t.Parallel()
	identity := newIdentity(t, nil)
	server := serveRaw(t, identity.config(), func(conn net.Conn) {
		if got := readOnce(conn); got != "" {
			t.Errorf("the server was sent %q after the time was up", got)
		}
	})
	client := clientOf(t, connect(t, server.url, map[string]string{KeyCA: identity.pem}))
	reset := resetOf()
	reset.Timeout = 300 * time.Millisecond
	waiting := time.NewTimer(2 * reset.Timeout)
	reset.MaySend = func() error {
		<-waiting.C
		return nil
	}
	err := client.ResetTOTP(t.Context(), reset)
	if failure := transportFailure(t, err); !errors.Is(err, ErrTimedOut) || !failure.Connected {
		t.Errorf("error = %v, want ErrTimedOut", err)
	}
}

// wholeAnswers are successes in the shapes that HTTP allows.
func wholeAnswers() map[string]string {
	const body = `{"success":true}`
	filler := strings.Repeat(" ", maxBody-len(body))
	return map[string]string{
		"known length":        success,
		"HTTP/1.0":            "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + body,
		"up to the end":       "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + body,
		"chunked":             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"succes\r\n8\r\ns\":true}\r\n0\r\n\r\n",
		"after interim ones":  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + success,
		"without a reason":    strings.Replace(success, " OK", "", 1),
		"longest body":        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + body + filler,
		"with more behind it": success + "HTTP/1.1 500 No\r\n\r\n",
	}
}

// TestWholeAnswers proves that what HTTP allows an answer to look like is taken for
// a whole one.
func TestWholeAnswers(t *testing.T) {
	t.Parallel()
	for name, answer := range wholeAnswers() {
		for route, call := range calls() {
			t.Run(name+", "+route, func(t *testing.T) {
				t.Parallel()
				server := serveRaw(t, nil, answering(answer))
				if err := call(t.Context(), clientOf(t, connect(t, server.url, nil)), 20*time.Second); err != nil {
					t.Errorf("error = %v, want success", err)
				}
			})
		}
	}
}
