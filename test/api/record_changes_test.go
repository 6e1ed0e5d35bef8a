package api

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func is(field string) *refusal { return forbidden(field, field+" is frozen") }

// identityChanges are changes to what a record was made for.
var identityChanges = map[string]transition{
	"another namespace of the request":   {nil, []operation{replace("/request/namespace", "other")}, is("request")},
	"another name of the request":        {nil, []operation{replace("/request/name", "other")}, is("request")},
	"another uid of the request":         {nil, []operation{replace("/request/uid", "other")}, is("request")},
	"another namespace of the workspace": {nil, []operation{replace("/workspace/namespace", "other")}, is("workspace")},
	"another name of the workspace":      {nil, []operation{replace("/workspace/name", "other")}, is("workspace")},
	"another host":                       {nil, []operation{replace("/target/host", "https://evil.example.com")}, is("target")},
	"another user id":                    {nil, []operation{replace("/target/userID", "bobid00001")}, is("target")},
	"another username":                   {nil, []operation{replace("/target/username", "bob")}, is("target")},
	"another type":                       {nil, []operation{replace("/type", "E2EKey")}, is("type")},
	"a later notAfterTime":               {nil, []operation{replace("/notAfterTime", later)}, is("notAfterTime")},
	"another justification":              {nil, []operation{replace("/justification", "TICKET-4712")}, is("justification")},
	"no justification any more":          {nil, []operation{remove("/justification")}, is("justification")},
	"a justification where none was":     {[]operation{remove("/justification")}, []operation{set("/justification", "TICKET-4711")}, is("justification")},
	"another requester":                  {nil, []operation{replace("/requestedBy", "bob@example.com")}, is("requestedBy")},
	"no requester any more":              {nil, []operation{remove("/requestedBy")}, is("requestedBy")},
	"a requester where none was":         {[]operation{remove("/requestedBy")}, []operation{set("/requestedBy", "ann@example.com")}, is("requestedBy")},
	"another approver":                   {nil, []operation{replace("/approval/approvedBy", "bob@example.com")}, is("approval")},
	"no approval any more":               {nil, []operation{remove("/approval")}, is("approval")},
	"an approval where none was":         {[]operation{remove("/approval")}, []operation{set("/approval", map[string]any{"approvedBy": "bob@example.com"})}, is("approval")},
	"no request any more":                {nil, []operation{remove("/request")}, required("request")},
	"no workspace any more":              {nil, []operation{remove("/workspace")}, required("workspace")},
	"no target any more":                 {nil, []operation{remove("/target")}, required("target")},
	"no type any more":                   {nil, []operation{remove("/type")}, required("type")},
	"no notAfterTime any more":           {nil, []operation{remove("/notAfterTime")}, required("notAfterTime")},
	"no attempts any more":               {nil, []operation{remove("/attempts")}, required("attempts")},
	"a label":                            {nil, []operation{set("/metadata/labels", map[string]any{"hold": "yes"})}, nil},
	"the same instant respelt":           {nil, []operation{replace("/notAfterTime", instant.Add(day).In(zone).Format("2006-01-02T15:04:05Z07:00"))}, nil},
}

func TestIdentityOfARecordIsFrozen(t *testing.T) {
	t.Parallel()
	testChanges(t, records, identityChanges, everyWay)
}

// with are the operations that make a record's attempts those in the states.
func with(states ...state) []operation { return []operation{set("/attempts", attempts(states...))} }

// appended is the operation that adds an open attempt of the number.
func appended(number int) operation { return set("/attempts/-", attempt(number, open)) }

