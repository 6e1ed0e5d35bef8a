package gitops

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

const (
	workspaces = `
apiVersion: v1
kind: Secret
metadata: {name: chat, namespace: chat}
---
apiVersion: credentialreset.dev/v1alpha1
kind: RocketChatWorkspace
metadata: {name: chat, namespace: chat}
spec:
  secretRef: {name: chat}
`
	others = `
apiVersion: credentialreset.dev/v1alpha1
kind: RocketChatWorkspace
metadata: {name: chat, namespace: support}
spec:
  secretRef: {name: not-in-this-build}
`
	requests = `
apiVersion: credentialreset.dev/v1alpha1
kind: UserCredentialReset
metadata: {name: beside, namespace: chat}
spec:
  workspaceRef: {name: chat}
---
apiVersion: credentialreset.dev/v1alpha1
kind: UserCredentialReset
metadata: {name: named, namespace: chat}
spec:
  workspaceRef: {name: chat, namespace: chat}
---
apiVersion: credentialreset.dev/v1alpha1
kind: UserCredentialReset
metadata: {name: across, namespace: support}
spec:
  workspaceRef: {name: chat, namespace: chat}
---
apiVersion: credentialreset.dev/v1alpha1
kind: UserCredentialReset
metadata: {name: elsewhere, namespace: support}
spec:
  workspaceRef: {name: chat, namespace: not-in-this-build}
---
apiVersion: credentialreset.dev/v1alpha1
kind: ResetApproval
metadata: {name: decision, namespace: chat}
spec: {requestName: beside}
`
	across = `
replacements:
- source: {kind: RocketChatWorkspace, name: chat, namespace: chat}
  targets:
  - select: {kind: UserCredentialReset, namespace: support, name: across}
    fieldPaths: [spec.workspaceRef.name]
`
)

// references are what objects refer to, by kind, namespace and name.
func references(t *testing.T, kustomization string) map[string]string {
	t.Helper()
	disk := filesys.MakeFsInMemory()
	write := func(file, text string) {
		if err := disk.WriteFile(file, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"kustomization.yaml", "kustomizeconfig.yaml"} {
		text, err := filesys.MakeFsOnDisk().ReadFile(filepath.Join(config, "name-references", file))
		if err != nil {
			t.Fatal(err)
		}
		write("name-references/"+file, string(text))
		write("build/"+file, string(text))
	}
	write("build/workspaces.yaml", workspaces)
	write("build/others.yaml", others)
	write("build/requests.yaml", requests)
	write("build/kustomization.yaml", "resources: [workspaces.yaml, others.yaml, requests.yaml]\n"+kustomization)
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(disk, "build")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, object := range built.Resources() {
		var parts []string
		for _, path := range []string{"spec.workspaceRef.namespace", "spec.workspaceRef.name", "spec.secretRef.name", "spec.requestName"} {
			if value, err := object.GetString(path); err == nil {
				parts = append(parts, value)
			}
		}
		if len(parts) > 0 {
			found[strings.Join([]string{object.GetKind(), object.GetNamespace(), object.GetName()}, " ")] = strings.Join(parts, "/")
		}
	}
	return found
}

// TestNamesAreKept has kustomize rename objects, and sees that what refers to them
// still does, and that what only looks like a reference to them stays.
func TestNamesAreKept(t *testing.T) {
	t.Parallel()
	const component = "components: [../name-references]\n"
	prefixed := func(name string) string { return "p-" + name }
	suffixed := func(name string) string { return name + "-s" }
	want := func(rename func(string) string, across string) map[string]string {
		chat := rename("chat")
		return map[string]string{
			"ResetApproval chat " + rename("decision"):           rename("beside"),
			"RocketChatWorkspace chat " + chat:                   chat,
			"RocketChatWorkspace support " + chat:                "not-in-this-build",
			"UserCredentialReset chat " + rename("beside"):       "chat/" + chat,
			"UserCredentialReset chat " + rename("named"):        "chat/" + chat,
			"UserCredentialReset support " + rename("across"):    across,
			"UserCredentialReset support " + rename("elsewhere"): "not-in-this-build/chat",
		}
	}
	for name, test := range map[string]struct {
		kustomization string
		want          map[string]string
	}{
		"a prefix, with the component":                   {component + "namePrefix: p-\n", want(prefixed, "chat/chat")},
		"a prefix, with the file copied":                 {"configurations: [kustomizeconfig.yaml]\nnamePrefix: p-\n", want(prefixed, "chat/chat")},
		"a prefix, with a replacement across namespaces": {component + "namePrefix: p-\n" + across, want(prefixed, "chat/p-chat")},
		"a suffix": {component + "nameSuffix: -s\n", want(suffixed, "chat/chat")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, references(t, test.kustomization)); diff != "" {
				t.Errorf("references (-want +got):\n%s", diff)
			}
		})
	}
}

// TestGeneratedSecretIsFound has kustomize generate the Secret, whose name then ends in
// the hash of its content.
func TestGeneratedSecretIsFound(t *testing.T) {
	t.Parallel()
	disk := filesys.MakeFsInMemory()
	text, err := filesys.MakeFsOnDisk().ReadFile(filepath.Join(config, "name-references", "kustomizeconfig.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string]string{
		"kustomizeconfig.yaml": string(text),
		"workspace.yaml":       strings.Split(workspaces, "---")[1],
		"kustomization.yaml": `
configurations: [kustomizeconfig.yaml]
resources: [workspace.yaml]
secretGenerator:
- name: chat
  namespace: chat
  type: credentialreset.dev/rocketchat-workspace
  literals: [url=https://chat.example.com]
`,
	} {
		if err := disk.WriteFile("build/"+file, []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(disk, "build")
	if err != nil {
		t.Fatal(err)
	}
	var secret, reference string
	for _, object := range built.Resources() {
		if object.GetKind() == "Secret" {
			secret = object.GetName()
			continue
		}
		if reference, err = object.GetString("spec.secretRef.name"); err != nil {
			t.Fatal(err)
		}
	}
	if reference != secret || !strings.HasPrefix(secret, "chat-") {
		t.Errorf("the workspace refers to %q, and the Secret is %q", reference, secret)
	}
}
