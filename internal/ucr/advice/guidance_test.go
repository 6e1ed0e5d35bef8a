package advice

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

// requestSaying is a request whose status says the reason.
func requestSaying(reason string) *v1alpha1.UserCredentialReset {
	wish := Wish{
		Namespace: "support", Workspace: v1alpha1.WorkspaceReference{Name: "chat", Namespace: "chats"},
		User: v1alpha1.UserReference{Username: "alice"}, Type: v1alpha1.ResetTypeTOTP, NotAfter: noon.Add(3600e9), RequestedBy: "ann",
	}
	request := wish.Request("lost-phone")
	request.UID, request.CreationTimestamp = types.UID("1-2-3"), metav1.NewTime(noon)
	if reason == "" {
		return request
	}
	verdict := reset.VerdictOf(reason)
	request.Status.Outcome = verdict.Outcome
	request.Status.Target = &v1alpha1.Target{Host: "https://chat.example.com", UserID: "aXk9", Username: "alice"}
	request.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionSucceeded, Reason: reason, Message: verdict.Message}}
	return request
}

// reasons are all reasons that the API names.
func reasons(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../../api/v1alpha1/conditions.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	ast.Inspect(file, func(node ast.Node) bool {
		constant, is := node.(*ast.ValueSpec)
		if !is || !strings.HasPrefix(constant.Names[0].Name, "Reason") {
			return true
		}
		literal, is := constant.Values[0].(*ast.BasicLit)
		if !is {
			t.Fatalf("%s is no literal", constant.Names[0].Name)
		}
		value, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, value)
		return true
	})
	return found
}

// TestEveryReasonHasAGuide goes through the reasons of requests, which are those that
// have a message.
func TestEveryReasonHasAGuide(t *testing.T) {
	t.Parallel()
	known := guides()
	want := []string{""}
	for _, reason := range reasons(t) {
		if reset.VerdictOf(reason).Reason != "" {
			want = append(want, reason)
		}
	}
	if got := slices.Sorted(maps.Keys(known)); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("there are guides for %q, and reasons %q", got, want)
	}
	for reason, guide := range known {
		open := reset.VerdictOf(reason).Outcome == ""
		if open != (guide.waits != 0) {
			t.Errorf("%q is open: %t, and waits for %d", reason, open, guide.waits)
		}
		next := Next(requestSaying(reason))
		if len(next) == 0 {
			t.Errorf("%q leaves people alone", reason)
		}
		if text := strings.Join(next, "\n"); strings.ContainsAny(text, "{}") {
			t.Errorf("%q has a gap in %q", reason, text)
		}
	}
}

// TestWhatIsNotProvenIsNotAskedForAgainAtOnce: after a loss, the user comes first.
func TestWhatIsNotProvenIsNotAskedForAgainAtOnce(t *testing.T) {
	t.Parallel()
	for reason := range guides() {
		request := requestSaying(reason)
		lost := request.Status.Outcome == v1alpha1.OutcomeUnconfirmed || reason == v1alpha1.ReasonTargetUnconfirmed
		next := strings.Join(Next(request), "\n")
		asks, again := strings.Index(next, "ask alice whether"), strings.Index(next, "kubectl ucr again")
		if lost && (asks < 0 || again < asks) {
			t.Errorf("%s says %q", reason, next)
		}
		if lost && AgainQuestion(request, nil) == "" {
			t.Errorf("%s is asked for again without a question", reason)
		}
		if request.Status.Outcome == "" && again >= 0 {
			t.Errorf("%s is open, and is to be asked for again", reason)
		}
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]string{
		v1alpha1.ReasonAwaitingApproval:  "somebody else than the requester makes sure who asks, and runs: kubectl ucr approve lost-phone -n support",
		v1alpha1.ReasonWorkspaceNotReady: "an administrator of the workspace looks at: kubectl ucr check chat -n chats",
		v1alpha1.ReasonUserNotFound:      "then ask for the right user: kubectl ucr reset totp USER -w chat --workspace-namespace chats -n support",
		v1alpha1.ReasonResetAccepted:     "tell alice to log in and to set the credential up again",
	} {
		if got := Next(requestSaying(reason)); !slices.Contains(got, want) {
			t.Errorf("%s says %q, want %q", reason, got, want)
		}
	}
}

// TestAReasonOfALaterRelease is told by its outcome.
func TestAReasonOfALaterRelease(t *testing.T) {
	t.Parallel()
	for outcome, want := range map[v1alpha1.Outcome]string{
		v1alpha1.OutcomeFailed: "again", v1alpha1.OutcomeSkipped: "again", v1alpha1.OutcomeUnconfirmed: "ask alice", "": "", v1alpha1.OutcomeSucceeded: "",
	} {
		request := requestSaying(v1alpha1.ReasonRetrying)
		request.Status.Outcome, request.Status.Conditions[0].Reason = outcome, "SomethingNew"
		if got := strings.Join(Next(request), "\n"); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%q says %q, want %q", outcome, got, want)
		}
	}
}

func TestPlainMessage(t *testing.T) {
	t.Parallel()
	request := requestSaying(v1alpha1.ReasonAwaitingApproval)
	said := &request.Status.Conditions[0].Message
	*said = "The workspace requires approval; somebody has to approve, with echo '{}' | kubectl create -f -; the approval x does not count: it does not say who approved"
	if got, want := PlainMessage(request), "The workspace requires approval; somebody has to approve; the approval x does not count: it does not say who approved"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	*said = "The workspace requires approval, with echo '{}' | kubectl create -f -"
	if got, want := PlainMessage(request), "The workspace requires approval"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestWhatIsShownIsWhatItIs: names come from a server.
func TestWhatIsShownIsWhatItIs(t *testing.T) {
	t.Parallel()
	request := requestSaying(v1alpha1.ReasonAwaitingApproval)
	request.Status.Target.Username = "ali\u202eec\u009b2Jalice"
	request.Status.Conditions[0].Message = "one\x1b[2Jtwo"
	for name, text := range map[string]string{
		"dossier": Dossier(request), "story": Tell(Evidence{Request: request}).String(), "message": PlainMessage(request),
	} {
		if strings.ContainsAny(text, "\x1b\u202e\u009b") {
			t.Errorf("the %s shows what it hides: %q", name, text)
		}
	}
	if got, want := Shown("Ж é 名 a-b_c@d"), "Ж é 名 a-b_c@d"; got != want {
		t.Errorf("%q is shown as %q", want, got)
	}
}
