package simulator

import (
	"fmt"
	"time"

	"github.com/pquerna/otp/totp"
)

// codeOf returns the code of the fixture secret so many steps from now.
func codeOf(s *scene, steps int) string {
	s.t.Helper()
	code, err := totp.GenerateCode(fixtureSecret, s.clock.Now().Add(time.Duration(steps)*totpStep))
	if err != nil {
		s.t.Fatal(err)
	}
	return code
}

// wrongCode returns a code that belongs to no step near now.
func wrongCode(s *scene) string {
	s.t.Helper()
	near := map[string]bool{}
	for steps := -3; steps <= 3; steps++ {
		near[codeOf(s, steps)] = true
	}
	for number := 111111; ; number++ {
		if code := fmt.Sprint(number); !near[code] {
			return code
		}
	}
}

// seek moves the clock until the current code begins with a zero, or does not.
func seek(s *scene, zero bool) string {
	s.t.Helper()
	for (codeOf(s, 0)[0] == '0') != zero {
		s.clock.Advance(totpStep)
	}
	return codeOf(s, 0)
}

// runTimeCodes says, by the words of each vector's name, which code was sent.
func runTimeCodes() map[string]func(*scene) string {
	step := func(steps int) func(*scene) string {
		return func(s *scene) string { s.t.Helper(); return codeOf(s, steps) }
	}
	text := func(code string) func(*scene) string {
		return func(*scene) string { return code }
	}
	right := step(0)
	return map[string]func(*scene) string{
		"2FA bypass PAT, wrong code ignored":      wrongCode,
		"2FA totp: right code":                    right,
		"2FA totp: right code, no method header":  right,
		"2FA totp: wrong code":                    wrongCode,
		"2FA totp: previous step":                 step(-1),
		"2FA totp: next step":                     step(1),
		"2FA totp: two steps back":                step(-2),
		"2FA totp: two steps ahead":               step(2),
		"2FA totp: current step with MaxDelta 0":  right,
		"2FA totp: previous step with MaxDelta 0": step(-1),
		"2FA totp: many wrong codes (10th)":       wrongCode,
		"2FA totp: replay first":                  right,
		"2FA totp: replay second":                 right,
		"2FA totp: 5 digits":                      func(s *scene) string { return codeOf(s, 0)[:5] },
		"2FA totp: right code with inner blank":   func(s *scene) string { return codeOf(s, 0)[:3] + " " + codeOf(s, 0)[3:] },
		"2FA totp: leading zero left out":         func(s *scene) string { return seek(s, true)[1:] },
		"2FA totp: leading zero dropped, letter appended (xxxxxz)": func(s *scene) string {
			return seek(s, true)[1:] + "z"
		},
		"2FA totp: first digit replaced by + (code without leading zero)": func(s *scene) string {
			return "+" + seek(s, false)[1:]
		},
		`2FA totp caller, method header "TOTP", right code`:            right,
		`2FA totp caller, method header "Email", right code`:           right,
		`2FA totp caller, method header "password", right code`:        right,
		`2FA totp caller, method header "undefined", right code`:       right,
		`2FA totp caller, method header "", right code`:                right,
		"2FA totp caller, method email (inactive), right totp code":    right,
		"2FA no password, method totp forced, code":                    right,
		"2FA TOTP method disabled by setting, method totp, right code": right,
		"2FA both: method totp, right code":                            right,
		"2FA no password, wrong code":                                  wrongCode,
		"2FA empty body with right code: own reset":                    right,
		"2FA email: fifth wrong code":                                  text("654321"),
		"2FA email: same code again":                                   text(fixtureMailCode),
		"2FA email: wrong code, attempt 1":                             text("654321"),
		"2FA email: right code with dash":                              text(fixtureMailCode[:3] + "-" + fixtureMailCode[3:]),
		"2FA email: code given, none stored":                           text(fixtureMailCode),
		"2FA email: right code but expired 1 min ago":                  text(fixtureMailCode),
		"2FA email: call after the fifth, right old code":              text(fixtureMailCode),
		"2FA 2FA wrong comes before unknown user":                      wrongCode,
		"limiter: 11th call, right code, refused before 2FA":           right,
		"lower-case header names":                                      right,
	}
}
