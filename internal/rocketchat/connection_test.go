package rocketchat

import (
	"errors"
	"strings"
	"testing"
)

// mustBlame fails the test unless the error blames a key and shows no value.
func mustBlame(t *testing.T, err error, key string) {
	t.Helper()
	fault, ok := errors.AsType[*ConnectionError](err)
	if !ok {
		t.Fatalf("ParseConnection = %v (%T), want a *ConnectionError", err, err)
	}
	if fault.Key != key {
		t.Errorf("ParseConnection = %v, want it to blame %q", err, key)
	}
	if fault.Problem == "" || strings.ContainsAny(fault.Error(), "\r\n") {
		t.Errorf("ParseConnection = %q, want one sentence", fault.Error())
	}
	mustHide(t, fault.Error())
}

// urlCase is a URL and the one spelling that it has afterwards.
type urlCase struct {
	url  string
	want string // "" if refused
}

// urlCases are URLs that are accepted and some that are not.
func urlCases() map[string]urlCase {
	const plain = "https://chat.example.com"
	return map[string]urlCase{
		"plain":                          {plain, plain},
		"blanks around":                  {" \t" + plain + "\r\n", plain},
		"a slash at the end":             {plain + "/", plain},
		"the scheme in capitals":         {"HTTPS://chat.example.com", plain},
		"the host in capitals":           {"https://Chat.EXAMPLE.com", plain},
		"a port":                         {plain + ":8443", plain + ":8443"},
		"a port with zeros before it":    {plain + ":08443", plain + ":8443"},
		"the port of https":              {plain + ":443", plain},
		"the port of http":               {plain + ":80", plain + ":80"},
		"an empty port":                  {plain + ":", plain},
		"a port and a slash":             {plain + ":8443/", plain + ":8443"},
		"a path":                         {plain + "/chat", plain + "/chat"},
		"a path with a slash at its end": {plain + "/team/chat/", plain + "/team/chat"},
		"a path in capitals":             {plain + "/Chat", plain + "/Chat"},
		"a path with harmless signs":     {plain + "/a-b_c.d~e", plain + "/a-b_c.d~e"},
		"an address":                     {"https://192.0.2.7", "https://192.0.2.7"},
		"an address of IPv6":             {"https://[2001:DB8:0::7]:8443/x", "https://[2001:db8::7]:8443/x"},
		"an address of IPv6 and no port": {"https://[2001:db8::7]", "https://[2001:db8::7]"},
		"a name of one label":            {"https://rocketchat", "https://rocketchat"},
		"a name with an underscore":      {"https://rocket_chat.example.com", "https://rocket_chat.example.com"},
		"a name in Punycode":             {"https://xn--bcher-kva.example", "https://xn--bcher-kva.example"},
		"a dot at the end":               {plain + ".", plain + "."},

		"empty":                           {"", ""},
		"blank":                           {" \n", ""},
		"no scheme":                       {"chat.example.com", ""},
		"no scheme but a port":            {"chat.example.com:443", ""},
		"no scheme but slashes":           {"//chat.example.com", ""},
		"no host":                         {"https://", ""},
		"no host but a port":              {"https://:8443", ""},
		"no host but a path":              {"https:///chat", ""},
		"opaque":                          {"https:chat.example.com", ""},
		"another scheme":                  {"ftp://chat.example.com", ""},
		"a file":                          {"file:///etc/passwd", ""},
		"WebSocket":                       {"wss://chat.example.com", ""},
		"a user":                          {"https://" + testUserID + "@chat.example.com", ""},
		"a user and a password":           {"https://" + testUserID + ":" + testToken + "@chat.example.com", ""},
		"an empty user":                   {"https://@chat.example.com", ""},
		"a query":                         {plain + "/?token=" + testToken, ""},
		"an empty query":                  {plain + "/?", ""},
		"a fragment":                      {plain + "/#" + testToken, ""},
		"an empty fragment":               {plain + "/#", ""},
		"a fragment without a path":       {plain + "#x", ""},
		"two slashes at the end":          {plain + "//", ""},
		"two slashes behind a path":       {plain + "/chat//", ""},
		"two slashes within":              {plain + "/a//b", ""},
		"a dot segment":                   {plain + "/a/./b", ""},
		"two dots":                        {plain + "/a/../b", ""},
		"two dots at the end":             {plain + "/a/..", ""},
		"dots alone":                      {plain + "/.", ""},
		"encoded dots":                    {plain + "/a/%2e%2e/b", ""},
		"an encoded slash":                {plain + "/a%2Fb", ""},
		"an encoded letter":               {plain + "/%61", ""},
		"an encoded blank":                {plain + "/a%20b", ""},
		"an encoded line break":           {plain + "/a%0d%0aX-Evil:%201", ""},
		"an encoded question mark":        {plain + "/a%3Fb", ""},
		"an encoded percent sign":         {plain + "/a%25b", ""},
		"bad encoding":                    {plain + "/%zz", ""},
		"a backslash in the path":         {plain + `/a\b`, ""},
		"a backslash before the host":     {`https:\\chat.example.com`, ""},
		"a backslash in the host":         {`https://chat.example.com\@evil.example`, ""},
		"a blank in the path":             {plain + "/a b", ""},
		"a blank in the host":             {"https://chat .example.com", ""},
		"a line break in the host":        {"https://chat\r\n.example.com", ""},
		"a line break in the path":        {plain + "/\r\nX-Evil: 1", ""},
		"a path of another alphabet":      {plain + "/bücher", ""},
		"a host of another alphabet":      {"https://bücher.example", ""},
		"a host that looks like another":  {"https://сhat.example.com", ""},
		"an encoded host":                 {"https://ch%61t.example.com", ""},
		"an encoded host, other alphabet": {"https://b%C3%BCcher.example", ""},
		"signs in the host":               {"https://a,b;c.example.com", ""},
		"an asterisk for a host":          {"https://*", ""},
		"two ports":                       {plain + ":80:443", ""},
		"a port that is none":             {plain + ":https", ""},
		"port zero":                       {plain + ":0", ""},
		"a port too large":                {plain + ":65536", ""},
		"a negative port":                 {plain + ":-1", ""},
		"an address of IPv6 bare":         {"https://2001:db8::7", ""},
		"an address of IPv6 with a zone":  {"https://[fe80::1%25eth0]", ""},
		"an address of IPv4 in brackets":  {"https://[192.0.2.7]", ""},
		"a name in brackets":              {"https://[chat.example.com]", ""},
		"half a bracket":                  {"https://[2001:db8::7", ""},
		"two URLs":                        {plain + "," + plain, ""},
		"quoted":                          {`"` + plain + `"`, ""},
		"too long":                        {plain + "/" + strings.Repeat("a", maxURLLength), ""},
		"no text":                         {plain + "/\xff", ""},
	}
}

