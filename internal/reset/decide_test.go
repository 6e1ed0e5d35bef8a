package reset

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

type decideCase struct {
	change func(*Observation)
	step   Step
	reason string        // of the verdict, for StepReport
	after  time.Duration // zero: not compared
}

func checkDecide(t *testing.T, base func() Observation, cases map[string]decideCase) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := base()
			if c.change != nil {
				c.change(&o)
			}
			got := Decide(o)
			if got.Step != c.step || got.Verdict.Reason != c.reason {
				t.Errorf("got step %d, reason %q; want %d, %q", got.Step, got.Verdict.Reason, c.step, c.reason)
			}
			if c.after != 0 && got.After != c.after {
				t.Errorf("looks again after %s, want %s", got.After, c.after)
			}
		})
	}
}

func TestDecideFromTheRequestItself(t *testing.T) {
	t.Parallel()
	checkDecide(t, open, map[string]decideCase{
		"a request without hindrance is attempted": {nil, StepAttempt, "", 0},
		"a request being deleted is left alone": {func(o *Observation) {
			o.Request.DeletionTimestamp = atPointer(0)
		}, StepNone, "", 0},
		"a hook of Argo CD is refused": {func(o *Observation) {
			o.Request.Annotations = map[string]string{"argocd.argoproj.io/hook": "Sync"}
		}, StepReport, v1alpha1.ReasonHookNotSupported, 0},
		"a hook of Helm is refused": {func(o *Observation) {
			o.Request.Annotations = map[string]string{"helm.sh/hook": "post-install"}
		}, StepReport, v1alpha1.ReasonHookNotSupported, 0},
		"a request created after its notAfterTime is skipped": {func(o *Observation) {
			o.Request.Spec.NotAfterTime = at(-2 * time.Minute)
		}, StepReport, v1alpha1.ReasonCreatedAfterNotAfterTime, 0},
		"a restored request is skipped": {func(o *Observation) {
			o.Request.Labels = map[string]string{"velero.io/restore-name": "nightly"}
		}, StepReport, v1alpha1.ReasonRestoredFromBackup, 0},
		"a restored request that is over is skipped as a replay": {func(o *Observation) {
			o.Request.Labels = map[string]string{"velero.io/restore-name": "nightly"}
			o.Request.Spec.NotAfterTime = at(-2 * time.Minute)
		}, StepReport, v1alpha1.ReasonCreatedAfterNotAfterTime, 0},
		"a request valid for seven days is attempted": {func(o *Observation) {
			o.Request.Spec.NotAfterTime = metav1.NewTime(o.Request.CreationTimestamp.Add(MaxValidity))
		}, StepAttempt, "", 0},
		"a request valid for longer fails": {func(o *Observation) {
			o.Request.Spec.NotAfterTime = metav1.NewTime(o.Request.CreationTimestamp.Add(MaxValidity + time.Second))
		}, StepReport, v1alpha1.ReasonValidityTooLong, 0},
		"a request whose time is over fails": {func(o *Observation) {
			o.Request.Spec.NotAfterTime = at(-time.Second)
		}, StepReport, v1alpha1.ReasonNotAfterTimePassed, 0},
		"a request with less than the workspace's time-out left fails": {func(o *Observation) {
			o.Request.Spec.NotAfterTime = at(9 * time.Second)
		}, StepReport, v1alpha1.ReasonNotAfterTimePassed, 0},
	})
}

