package gitops

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	argov1 "github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// TestPatchesAreComponents has kustomize put the patches into an argocd-cm that holds
// something already.
func TestPatchesAreComponents(t *testing.T) {
	t.Parallel()
	disk := filesys.MakeFsInMemory()
	for file, from := range map[string]string{
		"argocd/kustomization.yaml":           shipped + "/kustomization.yaml",
		"argocd/argocd-cm.yaml":               shipped + "/argocd-cm.yaml",
		"argocd/approving/kustomization.yaml": approving + "/kustomization.yaml",
		"argocd/approving/argocd-cm.yaml":     approving + "/argocd-cm.yaml",
	} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := disk.WriteFile(file, text); err != nil {
			t.Fatal(err)
		}
	}
	for file, text := range map[string]string{
		"own/kustomization.yaml": "resources: [argocd-cm.yaml]\ncomponents: [../argocd, ../argocd/approving]\n",
		"own/argocd-cm.yaml":     "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm}\ndata: {url: https://argocd.example.com}\n",
	} {
		if err := disk.WriteFile(file, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(disk, "own")
	if err != nil {
		t.Fatal(err)
	}
	data := built.Resources()[0].GetDataMap()
	want := []string{
		"resource.customizations.actions.credentialreset.dev_RocketChatWorkspace",
		"resource.customizations.actions.credentialreset.dev_UserCredentialReset",
		"resource.customizations.health.credentialreset.dev_ResetApproval",
		"resource.customizations.health.credentialreset.dev_ResetRecord",
		"resource.customizations.health.credentialreset.dev_RocketChatWorkspace",
		"resource.customizations.health.credentialreset.dev_UserCredentialReset",
		"url",
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(data))); diff != "" {
		t.Errorf("keys of argocd-cm (-want +got):\n%s", diff)
	}
	for patches, want := range map[string][]string{
		data["resource.customizations.actions.credentialreset.dev_UserCredentialReset"]: {"again", "approve", "deny"},
		overrideOf(t, shipped+"/argocd-cm.yaml"):                                        {"again", "deny"},
	} {
		override := argov1.ResourceOverride{Actions: patches}
		actions, err := override.GetActions()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, definition := range actions.Definitions {
			got = append(got, definition.Name)
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("actions that can be run (-want +got):\n%s", diff)
		}
	}
}

// overrideOf are the actions of requests in a patch.
func overrideOf(t *testing.T, patch string) string {
	t.Helper()
	return settingsOf(t, patch).ResourceOverrides["credentialreset.dev/UserCredentialReset"].Actions
}

// TestProjectPermitsRequestsAlone asks Argo CD what may come through the example's
// project.
func TestProjectPermitsRequestsAlone(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(shipped + "/application.yaml")
	if err != nil {
		t.Fatal(err)
	}
	documents := strings.Split(string(text), "\n---\n")
	var project argov1.AppProject
	var application argov1.Application
	for i, into := range []any{&project, &application} {
		if err := yaml.UnmarshalStrict([]byte(documents[i]), into); err != nil {
			t.Fatal(err)
		}
	}
	if err := project.ValidateProject(); err != nil {
		t.Error(err)
	}
	if application.Spec.Project != project.Name || !project.IsSourcePermitted(application.Spec.GetSource()) {
		t.Error("the application is not one of the project")
	}
	if options := application.Spec.SyncPolicy.SyncOptions; !options.HasOption("Prune=false") || options.HasOption("Replace=true") {
		t.Errorf("sync options are %v", options)
	}
	for kind, want := range map[string]bool{
		"UserCredentialReset": true, "ResetApproval": false, "RocketChatWorkspace": false, "ResetRecord": false,
	} {
		group := schema.GroupKind{Group: "credentialreset.dev", Kind: kind}
		if got := project.IsGroupKindNamePermitted(group, "any", kind != "ResetRecord"); got != want {
			t.Errorf("%s is permitted: %v, want %v", kind, got, want)
		}
	}
}
