package rocketchat

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
)

// The second factors that an unattended client can present, as Rocket.Chat
// spells them in x-2fa-method and in an answer's details.
const (
	methodTOTP     = "totp"
	methodPassword = "password"
	methodEmail    = "email"
)

// minTOTPSecret is the shortest secret that is one, in base32 digits: no code
// that a person types is as long.
const minTOTPSecret = 16

// secondFactor proves the account. An empty method means that the token itself
// bypasses the second factor.
type secondFactor struct {
	method string
	once   bool // the code was typed by a person, and is good for one call
	// code is what is sent at a given time. As a function, it keeps the material
	// out of sight of fmt; see Connection.
	code func(now time.Time) (string, error)
}

func parseSecondFactor(data map[string][]byte) (secondFactor, error) {
	secret, hasSecret := data[KeyTOTPSecret]
	password, hasPassword := data[KeyPassword]
	method, hasMethod := data[KeyTwoFactorMethod]
	typed, hasTyped := data[KeyTwoFactorCode]
	switch {
	case hasTyped && (hasSecret || hasPassword):
		return secondFactor{}, &ConnectionError{Key: KeyTwoFactorCode, Problem: "excludes totpSecret and password: keep what the account uses"}
	case hasTyped && hasMethod:
		return parseTypedCode(string(method), string(typed))
	case hasTyped:
		return secondFactor{}, &ConnectionError{Key: KeyTwoFactorMethod, Problem: "is missing beside twoFactorCode: set it to email or totp"}
	case hasMethod:
		return secondFactor{}, &ConnectionError{Key: KeyTwoFactorMethod, Problem: "is only of use beside twoFactorCode: remove it, or add the code"}
	case hasSecret && hasPassword:
		return secondFactor{}, &ConnectionError{Key: KeyPassword, Problem: "and totpSecret exclude each other: keep the one that the account uses"}
	case hasSecret:
		return parseTOTPSecret(string(secret))
	case hasPassword:
		return parsePassword(string(password))
	}
	return secondFactor{}, nil
}

// The lengths of codes that people type: six digits, or eight characters of a backup
// code.
const (
	minTypedCode = 6
	maxTypedCode = 8
)

func parseTypedCode(method, text string) (secondFactor, error) {
	method = strings.TrimSpace(method)
	if method != methodEmail && method != methodTOTP {
		return secondFactor{}, &ConnectionError{Key: KeyTwoFactorMethod, Problem: "must be email or totp"}
	}
	// A mail shows the code in groups.
	code := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '-' {
			return -1
		}
		return r
	}, text)
	isOdd := func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	if len(code) < minTypedCode || len(code) > maxTypedCode || strings.ContainsFunc(code, isOdd) {
		return secondFactor{}, &ConnectionError{Key: KeyTwoFactorCode, Problem: "is no code: copy the six digits that Rocket.Chat has mailed, or that the authenticator shows"}
	}
	return secondFactor{method: method, once: true, code: func(time.Time) (string, error) { return code, nil }}, nil
}

func parseTOTPSecret(text string) (secondFactor, error) {
	// People copy the secret in groups and in lower case, with or without padding.
	normal := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '-' {
			return -1
		}
		return r
	}, text)
	normal = strings.TrimRight(strings.ToUpper(normal), "=")
	if len(normal) > maxSecretLength {
		return secondFactor{}, &ConnectionError{Key: KeyTOTPSecret, Problem: "is too long"}
	}
	code := func(now time.Time) (string, error) { return totpCode(normal, now) }
	// What no code can be made of would be found out by a reset only.
	if _, err := code(time.Unix(0, 0)); err != nil || len(normal) < minTOTPSecret {
		return secondFactor{}, &ConnectionError{Key: KeyTOTPSecret, Problem: "is not base32: copy the secret that Rocket.Chat shows when TOTP is set up, not a six-digit code"}
	}
	return secondFactor{method: methodTOTP, code: code}, nil
}

func parsePassword(text string) (secondFactor, error) {
	// A password may end in blanks, but hardly in a line break; an editor adds one.
	password := strings.TrimRight(text, "\r\n")
	if password == "" || len(password) > maxSecretLength {
		return secondFactor{}, &ConnectionError{Key: KeyPassword, Problem: "is empty or too long"}
	}
	digest := passwordDigest(password)
	return secondFactor{method: methodPassword, code: func(time.Time) (string, error) { return digest, nil }}, nil
}

func passwordDigest(password string) string {
	sum := sha256.Sum256([]byte(password))
	return hex.EncodeToString(sum[:])
}

// totpCode is the code of RFC 6238 as Rocket.Chat computes it.
func totpCode(secret string, now time.Time) (string, error) {
	code, err := totp.GenerateCodeCustom(secret, now, totp.ValidateOpts{
		Period: 30, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1,
	})
	if err != nil {
		// The library's error may quote the secret.
		return "", errors.New("compute the TOTP code: the secret is unusable")
	}
	return code, nil
}

// set adds the headers that prove the account at the given time. Rocket.Chat
// honours x-2fa-method only for "totp" and ignores the word "password", which
// is sent for the sake of the published API.
func (f secondFactor) set(header http.Header, now time.Time) error {
	if f.method == "" {
		return nil
	}
	code, err := f.code(now)
	if err != nil {
		return err
	}
	header.Set("x-2fa-code", code)
	header.Set("x-2fa-method", f.method)
	return nil
}