// appends are second, third and further attempts. Server-side apply appends like
// every other way.
var appends = map[string]transition{
	"while the first is open":            {with(open), []operation{appended(2)}, forbidden("attempts", needsProof)},
	"after a success":                    {with(succeeded), []operation{appended(2)}, forbidden("attempts", needsProof)},
	"after a loss":                       {with(unconfirmed), []operation{appended(2)}, forbidden("attempts", needsProof)},
	"after a late success":               {with(late("Succeeded")), []operation{appended(2)}, forbidden("attempts", needsProof)},
	"after a late refusal":               {with(late("Refused")), []operation{appended(2)}, forbidden("attempts", needsProof)},
	"after late news that it never left": {with(late("NotSent")), []operation{appended(2)}, forbidden("attempts", needsProof)},
	"after one that was not sent":        {with(notSent), []operation{appended(2)}, nil},
	"after one that was refused":         {with(refused), []operation{appended(2)}, nil},
	"after two, of which one is open":    {with(notSent, open), []operation{appended(3)}, forbidden("attempts", needsProof)},
	"after two, of which one was lost":   {with(refused, unconfirmed), []operation{appended(3)}, forbidden("attempts", needsProof)},
	"after two, of which one succeeded":  {with(refused, succeeded), []operation{appended(3)}, forbidden("attempts", needsProof)},
	"after two without effect":           {with(notSent, refused), []operation{appended(3)}, nil},
	"after four without effect":          {with(notSent, refused, notSent, refused), []operation{appended(5)}, nil},
	"after five without effect":          {with(notSent, refused, notSent, refused, notSent), []operation{appended(6)}, tooMany("attempts", 5)},
	"two at a time":                      {with(refused), []operation{appended(2), appended(3)}, forbidden("attempts", oneAtATime)},
	"in the write that closes the first": {with(open), []operation{replace("/attempts/0", attempt(1, refused)), appended(2)}, forbidden("attempts", needsProof)},
	"under the id of the first":          {with(refused), []operation{appended(1)}, duplicate("attempts[1]")},
	"with a late result of its own":      {with(refused), []operation{set("/attempts/-", edited(attempt(2, open), "lateResult", "Succeeded"))}, invalid("attempts[1]", wholeAttempts)},
}

// edited is the attempt with another value of a field.
func edited(attempt map[string]any, field string, value any) map[string]any {
	changed := maps.Clone(attempt)
	changed[field] = value
	return changed
}

func TestAttemptsAreAppendedAfterProof(t *testing.T) {
	t.Parallel()
	// Applying an attempt under an id that is there changes that attempt.
	sole := maps.Clone(appends)
	delete(sole, "under the id of the first")
	testChanges(t, records, sole, everyWay)
	testChanges(t, records, map[string]transition{"under the id of the first": appends["under the id of the first"]}, plainWays)
}

// orderChanges are changes to which attempts there are, and where.
var orderChanges = map[string]transition{
	"the only one is removed":             {with(refused), []operation{remove("/attempts/0")}, tooFew("attempts", 1)},
	"the first of two is removed":         {with(refused, open), []operation{remove("/attempts/0")}, forbidden("attempts", neverRemoved)},
	"the last of two is removed":          {with(refused, open), []operation{remove("/attempts/1")}, forbidden("attempts", oneAtATime)},
	"the first is replaced by another":    {with(refused, open), []operation{replace("/attempts/0", attempt(3, refused))}, forbidden("attempts", neverRemoved)},
	"an open one is replaced by another":  {with(open), []operation{replace("/attempts/0", attempt(2, open))}, forbidden("attempts", neverRemoved)},
	"two change their places":             {with(refused, open), []operation{replace("/attempts/0", attempt(2, open)), replace("/attempts/1", attempt(1, refused))}, forbidden("attempts", keepTheirPlace)},
	"one is inserted in front":            {with(refused), []operation{set("/attempts/0", attempt(2, open))}, forbidden("attempts", keepTheirPlace)},
	"one is inserted between":             {with(refused, notSent), []operation{set("/attempts/1", attempt(3, open))}, forbidden("attempts", keepTheirPlace)},
	"an id becomes another":               {with(open), []operation{replace("/attempts/0/id", "attempt-9")}, forbidden("attempts", neverRemoved)},
	"one is removed and another appended": {with(refused, notSent), []operation{remove("/attempts/0"), appended(3)}, forbidden("attempts", neverRemoved)},
}

