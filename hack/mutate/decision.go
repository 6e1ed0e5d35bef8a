package main

// decisions are mutations of what is decided about a request.
func decisions() []mutation {
	const (
		classify = "internal/reset/classify.go"
		decide   = "internal/reset/decide.go"
		target   = "internal/reset/target.go"
		health   = "internal/reset/health.go"

		conclusion = "internal/reset/conclusion.go"
	)
	return []mutation{
		{
			"all requests that wait look again when the limiter lets calls pass", oneCall, decide,
			`decision, _ := report(v1alpha1.ReasonRateLimited)`, `decision, _ := reportAfter(v1alpha1.ReasonRateLimited, closed)`, resetTests(),
		},
		{
			"an answer that nobody knows is proof", closedList, classify,
			`	if isLimiter(answer) {
		return v1alpha1.ReasonRateLimited
	}
	return ""
}`, `	if isLimiter(answer) {
		return v1alpha1.ReasonRateLimited
	}
	return v1alpha1.ReasonRefusedByServer
}`, resetTests(),
		},
		{
			"a known code is proof with another status", closedList, classify,
			`	case 400:
		return proofByCode(answer)`, `	case 400, 500, 502, 503:
		return proofByCode(answer)`, resetTests(),
		},
		{
			"a known code is proof whoever says it", closedList, classify,
			`	case !answer.RocketChat:
		return ""`, `	case !answer.RocketChat && answer.Code == "":
		return ""`, resetTests(),
		},
		{
			"a lost answer is proof", closedList, classify,
			`	case AnswerLost:
		return Lost()`, `	case AnswerLost:
		return NotBegun()`, resetTests(),
		},
		{
			"a second code hides the limiter", closedList, classify,
			`answer.Code == "" && answer.TextCode == code`, `answer.TextCode == code`, resetTests(),
		},
		{
			"the own account is not looked at after a loss", noOwnReset, classify,
			`	case v1alpha1.AttemptUnconfirmed:
		return !own`, `	case v1alpha1.AttemptUnconfirmed:
		return !own && !verifiedBefore`, resetTests(),
		},
		{
			"a vanished second factor of the own account is no matter", noOwnReset, classify,
			`own.LoginRequired || (own.Answered && own.HadTOTP && !own.HasTOTP)`, `own.LoginRequired`, resetTests(),
		},
		{
			"a name is shown whatever characters it has", secrets, classify,
			`		!strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) })`, `		!strings.ContainsFunc(name, func(r rune) bool { return unicode.IsDigit(r) && unicode.IsLetter(r) })`, resetTests(),
		},
		{
			"whoever the workspace names is taken for the user", pinned, classify,
			`	case named != l.Asked:`, `	case named == "":`, resetTests(),
		},
		{
			"a fault of the look-up is a missing user", pinned, classify,
			`answer.Code == "" && answer.UserNotFound`, `answer.Code == ""`, resetTests(),
		},
		{
			"a request that is being deleted goes on", neverClaimed, decide,
			`	if !o.Request.DeletionTimestamp.IsZero() {`, `	if o.Request.DeletionTimestamp.IsZero() && o.Request.Name == "" {`, resetTests(),
		},
		{
			"a finished request is decided anew", finishedFree, decide,
			`	if o.Request.Status.Outcome != "" {
		return finished(o)`, `	if o.Request.Status.Outcome != "" && o.Record != nil {
		return finished(o)`, resetTests(),
		},
		{
			"a hook of Helm is carried out", neverClaimed, decide,
			`argo || helm`, `argo || helm && argo`, resetTests(),
		},
		{
			"a hook is carried out", neverClaimed, decide,
			`recorded, recordLost, hook, outOfTime,`, `recorded, recordLost, outOfTime,`, resetTests(),
		},
		{
			"a restored request is carried out", neverClaimed, decide,
			`	case restored:`, `	case restored && o.Workspace == nil:`, resetTests(),
		},
		{
			"a replayed request is carried out", neverClaimed, decide,
			`	case created.After(notAfter):`, `	case created.After(notAfter.Add(MaxValidity)):`, resetTests(),
		},
		{
			"a request may be valid for ever", inTime, decide,
			`	case notAfter.Sub(created) > MaxValidity:`, `	case notAfter.Sub(created) < 0:`, resetTests(),
		},
		{
			"a request waits on after its time", inTime, decide,
			`	case o.Now.After(notAfter):`, `	case o.Now.After(notAfter.Add(MaxValidity)):`, resetTests(),
		},
		{
			"a call may outlive notAfterTime", inTime, decide,
			`o.Now.Add(RequestTimeout(o.Workspace)).After(`, `o.Now.After(`, resetTests(),
		},
		{
			"a record that is gone is no memory", onePost, decide,
			`	if o.Record == nil && (o.Attempted || o.Request.Status.RecordRef != nil) {`, `	if o.Record == nil && o.Attempted {`, resetTests(),
		},
		{
			"another attempt follows a loss", onePost, decide,
			`		case attempt.Result == v1alpha1.AttemptUnconfirmed:
			return`, `		case attempt.Result == v1alpha1.AttemptUnconfirmed && len(record.Attempts) > 1:
			return`, resetTests(),
		},
		{
			"another attempt follows an open one", onePost, decide,
			`	if OpenAttempt(o.Record) != nil {
		return reportAfter(v1alpha1.ReasonAttemptPending, recheckInterval)
	}
`, ``, resetTests(),
		},
		{
			"there is a sixth attempt", bounded, decide,
			`len(record.Attempts) >= MaxAttempts`, `len(record.Attempts) > MaxAttempts`, resetTests(),
		},
		{
			"the record of an earlier request of that name is the own one", neverClaimed, decide,
			`	if !isFor(o.Record, o.Request) {
		return recordedForAnother(o)
	}
`, ``, resetTests(),
		},
		{
			"another's late truth ends a request", onePost, decide,
			`	if o.Record != nil && isFor(o.Record, o.Request) {
		if v, final`, `	if o.Record != nil {
		if v, final`, resetTests(),
		},
		{
			"every wrong code may have been refused for its time only", bounded, classify,
			`answer.Method == "totp" && answer.FirstCode:`, `answer.Method == "totp":`, resetTests(),
		},
		{
			"the second code is tried at once", bounded, decide,
			`due = later(due, refused.Add(codePause))`, `due = later(due, refused)`, resetTests(),
		},
		{
			"a restart forgets that a code was refused", bounded, health,
			`		return Standing{CodeRefusedAt: endTime}`, `		return Standing{}`, resetTests(),
		},
		{
			"what is known to be broken is tried again", bounded, health,
			`	case h.Gates:
		return h.Reason`, `	case h.Gates && h.Reason == "":
		return h.Reason`, resetTests(),
		},
		{
			"a Secret that was refused is used again", bounded, health,
			`	return Gravest([]string{reason}) != ""`, `	return Gravest([]string{reason}) == v1alpha1.ReasonTokenRejected`, resetTests(),
		},
		{
			"a probe forgets what was refused with its Secret", bounded, health,
			`	case p.Standing.Blocked != "":`, `	case p.Standing.Blocked == v1alpha1.ReasonTokenRejected:`, resetTests(),
		},
		{
			"the user need not be the one who was asked for", pinned, target,
			`	case !matches(o.Target.Target, o.Request.Spec.User):`, `	case o.Target.UserID == "":`, resetTests(),
		},
		{
			"the user need not be the one who was shown", pinned, target,
			`shown != nil && differs(shown)`, `shown != nil && shown.UserID == ""`, resetTests(),
		},
		{
			"the user need not be the one who was recorded", pinned, target,
			`	return o.Record != nil && differs(&o.Record.Target)`, `	return false`, resetTests(),
		},
		{
			"another server is as good", pinned, target,
			`pinned.UserID != o.Target.UserID || pinned.Host != o.Target.Host`, `pinned.UserID != o.Target.UserID`, resetTests(),
		},
		{
			"a federated user is mailed", pinned, target,
			`	case o.Target.Federated:`, `	case o.Target.Federated && o.Target.UserID == "":`, resetTests(),
		},
		{
			"a protected user is reset", pinned, target,
			`	case isProtected(o):`, `	case isProtected(o) && o.Record != nil:`, resetTests(),
		},
		{
			"the own account is reset unasked", noOwnReset, target,
			`	return IsOwn(o.Health, o.Target.UserID) && !OwnAllowed(o.Workspace)`, `	return false`, resetTests(),
		},
		{
			"an open attempt on the same person is no matter", onePost, target,
			`	case slices.ContainsFunc(attempts, isOpen):
		return reportAfter(v1alpha1.ReasonTargetBusy, recheckInterval)
`, ``, resetTests(),
		},
		{
			"a young loss on the same person is no matter", onePost, target,
			`	case slices.ContainsFunc(attempts, o.isYoungLoss):
		return reportAfter(v1alpha1.ReasonTargetBusy, recheckInterval)
`, ``, resetTests(),
		},
		{
			"a loss that nobody could know of is no matter", onePost, target,
			`	case slices.ContainsFunc(attempts, o.isUnseenLoss):
		return report(v1alpha1.ReasonTargetUnconfirmed)
`, ``, resetTests(),
		},
		{
			"a reset of the same person meanwhile is done again", onePost, target,
			`	case slices.ContainsFunc(attempts, o.leavesNothing):
		return report(v1alpha1.ReasonAlreadyReset)
`, ``, resetTests(),
		},
		{
			"a claim goes on in face of a rival", onePost, conclusion,
			`decision, decided := rivals(o); decided {`, `decision, decided := rivals(o); decided && decision.After == 0 {`, resetTests(),
		},
		{
			"a claim goes on although the request is being deleted", neverClaimed, conclusion,
			`!o.Request.DeletionTimestamp.IsZero() || o.Request.Status.Outcome != "" || HasNotice(o.Request)`,
			`o.Request.Status.Outcome != "" || HasNotice(o.Request)`, resetTests(),
		},
		{
			"a claim goes on although the request has ended", finishedFree, conclusion,
			`!o.Request.DeletionTimestamp.IsZero() || o.Request.Status.Outcome != "" || HasNotice(o.Request)`,
			`!o.Request.DeletionTimestamp.IsZero() || HasNotice(o.Request)`, resetTests(),
		},
		{
			"a claim goes on although the request is about to end", finishedFree, conclusion,
			`!o.Request.DeletionTimestamp.IsZero() || o.Request.Status.Outcome != "" || HasNotice(o.Request)`,
			`!o.Request.DeletionTimestamp.IsZero() || o.Request.Status.Outcome != ""`, resetTests(),
		},
		{
			"no notice is given where others may claim", finishedFree, conclusion,
			`	if o.Record == nil {
		return true
	}`, `	if o.Record == nil {
		return false
	}`, resetTests(),
		},
		{
			"a notice does not keep the one who gave it from claiming", finishedFree, decide,
			`ready, busy, budget, retry, withdrawn,`, `ready, busy, budget, retry,`, resetTests(),
		},
	}
}

