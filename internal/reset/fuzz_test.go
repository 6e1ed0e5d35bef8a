package reset

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// FuzzClassify proves that no answer is taken for a success or for proof that is
// not on the closed list, told here in another way than in the code: everything
// else, once there was a connection, is Unconfirmed.
func FuzzClassify(f *testing.F) {
	for _, name := range slices.Sorted(maps.Keys(classifyCases())) {
		a := classifyCases()[name].answer
		f.Add(int(a.Kind), a.Status, a.RocketChat, a.LoginRequired, a.Code, a.TextCode, a.Method, a.Federated)
	}
	f.Fuzz(func(t *testing.T, kind, status int, rocketChat, loginRequired bool, code, textCode, method string, federated bool) {
		answer := Answer{
			Kind: AnswerKind(kind), Status: status, RocketChat: rocketChat, LoginRequired: loginRequired,
			Code: code, TextCode: textCode, Method: method, Federated: federated,
		}
		got := Classify(answer)
		if want := listed(answer); got.Result != want {
			t.Fatalf("Classify(%+v) = %+v, want %s", answer, got, want)
		}
		if got.Reason == "" {
			t.Error("no reason")
		}
		if got.Result == v1alpha1.AttemptUnconfirmed && got.Reason != v1alpha1.ReasonOutcomeUnconfirmed {
			t.Errorf("unconfirmed because of %s", got.Reason)
		}
		if got.Result == v1alpha1.AttemptRefused && VerdictOf(got.Reason).Outcome == v1alpha1.OutcomeSucceeded {
			t.Errorf("refused because of %s", got.Reason)
		}
	})
}

// listed is the closed list of proofs.
func listed(answer Answer) v1alpha1.AttemptResult {
	switch answer.Kind {
	case AnswerConfirmed:
		return v1alpha1.AttemptSucceeded
	case AnswerNotConnected, AnswerTooLate, AnswerWithheld:
		return v1alpha1.AttemptNotSent
	case AnswerReceived:
	case AnswerLost:
		return v1alpha1.AttemptUnconfirmed
	default: // the fuzzer's own
		return v1alpha1.AttemptUnconfirmed
	}
	const limiter = "error-too-many-requests"
	proofs := map[int][]string{
		400: {
			"error-not-allowed", "error-two-factor-not-enabled", "error-invalid-user", "invalid-user", "error-user-param-not-provided",
			"invalid-params", "error-invalid-params", "totp-required", "totp-invalid", "totp-max-attempts", "totp-user-not-found",
			"error-email-send-failed", limiter,
		},
		403: {"error-unauthorized", "error-not-allowed"},
		429: {limiter},
	}
	byCode := slices.Contains(proofs[answer.Status], answer.Code)
	byText := answer.Code == "" && answer.TextCode == limiter && (answer.Status == 400 || answer.Status == 429)
	if answer.LoginRequired || (answer.RocketChat && (byCode || byText)) {
		return v1alpha1.AttemptRefused
	}
	return v1alpha1.AttemptUnconfirmed
}

// FuzzClassifyLookUp proves that nobody is found who was not asked for, and that
// nobody is missing without Rocket.Chat's word for it.
func FuzzClassifyLookUp(f *testing.F) {
	for _, name := range slices.Sorted(maps.Keys(lookUpCases())) {
		a, l := lookUpCases()[name].answer, lookUpCases()[name].look
		f.Add(int(a.Kind), a.Status, a.RocketChat, a.LoginRequired, a.UserNotFound, a.Code, a.TextCode, l.ByID, l.Asked, l.ID, l.Username)
	}
	f.Fuzz(func(t *testing.T, kind, status int, rocketChat, loginRequired, notFound bool, code, textCode string, byID bool, asked, id, username string) {
		answer := Answer{
			Kind: AnswerKind(kind), Status: status, RocketChat: rocketChat, LoginRequired: loginRequired,
			Code: code, TextCode: textCode, UserNotFound: notFound,
		}
		look := Look{ByID: byID, Asked: asked, ID: id, Username: username}
		got := ClassifyLookUp(answer, look)
		named := map[bool]string{true: id, false: username}[byID]
		confirmed := answer.Kind == AnswerConfirmed
		fits := id != "" && username != "" && len(id) <= 128 && len([]rune(username)) <= 255
		if got == ResolutionFound && (!confirmed || !fits || named != asked) {
			t.Errorf("found: %+v by %+v", look, answer)
		}
		saysSo := answer.Kind == AnswerReceived && rocketChat && status == 400 && code == "" && notFound
		if got == ResolutionNotFound && !saysSo && (!confirmed || !fits || named == asked) {
			t.Errorf("not found: %+v by %+v", look, answer)
		}
		if got < ResolutionRetry || got > ResolutionConnection {
			t.Errorf("the resolution is %d", got)
		}
	})
}

// FuzzServerTells proves that what a server tells of itself fits into a status,
// however long it is.
func FuzzServerTells(f *testing.F) {
	f.Add("8.6", "bot", true)
	f.Add("8.6.1-rc.0+\xff\u00e9\u2028", "b\u00f6t", false)
	known := knownRemarks()
	f.Fuzz(func(t *testing.T, version, username string, totp bool) {
		probe := goodProbe()
		probe.Version, probe.Account = version, Account{Username: username, TOTP: totp}
		health := Diagnose(probe)
		status := WorkspaceStatusOf(chatWorkspace(), health, at(0))
		if len([]rune(status.Version)) > 64 || len([]rune(status.AccountUsername)) > 255 {
			t.Errorf("shown: %d characters of the version, %d of the username", len([]rune(status.Version)), len([]rune(status.AccountUsername)))
		}
		hidden := func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }
		if strings.ContainsFunc(status.Version+status.AccountUsername, hidden) {
			t.Errorf("shown: %q and %q", status.Version, status.AccountUsername)
		}
		if username == "" && health.Gate(v1alpha1.ResetTypeTOTP) == "" {
			t.Error("an account without a username is used")
		}
		for _, condition := range status.Conditions {
			more, fits := strings.CutPrefix(condition.Message, readyMessages()[condition.Reason])
			for remark := range strings.SplitSeq(strings.TrimPrefix(more, ". "), ". ") {
				fits = fits && (more == "" || condition.Reason == v1alpha1.ReasonConnected && slices.Contains(known, remark))
			}
			if !fits {
				t.Errorf("the message is %q", condition.Message)
			}
		}
	})
}

// knownRemarks are all that can be remarked of a server by its version and by whether
// its account has TOTP: of a closed list, whatever it tells.
func knownRemarks() []string {
	var known []string
	for _, version := range []string{"3.5", "3.7", "6.3", "7.4", "8.6"} {
		for _, totp := range []bool{true, false} {
			probe := goodProbe()
			probe.Version, probe.Account = version, Account{Username: "bot", TOTP: totp}
			known = append(known, remarks(chatWorkspace(), Diagnose(probe))...)
		}
	}
	return known
}
