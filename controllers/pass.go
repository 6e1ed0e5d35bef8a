package controllers

import (
	"context"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/gate"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat"
)

// The bounds of a pass. With the workspace's own time-out of at most 15 s they
// add up to 29 s, writing the result aside.
const (
	brakesTimeout     = 3 * time.Second // live reads of request, workspace and Secret
	claimTimeout      = 3 * time.Second // claim, and the look at what forbids its call
	catchUpTimeout    = time.Second     // until the cache has the claim
	lookUpTimeout     = 4 * time.Second // users.info
	ownAccountTimeout = 4 * time.Second // me
	writeTimeout      = 5 * time.Second // one try to write a result or a status
)

// How long before a server's limiter lets calls pass again a pass begins, for what it
// reads before its first call, and how long before that it claims. The latter is no
// more than a claim takes anyway: a process that dies between claim and call leaves an
// attempt behind whose end nobody knows.
const (
	passLead  = 50 * time.Millisecond
	claimLead = 10 * time.Millisecond
)

// pass is one uninterrupted attempt to carry a request out. It waits for nothing but
// the moment that the limiter lets its calls pass, and the stop signal does not reach
// it.
type pass struct {
	*UserCredentialResetReconciler
	*reset.Observation // what the pass knows; live from its first step on

	log    logr.Logger
	name   types.NamespacedName
	permit *gate.Permit
	server string // for which the permit is
	secret connectionSecret
	chat   chatClient
	held   holding
}

// pass carries the request out in these steps, any of which may end it: read the
// brakes live; connect; resolve the user; claim; look once more. Then it sends,
// looks at the own account where that is needed, and records the result.
func (r *UserCredentialResetReconciler) pass(ctx context.Context, observed *reset.Observation, permit *gate.Permit, server string) (reset.Decision, error) {
	p := &pass{
		UserCredentialResetReconciler: r,
		Observation:                   observed,
		log:                           ctrl.LoggerFrom(ctx),
		name:                          client.ObjectKeyFromObject(observed.Request),
		permit:                        permit,
		server:                        server,
	}
	defer p.close()
	ctx = context.WithoutCancel(ctx)
	for _, step := range []func(context.Context) (*reset.Decision, error){
		p.readBrakes, p.connect, p.untilOpen(rocketchat.RouteUserInfo, 0), p.resolve, p.untilOpen(p.route(), claimLead), p.claim,
	} {
		if decision, err := step(ctx); decision != nil || err != nil {
			return deref(decision), err
		}
	}
	p.pause(min(p.permit.Closed(p.route()), claimLead))
	result, withheld := p.checkClaim(ctx)
	if !withheld {
		result = p.send(ctx)
	}
	p.end(result)
	if !withheld {
		p.checkOwnAccount(ctx)
	}
	p.permit.Release() // who comes next need not wait until the result is recorded
	return p.record(ctx)
}

func (p *pass) close() {
	if p.chat != nil {
		p.chat.Close()
	}
}

func deref(decision *reset.Decision) reset.Decision {
	if decision == nil {
		return reset.Decision{Step: reset.StepNone}
	}
	return *decision
}

// proceed decides anew and returns the decision if it is not to go on.
func (p *pass) proceed() *reset.Decision {
	p.Now = p.clock.Now()
	decision := reset.Decide(*p.Observation)
	if decision.Step == reset.StepAttempt {
		return nil
	}
	return &decision
}

// again ends the pass after a try in vain that left no trace.
func (p *pass) again() *reset.Decision {
	p.tries.fail(p.name, p.Health.SecretVersion, p.clock.Now())
	p.RetryAfter = p.tries.after(p.name, p.Health.SecretVersion)
	if decision := p.proceed(); decision != nil {
		return decision
	}
	return &reset.Decision{Step: reset.StepNone, After: conflictPause}
}

// connect makes sure that the Secret is the one that was probed: with any other
// one, it is not known where the permit leads and what was refused before.
func (p *pass) connect(ctx context.Context) (*reset.Decision, error) {
	if p.secret.connection == nil || p.secret.version != p.Health.SecretVersion || p.secret.connection.Server() != p.server {
		p.workspaces.wake(workspaceName(p.Request))
		return &reset.Decision{Step: reset.StepNone, After: 15 * time.Second}, nil
	}
	standing, err := p.standing(ctx, workspaceName(p.Request), p.secret)
	if err != nil {
		return nil, err
	}
	p.Health = p.Health.With(standing)
	if decision := p.proceed(); decision != nil {
		return decision, nil
	}
	p.chat = p.dial(p.secret.connection)
	return nil, nil //nolint:nilnil // no decision means: go on
}

