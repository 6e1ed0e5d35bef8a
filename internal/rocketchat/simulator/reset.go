package simulator

import "strings"

// resetTOTP is the route users.resetTOTP: permission, then setting, then
// look-up.
func (c *call) resetTOTP() (any, error) {
	if len(c.params) == 0 {
		return success{Success: true}, c.w.removeTOTP(c.caller.ID, c.caller.ID)
	}
	if !c.w.may(c.caller.ID, PermissionResetTOTP) {
		return nil, notAllowed()
	}
	if !c.w.currentSettings().TwoFactor {
		return nil, &refusal{code: "error-two-factor-not-enabled", reason: "Two factor authentication is not enabled"}
	}
	target, err := c.target()
	if err != nil {
		return nil, err
	}
	if err := c.w.announce(target, notice{"TOTP_reset_email", "resetUserTOTP"}); err != nil {
		return nil, err
	}
	return success{Success: true}, c.w.removeTOTP(c.caller.ID, target)
}

// resetE2EKey is the route users.resetE2EKey: look-up, then permission, and no
// setting at all.
func (c *call) resetE2EKey() (any, error) {
	if len(c.params) == 0 {
		return success{Success: true}, c.w.removeE2EKey(c.caller.ID, c.caller.ID)
	}
	target, err := c.target()
	if err != nil {
		return nil, err
	}
	if !c.w.may(c.caller.ID, PermissionResetE2EKey) {
		return nil, notAllowed()
	}
	if err := c.w.announce(target, notice{"E2E_key_reset_email", "resetUserE2EEncriptionKey"}); err != nil {
		return nil, err
	}
	return success{Success: true}, c.w.removeE2EKey(c.caller.ID, target)
}

// target returns the id of the user whom the parameters name: an id before a
// username.
func (c *call) target() (string, error) {
	id, username := given(c.params["userId"]), given(c.params["username"])
	if username == "" {
		username = given(c.params["user"])
	}
	if id == "" && username == "" {
		return "", &refusal{
			code:   "error-user-param-not-provided",
			reason: `The required "userId" or "username" param was not provided`,
		}
	}
	if err := c.w.try(StepLookUp, id); err != nil {
		return "", err
	}
	find := hasUsername(username)
	if id != "" {
		find = func(u *User) bool { return u.ID == id }
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

// given returns a parameter untrimmed, or nothing if it is blank.
func given(value string) string {
	if strings.TrimSpace(value) == "" {
		return ""
	}
	return value
}

// removeTOTP takes a user's authenticator away, also one whose enrolment was
// never finished. Only if there was one, the user is logged out.
func (w *Workspace) removeTOTP(callerID, userID string) error {
	if err := w.refuseFederated(userID); err != nil {
		return err
	}
	if err := w.try(StepReset, userID); err != nil {
		return err
	}
	effective := false
	w.UpdateUser(userID, func(u *User) {
		effective = u.TOTP != nil
		u.TOTP = nil
	})
	w.noteReset(Reset{Kind: ResetTOTP, UserID: userID, CallerID: callerID, Effective: effective})
	if !effective {
		return nil
	}
	return w.logOut(userID)
}

// removeE2EKey takes a user's key pair and room keys away and logs the user
// out, whether or not there were any. The steps are no transaction: a failing
// update leaves the room keys gone.
func (w *Workspace) removeE2EKey(callerID, userID string) error {
	if err := w.refuseFederated(userID); err != nil {
		return err
	}
	roomKeys := false
	w.UpdateUser(userID, func(u *User) {
		roomKeys = u.RoomKeys > 0
		u.RoomKeys = 0
	})
	w.ledger.write(func(j *Journal) {
		j.Broadcasts = append(j.Broadcasts, Broadcast{Event: "user.forceLogout", UserID: userID})
		if roomKeys {
			j.RoomKeys = append(j.RoomKeys, userID)
		}
	})
	if err := w.try(StepReset, userID); err != nil {
		return err
	}
	effective := false
	w.UpdateUser(userID, func(u *User) {
		effective = u.E2E != nil
		u.E2E = nil
	})
	w.noteReset(Reset{Kind: ResetE2EKey, UserID: userID, CallerID: callerID, Effective: effective})
	return w.logOut(userID)
}

// refuseFederated is the same for both routes, down to the text.
func (w *Workspace) refuseFederated(userID string) error {
	if user, _ := w.User(userID); !user.Federated {
		return nil
	}
	return &refusal{
		code:   "error-not-allowed",
		reason: "Federated Users cant have TOTP",
		details: struct {
			Function string `json:"function"`
		}{"resetTOTP"},
	}
}

func (w *Workspace) noteReset(r Reset) {
	r.Own = r.UserID == r.CallerID
	r.Time = w.now()
	w.ledger.write(func(j *Journal) { j.Resets = append(j.Resets, r) })
}

// logOut wipes every token: sessions and personal access tokens alike.
func (w *Workspace) logOut(userID string) error {
	if err := w.try(StepLogOut, userID); err != nil {
		return err
	}
	w.RevokeTokens(userID)
	w.ledger.write(func(j *Journal) { j.LogOuts = append(j.LogOuts, userID) })
	return nil
}

func notAllowed() error {
	return &refusal{code: "error-not-allowed", reason: "Not allowed"}
}
