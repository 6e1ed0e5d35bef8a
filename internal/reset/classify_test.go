package reset

import (
	"testing"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// own is Rocket.Chat's own JSON with success false.
func own(status int, code string) Answer {
	return Answer{Kind: AnswerReceived, Status: status, RocketChat: true, Code: code}
}

func with(a Answer, change func(*Answer)) Answer {
	change(&a)
	return a
}

// classifyCase is an answer and what it proves.
type classifyCase struct {
	answer Answer
	result v1alpha1.AttemptResult
	reason string
}

// classifyCases are answers of Rocket.Chat and of what may stand before it.
func classifyCases() map[string]classifyCase {
	method := func(m string) func(*Answer) { return func(a *Answer) { a.Method = m } }
	limiter := func(a *Answer) { a.TextCode = "error-too-many-requests" }
	const (
		succeeded   = v1alpha1.AttemptSucceeded
		notSent     = v1alpha1.AttemptNotSent
		refused     = v1alpha1.AttemptRefused
		unconfirmed = v1alpha1.AttemptUnconfirmed
		unclear     = v1alpha1.ReasonOutcomeUnconfirmed
	)
	cases := map[string]classifyCase{
		"a confirmation":                   {Answer{Kind: AnswerConfirmed, Status: 200}, succeeded, v1alpha1.ReasonResetAccepted},
		"no connection":                    {Answer{Kind: AnswerNotConnected}, notSent, v1alpha1.ReasonConnectionFailed},
		"too late to send":                 {Answer{Kind: AnswerTooLate}, notSent, v1alpha1.ReasonSendDeadlinePassed},
		"withheld by the client":           {Answer{Kind: AnswerWithheld}, notSent, v1alpha1.ReasonNotBegun},
		"lost on the way":                  {Answer{Kind: AnswerLost}, unconfirmed, unclear},
		"no kind at all":                   {Answer{}, unconfirmed, unclear},
		"Rocket.Chat's 401":                {Answer{Kind: AnswerReceived, Status: 401, LoginRequired: true, RocketChat: true}, refused, v1alpha1.ReasonTokenRejected},
		"a proxy's 401":                    {Answer{Kind: AnswerReceived, Status: 401}, unconfirmed, unclear},
		"permission missing":               {own(400, "error-not-allowed"), refused, v1alpha1.ReasonPermissionMissing},
		"federated target":                 {with(own(400, "error-not-allowed"), func(a *Answer) { a.Federated = true }), refused, v1alpha1.ReasonUserFederated},
		"two-factor switched off":          {own(400, "error-two-factor-not-enabled"), refused, v1alpha1.ReasonTypeNotAvailable},
		"no such user":                     {own(400, "error-invalid-user"), refused, v1alpha1.ReasonUserNotFound},
		"user vanished":                    {own(400, "invalid-user"), refused, v1alpha1.ReasonUserNotFound},
		"no user given":                    {own(400, "error-user-param-not-provided"), refused, v1alpha1.ReasonRefusedByServer},
		"bad parameters":                   {own(400, "invalid-params"), refused, v1alpha1.ReasonRefusedByServer},
		"bad parameters, other spelling":   {own(400, "error-invalid-params"), refused, v1alpha1.ReasonRefusedByServer},
		"code required":                    {with(own(400, "totp-required"), method("totp")), refused, v1alpha1.ReasonSecondFactorRejected},
		"password required":                {with(own(400, "totp-required"), method("password")), refused, v1alpha1.ReasonSecondFactorRejected},
		"mailed code required":             {with(own(400, "totp-required"), method("email")), refused, v1alpha1.ReasonEmailCodeRequired},
		"code wrong":                       {with(own(400, "totp-invalid"), method("totp")), refused, v1alpha1.ReasonSecondFactorRejected},
		"first code wrong":                 {with(own(400, "totp-invalid"), func(a *Answer) { a.Method, a.FirstCode = "totp", true }), refused, v1alpha1.ReasonCodeRefused},
		"first code not asked for":         {with(own(400, "totp-required"), func(a *Answer) { a.Method, a.FirstCode = "totp", true }), refused, v1alpha1.ReasonSecondFactorRejected},
		"mailed code wrong, not the first": {with(own(400, "totp-invalid"), func(a *Answer) { a.Method, a.FirstCode = "email", true }), refused, v1alpha1.ReasonEmailCodeRequired},
		"mailed code wrong":                {with(own(400, "totp-invalid"), method("email")), refused, v1alpha1.ReasonEmailCodeRequired},
		"too many wrong codes":             {with(own(400, "totp-max-attempts"), method("email")), refused, v1alpha1.ReasonEmailCodeRequired},
		"caller vanished":                  {own(400, "totp-user-not-found"), refused, v1alpha1.ReasonTokenRejected},
		"mail failed":                      {own(400, "error-email-send-failed"), refused, v1alpha1.ReasonMailFailed},
		"unknown code":                     {own(400, "unknown"), unconfirmed, unclear},
		"400 without a code":               {own(400, ""), unconfirmed, unclear},
		"old limiter":                      {with(own(400, ""), limiter), refused, v1alpha1.ReasonRateLimited},
		"400 that is not Rocket.Chat's":    {Answer{Kind: AnswerReceived, Status: 400, Code: "error-not-allowed"}, unconfirmed, unclear},
		"limiter":                          {with(own(429, ""), limiter), refused, v1alpha1.ReasonRateLimited},
		"limiter's text beside a code":     {with(own(429, "unknown"), limiter), unconfirmed, unclear},
		"429 of a proxy":                   {Answer{Kind: AnswerReceived, Status: 429, TextCode: "error-too-many-requests"}, unconfirmed, unclear},
		"429 without the limiter's text":   {own(429, ""), unconfirmed, unclear},
		"403 for a missing permission":     {own(403, "error-unauthorized"), refused, v1alpha1.ReasonPermissionMissing},
		"403 for a missing permission (2)": {own(403, "error-not-allowed"), refused, v1alpha1.ReasonPermissionMissing},
		"403 with another code":            {own(403, "totp-required"), unconfirmed, unclear},
		"403 of a proxy":                   {Answer{Kind: AnswerReceived, Status: 403}, unconfirmed, unclear},
		"200 without success":              {own(200, ""), unconfirmed, unclear},
		"200 with HTML":                    {Answer{Kind: AnswerReceived, Status: 200}, unconfirmed, unclear},
	}
	for _, status := range []int{201, 204, 301, 302, 307, 308, 404, 405, 408, 413, 415, 425, 431, 500, 502, 503, 504, 520, 527} {
		cases[statusName("a code that proves something elsewhere", status)] = classifyCase{own(status, "error-invalid-user"), unconfirmed, unclear}
	}
	return cases
}

func TestClassify(t *testing.T) {
	t.Parallel()
	for name, c := range classifyCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Classify(c.answer); got.Result != c.result || got.Reason != c.reason {
				t.Errorf("got %+v, want %s because of %s", got, c.result, c.reason)
			}
		})
	}
}

