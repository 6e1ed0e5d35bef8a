package v1alpha1

// Condition types of a UserCredentialReset.
const (
	// ConditionSucceeded says whether the credential was reset. It is Unknown
	// while that is open, and stays Unknown where it can no longer be found out.
	// It is present from the first write.
	ConditionSucceeded = "Succeeded"

	// ConditionFinished says whether the operator is done with the request. Its
	// reason is the outcome, or InProgress before. Once True it stays True. It is
	// present from the first write.
	ConditionFinished = "Finished"
)

// Condition types of a RocketChatWorkspace.
const (
	// ConditionReady says whether resets can be carried out through the
	// workspace. It is present from the first write.
	ConditionReady = "Ready"
)

// Condition types of both kinds, with the meaning that kstatus gives them.
const (
	// ConditionReconciling says that the operator will look again by itself. It
	// is present only while it is True.
	ConditionReconciling = "Reconciling"

	// ConditionStalled says that nothing more happens until a person acts. It is
	// present only while it is True.
	ConditionStalled = "Stalled"
)

// Reasons of Finished beside the outcomes.
const (
	// ReasonInProgress is the reason of Finished while the request is open.
	ReasonInProgress = "InProgress"
)

// Reasons of a request that waits for a person: Succeeded is Unknown, Finished
// is False, Reconciling is True.
const (
	// ReasonAwaitingApproval means that the workspace requires approval for the request's type and no approval that counts is there.
	ReasonAwaitingApproval = "AwaitingApproval"
	// ReasonWorkspaceSuspended means that the workspace's spec.suspend is true.
	ReasonWorkspaceSuspended = "WorkspaceSuspended"
	// ReasonSecondFactorRequired means that the operator's account is asked for a code that only a person can obtain.
	ReasonSecondFactorRequired = "SecondFactorRequired"
)

// Reasons of a request that waits for something to be repaired or to become
// free: Succeeded is Unknown, Finished is False, Reconciling is True.
const (
	// ReasonWorkspaceNotAvailable means that the workspace does not exist or is not shared with the request's namespace.
	ReasonWorkspaceNotAvailable = "WorkspaceNotAvailable"
	// ReasonWorkspaceNotReady means that the workspace cannot be used at present; its Ready condition says why.
	ReasonWorkspaceNotReady = "WorkspaceNotReady"
	// ReasonTypeNotAllowed means that the workspace's allowedTypes do not list the request's type.
	ReasonTypeNotAllowed = "TypeNotAllowed"
	// ReasonTypeNotAvailable means that the credential is switched off in the settings of Rocket.Chat.
	ReasonTypeNotAvailable = "TypeNotAvailable"
	// ReasonPermissionMissing means that the operator's account lacks the permission in Rocket.Chat. It is also a reason of a workspace's Ready.
	ReasonPermissionMissing = "PermissionMissing"
	// ReasonRateLimited means that Rocket.Chat accepts no more calls for the moment.
	ReasonRateLimited = "RateLimited"
	// ReasonBudgetExhausted means that the workspace's budget of resets is used up for the moment.
	ReasonBudgetExhausted = "BudgetExhausted"
	// ReasonTargetBusy means that another request for the same user and type is open or has just been lost.
	ReasonTargetBusy = "TargetBusy"
	// ReasonRetrying means that the last try provably did nothing and another one follows.
	ReasonRetrying = "Retrying"
	// ReasonAttemptPending means that an attempt is being carried out.
	ReasonAttemptPending = "AttemptPending"
	// ReasonConcluding means that the request is about to end without a reset, once it is sure that no attempt is being made for it.
	ReasonConcluding = "Concluding"
)

// Reasons of a request that was carried out: Succeeded and Finished are True, the
// outcome is Succeeded.
const (
	// ReasonResetAccepted means that the workspace confirmed the reset.
	ReasonResetAccepted = "ResetAccepted"
)

// Reasons of a request for which there is nothing to do: Succeeded is False,
// Finished is True, the outcome is Skipped.
const (
	// ReasonCreatedAfterNotAfterTime means that the request was created after its own notAfterTime, as a replay from Git or a backup is.
	ReasonCreatedAfterNotAfterTime = "CreatedAfterNotAfterTime"
	// ReasonRestoredFromBackup means that a backup tool created the request.
	ReasonRestoredFromBackup = "RestoredFromBackup"
	// ReasonAlreadyCarriedOut means that an earlier request of the same name reset the same credential of the same user.
	ReasonAlreadyCarriedOut = "AlreadyCarriedOut"
	// ReasonAlreadyReset means that another request reset the same credential of the same user after this one was created.
	ReasonAlreadyReset = "AlreadyReset"
)

