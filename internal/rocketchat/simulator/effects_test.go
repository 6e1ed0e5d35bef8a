package simulator

import "testing"

// effects is what an exchange did to the workspace.
type effects struct {
	TOTPRemoved             []string    `json:"totpRemoved"`
	E2ERemoved              []string    `json:"e2eRemoved"`
	TokensWiped             []string    `json:"tokensWiped"`
	OwnReset                bool        `json:"ownReset"`
	ResetCalls              []resetCall `json:"resetCalls"`
	Mails                   []mailSeen  `json:"mails"`
	SubscriptionKeysRemoved []string    `json:"subscriptionKeysRemoved"`
	BackupUsed              []string    `json:"backupUsed"`
	Broadcasts              [][2]string `json:"broadcasts"`
}

type resetCall struct {
	Target string `json:"target"`
	Kind   string `json:"kind"`
}

type mailSeen struct {
	To      string `json:"to"`
	Subject string `json:"subject"`
}

// effectsSince returns what happened between two states of the journal.
func effectsSince(before, after Journal) effects {
	var e effects
	for _, reset := range after.Resets[len(before.Resets):] {
		e.OwnReset = e.OwnReset || reset.Own
		kind := map[string]string{ResetTOTP: "totp", ResetE2EKey: "e2e"}[reset.Kind]
		e.ResetCalls = append(e.ResetCalls, resetCall{reset.UserID, kind})
		switch {
		case reset.Effective && reset.Kind == ResetTOTP:
			e.TOTPRemoved = append(e.TOTPRemoved, reset.UserID)
		case reset.Effective:
			e.E2ERemoved = append(e.E2ERemoved, reset.UserID)
		}
	}
	for _, mail := range after.Mails[len(before.Mails):] {
		subject := mail.Subject
		if mail.Language != "" {
			subject = "[" + mail.Language + "]" + subject
		}
		e.Mails = append(e.Mails, mailSeen{mail.To, subject})
	}
	for _, broadcast := range after.Broadcasts[len(before.Broadcasts):] {
		e.Broadcasts = append(e.Broadcasts, [2]string{broadcast.Event, broadcast.UserID})
	}
	e.BackupUsed = append(e.BackupUsed, after.BackupCodes[len(before.BackupCodes):]...)
	e.TokensWiped = append(e.TokensWiped, after.LogOuts[len(before.LogOuts):]...)
	e.SubscriptionKeysRemoved = append(e.SubscriptionKeysRemoved, after.RoomKeys[len(before.RoomKeys):]...)
	return e
}

// apply sets the settings of a vector.
func apply(t *testing.T, settings *Settings, given map[string]any) {
	t.Helper()
	for name, value := range given {
		on, _ := value.(bool)
		number, _ := value.(float64)
		switch name {
		case "Accounts_TwoFactorAuthentication_Enabled":
			settings.TwoFactor = on
		case "Accounts_TwoFactorAuthentication_By_TOTP_Enabled":
			settings.TwoFactorByTOTP = on
		case "Accounts_TwoFactorAuthentication_MaxDelta":
			settings.MaxDelta = int(number)
		case "Accounts_TwoFactorAuthentication_Enforce_Password_Fallback":
			settings.PasswordFallback = on
		case "Accounts_twoFactorAuthentication_email_available_for_OAuth_users":
			settings.EmailForOAuthUsers = on
		case "Force_SSL":
			settings.ForceSSL = on
		case "Accounts_AllowAnonymousRead":
			settings.AnonymousRead = on
		case "API_Enable_Rate_Limiter":
			settings.RateLimiter = on
		case "API_Enable_Rate_Limiter_Limit_Calls_Default":
			// Read once, at start-up: a workspace cannot change it at run time.
		default:
			t.Fatalf("setting %s is unknown", name)
		}
	}
}
