package docs

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/answers"
)

// trouble is a workspace of a runbook's own, with which something is wrong. Secret and
// requests lie in its namespace, and Secret and workspace are called chat.
type trouble struct {
	stage     *stage
	chat      *simulator.Workspace
	namespace string
}

// brokenBy says what is wrong.
type brokenBy struct {
	spec   string // fields of the workspace's spec
	token  string // in place of the right one
	factor string // key and value of the second factor in the Secret, in place of the right ones
}

func (s *stage) trouble(t *testing.T, namespace string, by brokenBy) *trouble {
	t.Helper()
	chat, server := serve(t)
	s.kubectl(t, "create", "namespace", namespace)
	token := cmp.Or(by.token, simulator.TokenFor(simulator.SampleBotID, simulator.TokenPAT))
	factor := cmp.Or(by.factor, "totpSecret: "+simulator.SampleTOTPSecret)
	s.kubectlWithInput(t, fmt.Sprintf(`{apiVersion: v1, kind: Secret, metadata: {name: chat}, type: credentialreset.dev/rocketchat-workspace,
stringData: {url: "%s", userId: %s, authToken: %s, ca.crt: %q, %s}}`, server.URL, simulator.SampleBotID, token, server.CA, factor),
		"create", "-n", namespace, "-f", "-")
	s.kubectlWithInput(t, `{apiVersion: credentialreset.dev/v1alpha1, kind: RocketChatWorkspace, metadata: {name: chat},
spec: {secretRef: {name: chat}, allowedTypes: [TOTP], `+by.spec+`}}`, "create", "-n", namespace, "-f", "-")
	return &trouble{stage: s, chat: chat, namespace: namespace}
}

// administrator is what certificates call the one who does what no page tells.
const administrator = "admin"

// ask asks for a reset and waits until the request says this.
func (p *trouble) ask(t *testing.T, name, user, reason string) {
	t.Helper()
	p.stage.kubectlWithInput(t, fmt.Sprintf(`{apiVersion: credentialreset.dev/v1alpha1, kind: UserCredentialReset, metadata: {name: %s},
spec: {workspaceRef: {name: chat}, user: {username: %s}, type: TOTP, notAfterTime: "%s", requestedBy: %s}}`, name, user, tomorrow(), administrator), "create", "-n", p.namespace, "-f", "-")
	p.stage.awaitReasonIn(t, p.namespace, name, reason)
}

// awaitWorkspace waits until the workspace says this.
func (p *trouble) awaitWorkspace(t *testing.T, reason string) {
	t.Helper()
	p.stage.kubectl(t, "wait", "-n", p.namespace, "rcws/chat", "--timeout="+patience.String(),
		`--for=jsonpath={.status.conditions[?(@.type=="Ready")].reason}=`+reason)
}

// open opens the runbook of an alert.
func (p *trouble) open(t *testing.T, alert, name string) *reader {
	t.Helper()
	return p.stage.open(t, "docs/runbooks/"+alert+".md", "NAMESPACE", p.namespace, "WORKSPACE", "chat", "SECRET", "chat", "NAME", name)
}

// onPost treats resets so, and nothing else.
func (p *trouble) onPost(intercept simulator.Interceptor) {
	p.chat.Intercept(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodPost {
			intercept(rw, r, next)
			return
		}
		next.ServeHTTP(rw, r)
	})
}

// runbooks has each alert's reason come about, and somebody do what its runbook says.
func (s *stage) runbooks(t *testing.T) {
	t.Helper()
	for alert, runbook := range map[string]func(*testing.T, *stage, string){
		"CredentialResetBudgetExhausted":      budgetExhausted,
		"CredentialResetOldestWaitingTooOld":  oldestWaitingTooOld,
		"CredentialResetOperatorAbsent":       operatorAbsent,
		"CredentialResetOutcomeUnconfirmed":   outcomeUnconfirmed,
		"CredentialResetOwnResetSuspected":    ownResetSuspected,
		"CredentialResetSecondFactorRejected": secondFactorRejected,
		"CredentialResetWorkspaceNotReady":    workspaceNotReady,
	} {
		t.Run(alert, func(t *testing.T) {
			t.Parallel()
			runbook(t, s, alert)
		})
	}
}

