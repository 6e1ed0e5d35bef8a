package rocketchat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// secretCanary is in a value of a Secret what must never show. It is base32.
const secretCanary = "CANARYCANARYCANARYCANARYCANARYCA"

// everyKey is each key of a Secret, in the order of the arguments of the fuzz
// target.
func everyKey() []string {
	return []string{KeyURL, KeyUserID, KeyAuthToken, KeyTOTPSecret, KeyPassword, KeyCA, KeyAllowPlainHTTP, KeyTwoFactorMethod, KeyTwoFactorCode}
}

// secretSeed is one of the Secrets of the tables as arguments of the fuzz target.
type secretSeed struct {
	values  [9]string // of everyKey
	present int       // a bit for each of everyKey
	other   string    // a key that is not known
}

func seedOf(data map[string][]byte) secretSeed {
	var seed secretSeed
	for i, key := range everyKey() {
		if value, has := data[key]; has {
			seed.values[i], seed.present = string(value), seed.present|1<<i
		}
	}
	for _, key := range slices.Sorted(maps.Keys(data)) {
		if !slices.Contains(everyKey(), key) {
			seed.other = key
		}
	}
	return seed
}

func (s secretSeed) data() map[string][]byte {
	data := map[string][]byte{}
	if s.other != "" {
		data[s.other] = []byte(secretCanary)
	}
	for i, key := range everyKey() {
		if s.present&(1<<i) != 0 {
			data[key] = []byte(s.values[i])
		}
	}
	return data
}

// secretSeeds are the Secrets of all tables.
func secretSeeds(t testing.TB) []secretSeed {
	t.Helper()
	const base = "https://chat.example.com"
	var seeds []secretSeed
	add := func(base string, changes map[string]string) { seeds = append(seeds, seedOf(secretData(base, changes))) }
	keys := keyCases(t)
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		add(base, keys[name].changes)
	}
	for _, name := range slices.Sorted(maps.Keys(factorCases())) {
		add(base, factorCases()[name].changes)
	}
	for _, name := range slices.Sorted(maps.Keys(urlCases())) {
		add(urlCases()[name].url, nil)
	}
	for _, name := range slices.Sorted(maps.Keys(plainHTTPCases())) {
		test := plainHTTPCases()[name]
		add(test.url, map[string]string{KeyAllowPlainHTTP: test.secret})
	}
	return seeds
}

// knownProblems are all sentences with which the Secrets of the tables are
// refused.
func knownProblems(t testing.TB) map[string]bool {
	t.Helper()
	problems := map[string]bool{}
	for _, seed := range secretSeeds(t) {
		for _, allowed := range []bool{false, true} {
			_, err := ParseConnection(seed.data(), allowed)
			if fault, ok := errors.AsType[*ConnectionError](err); ok {
				problems[fault.Problem] = true
			}
		}
	}
	return problems
}

// FuzzParseConnection proves that no Secret makes the client stumble, that a
// refusal is one of the known sentences about one of its keys, that what is
// accepted makes requests whose headers hold one value each, and that nothing
// shows a value.
func FuzzParseConnection(f *testing.F) {
	for _, seed := range secretSeeds(f) {
		v := seed.values
		for _, canary := range []bool{false, true} {
			f.Add(v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], seed.other, seed.present, canary, !canary)
		}
	}
	problems := knownProblems(f)
	f.Fuzz(func(t *testing.T, location, userID, token, totpSecret, password, ca, plain, method, typed, other string, present int, canary, allowed bool) {
		seed := secretSeed{values: [9]string{location, userID, token, totpSecret, password, ca, plain, method, typed}, present: present, other: other}
		data := seed.data()
		if canary {
			for _, key := range []string{KeyUserID, KeyAuthToken, KeyTOTPSecret, KeyPassword, KeyCA, KeyTwoFactorCode} {
				if value, has := data[key]; has {
					middle := len(value) / 2
					data[key] = slices.Concat(value[:middle], []byte(secretCanary), value[middle:])
				}
			}
		}
		connection, err := ParseConnection(data, allowed)
		if err != nil {
			fault, ok := errors.AsType[*ConnectionError](err)
			if !ok || !problems[fault.Problem] || fault.Error() != fmt.Sprintf("key %q %s", fault.Key, fault.Problem) {
				t.Fatalf("error = %v (%T)", err, err)
			}
			if !slices.Contains(append(everyKey(), other), fault.Key) {
				t.Errorf("the key that is blamed is %q", fault.Key)
			}
			return
		}
		checkHeaders(t, connection)
		if canary {
			checkHidden(t, connection)
		}
	})
}

