package simulator

import (
	"slices"
	"strconv"
	"strings"
)

// info is the route /api/info. The full version is for those who may see the
// statistics. What it says of the build is of one build, whatever the version.
func (c *call) info() (any, error) {
	version := c.w.options.Version
	body := map[string]any{
		"success":               true,
		"version":               majorMinor(version),
		"minimumClientVersions": map[string]any{"desktop": "3.9.6", "mobile": "4.39.0"},
	}
	if c.w.era.fullVersion {
		body["version"] = version
	}
	if c.w.era.shows.workspaceURL {
		body["workspaceUrl"], body["hashedWorkspaceUrl"] = c.w.site.host, c.w.site.hash
	}
	if !c.w.era.authAlways {
		if err := c.identify(); err != nil {
			return nil, err
		}
	}
	if c.caller == nil || !c.w.may(c.caller.ID, PermissionStatistics) {
		return body, nil
	}
	body["version"] = version
	body["info"] = map[string]any{
		"version": version,
		"build": map[string]any{
			"date": "2026-01-01", "nodeVersion": "v22.22.2", "arch": "x64", "platform": "linux",
			"osRelease": "6", "totalMemory": 1, "freeMemory": 1, "cpus": 2,
		},
		"marketplaceApiVersion": "1.6.0",
		"commit":                map[string]any{"hash": "bfd782302d20", "subject": "x", "tag": "8.6.1", "branch": "HEAD"},
	}
	return body, nil
}

func majorMinor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// publicSetting is one entry of settings.public.
type publicSetting struct {
	ID    string `json:"_id"`
	Value any    `json:"value"`
}

// publicSettings is the route settings.public. It shows those of the settings
// it has that the server shows to everybody.
func (c *call) publicSettings() (any, error) {
	s := c.w.currentSettings()
	shown := []publicSetting{
		{"Accounts_AllowAnonymousRead", s.AnonymousRead},
		{"Accounts_TwoFactorAuthentication_By_Email_Enabled", s.TwoFactorByEmail},
		{"Accounts_TwoFactorAuthentication_By_TOTP_Enabled", s.TwoFactorByTOTP},
		{"Accounts_TwoFactorAuthentication_Enabled", s.TwoFactor},
		{"Accounts_twoFactorAuthentication_email_available_for_OAuth_users", s.EmailForOAuthUsers},
		{"Force_SSL", s.ForceSSL},
	}
	if wanted := c.queryText("_id"); wanted != "" && c.w.era.settingsByID {
		ids := strings.Split(wanted, ",")
		shown = slices.DeleteFunc(shown, func(p publicSetting) bool { return !slices.Contains(ids, p.ID) })
	}
	total := len(shown)
	offset, _ := strconv.Atoi(c.queryText("offset"))
	shown = shown[min(max(0, offset), total):]
	if count, _ := strconv.Atoi(c.queryText("count")); count > 0 {
		shown = shown[:min(count, len(shown))]
	}
	return map[string]any{
		"success": true, "settings": shown, "count": len(shown), "offset": offset, "total": total,
	}, nil
}