// TestURL proves which URLs are accepted, and the one spelling that each has
// afterwards: workspaces are compared by it.
func TestURL(t *testing.T) {
	t.Parallel()
	for name, test := range urlCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connection, err := ParseConnection(secretData(test.url, map[string]string{KeyAllowPlainHTTP: absent}), false)
			if test.want == "" {
				mustBlame(t, err, KeyURL)
				return
			}
			if err != nil {
				t.Fatalf("ParseConnection(%q) = %v", test.url, err)
			}
			if got := connection.Host(); got != test.want {
				t.Errorf("Host = %q, want %q", got, test.want)
			}
			again, err := ParseConnection(secretData(connection.Host(), nil), false)
			if err != nil || again.Host() != connection.Host() {
				t.Errorf("the URL shown, %q, is not accepted as it is: %v", connection.Host(), err)
			}
		})
	}
}

// TestServer proves what one limiter is taken to stand before: the path does not
// count.
func TestServer(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"https://chat.example.com":           "https://chat.example.com",
		"https://Chat.example.com:443/a/b/":  "https://chat.example.com",
		"https://chat.example.com:8443/chat": "https://chat.example.com:8443",
		"http://chat.example.com:80":         "http://chat.example.com",
		"https://[2001:db8::7]:8443/x":       "https://[2001:db8::7]:8443",
	} {
		connection := connect(t, base, nil)
		if connection.Server() != want || ServerOf(connection.Host()) != want {
			t.Errorf("Server of %q = %q, ServerOf = %q, want %q", base, connection.Server(), ServerOf(connection.Host()), want)
		}
	}
	for _, base := range []string{"", "chat.example.com", "https://", "::", "/chat"} {
		if got := ServerOf(base); got != "" {
			t.Errorf("ServerOf(%q) = %q, want none", base, got)
		}
	}
}

