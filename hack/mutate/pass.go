package main

// passTests are those of the reconcilers that look at one thing each.
func passTests() tests {
	return tests{pkg: "controllers", flags: "-test.skip=^TestEverySchedule$"}
}

// scheduleTests are schedules of the reconcilers, as many as it takes.
func scheduleTests() tests {
	return tests{pkg: "controllers", run: "^TestEverySchedule$", flags: "-explore.schedules=1500 -test.skip=^TestEverySchedule$/^calm"}
}

// passes are mutations of how a request is carried out.
func passes() []mutation {
	const (
		brakes   = "controllers/brakes.go"
		answer   = "controllers/answer.go"
		claim    = "controllers/claim.go"
		pass     = "controllers/pass.go"
		request  = "controllers/usercredentialreset_controller.go"
		record   = "controllers/resetrecord_controller.go"
		holdings = "controllers/holdings.go"
	)
	return append(settlements(), []mutation{
		{
			"a code that a person typed is used twice", bounded, pass,
			`p.secret.connection.IsGoodOnce() && result.Result`, `!p.secret.connection.IsGoodOnce() && result.Result`, passTests(),
		},
		{
			"a code that was used is forgotten with the process", bounded, "controllers/index.go",
			`		if len(used) > 0 {`, `		if len(used) > 99 {`, passTests(),
		},
		{
			"a probe's limiter closes the way for resets", oneCall, "controllers/chatclient.go",
			`	return o.probes
`, `	return o.gate
`, passTests(),
		},
		{
			"probes of a server are made at the same time", oneCall, "controllers/rocketchatworkspace_controller.go",
			`	defer permit.Release()
`, `	permit.Release()
`, passTests(),
		},
		{
			"who is woken waits behind those that merely wait to be looked at", oneCall, "controllers/operator.go",
			`AddOpts{Priority: new(wokenPriority)}`, `AddOpts{}`, passTests(),
		},
		{
			"the call is made although the claim was not answered", onePost, claim,
			`		p.log.Error(err, "The claim was not answered", "attempt", p.held.id, "readBack", errorText(readErr))
		return p.unanswered(), nil`, `		p.claimed(record)
		return nil, nil`, passTests(),
		},
		{
			"the call is made although another's claim is stored", onePost, claim,
			`	case reset.IsSameClaim(stored, wanted, p.held.id):`, `	case reset.OpenAttempt(stored) != nil:`, passTests(),
		},
		{
			"a claim that was not answered is forgotten", onePost, claim,
			`	p.held.unanswered = true
	p.holdings.put(p.held)
`, `	p.holdings.drop(p.held)
`, passTests(),
		},
		{
			"a later claim does not say what it follows", onePost, claim,
			`	return p.kube.Update(ctx, record)`, `	var stored v1alpha1.ResetRecord
	if err := p.live.Get(ctx, client.ObjectKeyFromObject(record), &stored); err != nil {
		return err
	}
	record.ResourceVersion = stored.ResourceVersion
	return p.kube.Update(ctx, record)`, passTests(),
		},
		{
			"a stop cuts the pass", noLies, pass,
			`	ctx = context.WithoutCancel(ctx)
	for _, step`, `	for _, step`, passTests(),
		},
		{
			"nobody looks once more after the claim", onePost, pass,
			`	result, withheld := p.checkClaim(ctx)
`, `	var result reset.Result
	withheld := ctx.Err() != nil
`, passTests(),
		},
		{
			"rivals are looked for in the cache only", onePost, pass,
			`	if p.catchUp(waiting, p.held) {`, `	if p.catchUp(waiting, p.held) || p.catchUp != nil {`, passTests(),
		},
		{
			"rivals that cannot be listed are none", onePost, pass,
			`	p.Rivals, err = listRivals(ctx, reader, p.Target.UserID)
	return err`, `	p.Rivals, _ = listRivals(ctx, reader, p.Target.UserID)
	return err`, passTests(),
		},
		{
			"a cache that lags is taken for one that has the claim", onePost, "controllers/ledger.go",
			`	case <-ctx.Done():
		return false`, `	case <-ctx.Done():
		return true`, passTests(),
		},
		{
			"the informer need not have told of the claim", onePost, "controllers/ledger.go",
			`	if own := l.own[attemptID]; own != nil {
		return own.told`, `	if own := l.own[attemptID]; own != nil && own.counted {
		return own.told`, passTests(),
		},
		{
			"a request that is gone is carried out", neverClaimed, pass,
			`		p.log.Info("The request is gone before its call", "error", errorText(gone))
		return reset.NotBegun(), true`, `		return reset.Claimed(*p.Observation)`, passTests(),
		},
		{
			"a notice is looked for in the cache only", finishedFree, pass,
			`		gone = p.live.Get(ctx, p.name, &request)`, `		gone = p.kube.Get(ctx, p.name, &request)`, passTests(),
		},
		{
			"a deleted request is seen by the cache only", neverClaimed, brakes,
			`	err := p.live.Get(ctx, p.name, &request)`, `	err := p.kube.Get(ctx, p.name, &request)`, passTests(),
		},
		{
			"a suspension is seen by the cache only", bounded, brakes,
			`p.readWorkspace(ctx, p.live, p.Request)`, `p.readWorkspace(ctx, p.kube, p.Request)`, passTests(),
		},
		{
			"a request that was created anew is taken for the one before", neverClaimed, brakes,
			` || (err == nil && request.UID != p.Request.UID)`, ``, passTests(),
		},
		{
			"a Secret that was not probed is used", bounded, pass,
			`p.secret.version != p.Health.SecretVersion ||`, ``, passTests(),
		},
		{
			"a Secret that was refused is used by a pass", bounded, pass,
			`	p.Health = p.Health.With(standing)
	if decision`, `	_ = standing
	if decision`, passTests(),
		},
		{
			"the user is looked up and not judged", pinned, pass,
			`	p.Rivals = rivals
	return p.proceed(), nil`, `	p.Rivals = rivals
	return nil, nil`, passTests(),
		},
		{
			"a call is not known to have been begun", onePost, pass,
			`	p.held.stage = stageBegun
	p.holdings.put(p.held)
`, `	p.held.stage = stageBegun
`, scheduleTests(),
		},
		{
			"nothing asks whether the time to send is over", inTime, pass,
			`		MaySend:  p.maySend,
`, ``, scheduleTests(),
		},
		{
			"a process that was stopped sends late", inTime, pass,
			`late := now.Sub(began) > reset.SendWindow || now.Round(0).Sub(began.Round(0)) > reset.SendWindow ||`, `late := now.Before(began) ||`, scheduleTests(),
		},
		{
			"a call is sent after notAfterTime", inTime, pass,
			`		p.clock.Now().After(p.Request.Spec.NotAfterTime.Time)
`, `		p.clock.Now().IsZero()
`, passTests(),
		},
		{
			"a result is written before the log tells of it", noLies, pass,
			`	p.auditAttempt(auditAttemptEnded, "Attempt ended", p.held)
`, ``, scheduleTests(),
		},
		{
			"the next one does not learn of a Secret that was refused", bounded, pass,
			`		p.board.noteStanding(workspaceName(p.Request), p.secret.version, standing)
`, ``, passTests(),
		},
		{
			"the own account is not looked at", noOwnReset, pass,
			`	if !withheld {
		p.checkOwnAccount(ctx)
	}
`, ``, passTests(),
		},
		{
			"a lost connection is taken for none", closedList, answer,
			`		case failure.Connected:`, `		case failure.Connected && errors.Is(err, errTooLate):`, passTests(),
		},
		{
			"every answer is called Rocket.Chat's", closedList, answer,
			`failure.RocketChat,`, `failure.Status != 0,`, passTests(),
		},
		{
			"a Secret of another type is read", secrets, "controllers/secret.go",
			`	if secret.Type != SecretType {`, `	if secret.Type == "" {`, passTests(),
		},
		{
			"a request is decided before its last attempt is settled", onePost, request,
			`	if err := r.settle(ctx, request.NamespacedName); err != nil {`, `	if err := r.settle(ctx, request.NamespacedName); err != nil && ctx.Err() != nil {`, passTests(),
		},
		{
			"a record that the cache does not know is lost", onePost, request,
			`		err = r.live.Get(ctx, key, &record)
	}`, `		err = r.kube.Get(ctx, key, &record)
	}`, passTests(),
		},
		{
			"a request is denied on an old record", finishedFree, request,
			`	if decision.Step != reset.StepReport || !reset.DeniesReset(decision.Verdict) {`, `	if decision.Step != reset.StepReport || reset.DeniesReset(decision.Verdict) {`, passTests(),
		},
		{
			"a status is decided on an old one", finishedFree, request,
			`	if r.written.isStale(`, `	if ctx.Err() != nil && r.written.isStale(`, passTests(),
		},
		{
			"a pass begins after the stop", noLies, request,
			`ctx.Err() != nil || !r.passes.begin()`, `!r.passes.begin() && ctx.Err() != nil`, passTests(),
		},
		{
			"what a pass found out is lost with the stop", noLies, request,
			`	ctx = context.WithoutCancel(ctx)
	decision, err := r.confirm`, `	decision, err := r.confirm`, passTests(),
		},
		{
			"a request ends without notice", finishedFree, request,
			`	if reset.NeedsNotice(*observed, decision.Verdict) {`, `	if ctx.Err() != nil && reset.NeedsNotice(*observed, decision.Verdict) {`, passTests(),
		},
		{
			"a record that was deleted in between is made anew", onePost, claim,
			`		p.Record, p.Attempted = nil, true
`, `		p.Record, p.Attempted = nil, false
`, passTests(),
		},
		{
			"an own attempt is taken for a dead one", onePost, record,
			`observed.Held = r.holdings.holds(open.ID)`, `observed.Held = open.ID == ""`, passTests(),
		},
		{
			"a live process is given up although it has written", onePost, record,
			`	open := reset.OpenAttempt(next)
`, `	_ = r.live.Get(ctx, client.ObjectKeyFromObject(record), next)
	open := reset.OpenAttempt(next)
`, scheduleTests(),
		},
		{
			"a record goes before its request", onePost, record,
			`err == nil && string(request.UID) == record.Request.UID`, `err == nil && string(request.UID) == ""`, passTests(),
		},
		{
			"an attempt is forgotten with its record", onePost, holdings,
			`	if request.Status.RecordRef != nil || request.Status.Outcome != "" {`, `	if request.UID != "" {`, passTests(),
		},
	}...)
}

