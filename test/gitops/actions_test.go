package gitops

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/argoproj/argo-cd/v3/pkg/apiclient/application"
	argov1 "github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/lua"
	gocmp "github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// actionFile is an action_test.yaml, in Argo CD's own format.
type actionFile struct {
	DiscoveryTests []struct {
		InputPath string                  `json:"inputPath"`
		Result    []argov1.ResourceAction `json:"result"`
	} `json:"discoveryTests"`
	ActionTests []actionCase `json:"actionTests"`
}

type actionCase struct {
	Action               string            `json:"action"`
	InputPath            string            `json:"inputPath"`
	ExpectedOutputPath   string            `json:"expectedOutputPath"`
	ExpectedErrorMessage string            `json:"expectedErrorMessage"`
	Parameters           map[string]string `json:"parameters"`
}

// TestActions has Argo CD offer and run the actions, with the scripts as the patches of
// argocd-cm have them.
func TestActions(t *testing.T) {
	t.Parallel()
	for tree, patches := range map[string][]string{
		shipped:   {shipped + "/argocd-cm.yaml"},
		approving: {shipped + "/argocd-cm.yaml", approving + "/argocd-cm.yaml"},
	} {
		vm := settingsOf(t, patches...)
		for _, file := range foldersWith(t, tree, "actions/action_test.yaml") {
			folder := file
			var tests actionFile
			readYAML(t, filepath.Join(folder, "action_test.yaml"), &tests)
			for _, test := range tests.DiscoveryTests {
				t.Run(filepath.Base(tree)+" offers "+filepath.Base(test.InputPath), func(t *testing.T) {
					t.Parallel()
					checkDiscovery(t, vm, readObject(t, filepath.Join(folder, test.InputPath)), test.Result)
				})
			}
			for _, test := range tests.ActionTests {
				t.Run(filepath.Base(tree)+" runs "+test.Action+" "+filepath.Base(test.InputPath), func(t *testing.T) {
					t.Parallel()
					checkAction(t, vm, folder, test)
				})
			}
		}
	}
}

func checkDiscovery(t *testing.T, vm lua.VM, object *unstructured.Unstructured, want []argov1.ResourceAction) {
	t.Helper()
	scripts, err := vm.GetResourceActionDiscovery(object)
	if err != nil {
		t.Fatal(err)
	}
	got, err := vm.ExecuteResourceActionDiscovery(object, scripts)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(got, func(a, b argov1.ResourceAction) int { return cmp.Compare(a.Name, b.Name) })
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("actions that are offered (-want +got):\n%s", diff)
	}
	for _, offered := range got {
		if _, err := vm.GetResourceAction(object, offered.Name); err != nil {
			t.Errorf("the action %s is offered and not defined: %v", offered.Name, err)
		}
	}
}

func run(t *testing.T, vm lua.VM, object *unstructured.Unstructured, action string, parameters map[string]string) ([]lua.ImpactedResource, error) {
	t.Helper()
	script, err := vm.GetResourceAction(object, action)
	if err != nil {
		t.Fatal(err)
	}
	var given []*application.ResourceActionParameters
	for name, value := range parameters {
		given = append(given, &application.ResourceActionParameters{Name: &name, Value: &value})
	}
	return vm.ExecuteResourceAction(object, script.ActionLua, given)
}

