package simulator

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"time"
)

// Kinds of token, as TokenFor and Tokens take them.
const (
	TokenBypass  = "bypass" // a personal access token that passes without second factor
	TokenPAT     = "pat"    // a personal access token that needs the second factor
	TokenSession = "sess"   // a login session
)

// Types of user.
const (
	TypeUser = "user"
	TypeBot  = "bot"
	TypeApp  = "app"
)

// User is one account of the workspace.
type User struct {
	ID             string
	Username       string // empty: the account has none, which the server answers with 500
	Name           string // empty means Username
	Inactive       bool
	Type           string // empty means TypeUser
	Federated      bool
	OAuth          bool // signed up through an OAuth service
	Language       string
	Emails         []Email
	Roles          []string
	PasswordDigest string // hex of the password's SHA-256; empty: no password
	TOTP           *TOTP  // nil: never enrolled
	Email2FA       bool
	EmailCode      *EmailCode // nil: none outstanding
	E2E            *E2EKeys   // nil: no keys
	RoomKeys       int        // subscriptions that hold a room key for the account
	CreatedAt      time.Time
	Tokens         []Token
}

// Email is one address of a user.
type Email struct {
	Address  string `json:"address"`
	Verified bool   `json:"verified"`
}

// TOTP is the state of a user's authenticator app.
type TOTP struct {
	Enabled      bool
	Secret       string   // base32 without padding
	TempSecret   string   // of an enrolment that was not finished
	BackupHashes []string // hex SHA-256 of each unused backup code
}

// EmailCode is a second-factor code that was sent by mail.
type EmailCode struct {
	Code     string // six digits
	Expires  time.Time
	Attempts int // wrong attempts so far
}

// E2EKeys is a user's end-to-end key pair.
type E2EKeys struct {
	PublicKey  string
	PrivateKey string
}

// Token is one credential of a user as the server stores it.
type Token struct {
	Hash            string // base64 SHA-256 of the token, see TokenHash
	PAT             bool   // a personal access token, not a login session
	Name            string // of a personal access token
	LastPart        string // last characters of a personal access token
	BypassTwoFactor bool
	CreatedAt       time.Time
}

// TokenFor returns the secret text of a user's token of the given kind. It is
// the same in every workspace.
func TokenFor(userID, kind string) string {
	return userID + "-" + kind
}

// TokenHash returns what the server stores of a token.
func TokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Tokens returns the records of a user's tokens, one for each kind.
func Tokens(userID string, kinds ...string) []Token {
	tokens := make([]Token, 0, len(kinds))
	for _, kind := range kinds {
		secret := TokenFor(userID, kind)
		token := Token{Hash: TokenHash(secret)}
		if kind != TokenSession {
			token.PAT = true
			token.Name = kind
			token.LastPart = secret[max(0, len(secret)-6):]
			token.BypassTwoFactor = kind == TokenBypass
		}
		tokens = append(tokens, token)
	}
	return tokens
}

// PasswordDigest returns the form in which the server compares a password when
// it serves as second factor.
func PasswordDigest(password string) string {
	return hexDigest(password)
}

func hexDigest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// verifiedAddresses returns the addresses that may receive mail.
func (u User) verifiedAddresses() []string {
	var addresses []string
	for _, email := range u.Emails {
		if email.Verified {
			addresses = append(addresses, email.Address)
		}
	}
	return addresses
}

// holds reports whether the user owns the token with this hash.
func (u User) holds(hash string) bool {
	return slices.ContainsFunc(u.Tokens, func(t Token) bool { return t.Hash == hash })
}

// clone returns a copy that shares no memory with the user.
func (u User) clone() User {
	u.Emails = slices.Clone(u.Emails)
	u.Roles = slices.Clone(u.Roles)
	u.Tokens = slices.Clone(u.Tokens)
	if u.TOTP != nil {
		enrolment := *u.TOTP
		enrolment.BackupHashes = slices.Clone(enrolment.BackupHashes)
		u.TOTP = &enrolment
	}
	if u.EmailCode != nil {
		code := *u.EmailCode
		u.EmailCode = &code
	}
	if u.E2E != nil {
		keys := *u.E2E
		u.E2E = &keys
	}
	return u
}
