package simulator

import "strings"

// Names of the second factors, as headers and error details carry them.
const (
	methodTOTP     = "totp"
	methodEmail    = "email"
	methodPassword = "password"
)

// challenge is the details of a refused second factor, as far as a release
// shows them.
type challenge struct {
	Method           string   `json:"method"`
	CodeGenerated    *bool    `json:"codeGenerated,omitempty"`
	CodeCount        int      `json:"codeCount,omitempty"`
	CodeExpires      any      `json:"codeExpires,omitempty"`
	EmailOrUsername  string   `json:"emailOrUsername,omitempty"`
	AvailableMethods []string `json:"availableMethods,omitzero"`
}

// passSecondFactor lets the call go on if the token or the code suffices.
func (c *call) passSecondFactor() *reply {
	if !c.route.secondFactor {
		return nil
	}
	if err := c.w.checkSecondFactor(c.caller.ID, c.token, joined(c.r, "X-2fa-Code"), joined(c.r, "X-2fa-Method")); err != nil {
		return c.failure(err)
	}
	return nil
}

func (w *Workspace) checkSecondFactor(userID, token, code, method string) error {
	settings := w.era.known(w.currentSettings())
	if !settings.TwoFactor && w.era.endedBySetting {
		return nil
	}
	if err := w.try(StepSecondFactor, userID); err != nil {
		return err
	}
	// The record is read once: what the call itself stores later, such as a new
	// e-mail code, does not count for it.
	user, ok := w.User(userID)
	if !ok {
		return &refusal{code: "totp-user-not-found", reason: "TOTP User not found"}
	}
	if w.tokenSuffices(user, token, settings) {
		return nil
	}
	chosen := chooseMethod(user, settings, method)
	if chosen == "" {
		return nil
	}
	return w.demand(user, settings, chosen, code)
}

// demand asks for a code of the method, and judges the one that came.
func (w *Workspace) demand(user User, settings Settings, method, code string) error {
	details := challenge{Method: method}
	if code == "" || w.era.codeStepAlways {
		var err error
		if details, err = w.challenge(user, settings, method); err != nil {
			return err
		}
	}
	if code == "" {
		return &refusal{code: "totp-required", reason: "TOTP Required", details: details}
	}
	if w.verify(user, settings, method, code) {
		return nil
	}
	if method == methodEmail && w.codeAttemptsExhausted(user.ID, settings) {
		return &refusal{code: "totp-max-attempts", reason: "TOTP Maximun Failed Attempts Reached", details: details}
	}
	if !w.era.invalidMethods {
		details.AvailableMethods = nil
	}
	return &refusal{code: "totp-invalid", reason: "TOTP Invalid", details: details}
}

// tokenSuffices reports whether the token passes without a code: it was made
// for that, or the account is new and has no factor yet. The authorisation that
// a code leaves behind elsewhere does not count on the routes that reset.
func (w *Workspace) tokenSuffices(user User, hash string, settings Settings) bool {
	if w.era.bypassPATBroken {
		return false
	}
	for _, token := range user.Tokens {
		if token.Hash == hash && token.BypassTwoFactor {
			return true
		}
	}
	if !w.era.newAccountsExempt {
		return false
	}
	graceEnds := user.CreatedAt.Add(settings.RememberFor)
	inGrace := !user.CreatedAt.IsZero() && settings.RememberFor > 0 && !graceEnds.Before(w.now())
	return inGrace && user.holds(hash) && len(activeMethods(user, settings)) == 0
}

// activeMethods returns the factors the user enrolled, the first being the one
// the server prefers. The password is none of them.
func activeMethods(user User, settings Settings) []string {
	methods := []string{}
	if totpActive(user, settings) {
		methods = append(methods, methodTOTP)
	}
	if emailActive(user, settings) {
		methods = append(methods, methodEmail)
	}
	return methods
}

func totpActive(user User, settings Settings) bool {
	return settings.TwoFactorByTOTP && user.TOTP != nil && user.TOTP.Enabled
}

func emailActive(user User, settings Settings) bool {
	if !settings.TwoFactorByEmail || user.OAuth && !settings.EmailForOAuthUsers {
		return false
	}
	return user.Email2FA && len(user.verifiedAddresses()) > 0
}

// chooseMethod returns the factor to ask for, empty for none. A method named by
// the client is taken even if it is not active; names other than these two are
// not looked at.
func chooseMethod(user User, settings Settings, named string) string {
	if named == methodTOTP || named == methodEmail {
		return named
	}
	if active := activeMethods(user, settings); len(active) > 0 {
		return active[0]
	}
	if settings.PasswordFallback && user.PasswordDigest != "" {
		return methodPassword
	}
	return ""
}

// challenge prepares the details of a refusal. For e-mail this may send a code,
// and it does so even if the client brought one.
func (w *Workspace) challenge(user User, settings Settings, method string) (challenge, error) {
	details := challenge{
		Method: method, CodeGenerated: new(bool), AvailableMethods: activeMethods(user, settings),
	}
	if method != methodEmail {
		return details, nil
	}
	if addresses := user.verifiedAddresses(); len(addresses) > 0 && w.era.codeAddress {
		details.EmailOrUsername = addresses[0]
	}
	if expires, ok := w.outstandingCode(user, settings); ok {
		details.CodeExpires = isoTime(expires)
		if !w.era.codeAttempts { // there could be more than one
			details.CodeCount, details.CodeExpires = 1, []string{isoTime(expires)}
		}
		return details, nil
	}
	*details.CodeGenerated = true
	return details, w.sendCode(user, settings)
}

func (w *Workspace) verify(user User, settings Settings, method, code string) bool {
	switch method {
	case methodTOTP:
		return w.verifyTOTP(user, settings, code)
	case methodEmail:
		return w.verifyEmailCode(user, settings, code)
	default:
		return user.PasswordDigest != "" && strings.EqualFold(code, user.PasswordDigest)
	}
}
