package rocketchat

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// memoryServer is a server in memory. It reads one request, sends some bytes and
// hangs up.
type memoryServer struct {
	answer   []byte
	group    sync.WaitGroup
	requests []string // as far as one read gives them
	dialled  []string
}

// dial is in the place of the client's own, with which it shares the speaker.
func (m *memoryServer) dial(_ context.Context, _, address string) (net.Conn, error) {
	near, far := net.Pipe()
	m.dialled = append(m.dialled, address)
	m.group.Go(func() {
		m.requests = append(m.requests, readOnce(far))
		_, _ = far.Write(m.answer)
		_ = far.Close()
	})
	return &speaker{Conn: near, spoke: make(chan struct{})}, nil
}

// client is one whose reads go to the server.
func (m *memoryServer) client(t testing.TB, connection *Connection, observe func(Exchange)) *Client {
	t.Helper()
	client := New(connection, Options{Now: testNow, Observe: observe})
	client.reads.DialContext, client.reads.DialTLSContext = m.dial, m.dial
	return client
}

// reset makes the request of a reset and its exchange as Client.reset does.
func (m *memoryServer) reset(ctx context.Context, client *Client) error {
	const route = "v1/users.resetTOTP"
	request, err := client.resetRequest(ctx, route, targetID)
	if err != nil {
		return err
	}
	transport := client.transport(dialer{})
	transport.DialContext, transport.DialTLSContext = m.dial, m.dial
	defer transport.CloseIdleConnections()
	reply, err := client.exchange(transport, request, route, maxBody)
	if err != nil {
		return err
	}
	return reply.err()
}

