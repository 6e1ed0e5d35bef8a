package reset

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// AnswerKind says how a call ended.
type AnswerKind int

// The ways in which a call ends.
const (
	// AnswerConfirmed is status 200 with a JSON object whose success is true.
	AnswerConfirmed AnswerKind = iota + 1
	// AnswerReceived is any other whole answer.
	AnswerReceived
	// AnswerLost means that there was a connection but no whole answer.
	AnswerLost
	// AnswerNotConnected means that no connection was ever obtained.
	AnswerNotConnected
	// AnswerTooLate means that the connection was given up before anything was
	// written, because the time to send was over.
	AnswerTooLate
	// AnswerWithheld means that nothing was tried, for a reason of the client's.
	AnswerWithheld
)

// Answer is what is known of a call. The codes and the method are those that
// Rocket.Chat uses.
type Answer struct {
	Kind          AnswerKind
	Status        int
	RocketChat    bool   // Rocket.Chat's own JSON that says that the call did not succeed
	LoginRequired bool   // Rocket.Chat's own 401
	Code          string // errorType
	TextCode      string // the code in the brackets of the error text
	UserNotFound  bool   // the error text of users.info for a user that is not there
	Method        string // the second factor that is asked for
	Federated     bool   // the refusal is for a user of another server
	FirstCode     bool   // the call had a code made from a TOTP secret of which none was refused before
}

// Result is what is to be recorded of an attempt.
type Result struct {
	Result v1alpha1.AttemptResult
	Reason string
}

func refused(reason string) Result {
	return Result{Result: v1alpha1.AttemptRefused, Reason: reason}
}

func unconfirmed(reason string) Result {
	return Result{Result: v1alpha1.AttemptUnconfirmed, Reason: reason}
}

// NotBegun is the result of an attempt whose call was never begun.
func NotBegun() Result {
	return Result{Result: v1alpha1.AttemptNotSent, Reason: v1alpha1.ReasonNotBegun}
}

// Lost is the result of an attempt whose call was begun and of which nothing is
// known.
func Lost() Result { return unconfirmed(v1alpha1.ReasonOutcomeUnconfirmed) }

// Classify says what an answer proves. What is not on its closed list of proofs
// is Unconfirmed once there was a connection, whatever the status looks like: a
// proxy may have made the answer after the reset happened.
func Classify(answer Answer) Result {
	switch answer.Kind {
	case AnswerConfirmed:
		return Result{Result: v1alpha1.AttemptSucceeded, Reason: v1alpha1.ReasonResetAccepted}
	case AnswerNotConnected:
		return Result{Result: v1alpha1.AttemptNotSent, Reason: v1alpha1.ReasonConnectionFailed}
	case AnswerTooLate:
		return Result{Result: v1alpha1.AttemptNotSent, Reason: v1alpha1.ReasonSendDeadlinePassed}
	case AnswerWithheld:
		return NotBegun()
	case AnswerLost:
		return Lost()
	case AnswerReceived:
		if reason := proof(answer); reason != "" {
			return refused(reason)
		}
	}
	return Lost()
}

// proof is the reason of an answer that proves that nothing happened, "" if the
// answer proves nothing.
func proof(answer Answer) string {
	switch {
	case answer.LoginRequired:
		return v1alpha1.ReasonTokenRejected
	case !answer.RocketChat:
		return ""
	}
	switch answer.Status {
	case 400:
		return proofByCode(answer)
	case 403:
		if answer.Code == "error-unauthorized" || answer.Code == "error-not-allowed" {
			return v1alpha1.ReasonPermissionMissing
		}
	case 429:
		if isLimiter(answer) {
			return v1alpha1.ReasonRateLimited
		}
	}
	return ""
}

func proofByCode(answer Answer) string {
	switch answer.Code {
	case "error-not-allowed":
		if answer.Federated {
			return v1alpha1.ReasonUserFederated
		}
		return v1alpha1.ReasonPermissionMissing
	case "error-two-factor-not-enabled":
		return v1alpha1.ReasonTypeNotAvailable
	case "error-invalid-user", "invalid-user":
		return v1alpha1.ReasonUserNotFound
	case "error-user-param-not-provided", "invalid-params", "error-invalid-params":
		return v1alpha1.ReasonRefusedByServer
	case "totp-required", "totp-invalid", "totp-max-attempts":
		return proofOfFactor(answer)
	case "totp-user-not-found":
		return v1alpha1.ReasonTokenRejected
	case "error-email-send-failed":
		return v1alpha1.ReasonMailFailed
	}
	if isLimiter(answer) {
		return v1alpha1.ReasonRateLimited
	}
	return ""
}

