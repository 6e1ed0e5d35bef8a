package rocketchat

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

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

// secondFactor proves the account. An empty method means that the token itself
// bypasses the second factor.
type secondFactor struct {
	method   string
	material string // base32 for TOTP, hex of SHA-256 for a password
}

func passwordDigest(password string) string {
	sum := sha256.Sum256([]byte(password))
	return hex.EncodeToString(sum[:])
}

// set adds the headers that prove the account at the given time. Rocket.Chat
// honours x-2fa-method only for "totp" and ignores the word "password", which
// is sent for the sake of the published API.
func (f secondFactor) set(header http.Header, now time.Time) error {
	code := f.material
	switch f.method {
	case "":
		return nil
	case methodTOTP:
		var err error
		code, err = totp.GenerateCodeCustom(f.material, now, totp.ValidateOpts{
			Period: 30, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1,
		})
		if err != nil {
			// The library's error may quote the secret.
			return fmt.Errorf("compute the TOTP code: the secret is unusable")
		}
	}
	header.Set("x-2fa-code", code)
	header.Set("x-2fa-method", f.method)
	return nil
}