func checkAction(t *testing.T, vm lua.VM, folder string, test actionCase) {
	t.Helper()
	got, err := run(t, vm, readObject(t, filepath.Join(folder, test.InputPath)), test.Action, test.Parameters)
	if test.ExpectedErrorMessage != "" {
		if err == nil || err.Error() != test.ExpectedErrorMessage {
			t.Errorf("the action says %v, want %s", err, test.ExpectedErrorMessage)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		checkSchema(t, got[i].UnstructuredObj)
	}
	if diff := gocmp.Diff(wantedOutput(t, filepath.Join(folder, test.ExpectedOutputPath)), normalised(t, got)); diff != "" {
		t.Errorf("what the action leads to (-want +got):\n%s", diff)
	}
}

// impact is an entry of an expected output.
type impact struct {
	Operation lua.K8SOperation `json:"k8sOperation"`
	Object    map[string]any   `json:"unstructuredObj"`
}

// wantedOutput is a list of what is created and patched, or the source alone, patched.
func wantedOutput(t *testing.T, file string) []impact {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if text[0] != '-' {
		want := impact{Operation: lua.PatchOperation}
		readYAML(t, file, &want.Object)
		return []impact{want}
	}
	var want []impact
	if err := yaml.UnmarshalStrict(text, &want); err != nil {
		t.Fatal(err)
	}
	return want
}

// normalised is the output with the instant in it that depends on the clock as the
// expected outputs have it, and numbers as YAML has them.
func normalised(t *testing.T, output []lua.ImpactedResource) []impact {
	t.Helper()
	impacts := make([]impact, len(output))
	for i, each := range output {
		object := each.UnstructuredObj.DeepCopy()
		if each.K8SOperation == lua.CreateOperation && object.GetKind() == "UserCredentialReset" {
			if err := unstructured.SetNestedField(object.Object, "2026-03-04T18:00:00Z", "spec", "notAfterTime"); err != nil {
				t.Fatal(err)
			}
		}
		text, err := json.Marshal(object.Object)
		if err != nil {
			t.Fatal(err)
		}
		impacts[i].Operation = each.K8SOperation
		if err := json.Unmarshal(text, &impacts[i].Object); err != nil {
			t.Fatal(err)
		}
	}
	return impacts
}

// checkSchema sees that the object is one of ours, without a field that the API
// server would drop.
func checkSchema(t *testing.T, object *unstructured.Unstructured) {
	t.Helper()
	text, err := json.Marshal(object.Object)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var into any
	switch object.GetKind() {
	case "UserCredentialReset":
		into = &v1alpha1.UserCredentialReset{}
	case "ResetApproval":
		into = &v1alpha1.ResetApproval{}
	case "RocketChatWorkspace":
		into = &v1alpha1.RocketChatWorkspace{}
	default:
		t.Fatalf("an action leads to a %s", object.GetKind())
	}
	if err := decoder.Decode(into); err != nil {
		t.Errorf("%s: %v", object.GetKind(), err)
	}
}

// TestAgainEndsInTime sees that a new request ends the given time from now.
func TestAgainEndsInTime(t *testing.T) {
	t.Parallel()
	vm, object := settingsOf(t, shipped+"/argocd-cm.yaml"), lostRequest(t)
	for hours, want := range map[string]time.Duration{
		"": time.Hour, "1": time.Hour, "0.5": 30 * time.Minute, "24": 24 * time.Hour, "168": 168 * time.Hour,
	} {
		before := time.Now().Truncate(time.Second)
		output, err := run(t, vm, object, "again", map[string]string{"hours": hours})
		if err != nil {
			t.Fatal(err)
		}
		got := endOf(t, output)
		if got.Before(before.Add(want)) || got.After(time.Now().Add(want)) {
			t.Errorf("with %q hours it ends at %s, want %s from now", hours, got, want)
		}
	}
}

// TestAgainKnowsTheCalendar sets the script's clock to instants at which calendars go
// wrong.
func TestAgainKnowsTheCalendar(t *testing.T) {
	t.Parallel()
	vm, object := settingsOf(t, shipped+"/argocd-cm.yaml"), lostRequest(t)
	script, err := vm.GetResourceAction(object, "again")
	if err != nil {
		t.Fatal(err)
	}
	const clock = "os.time()"
	if strings.Count(script.ActionLua, clock) != 1 {
		t.Fatalf("the script does not read the clock once, with %s", clock)
	}
	for _, want := range []time.Time{
		time.Date(2026, time.December, 31, 23, 59, 59, 0, time.UTC),
		time.Date(2027, time.January, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2027, time.February, 28, 23, 0, 0, 0, time.UTC),
		time.Date(2027, time.March, 1, 0, 0, 1, 0, time.UTC),
		time.Date(2028, time.February, 29, 12, 30, 5, 0, time.UTC),
		time.Date(2028, time.March, 1, 9, 8, 7, 0, time.UTC),
		time.Date(2100, time.February, 28, 10, 0, 0, 0, time.UTC),
		time.Date(2100, time.March, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2400, time.February, 29, 0, 0, 0, 0, time.UTC),
	} {
		now := strconv.FormatInt(want.Add(-time.Hour).Unix(), 10)
		output, err := vm.ExecuteResourceAction(object, strings.Replace(script.ActionLua, clock, now, 1), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := endOf(t, output); !got.Equal(want) {
			t.Errorf("an hour after %s is %s, want %s", now, got, want)
		}
	}
}

func lostRequest(t *testing.T) *unstructured.Unstructured {
	t.Helper()
	return readObject(t, filepath.Join(shipped, ownScripts, "UserCredentialReset", "testdata", "outcome-unconfirmed.yaml"))
}

// endOf is the notAfterTime of the only request in the output.
func endOf(t *testing.T, output []lua.ImpactedResource) time.Time {
	t.Helper()
	if len(output) != 1 {
		t.Fatalf("the action leads to %d objects, want 1", len(output))
	}
	text, _, err := unstructured.NestedString(output[0].UnstructuredObj.Object, "spec", "notAfterTime")
	if err != nil {
		t.Fatal(err)
	}
	end, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return end
}