// records are mutations of what a record is and how long it is kept.
func records() []mutation {
	const (
		identity = "internal/reset/identity.go"
		record   = "internal/reset/record.go"
	)
	return []mutation{
		{
			"the name of a record forgets the namespace", onePost, identity,
			`sha256.Sum256([]byte(namespace + "/" + name))`, `sha256.Sum256([]byte("/" + name))`, resetTests(),
		},
		{
			"a record is for every request of its name", neverClaimed, identity,
			`sameName(record, request) && record.Request.UID == string(request.UID)`, `sameName(record, request)`, resetTests(),
		},
		{
			"the claim that is stored may be another's", onePost, identity,
			`attempt, claim := Attempt(stored, id), Attempt(wanted, id)`, `attempt, claim := OpenAttempt(stored), Attempt(wanted, id)`, resetTests(),
		},
		{
			"an earlier write of the claim is this one", inTime, identity,
			`attempt.StartTime.Equal(&claim.StartTime) && `, ``, resetTests(),
		},
		{
			"a claim that has ended is this one", onePost, identity,
			`claim != nil && attempt.Result == "" &&`, `claim != nil &&`, resetTests(),
		},
		{
			"a late result replaces a truth", onePost, identity,
			`	return attempt.Result == v1alpha1.AttemptUnconfirmed && attempt.LateResult == "" &&
		result.Result != v1alpha1.AttemptUnconfirmed`, `	return attempt.LateResult == "" &&
		result.Result != v1alpha1.AttemptUnconfirmed`, resetTests(),
		},
		{
			"a late result is written twice", onePost, identity,
			`	return attempt.Result == v1alpha1.AttemptUnconfirmed && attempt.LateResult == "" &&
		result.Result != v1alpha1.AttemptUnconfirmed`, `	return attempt.Result == v1alpha1.AttemptUnconfirmed &&
		result.Result != v1alpha1.AttemptUnconfirmed`, resetTests(),
		},
		{
			"an attempt of this process is given up", onePost, record,
			`		case o.Held:`, `		case o.Held && o.Watched < watchBeforeGivingUp:`, resetTests(),
		},
		{
			"an attempt of another process is given up at once", noLies, record,
			`o.Watched >= watchBeforeGivingUp ||`, `o.Watched >= 0 ||`, resetTests(),
		},
		{
			"a record goes before a replay could come", onePost, record,
			`	return later(last.Add(o.Retention), notAfter.Add(keepAfterNotAfter))`, `	return last.Add(o.Retention)`, resetTests(),
		},
		{
			"a record with an open attempt goes", onePost, record,
			`if open := OpenAttempt(o.Record); open != nil {`, `if open := OpenAttempt(o.Record); open != nil && expiry(o).After(o.Now) {`, resetTests(),
		},
	}
}