func budgetExhausted(t *testing.T, s *stage, alert string) {
	t.Helper()
	p := s.trouble(t, "storm", brokenBy{spec: "budget: {maxResets: 1}"})
	p.ask(t, "first", "alice", "ResetAccepted")
	p.ask(t, "second", "bob", "BudgetExhausted")
	r := p.open(t, alert, "second")
	wantSays(t, r.types("kubectl get ucr "), "BudgetExhausted", "first-")
	r.types("kubectl patch rcws ")
	s.awaitReasonIn(t, p.namespace, "second", "WorkspaceSuspended")
	r.types("kubectl patch rcws ")
	r.ended()
	s.kubectl(t, "patch", "rcws", "chat", "-n", p.namespace, "--type=merge", "--patch", `{"spec":{"suspend":false}}`)
	s.awaitReasonIn(t, p.namespace, "second", "ResetAccepted")
}

func oldestWaitingTooOld(t *testing.T, s *stage, alert string) {
	t.Helper()
	p := s.trouble(t, "waiting", brokenBy{spec: "approvalRequiredTypes: [TOTP]"})
	p.ask(t, "old", "alice", "AwaitingApproval")
	r := p.open(t, alert, "old")
	wantSays(t, r.types("kubectl ucr list "), "after approval", "AwaitingApproval")
	r.ended()
}

func operatorAbsent(t *testing.T, s *stage, alert string) {
	t.Helper()
	r := s.open(t, "docs/runbooks/"+alert+".md")
	wantSays(t, r.types("kubectl get pods "), "credential-reset-operator-0", "Running", "StrategyType:", `"level":"INFO"`)
	r.ended()
}

func outcomeUnconfirmed(t *testing.T, s *stage, alert string) {
	t.Helper()
	p := s.trouble(t, "lost", brokenBy{})
	p.onPost(answers.Drop(""))
	p.ask(t, "lost-phone", "alice", "OutcomeUnconfirmed")
	r := p.open(t, alert, "lost-phone")
	wantSays(t, r.types("kubectl get ucr "), "lost-phone", "Unconfirmed", "ask alice whether they were logged out")
	wantSays(t, r.chooses("kubectl ucr again ", "y\n"), "created")
	r.ended()
	if names := s.kubectl(t, "get", "ucr", "-n", p.namespace, "-o", "name"); strings.Count(names, "\n") != 2 {
		t.Errorf("there are the requests\n%s", names)
	}
}

func ownResetSuspected(t *testing.T, s *stage, alert string) {
	t.Helper()
	p := s.trouble(t, "cut", brokenBy{})
	p.onPost(answers.WithoutBody(nil))
	p.ask(t, "lost-phone", "alice", "OwnResetSuspected")
	p.awaitWorkspace(t, "OwnResetSuspected")
	r := p.open(t, alert, "lost-phone")
	r.ends("kubectl ucr check ", 1)
	wantSays(t, r.types("kubectl ucr check "), "✗", "OwnResetSuspected", `"request":"cut/lost-phone"`)
	r.ended()
}

func secondFactorRejected(t *testing.T, s *stage, alert string) {
	t.Helper()
	p := s.trouble(t, "factor", brokenBy{factor: "password: not the password"})
	p.ask(t, "lost-phone", "alice", "WorkspaceNotReady")
	p.awaitWorkspace(t, "SecondFactorRejected")
	r := p.open(t, alert, "lost-phone")
	r.keep("right-key.yaml", "data: {password: null}\nstringData: {totpSecret: "+simulator.SampleTOTPSecret+"}\n")
	r.ends("kubectl ucr check ", 1)
	wantSays(t, r.types("kubectl ucr check "), "✗ second factor is accepted", "\nTOTP\n")
	r.types("kubectl patch secret ")
	r.ended()
	s.awaitReasonIn(t, p.namespace, "lost-phone", "ResetAccepted")
}

func workspaceNotReady(t *testing.T, s *stage, alert string) {
	t.Helper()
	p := s.trouble(t, "token", brokenBy{token: "no-such-token"})
	p.awaitWorkspace(t, "TokenRejected")
	r := p.open(t, alert, "")
	r.ends("kubectl ucr check ", 1)
	wantSays(t, r.types("kubectl ucr check "), "✗ token is accepted", "TokenRejected")
	wantSays(t, r.types("kubectl logs "), `"level":"INFO"`)
	r.ended()
}
