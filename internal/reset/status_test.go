package reset

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// kstatusOf is what Flux, Helm and others make of the object.
func kstatusOf(t *testing.T, object runtime.Object) status.Status {
	t.Helper()
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		t.Fatal(err)
	}
	result, err := status.Compute(&unstructured.Unstructured{Object: content})
	if err != nil {
		t.Fatal(err)
	}
	return result.Status
}

func TestEveryReasonReadsRightInKstatus(t *testing.T) {
	t.Parallel()
	want := map[v1alpha1.Outcome]status.Status{
		"":                          status.InProgressStatus,
		v1alpha1.OutcomeSucceeded:   status.CurrentStatus,
		v1alpha1.OutcomeSkipped:     status.CurrentStatus,
		v1alpha1.OutcomeFailed:      status.FailedStatus,
		v1alpha1.OutcomeUnconfirmed: status.FailedStatus,
	}
	for _, e := range catalogue() {
		t.Run(e.reason, func(t *testing.T) {
			t.Parallel()
			request := aliceRequest()
			request.Status = StatusOf(request, VerdictOf(e.reason), Facts{}, now())
			if got := kstatusOf(t, request); got != want[e.outcome] {
				t.Errorf("kstatus says %s, want %s", got, want[e.outcome])
			}
		})
	}
	unseen := aliceRequest()
	unseen.Status.ObservedGeneration = new(int64(-1))
	if got := kstatusOf(t, unseen); got != status.InProgressStatus {
		t.Errorf("kstatus says %s of a request that nobody has seen", got)
	}
}

// TestConditionsFollowTheTable compares with the table of docs/usercredentialreset.md.
func TestConditionsFollowTheTable(t *testing.T) {
	t.Parallel()
	const yes, no, unknown = metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionUnknown
	want := map[v1alpha1.Outcome]map[string]metav1.ConditionStatus{
		"":                          {"Succeeded": unknown, "Finished": no, "Reconciling": yes},
		v1alpha1.OutcomeSucceeded:   {"Succeeded": yes, "Finished": yes},
		v1alpha1.OutcomeSkipped:     {"Succeeded": no, "Finished": yes},
		v1alpha1.OutcomeFailed:      {"Succeeded": no, "Finished": yes, "Stalled": yes},
		v1alpha1.OutcomeUnconfirmed: {"Succeeded": unknown, "Finished": yes, "Stalled": yes},
	}
	for _, e := range catalogue() {
		request := aliceRequest()
		request.Generation = 3
		got := map[string]metav1.ConditionStatus{}
		s := StatusOf(request, VerdictOf(e.reason), Facts{}, now())
		for _, condition := range s.Conditions {
			got[condition.Type] = condition.Status
			if condition.ObservedGeneration != 3 {
				t.Errorf("%s: %s is of generation %d", e.reason, condition.Type, condition.ObservedGeneration)
			}
		}
		if diff := cmp.Diff(want[e.outcome], got); diff != "" {
			t.Errorf("%s (-want, +got):\n%s", e.reason, diff)
		}
		finished := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionFinished)
		wantReason := string(e.outcome)
		if wantReason == "" {
			wantReason = v1alpha1.ReasonInProgress
		}
		if finished.Reason != wantReason || s.Outcome != e.outcome || (s.CompletionTime != nil) != (e.outcome != "") {
			t.Errorf("%s: Finished says %s, outcome %q, completed %v", e.reason, finished.Reason, s.Outcome, s.CompletionTime)
		}
	}
}

func TestStatusIsWrittenOnce(t *testing.T) {
	t.Parallel()
	request := aliceRequest()
	request.Status = StatusOf(request, VerdictOf(v1alpha1.ReasonRateLimited), Facts{}, now())
	again := StatusOf(request, VerdictOf(v1alpha1.ReasonRateLimited), Facts{}, now().Add(time.Minute))
	if !SameStatus(request.Status, again) {
		t.Errorf("waiting writes anew:\n%s", cmp.Diff(request.Status, again))
	}
	ended := StatusOf(request, VerdictOf(v1alpha1.ReasonResetAccepted), Facts{Record: recordFor(request)}, now().Add(time.Minute))
	if ended.RecordRef == nil || ended.Target == nil || ended.Target.UserID != aliceID {
		t.Errorf("the record is not shown: %+v", ended)
	}
	request.Status = ended
	later := StatusOf(request, VerdictOf(v1alpha1.ReasonResetAccepted), Facts{}, now().Add(time.Hour))
	if !SameStatus(ended, later) {
		t.Errorf("the end is written anew:\n%s", cmp.Diff(ended, later))
	}
}

func TestStatusShowsNothingOfAnEarlierRequestsRecord(t *testing.T) {
	t.Parallel()
	request := aliceRequest()
	record := recordFor(request)
	record.Request.UID = "uid-0"
	s := StatusOf(request, VerdictOf(v1alpha1.ReasonNameAlreadyUsed), Facts{Record: record}, now())
	if s.RecordRef != nil || s.Target != nil {
		t.Errorf("shown: %+v", s)
	}
}

// TestEveryRequestReasonIsInTheCatalogue reads the constants from the API's source,
// so that a new one cannot be forgotten.
func TestEveryRequestReasonIsInTheCatalogue(t *testing.T) {
	t.Parallel()
	declared := declaredReasons(t)
	var known []string
	for _, e := range catalogue() {
		known = append(known, e.reason)
		if !slices.Contains(declared, e.reason) {
			t.Errorf("%s is not declared", e.reason)
		}
		checkSentence(t, e.reason, e.message)
	}
	for reason := range readyMessages() {
		known = append(known, reason)
		checkSentence(t, reason, readyMessages()[reason])
	}
	attempts := []string{
		v1alpha1.ReasonConnectionFailed, v1alpha1.ReasonSendDeadlinePassed, v1alpha1.ReasonNotBegun, v1alpha1.ReasonMailFailed, v1alpha1.ReasonCodeRefused,
		v1alpha1.ReasonInProgress,
	}
	for _, reason := range declared {
		if !slices.Contains(known, reason) && !slices.Contains(attempts, reason) {
			t.Errorf("%s has no message", reason)
		}
	}
}

func checkSentence(t *testing.T, reason, message string) {
	t.Helper()
	if message == "" || message != strings.TrimSpace(message) || strings.HasSuffix(message, ".") || strings.Contains(message, "\n") {
		t.Errorf("the message of %s is not one plain sentence: %q", reason, message)
	}
}

func declaredReasons(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../api/v1alpha1/conditions.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var reasons []string
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Reason") {
			return true
		}
		literal, ok := spec.Values[0].(*ast.BasicLit)
		if !ok {
			t.Fatalf("%s has no literal value", spec.Names[0].Name)
		}
		value, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		if spec.Names[0].Name != "Reason"+value {
			t.Errorf("constant %s has the value %q", spec.Names[0].Name, value)
		}
		reasons = append(reasons, value)
		return true
	})
	return reasons
}
