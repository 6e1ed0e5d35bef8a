package api

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// fieldCase changes a whole object or a whole status, which is accepted or not.
type fieldCase struct {
	change []operation
	want   *refusal // nil: accepted
}

// characters is a text of so many of the same.
func characters(count int, character string) string { return strings.Repeat(character, count) }

// dry is a create that stores nothing and lets no mistake pass.
var dry = metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict}

func TestFieldsOfWhatIsCreated(t *testing.T) {
	t.Parallel()
	for k, cases := range creations {
		for name, tc := range cases {
			t.Run(k.resource+": "+name, func(t *testing.T) {
				t.Parallel()
				_, err := k.client().Create(t.Context(), k.object(tc.change...), dry)
				wantVerdict(t, err, tc.want)
			})
		}
	}
}

func TestFieldsOfTheStatus(t *testing.T) {
	t.Parallel()
	for k, cases := range statuses {
		for name, tc := range cases {
			t.Run(k.resource+": "+name, func(t *testing.T) {
				t.Parallel()
				change := append([]operation{k.wholeStatus()}, tc.change...)
				_, err := put(t.Context(), write{client: k.client(), stored: k.create(t), change: change, part: []string{"status"}})
				wantVerdict(t, err, tc.want)
			})
		}
	}
}

var creations = map[*kind]map[string]fieldCase{
	requests: requestFields, workspaces: workspaceFields, records: recordFields, approvals: approvalFields,
}

var statuses = map[*kind]map[string]fieldCase{
	requests: merged(requestStatusFields, conditionFields), workspaces: merged(workspaceStatusFields, conditionFields),
}

func merged(tables ...map[string]fieldCase) map[string]fieldCase {
	all := map[string]fieldCase{}
	for _, table := range tables {
		maps.Copy(all, table)
	}
	return all
}

func TestUnknownFields(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		kind  *kind
		path  string
		field string
	}{
		"beside the spec of a request":     {requests, "/wish", "wish"},
		"in the spec of a request":         {requests, "/spec/suspend", "spec.suspend"},
		"in the user of a request":         {requests, "/spec/user/email", "spec.user.email"},
		"in the workspaceRef of a request": {requests, "/spec/workspaceRef/kind", "spec.workspaceRef.kind"},
		"in the spec of a workspace":       {workspaces, "/spec/url", "spec.url"},
		"in the secretRef of a workspace":  {workspaces, "/spec/secretRef/namespace", "spec.secretRef.namespace"},
		"in the namespaces of a workspace": {workspaces, "/spec/allowedNamespaces/selector", "spec.allowedNamespaces.selector"},
		"beside the fields of a record":    {records, "/status", "status"},
		"in the target of a record":        {records, "/target/email", "target.email"},
		"in an attempt of a record":        {records, "/attempts/0/url", "attempts[0].url"},
		"in the wrong case in a request":   {requests, "/spec/notafterTime", "spec.notafterTime"},
		"in the workspace of a record":     {records, "/workspace/uid", "workspace.uid"},
		"in the request of a record":       {records, "/request/kind", "request.kind"},
		"in the wrong case in a workspace": {workspaces, "/spec/ProtectedUserIDs", "spec.ProtectedUserIDs"},
		"beside the status of a workspace": {workspaces, "/conditions", "conditions"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			object := tc.kind.object(set(tc.path, "anything"))
			_, err := tc.kind.client().Create(t.Context(), object, dry)
			if want := `unknown field "` + tc.field + `"`; !apierrors.IsBadRequest(err) || !strings.Contains(err.Error(), want) {
				t.Errorf("strictly: %v, want 400 with %s", err, want)
			}
			created, err := tc.kind.client().Create(t.Context(), object,
				metav1.CreateOptions{DryRun: dry.DryRun, FieldValidation: metav1.FieldValidationIgnore})
			if err != nil {
				t.Fatal(err)
			}
			if data, err := created.MarshalJSON(); err != nil || strings.Contains(string(data), "anything") {
				t.Errorf("the unknown field was stored: %s (%v)", data, err)
			}
		})
	}
}

