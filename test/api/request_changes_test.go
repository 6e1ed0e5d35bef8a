package api

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// What the rules of changes to a request say.
const (
	specIsImmutable = "spec is immutable: delete this request to cancel it, create one under a new name to ask again"
	staysFinished   = "a finished request stays finished: its outcome cannot change, except from Unconfirmed to Succeeded or Failed"
	targetOnce      = "target is written once"
	recordOnce      = "recordRef is written once"
)

// transition is a change to a stored object, which is accepted or not.
type transition struct {
	before []operation // to a whole object, before it is stored
	change []operation
	want   *refusal // nil: accepted
}

var immutable = forbidden("spec", specIsImmutable)

// specChanges are changes to the spec of a request.
var specChanges = map[string]transition{
	"another workspace":               {nil, []operation{replace("/spec/workspaceRef/name", "other")}, immutable},
	"a workspace in another space":    {nil, []operation{replace("/spec/workspaceRef/namespace", "other")}, immutable},
	"another username":                {nil, []operation{replace("/spec/user/username", "bob")}, immutable},
	"a username spelled differently":  {nil, []operation{replace("/spec/user/username", "Alice")}, immutable},
	"another id":                      {nil, []operation{replace("/spec/user/id", "bobid00001")}, immutable},
	"another user altogether":         {nil, []operation{replace("/spec/user/username", "bob"), replace("/spec/user/id", "bobid00001")}, immutable},
	"another type":                    {nil, []operation{replace("/spec/type", "E2EKey")}, immutable},
	"a later notAfterTime":            {nil, []operation{replace("/spec/notAfterTime", later)}, immutable},
	"an earlier notAfterTime":         {nil, []operation{replace("/spec/notAfterTime", now)}, immutable},
	"another justification":           {nil, []operation{replace("/spec/justification", "TICKET-4712")}, immutable},
	"no namespace of the workspace":   {nil, []operation{remove("/spec/workspaceRef/namespace")}, immutable},
	"no username any more":            {nil, []operation{remove("/spec/user/username")}, immutable},
	"no id any more":                  {nil, []operation{remove("/spec/user/id")}, immutable},
	"no justification any more":       {nil, []operation{remove("/spec/justification")}, immutable},
	"an id instead of a username":     {[]operation{remove("/spec/user/id")}, []operation{set("/spec/user/id", "aliceid01"), remove("/spec/user/username")}, immutable},
	"a namespace where none was":      {[]operation{remove("/spec/workspaceRef/namespace")}, []operation{set("/spec/workspaceRef/namespace", namespace)}, immutable},
	"a username where none was":       {[]operation{remove("/spec/user/username")}, []operation{set("/spec/user/username", "alice")}, immutable},
	"an id where none was":            {[]operation{remove("/spec/user/id")}, []operation{set("/spec/user/id", "aliceid01")}, immutable},
	"a justification where none was":  {[]operation{remove("/spec/justification")}, []operation{set("/spec/justification", "TICKET-4711")}, immutable},
	"another ttlSecondsAfterFinished": {nil, []operation{replace("/spec/ttlSecondsAfterFinished", 60)}, immutable},
	"another requestedBy":             {nil, []operation{replace("/spec/requestedBy", "bob@example.com")}, immutable},
	"no requestedBy any more":         {nil, []operation{remove("/spec/requestedBy")}, immutable},
	"a requestedBy where none was":    {[]operation{remove("/spec/requestedBy")}, []operation{set("/spec/requestedBy", "bob@example.com")}, immutable},
	"no name of the workspace":        {nil, []operation{remove("/spec/workspaceRef/name")}, required("spec.workspaceRef.name")},
	"no workspace any more":           {nil, []operation{remove("/spec/workspaceRef")}, required("spec.workspaceRef")},
	"no user any more":                {nil, []operation{remove("/spec/user")}, required("spec.user")},
	"no type any more":                {nil, []operation{remove("/spec/type")}, required("spec.type")},
	"no notAfterTime any more":        {nil, []operation{remove("/spec/notAfterTime")}, required("spec.notAfterTime")},
	"no spec any more":                {nil, []operation{remove("/spec")}, required("spec")},
	"an empty id beside the username": {nil, []operation{replace("/spec/user/id", "")}, tooShort("spec.user.id", 1)},
}

