package api

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// changes are the tables of changes to what is stored.
var changes = map[*kind][]map[string]transition{
	requests: {specChanges, statusChanges},
	records:  {identityChanges, appends, orderChanges, attemptChanges},

	approvals: {approvalChanges},
}

// Every constraint in the schema is met by a case that breaks it and nothing
// else proves: whoever adds one finds out here where its test belongs.
func TestEveryRuleHasACase(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		t.Run(k.resource, func(t *testing.T) {
			t.Parallel()
			proven := provenOf(k)
			for _, rule := range rulesOf(schemaOf(t, k), "") {
				if !proven[rule] {
					t.Errorf("no case is refused with %+v", rule)
				}
			}
		})
	}
}

var index = regexp.MustCompile(`\[\d+\]`)

// provenOf are the refusals that the tables of the kind want, of any element of a
// list.
func provenOf(k *kind) map[refusal]bool {
	proven := map[refusal]bool{}
	add := func(want *refusal) {
		if want != nil {
			proven[refusal{want.Type, index.ReplaceAllString(want.Field, "[]"), want.Says}] = true
		}
	}
	for _, table := range []map[string]fieldCase{creations[k], statuses[k]} {
		for _, tc := range table {
			add(tc.want)
		}
	}
	for _, table := range changes[k] {
		for _, tc := range table {
			add(tc.want)
		}
	}
	return proven
}

// schemaOf is the schema that the API server has for the kind.
func schemaOf(t *testing.T, k *kind) map[string]any {
	t.Helper()
	crds := shared.objects.Resource(schema.GroupVersionResource{
		Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions",
	})
	crd, err := crds.Get(t.Context(), k.resource+".credentialreset.dev", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	versions, _, err := unstructured.NestedSlice(crd.Object, "spec", "versions")
	if err != nil || len(versions) != 1 {
		t.Fatalf("%d versions (%v), want one", len(versions), err)
	}
	version, is := versions[0].(map[string]any)
	if !is {
		t.Fatalf("the version is %v", versions[0])
	}
	root, _, err := unstructured.NestedMap(version, "schema", "openAPIV3Schema")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// rulesOf are the refusals that the schema of the field and of what is in it can
// give. Types and the metadata of objects are left out.
func rulesOf(field map[string]any, path string) []refusal {
	rules := append(valueRules(field, path), listRules(field, path)...)
	for _, rule := range objectsIn(field["x-kubernetes-validations"]) {
		rules = append(rules, ruleOf(rule, path))
	}
	names, _, _ := unstructured.NestedStringSlice(field, "required")
	for _, name := range names {
		rules = append(rules, *required(join(path, name)))
	}
	for name, child := range propertiesOf(field) {
		rules = append(rules, rulesOf(child, join(path, name))...)
	}
	if items, is := field["items"].(map[string]any); is {
		rules = append(rules, rulesOf(items, path+"[]")...)
	}
	return rules
}

func valueRules(field map[string]any, path string) []refusal {
	var rules []refusal
	numbers := map[string]func(string, int64) *refusal{
		"minLength": tooShort, "maxLength": tooLong, "minimum": belowMinimum, "maximum": aboveMaximum,
	}
	for keyword, refuse := range numbers {
		if limit, is := number(field[keyword]); is {
			rules = append(rules, *refuse(path, limit))
		}
	}
	for keyword, refuse := range map[string]func(string) *refusal{"pattern": unlike, "enum": unsupported} {
		if field[keyword] != nil {
			rules = append(rules, *refuse(path))
		}
	}
	if field["format"] == "date-time" {
		rules = append(rules, *notATime(path))
	}
	return rules
}

func listRules(field map[string]any, path string) []refusal {
	var rules []refusal
	if limit, is := number(field["minItems"]); is {
		rules = append(rules, *tooFew(path, limit))
	}
	if limit, is := number(field["maxItems"]); is {
		rules = append(rules, *tooMany(path, limit))
	}
	if kind := field["x-kubernetes-list-type"]; kind == "set" || kind == "map" {
		rules = append(rules, *duplicate(path + "[]"))
	}
	return rules
}

// ruleOf is the refusal that a rule in CEL gives.
func ruleOf(rule map[string]any, path string) refusal {
	refused := refusal{Type: metav1.CauseTypeFieldValueInvalid, Field: path, Says: fmt.Sprint(rule["message"])}
	if reason, is := rule["reason"].(string); is {
		refused.Type = metav1.CauseType(reason)
	}
	if below, is := rule["fieldPath"].(string); is {
		refused.Field = join(path, below[1:])
	}
	return refused
}

func number(value any) (int64, bool) {
	switch value := value.(type) {
	case int64:
		return value, true
	case float64:
		return int64(value), true
	default:
		return 0, false
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// propertiesOf are the fields of an object, apart from those that every kind has.
func propertiesOf(field map[string]any) map[string]map[string]any {
	properties := map[string]map[string]any{}
	all, _, _ := unstructured.NestedMap(field, "properties")
	for name, child := range all {
		if child, is := child.(map[string]any); is && !slices.Contains([]string{"apiVersion", "kind", "metadata"}, name) {
			properties[name] = child
		}
	}
	return properties
}

func objectsIn(list any) []map[string]any {
	var objects []map[string]any
	elements, _ := list.([]any)
	for _, element := range elements {
		if object, is := element.(map[string]any); is {
			objects = append(objects, object)
		}
	}
	return objects
}

// A text without a bound costs the rules in CEL and the API server dearly.
func TestEveryTextAndListIsBounded(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		t.Run(k.resource, func(t *testing.T) {
			t.Parallel()
			for path, field := range fieldsOf(schemaOf(t, k), "") {
				if field["description"] == nil && field["type"] != "string" {
					t.Errorf("%s has no description", path)
				}
				isBounded := field["maxLength"] != nil || field["enum"] != nil || field["format"] != nil
				if field["type"] == "string" && !isBounded || field["type"] == "array" && field["maxItems"] == nil {
					t.Errorf("%s has no bound", path)
				}
				if field["x-kubernetes-preserve-unknown-fields"] != nil || field["x-kubernetes-int-or-string"] != nil || field["nullable"] != nil {
					t.Errorf("%s is not wholly typed", path)
				}
			}
		})
	}
}

// fieldsOf are all fields of the schema by their paths.
func fieldsOf(field map[string]any, path string) map[string]map[string]any {
	all := map[string]map[string]any{}
	for name, child := range propertiesOf(field) {
		all[join(path, name)] = child
		maps.Copy(all, fieldsOf(child, join(path, name)))
	}
	if items, is := field["items"].(map[string]any); is {
		all[path+"[]"] = items
		maps.Copy(all, fieldsOf(items, path+"[]"))
	}
	return all
}
