package api

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// kind is a kind of this project, and a whole object of it: with every field of
// what its writer writes, and with every field of its status apart.
type kind struct {
	resource      string
	clusterScoped bool
	whole         string
	status        string
}

var requests = &kind{
	resource: "usercredentialresets",
	whole: `
apiVersion: credentialreset.dev/v1alpha1
kind: UserCredentialReset
spec:
  workspaceRef: {name: chat, namespace: chat}
  user: {username: alice, id: aliceid01}
  type: TOTP
  notAfterTime: "<soon>"
  justification: TICKET-4711
  ttlSecondsAfterFinished: 86400
  requestedBy: ann@example.com
`,
	status: `
observedGeneration: 1
outcome: Succeeded
target: {host: https://chat.example.com, userID: aliceid01, username: alice}
recordRef: {name: record}
completionTime: "<now>"
conditions:
- {type: Succeeded, status: "True", reason: ResetAccepted, message: The workspace confirmed it, lastTransitionTime: "<now>", observedGeneration: 1}
`,
}

var workspaces = &kind{
	resource: "rocketchatworkspaces",
	whole: `
apiVersion: credentialreset.dev/v1alpha1
kind: RocketChatWorkspace
spec:
  secretRef: {name: chat}
  allowedNamespaces: {names: [support, helpdesk]}
  allowedTypes: [TOTP, E2EKey]
  approvalRequiredTypes: [TOTP, E2EKey]
  protectedUserIDs: [rootid0001, bossid0001]
  ownAccount: Allowed
  requestTimeoutSeconds: 5
  suspend: true
`,
	status: `
observedGeneration: 1
host: https://chat.example.com
version: "8.6"
accountUsername: resetbot
secondFactorMethod: TOTP
permittedTypes: [TOTP, E2EKey]
conditions:
- {type: Ready, status: "True", reason: Connected, message: Resets can be carried out, lastTransitionTime: "<now>", observedGeneration: 1}
`,
}

var records = &kind{
	resource:      "resetrecords",
	clusterScoped: true,
	whole: `
apiVersion: credentialreset.dev/v1alpha1
kind: ResetRecord
request: {namespace: support, name: lost-phone, uid: 7d1f3c0e}
workspace: {namespace: chat, name: chat}
target: {host: https://chat.example.com, userID: aliceid01, username: alice}
type: TOTP
notAfterTime: "<soon>"
justification: TICKET-4711
requestedBy: ann@example.com
approval: {approvedBy: rita@example.com, message: seen the passport}
attempts:
- {id: attempt-1, startTime: "<now>", secretResourceVersion: "17"}
`,
}

var approvals = &kind{
	resource: "resetapprovals",
	whole: `
apiVersion: credentialreset.dev/v1alpha1
kind: ResetApproval
spec:
  requestName: lost-phone
  requestUID: 7d1f3c0e-0000-4000-8000-000000000001
  userID: aliceid01
  decision: Approved
  message: seen the passport
  approvedBy: rita@example.com
`,
}

var kinds = []*kind{requests, workspaces, records, approvals}

// The times in the objects. A request made now may wait until soon.
var (
	instant = time.Now().UTC().Truncate(time.Second)
	now     = instant.Format(time.RFC3339)
	zone    = time.FixedZone("one hour east", 3600)
	soon    = instant.Add(day).Format(time.RFC3339)
	later   = instant.Add(day + time.Hour).Format(time.RFC3339)
)

const day = 24 * time.Hour

var serial atomic.Int64

func newName(prefix string) string { return fmt.Sprintf("%s-%d", prefix, serial.Add(1)) }

// object is a whole object of the kind with a name of its own, not created yet.
func (k *kind) object(change ...operation) *unstructured.Unstructured {
	object := &unstructured.Unstructured{Object: parse(k.whole)}
	object.SetName(newName("one"))
	return edit(object, change)
}

// wholeStatus is the operation that fills the status.
func (k *kind) wholeStatus() operation { return set("/status", parse(k.status)) }

// client reads and writes objects of the kind.
func (k *kind) client() dynamic.ResourceInterface {
	if k.clusterScoped {
		return shared.objects.Resource(v1alpha1.GroupVersion.WithResource(k.resource))
	}
	return k.clientIn(namespace)
}

func (k *kind) clientIn(namespace string) dynamic.ResourceInterface {
	return shared.objects.Resource(v1alpha1.GroupVersion.WithResource(k.resource)).Namespace(namespace)
}

// create stores an object of the kind.
func (k *kind) create(t *testing.T, change ...operation) *unstructured.Unstructured {
	t.Helper()
	return mustApply(t, write{client: k.client(), stored: k.object(change...)})
}

// createWithStatus stores an object of the kind, and then its status.
func (k *kind) createWithStatus(t *testing.T, status ...operation) *unstructured.Unstructured {
	t.Helper()
	stored := k.create(t)
	if len(status) == 0 {
		return stored
	}
	return mustApply(t, write{client: k.client(), stored: stored, change: status, part: []string{"status"}})
}

// get reads an object live.
func (k *kind) get(t *testing.T, name string) *unstructured.Unstructured {
	t.Helper()
	object, err := k.client().Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return object
}

func newNamespace(t *testing.T) string {
	t.Helper()
	space := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: newName("space")}}
	if _, err := shared.kube.CoreV1().Namespaces().Create(t.Context(), space, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return space.Name
}

// parse reads an object that a test spells out.
func parse(text string) map[string]any {
	text = strings.NewReplacer("<soon>", soon, "<now>", now).Replace(text)
	var object map[string]any
	if err := yaml.Unmarshal([]byte(text), &object); err != nil {
		panic(err)
	}
	return object
}
