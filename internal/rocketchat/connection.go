package rocketchat

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// The keys of a connection Secret.
const (
	KeyURL        = "url"
	KeyUserID     = "userId"
	KeyAuthToken  = "authToken"
	KeyTOTPSecret = "totpSecret"
	KeyPassword   = "password"
	// KeyTwoFactorMethod and KeyTwoFactorCode hold a code that a person typed: "email"
	// or "totp", and the code.
	KeyTwoFactorMethod = "twoFactorMethod"
	KeyTwoFactorCode   = "twoFactorCode"
	KeyCA              = "ca.crt"
	KeyAllowPlainHTTP  = "allowPlainHTTP"
)

const (
	maxUserIDLength = 128
	maxSecretLength = 4096
	maxCALength     = 512 << 10
)

// Connection is where a workspace is and how the operator proves itself there.
// It prints, logs and marshals as its host alone.
type Connection struct {
	base *url.URL
	// account is a function because fmt prints the fields of a copy, and of any
	// struct with a field of this type, without asking their methods. It never
	// looks into a function.
	account func() (userID, authToken string)
	factor  secondFactor
	roots   *x509.CertPool
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
	account := func() (string, string) { return userID, token }
	return &Connection{base: base, account: account, factor: factor, roots: roots}, nil
}

// Host is the base URL of the workspace: scheme, host, port and path.
func (c *Connection) Host() string { return c.base.String() }

// Server is scheme, host and port: what one rate limiter stands before.
func (c *Connection) Server() string { return ServerOf(c.Host()) }

// UserID is the id of the operator's own account.
func (c *Connection) UserID() string {
	userID, _ := c.account()
	return userID
}

// SecondFactor is the method of the second factor that the Secret holds, as
// Rocket.Chat spells it: totp, password, email, or "" if it holds none.
func (c *Connection) SecondFactor() string { return c.factor.method }

// MakesCodes says whether codes are made from a TOTP secret: a later one differs.
func (c *Connection) MakesCodes() bool { return c.factor.method == methodTOTP && !c.factor.once }

// IsGoodOnce says whether the Secret holds a code that a person typed: it is good
// for one call.
func (c *Connection) IsGoodOnce() bool { return c.factor.once }

func checkKeys(data map[string][]byte) error {
	known := []string{KeyURL, KeyUserID, KeyAuthToken, KeyTOTPSecret, KeyPassword, KeyTwoFactorMethod, KeyTwoFactorCode, KeyCA, KeyAllowPlainHTTP}
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