// plainHTTPCase is who allows plain HTTP.
type plainHTTPCase struct {
	url, secret string
	operator    bool
	refused     string // the key that is blamed
}

// plainHTTPCases are who allows plain HTTP and who does not.
func plainHTTPCases() map[string]plainHTTPCase {
	return map[string]plainHTTPCase{
		"https, nobody allows plain HTTP":   {url: "https://chat.example.com", secret: absent},
		"https, both allow plain HTTP":      {url: "https://chat.example.com", secret: "true", operator: true},
		"http, both allow it":               {url: "http://chat.example.com", secret: "true", operator: true},
		"http, both, with a line break":     {url: "http://chat.example.com", secret: "true\n", operator: true},
		"http, the Secret alone":            {url: "http://chat.example.com", secret: "true", refused: KeyAllowPlainHTTP},
		"http, the operator alone":          {url: "http://chat.example.com", secret: absent, operator: true, refused: KeyURL},
		"http, the Secret says no":          {url: "http://chat.example.com", secret: "false", operator: true, refused: KeyURL},
		"http, nobody":                      {url: "http://chat.example.com", secret: absent, refused: KeyURL},
		"the Secret says something else":    {url: "https://chat.example.com", secret: "yes", operator: true, refused: KeyAllowPlainHTTP},
		"the Secret says it in capitals":    {url: "http://chat.example.com", secret: "TRUE", operator: true, refused: KeyAllowPlainHTTP},
		"the Secret says nothing":           {url: "http://chat.example.com", secret: "", operator: true, refused: KeyAllowPlainHTTP},
		"http in capitals, without consent": {url: "HTTP://chat.example.com", secret: absent, operator: true, refused: KeyURL},
	}
}

// TestPlainHTTP proves that plain HTTP takes both the Secret and the operator.
func TestPlainHTTP(t *testing.T) {
	t.Parallel()
	for name, test := range plainHTTPCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseConnection(secretData(test.url, map[string]string{KeyAllowPlainHTTP: test.secret}), test.operator)
			if test.refused != "" {
				mustBlame(t, err, test.refused)
			} else if err != nil {
				t.Errorf("ParseConnection = %v", err)
			}
		})
	}
}

// keyCase is a change to a Secret and what comes of it.
type keyCase struct {
	changes map[string]string
	refused string // the key that is blamed
	accept  bool
}

