package answers

import (
	"net/http"
	"strings"
	"time"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// done is what must come of a reset that the workspace confirmed.
func done(seen Effects) Want {
	return Want{
		Result: v1alpha1.AttemptSucceeded, Attempt: v1alpha1.ReasonResetAccepted,
		Outcome: v1alpha1.OutcomeSucceeded, Request: v1alpha1.ReasonResetAccepted,
		Workspace: v1alpha1.ReasonConnected, Next: Ended, Seen: seen,
	}
}

// carriedOut are the effects of a TOTP reset as it should be.
func carriedOut() Effects { return ResetOf(v1alpha1.ResetTypeTOTP) }

// oddSuccesses are answers that confirm the reset, odd as they are.
func oddSuccesses() []Row {
	answered := func(name, cause string, answer simulator.Interceptor) Row {
		return Row{Name: name, Cause: cause, Scene: Scene{Reset: answer}, Want: done(carriedOut())}
	}
	return []Row{
		answered("The confirmation takes three seconds", "a server under load",
			slowly(3*time.Second, handOn)),
		answered("The confirmation comes in chunks of one byte", "a proxy that hands on byte by byte",
			After(Drop(ok+"Transfer-Encoding: chunked\r\n\r\n"+oneByteChunks(confirmed)))),
		answered("Interim answers come before the confirmation", "a CDN that sends 103 Early Hints, a proxy that says 100 Continue unasked",
			After(Drop("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </app.css>; rel=preload\r\n\r\n"+whole))),
		answered("The confirmation has both a length and chunks", "a careless proxy",
			After(Drop(ok+"Content-Length: 16\r\nTransfer-Encoding: chunked\r\n\r\n"+oneByteChunks(confirmed)))),
		answered("The confirmation has no length and ends with the connection", "a proxy of HTTP/1.0",
			After(Drop(ok+"\r\n"+confirmed))),
		answered("The confirmation names another charset", "a gateway that adds its own",
			After(Page(http.StatusOK, "application/json; charset=iso-8859-1", confirmed))),
		answered("The confirmation sets cookies", "a load balancer with sticky sessions: none is sent back",
			With("Set-Cookie", "AWSALB=pinned; Path=/", handOn)),
		answered("The confirmation is dated five hours ahead", "a server whose clock is wrong",
			dated(5*time.Hour, handOn)),
	}
}

func oneByteChunks(text string) string {
	var chunks strings.Builder
	for _, char := range text {
		chunks.WriteString("1\r\n" + string(char) + "\r\n")
	}
	return chunks.String() + "0\r\n\r\n"
}

// succeeded are the rows after which the reset counts as carried out.
func succeeded() []Row {
	return append(oddSuccesses(), []Row{
		{
			Name:  "The clocks of operator and workspace are three hours apart",
			Cause: "a server whose clock is wrong: the code is made by the Date of its own answers",
			Scene: Scene{Clock: func() time.Time { return time.Now().Add(3 * time.Hour) }},
			Want:  done(carriedOut()),
		},
		{
			Name:  "The user has no second factor that could be removed",
			Cause: "somebody else was faster: the user is not logged out, but gets the mail",
			Scene: Scene{Meanwhile: func(w *simulator.Workspace) {
				w.UpdateUser(simulator.SampleAliceID, func(alice *simulator.User) { alice.TOTP = nil })
			}},
			Want: done(Effects{Posts: 1, Resets: 1, Mails: 1}),
		},
		{
			Name:  "The user has no verified address",
			Cause: "Rocket.Chat mails nobody then, and does not say so",
			Scene: Scene{Meanwhile: func(w *simulator.Workspace) {
				w.UpdateUser(simulator.SampleAliceID, func(alice *simulator.User) { alice.Emails[0].Verified = false })
			}},
			Want: done(Effects{Posts: 1, Resets: 1, LogOuts: 1}),
		},
		{
			Name:  "The look at the own account after the confirmation is not answered",
			Cause: "a server that restarts just then",
			Scene: Scene{OwnCheck: Drop("")},
			Want:  done(carriedOut()),
		},
		{
			Name:  "A proxy drops the body, and the own account has nothing to lose by it",
			Cause: "Rocket.Chat confirms a reset of the caller, which only an account with TOTP of its own would show",
			Scene: Scene{
				Users:  withoutFactors,
				Secret: WithoutFactor,
				Reset:  WithoutBody(nil),
			},
			Want: done(Effects{Posts: 1, OwnResets: 1}),
		},
	}...)
}

// withoutFactors gives the operator's account nothing that it could be asked for.
func withoutFactors(all []simulator.User) []simulator.User {
	all[0].TOTP, all[0].PasswordDigest = nil, ""
	return all
}

// WithoutFactor takes the second factor out of a Secret.
func WithoutFactor(data map[string][]byte) { delete(data, "totpSecret") }
