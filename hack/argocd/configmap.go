package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// actions is the value of a resource.customizations.actions key.
type actions struct {
	Definitions []definition `json:"definitions"`
	Discovery   string       `json:"discovery.lua"`
}

type definition struct {
	Name   string `json:"name"`
	Script string `json:"action.lua"`
}

// customizations are the keys of argocd-cm for the scripts under the first tree.
// Actions that its discovery offers may also lie in the others.
func customizations(tree string, others ...string) (map[string]string, error) {
	kinds, err := os.ReadDir(filepath.Join(tree, folders))
	if err != nil {
		return nil, fmt.Errorf("list the kinds: %w", err)
	}
	data := map[string]string{}
	for _, kind := range kinds {
		key := v1alpha1.Group + "_" + kind.Name()
		health, err := os.ReadFile(filepath.Join(tree, folders, kind.Name(), "health.lua"))
		switch {
		case err == nil:
			data["resource.customizations.health."+key] = string(health)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("read a script: %w", err)
		}
		text, err := actionsOf(kind.Name(), append([]string{tree}, others...))
		if err != nil {
			return nil, err
		}
		if text != "" {
			data["resource.customizations.actions."+key] = text
		}
	}
	return data, nil
}

// actionsOf is the value of a kind's actions, "" if it has none.
func actionsOf(kind string, trees []string) (string, error) {
	var all actions
	discovery, err := os.ReadFile(filepath.Join(trees[0], folders, kind, "actions", "discovery.lua"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read a script: %w", err)
	}
	all.Discovery = string(discovery)
	for _, tree := range trees {
		scripts, err := filepath.Glob(filepath.Join(tree, folders, kind, "actions", "*", "action.lua"))
		if err != nil {
			return "", fmt.Errorf("list the actions: %w", err)
		}
		for _, file := range scripts {
			script, err := os.ReadFile(file)
			if err != nil {
				return "", fmt.Errorf("read a script: %w", err)
			}
			all.Definitions = append(all.Definitions, definition{filepath.Base(filepath.Dir(file)), string(script)})
		}
	}
	text, err := yaml.Marshal(all)
	if err != nil {
		return "", fmt.Errorf("write the actions of %s as YAML: %w", kind, err)
	}
	return string(text), nil
}

func writeConfigMap(file string, data map[string]string) error {
	type named struct {
		Name string `json:"name"`
	}
	return writeYAML(file, struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        named             `json:"metadata"`
		Data            map[string]string `json:"data"`
	}{metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, named{"argocd-cm"}, data})
}
