package simulator

import (
	"maps"
	"slices"
	"time"
)

// Settings are the workspace settings that change how the served routes answer.
// DefaultSettings holds the defaults of the server; the zero value is not one.
type Settings struct {
	TwoFactor            bool // Accounts_TwoFactorAuthentication_Enabled
	TwoFactorByTOTP      bool // …_By_TOTP_Enabled
	TwoFactorByEmail     bool // …_By_Email_Enabled
	EmailForOAuthUsers   bool // Accounts_twoFactorAuthentication_email_available_for_OAuth_users
	PasswordFallback     bool // …_Enforce_Password_Fallback
	MaxDelta             int  // …_MaxDelta, steps of tolerance on each side
	EmailCodeExpiration  time.Duration
	MaxEmailCodeAttempts int
	RememberFor          time.Duration // also the grace period of a new account
	ForceSSL             bool
	AnonymousRead        bool // Accounts_AllowAnonymousRead
	RateLimiter          bool // API_Enable_Rate_Limiter
}

// DefaultSettings returns the settings of a workspace that nobody changed.
func DefaultSettings() Settings {
	return Settings{
		TwoFactor:            true,
		TwoFactorByTOTP:      true,
		TwoFactorByEmail:     true,
		EmailForOAuthUsers:   true,
		PasswordFallback:     true,
		MaxDelta:             1,
		EmailCodeExpiration:  time.Hour,
		MaxEmailCodeAttempts: 5,
		RememberFor:          30 * time.Minute,
		RateLimiter:          true,
	}
}

// Permissions that the served routes ask for.
const (
	PermissionResetTOTP       = "edit-other-user-totp"
	PermissionResetE2EKey     = "edit-other-user-e2ee"
	PermissionBypassRateLimit = "api-bypass-rate-limit"
	PermissionFullUserInfo    = "view-full-other-user-info"
	PermissionStatistics      = "view-statistics"
	PermissionCreatePAT       = "create-personal-access-tokens"
)

// RoleReset is the role of DefaultRoles that holds both permissions to reset
// and no others that matter.
const RoleReset = "credential-reset"

// DefaultRoles returns the permissions of each role: those of a fresh
// workspace, and RoleReset.
func DefaultRoles() map[string][]string {
	return map[string][]string{
		"admin": {
			PermissionResetTOTP, PermissionResetE2EKey, PermissionBypassRateLimit,
			PermissionFullUserInfo, PermissionStatistics, PermissionCreatePAT,
		},
		"user":    {PermissionCreatePAT},
		"bot":     {PermissionBypassRateLimit},
		"app":     {PermissionBypassRateLimit},
		RoleReset: {PermissionResetTOTP, PermissionResetE2EKey, PermissionCreatePAT},
	}
}

// rolesByPermission turns the table of roles round, as permissions.listAll
// shows it.
func rolesByPermission(roles map[string][]string) map[string][]string {
	holders := map[string][]string{}
	for _, role := range slices.Sorted(maps.Keys(roles)) {
		for _, permission := range roles[role] {
			holders[permission] = append(holders[permission], role)
		}
	}
	return holders
}