// keyCases are what each key other than the URL and the second factor may hold.
func keyCases(t testing.TB) map[string]keyCase {
	ca := newIdentity(t, nil).pem
	return map[string]keyCase{
		"the usual ones":                     {accept: true},
		"a token from a file":                {changes: map[string]string{KeyAuthToken: testToken + "\n"}, accept: true},
		"a token with blanks around":         {changes: map[string]string{KeyAuthToken: " \t" + testToken + " \r\n"}, accept: true},
		"an id from a file":                  {changes: map[string]string{KeyUserID: testUserID + "\r\n"}, accept: true},
		"the longest token":                  {changes: map[string]string{KeyAuthToken: strings.Repeat("~", maxSecretLength)}, accept: true},
		"no token":                           {changes: map[string]string{KeyAuthToken: absent}, refused: KeyAuthToken},
		"an empty token":                     {changes: map[string]string{KeyAuthToken: ""}, refused: KeyAuthToken},
		"a blank token":                      {changes: map[string]string{KeyAuthToken: " \n\t"}, refused: KeyAuthToken},
		"a token with a header in it":        {changes: map[string]string{KeyAuthToken: testToken + "\r\nX-User-Id: evil"}, refused: KeyAuthToken},
		"a token with a line feed in it":     {changes: map[string]string{KeyAuthToken: testToken + "\nx"}, refused: KeyAuthToken},
		"a token with a carriage return":     {changes: map[string]string{KeyAuthToken: testToken + "\rx"}, refused: KeyAuthToken},
		"a token with a blank in it":         {changes: map[string]string{KeyAuthToken: "Bearer " + testToken}, refused: KeyAuthToken},
		"a token with a tab in it":           {changes: map[string]string{KeyAuthToken: testToken + "\tx"}, refused: KeyAuthToken},
		"a token with a zero byte":           {changes: map[string]string{KeyAuthToken: testToken + "\x00x"}, refused: KeyAuthToken},
		"a token with a delete character":    {changes: map[string]string{KeyAuthToken: testToken + "\x7fx"}, refused: KeyAuthToken},
		"a token with an umlaut":             {changes: map[string]string{KeyAuthToken: testToken + "ü"}, refused: KeyAuthToken},
		"a token that is no text":            {changes: map[string]string{KeyAuthToken: testToken + "\xff"}, refused: KeyAuthToken},
		"a token too long":                   {changes: map[string]string{KeyAuthToken: strings.Repeat("t", maxSecretLength+1)}, refused: KeyAuthToken},
		"no id":                              {changes: map[string]string{KeyUserID: absent}, refused: KeyUserID},
		"an empty id":                        {changes: map[string]string{KeyUserID: ""}, refused: KeyUserID},
		"an id with a header in it":          {changes: map[string]string{KeyUserID: testUserID + "\r\nX-Auth-Token: evil"}, refused: KeyUserID},
		"an id too long":                     {changes: map[string]string{KeyUserID: strings.Repeat("i", maxUserIDLength+1)}, refused: KeyUserID},
		"no URL":                             {changes: map[string]string{KeyURL: absent}, refused: KeyURL},
		"a CA":                               {changes: map[string]string{KeyCA: ca}, accept: true},
		"two CAs with words between":         {changes: map[string]string{KeyCA: "first\n" + ca + "second\n" + ca}, accept: true},
		"a CA that is none":                  {changes: map[string]string{KeyCA: testToken}, refused: KeyCA},
		"an empty CA":                        {changes: map[string]string{KeyCA: ""}, refused: KeyCA},
		"a CA of no certificate":             {changes: map[string]string{KeyCA: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}, refused: KeyCA},
		"a key for a CA":                     {changes: map[string]string{KeyCA: strings.ReplaceAll(ca, "CERTIFICATE", "PRIVATE KEY")}, refused: KeyCA},
		"a CA too long":                      {changes: map[string]string{KeyCA: strings.Repeat(ca, maxCALength/len(ca)+1)}, refused: KeyCA},
		"an unknown key":                     {changes: map[string]string{"token": testToken}, refused: "token"},
		"a known key in other capitals":      {changes: map[string]string{"authtoken": testToken}, refused: "authtoken"},
		"a known key of another case too":    {changes: map[string]string{"URL": "https://evil.example"}, refused: "URL"},
		"an empty key":                       {changes: map[string]string{"": testToken}, refused: ""},
		"the first of two unknown keys":      {changes: map[string]string{"zzz": testToken, "aaa": testToken}, refused: "aaa"},
		"an unknown key before a bad known":  {changes: map[string]string{"aaa": "", KeyAuthToken: ""}, refused: "aaa"},
		"a user name for the id and a token": {changes: map[string]string{"username": "admin"}, refused: "username"},
	}
}

// TestKeys proves what each other key may hold. The second factor has a test of its
// own.
func TestKeys(t *testing.T) {
	t.Parallel()
	for name, test := range keyCases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connection, err := ParseConnection(secretData("https://chat.example.com", test.changes), false)
			if !test.accept {
				mustBlame(t, err, test.refused)
				return
			}
			if err != nil {
				t.Fatalf("ParseConnection = %v", err)
			}
			data := secretData("", test.changes)
			if _, got := connection.account(); got != strings.TrimSpace(string(data[KeyAuthToken])) {
				t.Errorf("the token is %q", got)
			}
			if got := connection.UserID(); got != strings.TrimSpace(string(data[KeyUserID])) {
				t.Errorf("the id is %q", got)
			}
			if _, given := test.changes[KeyCA]; given != (connection.roots != nil) {
				t.Errorf("own roots: %t, want %t", connection.roots != nil, given)
			}
		})
	}
	if _, err := ParseConnection(nil, true); err == nil {
		t.Error("no data is accepted")
	}
}