func statusName(name string, status int) string {
	return name + " with status " + string(rune('0'+status/100)) + string(rune('0'+status/10%10)) + string(rune('0'+status%10))
}

func TestOwnAccountIsLookedAtWhenNeeded(t *testing.T) {
	t.Parallel()
	result := func(r v1alpha1.AttemptResult) Result { return Result{Result: r} }
	cases := map[string]struct {
		result        Result
		verified, own bool
		want          bool
	}{
		"after the first success":        {result(v1alpha1.AttemptSucceeded), false, false, true},
		"not after the second":           {result(v1alpha1.AttemptSucceeded), true, false, false},
		"after every unclear answer":     {result(v1alpha1.AttemptUnconfirmed), true, false, true},
		"not after proof":                {result(v1alpha1.AttemptRefused), false, false, false},
		"not when nothing was sent":      {result(v1alpha1.AttemptNotSent), false, false, false},
		"not after a wanted own reset":   {result(v1alpha1.AttemptSucceeded), false, true, false},
		"not after an unclear own reset": {result(v1alpha1.AttemptUnconfirmed), false, true, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := NeedsOwnCheck(c.result, c.verified, c.own); got != c.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func TestAfterOwnCheck(t *testing.T) {
	t.Parallel()
	success := Result{Result: v1alpha1.AttemptSucceeded, Reason: v1alpha1.ReasonResetAccepted}
	suspected := Result{Result: v1alpha1.AttemptUnconfirmed, Reason: v1alpha1.ReasonOwnResetSuspected}
	cases := map[string]struct {
		own  OwnAccount
		want Result
	}{
		"the token still works":       {OwnAccount{Answered: true, HadTOTP: true, HasTOTP: true}, success},
		"an account without TOTP":     {OwnAccount{Answered: true}, success},
		"the token is dead":           {OwnAccount{LoginRequired: true}, suspected},
		"the own TOTP has vanished":   {OwnAccount{Answered: true, HadTOTP: true}, suspected},
		"no answer proves nothing":    {OwnAccount{HadTOTP: true}, success},
		"TOTP that is new is no loss": {OwnAccount{Answered: true, HasTOTP: true}, success},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := AfterOwnCheck(success, c.own); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// lookUpCase is an answer of users.info, what was asked, and what it means.
type lookUpCase struct {
	answer Answer
	look   Look
	want   Resolution
}

// lookUpCases are answers of users.info.
func lookUpCases() map[string]lookUpCase {
	confirmed := Answer{Kind: AnswerConfirmed, Status: 200}
	alice := func(byID bool, asked string) Look {
		return Look{ByID: byID, Asked: asked, ID: aliceID, Username: "alice"}
	}
	return map[string]lookUpCase{
		"found by id":                       {confirmed, alice(true, aliceID), ResolutionFound},
		"found by username":                 {confirmed, alice(false, "alice"), ResolutionFound},
		"an id that is somebody's username": {confirmed, alice(true, "alice"), ResolutionNotFound},
		"a username in another spelling":    {confirmed, alice(false, "Alice"), ResolutionNotFound},
		"an answer without a user":          {confirmed, Look{Asked: "alice"}, ResolutionRetry},
		"a user without a username":         {confirmed, Look{ByID: true, Asked: aliceID, ID: aliceID}, ResolutionRetry},
		"a username of two lines":           {confirmed, Look{ByID: true, Asked: aliceID, ID: aliceID, Username: "ali\nce"}, ResolutionRetry},
		"a username that writes backwards":  {confirmed, Look{ByID: true, Asked: aliceID, ID: aliceID, Username: "ali\u202ece"}, ResolutionRetry},
		"an id with an escape sequence":     {confirmed, Look{Asked: "alice", ID: "id\x1b[2K", Username: "alice"}, ResolutionRetry},
		"a username that is no text":        {confirmed, Look{ByID: true, Asked: aliceID, ID: aliceID, Username: "ali\xff"}, ResolutionRetry},
		"not found":                         {with(own(400, ""), func(a *Answer) { a.UserNotFound = true }), Look{}, ResolutionNotFound},
		"a fault of the database":           {own(400, ""), Look{}, ResolutionRetry},
		"an odd question":                   {own(400, "error-invalid-params"), Look{}, ResolutionRetry},
		"token rejected":                    {Answer{Kind: AnswerReceived, Status: 401, LoginRequired: true, RocketChat: true}, Look{}, ResolutionConnection},
		"host not reached":                  {Answer{Kind: AnswerNotConnected}, Look{}, ResolutionConnection},
		"limiter":                           {with(own(429, ""), func(a *Answer) { a.TextCode = "error-too-many-requests" }), Look{}, ResolutionRateLimited},
		"a proxy's limiter":                 {Answer{Kind: AnswerReceived, Status: 429}, Look{}, ResolutionRateLimited},
		"400 of a proxy":                    {Answer{Kind: AnswerReceived, Status: 400}, Look{}, ResolutionRetry},
		"404":                               {Answer{Kind: AnswerReceived, Status: 404}, Look{}, ResolutionRetry},
		"lost":                              {Answer{Kind: AnswerLost}, Look{}, ResolutionRetry},
	}
}

func TestClassifyLookUp(t *testing.T) {
	t.Parallel()
	for name, c := range lookUpCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := ClassifyLookUp(c.answer, c.look); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}