// checkHeaders proves that an accepted Secret makes a request, with headers that
// cannot hold another one.
func checkHeaders(t *testing.T, connection *Connection) {
	t.Helper()
	client := New(connection, Options{Now: testNow})
	defer client.Close()
	request, err := client.resetRequest(t.Context(), "v1/users.resetTOTP", targetID)
	if err != nil {
		t.Fatalf("an accepted Secret makes no request: %v", err)
	}
	for name, values := range request.Header {
		if len(values) != 1 || strings.ContainsFunc(values[0], func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Errorf("the header %s holds %q", name, values)
		}
	}
	for _, name := range []string{"X-Auth-Token", "X-User-Id"} {
		if request.Header.Get(name) == "" {
			t.Errorf("the header %s is missing", name)
		}
	}
	if has := request.Header.Get("X-2fa-Code") != ""; has != (connection.SecondFactor() != "") {
		t.Errorf("a code: %t, a second factor: %t", has, connection.SecondFactor() != "")
	}
}

// checkHidden proves that no text of a connection shows the canary.
func checkHidden(t *testing.T, connection *Connection) {
	t.Helper()
	var shown strings.Builder
	for _, value := range []any{connection, *connection, connection.factor, holderOf(connection), New(connection, Options{Now: testNow})} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
			fmt.Fprintf(&shown, verb, value)
		}
	}
	text, err := json.Marshal(connection)
	if err != nil {
		t.Error(err)
	}
	shown.Write(text)
	shown.WriteString(logged(connection))
	if strings.Contains(shown.String(), secretCanary[:8]) {
		t.Errorf("a value shows in: %s", shown.String())
	}
}

// FuzzURL proves that what is accepted as a URL is https, or http where both allow
// it, has nothing but host, port and path, is stable, and leads where it says.
func FuzzURL(f *testing.F) {
	for _, name := range slices.Sorted(maps.Keys(urlCases())) {
		f.Add(urlCases()[name].url, "true", true)
	}
	for _, name := range slices.Sorted(maps.Keys(plainHTTPCases())) {
		test := plainHTTPCases()[name]
		f.Add(test.url, test.secret, test.operator)
	}
	for _, location := range []string{"http://127.0.0.1:3000/chat/", "https://[::ffff:127.0.0.1]", "https://0x7f.1", "https://chat.example.com:00443", "https://a\\@b", "https://xn--"} {
		f.Add(location, "true", true)
	}
	f.Fuzz(func(t *testing.T, location, plain string, allowed bool) {
		_ = ServerOf(location)
		connection, err := ParseConnection(secretData(location, map[string]string{KeyAllowPlainHTTP: plain}), allowed)
		if err != nil {
			return // FuzzParseConnection judges the sentence
		}
		checkLocation(t, connection, allowed && strings.TrimSpace(plain) == "true")
		checkDialled(t, connection)
	})
}

// checkLocation proves that the URL shown is whole, plain, and stable.
func checkLocation(t *testing.T, connection *Connection, plainAllowed bool) {
	t.Helper()
	shown, err := url.Parse(connection.Host())
	if err != nil {
		t.Fatalf("%q is no URL: %v", connection.Host(), err)
	}
	if shown.User != nil || shown.RawQuery != "" || shown.Fragment != "" || shown.Opaque != "" || shown.Hostname() == "" ||
		strings.ContainsAny(connection.Host(), "?#\\% \r\n") || strings.Contains(connection.Server(), "@") || strings.HasSuffix(connection.Host(), "/") {
		t.Errorf("%q holds more than a location", connection.Host())
	}
	if shown.Scheme != "https" && (shown.Scheme != "http" || !plainAllowed) {
		t.Errorf("%q is not https", connection.Host())
	}
	again, err := ParseConnection(secretData(connection.Host(), nil), true)
	if err != nil || again.Host() != connection.Host() {
		t.Errorf("%q is not accepted as it is: %v", connection.Host(), err)
	}
	if !strings.HasPrefix(connection.Host(), connection.Server()) || ServerOf(connection.Host()) != connection.Server() {
		t.Errorf("the server of %q is %q", connection.Host(), connection.Server())
	}
}

// checkDialled proves that the host that is called, and the address that is
// dialled for it, are those that are shown.
func checkDialled(t *testing.T, connection *Connection) {
	t.Helper()
	server := &memoryServer{answer: []byte(success)}
	client := server.client(t, connection, nil)
	defer client.Close()
	secured := false
	client.reads.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		secured = true
		return server.dial(ctx, network, address)
	}
	if _, err := client.Me(t.Context()); err != nil {
		t.Fatalf("%q cannot be called: %v", connection.Host(), err)
	}
	server.group.Wait()
	shown, err := url.Parse(connection.Host())
	if err != nil {
		t.Fatal(err)
	}
	port := shown.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[shown.Scheme]
	}
	if want := net.JoinHostPort(shown.Hostname(), port); len(server.dialled) != 1 || server.dialled[0] != want || secured != (shown.Scheme == "https") {
		t.Errorf("shown: %q, dialled: %q, TLS %t", connection.Host(), server.dialled, secured)
	}
	begin := "GET " + shown.EscapedPath() + "/api/v1/me HTTP/1.1\r\nHost: " + shown.Host + "\r\n"
	if !strings.HasPrefix(server.requests[0], begin) {
		t.Errorf("shown: %q, sent: %q", connection.Host(), server.requests[0])
	}
}
