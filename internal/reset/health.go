package reset

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// Health is what is known of a workspace's connection. The zero value means that
// nothing is known yet.
type Health struct {
	SecretVersion   string // resourceVersion of the Secret that was looked at
	Host            string // base URL of the workspace
	AccountID       string // id of the operator's own account
	AccountUsername string
	AccountHasTOTP  bool
	Version         string // of Rocket.Chat, as far as the server tells
	Method          v1alpha1.SecondFactorMethod
	Factor          v1alpha1.SecondFactorMethod // in the Secret, "" if it holds none
	TwoFactor       Known                       // whether two-factor authentication is switched on in Rocket.Chat
	Bypass          Known                       // whether the token bypasses the second factor

	// Permitted are the types that the account's roles permit; nil where that is
	// not known.
	Permitted []v1alpha1.ResetType

	// Refused says that the server refused the token of this very Secret.
	Refused bool

	// CodeRefusedAt is when Rocket.Chat refused the first code made from this very
	// Secret; zero if it refused none.
	CodeRefusedAt time.Time

	// NamesTrustedSince is since when the API server lets nobody write another name
	// than their own into requests and approvals; zero if it does, or if no type
	// requires approval.
	NamesTrustedSince time.Time

	Reason string // of Ready, empty while nothing is known
	Detail string // what is wrong in particular
	Gates  bool   // whether the reason stops all resets
}

// Gate is the reason for which no reset of this type can be carried out now, ""
// if there is none.
func (h Health) Gate(resetType v1alpha1.ResetType) string {
	switch {
	case h.Reason == "", h.Reason == v1alpha1.ReasonProbing:
		return v1alpha1.ReasonProbing
	case h.Gates:
		return h.Reason
	case !h.permits(resetType):
		return v1alpha1.ReasonPermissionMissing
	}
	return ""
}

// With is the health in the light of what attempts came to.
func (h Health) With(standing Standing) Health {
	if standing.Blocked != "" {
		h.Reason, h.Gates = standing.Blocked, true
	}
	h.CodeRefusedAt = later(h.CodeRefusedAt, standing.CodeRefusedAt)
	return h
}

func (h Health) permits(resetType v1alpha1.ResetType) bool {
	return h.Permitted == nil || slices.Contains(h.Permitted, resetType)
}

// Probe is what a look at a workspace came to.
type Probe struct {
	// SecretFault is the reason for which the Secret cannot be used, "" if it can.
	SecretFault  string
	SecretDetail string

	SecretVersion string
	Host          string
	AccountID     string
	Factor        v1alpha1.SecondFactorMethod

	Info    Answer // of GET /api/info
	Version string
	Me      Answer // of GET /api/v1/me
	Account Account
	// HadTOTP says that the account had TOTP when it last could be asked with this
	// Secret.
	HadTOTP bool
	// Permissions is the answer of permissions.listAll, and Permitted what followed.
	Permissions Answer
	Permitted   []v1alpha1.ResetType

	Standing  Standing // of this very Secret
	TwoFactor Known
	Bypass    Known
}

// Standing is what attempts with a Secret came to that matters to those after them.
type Standing struct {
	// Blocked is the reason of an attempt after which none may follow until the Secret
	// changes, "" if there is none.
	Blocked string
	// CodeRefusedAt is when a code made from it was refused for the first time, zero
	// if none was.
	CodeRefusedAt time.Time
}

// And is the standing after these attempts and others.
func (s Standing) And(other Standing) Standing {
	return Standing{
		Blocked:       Gravest([]string{s.Blocked, other.Blocked}),
		CodeRefusedAt: later(s.CodeRefusedAt, other.CodeRefusedAt),
	}
}

// StandingAfter is the standing of a Secret after an attempt with it.
func StandingAfter(reason string, endTime time.Time) Standing {
	switch {
	case HeldUntilSecretChanges(reason):
		return Standing{Blocked: reason}
	case reason == v1alpha1.ReasonCodeRefused:
		return Standing{CodeRefusedAt: endTime}
	}
	return Standing{}
}

// CodeUsedUp is the standing of a Secret with a code that a person typed, once a call
// was made with it, or may have been.
func CodeUsedUp() Standing { return Standing{Blocked: v1alpha1.ReasonEmailCodeRequired} }