func TestDecideFromTheWorkspace(t *testing.T) {
	t.Parallel()
	yes := true
	checkDecide(t, open, map[string]decideCase{
		"a missing workspace is waited for, until the time is over": {func(o *Observation) {
			o.Workspace = nil
		}, StepReport, v1alpha1.ReasonWorkspaceNotAvailable, time.Hour + time.Second},
		"a workspace that is not shared is waited for": {func(o *Observation) {
			o.Workspace.Spec.AllowedNamespaces = nil
		}, StepReport, v1alpha1.ReasonWorkspaceNotAvailable, 0},
		"a workspace shared with others is waited for": {func(o *Observation) {
			o.Workspace.Spec.AllowedNamespaces.Names = []string{"sales"}
		}, StepReport, v1alpha1.ReasonWorkspaceNotAvailable, 0},
		"a workspace in the own namespace needs no sharing": {func(o *Observation) {
			o.Workspace.Spec.AllowedNamespaces = nil
			o.Workspace.Namespace, o.Request.Namespace = "support", "support"
			o.Request.Spec.WorkspaceRef.Namespace = ""
		}, StepAttempt, "", 0},
		"a type that is not allowed is waited for": {func(o *Observation) {
			o.Workspace.Spec.AllowedTypes = []v1alpha1.ResetType{v1alpha1.ResetTypeE2EKey}
		}, StepReport, v1alpha1.ReasonTypeNotAllowed, 0},
		"a suspended workspace is waited for": {func(o *Observation) {
			o.Workspace.Spec.Suspend = &yes
		}, StepReport, v1alpha1.ReasonWorkspaceSuspended, 0},
		"before the first probe nothing is said": {func(o *Observation) {
			o.Health = Health{}
		}, StepNone, "", time.Hour + time.Second},
		"a Secret that cannot be looked at is waited for": {func(o *Observation) {
			o.Health = Unprobed(Health{})
		}, StepReport, v1alpha1.ReasonWorkspaceNotReady, 0},
		"a workspace with a rejected token is waited for": {func(o *Observation) {
			o.Health.Reason, o.Health.Gates = v1alpha1.ReasonTokenRejected, true
		}, StepReport, v1alpha1.ReasonWorkspaceNotReady, 0},
		"an account that is asked for a mailed code needs a person": {func(o *Observation) {
			o.Health.Reason, o.Health.Gates = v1alpha1.ReasonEmailCodeRequired, true
		}, StepReport, v1alpha1.ReasonSecondFactorRequired, 0},
		"a probe without an answer stops nothing": {func(o *Observation) {
			o.Health.Reason = v1alpha1.ReasonServerUnreachable
		}, StepAttempt, "", 0},
		"a missing permission stops its type": {func(o *Observation) {
			o.Health.Permitted = []v1alpha1.ResetType{v1alpha1.ResetTypeE2EKey}
		}, StepReport, v1alpha1.ReasonPermissionMissing, 0},
		"a permission that nothing is known of stops nothing": {func(o *Observation) {
			o.Health.Permitted = nil
		}, StepAttempt, "", 0},
		"no permission at all stops every type": {func(o *Observation) {
			o.Health.Permitted = []v1alpha1.ResetType{}
		}, StepReport, v1alpha1.ReasonPermissionMissing, 0},
		"a try that failed before its claim is repeated after a pause": {func(o *Observation) {
			o.RetryAfter = now().Add(20 * time.Second)
		}, StepReport, v1alpha1.ReasonRetrying, 20 * time.Second},
	})
}

func TestDecideFromTheTarget(t *testing.T) {
	t.Parallel()
	checkDecide(t, resolved, map[string]decideCase{
		"a resolved user is reset": {nil, StepAttempt, "", 0},
		"an id that belongs to another username is a mismatch": {func(o *Observation) {
			o.Request.Spec.User = v1alpha1.UserReference{Username: "bob", ID: aliceID}
		}, StepReport, v1alpha1.ReasonUserMismatch, 0},
		"a federated user cannot be reset": {func(o *Observation) {
			o.Target.Federated = true
		}, StepReport, v1alpha1.ReasonUserFederated, 0},
		"a protected user is not reset": {func(o *Observation) {
			o.Workspace.Spec.ProtectedUserIDs = []string{aliceID}
		}, StepReport, v1alpha1.ReasonUserProtected, 0},
		"the own account is protected": {func(o *Observation) {
			o.Health.AccountID = aliceID
		}, StepReport, v1alpha1.ReasonUserProtected, 0},
		"the own account may be allowed": {func(o *Observation) {
			o.Health.AccountID, o.Workspace.Spec.OwnAccount = aliceID, v1alpha1.OwnAccountAllowed
		}, StepAttempt, "", 0},
		"protected wins over allowed": {func(o *Observation) {
			o.Health.AccountID, o.Workspace.Spec.OwnAccount = aliceID, v1alpha1.OwnAccountAllowed
			o.Workspace.Spec.ProtectedUserIDs = []string{aliceID}
		}, StepReport, v1alpha1.ReasonUserProtected, 0},
		"another id than the one shown is another person": {func(o *Observation) {
			o.Request.Status.Target = &v1alpha1.Target{Host: chatHost, UserID: "earlier", Username: "alice"}
		}, StepReport, v1alpha1.ReasonTargetChanged, 0},
		"another host than the one shown is another place": {func(o *Observation) {
			o.Request.Status.Target = &v1alpha1.Target{Host: "https://old.example.com", UserID: aliceID, Username: "alice"}
		}, StepReport, v1alpha1.ReasonTargetChanged, 0},
		"another id than the one recorded is another person": {func(o *Observation) {
			o.Record = recordFor(o.Request, attempt(v1alpha1.AttemptNotSent, v1alpha1.ReasonConnectionFailed, -time.Hour))
			o.Record.Target.UserID = "earlier"
		}, StepReport, v1alpha1.ReasonTargetChanged, 0},
		"a renamed user who was asked for by id is the same person": {func(o *Observation) {
			o.Request.Spec.User = v1alpha1.UserReference{ID: aliceID}
			o.Request.Status.Target = &v1alpha1.Target{Host: chatHost, UserID: aliceID, Username: "alice.before"}
		}, StepAttempt, "", 0},
	})
}