// settlements are mutations of how a result is recorded, by whoever is left.
func settlements() []mutation {
	const (
		settle   = "controllers/settle.go"
		operator = "controllers/operator.go"
	)
	return []mutation{
		{
			"a result is written into another's attempt", onePost, settle,
			`	return []patchOperation{
		{"test", path + "/id", held.id},
		{"test", path + "/result", nil},`, `	return []patchOperation{
		{"test", path + "/result", nil},
		{"test", path + "/result", nil},`, passTests(),
		},
		{
			"a result is written over another", onePost, settle,
			`	return []patchOperation{
		{"test", path + "/id", held.id},
		{"test", path + "/result", nil},`, `	return []patchOperation{
		{"test", path + "/id", held.id},
		{"test", path + "/id", held.id},`, passTests(),
		},
		{
			"a stop costs what is owed", noLies, settle,
			`func (o *Operator) recordResult(ctx context.Context, held holding) (*v1alpha1.ResetRecord, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)`, `func (o *Operator) recordResult(ctx context.Context, held holding) (*v1alpha1.ResetRecord, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)`, passTests(),
		},
		{
			"a call that was begun is settled as never begun", closedList, settle,
			`o.cutShort(held, reset.Lost())`, `o.cutShort(held, reset.NotBegun())`, scheduleTests(),
		},
		{
			"an attempt that was cut short is settled without a word", noLies, settle,
			`	o.auditAttempt(auditAttemptEnded, "Attempt cut short", held)
`, ``, scheduleTests(),
		},
		{
			"a late truth is not recorded", noLies, settle,
			`	case reset.TakesLateResult(attempt, held.result):
`, `	case reset.TakesLateResult(attempt, held.result) && attempt.Reason == "":
`, passTests(),
		},
		{
			"a result is lost with its record", onePost, settle,
			`	if request.Status.Outcome == "" {
		next`, `	if request.Status.Outcome != "" {
		next`, passTests(),
		},
		{
			"a process drains without waiting", noLies, operator,
			`	if err := o.passes.wait(ctx); err != nil {`, `	if err := o.passes.wait(ctx); err != nil && o.passes == nil {`, passTests(),
		},
		{
			"a process drains without settling", noLies, operator,
			`	if err := o.settleAll(ctx); err != nil {`, `	if err := ctx.Err(); err != nil {`, passTests(),
		},
	}
}
