package docs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/answers"
)

const wanda = "wanda@example.com"

// Users of the incident beside the sample. What becomes of Dave's reset nobody hears.
const (
	daveID  = "dE5sG8wNc3RyA2JkM"
	frankID = "fG6tH9xOd4SzB3KlN"
	ginaID  = "gH7uI1yPe5TaC4LmO"
)

// crisis is the page about incidents, and who types what it says.
type crisis struct {
	*stage
	*reader

	ann, wanda, rita string // their kubeconfigs
}

// TestAnIncident is what people do on the day on which second factors have leaked.
func TestAnIncident(t *testing.T) {
	t.Parallel()
	s := newStageWithOperator(t)
	for id, name := range map[string]string{daveID: "dave", frankID: "frank", ginaID: "gina"} {
		user, _ := s.chat.User(simulator.SampleAliceID)
		user.ID, user.Username, user.Name = id, name, ""
		s.chat.AddUser(user)
	}
	s.samples(t, "namespaces.yaml", "secret.yaml", "workspace.yaml")
	s.kubectl(t, "wait", "-n", "chat", "rcws/chat", "--for=condition=Ready")
	c := &crisis{
		stage: s, reader: s.open(t, "docs/incident.md"),
		ann: s.person(t, ann), wanda: s.person(t, wanda), rita: s.person(t, rita),
	}
	c.types("kubectl create rolebinding ann-may-ask ")
	c.prepare()
	c.carryOut()
	c.lookAfter()
	c.askForApproval()
	c.commit()
	c.picksAs(c.ann, "kubectl ucr reset totp alice ")
	c.ended()
	s.wantResets(t, simulator.SampleAliceID, 2)
}

// prepare renews the operator's account, which has leaked as well, and makes room.
func (c *crisis) prepare() {
	c.t.Helper()
	c.typesAs(c.ann, "kubectl ucr check ")
	c.typesAs(c.wanda, "kubectl patch rcws ")
	c.kubectl(c.t, "wait", "-n", "chat", "rcws/chat", `--for=jsonpath={.status.conditions[?(@.type=="Ready")].reason}=Suspended`)
	const token, secret = "another-token", "NBSWY3DPEB3W64TMMQQHO2LUNAQGC3TZEB2GK6DU"
	c.chat.UpdateUser(simulator.SampleBotID, func(u *simulator.User) {
		u.TOTP.Secret, u.Tokens = secret, []simulator.Token{{Hash: simulator.TokenHash(token), PAT: true}}
	})
	c.keep("token", token)
	c.keep("totp-secret", secret)
	c.typesAs(c.admin, "kubectl create secret ")
	c.typesAs(c.wanda, "kubectl patch rcws ")

	var everybody strings.Builder
	for i := range 500 {
		fmt.Fprintf(&everybody, "user%03d\n", i)
	}
	c.keep("users.txt", everybody.String())
	c.who = c.ann
	c.chooses("kubectl ucr reset totp --from-file users.txt ", "n\n")
	c.typesAs(c.wanda, "kubectl patch rcws ")
}

// carryOut asks for six people, one of whom cannot be reset and one of whom may have
// been.
func (c *crisis) carryOut() {
	c.t.Helper()
	c.keep("users.txt", "alice\nbob\ncarol\ndave\nerin:partner.example\nfrank\n")
	c.chat.Intercept(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		body, _ := io.ReadAll(r.Body) // what was cut short is shorter
		if bytes.Contains(body, []byte(daveID)) {
			answers.Drop("")(rw, r, next)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(rw, r)
	})
	wantSays(c.t, c.typesAs(c.ann, "kubectl ucr reset totp --from-file users.txt "), "(server dry run)")
	if names := c.kubectl(c.t, "get", "ucr", "-n", "support", "-o", "name"); names != "" {
		c.t.Errorf("the rehearsal has made requests:\n%s", names)
	}
	c.typesAs(c.ann, "kubectl ucr reset totp --from-file users.txt ")
	c.chat.Intercept(nil)
	wantSays(c.t, c.typesAs(c.ann, "kubectl ucr list "), "No requests wait here.", "UserFederated", "OutcomeUnconfirmed")
	c.typesAs(c.ann, "kubectl ucr why ")
	wantSays(c.t, c.chooses("kubectl ucr again ", "y\n"), "dave-again created")
	c.awaitReason(c.t, "dave-again", "TargetBusy")

	c.kubectlWithInput(c.t, `{apiVersion: credentialreset.dev/v1alpha1, kind: UserCredentialReset,
metadata: {name: breach-2026-03-gina, namespace: support, labels: {credentialreset.dev/incident: breach-2026-03}},
spec: {workspaceRef: {name: chat, namespace: chat}, user: {username: gina}, type: TOTP, justification: INC-4711,
notAfterTime: "`+time.Now().Add(5*time.Second).UTC().Format(time.RFC3339)+`"}}`, "create", "-f", "-")
	c.awaitReason(c.t, "breach-2026-03-gina", "NotAfterTimePassed")
	wantSays(c.t, c.typesAs(c.ann, "failed() "), "gina-totp-", " created")
	c.awaitResets(ginaID, 1)
	for id, want := range map[string]int{simulator.SampleAliceID: 1, simulator.SampleBobID: 1, daveID: 0, simulator.SampleFederatedID: 0} {
		c.wantResets(c.t, id, want)
	}
}