// Account is what the workspace tells of the operator's account.
type Account struct {
	Username              string
	TOTP, Email, Password bool // the second factors that it has
}

// Diagnose says what a probe means.
func Diagnose(p Probe) Health {
	health := Health{
		SecretVersion:   p.SecretVersion,
		Host:            p.Host,
		AccountID:       p.AccountID,
		AccountUsername: p.Account.Username,
		AccountHasTOTP:  p.Account.TOTP,
		Version:         p.Version,
		Factor:          p.Factor,
		TwoFactor:       p.TwoFactor,
		Bypass:          p.Bypass,
		Refused:         p.Me.LoginRequired,
		CodeRefusedAt:   p.Standing.CodeRefusedAt,
	}
	if p.Me.Kind == AnswerConfirmed {
		health.Method = methodOf(p.Account)
	} else {
		health.AccountHasTOTP = p.HadTOTP
	}
	if p.Permissions.Kind == AnswerConfirmed {
		health.Permitted = append([]v1alpha1.ResetType{}, p.Permitted...)
	}
	health.Reason, health.Gates = diagnosis(p)
	if health.Reason == p.SecretFault {
		health.Detail = p.SecretDetail
	}
	return health
}

// Unprobed is the health of a workspace whose Secret could not be looked at. What
// was known before still holds.
func Unprobed(before Health) Health {
	if before.Reason == "" {
		before.Reason = v1alpha1.ReasonProbing
	}
	return before
}

// diagnosis is the reason of Ready, and whether it stops all resets.
func diagnosis(p Probe) (string, bool) {
	switch {
	case p.SecretFault != "":
		return p.SecretFault, true
	case p.Standing.Blocked == v1alpha1.ReasonSecondFactorRejected && p.Factor == "" && ignoresBypass(p.Version):
		return v1alpha1.ReasonBypassTokenIgnored, true
	case p.Standing.Blocked != "":
		return p.Standing.Blocked, true
	case p.Info.Kind == AnswerNotConnected, p.Me.Kind == AnswerNotConnected:
		return v1alpha1.ReasonServerUnreachable, true
	case p.Me.LoginRequired:
		return v1alpha1.ReasonTokenRejected, true
	case p.Info.Kind != AnswerConfirmed, p.Me.Kind != AnswerConfirmed:
		// A probe without a proper answer proves nothing about the next call.
		return v1alpha1.ReasonServerUnreachable, false
	case p.Account.Username == "":
		return v1alpha1.ReasonTokenRejected, true
	}
	return v1alpha1.ReasonConnected, false
}

// ignoresBypass says whether the release ignores tokens that bypass the second
// factor. Without a permission the server tells major and minor only.
func ignoresBypass(version string) bool {
	return slices.Contains([]string{"8.5", "8.5.0", "8.5.1"}, version)
}

// methodOf is the second factor that Rocket.Chat asks the account for.
func methodOf(account Account) v1alpha1.SecondFactorMethod {
	switch {
	case account.TOTP:
		return v1alpha1.SecondFactorTOTP
	case account.Email:
		return v1alpha1.SecondFactorEmail
	case account.Password:
		return v1alpha1.SecondFactorPassword
	}
	return v1alpha1.SecondFactorNone
}

// FactorOf is the method that Rocket.Chat spells so, "" for none.
func FactorOf(method string) v1alpha1.SecondFactorMethod {
	switch method {
	case "totp":
		return v1alpha1.SecondFactorTOTP
	case "email":
		return v1alpha1.SecondFactorEmail
	case "password":
		return v1alpha1.SecondFactorPassword
	}
	return ""
}

// Gravest is the one of the reasons that a workspace shows, "" if there is none.
func Gravest(reasons []string) string {
	for _, reason := range []string{
		v1alpha1.ReasonOwnResetSuspected, v1alpha1.ReasonTokenRejected,
		v1alpha1.ReasonSecondFactorRejected, v1alpha1.ReasonEmailCodeRequired,
	} {
		if slices.Contains(reasons, reason) {
			return reason
		}
	}
	return ""
}

// HeldUntilSecretChanges says whether after an attempt with this reason none may
// follow with the same Secret.
func HeldUntilSecretChanges(reason string) bool {
	return Gravest([]string{reason}) != ""
}

