package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

// krewManifest is the part of the plugin's manifest for krew that a release fills in.
type krewManifest struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   map[string]string `json:"metadata"`
	Spec       struct {
		Version          string         `json:"version"`
		Homepage         string         `json:"homepage"`
		ShortDescription string         `json:"shortDescription"`
		Description      string         `json:"description"`
		Caveats          string         `json:"caveats"`
		Platforms        []krewPlatform `json:"platforms"`
	} `json:"spec"`
}

type krewPlatform struct {
	Selector struct {
		MatchLabels struct {
			OS   string `json:"os"`
			Arch string `json:"arch"`
		} `json:"matchLabels"`
	} `json:"selector"`
	URI    string `json:"uri"`
	SHA256 string `json:"sha256"`
	Bin    string `json:"bin"`
}

func (p krewPlatform) platform() platform {
	return platform{p.Selector.MatchLabels.OS, p.Selector.MatchLabels.Arch}
}

// readKrew reads the manifest as it is in config.
func (r release) readKrew() (krewManifest, error) {
	var manifest krewManifest
	text, err := os.ReadFile(filepath.Join(r.root, "config", "krew", "ucr.yaml"))
	if err != nil {
		return manifest, err
	}
	if err := yaml.UnmarshalStrict(text, &manifest); err != nil {
		return manifest, fmt.Errorf("read the manifest for krew: %w", err)
	}
	return manifest, nil
}

// makePlugins packs the plugin for every platform that its manifest names, and fills
// the manifest in.
func (r release) makePlugins(manifest krewManifest, binaries []binary, dir string) error {
	license, err := os.ReadFile(filepath.Join(r.root, "LICENSE"))
	if err != nil {
		return err
	}
	made := map[platform]binary{}
	for _, each := range binaries {
		made[each.platform] = each
	}
	listed := manifest.Spec.Platforms
	manifest.Spec.Version, manifest.Spec.Platforms = r.version, nil
	for _, each := range listed {
		built, ok := made[each.platform()]
		if !ok {
			continue
		}
		content, err := os.ReadFile(built.path)
		if err != nil {
			return err
		}
		archive, err := r.zip([]packed{{each.Bin, 0o755, content}, {"LICENSE", 0o644, license}})
		if err != nil {
			return err
		}
		each.URI = strings.ReplaceAll(each.URI, "${VERSION}", r.version)
		each.SHA256 = checksum(archive)
		manifest.Spec.Platforms = append(manifest.Spec.Platforms, each)
		if err := os.WriteFile(filepath.Join(dir, built.title()+".tar.gz"), archive, 0o644); err != nil {
			return err
		}
	}
	filled, err := yaml.Marshal(manifest)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "ucr.yaml"), filled, 0o644)
}
