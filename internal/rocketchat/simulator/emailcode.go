package simulator

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// staleCodeGrace is how long after its end a code still stops the server from
// sending another, though it is not accepted any more.
const staleCodeGrace = 5 * time.Minute

// isoTime formats a time as the server's JSON does.
func isoTime(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// outstandingCode returns when the code ends that keeps the server from sending
// another. It drops an expired code on the way.
func (w *Workspace) outstandingCode(user User, settings Settings) (time.Time, bool) {
	now := w.now()
	w.UpdateUser(user.ID, func(u *User) {
		if u.EmailCode != nil && u.EmailCode.Expires.Before(now) {
			u.EmailCode = nil
		}
	})
	if user.EmailCode == nil || !user.EmailCode.Expires.After(now.Add(-staleCodeGrace)) {
		return time.Time{}, false
	}
	return user.EmailCode.Expires, !w.codeAttemptsExhausted(user.ID, settings)
}

// codeAttemptsExhausted looks at the stored record, not at the call's copy.
// Where attempts are not counted there is no end of them.
func (w *Workspace) codeAttemptsExhausted(userID string, settings Settings) bool {
	user, _ := w.User(userID)
	return w.era.codeAttempts && user.EmailCode != nil && user.EmailCode.Attempts >= settings.MaxEmailCodeAttempts
}

// sendCode stores a new code and mails it to every verified address.
func (w *Workspace) sendCode(user User, settings Settings) error {
	number, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return fmt.Errorf("draw a code: %w", err)
	}
	code := &EmailCode{Code: fmt.Sprintf("%06d", number), Expires: w.now().Add(settings.EmailCodeExpiration)}
	w.UpdateUser(user.ID, func(u *User) { u.EmailCode = code })
	for _, address := range user.verifiedAddresses() {
		if err := w.mail(Mail{To: address, Subject: "Authentication code", UserID: user.ID}); err != nil {
			return err
		}
	}
	return nil
}

// verifyEmailCode compares with the code of the call's own copy of the record:
// a code that was replaced during this very call is still accepted.
func (w *Workspace) verifyEmailCode(user User, settings Settings, code string) bool {
	if !emailActive(user, settings) || user.EmailCode == nil || user.EmailCode.Expires.Before(w.now()) {
		return false
	}
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, code)
	right := digits == user.EmailCode.Code
	w.UpdateUser(user.ID, func(u *User) {
		switch {
		case right:
			u.EmailCode = nil
		case u.EmailCode != nil:
			u.EmailCode.Attempts++
		}
	})
	return right
}

// sendEmailCode is the route users.2fa.sendEmailCode. It asks for no login and
// does not tell whether there is such a user.
func (c *call) sendEmailCode() (any, error) {
	value := c.params["emailOrUsername"]
	term, ok := value.(string)
	if c.route.body == nil && !truthy(value) {
		return nil, &refusal{code: "error-parameter-required", reason: "emailOrUsername is required"}
	}
	if !ok {
		return nil, exception("emailOrUsername.includes is not a function")
	}
	find := func(u *User) bool { return term != "" && u.Username == term }
	switch {
	case c.caller != nil:
		find = func(u *User) bool { return u.ID == c.caller.ID }
	case strings.Contains(term, "@"):
		find = hasAddress(term)
	}
	user, ok := c.w.lookUp(find)
	if !ok {
		return success{Success: true}, nil
	}
	return success{Success: true}, c.w.sendCode(user, c.w.currentSettings())
}
