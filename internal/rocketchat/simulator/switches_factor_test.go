package simulator

import (
	"fmt"
	"net/http"
	"time"
)

// changesOfSecondFactor are the changes of the second factor.
func changesOfSecondFactor() map[string]change {
	required := func(w *Workspace) string { return detailsOf(answerOf(w, asBot(""))) }
	invalid := func(w *Workspace) string { return detailsOf(answerOf(w, asBot("none"))) }
	const (
		byTOTP     = `{"method":"totp","codeGenerated":false,"availableMethods":["totp"]}`
		byPassword = `{"method":"password","codeGenerated":false,"availableMethods":[]}`
	)
	expires := recordedAt().Add(time.Hour)
	withCode := func(w *Workspace) {
		byMail(w)
		w.UpdateUser(SampleBotID, func(u *User) { u.EmailCode = &EmailCode{Code: fixtureMailCode, Expires: expires, Attempts: 4} })
	}
	return map[string]change{
		"3.15 switches TOTP off by its own setting": {
			given: set(func(s *Settings) { s.TwoFactorByTOTP = false }),
			probe: required,
			want:  map[string]string{"3.14.9": byTOTP, "3.15.0": byPassword},
		},
		"3.18 can switch two-factor authentication off": {
			given: set(func(s *Settings) { s.TwoFactor = false }),
			probe: answers(func() *http.Request { return asBot("") }),
			want:  map[string]string{"3.14.9": "400 totp-required", "3.17.9": "400 totp-required", "3.18.0": "200"},
		},
		"4.5 mails a code though one was sent": {
			given: byMail,
			probe: func(w *Workspace) string {
				return fmt.Sprint(told(answerOf(w, asBot("none"))), ", mails: ", len(w.Journal().Mails))
			},
			want: map[string]string{"4.4.9": "400 totp-invalid, mails: 0", "4.5.0": "400 totp-invalid, mails: 1"},
		},
		"4.5 names the address": {
			given: byMail,
			probe: required,
			want: map[string]string{
				"4.4.9": `{"method":"email","codeGenerated":true,"availableMethods":["email"]}`,
				"4.5.0": `{"method":"email","codeGenerated":true,"emailOrUsername":"reset-bot@example.org","availableMethods":["email"]}`,
			},
		},
		"4.5 and 6.3 say more of a wrong code": {
			probe: invalid,
			want: map[string]string{
				"4.4.9": `{"method":"totp"}`, "4.5.0": `{"method":"totp","codeGenerated":false}`,
				"6.2.9": `{"method":"totp","codeGenerated":false}`, "6.3.0": byTOTP,
			},
		},
		"6.5.1 has one e-mail code": {
			given: func(w *Workspace) { withCode(w); w.UpdateUser(SampleBotID, func(u *User) { u.EmailCode.Attempts = 0 }) },
			probe: required,
			want: map[string]string{
				"6.5.0": `{"method":"email","codeGenerated":false,"codeCount":1,"codeExpires":["2026-11-22T11:03:59.500Z"],` +
					`"emailOrUsername":"reset-bot@example.org","availableMethods":["email"]}`,
				"6.5.1": `{"method":"email","codeGenerated":false,"codeExpires":"2026-11-22T11:03:59.500Z",` +
					`"emailOrUsername":"reset-bot@example.org","availableMethods":["email"]}`,
			},
		},
		"6.5.1 counts wrong e-mail codes": {
			given: withCode,
			probe: answers(func() *http.Request { return asBot("none") }),
			want:  map[string]string{"6.5.0": "400 totp-invalid", "6.5.1": "400 totp-max-attempts"},
		},
		"6.13 can keep e-mail codes from OAuth users": {
			given: func(w *Workspace) {
				byMail(w)
				w.UpdateUser(SampleBotID, func(u *User) { u.OAuth = true })
				w.UpdateSettings(func(s *Settings) { s.EmailForOAuthUsers = false })
			},
			probe: required,
			want: map[string]string{
				"6.12.9": `{"method":"email","codeGenerated":true,"emailOrUsername":"reset-bot@example.org","availableMethods":["email"]}`,
				"6.13.0": byPassword,
			},
		},
		"8.5.0 and 8.5.1 ignore tokens that pass without a code": {
			given: func(w *Workspace) {
				w.UpdateUser("admin", func(u *User) { u.PasswordDigest = PasswordDigest("password") })
			},
			probe: answers(func() *http.Request { return reset(PathResetTOTP, SampleAliceID) }),
			want: map[string]string{
				"8.4.9": "200", "8.5.0": "400 totp-required", "8.5.1": "400 totp-required", "8.5.2": "200", "8.6.0": "200",
			},
		},
		"8.6 lets new accounts without a factor pass": {
			given: func(w *Workspace) {
				w.UpdateUser(SampleBotID, func(u *User) { u.TOTP, u.CreatedAt = nil, recordedAt().Add(-time.Minute) })
			},
			probe: answers(func() *http.Request { return asBot("") }),
			want:  map[string]string{"6.13.0": "400 totp-required", "8.5.2": "400 totp-required", "8.6.0": "200"},
		},
	}
}
