// Package gitops holds what is shipped for Argo CD, Flux and kustomize against the
// code of those projects.
package gitops

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/argoproj/argo-cd/v3/util/settings"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/yaml"
)

const (
	config     = "../../config"
	shipped    = config + "/argocd"
	approving  = shipped + "/approving"
	ownScripts = "resource_customizations/credentialreset.dev"
)

// settingsOf are Argo CD's settings with the data of the patches in its argocd-cm, of
// which the later ones replace keys of the earlier ones.
func settingsOf(t *testing.T, patches ...string) lua.VM {
	t.Helper()
	const namespace = "argocd"
	argocd := &corev1.ConfigMap{Data: map[string]string{}}
	for _, patch := range patches {
		var read corev1.ConfigMap
		readYAML(t, patch, &read)
		maps.Copy(argocd.Data, read.Data)
		argocd.Name = read.Name
	}
	argocd.Namespace, argocd.Labels = namespace, map[string]string{"app.kubernetes.io/part-of": "argocd"}
	secret := &corev1.Secret{Data: map[string][]byte{"server.secretkey": []byte("key")}}
	secret.Name, secret.Namespace, secret.Labels = "argocd-secret", namespace, argocd.Labels
	manager := settings.NewSettingsManager(t.Context(), fake.NewClientset(argocd, secret), namespace)
	overrides, err := manager.GetResourceOverrides()
	if err != nil {
		t.Fatal(err)
	}
	return lua.VM{ResourceOverrides: overrides}
}

// readYAML reads a file in which nothing may stand that is not understood.
func readYAML(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(text, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func readObject(t *testing.T, file string) *unstructured.Unstructured {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return parseObject(t, text)
}

// parseObject reads an object as a client does, with whole numbers as such.
func parseObject(t *testing.T, text []byte) *unstructured.Unstructured {
	t.Helper()
	text, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		t.Fatal(err)
	}
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	return object
}

// foldersWith are the folders of kinds, of the shipped scripts, with such a file in
// them.
func foldersWith(t *testing.T, tree, file string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(tree, ownScripts, "*", file))
	if err != nil || len(files) == 0 {
		t.Fatalf("there is no %s in %s: %v", file, tree, err)
	}
	folders := make([]string, len(files))
	for i := range files {
		folders[i] = filepath.Dir(files[i])
	}
	return folders
}
