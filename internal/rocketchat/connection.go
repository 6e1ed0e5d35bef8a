package rocketchat

import (
	"crypto/x509"
	"encoding/base32"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
)

// The keys of a connection Secret.
const (
	KeyURL            = "url"
	KeyUserID         = "userId"
	KeyAuthToken      = "authToken"
	KeyTOTPSecret     = "totpSecret"
	KeyPassword       = "password"
	KeyCA             = "ca.crt"
	KeyAllowPlainHTTP = "allowPlainHTTP"
)

const (
	maxURLLength    = 1024
	maxUserIDLength = 128
	maxSecretLength = 4096
	maxCALength     = 512 << 10
)

// Connection is where a workspace is and how the operator proves itself there.
// It prints, logs and marshals as its host alone.
type Connection struct {
	base      *url.URL
	userID    string
	authToken string
	factor    secondFactor
	roots     *x509.CertPool
}

// ConnectionError says which key of a connection Secret cannot be used and what
// to do about it. It never holds a value.
type ConnectionError struct {
	Key     string
	Problem string
}

// Error implements error.
func (e *ConnectionError) Error() string {
	return fmt.Sprintf("key %q %s", e.Key, e.Problem)
}

// ParseConnection reads the data of a connection Secret. Plain HTTP needs both
// the Secret's allowPlainHTTP and plainHTTPAllowed, which is the operator's flag.
// Errors are of type *ConnectionError.
func ParseConnection(data map[string][]byte, plainHTTPAllowed bool) (*Connection, error) {
	if err := checkKeys(data); err != nil {
		return nil, err
	}
	base, err := parseURL(data, plainHTTPAllowed)
	if err != nil {
		return nil, err
	}
	userID, err := headerValue(data, KeyUserID, maxUserIDLength)
	if err != nil {
		return nil, err
	}
	token, err := headerValue(data, KeyAuthToken, maxSecretLength)
	if err != nil {
		return nil, err
	}
	factor, err := parseSecondFactor(data)
	if err != nil {
		return nil, err
	}
	roots, err := parseCA(data)
	if err != nil {
		return nil, err
	}
	return &Connection{base: base, userID: userID, authToken: token, factor: factor, roots: roots}, nil
}

// Host is the base URL of the workspace: scheme, host, port and path.
func (c *Connection) Host() string { return c.base.String() }

// Server is scheme, host and port: what one rate limiter stands before.
func (c *Connection) Server() string { return ServerOf(c.Host()) }

// UserID is the id of the operator's own account.
func (c *Connection) UserID() string { return c.userID }

// HasSecondFactor says whether the Secret holds a TOTP secret or a password.
func (c *Connection) HasSecondFactor() bool { return c.factor.method != "" }

// ServerOf is the scheme, host and port of a base URL, "" if it is none.
func ServerOf(base string) string {
	parsed, err := url.Parse(base)
	if err != nil || parsed.Host == "" {
		return ""
	}
	return parsed.Scheme + "://" + parsed.Host
}

