package advice

import (
	"fmt"
	"strings"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

// waitsFor says what an open request waits for.
type waitsFor int

const (
	waitsForTurn     waitsFor = iota + 1 // goes on by itself, in line with the others
	waitsForNothing                      // is under way
	waitsForApproval                     // goes on when somebody approves
	waitsForRepair                       // goes on when an administrator has acted
)

// guide is what to tell of a reason. {name}, {ns}, {ws} and {user} stand for the
// request, its namespace, the workspace's arguments, and the user.
type guide struct {
	waits waitsFor // only of reasons of open requests
	next  []string
}

const (
	goesOn    = "nothing to do: it goes on by itself; see when with: kubectl ucr list -n {ns}"
	again     = "if the reset is still wanted: kubectl ucr again {name} -n {ns}"
	freshUser = "then ask for the right user: kubectl ucr reset {type} USER -w {ws} -n {ns}"
	askUser   = "ask {user} whether they were logged out and have lost the credential"
	onlyThen  = "only if they were not: kubectl ucr again {name} -n {ns}"
	inspect   = "an administrator of the workspace looks at: kubectl ucr check {ws}"
)

// guides is what to do next, by the reason that a request's status says.
func guides() map[string]guide {
	return map[string]guide{
		"": {waits: waitsForTurn, next: []string{
			"if this does not change within seconds, the operator does not run or does not watch the namespace {ns}: tell the cluster's administrator",
		}},
		v1alpha1.ReasonAwaitingApproval: {waitsForApproval, []string{
			"somebody else than the requester makes sure who asks, and runs: kubectl ucr approve {name} -n {ns}",
		}},
		v1alpha1.ReasonWorkspaceSuspended:    {waitsForRepair, []string{"an administrator of the workspace sets spec.suspend to false; then it goes on by itself"}},
		v1alpha1.ReasonSecondFactorRequired:  {waitsForRepair, []string{"an administrator puts the code that was mailed to the account into the workspace's Secret; then it goes on by itself", inspect}},
		v1alpha1.ReasonWorkspaceNotAvailable: {waitsForRepair, []string{"check the spelling of the workspace and its namespace; if it is right, its administrator adds {ns} to allowedNamespaces", inspect}},
		v1alpha1.ReasonWorkspaceNotReady:     {waitsForRepair, []string{inspect}},
		v1alpha1.ReasonTypeNotAllowed:        {waitsForRepair, []string{"an administrator of the workspace adds the type to allowedTypes; then it goes on by itself"}},
		v1alpha1.ReasonTypeNotAvailable:      {waitsForRepair, []string{"an administrator of Rocket.Chat switches two-factor authentication on; then it goes on by itself"}},
		v1alpha1.ReasonPermissionMissing:     {waitsForRepair, []string{"an administrator of Rocket.Chat grants the account the permission; then it goes on by itself", inspect}},
		v1alpha1.ReasonRateLimited:           {waitsForTurn, []string{goesOn}},
		v1alpha1.ReasonBudgetExhausted:       {waitsForTurn, []string{goesOn, "sooner, if an administrator of the workspace raises spec.budget"}},
		v1alpha1.ReasonTargetBusy:            {waitsForTurn, []string{goesOn}},
		v1alpha1.ReasonRetrying:              {waitsForTurn, []string{goesOn}},
		v1alpha1.ReasonAttemptPending:        {waitsForNothing, []string{"nothing to do: wait with: kubectl ucr wait {name} -n {ns}"}},
		v1alpha1.ReasonConcluding:            {waitsForNothing, []string{"nothing to do: wait with: kubectl ucr wait {name} -n {ns}"}},

		v1alpha1.ReasonResetAccepted: {next: []string{"tell {user} to log in and to set the credential up again"}},

		v1alpha1.ReasonCreatedAfterNotAfterTime: {next: []string{again}},
		v1alpha1.ReasonRestoredFromBackup:       {next: []string{again}},
		v1alpha1.ReasonAlreadyCarriedOut:        {next: []string{"nothing to do: the reset that was wanted has been carried out", again}},
		v1alpha1.ReasonAlreadyReset:             {next: []string{"nothing to do: the reset that was wanted has been carried out", again}},

		v1alpha1.ReasonUserNotFound:       {next: []string{"look the username up in Rocket.Chat; upper and lower case count", freshUser}},
		v1alpha1.ReasonUserMismatch:       {next: []string{"look up in Rocket.Chat which of the two is meant", freshUser}},
		v1alpha1.ReasonUserFederated:      {next: []string{"ask the administrators of the server that {user} belongs to"}},
		v1alpha1.ReasonUserProtected:      {next: []string{"ask the administrator of the workspace, who protects {user}"}},
		v1alpha1.ReasonDenied:             {next: []string{"ask the approver; kubectl get ucra -n {ns} shows who it was and why"}},
		v1alpha1.ReasonRequesterUnknown:   {next: []string{again, "this plugin writes your name into the new request"}},
		v1alpha1.ReasonNotAfterTimePassed: {next: []string{again, "with a longer window, if the last one was too short: --for 8h"}},
		v1alpha1.ReasonValidityTooLong:    {next: []string{again}},
		v1alpha1.ReasonTargetChanged:      {next: []string{"make sure whom the username means now", freshUser}},
		v1alpha1.ReasonHookNotSupported:   {next: []string{"take the hook annotation out of the manifest", again}},
		v1alpha1.ReasonRefusedByServer:    {next: []string{"the operator's log names the code that Rocket.Chat gave", inspect}},
		v1alpha1.ReasonAttemptsExhausted:  {next: []string{"repair what the attempts failed for", inspect, again}},
		v1alpha1.ReasonNameAlreadyUsed:    {next: []string{again}},
		v1alpha1.ReasonTargetUnconfirmed:  {next: []string{askUser, onlyThen}},

		v1alpha1.ReasonOutcomeUnconfirmed: {next: []string{askUser, onlyThen}},
		v1alpha1.ReasonOwnResetSuspected:  {next: []string{"an administrator of the workspace checks the operator's account in Rocket.Chat and renews the Secret", askUser, onlyThen}},
		v1alpha1.ReasonRecordLost:         {next: []string{askUser, onlyThen}},
	}
}

// guideOf is the guide for the request as it is. A reason that this plugin does not
// know yet is told by the operator's own message.
func guideOf(request *v1alpha1.UserCredentialReset) guide {
	if known, ok := guides()[ReasonOf(request)]; ok {
		return known
	}
	unknown := guide{waits: waitsForTurn}
	switch request.Status.Outcome {
	case v1alpha1.OutcomeFailed, v1alpha1.OutcomeSkipped:
		unknown.next = []string{again}
	case v1alpha1.OutcomeUnconfirmed:
		unknown.next = []string{askUser, onlyThen}
	case v1alpha1.OutcomeSucceeded:
	}
	return unknown
}

// Next is what to do next about the request.
func Next(request *v1alpha1.UserCredentialReset) []string {
	at := reset.WorkspaceOf(request)
	workspace := at.Name
	if at.Namespace != request.Namespace {
		workspace += " --workspace-namespace " + at.Namespace
	}
	fill := strings.NewReplacer(
		"{name}", request.Name, "{ns}", request.Namespace, "{user}", personOf(request),
		"check {ws}", fmt.Sprintf("check %s -n %s", at.Name, at.Namespace), "{ws}", workspace, "{type}", typeWord(request.Spec.Type),
	)
	var next []string
	for _, text := range guideOf(request).next {
		next = append(next, fill.Replace(text))
	}
	return next
}

// personOf is the user as the workspace named them, or as they were asked for.
func personOf(request *v1alpha1.UserCredentialReset) string {
	if target := request.Status.Target; target != nil {
		return target.Username
	}
	return UserOf(request.Spec.User)
}

// typeWord is the type as the command line has it.
func typeWord(t v1alpha1.ResetType) string {
	if t == v1alpha1.ResetTypeE2EKey {
		return "e2e-key"
	}
	return "totp"
}

// Consequences is what a reset does to the user.
func Consequences(t v1alpha1.ResetType) []string {
	own := "removes the TOTP second factor: a password alone logs in until the user enrols again"
	if t == v1alpha1.ResetTypeE2EKey {
		own = "removes the end-to-end encryption keys: messages encrypted to them become unreadable to the user"
	}
	return []string{own, "logs the user out everywhere, deletes their personal access tokens and mails them"}
}

// PlainMessage is what the request's status says, without the command that a shell
// needs and this plugin replaces.
func PlainMessage(request *v1alpha1.UserCredentialReset) string {
	message := Shown(MessageOf(request))
	before, command, found := strings.Cut(message, ", with echo ")
	if !found {
		return message
	}
	if _, flaw, flawed := strings.Cut(command, "; the approval "); flawed {
		return before + "; the approval " + flaw
	}
	return before
}