func TestSpecOfARequestIsImmutable(t *testing.T) {
	t.Parallel()
	for name, tc := range specChanges {
		for by, send := range everyWay {
			t.Run(name+" by "+by, func(t *testing.T) {
				t.Parallel()
				stored := requests.create(t, tc.before...)
				_, err := send(t.Context(), write{client: requests.client(), stored: stored, change: tc.change})
				wantVerdict(t, err, tc.want)
				if diff := cmp.Diff(stored.Object, requests.get(t, stored.GetName()).Object); diff != "" {
					t.Errorf("it was changed nevertheless: %s", diff)
				}
			})
		}
	}
}

func TestWhatMayBeChangedOfARequest(t *testing.T) {
	t.Parallel()
	respelled := instant.Add(day).In(zone).Format("2006-01-02T15:04:05Z07:00")
	tests := map[string]struct {
		change     []operation
		generation int64
	}{
		"a label":                   {[]operation{set("/metadata/labels", map[string]any{"team": "support"})}, 1},
		"an annotation":             {[]operation{set("/metadata/annotations", map[string]any{"ticket": "4711"})}, 1},
		"nothing at all":            {[]operation{replace("/spec/type", "TOTP")}, 1},
		"the same instant respelt":  {[]operation{replace("/spec/notAfterTime", respelled)}, 2},
		"the instant with decimals": {[]operation{replace("/spec/notAfterTime", instant.Add(day).Format("2006-01-02T15:04:05.000Z07:00"))}, 2},
	}
	for name, tc := range tests {
		for by, send := range everyWay {
			t.Run(name+" by "+by, func(t *testing.T) {
				t.Parallel()
				stored := requests.createWithStatus(t, requests.wholeStatus())
				changed, err := send(t.Context(), write{client: requests.client(), stored: stored, change: tc.change})
				if err != nil {
					t.Fatal(err)
				}
				if changed.GetGeneration() != tc.generation {
					t.Errorf("generation %d, want %d", changed.GetGeneration(), tc.generation)
				}
				if diff := cmp.Diff(edit(stored, tc.change).Object["spec"], changed.Object["spec"]); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff(stored.Object["status"], changed.Object["status"]); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestAFinalizerMayComeAndGo(t *testing.T) {
	t.Parallel()
	stored := requests.createWithStatus(t, requests.wholeStatus())
	for _, change := range []operation{set("/metadata/finalizers", []string{"example.com/hold"}), remove("/metadata/finalizers")} {
		var err error
		if stored, err = put(t.Context(), write{client: requests.client(), stored: stored, change: []operation{change}}); err != nil {
			t.Fatal(err)
		}
	}
}

// outcomes are all values of an outcome; the first means that there is none.
var outcomes = []string{"", "Succeeded", "Failed", "Skipped", "Unconfirmed"}

// outcomeChange is the operation that makes the outcome another one.
func outcomeChange(to string) operation {
	if to == "" {
		return remove("/status/outcome")
	}
	return set("/status/outcome", to)
}

func TestOutcomeStays(t *testing.T) {
	t.Parallel()
	allowed := map[[2]string]bool{{"Unconfirmed", "Succeeded"}: true, {"Unconfirmed", "Failed"}: true}
	for _, from := range outcomes[1:] {
		for _, to := range outcomes {
			want := finished
			if from == to || allowed[[2]string{from, to}] {
				want = nil
			}
			testStatusChange(t, from+" to "+to, transition{
				before: []operation{set("/status/outcome", from)}, change: []operation{outcomeChange(to)}, want: want,
			})
		}
	}
}

var finished = forbidden("status.outcome", staysFinished)

// statusChanges are changes to the status of a request.
var statusChanges = map[string]transition{
	"a finished request becomes open":       {[]operation{requests.wholeStatus()}, []operation{remove("/status/outcome")}, finished},
	"an open request gets an outcome":       {nil, []operation{set("/status/outcome", "Failed")}, nil},
	"a finished one gets other conditions":  {[]operation{requests.wholeStatus()}, []operation{set("/status/conditions", conditions("Finished"))}, nil},
	"a finished one is seen again":          {[]operation{requests.wholeStatus()}, []operation{set("/status/observedGeneration", 2)}, nil},
	"the target is written":                 {nil, []operation{set("/status/target", parse(`{host: "https://chat.example.com", userID: aliceid01, username: alice}`))}, nil},
	"the record is written":                 {nil, []operation{set("/status/recordRef", parse(`{name: record}`))}, nil},
	"the target gets another host":          {[]operation{requests.wholeStatus()}, []operation{set("/status/target/host", "https://evil.example.com")}, forbidden("status.target", targetOnce)},
	"the target gets another user":          {[]operation{requests.wholeStatus()}, []operation{set("/status/target/userID", "bobid00001")}, forbidden("status.target", targetOnce)},
	"the target gets another username":      {[]operation{requests.wholeStatus()}, []operation{set("/status/target/username", "bob")}, forbidden("status.target", targetOnce)},
	"the target is taken away":              {[]operation{requests.wholeStatus()}, []operation{remove("/status/target")}, forbidden("status.target", targetOnce)},
	"the record becomes another":            {[]operation{requests.wholeStatus()}, []operation{set("/status/recordRef/name", "other")}, forbidden("status.recordRef", recordOnce)},
	"the record is taken away":              {[]operation{requests.wholeStatus()}, []operation{remove("/status/recordRef")}, forbidden("status.recordRef", recordOnce)},
	"the target of an open one is wiped":    {[]operation{requests.wholeStatus(), remove("/status/outcome")}, []operation{remove("/status/target")}, forbidden("status.target", targetOnce)},
	"the record of an open one is replaced": {[]operation{requests.wholeStatus(), remove("/status/outcome")}, []operation{set("/status/recordRef/name", "other")}, forbidden("status.recordRef", recordOnce)},
	"a late truth beside the same target":   {[]operation{requests.wholeStatus(), set("/status/outcome", "Unconfirmed")}, []operation{set("/status/outcome", "Failed")}, nil},
	"a late truth beside another target":    {[]operation{requests.wholeStatus(), set("/status/outcome", "Unconfirmed")}, []operation{set("/status/outcome", "Failed"), set("/status/target/userID", "bobid00001")}, forbidden("status.target", targetOnce)},
}

func TestStatusOfARequestIsKept(t *testing.T) {
	t.Parallel()
	for name, tc := range statusChanges {
		testStatusChange(t, name, tc)
	}
}

// testStatusChange sends the change of the status in every way.
func testStatusChange(t *testing.T, name string, tc transition) {
	t.Helper()
	for by, send := range everyWay {
		t.Run(name+" by "+by, func(t *testing.T) {
			t.Parallel()
			stored := requests.createWithStatus(t, tc.before...)
			changed, err := send(t.Context(), write{client: requests.client(), stored: stored, change: tc.change, part: []string{"status"}})
			wantVerdict(t, err, tc.want)
			if err == nil {
				if diff := cmp.Diff(edit(stored, tc.change).Object["status"], changed.Object["status"]); diff != "" {
					t.Error(diff)
				}
				return
			}
			if diff := cmp.Diff(stored.Object, requests.get(t, stored.GetName()).Object); diff != "" {
				t.Errorf("it was changed nevertheless: %s", diff)
			}
		})
	}
}

// wipes are ways to take the whole status away.
var wipes = map[string]way{
	"PUT without a status":                 instead(put, remove("/status")),
	"PUT with an empty status":             instead(put, set("/status", map[string]any{})),
	"JSON Patch that removes it":           instead(jsonPatch, remove("/status")),
	"JSON Patch that replaces it":          instead(jsonPatch, replace("/status", map[string]any{})),
	"JSON Patch that makes it null":        instead(jsonPatch, replace("/status", nil)),
	"merge patch that makes it null":       instead(mergePatch, remove("/status")),
	"server-side apply without a status":   instead(apply, remove("/status")),
	"server-side apply of an empty status": instead(apply, set("/status", map[string]any{})),
}

// instead sends one operation and no other.
func instead(send way, o operation) way {
	return func(ctx context.Context, w write) (*unstructured.Unstructured, error) {
		w.change = []operation{o}
		return send(ctx, w)
	}
}

func TestAStatusIsNotWiped(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		before []operation
		want   *refusal
	}{
		"with an outcome":          {[]operation{set("/status/outcome", "Succeeded")}, finished},
		"with a target":            {[]operation{set("/status/target", parse(`{host: "https://chat.example.com", userID: aliceid01, username: alice}`))}, forbidden("status.target", targetOnce)},
		"with a record":            {[]operation{set("/status/recordRef", parse(`{name: record}`))}, forbidden("status.recordRef", recordOnce)},
		"with nothing of the kind": {[]operation{set("/status/observedGeneration", 1)}, nil},
	}
	for name, tc := range tests {
		for by, wipe := range wipes {
			t.Run(name+" by "+by, func(t *testing.T) {
				t.Parallel()
				stored := requests.createWithStatus(t, tc.before...)
				_, err := wipe(t.Context(), write{client: requests.client(), stored: stored, part: []string{"status"}})
				wantVerdict(t, err, tc.want)
				want := stored.Object["status"]
				if tc.want == nil {
					want = unseen
				}
				if diff := cmp.Diff(want, requests.get(t, stored.GetName()).Object["status"]); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// unseen is the status of what no operator has seen.
var unseen any = map[string]any{"observedGeneration": int64(-1)}

func TestOnlyStatusWritesChangeTheStatus(t *testing.T) {
	t.Parallel()
	for _, k := range []*kind{requests, workspaces} {
		for by, send := range everyWay {
			t.Run("one of "+k.resource+" by "+by, func(t *testing.T) {
				t.Parallel()
				fresh := k.create(t)
				change := []operation{k.wholeStatus(), set("/metadata/labels", map[string]any{"seen": "yes"})}
				changed, err := send(t.Context(), write{client: k.client(), stored: fresh, change: change})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(unseen, changed.Object["status"]); diff != "" {
					t.Errorf("the main resource wrote status: %s", diff)
				}
				if diff := cmp.Diff(map[string]string{"seen": "yes"}, changed.GetLabels()); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestStatusWritesChangeNothingElse(t *testing.T) {
	t.Parallel()
	for by, send := range everyWay {
		t.Run("by "+by, func(t *testing.T) {
			t.Parallel()
			stored := requests.create(t)
			change := []operation{
				set("/status/outcome", "Skipped"), replace("/spec/type", "E2EKey"), set("/metadata/labels", map[string]any{"seen": "yes"}),
			}
			changed, err := send(t.Context(), write{client: requests.client(), stored: stored, change: change, part: []string{"status"}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(stored.Object["spec"], changed.Object["spec"]); diff != "" {
				t.Error(diff)
			}
			if len(changed.GetLabels()) > 0 || changed.GetGeneration() != 1 {
				t.Errorf("labels %v, generation %d", changed.GetLabels(), changed.GetGeneration())
			}
		})
	}
}

func TestStatusOfACreateIsDropped(t *testing.T) {
	t.Parallel()
	for _, k := range []*kind{requests, workspaces} {
		creates := map[string]way{
			"POST": func(ctx context.Context, w write) (*unstructured.Unstructured, error) {
				return w.client.Create(ctx, w.stored, metav1.CreateOptions{})
			},
			"server-side apply": apply,
		}
		for by, create := range creates {
			t.Run("one of "+k.resource+" by "+by, func(t *testing.T) {
				t.Parallel()
				created, err := create(t.Context(), write{client: k.client(), stored: k.object(k.wholeStatus())})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(unseen, k.get(t, created.GetName()).Object["status"]); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestObservedGenerationIsNeverAbsent(t *testing.T) {
	t.Parallel()
	for _, k := range []*kind{requests, workspaces} {
		for by, send := range everyWay {
			t.Run("one of "+k.resource+" by "+by, func(t *testing.T) {
				t.Parallel()
				stored := k.create(t)
				if diff := cmp.Diff(unseen, stored.Object["status"]); diff != "" {
					t.Errorf("fresh: %s", diff)
				}
				change := []operation{remove("/status/observedGeneration"), set("/status/conditions", conditions("Ready"))}
				written, err := send(t.Context(), write{client: k.client(), stored: stored, change: change, part: []string{"status"}})
				if err != nil {
					t.Fatal(err)
				}
				want := map[string]any{"observedGeneration": int64(-1), "conditions": conditions("Ready")}
				if diff := cmp.Diff(any(want), written.Object["status"]); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestAnOldResourceVersionIsAConflict(t *testing.T) {
	t.Parallel()
	for name, part := range map[string][]string{"of the object": nil, "of the status": {"status"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stored := requests.create(t)
			w := write{client: requests.client(), stored: stored, change: []operation{set("/metadata/labels", map[string]any{"a": "b"})}}
			if _, err := put(t.Context(), w); err != nil {
				t.Fatal(err)
			}
			w.change, w.part = []operation{set("/status/outcome", "Failed")}, part
			if _, err := put(t.Context(), w); !apierrors.IsConflict(err) {
				t.Errorf("got %v, want a conflict", err)
			}
		})
	}
}