// route is that of the reset.
func (p *pass) route() string {
	if p.Request.Spec.Type == v1alpha1.ResetTypeE2EKey {
		return rocketchat.RouteResetE2EKey
	}
	return rocketchat.RouteResetTOTP
}

// untilOpen waits until so long before a limiter lets calls of the route pass, which is
// soon, as the permit was given shortly before. The limiters of the two routes count by
// themselves, from the first call of each: the look-up may be made a little before the
// reset.
func (p *pass) untilOpen(route string, before time.Duration) func(context.Context) (*reset.Decision, error) {
	return func(context.Context) (*reset.Decision, error) {
		closed := p.permit.Closed(route)
		if closed > passLead {
			return &reset.Decision{Step: reset.StepAttempt}, nil // it was closed since: ask for a permit again
		}
		p.pause(closed - before)
		return nil, nil
	}
}

// resolve asks the workspace whom the request means, in every pass anew.
func (p *pass) resolve(ctx context.Context) (*reset.Decision, error) {
	ctx, cancel := context.WithTimeout(ctx, lookUpTimeout)
	defer cancel()
	wanted := p.Request.Spec.User
	lookUp, key := p.chat.UserByUsername, wanted.Username
	if wanted.ID != "" {
		lookUp, key = p.chat.UserByID, wanted.ID
	}
	user, err := lookUp(ctx, key)
	answer := answerOf(err)
	switch reset.ClassifyLookUp(answer, reset.Look{ByID: wanted.ID != "", Asked: key, ID: user.ID, Username: user.Username}) {
	case reset.ResolutionFound:
		p.Target = &reset.Resolved{
			Target:    v1alpha1.Target{Host: p.secret.connection.Host(), UserID: user.ID, Username: user.Username},
			Federated: user.Federated,
		}
	case reset.ResolutionNotFound:
		return &reset.Decision{Step: reset.StepReport, Verdict: reset.VerdictOf(v1alpha1.ReasonUserNotFound)}, nil
	case reset.ResolutionRateLimited:
		return &reset.Decision{Step: reset.StepAttempt}, nil
	case reset.ResolutionConnection:
		p.doubt(reset.Doubted(answer))
		fallthrough
	case reset.ResolutionRetry:
		p.log.Info("The user could not be looked up", "error", errorText(err), "workspace", workspaceName(p.Request).String())
		return p.again(), nil
	}
	rivals, err := listRivals(ctx, p.kube, user.ID)
	if err != nil {
		return nil, err
	}
	p.Rivals = rivals
	return p.proceed(), nil
}

// doubt stops everybody at once from using a connection that has just failed, and
// has the workspace probed, which confirms that or lifts it.
func (p *pass) doubt(reason string) {
	p.Health.Reason, p.Health.Gates = reason, true
	p.board.publish(workspaceName(p.Request), p.Health)
	p.workspaces.wake(workspaceName(p.Request))
}

// checkClaim looks, now that the claim is stored, for what forbids the call: others
// who are about to reset the same credential (who sees another yields), or who end
// the request, its deletion, or an approver who changed their mind.
func (p *pass) checkClaim(ctx context.Context) (reset.Result, bool) {
	ctx, cancel := context.WithTimeout(ctx, claimTimeout-p.clock.since(p.held.claimBegan))
	defer cancel()
	var request v1alpha1.UserCredentialReset
	var gone error
	if err := p.atOnce(func() error { return p.readRivals(ctx) }, func() error {
		gone = p.live.Get(ctx, p.name, &request)
		return nil
	}); err != nil {
		p.log.Error(err, "The attempt is given up before its call")
		return reset.NotBegun(), true
	}
	if gone != nil || request.UID != p.Request.UID {
		p.log.Info("The request is gone before its call", "error", errorText(gone))
		return reset.NotBegun(), true
	}
	if err := p.readApprovals(ctx); err != nil {
		p.log.Error(err, "The attempt is given up before its call")
		return reset.NotBegun(), true
	}
	p.Request, p.Now = &request, p.clock.Now()
	return reset.Claimed(*p.Observation)
}

// readRivals lists the records of the same user as they were stored when this claim
// was, or later. The cache serves for that once it has the claim itself: a watch tells
// in the order of storing, so it has all that was stored before. Who claims later sees
// this claim in the same way. The API server, which is asked if the cache lags, looks
// through all records for those of a user.
func (p *pass) readRivals(ctx context.Context) error {
	waiting, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	reader := p.live
	if p.catchUp(waiting, p.held) {
		reader = p.kube
	}
	var err error
	p.Rivals, err = listRivals(ctx, reader, p.Target.UserID)
	return err
}