// A time that the API server accepts and Go cannot read would keep every client
// from listing requests: one such object would stop the operator for everybody.
func TestOddTimesAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"small letters":                    "2030-01-01t00:00:00z",
		"a small letter between":           "2030-01-01t00:00:00Z",
		"a small letter for the zone":      "2030-01-01T00:00:00z",
		"something else than a point":      "2030-01-01T00:00:00x5Z",
		"something after it":               "2030-01-01T00:00:00Ztrailing",
		"a second time after it":           "2030-01-01T00:00:00ZT00:00:00Z",
		"a zone that does not exist":       "2030-01-01T00:00:00+99:99",
		"the zero time, which Go omits":    "0001-01-01T00:00:00Z",
		"no zone":                          "2030-01-01T00:00:00",
		"a space between":                  "2030-01-01 00:00:00Z",
		"a leap second":                    "2030-12-31T23:59:60Z",
		"a day that does not exist":        "2030-02-30T00:00:00Z",
		"a year of five digits":            "12030-01-01T00:00:00Z",
		"seconds since 1970":               "1893456000",
		"a duration":                       "24h",
		"nothing but the day":              "2030-01-01",
		"an empty string":                  "",
		"the hour after the last of a day": "2030-01-01T24:00:00Z",
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			created, err := requests.client().Create(t.Context(), requests.object(set("/spec/notAfterTime", text)), dry)
			if err == nil {
				t.Fatalf("accepted; read by Go: %v", readTyped(t, created))
			}
			isOfTheTime := func(c metav1.StatusCause) bool { return c.Field == "spec.notAfterTime" }
			if !slices.ContainsFunc(causesOf(err), isOfTheTime) {
				t.Errorf("refused with %v, want a cause about spec.notAfterTime", err)
			}
		})
	}
}

// readTyped reads the object as a typed client does.
func readTyped(t *testing.T, object *unstructured.Unstructured) error {
	t.Helper()
	data, err := object.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return json.Unmarshal(data, &v1alpha1.UserCredentialReset{})
}

func TestAcceptedTimesCanBeRead(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"in UTC":                  "2030-01-01T00:00:00Z",
		"in another zone":         "2030-01-01T05:45:00+05:45",
		"west of Greenwich":       "2029-12-31T19:00:00-05:00",
		"with a zero offset":      "2030-01-01T00:00:00+00:00",
		"with milliseconds":       "2030-01-01T00:00:00.123Z",
		"with microseconds":       "2030-01-01T00:00:00.123456+00:00",
		"with nanoseconds":        "2030-01-01T00:00:00.123456789Z",
		"with a comma":            "2030-01-01T00:00:00,5Z",
		"on the day of leap year": "2028-02-29T12:00:00Z",
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			created, err := requests.client().Create(t.Context(), requests.object(set("/spec/notAfterTime", text)), dry)
			if err != nil {
				t.Fatal(err)
			}
			if err := readTyped(t, created); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change []operation
		want   map[string]any
	}{
		"of what is left out": {
			change: []operation{remove("/spec/ownAccount"), remove("/spec/requestTimeoutSeconds"), remove("/spec/suspend")},
			want:   map[string]any{"ownAccount": "Protected", "requestTimeoutSeconds": int64(10)},
		},
		"of what is null": {
			change: []operation{set("/spec/ownAccount", nil), set("/spec/requestTimeoutSeconds", nil), remove("/spec/suspend")},
			want:   map[string]any{"ownAccount": "Protected", "requestTimeoutSeconds": int64(10)},
		},
		"do not replace what is set": {
			want: map[string]any{"ownAccount": "Allowed", "requestTimeoutSeconds": int64(5), "suspend": true},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			created, err := workspaces.client().Create(t.Context(), workspaces.object(tc.change...), dry)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]any{}
			for _, field := range []string{"ownAccount", "requestTimeoutSeconds", "suspend"} {
				if value, is, _ := unstructured.NestedFieldNoCopy(created.Object, "spec", field); is {
					got[field] = value
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNothingElseIsAddedToARequest(t *testing.T) {
	t.Parallel()
	sent := requests.object(remove("/spec/workspaceRef/namespace"), remove("/spec/user/id"), remove("/spec/justification"))
	stored, err := requests.client().Create(t.Context(), sent, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sent.Object["spec"], stored.Object["spec"]); diff != "" {
		t.Error(diff)
	}
}