func TestAttemptsStayWhereTheyAre(t *testing.T) {
	t.Parallel()
	testChanges(t, records, orderChanges, plainWays)
}

// attemptChanges are changes to one attempt.
var attemptChanges = map[string]transition{
	"another startTime":                      {with(open), []operation{replace("/attempts/0/startTime", soon)}, forbidden("attempts[0]", frozenAttempt)},
	"another secretResourceVersion":          {with(open), []operation{replace("/attempts/0/secretResourceVersion", "18")}, forbidden("attempts[0]", frozenAttempt)},
	"another startTime of a closed one":      {with(refused, open), []operation{replace("/attempts/0/startTime", soon)}, forbidden("attempts[0]", frozenAttempt)},
	"an open one succeeds":                   {with(open), closes(0, succeeded), nil},
	"an open one was not sent":               {with(open), closes(0, notSent), nil},
	"an open one is refused":                 {with(open), closes(0, refused), nil},
	"an open one is lost":                    {with(open), closes(0, unconfirmed), nil},
	"an open one gets a bare result":         {with(open), []operation{set("/attempts/0/result", "Refused")}, nil},
	"the second succeeds":                    {with(refused, open), closes(1, succeeded), nil},
	"a refusal becomes a success":            {with(refused), []operation{replace("/attempts/0/result", "Succeeded")}, forbidden("attempts[0]", writtenOnce)},
	"a loss becomes a proof":                 {with(unconfirmed), []operation{replace("/attempts/0/result", "NotSent")}, forbidden("attempts[0]", writtenOnce)},
	"a success becomes a loss":               {with(succeeded), []operation{replace("/attempts/0/result", "Unconfirmed")}, forbidden("attempts[0]", writtenOnce)},
	"a result is taken away":                 {with(refused), []operation{replace("/attempts/0", attempt(1, open))}, forbidden("attempts[0]", writtenOnce)},
	"another endTime":                        {with(refused), []operation{replace("/attempts/0/endTime", later)}, forbidden("attempts[0]", writtenOnce)},
	"no endTime any more":                    {with(refused), []operation{remove("/attempts/0/endTime")}, forbidden("attempts[0]", writtenOnce)},
	"an endTime after a bare result":         {closedBare, []operation{set("/attempts/0/endTime", soon)}, forbidden("attempts[0]", writtenOnce)},
	"another reason":                         {with(refused), []operation{replace("/attempts/0/reason", "MailFailed")}, forbidden("attempts[0]", writtenOnce)},
	"no reason any more":                     {with(refused), []operation{remove("/attempts/0/reason")}, forbidden("attempts[0]", writtenOnce)},
	"a reason after a bare result":           {closedBare, []operation{set("/attempts/0/reason", "MailFailed")}, forbidden("attempts[0]", writtenOnce)},
	"a late success":                         {with(unconfirmed), []operation{set("/attempts/0/lateResult", "Succeeded")}, nil},
	"a late refusal with its reason":         {with(unconfirmed), []operation{set("/attempts/0/lateResult", "Refused"), set("/attempts/0/reason", "MailFailed")}, nil},
	"late news that it never left":           {with(unconfirmed), []operation{set("/attempts/0/lateResult", "NotSent")}, nil},
	"a late loss":                            {with(unconfirmed), []operation{set("/attempts/0/lateResult", "Unconfirmed")}, invalid("attempts[0].lateResult", lateIsTheTruth)},
	"a late success of an open one":          {with(open), []operation{set("/attempts/0/lateResult", "Succeeded")}, forbidden("attempts[0]", lateWrittenOnce)},
	"a late success of a refused one":        {with(refused), []operation{set("/attempts/0/lateResult", "Succeeded")}, forbidden("attempts[0]", lateWrittenOnce)},
	"a late refusal of a success":            {with(succeeded), []operation{set("/attempts/0/lateResult", "Refused")}, forbidden("attempts[0]", lateWrittenOnce)},
	"a late success that comes with a loss":  {with(open), append(closes(0, unconfirmed), set("/attempts/0/lateResult", "Succeeded")), forbidden("attempts[0]", lateWrittenOnce)},
	"another late result":                    {with(late("Refused")), []operation{replace("/attempts/0/lateResult", "Succeeded")}, forbidden("attempts[0]", lateWrittenOnce)},
	"no late result any more":                {with(late("Refused")), []operation{remove("/attempts/0/lateResult")}, forbidden("attempts[0]", lateWrittenOnce)},
	"another reason of a late result":        {with(late("Refused")), []operation{replace("/attempts/0/reason", "MailFailed")}, forbidden("attempts[0]", writtenOnce)},
	"another endTime with a late result":     {with(unconfirmed), []operation{set("/attempts/0/lateResult", "Refused"), replace("/attempts/0/endTime", later)}, forbidden("attempts[0]", writtenOnce)},
	"a late result of the second":            {with(refused, unconfirmed), []operation{set("/attempts/1/lateResult", "Succeeded")}, nil},
	"an endTime while it is open":            {with(open), []operation{set("/attempts/0/endTime", soon)}, invalid("attempts[0]", wholeAttempts)},
	"a result of the first and second alike": {with(refused, open), append(closes(1, refused), replace("/attempts/0/result", "NotSent")), forbidden("attempts[0]", writtenOnce)},
}

