package simulator

import (
	"maps"
	"slices"
)

// usersInfo is the route users.info. An id and a username are both tried for
// either of them, in exact case.
func (c *call) usersInfo() (any, error) {
	kind, term := c.searchTerm()
	if term == "" {
		return nil, exception("Invalid search query.")
	}
	if _, ok := c.w.User(c.caller.ID); !ok {
		return nil, exception("User not found.")
	}
	exact := kind == "userId" || kind == "username"
	self := exact && (term == c.caller.ID || term == c.caller.Username)
	full := self || c.w.may(c.caller.ID, PermissionFullUserInfo)
	var user User
	var ok bool
	switch {
	case exact:
		user, ok = c.w.byIDOrUsername(term)
	case kind == "email" && full:
		user, ok = c.w.lookUp(hasAddress(term))
	}
	if !ok {
		return nil, exception("User not found.")
	}
	return map[string]any{"success": true, "user": c.userInfo(user, self, full)}, nil
}

// searchTerm returns by what users.info is to search: the first of its
// alternatives that has a value.
func (c *call) searchTerm() (kind, term string) {
	for _, alternative := range c.route.query {
		kind = alternative.required[0]
		if term = c.queryText(kind); term != "" {
			return kind, term
		}
	}
	return "", ""
}

// userInfo is what users.info shows. Callers see their own TOTP secret in clear
// and nobody else's.
func (c *call) userInfo(u User, self, full bool) map[string]any {
	info := map[string]any{
		"_id": u.ID, "type": u.Type, "active": !u.Inactive, "status": "offline", "canViewAllInfo": full,
	}
	addName(info, u)
	if u.Federated && c.w.era.federatedCheck {
		info["federated"] = true
	}
	if full {
		info["createdAt"] = isoTime(u.CreatedAt)
		info["roles"] = u.Roles
		info["emails"] = u.Emails
	}
	if self {
		info["services"] = services(u, c.w.era.shows.ownTokens)
	}
	return info
}

func services(u User, tokens bool) map[string]any {
	shown := map[string]any{}
	if tokens {
		shown["resume"] = map[string]any{"loginTokens": loginTokens(u)}
	}
	if u.PasswordDigest != "" {
		shown["password"] = true
	}
	if u.Email2FA {
		shown["email2fa"] = map[string]any{"enabled": true}
	}
	if u.TOTP == nil {
		return shown
	}
	enrolment := map[string]any{"enabled": u.TOTP.Enabled}
	if u.TOTP.Enabled {
		enrolment["secret"] = u.TOTP.Secret
		enrolment["hashedBackup"] = u.TOTP.BackupHashes
	} else {
		enrolment["tempSecret"] = u.TOTP.TempSecret
	}
	shown["totp"] = enrolment
	return shown
}

// loginTokens shows tokens as they are stored.
func loginTokens(u User) []map[string]any {
	shown := []map[string]any{}
	for _, token := range u.Tokens {
		entry := map[string]any{"hashedToken": token.Hash}
		if token.PAT {
			entry["type"], entry["createdAt"] = "personalAccessToken", isoTime(token.CreatedAt)
			entry["lastTokenPart"], entry["name"] = token.LastPart, token.Name
			entry["bypassTwoFactor"] = token.BypassTwoFactor
		} else {
			entry["when"] = isoTime(token.CreatedAt)
		}
		shown = append(shown, entry)
	}
	return shown
}

func addName(info map[string]any, u User) {
	if u.Username != "" {
		info["username"] = u.Username
	}
	if u.Name != "" {
		info["name"] = u.Name
	}
}

// me is the route me. It is the only place that tells which second factors an
// account has, and only to the account itself.
func (c *call) me() (any, error) {
	u, ok := c.w.User(c.caller.ID)
	if !ok {
		return nil, exception("Cannot read properties of null (reading 'settings')")
	}
	avatar := u.Username
	if avatar == "" {
		avatar = "undefined"
	}
	factors := map[string]any{"password": map[string]any{"exists": u.PasswordDigest != ""}}
	if u.TOTP != nil && u.TOTP.Enabled {
		factors["totp"] = map[string]any{"enabled": true}
	}
	if u.Email2FA {
		factors["email2fa"] = map[string]any{"enabled": true}
	}
	settings := map[string]any{
		"profile":     map[string]any{},
		"preferences": map[string]any{"language": ""},
	}
	if c.w.era.shows.calendar {
		settings["calendar"] = map[string]any{}
	}
	body := map[string]any{
		"success": true, "_id": u.ID, "active": !u.Inactive, "status": "offline",
		"roles": u.Roles, "emails": u.Emails, "services": factors,
		"_updatedAt":  isoTime(u.CreatedAt),
		"settings":    settings,
		"avatarUrl":   c.w.site.url + "/avatar/" + avatar,
		"isOAuthUser": u.OAuth,
	}
	addName(body, u)
	if u.Language != "" {
		body["language"] = u.Language
	}
	if addresses := u.verifiedAddresses(); len(addresses) > 0 {
		body["email"] = addresses[0]
	}
	return body, nil
}

// personalAccessTokens is the route users.getPersonalAccessTokens; it shows the
// caller's own.
func (c *call) personalAccessTokens() (any, error) {
	u, _ := c.w.User(c.caller.ID)
	tokens := []map[string]any{}
	for _, token := range u.Tokens {
		if token.PAT {
			tokens = append(tokens, map[string]any{
				"name": token.Name, "createdAt": isoTime(token.CreatedAt),
				"lastTokenPart": token.LastPart, "bypassTwoFactor": token.BypassTwoFactor,
			})
		}
	}
	return map[string]any{"success": true, "tokens": tokens}, nil
}

// permissions is the route permissions.listAll.
func (c *call) permissions() (any, error) {
	holders := rolesByPermission(c.w.options.Roles)
	update := []map[string]any{}
	for _, permission := range slices.Sorted(maps.Keys(holders)) {
		update = append(update, map[string]any{"_id": permission, "roles": holders[permission]})
	}
	return map[string]any{"success": true, "update": update, "remove": []any{}}, nil
}
