package rocketchat

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"maps"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// What the tests put into a connection Secret. The TOTP secret is that of the
// vectors of RFC 6238.
const (
	testToken    = "ToKeN-6bq0xw3fJmN7yR2tKpLz8VcD5hGsA1eQ9uW"
	testUserID   = "ownOWNownOWNown17"
	testSecret   = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	testPassword = "correct horse battery"
	targetID     = "targetTARGETtar17"
)

// testNow is a time of the vectors of RFC 6238, at which the code is testCode.
func testNow() time.Time { return time.Unix(1111111111, 0).UTC() }

const testCode = "050471"

// success is a whole answer that confirms a reset.
const success = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"success\":true}"

// secretData is the data of a connection Secret, with keys that replace or, if
// nil, remove the usual ones.
func secretData(base string, changes map[string]string) map[string][]byte {
	data := map[string][]byte{
		KeyURL:            []byte(base),
		KeyUserID:         []byte(testUserID),
		KeyAuthToken:      []byte(testToken),
		KeyTOTPSecret:     []byte(testSecret),
		KeyAllowPlainHTTP: []byte("true"),
	}
	for key, value := range changes {
		data[key] = []byte(value)
	}
	maps.DeleteFunc(data, func(_ string, value []byte) bool { return string(value) == absent })
	return data
}

// absent, as a change, removes a key.
const absent = "\x00absent"

func connect(t testing.TB, base string, changes map[string]string) *Connection {
	t.Helper()
	connection, err := ParseConnection(secretData(base, changes), true)
	if err != nil {
		t.Fatalf("ParseConnection: %v", err)
	}
	return connection
}

// loopback lets the tests' own servers be called.
func loopback() DialPolicy {
	return DialPolicy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
}

func clientOf(t testing.TB, connection *Connection) *Client {
	t.Helper()
	client := New(connection, Options{Policy: loopback(), Now: testNow})
	t.Cleanup(client.Close)
	return client
}

// resetOf is a reset of the target with a time-out that no test reaches.
func resetOf() Reset { return Reset{UserID: targetID, Timeout: 20 * time.Second} }

// identity is a self-signed certificate of a server.
type identity struct {
	certificate tls.Certificate
	pem         string
}

// newIdentity makes a certificate for 127.0.0.1, which change may alter.
func newIdentity(t testing.TB, change func(*x509.Certificate)) identity {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "test"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(template)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return identity{
		certificate: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		pem:         string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
	}
}

func (i identity) config(protocols ...string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{i.certificate}, NextProtos: protocols}
}

// transportFailure is the error as a *TransportError; anything else ends the test.
func transportFailure(t testing.TB, err error) *TransportError {
	t.Helper()
	failure, ok := errors.AsType[*TransportError](err)
	if !ok {
		t.Fatalf("error = %v (%T), want a *TransportError", err, err)
	}
	return failure
}

// answerFailure is the error as an *AnswerError; anything else ends the test.
func answerFailure(t testing.TB, err error) *AnswerError {
	t.Helper()
	failure, ok := errors.AsType[*AnswerError](err)
	if !ok {
		t.Fatalf("error = %v (%T), want an *AnswerError", err, err)
	}
	return failure
}

// mustHide fails the test if a text shows one of the secrets, in clear or encoded.
func mustHide(t testing.TB, text string) {
	t.Helper()
	for _, secret := range []string{testToken, testUserID, testSecret, testPassword, passwordDigest(testPassword), testCode} {
		for _, spelling := range []string{
			secret,
			hex.EncodeToString([]byte(secret)),
			strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "="),
		} {
			if strings.Contains(strings.ToLower(text), strings.ToLower(spelling)) {
				t.Errorf("a secret shows in: %s", text)
			}
		}
	}
}