// closedBare is a record whose attempt has a result and nothing else.
var closedBare = []operation{set("/attempts", []any{edited(attempt(1, open), "result", "Refused")})}

// closes are the operations that end the open attempt at the index.
func closes(index int, s state) []operation {
	path := fmt.Sprintf("/attempts/%d/", index)
	return []operation{set(path+"result", s.result), set(path+"reason", "Because"), set(path+"endTime", soon)}
}

func TestAnAttemptIsWrittenOnce(t *testing.T) {
	t.Parallel()
	testChanges(t, records, attemptChanges, everyWay)
}

func testChanges(t *testing.T, k *kind, tests map[string]transition, ways map[string]way) {
	t.Helper()
	for name, tc := range tests {
		for by, send := range ways {
			t.Run(name+" by "+by, func(t *testing.T) {
				t.Parallel()
				stored := k.create(t, tc.before...)
				changed, err := send(t.Context(), write{client: k.client(), stored: stored, change: tc.change})
				wantVerdict(t, err, tc.want)
				want := stored.Object
				if err == nil {
					want = edit(stored, tc.change).Object
					want["metadata"] = changed.Object["metadata"]
				}
				if diff := cmp.Diff(want, k.get(t, stored.GetName()).Object); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// crowd is how many write at the same time.
const crowd = 20

// atOnce does the same from many sides at once and counts the answers.
func atOnce(t *testing.T, do func(ctx context.Context, writer int) error) map[string]int {
	t.Helper()
	errs := make([]error, crowd)
	start := make(chan struct{})
	var group sync.WaitGroup
	for i := range crowd {
		group.Go(func() {
			<-start
			errs[i] = do(t.Context(), i)
		})
	}
	close(start)
	group.Wait()
	answers := map[string]int{}
	for _, err := range errs {
		answer := "done"
		if err != nil {
			answer = string(apierrors.ReasonForError(err))
		}
		answers[answer]++
	}
	return answers
}

func TestOneOfManyAppendsWins(t *testing.T) {
	t.Parallel()
	stored := records.create(t, with(refused)...)
	answers := atOnce(t, func(ctx context.Context, writer int) error {
		_, err := put(ctx, write{client: records.client(), stored: stored, change: []operation{appended(100 + writer)}})
		return err
	})
	if diff := cmp.Diff(map[string]int{"done": 1, "Conflict": crowd - 1}, answers); diff != "" {
		t.Error(diff)
	}
	if list, is := records.get(t, stored.GetName()).Object["attempts"].([]any); !is || len(list) != 2 {
		t.Errorf("attempts %v, want two", list)
	}
}

func TestOneOfManyCreatorsWins(t *testing.T) {
	t.Parallel()
	name := newName("claim")
	answers := atOnce(t, func(ctx context.Context, writer int) error {
		record := records.object(set("/metadata/name", name), set("/attempts", []any{attempt(writer, open)}))
		_, err := records.client().Create(ctx, record, metav1.CreateOptions{})
		return err
	})
	if diff := cmp.Diff(map[string]int{"done": 1, "AlreadyExists": crowd - 1}, answers); diff != "" {
		t.Error(diff)
	}
}

// Whoever patches without a resourceVersion meets the rule instead.
func TestOneOfManyBlindAppendsWins(t *testing.T) {
	t.Parallel()
	stored := records.create(t, with(refused)...)
	answers := atOnce(t, func(ctx context.Context, writer int) error {
		_, err := jsonPatch(ctx, write{client: records.client(), stored: stored, change: []operation{appended(100 + writer)}})
		return err
	})
	if answers["done"] != 1 || answers["Invalid"]+answers["Conflict"] != crowd-1 {
		t.Errorf("answers %v, want one done", answers)
	}
	if list, is := records.get(t, stored.GetName()).Object["attempts"].([]any); !is || len(list) != 2 {
		t.Errorf("attempts %v, want two", list)
	}
}

func TestOneOfManyResultsWins(t *testing.T) {
	t.Parallel()
	stored := records.create(t)
	results := []string{"Succeeded", "NotSent", "Refused", "Unconfirmed"}
	answers := atOnce(t, func(ctx context.Context, writer int) error {
		patch := []operation{expect("/attempts/0/result", nil), set("/attempts/0/result", results[writer%len(results)])}
		_, err := jsonPatch(ctx, write{client: records.client(), stored: stored, change: patch})
		return err
	})
	if answers["done"] != 1 || answers["Invalid"]+answers["Conflict"] != crowd-1 {
		t.Errorf("answers %v, want one done", answers)
	}
}

func TestARecordIsUpdatedOnlyAsItWasRead(t *testing.T) {
	t.Parallel()
	stored := records.create(t)
	labelled := write{client: records.client(), stored: stored, change: []operation{set("/metadata/labels", map[string]any{"a": "b"})}}
	if _, err := mergePatch(t.Context(), labelled); err != nil {
		t.Fatal(err)
	}
	if _, err := put(t.Context(), write{client: records.client(), stored: stored, change: closes(0, refused)}); !apierrors.IsConflict(err) {
		t.Errorf("PUT: got %v, want a conflict", err)
	}
	blind := write{client: records.client(), stored: edit(stored, []operation{remove("/metadata/resourceVersion")}), change: closes(0, refused)}
	if _, err := put(t.Context(), blind); !apierrors.IsInvalid(err) {
		t.Errorf("PUT without a resourceVersion: got %v, want 422", err)
	}
	version, uid, other := stored.GetResourceVersion(), stored.GetUID(), types.UID("other")
	for name, preconditions := range map[string]*metav1.Preconditions{
		"an old resourceVersion": {UID: &uid, ResourceVersion: &version}, "another UID": {UID: &other},
	} {
		err := records.client().Delete(t.Context(), stored.GetName(), metav1.DeleteOptions{Preconditions: preconditions})
		if !apierrors.IsConflict(err) {
			t.Errorf("DELETE with %s: got %v, want a conflict", name, err)
		}
	}
}

func TestARecordHasNoStatusSubresource(t *testing.T) {
	t.Parallel()
	stored := records.create(t)
	_, err := jsonPatch(t.Context(), write{client: records.client(), stored: stored, change: closes(0, refused), part: []string{"status"}})
	if !apierrors.IsNotFound(err) {
		t.Errorf("got %v, want 404", err)
	}
}