// Reasons of a request that provably reset nothing: Succeeded is False,
// Finished and Stalled are True, the outcome is Failed.
const (
	// ReasonUserNotFound means that the workspace has no such user; usernames are compared in their exact spelling.
	ReasonUserNotFound = "UserNotFound"
	// ReasonUserMismatch means that the username and the id of the request belong to different users.
	ReasonUserMismatch = "UserMismatch"
	// ReasonUserFederated means that the user belongs to another server, where Rocket.Chat resets nothing.
	ReasonUserFederated = "UserFederated"
	// ReasonUserProtected means that the workspace's policy protects the user, or that the user is the operator's own account.
	ReasonUserProtected = "UserProtected"
	// ReasonDenied means that an approver denied the request.
	ReasonDenied = "Denied"
	// ReasonRequesterUnknown means that the workspace requires approval and the request does not say who asks.
	ReasonRequesterUnknown = "RequesterUnknown"
	// ReasonNotAfterTimePassed means that notAfterTime came before the reset could be carried out.
	ReasonNotAfterTimePassed = "NotAfterTimePassed"
	// ReasonValidityTooLong means that notAfterTime is more than seven days after the creation of the request.
	ReasonValidityTooLong = "ValidityTooLong"
	// ReasonTargetChanged means that the user or the host is no longer the one that the request was first resolved to.
	ReasonTargetChanged = "TargetChanged"
	// ReasonHookNotSupported means that the request was created as a hook of Argo CD or Helm, which would create it anew at every sync.
	ReasonHookNotSupported = "HookNotSupported"
	// ReasonRefusedByServer means that Rocket.Chat refused the reset for good.
	ReasonRefusedByServer = "RefusedByServer"
	// ReasonAttemptsExhausted means that five attempts provably did nothing.
	ReasonAttemptsExhausted = "AttemptsExhausted"
	// ReasonNameAlreadyUsed means that an earlier request had this name, for something else or without success.
	ReasonNameAlreadyUsed = "NameAlreadyUsed"
	// ReasonTargetUnconfirmed means that another reset of the same credential of the same user was lost while this request waited.
	ReasonTargetUnconfirmed = "TargetUnconfirmed"
)

// Reasons of a request whose reset may or may not have happened: Succeeded is
// Unknown, Finished and Stalled are True, the outcome is Unconfirmed.
const (
	// ReasonOutcomeUnconfirmed means that the workspace was called and gave no answer that proves anything.
	ReasonOutcomeUnconfirmed = "OutcomeUnconfirmed"
	// ReasonOwnResetSuspected means that the operator's own account seems to have been reset instead of the user. It is also a reason of a workspace's Ready.
	ReasonOwnResetSuspected = "OwnResetSuspected"
	// ReasonRecordLost means that something was attempted, but its record is gone.
	ReasonRecordLost = "RecordLost"
)

// Reasons of a workspace's Ready condition.
const (
	// ReasonProbing means that the workspace has not been probed yet: Ready is Unknown, Reconciling is True.
	ReasonProbing = "Probing"
	// ReasonSecretNotFound means that the Secret does not exist: Ready is False, Reconciling is True.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonServerUnreachable means that the server could not be reached or did not answer as Rocket.Chat does: Ready is False, Reconciling is True.
	ReasonServerUnreachable = "ServerUnreachable"
	// ReasonSecretTypeWrong means that the Secret is of another type and was not read: Ready is False, Stalled is True.
	ReasonSecretTypeWrong = "SecretTypeWrong"
	// ReasonSecretInvalid means that a key of the Secret is missing, unknown or unusable: Ready is False, Stalled is True.
	ReasonSecretInvalid = "SecretInvalid"
	// ReasonTokenRejected means that Rocket.Chat does not accept the token, or that its account cannot be used: Ready is False, Stalled is True.
	ReasonTokenRejected = "TokenRejected"
	// ReasonEmailCodeRequired means that the account is asked for a code that was mailed to it: Ready is False, Stalled is True.
	ReasonEmailCodeRequired = "EmailCodeRequired"
	// ReasonSecondFactorRejected means that Rocket.Chat did not accept the account's second factor: Ready is False, Stalled is True.
	ReasonSecondFactorRejected = "SecondFactorRejected"
	// ReasonBypassTokenIgnored means that Rocket.Chat 8.5.0 and 8.5.1 ignore tokens that bypass the second factor: Ready is False, Stalled is True.
	ReasonBypassTokenIgnored = "BypassTokenIgnored"
	// ReasonApprovalPolicyMissing means that a type requires approval, and nothing in the cluster keeps people from writing another name than their own into requests and approvals: Ready is False, Stalled is True.
	ReasonApprovalPolicyMissing = "ApprovalPolicyMissing"
	// ReasonSuspended means that spec.suspend is true: Ready is False, and neither Reconciling nor Stalled is present.
	ReasonSuspended = "Suspended"
	// ReasonConnected means that resets can be carried out: Ready is True.
	ReasonConnected = "Connected"
)

// Reasons of an attempt in a ResetRecord that no condition has. Beside these, an
// attempt has the reason of the condition that follows from it.
const (
	// ReasonConnectionFailed means that no connection to the workspace was obtained.
	ReasonConnectionFailed = "ConnectionFailed"
	// ReasonSendDeadlinePassed means that the call was not sent because its time was up.
	ReasonSendDeadlinePassed = "SendDeadlinePassed"
	// ReasonNotBegun means that the operator gave up before it began the call.
	ReasonNotBegun = "NotBegun"
	// ReasonMailFailed means that Rocket.Chat could not mail the user, and therefore did nothing.
	ReasonMailFailed = "MailFailed"
	// ReasonCodeRefused means that Rocket.Chat refused a code made from the Secret's totpSecret for the first time, and the code of a later time step is still to be tried.
	ReasonCodeRefused = "CodeRefused"
)
