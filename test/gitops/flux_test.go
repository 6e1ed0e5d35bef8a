package gitops

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"testing"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	sigsyaml "sigs.k8s.io/yaml"
)

// kustomizations are the examples for Flux, read as Flux's own type.
func kustomizations(t *testing.T) map[string]kustomizev1.Kustomization {
	t.Helper()
	text, err := os.ReadFile(config + "/flux/kustomizations.yaml")
	if err != nil {
		t.Fatal(err)
	}
	read := map[string]kustomizev1.Kustomization{}
	documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return read
		}
		if err != nil {
			t.Fatal(err)
		}
		var one kustomizev1.Kustomization
		if err := sigsyaml.UnmarshalStrict(document, &one); err != nil {
			t.Fatal(err)
		}
		if one.GroupVersionKind() != kustomizev1.GroupVersion.WithKind(kustomizev1.KustomizationKind) {
			t.Errorf("%s is a %s", one.Name, one.GroupVersionKind())
		}
		read[one.Name] = one
	}
}

// TestFluxCreatesRequestsOnce sees that Flux understands what keeps it from touching a
// request again.
func TestFluxCreatesRequestsOnce(t *testing.T) {
	t.Parallel()
	all := kustomizations(t)
	requests, known := all["credential-reset-requests"]
	if !known || len(all) != 2 {
		t.Fatalf("there are %d kustomizations", len(all))
	}
	group := kustomizev1.GroupVersion.Group
	for annotation, want := range map[string]string{
		group + "/ssa":   kustomizev1.IfNotPresentValue,
		group + "/prune": kustomizev1.DisabledValue,
	} {
		if requests.Spec.CommonMetadata == nil || requests.Spec.CommonMetadata.Annotations[annotation] != want {
			t.Errorf("requests do not have the annotation %s: %s", annotation, want)
		}
	}
	if requests.Spec.Force || requests.Spec.Prune {
		t.Error("requests are forced or pruned")
	}
	if !requests.Spec.Wait {
		t.Error("requests are not waited for")
	}
	for _, dependency := range requests.Spec.DependsOn {
		workspaces, known := all[dependency.Name]
		if !known || len(workspaces.Spec.HealthChecks) == 0 {
			t.Errorf("requests depend on %s, whose health is not checked", dependency.Name)
		}
	}
}