func checkKeys(data map[string][]byte) error {
	known := []string{KeyURL, KeyUserID, KeyAuthToken, KeyTOTPSecret, KeyPassword, KeyCA, KeyAllowPlainHTTP}
	var unknown []string
	for key := range data {
		if !slices.Contains(known, key) {
			unknown = append(unknown, key)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	return &ConnectionError{Key: unknown[0], Problem: "is unknown: remove it; the keys are " + strings.Join(known, ", ")}
}

func parseURL(data map[string][]byte, plainHTTPAllowed bool) (*url.URL, error) {
	fail := func(problem string) (*url.URL, error) {
		return nil, &ConnectionError{Key: KeyURL, Problem: problem}
	}
	text := strings.TrimSpace(string(data[KeyURL]))
	if text == "" {
		return fail(`is missing: set it to the workspace's URL, such as "https://chat.example.com"`)
	}
	if len(text) > maxURLLength {
		return fail("is too long")
	}
	parsed, err := url.Parse(text)
	if err != nil || parsed.Hostname() == "" || parsed.Opaque != "" {
		return fail(`is not a URL such as "https://chat.example.com"`)
	}
	// Only the parts that belong to the location of a server may be there: the
	// rest would either carry a secret or change what is called.
	if parsed.User != nil || parsed.RawQuery != "" || parsed.ForceQuery || parsed.Fragment != "" || strings.Contains(text, "#") {
		return fail("must have no user, query or fragment")
	}
	trimmed := strings.TrimSuffix(parsed.Path, "/")
	if trimmed != "" && (path.Clean(trimmed) != trimmed || parsed.RawPath != "" || strings.ContainsAny(trimmed, "\\%")) {
		return fail("has a path that is not clean")
	}
	if err := checkScheme(parsed.Scheme, data, plainHTTPAllowed); err != nil {
		return nil, err
	}
	return &url.URL{Scheme: parsed.Scheme, Host: strings.ToLower(parsed.Host), Path: trimmed}, nil
}

func checkScheme(scheme string, data map[string][]byte, plainHTTPAllowed bool) error {
	allowed, given := data[KeyAllowPlainHTTP]
	if given && string(allowed) != "true" && string(allowed) != "false" {
		return &ConnectionError{Key: KeyAllowPlainHTTP, Problem: `must be "true" or "false"`}
	}
	switch {
	case scheme == "https":
		return nil
	case scheme != "http":
		return &ConnectionError{Key: KeyURL, Problem: "must begin with https://"}
	case string(allowed) != "true":
		return &ConnectionError{Key: KeyURL, Problem: "begins with http://, which sends the token in clear: use https://"}
	case !plainHTTPAllowed:
		return &ConnectionError{Key: KeyAllowPlainHTTP, Problem: "has no effect unless the operator runs with --allow-plain-http"}
	}
	return nil
}

// headerValue is a value that is sent as a header: printable ASCII, no blanks.
func headerValue(data map[string][]byte, key string, limit int) (string, error) {
	value := strings.TrimSpace(string(data[key]))
	switch {
	case value == "":
		return "", &ConnectionError{Key: key, Problem: "is missing"}
	case len(value) > limit:
		return "", &ConnectionError{Key: key, Problem: "is too long"}
	case strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", &ConnectionError{Key: key, Problem: "holds blanks or characters other than printable ASCII"}
	}
	return value, nil
}

func parseSecondFactor(data map[string][]byte) (secondFactor, error) {
	secret, hasSecret := data[KeyTOTPSecret]
	password, hasPassword := data[KeyPassword]
	switch {
	case hasSecret && hasPassword:
		return secondFactor{}, &ConnectionError{Key: KeyPassword, Problem: "and totpSecret exclude each other: keep the one that the account uses"}
	case hasSecret:
		return parseTOTPSecret(string(secret))
	case hasPassword:
		return parsePassword(string(password))
	}
	return secondFactor{}, nil
}

func parseTOTPSecret(text string) (secondFactor, error) {
	// People copy the secret in groups and in lower case, with or without padding.
	normal := strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "\n", "", "\r", "", "\t", "").Replace(text))
	normal = strings.TrimRight(normal, "=")
	if len(normal) > maxSecretLength {
		return secondFactor{}, &ConnectionError{Key: KeyTOTPSecret, Problem: "is too long"}
	}
	decoded, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(normal)
	if err != nil || len(decoded) == 0 {
		return secondFactor{}, &ConnectionError{Key: KeyTOTPSecret, Problem: "is not base32: copy the secret that Rocket.Chat shows when TOTP is set up, not a six-digit code"}
	}
	return secondFactor{method: methodTOTP, material: normal}, nil
}

func parsePassword(text string) (secondFactor, error) {
	// A password may end in blanks, but hardly in a line break; an editor adds one.
	password := strings.TrimRight(text, "\r\n")
	if password == "" || len(password) > maxSecretLength {
		return secondFactor{}, &ConnectionError{Key: KeyPassword, Problem: "is empty or too long"}
	}
	return secondFactor{method: methodPassword, material: passwordDigest(password)}, nil
}

func parseCA(data map[string][]byte) (*x509.CertPool, error) {
	bundle, given := data[KeyCA]
	if !given {
		return nil, nil //nolint:nilnil // no bundle means the system's roots, which crypto/tls spells nil
	}
	roots := x509.NewCertPool()
	if len(bundle) > maxCALength || !roots.AppendCertsFromPEM(bundle) {
		return nil, &ConnectionError{Key: KeyCA, Problem: "holds no PEM certificate"}
	}
	return roots, nil
}
