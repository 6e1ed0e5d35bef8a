package main

import (
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// makeInstallFile writes all of config/default into one file, with the image.
func (r release) makeInstallFile(dir, image string) error {
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionLegacy // namespaces go before what is in them
	built, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), filepath.Join(r.root, "config", "default"))
	if err != nil {
		return fmt.Errorf("build config/default: %w", err)
	}
	text, err := built.AsYaml()
	if err != nil {
		return err
	}
	if text, err = replaceOnce(text, "image: "+operatorName+":dev\n", "image: "+image+"\n"); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "install.yaml"), text, 0o644)
}