// DoubtsWorkspace says whether after that result the workspace should be probed.
func DoubtsWorkspace(result Result) bool {
	return result.Result != v1alpha1.AttemptSucceeded && result.Reason != v1alpha1.ReasonRateLimited
}

// Standings are what the record's attempts mean for the Secrets that they were made
// with, by resourceVersion. Secrets for which they mean nothing are left out.
func Standings(record *v1alpha1.ResetRecord) map[string]Standing {
	standings := map[string]Standing{}
	for i := range record.Attempts {
		attempt := &record.Attempts[i]
		ended := attempt.StartTime
		if attempt.EndTime != nil {
			ended = *attempt.EndTime
		}
		standing := StandingAfter(attempt.Reason, ended.Time)
		if standing != (Standing{}) {
			standings[attempt.SecretResourceVersion] = standings[attempt.SecretResourceVersion].And(standing)
		}
	}
	return standings
}

// UsedVersions are the resourceVersions of Secrets with which a call of the record was
// made, or may have been: a code that a person typed is used up by it.
func UsedVersions(record *v1alpha1.ResetRecord) []string {
	var used []string
	for i := range record.Attempts {
		if attempt := &record.Attempts[i]; attempt.Result != v1alpha1.AttemptNotSent {
			used = append(used, attempt.SecretResourceVersion)
		}
	}
	return used
}

// WorkspaceStatusOf is the workspace's status for that health. It equals the
// present status where that says the same already.
func WorkspaceStatusOf(w *v1alpha1.RocketChatWorkspace, health Health, now metav1.Time) v1alpha1.RocketChatWorkspaceStatus {
	status := *w.Status.DeepCopy()
	status.ObservedGeneration = new(w.Generation)
	// What a server told stays true while it does not answer, or is not asked.
	if health.AccountUsername != "" || health.Host != status.Host {
		status.Host, status.Version, status.AccountUsername = health.Host, shorten(health.Version, 64), shorten(health.AccountUsername, 255)
		status.SecondFactorMethod, status.PermittedTypes = health.Method, health.Permitted
	}
	set(&status.Conditions, readiness(w, health), w.Generation, now.Time)
	return status
}

// readiness are the conditions of a workspace.
func readiness(w *v1alpha1.RocketChatWorkspace, health Health) []metav1.Condition {
	reason, message := readyReason(w, health)
	if health.Detail != "" && reason == health.Reason {
		message = health.Detail
	}
	ready := metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: reason, Message: message}
	beside := metav1.Condition{Status: metav1.ConditionTrue, Reason: reason, Message: message}
	switch reason {
	case v1alpha1.ReasonConnected:
		ready.Status = metav1.ConditionTrue
		return []metav1.Condition{ready}
	case v1alpha1.ReasonSuspended:
		return []metav1.Condition{ready}
	case v1alpha1.ReasonProbing:
		ready.Status = metav1.ConditionUnknown
		beside.Type = v1alpha1.ConditionReconciling
	case v1alpha1.ReasonSecretNotFound, v1alpha1.ReasonServerUnreachable:
		beside.Type = v1alpha1.ConditionReconciling
	default:
		beside.Type = v1alpha1.ConditionStalled
	}
	return []metav1.Condition{ready, beside}
}

func readyReason(w *v1alpha1.RocketChatWorkspace, health Health) (string, string) {
	reason := health.Reason
	switch {
	case w.Spec.Suspend != nil && *w.Spec.Suspend:
		reason = v1alpha1.ReasonSuspended
	case reason == "":
		reason = v1alpha1.ReasonProbing
	case reason == v1alpha1.ReasonConnected && len(w.Spec.ApprovalRequiredTypes) > 0 && health.NamesTrustedSince.IsZero():
		reason = v1alpha1.ReasonApprovalPolicyMissing
	case reason == v1alpha1.ReasonConnected && !permitsAll(w, health):
		reason = v1alpha1.ReasonPermissionMissing
	}
	message := readyMessages()[reason]
	if reason == v1alpha1.ReasonConnected {
		message = sentences(message, remarks(w, health))
	}
	return reason, message
}

// IsInOrder says whether nothing about the workspace needs repair.
func IsInOrder(w *v1alpha1.RocketChatWorkspace, health Health) bool {
	reason, _ := readyReason(w, health)
	return reason == v1alpha1.ReasonConnected
}

