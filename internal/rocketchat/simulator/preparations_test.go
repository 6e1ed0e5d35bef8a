package simulator

import (
	"errors"
	"maps"
	"net/http"
	"time"
)

// failing makes a step fail as a lower layer of the server would.
func failing(step Step, message string) func(*scene) {
	return func(s *scene) {
		s.workspace.SetFault(func(at Step, _ string) error {
			if at == step {
				return errors.New(message)
			}
			return nil
		})
	}
}

// atTime sets the clock to when a code that is written out in the recording was
// the right one.
func atTime(t time.Time) func(*scene) {
	return func(s *scene) { s.clock.Advance(t.Sub(s.clock.Now())) }
}

// repeated sends the vector's own request before it counts.
func repeated(times int) func(*scene) {
	return func(s *scene) {
		s.t.Helper()
		for range times {
			s.send(s.vector.Request)
		}
	}
}

// calls sends resets of tgtBob's TOTP by the given caller.
func calls(times int, caller string, extra map[string]any) func(*scene) {
	return func(s *scene) {
		s.t.Helper()
		for range times {
			s.send(resetRequest(caller, extra))
		}
	}
}

func resetRequest(caller string, extra map[string]any) vectorRequest {
	body := `{"userId":"tgtBob"}`
	headers := map[string]any{
		"Content-Type": "application/json", "Content-Length": float64(len(body)),
		"X-User-Id": caller, "X-Auth-Token": TokenFor(caller, TokenBypass),
	}
	maps.Copy(headers, extra)
	return vectorRequest{Method: http.MethodPost, Path: PathResetTOTP, Headers: headers, Body: &body}
}

// preparations says what came before a vector in the recording, or what was
// broken in it.
func preparations() map[string]func(*scene) {
	const database = "connection 5 to 10.0.0.1:27017 closed"
	exhausted := calls(12, "opPwd", nil)
	elsewhere := calls(12, "opPwd", map[string]any{"X-Real-IP": "198.51.100.7"})
	later := func(wait time.Duration, before func(*scene)) func(*scene) {
		return func(s *scene) { s.t.Helper(); before(s); s.clock.Advance(wait) }
	}
	deleted := func(s *scene) {
		s.workspace.SetFault(func(step Step, userID string) error {
			if step == StepRecipient {
				s.workspace.RemoveUser(userID)
			}
			return nil
		})
	}
	forwarded := calls(10, "opPwd", map[string]any{"X-Forwarded-For": "198.51.100.1"})
	return map[string]func(*scene){
		"T apps hook IPreEmailSent throws":                                failing(StepMail, "app said no"),
		"T mail templates not initialised":                                failing(StepMail, "error-email-body-not-initialized"),
		"T DB failure in look-up":                                         failing(StepLookUp, database),
		"T DB failure in the reset update":                                failing(StepReset, database),
		"T DB failure in the token wipe":                                  failing(StepLogOut, database),
		"T token wipe fails after the TOTP was removed":                   failing(StepLogOut, database),
		"T target deleted between look-up and mail":                       deleted,
		"E DB failure in the reset update":                                failing(StepReset, database),
		"E DB failure in the token wipe":                                  failing(StepLogOut, database),
		"E token wipe fails after the keys were removed":                  failing(StepLogOut, database),
		"E target deleted between look-up and mail":                       deleted,
		"E DB failure in authentication":                                  failing(StepAuthenticate, database),
		"2FA totp: right code with outer blanks":                          atTime(time.Date(2026, 11, 22, 10, 12, 30, 0, time.UTC)),
		"2FA totp: many wrong codes (10th)":                               repeated(9),
		"2FA DB failure in the 2FA look-up":                               failing(StepSecondFactor, database),
		"2FA totp: backup code again":                                     usedBackupCode,
		"limiter call 2 of 12, one IP":                                    repeated(1),
		"limiter call 9 of 12, one IP":                                    repeated(8),
		"limiter call 10 of 12, one IP":                                   repeated(9),
		"limiter call 12 of 12, one IP":                                   repeated(11),
		"limiter: other caller, same IP":                                  exhausted,
		"limiter: same caller, other IP":                                  elsewhere,
		"limiter: other route, same IP":                                   exhausted,
		"limiter: exempt caller (admin) on exhausted IP":                  exhausted,
		"limiter: 401 on exhausted IP":                                    exhausted,
		"limiter: schema error on exhausted IP":                           exhausted,
		"limiter: X-Real-IP gives a fresh bucket":                         exhausted,
		"limiter: X-Forwarded-For does not":                               exhausted,
		"limiter: GET route after exhausted POST route":                   exhausted,
		"limiter: own reset on exhausted IP refused, no effect":           exhausted,
		"limiter: setting off":                                            exhausted,
		"limiter: 30 s later still refused":                               later(30*time.Second, exhausted),
		"limiter: 61 s later open again":                                  later(61*time.Second, exhausted),
		"limiter: another IP first seen late in the window":               later(40*time.Second, elsewhere),
		"limiter: failed 2FA call 10 counts":                              repeated(9),
		"limiter: 11th call, right code, refused before 2FA":              refusedSecondFactors(10),
		"limiter: me call 11":                                             repeated(10),
		"limiter: /api/info call 12":                                      repeated(11),
		"limiter: limit setting lowered to 3 at run time, call 3":         repeated(2),
		"limiter: limit setting lowered to 3 at run time, call 5":         repeated(4),
		"limiter HTTP_FORWARDED_COUNT=1: XFF a, call 11":                  repeated(10),
		"limiter HTTP_FORWARDED_COUNT=1: XFF b":                           forwarded,
		"limiter HTTP_FORWARDED_COUNT=1: no XFF":                          forwarded,
		"limiter: after 20 schema errors from one IP the budget is whole": schemaErrors(20),
		"limiter: after 20 answers 401 from one IP the budget is whole": calls(20, "opPwd", map[string]any{
			"X-Auth-Token": "wrong",
		}),
		"limiter: after 3 permission denials":   calls(3, "noPerm", nil),
		"Force_SSL on, plain http, non-local":   fromAfar,
		"Force_SSL on, X-Forwarded-Proto https": fromAfar,
	}
}

// usedBackupCode uses the fixtures' backup code up, from another address so
// that the limiter does not count it.
func usedBackupCode(s *scene) {
	s.t.Helper()
	s.send(resetRequest("opTotp", map[string]any{
		"X-Auth-Token": TokenFor("opTotp", TokenPAT), "X-2fa-Code": fixtureBackup, "X-Real-IP": "198.51.100.7",
	}))
	if posts := s.workspace.Journal().ResetsOf("tgtBob"); posts != 1 {
		s.t.Fatalf("the backup code did not pass the first time")
	}
}

func refusedSecondFactors(times int) func(*scene) {
	return calls(times, "opTotp", map[string]any{"X-Auth-Token": TokenFor("opTotp", TokenPAT)})
}

func schemaErrors(times int) func(*scene) {
	return func(s *scene) {
		s.t.Helper()
		body := `{"x":1}`
		request := resetRequest("opPwd", map[string]any{"Content-Length": float64(len(body))})
		request.Body = &body
		for range times {
			s.send(request)
		}
	}
}

// fromAfar makes every request come from a foreign address.
func fromAfar(s *scene) {
	s.workspace.Intercept(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		r.RemoteAddr = "203.0.113.20:40000"
		next.ServeHTTP(rw, r)
	})
}