// send makes the call. It is the only place from which a reset goes out.
func (p *pass) send(ctx context.Context) reset.Result {
	p.held.stage = stageBegun
	p.holdings.put(p.held)
	call := p.chat.ResetTOTP
	if p.route() == rocketchat.RouteResetE2EKey {
		call = p.chat.ResetE2EKey
	}
	err := call(ctx, rocketchat.Reset{
		UserID:   p.Target.UserID,
		Timeout:  reset.RequestTimeout(p.Workspace),
		MaySend:  p.maySend,
		AllowOwn: reset.OwnAllowed(p.Workspace),
	})
	if err != nil {
		p.log.Info("The workspace did not confirm the reset", "error", err.Error(), "attempt", p.held.id)
	}
	answer := answerOf(err)
	answer.FirstCode = p.secret.connection.MakesCodes() && p.Health.CodeRefusedAt.IsZero()
	return reset.Classify(answer)
}

// maySend refuses a call whose time is over. How long ago the claim was begun is
// measured by the monotonic clock and by the wall clock: the process may have been
// stopped for a while, or the machine. notAfterTime is judged as everywhere else by
// the API server's clock: a machine whose own is wrong would claim what it then
// never sends.
func (p *pass) maySend() error {
	now, began := p.clock.Local(), p.held.claimBegan
	late := now.Sub(began) > reset.SendWindow || now.Round(0).Sub(began.Round(0)) > reset.SendWindow ||
		p.clock.Now().After(p.Request.Spec.NotAfterTime.Time)
	if late {
		return errTooLate
	}
	return nil
}

// end notes the result, first of all in the log. Who comes next with a Secret that
// was refused must know it before the permit is free again.
func (p *pass) end(result reset.Result) {
	p.held = p.held.ended(result, p.clock.Now())
	p.auditAttempt(auditAttemptEnded, "Attempt ended", p.held)
	p.holdings.put(p.held)
	standing := reset.StandingAfter(result.Reason, p.held.endTime)
	if p.secret.connection.IsGoodOnce() && result.Result != v1alpha1.AttemptNotSent {
		standing = standing.And(reset.CodeUsedUp())
	}
	if standing != (reset.Standing{}) {
		p.board.noteStanding(workspaceName(p.Request), p.secret.version, standing)
		p.Health = p.Health.With(standing)
	}
	if !standing.CodeRefusedAt.IsZero() {
		p.board.publish(workspaceName(p.Request), p.Health) // nobody else spends the second try before its time
	}
}

// checkOwnAccount finds out whether the call hit the operator's own account
// instead of the user.
func (p *pass) checkOwnAccount(ctx context.Context) {
	workspace, own := workspaceName(p.Request), reset.IsOwn(p.Health, p.Target.UserID)
	verified := p.board.isVerified(workspace, p.secret.version)
	if !reset.NeedsOwnCheck(p.held.result, verified, own) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, ownAccountTimeout)
	defer cancel()
	account, err := p.chat.Me(ctx)
	answer := answerOf(err)
	seen := reset.OwnAccount{
		Answered:      answer.Kind == reset.AnswerConfirmed,
		LoginRequired: answer.LoginRequired,
		HadTOTP:       p.Health.AccountHasTOTP,
		HasTOTP:       account.TOTP,
	}
	if result := reset.AfterOwnCheck(p.held.result, seen); result != p.held.result {
		p.end(result)
		return
	}
	if seen.Answered && p.held.result.Result == v1alpha1.AttemptSucceeded {
		p.board.verify(workspace, p.secret.version)
	}
}

// record writes the result and decides what follows from it.
func (p *pass) record(ctx context.Context) (reset.Decision, error) {
	record, err := p.recordResult(ctx, p.held)
	if err != nil {
		return reset.Decision{}, err
	}
	p.tries.forget(p.name)
	if reset.DoubtsWorkspace(p.held.result) || reset.IsOwn(p.Health, p.Target.UserID) || p.secret.connection.IsGoodOnce() {
		p.workspaces.wake(workspaceName(p.Request))
	}
	if record == nil {
		return reset.Decision{Step: reset.StepNone}, nil // the request's status has the result
	}
	p.Record, p.Now = record, p.clock.Now()
	return reset.Decide(*p.Observation), nil
}