func TestDecideFromRivals(t *testing.T) {
	t.Parallel()
	before, after := -2*time.Minute, -time.Second // the creation of the request, one minute ago
	with := func(attempts ...v1alpha1.Attempt) func(*Observation) {
		return func(o *Observation) { o.Rivals = []v1alpha1.ResetRecord{rivalWith(attempts...)} }
	}
	succeeded := func(end time.Duration) v1alpha1.Attempt {
		return attempt(v1alpha1.AttemptSucceeded, v1alpha1.ReasonResetAccepted, end)
	}
	lost := func(end time.Duration) v1alpha1.Attempt {
		return attempt(v1alpha1.AttemptUnconfirmed, v1alpha1.ReasonOutcomeUnconfirmed, end)
	}
	checkDecide(t, resolved, map[string]decideCase{
		"an open attempt is waited for":                   {with(attempt("", "", 0)), StepReport, v1alpha1.ReasonTargetBusy, recheckInterval},
		"a success before the creation changes nothing":   {with(succeeded(before)), StepAttempt, "", 0},
		"a success after the creation leaves nothing":     {with(succeeded(after)), StepReport, v1alpha1.ReasonAlreadyReset, 0},
		"a success in the second of creation is after it": {with(succeeded(-time.Minute)), StepReport, v1alpha1.ReasonAlreadyReset, 0},
		"a refusal changes nothing":                       {with(attempt(v1alpha1.AttemptRefused, v1alpha1.ReasonRateLimited, after)), StepAttempt, "", 0},
		"a young loss is waited for":                      {with(lost(after)), StepReport, v1alpha1.ReasonTargetBusy, recheckInterval},
		"a young loss before the creation, too":           {with(lost(before)), StepReport, v1alpha1.ReasonTargetBusy, recheckInterval},
		"an old loss before the creation was known": {func(o *Observation) {
			with(lost(-6 * time.Minute))(o)
		}, StepAttempt, "", 0},
		"an old loss after the creation was not": {func(o *Observation) {
			with(lost(-6 * time.Minute))(o)
			o.Request.CreationTimestamp = at(-10 * time.Minute)
		}, StepReport, v1alpha1.ReasonTargetUnconfirmed, 0},
		"the late truth of a loss is what counts": {func(o *Observation) {
			refused := lost(after)
			refused.LateResult = v1alpha1.AttemptRefused
			with(refused)(o)
		}, StepAttempt, "", 0},
		"a late success leaves nothing to do": {func(o *Observation) {
			late := lost(after)
			late.LateResult = v1alpha1.AttemptSucceeded
			with(late)(o)
		}, StepReport, v1alpha1.ReasonAlreadyReset, 0},
		"a late success while it was waited for leaves nothing, too": {func(o *Observation) {
			late := lost(before)
			late.LateResult = v1alpha1.AttemptSucceeded
			with(late)(o)
			o.Request.Status = StatusOf(o.Request, VerdictOf(v1alpha1.ReasonTargetBusy), Facts{}, now())
		}, StepReport, v1alpha1.ReasonAlreadyReset, 0},
		"a suspended workspace comes before a rival": {func(o *Observation) {
			with(attempt("", "", 0))(o)
			o.Workspace.Spec.Suspend = new(true)
		}, StepReport, v1alpha1.ReasonWorkspaceSuspended, 0},
		"another type is no rival": {func(o *Observation) {
			with(attempt("", "", 0))(o)
			o.Rivals[0].Type = v1alpha1.ResetTypeE2EKey
		}, StepAttempt, "", 0},
		"another host is no rival": {func(o *Observation) {
			with(attempt("", "", 0))(o)
			o.Rivals[0].Target.Host = "https://other.example.com"
		}, StepAttempt, "", 0},
		"the own record is no rival": {func(o *Observation) {
			own := attempt(v1alpha1.AttemptNotSent, v1alpha1.ReasonConnectionFailed, -time.Hour)
			o.Record = recordFor(o.Request, own)
			o.Rivals = []v1alpha1.ResetRecord{*o.Record}
		}, StepAttempt, "", 0},
	})
}

