package docs

import (
	"testing"

	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// The people of these stories, and the groups that their certificates tell.
const (
	ann  = "ann@example.com"
	rita = "rita@example.com"
)

// TestFromTheFirstResetOn is the way of somebody who reads one page after the other.
func TestFromTheFirstResetOn(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.install(t)
	s.operate(t)
	s.gettingStarted(t)
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
	s.kubectl(t, "patch", "rcws", "chat", "-n", "chat", "--type=merge", "--patch", `{"spec":{"approvalRequiredTypes":["TOTP"]}}`)
	s.openApproval(t).types("kubectl create rolebinding requesters")

	r := s.openApproval(t)
	r.who = s.person(t, ann, "support")
	r.types("kubectl apply -f - ")
}