// plainAnswer is what package net/http makes of the bytes: the answer after the
// interim ones, and its body. It is nil if there is no whole one.
func plainAnswer(raw []byte) (*http.Response, []byte) {
	reader := bufio.NewReader(bytes.NewReader(raw))
	for {
		response, err := http.ReadResponse(reader, &http.Request{Method: http.MethodPost})
		if err != nil {
			return nil, nil
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		switch {
		case err != nil, response.StatusCode == http.StatusSwitchingProtocols:
			return nil, nil
		case response.StatusCode >= 200 || response.StatusCode < 100:
			return response, body
		}
	}
}

// FuzzExchange sends arbitrary bytes to the real client in answer to a reset, and
// proves that it takes nothing for a success or for proof that is none, that what
// it says of a failure quotes nothing, and that it calls once.
func FuzzExchange(f *testing.F) {
	for _, answers := range []map[string]string{wholeAnswers(), brokenAnswers(), reflections(), recordedAnswers(f)} {
		for _, name := range slices.Sorted(maps.Keys(answers)) {
			f.Add([]byte(answers[name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(failureCases())) {
		f.Add(rawAnswer(failureCases()[name].reply))
	}
	connection := connect(f, "http://chat.example.com/x", nil)
	request := requestOf(f, connection)
	f.Fuzz(func(t *testing.T, raw []byte) {
		server := &memoryServer{answer: raw}
		var seen []Exchange
		client := server.client(t, connection, func(exchange Exchange) { seen = append(seen, exchange) })
		err := server.reset(t.Context(), client)
		client.Close()
		server.group.Wait()
		if len(server.requests) != 1 || server.requests[0] != request {
			t.Errorf("sent: %q", server.requests)
		}
		for _, verb := range []string{"%v", "%+v"} {
			mustHide(t, fmt.Sprintf(verb, err))
		}
		response, body := plainAnswer(raw) //nolint:bodyclose // it was read and closed
		if failure, ok := errors.AsType[*TransportError](err); ok {
			checkNoAnswer(t, failure, response, len(raw))
			return
		}
		if response == nil || len(body) > maxBody {
			t.Fatalf("err = %v, although there is no whole answer", err)
		}
		checkVerdict(t, err, response.StatusCode, response.Header, body)
		if len(seen) != 1 || seen[0].Status != response.StatusCode || seen[0].Route != "v1/users.resetTOTP" {
			t.Fatalf("seen: %+v", seen)
		}
		checkRateLimit(t, seen[0].RateLimit)
	})
}

// checkNoAnswer proves that a call ends without an answer only where there is no
// whole one, and says no more than that.
func checkNoAnswer(t *testing.T, failure *TransportError, response *http.Response, length int) {
	t.Helper()
	if !failure.Connected || failure.Err != ErrLost { //nolint:errorlint // exactly this one
		t.Errorf("failure = %+v", failure)
	}
	if response != nil && length < maxBody {
		t.Errorf("not taken for an answer: %+v", response)
	}
}

// requestOf is what a reset sends.
func requestOf(t testing.TB, connection *Connection) string {
	t.Helper()
	server := &memoryServer{answer: []byte(success)}
	client := server.client(t, connection, nil)
	defer client.Close()
	if err := server.reset(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	server.group.Wait()
	return server.requests[0]
}

// rawAnswer is the answer on the wire.
func rawAnswer(reply answer) []byte {
	var raw bytes.Buffer
	fmt.Fprintf(&raw, "HTTP/1.1 %d X\r\n", reply.status)
	_ = reply.header.Write(&raw)
	fmt.Fprintf(&raw, "Content-Length: %d\r\n\r\n%s", len(reply.body), reply.body)
	return raw.Bytes()
}

// recordedAnswers are the different ones of those that Rocket.Chat was seen to give.
func recordedAnswers(t testing.TB) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("simulator/testdata/vectors-*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no recorded answers: %v", err)
	}
	answers := map[string]string{}
	for _, path := range paths {
		var file struct {
			Vectors []struct {
				Response struct {
					Status  int
					Headers map[string]string
					Body    string
				}
			}
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, vector := range file.Vectors {
			recorded := vector.Response
			reply := answer{status: recorded.Status, header: http.Header{}, body: []byte(recorded.Body)}
			for name, value := range recorded.Headers {
				reply.header.Set(name, value)
			}
			reply.header.Del("Content-Length")
			reply.header.Del("Transfer-Encoding")
			// Times and what is left tell nothing apart.
			answers[fmt.Sprint(recorded.Status, recorded.Body)] = string(rawAnswer(reply))
		}
	}
	return answers
}

// FuzzReads proves that the reads take out of an answer what they are for and
// nothing else, and nothing at all of one that is no success.
func FuzzReads(f *testing.F) {
	for _, name := range slices.Sorted(maps.Keys(readCases())) {
		test := readCases()[name]
		for route := range readRoutes() {
			f.Add(route, []byte(test.expected.text))
		}
	}
	connection := connect(f, "https://chat.example.com", nil)
	f.Fuzz(func(t *testing.T, route int, body []byte) {
		routes := readRoutes()
		route = (route%len(routes) + len(routes)) % len(routes)
		header := http.Header{"Content-Type": {"application/json"}}
		server := &memoryServer{answer: rawAnswer(answer{status: 200, header: header, body: body})}
		client := server.client(t, connection, nil)
		got, err := routes[route].read(t.Context(), client)
		client.Close()
		server.group.Wait()
		if failure, ok := errors.AsType[*TransportError](err); ok {
			if len(body) <= maxBody || failure.Err != ErrLost { //nolint:errorlint // exactly this one
				t.Errorf("failure = %+v", failure)
			}
			return
		}
		whole := jsonObject(header, body)
		want, listed := routes[route].want(whole)
		success := whole["success"] == true
		if !success || !listed {
			want = routes[route].none
		}
		if fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) {
			t.Errorf("read = %#v, want %#v", got, want)
		}
		if success && !listed {
			if failure := answerFailure(t, err); *failure != (AnswerError{Route: "v1/permissions.listAll", Status: 200}) {
				t.Errorf("failure = %+v", failure)
			}
			return
		}
		checkVerdict(t, err, 200, header, body)
	})
}

// readRoute is a read, what it is to take out of an object, and what it returns if
// there is none.
type readRoute struct {
	read func(context.Context, *Client) (any, error)
	want func(whole map[string]any) (any, bool)
	none any
}

// readRoutes are the reads, told here in another way than in the code.
func readRoutes() []readRoute {
	text := func(object map[string]any, name string) string { value, _ := object[name].(string); return value }
	object := func(object map[string]any, name string) map[string]any {
		value, _ := object[name].(map[string]any)
		return value
	}
	user := func(whole map[string]any) (any, bool) {
		user := object(whole, "user")
		return User{ID: text(user, "_id"), Username: text(user, "username"), Federated: user["federated"] == true}, true
	}
	return []readRoute{
		{
			func(ctx context.Context, c *Client) (any, error) { return c.Info(ctx) },
			func(whole map[string]any) (any, bool) { return Info{Version: text(whole, "version")}, true },
			Info{},
		},
		{
			func(ctx context.Context, c *Client) (any, error) { return c.Me(ctx) },
			func(whole map[string]any) (any, bool) {
				services := object(whole, "services")
				return Account{
					ID: text(whole, "_id"), Username: text(whole, "username"), Roles: texts(whole["roles"]),
					TOTP:     object(services, "totp")["enabled"] == true,
					Email:    object(services, "email2fa")["enabled"] == true,
					Password: object(services, "password")["exists"] == true,
				}, true
			},
			Account{},
		},
		{func(ctx context.Context, c *Client) (any, error) { return c.UserByID(ctx, "x") }, user, User{}},
		{func(ctx context.Context, c *Client) (any, error) { return c.UserByUsername(ctx, "x") }, user, User{}},
		{
			func(ctx context.Context, c *Client) (any, error) { return c.Permitted(ctx, []string{"admin"}) },
			permitted,
			[]string(nil),
		},
	}
}

// permitted are those of the two permissions that administrators have; false
// without a list of objects.
func permitted(whole map[string]any) (any, bool) {
	list, isList := whole["update"].([]any)
	var names []string
	for _, element := range list {
		permission, isObject := element.(map[string]any)
		if !isObject && element != nil {
			return nil, false
		}
		name, _ := permission["_id"].(string)
		if (name == PermissionResetTOTP || name == PermissionResetE2EKey) && slices.Contains(texts(permission["roles"]), "admin") {
			names = append(names, name)
		}
	}
	return names, isList
}

// texts is the value as a list of strings, in which null counts as an empty one;
// nil if it is none.
func texts(value any) []string {
	list, isList := value.([]any)
	if !isList {
		return nil
	}
	strings := []string{}
	for _, element := range list {
		text, isText := element.(string)
		if !isText && element != nil {
			return nil
		}
		strings = append(strings, text)
	}
	return strings
}

// FuzzHandshake proves that a server that sends arbitrary bytes in place of a TLS
// handshake gets nothing out of the client, and nothing of its own into the text.
func FuzzHandshake(f *testing.F) {
	canary := newIdentity(f, func(c *x509.Certificate) {
		c.Subject, c.DNSNames = pkix.Name{CommonName: testToken, Organization: []string{testUserID}}, []string{testToken + ".example.com"}
	})
	expired := newIdentity(f, func(c *x509.Certificate) {
		c.Subject, c.DNSNames, c.NotAfter = pkix.Name{CommonName: testToken}, []string{"chat.example.com"}, time.Now().Add(-time.Minute)
	})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(canary.pem + expired.pem))
	config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	for _, server := range []identity{canary, expired} {
		f.Add(firstFlight(f, config, server.config("http/1.1")))
	}
	for _, text := range []string{"", "\x15\x03\x03\x00\x02\x02\x28", "\x16\x03\x03\x40\x00", "HTTP/1.1 400 " + testToken + "\r\n\r\n", "\x16\x03\x01\x00\x01\x02", "\x14\x03\x03\x00\x01\x01"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		near, far := net.Pipe()
		var group sync.WaitGroup
		group.Go(func() { _, _ = io.Copy(io.Discard, far) })
		group.Go(func() {
			_, _ = far.Write(raw)
			_ = far.Close()
		})
		watched := &recordingConn{Conn: near}
		conn, err := dialer{tls: config}.secure(t.Context(), watched, "chat.example.com:443")
		group.Wait()
		if err == nil || conn != nil {
			t.Fatal("a connection was obtained")
		}
		if !watched.closed {
			t.Error("the connection is left open")
		}
		if !slices.Contains(handshakeTexts(), err.Error()) {
			t.Errorf("the text is %q", err)
		}
	})
}

// handshakeTexts are all that is said of a handshake that fails.
func handshakeTexts() []string {
	var texts []string
	for _, problem := range []string{
		"the server's certificate is for another host", "the server's certificate is signed by an unknown authority",
		"the server's certificate has expired or is not yet valid", "the server's certificate is not valid",
		"the server does not speak TLS", "the time was up", "the server did not complete it",
	} {
		texts = append(texts, "TLS handshake: "+problem)
	}
	return texts
}

// firstFlight is what a server of TLS 1.2 sends before the client says anything
// about its certificate, which is in it in clear.
func firstFlight(t testing.TB, client, server *tls.Config) []byte {
	t.Helper()
	client, server = client.Clone(), server.Clone()
	server.MaxVersion, client.ServerName = tls.VersionTLS12, "chat.example.com"
	near, far := net.Pipe()
	recorder := &recordingConn{Conn: near}
	var group sync.WaitGroup
	group.Go(func() {
		_ = tls.Server(far, server).HandshakeContext(t.Context())
		_ = far.Close()
	})
	if tls.Client(recorder, client).HandshakeContext(t.Context()) == nil {
		t.Fatal("the certificate was accepted")
	}
	_ = near.Close()
	group.Wait()
	return recorder.read.Bytes()
}

// recordingConn notes what is read from a connection, and its end.
type recordingConn struct {
	net.Conn
	read   bytes.Buffer
	closed bool
}

// Close implements net.Conn.
func (c *recordingConn) Close() error {
	c.closed = true
	return c.Conn.Close()
}

// Read implements net.Conn.
func (c *recordingConn) Read(buffer []byte) (int, error) {
	n, err := c.Conn.Read(buffer)
	c.read.Write(buffer[:n])
	return n, err
}
