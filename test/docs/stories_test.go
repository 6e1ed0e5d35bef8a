package docs

import (
	"net/http"
	"strings"
	"testing"

	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// The people of these stories, as their certificates call them.
const (
	ann  = "ann@example.com"
	rita = "rita@example.com"
)

// TestFromTheFirstResetOn is the way of somebody who reads one page after the other.
func TestFromTheFirstResetOn(t *testing.T) {
	t.Parallel()
	s := newStageWithOperator(t)
	s.gettingStarted(t)
	s.approval(t)
	s.audit(t)
}

func (s *stage) gettingStarted(t *testing.T) {
	t.Helper()
	r := s.open(t, "docs/getting-started.md")
	r.types("kubectl create namespace chat")
	r.applies("kind: RocketChatWorkspace")
	r.types("kubectl wait -n chat rcws/chat")
	r.types("kubectl create namespace support")
	r.who = s.person(t, ann)
	wantSays(t, r.types("kubectl apply -f - "), "alice-lost-her-phone condition met", "Rocket.Chat confirmed the reset")
	r.ended()
	s.wantResets(t, simulator.SampleAliceID, 1)
}

// approval has Ann ask and Rita decide, in each of the ways that the page tells.
func (s *stage) approval(t *testing.T) {
	t.Helper()
	const page, wish = "docs/resetapproval.md", "bob-lost-his-phone"
	s.kubectl(t, "patch", "rcws", "chat", "-n", "chat", "--type=merge", "--patch", `{"spec":{"approvalRequiredTypes":["TOTP"]}}`)
	asks, decides := s.person(t, ann, "support"), s.person(t, rita, "team-leads")

	r := s.open(t, page)
	r.types("kubectl create rolebinding requesters ")
	r.who = asks
	r.types("kubectl apply -f - ")
	s.awaitReason(t, wish, "AwaitingApproval")
	r.who = decides
	shown := r.types("kubectl get ucr " + wish)
	wantSays(t, shown, "userID: "+simulator.SampleBobID, "host: "+s.server.URL)
	at := strings.LastIndex(shown, "echo '{")
	if at < 0 {
		t.Fatalf("the message shows no command:\n%s", shown)
	}
	r.shell(shown[at:], "")
	s.awaitReason(t, wish, "ResetAccepted")
	s.wantResets(t, simulator.SampleBobID, 1)

	// Bob was reset: that would be enough for whoever asks for him in the same second.
	for decision, reason := range map[string]string{"approve": "ResetAccepted", "deny": "Denied"} {
		name := wish + "-to-" + decision
		again := s.open(t, page, wish, name, "username: bob", "username: carol")
		again.who = asks
		again.chooses("kubectl apply -f - ", "")
		s.awaitReason(t, name, "AwaitingApproval")
		again.who = decides
		wantSays(t, again.chooses("kubectl ucr "+decision+" ", "y\n"), "carol (id "+simulator.SampleCarolID+")")
		s.awaitReason(t, name, reason)
	}
	r.ended()
	s.wantResets(t, simulator.SampleBobID, 1)
	s.wantResets(t, simulator.SampleCarolID, 1)
}

// audit asks the log about what the other stories have done.
func (s *stage) audit(t *testing.T) {
	t.Helper()
	r := s.open(t, "docs/audit.md")
	wantSays(t, r.types("logs() {"),
		`"event":"AttemptBegun"`, `"workspace":"chat/chat"`, // of alice
		" Failed\tDenied\n", " Succeeded\tResetAccepted\n",
		`"deniedBy":"`+rita+`"`, `"decisionMessage":"that was not Bob"`)
	// As if the process had died after it began its last attempt.
	logs := s.operator.Logs()
	begun := strings.LastIndex(logs, `"event":"AttemptBegun"`)
	s.upTo.Store(int64(begun + strings.Index(logs[begun:], "\n") + 1))
	wantSays(t, r.types("logs | jq -s "), `"request":"support/bob-lost-his-phone-to-approve"`)
	s.upTo.Store(0)
	if said := r.picks("logs | jq -s "); said != "" {
		t.Errorf("an attempt has no end: %s", said)
	}
	r.ended()
}

// TestTheReadme installs the operator as the README tells, asks for a reset, looks at it
// and at others in each way that kubectl has, and gets into trouble.
func TestTheReadme(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	r := s.open(t, "README.md", "<your image>", "credential-reset-operator", "2026-03-04T18:00:00Z", tomorrow())
	helm := s.open(t, "docs/helm.md")
	helm.types("kubectl create namespace credentialreset-system")
	r.picks("make deploy ")
	wantSays(t, s.kubectl(t, "get", "deployments", "-n", cluster.SystemNamespace, "-o", "wide"), "credential-reset-operator:v1")
	s.operate(t)
	s.samples(t, "namespaces.yaml", "secret.yaml", "workspace.yaml")
	r.shell("kubectl config set-context --current --namespace=support", "")
	r.applies("name: alice-lost-her-phone")
	r.types("kubectl wait ucr/alice-lost-her-phone ")
	r.ended()
	s.transcript(t)
	s.showPod(t)
	s.runbooks(t)
}

// transcript looks at the requests of the page that make transcript makes.
func (s *stage) transcript(t *testing.T) {
	t.Helper()
	s.samples(t, "reset-federated.yaml")
	s.kubectlWithInput(t, `{apiVersion: credentialreset.dev/v1alpha1, kind: UserCredentialReset, metadata: {name: frank-waits, namespace: support},
spec: {workspaceRef: {name: intranet, namespace: chat}, user: {username: frank}, type: TOTP, notAfterTime: "`+tomorrow()+`", justification: TICKET-4711}}`,
		"apply", "-f", "-")
	s.awaitReason(t, "erin-is-federated", "UserFederated")
	s.awaitReason(t, "frank-waits", "WorkspaceNotAvailable")
	r := s.open(t, "docs/kubectl.md")
	for _, b := range r.blocks {
		if len(b.commands) > 0 {
			r.types(b.commands[0].text)
		}
	}
	r.ended()
}

// TestServedNamespaces is about the pages on how to operate it, with rights in two
// namespaces only.
func TestServedNamespaces(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	r := s.open(t, "docs/operations.md", "<your image>", "credential-reset-operator:v1")
	r.types("kubectl create namespace chat; ")
	r.ended()
	s.operate(t, "--watch-namespaces", "chat,support")
	s.samples(t, "secret.yaml", "workspace.yaml", "reset-totp.yaml")
	s.awaitReason(t, "alice-lost-her-phone", "ResetAccepted")
	s.monitoring(t)
	s.argoCD(t)

	install := s.open(t, "docs/releases.md")
	install.keep("install.yaml", s.kubectl(t, "kustomize", s.cluster.Path("config", "default")))
	wantSays(t, install.types("kubectl apply --server-side -f install.yaml"), "deployment.apps/credential-reset-operator serverside-applied")
	install.ended()
	s.open(t, "docs/helm.md").picks("kubectl delete deployment ")
}

// monitoring lets Prometheus read the metrics.
func (s *stage) monitoring(t *testing.T) {
	t.Helper()
	s.kubectl(t, "apply", "-f", s.cluster.Path("test", "helm", "testdata", "monitoring_crds.yaml"))
	s.kubectl(t, "wait", "--for=condition=Established", "crd", "--all")
	s.kubectl(t, "create", "namespace", "monitoring")
	s.kubectl(t, "create", "serviceaccount", "prometheus", "-n", "monitoring")
	token, err := s.cluster.Token(t.Context(), "monitoring", "prometheus")
	if err != nil {
		t.Fatal(err)
	}
	r := s.open(t, "docs/monitoring.md")
	wantSays(t, r.types("kubectl apply --kustomize config/prometheus"),
		"prometheusrule.monitoring.coreos.com/", "servicemonitor.monitoring.coreos.com/", "configmap/credential-reset-operator-dashboard created")
	r.ended()
	if status, page, err := s.operator.Metrics(t.Context(), token); err != nil || status != http.StatusOK || !strings.Contains(page, "credentialreset_build_info") {
		t.Errorf("Prometheus gets %d (%v)", status, err)
	}
}

// argoCD adds to what its configuration holds.
func (s *stage) argoCD(t *testing.T) {
	t.Helper()
	s.kubectl(t, "create", "namespace", "argocd")
	s.kubectl(t, "create", "configmap", "argocd-cm", "-n", "argocd", "--from-literal=admin.enabled=false")
	r := s.open(t, "docs/argocd.md")
	r.types("kubectl patch configmap argocd-cm ")
	r.ended()
	wantSays(t, s.kubectl(t, "get", "configmap", "argocd-cm", "-n", "argocd", "-o", "yaml"),
		`admin.enabled: "false"`, "resource.customizations.health.credentialreset.dev_UserCredentialReset: ")
}
