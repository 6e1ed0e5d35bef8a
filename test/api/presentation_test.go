package api

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

func TestDiscovery(t *testing.T) {
	t.Parallel()
	list, err := shared.kube.Discovery().ServerResourcesForGroupVersion(v1alpha1.GroupVersion.String())
	if err != nil {
		t.Fatal(err)
	}
	type entry struct {
		Singular, Kind         string
		Namespaced             bool
		ShortNames, Categories []string
	}
	got := map[string]entry{}
	for i := range list.APIResources {
		r := &list.APIResources[i]
		got[r.Name] = entry{r.SingularName, r.Kind, r.Namespaced, r.ShortNames, r.Categories}
	}
	category := []string{"credentialreset"}
	want := map[string]entry{
		"usercredentialresets":        {"usercredentialreset", "UserCredentialReset", true, []string{"ucr"}, category},
		"usercredentialresets/status": {Kind: "UserCredentialReset", Namespaced: true},
		"rocketchatworkspaces":        {"rocketchatworkspace", "RocketChatWorkspace", true, []string{"rcws"}, category},
		"rocketchatworkspaces/status": {Kind: "RocketChatWorkspace", Namespaced: true},
		"resetapprovals":              {"resetapproval", "ResetApproval", true, []string{"ucra"}, category},
		"resetrecords":                {"resetrecord", "ResetRecord", false, []string{"ucrr"}, category},
	}
	for name := range want {
		if diff := cmp.Diff(want[name], got[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if _, is := got["resetrecords/status"]; is {
		t.Error("a record has a status subresource")
	}
}

func TestKubectlKnowsTheShortNamesAndTheCategory(t *testing.T) {
	t.Parallel()
	space := newNamespace(t)
	for _, k := range []*kind{requests, workspaces, approvals} {
		store(t, k.clientIn(space), k.object(set("/metadata/name", "shown")))
	}
	record := records.create(t)
	tests := map[string][]string{
		"ucr":             {"usercredentialreset.credentialreset.dev/shown"},
		"ucra":            {"resetapproval.credentialreset.dev/shown"},
		"rcws":            {"rocketchatworkspace.credentialreset.dev/shown"},
		"ucrr":            {"resetrecord.credentialreset.dev/" + record.GetName()},
		"credentialreset": {"usercredentialreset.credentialreset.dev/shown", "rocketchatworkspace.credentialreset.dev/shown", "resetrecord.credentialreset.dev/" + record.GetName()},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := strings.Split(kubectl(t, "get", name, "--namespace", space, "--output", "name"), "\n")
			for _, line := range want {
				if !slices.Contains(lines, line) {
					t.Errorf("got %v, want %s among them", lines, line)
				}
			}
		})
	}
}

// kubectl runs kubectl with discovery of this cluster and returns what it prints.
func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	output, err := shared.cluster.Kubectl(t.Context(), append([]string{"--cache-dir", t.TempDir()}, args...)...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return output
}

// store stores an object, and then its status if one is told.
func store(t *testing.T, client dynamic.ResourceInterface, object *unstructured.Unstructured, status ...operation) {
	t.Helper()
	stored := mustApply(t, write{client: client, stored: object})
	if len(status) > 0 {
		mustApply(t, write{client: client, stored: stored, change: status, part: []string{"status"}})
	}
}

// column is a heading and what is below it. Wide columns are those of -o wide.
type column struct {
	Name string
	Wide bool
	Cell any
}

// tableOf asks for an object as kubectl does and returns its columns. Ages are
// given as "age".
func tableOf(t *testing.T, k *kind, space, name string) []column {
	t.Helper()
	segments := []string{"/apis", v1alpha1.GroupVersion.String()}
	if !k.clusterScoped {
		segments = append(segments, "namespaces", space)
	}
	data, err := shared.kube.CoreV1().RESTClient().Get().AbsPath(path.Join(append(segments, k.resource, name)...)).
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").Do(t.Context()).Raw()
	if err != nil {
		t.Fatal(err)
	}
	var table metav1.Table
	if err := json.Unmarshal(data, &table); err != nil {
		t.Fatal(err)
	}
	if len(table.Rows) != 1 || len(table.Rows[0].Cells) != len(table.ColumnDefinitions) {
		t.Fatalf("rows %v, want one with a cell below each of %v", table.Rows, table.ColumnDefinitions)
	}
	columns := make([]column, len(table.ColumnDefinitions))
	for i, definition := range table.ColumnDefinitions {
		columns[i] = column{definition.Name, definition.Priority > 0, table.Rows[0].Cells[i]}
		if text, is := columns[i].Cell.(string); is && definition.Name == "Age" && isAge.MatchString(text) {
			columns[i].Cell = "age"
		}
	}
	return columns
}

var isAge = regexp.MustCompile(`^(\d+[smh])+$`)

// requestColumns are the columns of a request.
func requestColumns(user, outcome, reason, message any) []column {
	return []column{
		{"Name", false, "shown"},
		{"User", false, user},
		{"Type", false, "TOTP"},
		{"Outcome", false, outcome},
		{"Reason", false, reason},
		{"Age", false, "age"},
		{"Workspace", true, "chat"},
		{"Requested-By", true, "ann@example.com"},
		{"Message", true, message},
	}
}

func TestColumnsOfARequest(t *testing.T) {
	t.Parallel()
	const said = "The workspace confirmed it"
	tests := map[string]struct {
		change []operation
		status []operation
		want   []column
	}{
		"by username and id": {nil, nil, requestColumns("alice", nil, nil, nil)},
		"by username alone":  {[]operation{remove("/spec/user/id")}, nil, requestColumns("alice", nil, nil, nil)},
		"by id alone":        {[]operation{remove("/spec/user/username")}, nil, requestColumns("aliceid01", nil, nil, nil)},
		"finished":           {nil, []operation{requests.wholeStatus()}, requestColumns("alice", "Succeeded", "ResetAccepted", said)},
		"waiting": {
			nil,
			[]operation{requests.wholeStatus(), remove("/status/outcome"), replace("/status/conditions/0/reason", "RateLimited")},
			requestColumns("alice", nil, "RateLimited", said),
		},
		"with another condition first": {
			nil,
			[]operation{requests.wholeStatus(), set("/status/conditions/0", conditions("Finished")[0])},
			requestColumns("alice", "Succeeded", "ResetAccepted", said),
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			space := newNamespace(t)
			object := requests.object(append([]operation{set("/metadata/name", "shown")}, tc.change...)...)
			store(t, requests.clientIn(space), object, tc.status...)
			if diff := cmp.Diff(tc.want, tableOf(t, requests, space, "shown")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestColumnsOfAWorkspace(t *testing.T) {
	t.Parallel()
	row := func(host, ready, reason, version, account, factor, message any) []column {
		return []column{
			{"Name", false, "shown"},
			{"Host", false, host},
			{"Ready", false, ready},
			{"Reason", false, reason},
			{"Age", false, "age"},
			{"Version", true, version},
			{"Account", true, account},
			{"Second-Factor", true, factor},
			{"Message", true, message},
		}
	}
	tests := map[string]struct {
		status []operation
		want   []column
	}{
		"never probed": {nil, row(nil, nil, nil, nil, nil, nil, nil)},
		"connected": {
			[]operation{workspaces.wholeStatus()},
			row("https://chat.example.com", "True", "Connected", "8.6", "resetbot", "TOTP", "Resets can be carried out"),
		},
		"unreachable": {
			[]operation{set("/status/conditions", append(conditions("Reconciling"), edited(edited(asObject(conditions("Ready")[0]), "status", "False"), "reason", "ServerUnreachable")))},
			row(nil, "False", "ServerUnreachable", nil, nil, nil, ""),
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			space := newNamespace(t)
			store(t, workspaces.clientIn(space), workspaces.object(set("/metadata/name", "shown")), tc.status...)
			if diff := cmp.Diff(tc.want, tableOf(t, workspaces, space, "shown")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func asObject(value any) map[string]any {
	object, _ := value.(map[string]any)
	return object
}

// A record shows what is known of its last attempt: earlier ones had no effect.
func TestColumnsOfARecord(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		attempts       []operation
		result, reason any
	}{
		"open":                       {with(open), nil, nil},
		"succeeded":                  {with(succeeded), "Succeeded", "BecauseSucceeded"},
		"succeeded after a refusal":  {with(refused, succeeded), "Succeeded", "BecauseSucceeded"},
		"lost after two refusals":    {with(refused, notSent, unconfirmed), "Unconfirmed", "BecauseUnconfirmed"},
		"open after a refusal":       {with(refused, open), nil, nil},
		"lost, and the truth is out": {with(refused, late("NotSent")), "NotSent", "BecauseUnconfirmed"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stored := records.create(t, tc.attempts...)
			want := []column{
				{"Name", false, stored.GetName()},
				{"Namespace", false, "support"},
				{"Request", false, "lost-phone"},
				{"User", false, "alice"},
				{"Type", false, "TOTP"},
				{"Result", false, tc.result},
				{"Age", false, "age"},
				{"Host", true, "https://chat.example.com"},
				{"Reason", true, tc.reason},
				{"Requested-By", true, "ann@example.com"},
				{"Approved-By", true, "rita@example.com"},
			}
			if diff := cmp.Diff(want, tableOf(t, records, "", stored.GetName())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestColumnsOfAnApproval(t *testing.T) {
	t.Parallel()
	space := newNamespace(t)
	store(t, approvals.clientIn(space), approvals.object(set("/metadata/name", "shown")))
	want := []column{
		{"Name", false, "shown"},
		{"Request", false, "lost-phone"},
		{"User-ID", false, "aliceid01"},
		{"Decision", false, "Approved"},
		{"Approved-By", false, "rita@example.com"},
		{"Age", false, "age"},
		{"Message", true, "seen the passport"},
	}
	if diff := cmp.Diff(want, tableOf(t, approvals, space, "shown")); diff != "" {
		t.Error(diff)
	}
}

func TestApprovalsAreSelectedByTheRequest(t *testing.T) {
	t.Parallel()
	client := approvals.clientIn(newNamespace(t))
	store(t, client, approvals.object(set("/metadata/name", "mine")))
	store(t, client, approvals.object(set("/metadata/name", "other"), replace("/spec/requestName", "other")))
	wantSelected(t, client, "spec.requestName=lost-phone", []string{"mine"})
}

// crowdOfRequests creates requests that differ in what can be selected.
func crowdOfRequests(t *testing.T) dynamic.ResourceInterface {
	t.Helper()
	client := requests.clientIn(newNamespace(t))
	create := func(name string, status []operation, change ...operation) {
		store(t, client, requests.object(append(change, set("/metadata/name", name))...), status...)
	}
	create("alice", nil)
	create("alices-key", nil, replace("/spec/type", "E2EKey"))
	create("by-id", nil, remove("/spec/user/username"))
	create("bob", []operation{set("/status/outcome", "Succeeded")}, replace("/spec/user/username", "bob"))
	create("elsewhere", []operation{set("/status/outcome", "Failed")}, replace("/spec/workspaceRef/name", "other"))
	return client
}

func TestRequestsAreSelectedByFields(t *testing.T) {
	t.Parallel()
	client := crowdOfRequests(t)
	tests := map[string][]string{
		"spec.type=TOTP":                     {"alice", "bob", "by-id", "elsewhere"},
		"spec.type!=TOTP":                    {"alices-key"},
		"spec.user.username=alice":           {"alice", "alices-key", "elsewhere"},
		"spec.user.username=":                {"by-id"},
		"spec.workspaceRef.name=other":       {"elsewhere"},
		"status.outcome=Succeeded":           {"bob"},
		"status.outcome=":                    {"alice", "alices-key", "by-id"},
		"status.outcome!=":                   {"bob", "elsewhere"},
		"metadata.name=bob":                  {"bob"},
		"spec.type=TOTP,status.outcome=":     {"alice", "by-id"},
		"spec.user.username=Alice":           nil,
		"spec.type=TOTP,metadata.name=alice": {"alice"},
	}
	for selector, want := range tests {
		t.Run(selector, func(t *testing.T) {
			t.Parallel()
			wantSelected(t, client, selector, want)
		})
	}
}

func wantSelected(t *testing.T, client dynamic.ResourceInterface, selector string, want []string) {
	t.Helper()
	list, err := client.List(t.Context(), metav1.ListOptions{FieldSelector: selector})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range list.Items {
		got = append(got, list.Items[i].GetName())
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRecordsAreSelectedByTheUserID(t *testing.T) {
	t.Parallel()
	user := newName("user")
	var names []string
	for range 2 {
		names = append(names, records.create(t, replace("/target/userID", user)).GetName())
	}
	records.create(t)
	slices.Sort(names)
	wantSelected(t, records.client(), "target.userID="+user, names)
}

func TestOtherFieldsSelectNothing(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		kind     *kind
		selector string
	}{
		"the id in a request":         {requests, "spec.user.id=aliceid01"},
		"the namespace of its target": {requests, "spec.workspaceRef.namespace=chat"},
		"the username in a record":    {records, "target.username=alice"},
		"the host of a workspace":     {workspaces, "status.host=https://chat.example.com"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := tc.kind.client().List(t.Context(), metav1.ListOptions{FieldSelector: tc.selector})
			if !apierrors.IsBadRequest(err) {
				t.Errorf("got %v, want 400", err)
			}
		})
	}
}

// seen is an event of a watch.
type seen struct {
	Type watch.EventType
	Name string
}

// wantEvents reads as many events as are told.
func wantEvents(t *testing.T, watcher watch.Interface, want []seen) {
	t.Helper()
	var got []seen
	for len(got) < len(want) {
		event, is := <-watcher.ResultChan()
		object, isObject := event.Object.(*unstructured.Unstructured)
		if !is || !isObject {
			t.Fatalf("the watch ended with %v after %v", event, got)
		}
		got = append(got, seen{event.Type, object.GetName()})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRequestsAreWatchedByFields(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		selector string
		want     []seen
	}{
		"by type":      {"spec.type=E2EKey", []seen{{watch.Added, "key"}, {watch.Added, "last"}}},
		"by username":  {"spec.user.username=bob", []seen{{watch.Added, "bob"}, {watch.Modified, "bob"}, {watch.Added, "last"}}},
		"by workspace": {"spec.workspaceRef.name=other", []seen{{watch.Added, "elsewhere"}, {watch.Added, "last"}}},
		"without outcome": {"status.outcome=", []seen{
			{watch.Added, "key"}, {watch.Added, "bob"}, {watch.Added, "elsewhere"}, {watch.Deleted, "bob"}, {watch.Added, "last"},
		}},
		"with an outcome": {"status.outcome=Failed", []seen{{watch.Added, "bob"}}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := requests.clientIn(newNamespace(t))
			timeout := int64(patience.Seconds())
			watcher, err := client.Watch(t.Context(), metav1.ListOptions{FieldSelector: tc.selector, TimeoutSeconds: &timeout})
			if err != nil {
				t.Fatal(err)
			}
			defer watcher.Stop()
			store(t, client, requests.object(set("/metadata/name", "key"), replace("/spec/type", "E2EKey")))
			bob := requests.object(set("/metadata/name", "bob"), replace("/spec/user/username", "bob"))
			store(t, client, bob)
			store(t, client, requests.object(set("/metadata/name", "elsewhere"), replace("/spec/workspaceRef/name", "other")))
			mustApply(t, write{client: client, stored: bob, change: []operation{set("/status", parse("outcome: Failed"))}, part: []string{"status"}})
			store(t, client, requests.object(set("/metadata/name", "last"), replace("/spec/type", "E2EKey"),
				replace("/spec/user/username", "bob"), replace("/spec/workspaceRef/name", "other")))
			wantEvents(t, watcher, tc.want)
		})
	}
}

func TestRecordsAreWatchedByTheUserID(t *testing.T) {
	t.Parallel()
	user, timeout := newName("user"), int64(patience.Seconds())
	watcher, err := records.client().Watch(t.Context(), metav1.ListOptions{FieldSelector: "target.userID=" + user, TimeoutSeconds: &timeout})
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Stop()
	records.create(t)
	mine := records.create(t, replace("/target/userID", user))
	mustApply(t, write{client: records.client(), stored: mine, change: closes(0, succeeded)})
	wantEvents(t, watcher, []seen{{watch.Added, mine.GetName()}, {watch.Modified, mine.GetName()}})
}

// explained is the text without the breaks of its lines.
func explained(text string) string { return strings.Join(strings.Fields(text), " ") }

func TestKubectlExplainsEveryField(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		root := schemaOf(t, k)
		objects := map[string]map[string]any{"": root}
		for path, field := range fieldsOf(root, "") {
			if len(propertiesOf(field)) > 0 {
				objects["."+strings.ReplaceAll(path, "[]", "")] = field
			}
		}
		for path, field := range objects {
			t.Run(k.resource+path, func(t *testing.T) {
				t.Parallel()
				got := explained(kubectl(t, "explain", k.resource+path))
				for name, child := range propertiesOf(field) {
					description, is := child["description"].(string)
					if !is || !strings.Contains(got, explained(description)) {
						t.Errorf("%s is not explained by %q in\n%s", name, description, got)
					}
				}
			})
		}
	}
}

func TestKubectlExplains(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"ucr":                             "UserCredentialReset asks for one reset of one user's credential. It is carried out at most once and then stays as it ended.",
		"ucr.spec.type":                   `"TOTP" removes the user's TOTP second factor, so that a password alone logs in until the user enrols again.`,
		"ucr.spec.notAfterTime":           "notAfterTime is the instant after which nothing is reset any more.",
		"ucr.spec.user.username":          `username is the user's name in the workspace, without "@", in its exact spelling`,
		"ucr.status.outcome":              `"Unconfirmed", the reset may or may not have happened and a person must look.`,
		"rcws.spec.secretRef.name":        `Its type must be "credentialreset.dev/rocketchat-workspace".`,
		"rcws.spec.requestTimeoutSeconds": "Omitted, it is 10.",
		"rcws.spec.ownAccount":            `"Allowed" carries it out, after which the operator's token is dead and the Secret needs a new one.`,
		"ucrr.attempts.result":            `"NotSent", no connection was obtained`,
		"ucrr.attempts.lateResult":        `lateResult is the truth that arrived after the attempt had been given up as "Unconfirmed".`,
	}
	for path, want := range tests {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			if got := explained(kubectl(t, "explain", path)); !strings.Contains(got, want) {
				t.Errorf("want %q in\n%s", want, got)
			}
		})
	}
}
