package simulator

// switches are the single changes by which releases differ, whatever their
// generation. Each is told by the release that made it.
type switches struct {
	// The routes.
	resetTOTPExists    bool // users.resetTOTP is there
	ownByValue         bool // a body is the caller's own reset if its values say so, not if it has no key
	lookUpFirst        bool // resetTOTP looks the target up before it asks for the permission
	fallbackGate       bool // resetting others needs the setting that enforces the password fallback
	twoFactorGate      bool // resetTOTP of others needs the setting for two-factor authentication
	federatedCheck     bool // federated targets are refused, and users.info says who they are
	mailSync           bool // a notice that cannot be handed over fails the call
	forcedLogOut       bool // open sessions hear of an E2E reset
	limiterEnforced    bool // the rate limiter finds its rules
	anonymousRead      bool // where anonymous reading is on, the user id alone makes the caller
	fullVersion        bool // /api/info tells everybody the whole version
	settingsByID       bool // settings.public shows only those asked for
	pageForEveryMethod bool // the web client answers every method with its page

	// The second factor.
	endedBySetting    bool // the setting for two-factor authentication switches all of it off
	totpSetting       bool // there is a setting for TOTP alone
	oauthSetting      bool // there is a setting for e-mail codes of OAuth users
	codeStepAlways    bool // the method's step before a code is asked for is done even if there is one
	codeAddress       bool // details name the address of e-mail codes
	invalidMethods    bool // a wrong code is answered with the available methods as well
	codeAttempts      bool // there is one e-mail code, and its wrong attempts are counted
	bypassPATBroken   bool // no token passes without a code
	newAccountsExempt bool // a new account without a factor passes
}

// switchesOf says what a release does.
func switchesOf(r release) switches {
	return switches{
		resetTOTPExists:    r.since(3, 8),
		ownByValue:         r.before(5, 0),
		lookUpFirst:        r.before(5, 0),
		fallbackGate:       r.before(6, 4),
		twoFactorGate:      r.since(6, 4),
		federatedCheck:     r.since(6, 0),
		mailSync:           r.since(6, 2),
		forcedLogOut:       r.since(6, 8),
		limiterEnforced:    r.before(7, 4) || r.since(7, 9),
		anonymousRead:      r.generation() == hono7, // seen in 7.7.1
		fullVersion:        r.before(4, 0),
		settingsByID:       r.since(7, 0),
		pageForEveryMethod: r.before(4, 4), // until Meteor 2.3

		endedBySetting:    r.since(3, 18),
		totpSetting:       r.since(3, 15),
		oauthSetting:      r.since(6, 13),
		codeStepAlways:    r.since(4, 5),
		codeAddress:       r.since(4, 5),
		invalidMethods:    r.since(6, 3),
		codeAttempts:      r.since(6, 5, 1),
		bypassPATBroken:   r.since(8, 5) && r.before(8, 5, 2),
		newAccountsExempt: r.since(8, 6),
	}
}

// known returns the settings as the release reads them: one that it lacks has
// the value that leaves the decision to the others.
func (s switches) known(settings Settings) Settings {
	if !s.totpSetting {
		settings.TwoFactorByTOTP = settings.TwoFactor
	}
	if !s.oauthSetting {
		settings.EmailForOAuthUsers = true
	}
	return settings
}