func permitsAll(w *v1alpha1.RocketChatWorkspace, health Health) bool {
	return !slices.ContainsFunc(w.Spec.AllowedTypes, func(t v1alpha1.ResetType) bool { return !health.permits(t) })
}

// ReadyReasons are all reasons of a workspace's Ready condition, sorted.
func ReadyReasons() []string {
	return slices.Sorted(maps.Keys(readyMessages()))
}

func readyMessages() map[string]string {
	return map[string]string{
		v1alpha1.ReasonProbing:               "The workspace is being probed",
		v1alpha1.ReasonSecretNotFound:        "There is no Secret of the name in spec.secretRef in this namespace; create it",
		v1alpha1.ReasonServerUnreachable:     "The server cannot be reached or does not answer as Rocket.Chat does; check the url in the Secret and the way to the server",
		v1alpha1.ReasonSecretTypeWrong:       "The Secret is of another type and was not read; delete it and create it with --type=credentialreset.dev/rocketchat-workspace",
		v1alpha1.ReasonSecretInvalid:         "The Secret cannot be used",
		v1alpha1.ReasonTokenRejected:         "Rocket.Chat does not accept the token, or its account has no username; put a working userId and authToken into the Secret",
		v1alpha1.ReasonEmailCodeRequired:     "Rocket.Chat asks the account for a mailed code; put the newest one into the Secret as twoFactorCode, with twoFactorMethod email: it is good for one reset. To have another one mailed, remove both keys. Or give the account TOTP, or a token that bypasses the second factor",
		v1alpha1.ReasonSecondFactorRejected:  "Rocket.Chat does not accept the account's second factor; put the right totpSecret or password, or a token that bypasses it, into the Secret",
		v1alpha1.ReasonPermissionMissing:     "The account lacks the permission edit-other-user-totp or edit-other-user-e2ee for a type in allowedTypes; grant it in Rocket.Chat or remove the type",
		v1alpha1.ReasonBypassTokenIgnored:    "Rocket.Chat 8.5.0 and 8.5.1 ignore tokens that bypass the second factor; update Rocket.Chat and then change the Secret in any way, or put a totpSecret or password into it",
		v1alpha1.ReasonApprovalPolicyMissing: "A type requires approval, and the policies are not there that let nobody write another name than their own into requests and approvals; install them as config/policy has them",
		v1alpha1.ReasonOwnResetSuspected:     "The operator's own account seems to have been reset; check it in Rocket.Chat and put a new token and second factor into the Secret",
		v1alpha1.ReasonSuspended:             "spec.suspend is true: nothing is reset and requests wait",
		v1alpha1.ReasonConnected:             "Resets can be carried out",
	}
}

// GatesLike says whether both let the same requests through.
func (h Health) GatesLike(other Health) bool {
	return h.SecretVersion == other.SecretVersion && h.Host == other.Host && h.NamesTrustedSince.Equal(other.NamesTrustedSince) &&
		h.Gate(v1alpha1.ResetTypeTOTP) == other.Gate(v1alpha1.ResetTypeTOTP) &&
		h.Gate(v1alpha1.ResetTypeE2EKey) == other.Gate(v1alpha1.ResetTypeE2EKey)
}

// TypesPermittedBy are the types that Rocket.Chat's permissions of these names
// allow to reset.
func TypesPermittedBy(permissions []string) []v1alpha1.ResetType {
	permitted := []v1alpha1.ResetType{}
	if slices.Contains(permissions, "edit-other-user-totp") {
		permitted = append(permitted, v1alpha1.ResetTypeTOTP)
	}
	if slices.Contains(permissions, "edit-other-user-e2ee") {
		permitted = append(permitted, v1alpha1.ResetTypeE2EKey)
	}
	return permitted
}

// SameWorkspaceStatus says whether writing the status would change nothing.
func SameWorkspaceStatus(a, b v1alpha1.RocketChatWorkspaceStatus) bool {
	return equality.Semantic.DeepEqual(a, b)
}

// shorten cuts what a server tells to what a status can show, and leaves out what is
// not seen.
func shorten(text string, limit int) string {
	seen := strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	runes := []rune(seen)
	return string(runes[:min(len(runes), limit)])
}
