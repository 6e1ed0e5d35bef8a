package simulator

// resetTOTP is the route users.resetTOTP.
func (c *call) resetTOTP() (any, error) {
	if c.isOwnReset() {
		return success{Success: true}, c.w.removeTOTP(c.caller.ID, c.caller.ID)
	}
	target, err := c.targetOfTOTP()
	if err != nil {
		return nil, err
	}
	if err := c.w.announce(target, notice{"TOTP_reset_email", "resetUserTOTP"}); err != nil {
		return nil, err
	}
	return success{Success: true}, c.w.removeTOTP(c.caller.ID, target)
}

// resetE2EKey is the route users.resetE2EKey.
func (c *call) resetE2EKey() (any, error) {
	if c.isOwnReset() {
		return success{Success: true}, c.w.removeE2EKey(c.caller.ID, c.caller.ID)
	}
	target, err := c.targetBeforePermission(PermissionResetE2EKey)
	if err != nil {
		return nil, err
	}
	if err := c.w.announce(target, notice{"E2E_key_reset_email", "resetUserE2EEncriptionKey"}); err != nil {
		return nil, err
	}
	return success{Success: true}, c.w.removeE2EKey(c.caller.ID, target)
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
		if w.era.forcedLogOut {
			j.Broadcasts = append(j.Broadcasts, Broadcast{Event: "user.forceLogout", UserID: userID})
		}
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
	if user, _ := w.User(userID); !user.Federated || !w.era.federatedCheck {
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
