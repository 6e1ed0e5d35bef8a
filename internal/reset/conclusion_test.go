package reset

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// saying is the request with the verdict in its status.
func saying(request *v1alpha1.UserCredentialReset, v Verdict) *v1alpha1.UserCredentialReset {
	request = request.DeepCopy()
	request.Status = StatusOf(request, v, Facts{}, now())
	return request
}

func TestNoticeIsGivenOfWhatOthersMayNotSee(t *testing.T) {
	t.Parallel()
	earlier := aliceRequest()
	earlier.UID = "uid-0"
	proven := attempt(v1alpha1.AttemptNotSent, v1alpha1.ReasonNotBegun, -time.Minute)
	cases := map[string]struct {
		record *v1alpha1.ResetRecord
		noted  bool
		reason string
		want   bool
	}{
		"a policy may be new":                             {reason: v1alpha1.ReasonUserProtected, want: true},
		"a user may have vanished":                        {reason: v1alpha1.ReasonUserNotFound, want: true},
		"time passes":                                     {reason: v1alpha1.ReasonNotAfterTimePassed, want: true},
		"another one may have succeeded":                  {reason: v1alpha1.ReasonAlreadyReset, want: true},
		"an attempt that did nothing may be followed":     {record: recordFor(aliceRequest(), proven), reason: v1alpha1.ReasonNotAfterTimePassed, want: true},
		"notice was given":                                {noted: true, reason: v1alpha1.ReasonUserProtected},
		"the creation never changes":                      {reason: v1alpha1.ReasonCreatedAfterNotAfterTime},
		"nor does the length of the window":               {reason: v1alpha1.ReasonValidityTooLong},
		"the record of an earlier request lets none pass": {record: recordFor(earlier, proven), reason: v1alpha1.ReasonNameAlreadyUsed},
		"nor does one that is closed for good": {
			record: recordFor(aliceRequest(), attempt(v1alpha1.AttemptRefused, v1alpha1.ReasonUserFederated, -time.Minute)),
			reason: v1alpha1.ReasonUserFederated,
		},
		"a success is no denial":   {reason: v1alpha1.ReasonResetAccepted},
		"a loss is none either":    {reason: v1alpha1.ReasonRecordLost},
		"and waiting is no ending": {reason: v1alpha1.ReasonWorkspaceNotReady},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := resolved()
			o.Record = c.record
			if c.noted {
				o.Request = saying(o.Request, Notice())
			}
			if got := NeedsNotice(o, VerdictOf(c.reason)); got != c.want {
				t.Errorf("NeedsNotice = %t, want %t", got, c.want)
			}
		})
	}
}

func TestANoticeIsWithdrawnBeforeAnAttempt(t *testing.T) {
	t.Parallel()
	o := resolved()
	o.Request = saying(o.Request, Notice())
	if got := Decide(o); got.Step != StepReport || got.Verdict.Reason != v1alpha1.ReasonRetrying {
		t.Errorf("with a notice in the status: %+v", got)
	}
	o.Request = saying(o.Request, VerdictOf(v1alpha1.ReasonRetrying))
	if got := Decide(o); got.Step != StepAttempt {
		t.Errorf("with the notice withdrawn: %+v", got)
	}
}

func TestAClaimIsNotUsedForARequestThatEnds(t *testing.T) {
	t.Parallel()
	deleted := aliceRequest()
	deleted.DeletionTimestamp = new(metav1.NewTime(now()))
	cases := map[string]*v1alpha1.UserCredentialReset{
		"it is being deleted": deleted,
		"it has ended":        saying(aliceRequest(), VerdictOf(v1alpha1.ReasonUserProtected)),
		"it is about to end":  saying(aliceRequest(), Notice()),
	}
	for name, request := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := resolved()
			o.Request = request
			if got, withheld := Claimed(o); !withheld || got != NotBegun() {
				t.Errorf("Claimed = %+v, %t", got, withheld)
			}
		})
	}
	if got, withheld := Claimed(resolved()); withheld {
		t.Errorf("an open request is withheld: %+v", got)
	}
}

func TestWhatWasAttemptedIsNeverClaimedAgainWithoutItsRecord(t *testing.T) {
	t.Parallel()
	o := resolved()
	o.Attempted = true
	if got := Decide(o); got.Step != StepReport || got.Verdict.Reason != v1alpha1.ReasonRecordLost {
		t.Errorf("without the record: %+v", got)
	}
}
