package simulator

// isOwnReset reports whether a body means the caller itself: it names nobody.
// Older releases looked at the values instead of the keys.
func (c *call) isOwnReset() bool {
	id, username, user := c.params["userId"], c.params["username"], c.params["user"]
	if c.w.era.ownByValue {
		nobody := !truthy(id) && !truthy(username) && !truthy(user)
		return nobody || isText(id, c.caller.ID) ||
			isText(username, c.caller.Username) || isText(user, c.caller.Username)
	}
	for _, name := range []string{"userId", "username", "user"} {
		if _, present := c.params[name]; present {
			return false
		}
	}
	return true
}

// isText reports whether a parameter is this text and no blank.
func isText(value any, text string) bool {
	return text != "" && value == text
}

// targetOfTOTP judges a reset of another user's TOTP: permission, then setting,
// then look-up.
func (c *call) targetOfTOTP() (string, error) {
	if c.w.era.lookUpFirst {
		return c.targetBeforePermission(PermissionResetTOTP)
	}
	if !c.w.may(c.caller.ID, PermissionResetTOTP) {
		return "", notAllowed()
	}
	if err := c.passFallbackGate(); err != nil {
		return "", err
	}
	if c.w.era.twoFactorGate && !c.w.currentSettings().TwoFactor {
		return "", &refusal{code: "error-two-factor-not-enabled", reason: "Two factor authentication is not enabled"}
	}
	return c.target()
}

// targetBeforePermission judges a reset whose target is looked up first, so
// that everybody may learn who exists.
func (c *call) targetBeforePermission(permission string) (string, error) {
	target, err := c.target()
	if err != nil {
		return "", err
	}
	if err := c.passFallbackGate(); err != nil {
		return "", err
	}
	if !c.w.may(c.caller.ID, permission) {
		return "", notAllowed()
	}
	return target, nil
}

// passFallbackGate refuses like a missing permission.
func (c *call) passFallbackGate() error {
	if c.w.era.fallbackGate && !c.w.currentSettings().PasswordFallback {
		return notAllowed()
	}
	return nil
}

// target returns the id of the user whom the parameters name: an id before a
// username.
func (c *call) target() (string, error) {
	find, id, err := c.named()
	if err != nil {
		return "", err
	}
	if err := c.w.try(StepLookUp, id); err != nil {
		return "", err
	}
	user, ok := c.w.lookUp(find)
	if !ok {
		return "", &refusal{
			code:   "error-invalid-user",
			reason: `The required "userId" or "username" param provided does not match any users`,
		}
	}
	return user.ID, nil
}

// named returns how to find the user whom the first parameter with a value
// names, and that value if it is an id.
func (c *call) named() (find func(*User) bool, id string, err error) {
	id, err = c.param("userId")
	if err != nil || id != "" {
		return func(u *User) bool { return u.ID == id }, id, err
	}
	for _, name := range []string{"username", "user"} {
		username, err := c.param(name)
		if err != nil || username != "" {
			return hasUsername(username), "", err
		}
	}
	return nil, "", &refusal{
		code:   "error-user-param-not-provided",
		reason: `The required "userId" or "username" param was not provided`,
	}
}

func notAllowed() error {
	return &refusal{code: "error-not-allowed", reason: "Not allowed"}
}
