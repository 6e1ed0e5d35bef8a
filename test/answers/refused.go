package answers

import (
	"net/http"
	"slices"
	"time"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// refused are the rows in which the workspace said in its own words that it did
// nothing.
func refused() []Row {
	return slices.Concat(refusedForGood(), refusedUntilRepaired(), refusedUntilSecretChanges(), refusedByLimiter())
}

// called is what the workspace sees of a reset that comes to nothing.
func called() Effects { return Effects{Posts: 1} }

// refusal is what must come of a reset that was refused.
func refusal(attempt, request string, next Next) Want {
	return Want{
		Result: v1alpha1.AttemptRefused, Attempt: attempt, Request: request,
		Workspace: v1alpha1.ReasonConnected, Next: next, Seen: called(),
	}
}

// failed is what must come of a reset that was refused for the request's sake.
func failed(reason string) Want {
	want := refusal(reason, reason, Ended)
	want.Outcome = v1alpha1.OutcomeFailed
	return want
}

// badRequest refuses a reset with a code.
func badRequest(code, text, details string) simulator.Interceptor {
	return Page(http.StatusBadRequest, jsonType, failure(code, text, details))
}

// refusedForGood are refusals that only another request can mend.
func refusedForGood() []Row {
	remove := func(w *simulator.Workspace, userID string) { w.RemoveUser(userID) }
	rows := []Row{
		{
			Name: "The user is gone since the look-up", Cause: "400 error-invalid-user: somebody deleted the user",
			Scene: Scene{Arrange: changeAt(simulator.StepLookUp, remove), Lasting: true},
			Want:  failed(v1alpha1.ReasonUserNotFound),
		},
		{
			Name: "The user is gone when the mail is written", Cause: "400 invalid-user: somebody deletes the user at this very moment",
			Scene: Scene{Arrange: changeAt(simulator.StepRecipient, remove)},
			Want:  failed(v1alpha1.ReasonUserNotFound),
		},
		{
			Name: "The user is of another server since the look-up", Cause: "400 error-not-allowed with a function in its details: Rocket.Chat mails first and refuses then",
			Scene: Scene{Arrange: changeAt(simulator.StepLookUp, func(w *simulator.Workspace, userID string) {
				w.UpdateUser(userID, func(u *simulator.User) { u.Federated = true })
			})},
			Want: failed(v1alpha1.ReasonUserFederated),
		},
	}
	rows[2].Want.Seen.Mails = 1
	for _, client := range []struct{ code, cause string }{
		{"error-user-param-not-provided", "400: the id did not arrive"},
		{"invalid-params", "400: the body does not fit the schema of this release"},
		{"error-invalid-params", "400: the same in another release"},
	} {
		rows = append(rows, Row{
			Name: "Rocket.Chat answers with the code " + client.code, Cause: client.cause,
			Scene: Scene{Reset: badRequest(client.code, "must be object", "")},
			Want:  failed(v1alpha1.ReasonRefusedByServer),
		})
	}
	return rows
}

// refusedUntilRepaired are refusals that Rocket.Chat's administrator can mend.
func refusedUntilRepaired() []Row {
	denied := refusal(v1alpha1.ReasonPermissionMissing, v1alpha1.ReasonPermissionMissing, WaitsForRocketChat)
	deniedFor := func(name, cause string, status int, code, text string) Row {
		return Row{Name: name, Cause: cause, Scene: Scene{Reset: Page(status, jsonType, failure(code, text, ""))}, Want: denied}
	}
	lost := denied
	lost.Workspace = v1alpha1.ReasonPermissionMissing
	return []Row{
		deniedFor("Rocket.Chat answers that the reset is not allowed", "400 error-not-allowed, though the permission is there: releases 3.6 to 6.3 with the password fallback off",
			http.StatusBadRequest, "error-not-allowed", "Not allowed"),
		deniedFor("Rocket.Chat answers 403 with the code error-unauthorized", "a missing permission, as release 9 is to say it",
			http.StatusForbidden, "error-unauthorized", "User does not have the permissions required for this action"),
		deniedFor("Rocket.Chat answers 403 with the code error-not-allowed", "the same",
			http.StatusForbidden, "error-not-allowed", "Not allowed"),
		{
			Name: "The account loses its role between look-up and reset", Cause: "400 error-not-allowed: somebody takes the role away",
			Scene: Scene{Meanwhile: setRoles(), Repair: setRoles(simulator.RoleReset)},
			Want:  lost,
		},
		{
			Name: "Two-factor authentication is switched off in Rocket.Chat", Cause: "400 error-two-factor-not-enabled",
			Scene: Scene{Settings: setTwoFactor(false), Lasting: true, Repair: func(w *simulator.Workspace) { w.UpdateSettings(setTwoFactor(true)) }},
			Want:  refusal(v1alpha1.ReasonTypeNotAvailable, v1alpha1.ReasonTypeNotAvailable, WaitsForRocketChat),
		},
		{
			Name: "Rocket.Chat cannot write the mail to the user", Cause: "400 error-email-send-failed: a malformed address, templates that are not loaded yet",
			Scene: Scene{Users: setAddresses("nobody"), Lasting: true, Repair: func(w *simulator.Workspace) {
				for _, user := range setAddresses("somebody@example.org")(w.Users()) {
					w.AddUser(user)
				}
			}},
			Want: refusal(v1alpha1.ReasonMailFailed, v1alpha1.ReasonRetrying, TriedAgain),
		},
	}
}

func setRoles(roles ...string) func(*simulator.Workspace) {
	return func(w *simulator.Workspace) {
		w.UpdateUser(simulator.SampleBotID, func(bot *simulator.User) { bot.Roles = roles })
	}
}

func setTwoFactor(enabled bool) func(*simulator.Settings) {
	return func(s *simulator.Settings) { s.TwoFactor = enabled }
}

func setAddresses(address string) func([]simulator.User) []simulator.User {
	return func(all []simulator.User) []simulator.User {
		for i := range all {
			all[i].Emails = []simulator.Email{{Address: address, Verified: true}}
		}
		return all
	}
}

// stops is what must come of a refusal after which nothing is called with the same
// Secret. Rocket.Chat's words are about the operator's own account.
func stops(reason string) Want {
	want := refusal(reason, v1alpha1.ReasonWorkspaceNotReady, WaitsForSecret)
	want.Workspace = reason
	if reason == v1alpha1.ReasonEmailCodeRequired {
		want.Request = v1alpha1.ReasonSecondFactorRequired
	}
	return want
}

// refusedUntilSecretChanges are refusals of the operator's own account.
func refusedUntilSecretChanges() []Row {
	stopped := func(name, cause, reason string, answer simulator.Interceptor) Row {
		return Row{Name: name, Cause: cause, Scene: Scene{Reset: answer}, Want: stops(reason)}
	}
	login := func(name, cause, body string) Row {
		return stopped(name, cause, v1alpha1.ReasonTokenRejected, Page(http.StatusUnauthorized, jsonType, body))
	}
	return append([]Row{
		stopped("Rocket.Chat asks for the password as second factor", "400 totp-required: a token that does not bypass, and no second factor in the Secret",
			v1alpha1.ReasonSecondFactorRejected, badRequest("totp-required", "TOTP Required", challenge("password"))),
		stopped("Rocket.Chat does not name the second factor that it wants", "400 totp-invalid of which the details are lost",
			v1alpha1.ReasonSecondFactorRejected, badRequest("totp-invalid", "TOTP Invalid", "")),
		stopped("Too many wrong codes were mailed back", "400 totp-max-attempts",
			v1alpha1.ReasonEmailCodeRequired, badRequest("totp-max-attempts", "TOTP Maximun Failed Attempts Reached", challenge("email"))),
		stopped("The account vanishes between login and second factor", "400 totp-user-not-found: somebody deletes it",
			v1alpha1.ReasonTokenRejected, badRequest("totp-user-not-found", "TOTP User not found", "")),
		login("Rocket.Chat up to 6.13 rejects the token", "401 in the old shape", unauthorizedOld),
		login("Rocket.Chat 7 or 8 rejects the token", "401 in the present shape", unauthorized),
		login("Rocket.Chat 9 rejects the token", "401 in the shape that is planned", unauthorizedNew),
	}, accountsInTrouble()...)
}

// accountsInTrouble are refusals of the own account as they come about on a server.
func accountsInTrouble() []Row {
	const otherSecret, otherPassword = "MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK", "another password"
	mailed := stops(v1alpha1.ReasonEmailCodeRequired)
	mailed.Seen.Mails = 1
	ignored := stops(v1alpha1.ReasonSecondFactorRejected)
	ignored.Workspace = v1alpha1.ReasonBypassTokenIgnored
	revoke, restore := revocation()
	return []Row{
		{
			Name: "A code of the TOTP secret is refused", Cause: "400 totp-invalid: the account was enrolled anew, or the server's clock jumped. A second refusal stops the workspace",
			Scene: Scene{
				Secret: func(data map[string][]byte) { data["totpSecret"] = []byte(otherSecret) },
				Repair: account(func(bot *simulator.User) { bot.TOTP.Secret = otherSecret }),
			},
			Want: refusal(v1alpha1.ReasonCodeRefused, v1alpha1.ReasonRetrying, TriedAgain),
		},
		{
			Name: "The password is not the account's", Cause: "400 totp-invalid: the password was changed",
			Scene: Scene{
				Users: func(all []simulator.User) []simulator.User {
					all[0].TOTP = nil
					return all
				},
				Secret: func(data map[string][]byte) {
					WithoutFactor(data)
					data["password"] = []byte(otherPassword)
				},
				Repair: account(func(bot *simulator.User) { bot.PasswordDigest = simulator.PasswordDigest(otherPassword) }),
			},
			Want: stops(v1alpha1.ReasonSecondFactorRejected),
		},
		{
			Name: "Rocket.Chat mails the account a code", Cause: "400 totp-required: an account with codes by mail",
			Scene: Scene{
				Users: func(all []simulator.User) []simulator.User {
					all[0].TOTP, all[0].Email2FA = nil, true
					return all
				},
				Secret: WithoutFactor,
				Repair: account(func(bot *simulator.User) { bot.Email2FA, bot.PasswordDigest = false, "" }),
			},
			Want: mailed,
		},
		{
			Name: "A token that bypasses the second factor is ignored", Cause: "400 totp-required: releases 8.5.0 and 8.5.1",
			Scene: Scene{
				Version: "8.5.1", Secret: WithoutFactor,
				Repair: account(func(bot *simulator.User) { bot.TOTP, bot.PasswordDigest = nil, "" }),
			},
			Want: ignored,
		},
		{
			Name: "The token is revoked between look-up and reset", Cause: "401: somebody logs the account out",
			Scene: Scene{Meanwhile: revoke, Repair: restore},
			Want:  stops(v1alpha1.ReasonTokenRejected),
		},
	}
}

// account changes the operator's account.
func account(change func(bot *simulator.User)) func(*simulator.Workspace) {
	return func(w *simulator.Workspace) { w.UpdateUser(simulator.SampleBotID, change) }
}

// revocation takes the account's tokens away and gives them back.
func revocation() (revoke, restore func(*simulator.Workspace)) {
	var tokens []simulator.Token // changed under the lock of the workspace only
	revoke = account(func(bot *simulator.User) { tokens, bot.Tokens = bot.Tokens, nil })
	restore = account(func(bot *simulator.User) { bot.Tokens = tokens })
	return revoke, restore
}

// limited is a refusal by the limiter, after which calls pass again after a pause.
func limited(name, cause string, pause time.Duration, answer simulator.Interceptor) Row {
	want := refusal(v1alpha1.ReasonRateLimited, v1alpha1.ReasonRateLimited, WaitsForLimiter)
	want.Pause = pause
	return Row{Name: name, Cause: cause, Scene: Scene{Reset: answer}, Want: want}
}

// refusedByLimiter are the limiter's refusals. What its X-RateLimit-Reset says is
// only believed where it is plausible.
func refusedByLimiter() []Row {
	const seconds = 10
	const pause = seconds * time.Second
	inMillis := func(wait time.Duration) func(time.Time) int64 {
		return func(now time.Time) int64 { return now.Add(wait).UnixMilli() }
	}
	return []Row{
		limited("The limiter names the time of its reset", "429 as Rocket.Chat answers it", pause,
			limiter(slowDown(90), inMillis(pause))),
		limited("The limiter names its reset by a clock that is two hours ahead", "429 of a server whose clock is wrong: the answer's own Date counts", pause,
			dated(2*time.Hour, limiter("Too many requests [error-too-many-requests]", inMillis(2*time.Hour+pause)))),
		limited("The limiter's headers are lost", "429 through a proxy that removes them: the text counts", pause,
			limiter(slowDown(seconds), nil)),
		limited("The limiter's reset has passed already", "429 of a cluster whose servers differ in their clocks: the text counts", pause,
			limiter(slowDown(seconds), inMillis(-time.Hour))),
		limited("The limiter's reset is ten years away", "429 of a server whose clock jumped: the text counts", pause,
			limiter(slowDown(seconds), inMillis(10*365*24*time.Hour))),
		limited("The limiter's reset is in seconds", "429 of a proxy that counts so: the text counts", pause,
			limiter(slowDown(seconds), func(now time.Time) int64 { return now.Add(pause).Unix() })),
		limited("The limiter says nothing about its reset", "429 of which only the code is left: a minute is waited", time.Minute,
			limiter("Slow down [error-too-many-requests]", nil)),
		limited("The limiter answers with status 400", "a very old release", pause,
			Page(http.StatusBadRequest, jsonType, `{"success":false,"error":`+quoted(slowDown(seconds))+`,"errorType":"error-too-many-requests"}`)),
	}
}