// proofOfFactor is the reason of a refusal of the second factor. One code of a TOTP
// secret may have been refused for its time only; two show that the secret is wrong.
func proofOfFactor(answer Answer) string {
	switch {
	case answer.Method == "email":
		return v1alpha1.ReasonEmailCodeRequired
	case answer.Code == "totp-invalid" && answer.Method == "totp" && answer.FirstCode:
		return v1alpha1.ReasonCodeRefused
	}
	return v1alpha1.ReasonSecondFactorRejected
}

// isLimiter recognises Rocket.Chat's limiter, which gives no errorType; very old
// releases do.
func isLimiter(answer Answer) bool {
	const code = "error-too-many-requests"
	return answer.Code == code || (answer.Code == "" && answer.TextCode == code)
}

// OwnAccount is what a look at the operator's own account showed after a call.
type OwnAccount struct {
	Answered      bool // the workspace answered for the account
	LoginRequired bool // the workspace refused the token
	HadTOTP       bool // the account was enrolled for TOTP before the call
	HasTOTP       bool
}

// NeedsOwnCheck says whether the operator's own account must be looked at after
// an attempt: a request that was cut on its way resets the caller. A wanted own
// reset is no surprise.
func NeedsOwnCheck(result Result, verifiedBefore, own bool) bool {
	switch result.Result {
	case v1alpha1.AttemptUnconfirmed:
		return !own
	case v1alpha1.AttemptSucceeded:
		return !own && !verifiedBefore
	case v1alpha1.AttemptNotSent, v1alpha1.AttemptRefused:
	}
	return false
}

// AfterOwnCheck is the result in the light of the operator's own account.
func AfterOwnCheck(result Result, own OwnAccount) Result {
	if own.LoginRequired || (own.Answered && own.HadTOTP && !own.HasTOTP) {
		return unconfirmed(v1alpha1.ReasonOwnResetSuspected)
	}
	return result
}

// Resolution is what the look-up of a user came to.
type Resolution int

// The results of a look-up.
const (
	// ResolutionRetry means that the look-up has to be tried again later.
	ResolutionRetry Resolution = iota + 1
	// ResolutionFound means that the workspace named a user.
	ResolutionFound
	// ResolutionNotFound means that the workspace has no such user.
	ResolutionNotFound
	// ResolutionRateLimited means that the workspace accepts no call for now.
	ResolutionRateLimited
	// ResolutionConnection means that the connection itself is at fault: the host
	// is not reached or the token is not accepted.
	ResolutionConnection
)

// The longest names that a record can hold, in characters.
const (
	maxIDLength       = 128
	maxUsernameLength = 255
)

// Look is what was asked of users.info and what was named.
type Look struct {
	ByID         bool
	Asked        string // the id or the username
	ID, Username string // of the user that the workspace named
}

// resolution compares the user that was named with the one that was asked for.
func (l Look) resolution() Resolution {
	named := l.Username
	if l.ByID {
		named = l.ID
	}
	switch {
	case !isPlain(l.ID, maxIDLength) || !isPlain(l.Username, maxUsernameLength):
		return ResolutionRetry
	case named != l.Asked:
		return ResolutionNotFound
	}
	return ResolutionFound
}

// isPlain says whether what a server calls somebody can be shown and recorded: there
// is something, it is not too long, and it holds no character that is not seen.
func isPlain(name string, limit int) bool {
	return name != "" && len([]rune(name)) <= limit && utf8.ValidString(name) &&
		!strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) })
}

// Doubted is the reason for which a workspace is not used any more after a look-up
// that showed the connection itself at fault.
func Doubted(answer Answer) string {
	if answer.LoginRequired {
		return v1alpha1.ReasonTokenRejected
	}
	return v1alpha1.ReasonServerUnreachable
}

// ClassifyLookUp says what the answer of users.info means. Rocket.Chat gives no
// code for a user that it does not have, only a text; and asked for an id it also
// names a user whose username is that.
func ClassifyLookUp(answer Answer, look Look) Resolution {
	switch {
	case answer.Kind == AnswerConfirmed:
		return look.resolution()
	case answer.Kind == AnswerNotConnected, answer.LoginRequired:
		return ResolutionConnection
	case answer.Kind != AnswerReceived:
		return ResolutionRetry
	case answer.Status == 429, isLimiter(answer):
		return ResolutionRateLimited
	case answer.RocketChat && answer.Status == 400 && answer.Code == "" && answer.UserNotFound:
		return ResolutionNotFound
	}
	return ResolutionRetry
}
