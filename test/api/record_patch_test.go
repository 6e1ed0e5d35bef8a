package api

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// answer is what the operator tells apart when it writes a result.
type answer struct {
	reason string // none: it was applied
	causes bool
}

var (
	applied       = answer{}
	testFailed    = answer{reason: "Invalid"}
	schemaRefused = answer{reason: "Invalid", causes: true}
)

func answerTo(err error) answer {
	if err == nil {
		return applied
	}
	return answer{reason: string(apierrors.ReasonForError(err)), causes: len(causesOf(err)) > 0}
}

// resultPatches are what the operator sends to write a result, and what goes wrong.
var resultPatches = map[string]struct {
	attempts []operation
	patch    []operation
	want     answer
}{
	"my open attempt": {with(open), []operation{
		expect("/attempts/0/id", "attempt-1"), expect("/attempts/0/result", nil), set("/attempts/0/result", "Succeeded"),
	}, applied},
	"my open attempt behind another": {with(refused, open), []operation{
		expect("/attempts/1/id", "attempt-2"), expect("/attempts/1/result", nil), set("/attempts/1/result", "Succeeded"),
	}, applied},
	"an attempt of another id": {with(open), []operation{
		expect("/attempts/0/id", "attempt-9"), set("/attempts/0/result", "Succeeded"),
	}, testFailed},
	"an attempt that is not there": {with(open), []operation{
		expect("/attempts/1/id", "attempt-2"), set("/attempts/1/result", "Succeeded"),
	}, testFailed},
	"an attempt that is closed": {with(unconfirmed), []operation{
		expect("/attempts/0/id", "attempt-1"), expect("/attempts/0/result", nil), set("/attempts/0/result", "Succeeded"),
	}, testFailed},
	"a late result": {with(unconfirmed), []operation{
		expect("/attempts/0/result", "Unconfirmed"), expect("/attempts/0/lateResult", nil), set("/attempts/0/lateResult", "Succeeded"),
		set("/attempts/0/reason", "ResetAccepted"),
	}, applied},
	"a second late result": {with(late("Refused")), []operation{
		expect("/attempts/0/result", "Unconfirmed"), expect("/attempts/0/lateResult", nil), set("/attempts/0/lateResult", "Succeeded"),
	}, testFailed},
	"a test that fails at the end": {with(open), []operation{
		set("/attempts/0/result", "Succeeded"), expect("/attempts/0/id", "attempt-9"),
	}, testFailed},
	"a test below something absent": {with(open), []operation{
		expect("/status/result", nil), set("/attempts/0/result", "Succeeded"),
	}, testFailed},
	"a result that does not exist": {with(open), []operation{
		expect("/attempts/0/result", nil), set("/attempts/0/result", "Perhaps"),
	}, schemaRefused},
	"a reason that is too long": {with(open), []operation{
		expect("/attempts/0/result", nil), set("/attempts/0/result", "Refused"), set("/attempts/0/reason", characters(65, "A")),
	}, schemaRefused},
	"a second result without a test": {with(refused), []operation{set("/attempts/0/result", "Succeeded")}, schemaRefused},
	"tests that hold and a rule that does not": {with(open), []operation{
		expect("/attempts/0/id", "attempt-1"), appended(2),
	}, schemaRefused},
}

func TestJSONPatchOfAResult(t *testing.T) {
	t.Parallel()
	for name, tc := range resultPatches {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stored := records.create(t, tc.attempts...)
			w := write{client: records.client(), stored: stored, change: tc.patch}
			got, err := jsonPatch(t.Context(), w)
			if diff := cmp.Diff(tc.want, answerTo(err), cmp.AllowUnexported(answer{})); diff != "" {
				t.Errorf("%v: %s", err, diff)
			}
			if err == nil {
				return
			}
			if diff := cmp.Diff(stored.Object, records.get(t, stored.GetName()).Object); diff != "" {
				t.Errorf("something was applied: %s\n%v", diff, got)
			}
		})
	}
}

func TestNobodysEditCostsAResult(t *testing.T) {
	t.Parallel()
	stored := records.create(t)
	label := write{client: records.client(), stored: stored, change: []operation{set("/metadata/labels", map[string]any{"seen": "yes"})}}
	if _, err := mergePatch(t.Context(), label); err != nil {
		t.Fatal(err)
	}
	result := append([]operation{expect("/attempts/0/id", "attempt-1"), expect("/attempts/0/result", nil)}, closes(0, succeeded)...)
	if _, err := jsonPatch(t.Context(), write{client: records.client(), stored: stored, change: result}); err != nil {
		t.Error(err)
	}
}

func TestAPatchOfAVanishedRecordIsNotFound(t *testing.T) {
	t.Parallel()
	never := records.object()
	_, err := jsonPatch(t.Context(), write{client: records.client(), stored: never, change: closes(0, succeeded)})
	if !apierrors.IsNotFound(err) {
		t.Errorf("got %v, want 404", err)
	}
}
