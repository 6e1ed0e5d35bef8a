package api

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/dynamic"
)

// operation is one of JSON Patch. The other ways to write are derived from it.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// set gives a member a value, whether or not it had one; in a list it inserts.
func set(path string, value any) operation { return operation{"add", path, jsonValue(value)} }

// replace gives a member or an element another value.
func replace(path string, value any) operation { return operation{"replace", path, jsonValue(value)} }

// remove takes a member or an element away.
func remove(path string) operation { return operation{Op: "remove", Path: path} }

// expect applies the rest of a JSON Patch only where the member has the value.
func expect(path string, value any) operation { return operation{"test", path, jsonValue(value)} }

// jsonValue is the value as it is after a way through JSON.
func jsonValue(value any) any {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	var read any
	if err := utiljson.Unmarshal(data, &read); err != nil {
		panic(err)
	}
	return read
}

// edit is a copy of the object with the changes.
func edit(object *unstructured.Unstructured, change []operation) *unstructured.Unstructured {
	edited := object.DeepCopy()
	for _, o := range change {
		if o.Op != "test" {
			o.applyTo(edited.Object, tokens(o.Path))
		}
	}
	return edited
}

func tokens(path string) []string { return strings.Split(strings.TrimPrefix(path, "/"), "/") }

// applyTo returns the node with the operation applied to what the path leads to.
func (o operation) applyTo(node any, path []string) any {
	switch node := node.(type) {
	case map[string]any:
		switch {
		case len(path) > 1:
			node[path[0]] = o.applyTo(node[path[0]], path[1:])
		case o.Op == "remove":
			delete(node, path[0])
		default:
			node[path[0]] = runtime.DeepCopyJSONValue(o.Value)
		}
		return node
	case []any:
		return o.applyToList(node, path)
	default:
		panic(fmt.Sprintf("%s: nothing to apply it to", o.Path))
	}
}

func (o operation) applyToList(list []any, path []string) []any {
	if path[0] == "-" {
		return append(list, runtime.DeepCopyJSONValue(o.Value))
	}
	index, err := strconv.Atoi(path[0])
	if err != nil {
		panic(err)
	}
	switch {
	case len(path) > 1:
		list[index] = o.applyTo(list[index], path[1:])
	case o.Op == "remove":
		return slices.Delete(list, index, index+1)
	case o.Op == "add":
		return slices.Insert(list, index, runtime.DeepCopyJSONValue(o.Value))
	default:
		list[index] = runtime.DeepCopyJSONValue(o.Value)
	}
	return list
}

// write is a change to a stored object.
type write struct {
	client dynamic.ResourceInterface
	stored *unstructured.Unstructured
	change []operation
	part   []string // "status", or nothing for the rest of the object
}

// way is a way to send a change.
type way func(context.Context, write) (*unstructured.Unstructured, error)

// everyWay are all ways in which an object can be written.
var everyWay = map[string]way{
	"PUT": put, "merge patch": mergePatch, "JSON Patch": jsonPatch, "server-side apply": apply,
}

// plainWays are those in which the order of a list is what the writer sends.
var plainWays = map[string]way{"PUT": put, "merge patch": mergePatch, "JSON Patch": jsonPatch}

func put(ctx context.Context, w write) (*unstructured.Unstructured, error) {
	return w.client.Update(ctx, edit(w.stored, w.change), metav1.UpdateOptions{FieldManager: manager}, w.part...)
}

func jsonPatch(ctx context.Context, w write) (*unstructured.Unstructured, error) {
	return w.patch(ctx, types.JSONPatchType, w.change)
}

func mergePatch(ctx context.Context, w write) (*unstructured.Unstructured, error) {
	patch := map[string]any{}
	edited := edit(w.stored, w.change)
	for _, o := range w.change {
		addToMergePatch(patch, edited.Object, tokens(o.Path))
	}
	return w.patch(ctx, types.MergePatchType, patch)
}

// addToMergePatch adds what the edited object has at the path: null if nothing,
// and lists as a whole, since a merge patch knows no elements.
func addToMergePatch(patch, edited map[string]any, path []string) {
	value := edited[path[0]]
	if child, is := value.(map[string]any); is && len(path) > 1 {
		next, is := patch[path[0]].(map[string]any)
		if !is {
			next = map[string]any{}
			patch[path[0]] = next
		}
		addToMergePatch(next, child, path[1:])
		return
	}
	patch[path[0]] = value
}

func (w write) patch(ctx context.Context, kind types.PatchType, patch any) (*unstructured.Unstructured, error) {
	data, err := json.Marshal(patch)
	if err != nil {
		return nil, err
	}
	return w.client.Patch(ctx, w.stored.GetName(), kind, data, metav1.PatchOptions{FieldManager: manager}, w.part...)
}

func apply(ctx context.Context, w write) (*unstructured.Unstructured, error) {
	edited := edit(w.stored, w.change)
	metadata := map[string]any{}
	for _, name := range []string{"name", "labels", "annotations"} {
		if value, is, err := unstructured.NestedFieldCopy(edited.Object, "metadata", name); is && err == nil {
			metadata[name] = value
		}
	}
	edited.Object["metadata"] = metadata
	return w.client.Apply(ctx, w.stored.GetName(), edited, metav1.ApplyOptions{FieldManager: manager, Force: true}, w.part...)
}

func mustApply(t *testing.T, w write) *unstructured.Unstructured {
	t.Helper()
	stored, err := apply(t.Context(), w)
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	return stored
}