func TestDecideFromTheOwnRecord(t *testing.T) {
	t.Parallel()
	with := func(attempts ...v1alpha1.Attempt) func(*Observation) {
		return func(o *Observation) { o.Record = recordFor(o.Request, attempts...) }
	}
	longAgo := -time.Hour
	notSent := attempt(v1alpha1.AttemptNotSent, v1alpha1.ReasonConnectionFailed, longAgo)
	checkDecide(t, open, map[string]decideCase{
		"an open attempt is pending":   {with(attempt("", "", 0)), StepReport, v1alpha1.ReasonAttemptPending, recheckInterval},
		"a success is the end":         {with(attempt(v1alpha1.AttemptSucceeded, v1alpha1.ReasonResetAccepted, 0)), StepReport, v1alpha1.ReasonResetAccepted, 0},
		"a loss is the end":            {with(attempt(v1alpha1.AttemptUnconfirmed, v1alpha1.ReasonOutcomeUnconfirmed, longAgo)), StepReport, v1alpha1.ReasonOutcomeUnconfirmed, 0},
		"a suspected own reset is too": {with(attempt(v1alpha1.AttemptUnconfirmed, v1alpha1.ReasonOwnResetSuspected, longAgo)), StepReport, v1alpha1.ReasonOwnResetSuspected, 0},
		"a refusal for good is the end": {
			with(attempt(v1alpha1.AttemptRefused, v1alpha1.ReasonUserFederated, longAgo)),
			StepReport, v1alpha1.ReasonUserFederated, 0,
		},
		"proof lets another attempt follow": {with(notSent), StepAttempt, "", 0},
		"but not at once": {
			with(attempt(v1alpha1.AttemptNotSent, v1alpha1.ReasonConnectionFailed, -10*time.Second)),
			StepReport, v1alpha1.ReasonRetrying, 20 * time.Second,
		},
		"the second pause is longer": {
			with(notSent, attempt(v1alpha1.AttemptNotSent, v1alpha1.ReasonConnectionFailed, -10*time.Second)),
			StepReport, v1alpha1.ReasonRetrying, 110 * time.Second,
		},
		"a pause names what is waited for": {
			with(attempt(v1alpha1.AttemptRefused, v1alpha1.ReasonPermissionMissing, 0)),
			StepReport, v1alpha1.ReasonPermissionMissing, 30 * time.Second,
		},
		"after a limit the gate says when": {with(attempt(v1alpha1.AttemptRefused, v1alpha1.ReasonRateLimited, 0)), StepAttempt, "", 0},
		"after a rejected factor the Secret says when": {
			with(attempt(v1alpha1.AttemptRefused, v1alpha1.ReasonSecondFactorRejected, 0)),
			StepAttempt, "", 0,
		},
		"the next code is tried when it is another one": {func(o *Observation) {
			with(attempt(v1alpha1.AttemptRefused, v1alpha1.ReasonCodeRefused, -10*time.Second))(o)
			o.Health.CodeRefusedAt = o.Record.Attempts[0].EndTime.Time
		}, StepReport, v1alpha1.ReasonRetrying, 21 * time.Second},
		"and not before by anybody else": {
			func(o *Observation) { o.Health.CodeRefusedAt = o.Now.Add(-30 * time.Second) },
			StepReport, v1alpha1.ReasonRetrying, time.Second,
		},
		"but then":                    {func(o *Observation) { o.Health.CodeRefusedAt = o.Now.Add(-31 * time.Second) }, StepAttempt, "", 0},
		"the fifth proof is the last": {with(notSent, notSent, notSent, notSent, notSent), StepReport, v1alpha1.ReasonAttemptsExhausted, 0},
		"a fifth attempt that found nothing to do ends so": {
			with(notSent, notSent, notSent, notSent, attempt(v1alpha1.AttemptNotSent, v1alpha1.ReasonAlreadyReset, 0)),
			StepReport, v1alpha1.ReasonAlreadyReset, 0,
		},
		"an annotation added later does not undo a success": {func(o *Observation) {
			with(attempt(v1alpha1.AttemptSucceeded, v1alpha1.ReasonResetAccepted, 0))(o)
			o.Request.Annotations = map[string]string{"argocd.argoproj.io/hook": "Sync"}
		}, StepReport, v1alpha1.ReasonResetAccepted, 0},
		"proof does not prolong the time": {func(o *Observation) {
			with(notSent)(o)
			o.Request.Spec.NotAfterTime = at(-time.Second)
		}, StepReport, v1alpha1.ReasonNotAfterTimePassed, 0},
		"a record that the status knows and that is gone is lost": {func(o *Observation) {
			o.Request.Status.RecordRef = &v1alpha1.RecordReference{Name: "gone"}
		}, StepReport, v1alpha1.ReasonRecordLost, 0},
	})
}

