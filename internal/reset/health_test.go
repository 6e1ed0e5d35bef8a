package reset

import (
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// goodProbe is a probe of a workspace in order.
func goodProbe() Probe {
	confirmed := Answer{Kind: AnswerConfirmed, Status: 200}
	return Probe{
		SecretVersion: "7", Host: chatHost, AccountID: "botID", Factor: v1alpha1.SecondFactorTOTP,
		Info: confirmed, Version: "8.6",
		Me: confirmed, Account: Account{Username: "bot", TOTP: true, Password: true},
		Permissions: confirmed, Permitted: []v1alpha1.ResetType{v1alpha1.ResetTypeTOTP, v1alpha1.ResetTypeE2EKey},
	}
}

func TestDiagnose(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change  func(*Probe)
		reason  string
		gates   bool
		ready   metav1.ConditionStatus
		beside  string // the condition beside Ready
		kstatus status.Status
	}{
		"in order": {func(*Probe) {}, v1alpha1.ReasonConnected, false, metav1.ConditionTrue, "", status.CurrentStatus},
		"no Secret": {
			func(p *Probe) { *p = Probe{SecretFault: v1alpha1.ReasonSecretNotFound} },
			v1alpha1.ReasonSecretNotFound, true, metav1.ConditionFalse, "Reconciling", status.InProgressStatus,
		},
		"a Secret of another type": {
			func(p *Probe) { *p = Probe{SecretFault: v1alpha1.ReasonSecretTypeWrong} },
			v1alpha1.ReasonSecretTypeWrong, true, metav1.ConditionFalse, "Stalled", status.FailedStatus,
		},
		"an unusable Secret": {
			func(p *Probe) { *p = Probe{SecretFault: v1alpha1.ReasonSecretInvalid} },
			v1alpha1.ReasonSecretInvalid, true, metav1.ConditionFalse, "Stalled", status.FailedStatus,
		},
		"a host that is not reached": {
			func(p *Probe) { p.Info, p.Me = Answer{Kind: AnswerNotConnected}, Answer{} },
			v1alpha1.ReasonServerUnreachable, true, metav1.ConditionFalse, "Reconciling", status.InProgressStatus,
		},
		"a host that is lost on the way": {
			func(p *Probe) { p.Me = Answer{Kind: AnswerNotConnected} },
			v1alpha1.ReasonServerUnreachable, true, metav1.ConditionFalse, "Reconciling", status.InProgressStatus,
		},
		"a host that answers with HTML": {
			func(p *Probe) { p.Info = Answer{Kind: AnswerReceived, Status: 200} },
			v1alpha1.ReasonServerUnreachable, false, metav1.ConditionFalse, "Reconciling", status.InProgressStatus,
		},
		"a host that does not answer": {
			func(p *Probe) { p.Me = Answer{Kind: AnswerLost} },
			v1alpha1.ReasonServerUnreachable, false, metav1.ConditionFalse, "Reconciling", status.InProgressStatus,
		},
		"a rejected token": {func(p *Probe) {
			p.Me = Answer{Kind: AnswerReceived, Status: 401, LoginRequired: true, RocketChat: true}
		}, v1alpha1.ReasonTokenRejected, true, metav1.ConditionFalse, "Stalled", status.FailedStatus},
		"an account without a username": {
			func(p *Probe) { p.Account = Account{} },
			v1alpha1.ReasonTokenRejected, true, metav1.ConditionFalse, "Stalled", status.FailedStatus,
		},
		"a factor that was rejected with this Secret": {
			func(p *Probe) { p.Standing.Blocked = v1alpha1.ReasonSecondFactorRejected },
			v1alpha1.ReasonSecondFactorRejected, true, metav1.ConditionFalse, "Stalled", status.FailedStatus,
		},
		"a bypass token that 8.5 ignores": {func(p *Probe) {
			p.Standing.Blocked, p.Factor, p.Version = v1alpha1.ReasonSecondFactorRejected, "", "8.5"
		}, v1alpha1.ReasonBypassTokenIgnored, true, metav1.ConditionFalse, "Stalled", status.FailedStatus},
		"a mailed code that was asked for": {
			func(p *Probe) { p.Standing.Blocked = v1alpha1.ReasonEmailCodeRequired },
			v1alpha1.ReasonEmailCodeRequired, true, metav1.ConditionFalse, "Stalled", status.FailedStatus,
		},
		"a suspected own reset": {
			func(p *Probe) { p.Standing.Blocked = v1alpha1.ReasonOwnResetSuspected },
			v1alpha1.ReasonOwnResetSuspected, true, metav1.ConditionFalse, "Stalled", status.FailedStatus,
		},
		"a permission that is missing": {
			func(p *Probe) { p.Permitted = []v1alpha1.ResetType{v1alpha1.ResetTypeTOTP} },
			v1alpha1.ReasonConnected, false, metav1.ConditionFalse, "Stalled", status.FailedStatus,
		},
		"permissions that cannot be listed": {
			func(p *Probe) { p.Permissions, p.Permitted = Answer{Kind: AnswerLost}, nil },
			v1alpha1.ReasonConnected, false, metav1.ConditionTrue, "", status.CurrentStatus,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			probe := goodProbe()
			c.change(&probe)
			health := Diagnose(probe)
			if health.Reason != c.reason || health.Gates != c.gates {
				t.Errorf("got %s, gates %t; want %s, %t", health.Reason, health.Gates, c.reason, c.gates)
			}
			checkWorkspace(t, chatWorkspace(), health, c.ready, c.beside, c.kstatus)
		})
	}
}