// lookAfter keeps what has to be kept and takes back what was for today.
func (c *crisis) lookAfter() {
	c.t.Helper()
	wantSays(c.t, c.typesAs(c.admin, "logs() "),
		"alice\tSucceeded\tResetAccepted\t"+ann+"\t\n", "dave\tUnconfirmed\tOutcomeUnconfirmed\t"+ann, "gina\tSucceeded\t",
		" 5 Succeeded\n", " 1 Unconfirmed\n", " 2 Failed\n")
	lines, err := os.ReadFile(filepath.Join(c.dir, "breach-2026-03.jsonl"))
	if err != nil {
		c.t.Fatal(err)
	}
	wantSays(c.t, string(lines), `"event":"AttemptBegun"`, `"justification":"INC-4711"`)
	c.typesAs(c.wanda, "kubectl patch rcws ")
	wantSays(c.t, c.kubectl(c.t, "get", "rcws", "chat", "-n", "chat", "-o", "jsonpath={.spec.budget}"), `"maxResets":60`)
	wantSays(c.t, c.typesAs(c.ann, "kubectl delete ucr "), "breach-2026-03-frank-")
	left := c.kubectl(c.t, "get", "ucr", "-n", "support", "-l", "credentialreset.dev/incident=breach-2026-03", "-o", "name")
	if names := strings.Count(left, "\n"); names != 4 {
		c.t.Errorf("%d requests are left, want two of Dave and those of Erin and Gina:\n%s", names, left)
	}
}

// askForApproval asks for two of them in another incident, which needs approval.
func (c *crisis) askForApproval() {
	c.t.Helper()
	c.kubectl(c.t, "patch", "rcws", "chat", "-n", "chat", "--type=merge", "--patch", `{"spec":{"approvalRequiredTypes":["TOTP"]}}`)
	other := &crisis{stage: c.stage, reader: c.open(c.t, c.page, "breach-2026-03", "breach-2026-04")}
	other.keep("users.txt", "bob\ncarol\n")
	other.who = c.ann
	wantSays(c.t, other.chooses("kubectl ucr reset totp --from-file users.txt --incident breach-2026-03 --justification INC-4711 --for 8h ", ""),
		"Note: the workspace requires approval for TOTP", "2 of 2 users asked for: 2 open")
	c.kubectl(c.t, "wait", "ucr", "-n", "support", "-l", "credentialreset.dev/incident=breach-2026-04", "--timeout="+patience.String(),
		`--for=jsonpath={.status.conditions[?(@.type=="Succeeded")].reason}=AwaitingApproval`)
	other.who = c.rita
	other.chooses("resolved() ", "")
	wantSays(c.t, other.chooses("kubectl ucr approve ", "y\n"), "bob (id "+simulator.SampleBobID, "Approve these 2 requests?")
	c.awaitResets(simulator.SampleBobID, 2)
	c.awaitResets(simulator.SampleCarolID, 2)
	c.kubectl(c.t, "patch", "rcws", "chat", "-n", "chat", "--type=merge", "--patch", `{"spec":{"approvalRequiredTypes":null}}`)
}

// commit writes the requests into a file.
func (c *crisis) commit() {
	c.t.Helper()
	c.picksAs(c.ann, "kubectl ucr reset totp --from-file users.txt --incident breach-2026-03 --justification INC-4711 --for 24h ")
	text, err := os.ReadFile(filepath.Join(c.dir, "breach-2026-03.yaml"))
	if err != nil {
		c.t.Fatal(err)
	}
	if requests := strings.Count(string(text), "kind: UserCredentialReset\n"); requests != 6 || strings.Contains(string(text), "requestedBy") {
		c.t.Errorf("the file has %d requests:\n%s", requests, text)
	}
	// Those of Dave and Erin are there, with another window.
	said, err := c.cluster.KubectlWithInput(c.t.Context(), string(text), "apply", "-f", "-")
	if err == nil || strings.Count(said, "spec is immutable") != 2 {
		c.t.Errorf("applied over what is there (%v):\n%s", err, said)
	}
	c.awaitReason(c.t, "breach-2026-03-frank-26e9177d5e", "AlreadyCarriedOut")
	c.wantResets(c.t, frankID, 1)
}

func (c *crisis) typesAs(who, begin string) string {
	c.t.Helper()
	c.who = who
	return c.types(begin)
}

func (c *crisis) picksAs(who, begin string) string {
	c.t.Helper()
	c.who = who
	return c.picks(begin)
}

// awaitResets waits until a user was reset so often.
func (c *crisis) awaitResets(userID string, want int) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	if err := c.chat.Await(ctx, func(j simulator.Journal) bool { return j.ResetsOf(userID) >= want }); err != nil {
		c.t.Fatalf("the user %s was not reset %d times: %v", userID, want, err)
	}
}