func TestDecideFromTheRecordOfAnEarlierRequest(t *testing.T) {
	t.Parallel()
	earlier := func(change func(*v1alpha1.ResetRecord), attempts ...v1alpha1.Attempt) func(*Observation) {
		return func(o *Observation) {
			o.Record = recordFor(o.Request, attempts...)
			o.Record.Request.UID = "uid-0"
			if change != nil {
				change(o.Record)
			}
		}
	}
	succeeded := attempt(v1alpha1.AttemptSucceeded, v1alpha1.ReasonResetAccepted, -time.Hour)
	lost := attempt(v1alpha1.AttemptUnconfirmed, v1alpha1.ReasonOutcomeUnconfirmed, -time.Hour)
	lateTruth := lost
	lateTruth.LateResult = v1alpha1.AttemptSucceeded
	checkDecide(t, open, map[string]decideCase{
		"what was carried out is not done again": {earlier(nil, succeeded), StepReport, v1alpha1.ReasonAlreadyCarriedOut, 0},
		"a late success counts":                  {earlier(nil, lateTruth), StepReport, v1alpha1.ReasonAlreadyCarriedOut, 0},
		"what is open is waited for":             {earlier(nil, attempt("", "", 0)), StepReport, v1alpha1.ReasonTargetBusy, 0},
		"what was lost stays lost":               {earlier(nil, lost), StepReport, v1alpha1.ReasonOutcomeUnconfirmed, 0},
		"a name under which nothing was done is used": {
			earlier(nil, attempt(v1alpha1.AttemptRefused, v1alpha1.ReasonRateLimited, 0)),
			StepReport, v1alpha1.ReasonNameAlreadyUsed, 0,
		},
		"a success for another user is not this one": {
			earlier(func(r *v1alpha1.ResetRecord) { r.Target.Username = "bob" }, succeeded),
			StepReport, v1alpha1.ReasonNameAlreadyUsed, 0,
		},
		"a success of another type is not this one": {
			earlier(func(r *v1alpha1.ResetRecord) { r.Type = v1alpha1.ResetTypeE2EKey }, succeeded),
			StepReport, v1alpha1.ReasonNameAlreadyUsed, 0,
		},
		"a success in another workspace is not this one": {
			earlier(func(r *v1alpha1.ResetRecord) { r.Workspace.Namespace = "other" }, succeeded),
			StepReport, v1alpha1.ReasonNameAlreadyUsed, 0,
		},
		"a record under the wrong name is never claimed": {
			earlier(func(r *v1alpha1.ResetRecord) { r.Request.Name = "other" }, succeeded),
			StepReport, v1alpha1.ReasonNameAlreadyUsed, 0,
		},
	})
}