func checkWorkspace(t *testing.T, w *v1alpha1.RocketChatWorkspace, health Health, ready metav1.ConditionStatus, beside string, want status.Status) {
	t.Helper()
	w.Status = WorkspaceStatusOf(w, health, at(0))
	for _, condition := range w.Status.Conditions {
		if condition.Type == v1alpha1.ConditionReady {
			if condition.Status != ready {
				t.Errorf("Ready is %s, want %s", condition.Status, ready)
			}
			continue
		}
		if condition.Type != beside {
			t.Errorf("%s is there", condition.Type)
		}
	}
	if beside != "" && !meta.IsStatusConditionTrue(w.Status.Conditions, beside) {
		t.Errorf("%s is not True", beside)
	}
	if got := kstatusOf(t, w); got != want {
		t.Errorf("kstatus says %s, want %s", got, want)
	}
}

func TestSuspendedAndUnprobedWorkspaces(t *testing.T) {
	t.Parallel()
	suspended := chatWorkspace()
	suspended.Spec.Suspend = new(true)
	checkWorkspace(t, suspended, Diagnose(goodProbe()), metav1.ConditionFalse, "", status.InProgressStatus)
	checkWorkspace(t, chatWorkspace(), Health{}, metav1.ConditionUnknown, "Reconciling", status.InProgressStatus)
}

func TestStatusKeepsWhatAnUnreachableServerTold(t *testing.T) {
	t.Parallel()
	w := chatWorkspace()
	w.Status = WorkspaceStatusOf(w, Diagnose(goodProbe()), at(0))
	before := w.Status
	if before.Host != chatHost || before.Version != "8.6" || before.AccountUsername != "bot" || before.SecondFactorMethod != v1alpha1.SecondFactorTOTP {
		t.Errorf("the probe is not shown: %+v", before)
	}
	lost := goodProbe()
	lost.Info, lost.Version, lost.Me, lost.Account = Answer{Kind: AnswerNotConnected}, "", Answer{}, Account{}
	w.Status = WorkspaceStatusOf(w, Diagnose(lost), at(0))
	if w.Status.Version != "8.6" || w.Status.AccountUsername != "bot" {
		t.Errorf("what was known is gone: %+v", w.Status)
	}
	w.Status = WorkspaceStatusOf(w, Diagnose(Probe{SecretFault: v1alpha1.ReasonSecretNotFound}), at(0))
	if w.Status.Host != "" || w.Status.Version != "" {
		t.Errorf("without a Secret nothing is known: %+v", w.Status)
	}
}

func TestStandingsRememberWhatTheServerHolds(t *testing.T) {
	t.Parallel()
	record := recordFor(aliceRequest(),
		attempt(v1alpha1.AttemptRefused, v1alpha1.ReasonCodeRefused, 0),
		attempt(v1alpha1.AttemptRefused, v1alpha1.ReasonRateLimited, time.Minute),
		attempt(v1alpha1.AttemptRefused, v1alpha1.ReasonSecondFactorRejected, 2*time.Minute),
	)
	want := map[string]Standing{
		"7": {Blocked: v1alpha1.ReasonSecondFactorRejected, CodeRefusedAt: record.Attempts[0].EndTime.Time},
	}
	if diff := cmp.Diff(want, Standings(record)); diff != "" {
		t.Errorf("standings (-want +got):\n%s", diff)
	}
	health := Health{Reason: v1alpha1.ReasonConnected}.With(want["7"])
	if health.Gate(v1alpha1.ResetTypeTOTP) != v1alpha1.ReasonSecondFactorRejected || !health.CodeRefusedAt.Equal(want["7"].CodeRefusedAt) {
		t.Errorf("health %+v", health)
	}
}