func TestDecideForAFinishedRequest(t *testing.T) {
	t.Parallel()
	ended := func(reason string) func() Observation {
		return func() Observation {
			o := open()
			o.Request.Status = StatusOf(o.Request, VerdictOf(reason), Facts{}, now())
			return o
		}
	}
	checkDecide(t, ended(v1alpha1.ReasonUserNotFound), map[string]decideCase{
		"it stays as it is":                      {nil, StepNone, "", 0},
		"also without record, workspace, time":   {func(o *Observation) { o.Workspace, o.Request.Spec.NotAfterTime = nil, at(-time.Hour) }, StepNone, "", 0},
		"a new generation is stamped":            {func(o *Observation) { o.Request.Generation = 2 }, StepReport, v1alpha1.ReasonUserNotFound, 0},
		"a record does not make it something":    {func(o *Observation) { o.Record = recordFor(o.Request, attempt("", "", 0)) }, StepNone, "", 0},
		"conditions that are gone are not known": {func(o *Observation) { o.Request.Status.Conditions = nil }, StepNone, "", 0},
	})
	checkDecide(t, ended(v1alpha1.ReasonOutcomeUnconfirmed), map[string]decideCase{
		"a loss stays a loss":           {nil, StepNone, "", 0},
		"a loss without a record, too":  {func(o *Observation) { o.Request.Status.RecordRef = &v1alpha1.RecordReference{Name: "gone"} }, StepNone, "", 0},
		"the late success replaces it":  {lateTruth(v1alpha1.AttemptSucceeded), StepReport, v1alpha1.ReasonResetAccepted, 0},
		"the late refusal replaces it":  {lateTruth(v1alpha1.AttemptRefused), StepReport, v1alpha1.ReasonOutcomeUnconfirmed, 0},
		"another's late truth does not": {func(o *Observation) { lateTruth(v1alpha1.AttemptSucceeded)(o); o.Record.Request.UID = "other" }, StepNone, "", 0},
		"its conditions come back from the record": {func(o *Observation) {
			o.Record = recordFor(o.Request, attempt(v1alpha1.AttemptUnconfirmed, v1alpha1.ReasonOutcomeUnconfirmed, 0))
			o.Request.Status.Conditions = nil
		}, StepReport, v1alpha1.ReasonOutcomeUnconfirmed, 0},
	})
}

func lateTruth(result v1alpha1.AttemptResult) func(*Observation) {
	return func(o *Observation) {
		late := attempt(v1alpha1.AttemptUnconfirmed, v1alpha1.ReasonOutcomeUnconfirmed, 0)
		late.LateResult = result
		o.Record = recordFor(o.Request, late)
	}
}

// TestQueued proves that a request that waits for its turn says so once, when the
// server is closed, and looks again by itself only at the end of its time, or as
// long as it has not said so.
func TestQueued(t *testing.T) {
	t.Parallel()
	waiting := open()
	waiting.Request.Status = StatusOf(waiting.Request, VerdictOf(v1alpha1.ReasonRateLimited), Facts{}, waiting.Now)
	elsewise := open()
	elsewise.Request.Status = StatusOf(elsewise.Request, VerdictOf(v1alpha1.ReasonWorkspaceNotReady), Facts{}, elsewise.Now)
	long := open()
	long.Now = long.Request.CreationTimestamp.Add(3 * time.Minute)
	atTheEnd := open()
	atTheEnd.Request.Spec.NotAfterTime = metav1.NewTime(atTheEnd.Now.Add(5 * time.Second))
	expiry := func(o Observation) time.Duration { return o.Request.Spec.NotAfterTime.Sub(o.Now) + time.Second }
	for name, test := range map[string]struct {
		o      Observation
		closed time.Duration
		step   Step
		after  time.Duration
	}{
		"a closed server is reported":                  {open(), 40 * time.Second, StepReport, expiry(open())},
		"a closed server that was reported":            {waiting, 40 * time.Second, StepReport, expiry(waiting)}, // and nothing is written
		"a busy server after that":                     {waiting, 0, StepNone, expiry(waiting)},
		"a busy server is not reported":                {open(), 0, StepNone, max(recheckInterval, open().Now.Sub(open().Request.CreationTimestamp.Time))},
		"a busy server, and the status says otherwise": {elsewise, 0, StepNone, max(recheckInterval, elsewise.Now.Sub(elsewise.Request.CreationTimestamp.Time))},
		"the longer the wait, the rarer it looks":      {long, 0, StepNone, 3 * time.Minute},
		"the end of its time is not missed":            {atTheEnd, 0, StepNone, 6 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Queued(test.o, test.closed)
			if got.Step != test.step || got.After != test.after {
				t.Errorf("Queued = %+v, want step %d after %v", got, test.step, test.after)
			}
			if got.Step == StepReport && got.Verdict.Reason != v1alpha1.ReasonRateLimited {
				t.Errorf("reason %s", got.Verdict.Reason)
			}
		})
	}
}
