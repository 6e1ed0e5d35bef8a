package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// What the image is. The Dockerfile says the same.
const (
	entrypoint = "/operator"
	user       = "65532:65532"
	project    = "https://github.com/credentialreset/credential-reset-operator"
)

// imagePlatforms are what the image is for.
func imagePlatforms() []platform {
	return []platform{{"linux", "amd64"}, {"linux", "arm64"}}
}

// labels tell what is in the image, with names that everybody knows.
func (r release) labels() map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":         operatorName,
		"org.opencontainers.image.description":   "Carries out resets of Rocket.Chat users' credentials, each at most once",
		"org.opencontainers.image.source":        project,
		"org.opencontainers.image.documentation": project + "/tree/main/docs",
		"org.opencontainers.image.licenses":      "Apache-2.0",
		"org.opencontainers.image.version":       r.version,
		"org.opencontainers.image.revision":      r.revision,
		"org.opencontainers.image.created":       r.date.Format(time.RFC3339),
	}
}

// buildImage builds the operator into a folder, and writes the image of it. It returns
// the binaries, and the image's digest.
func (r release) buildImage(ctx context.Context, work string) ([]binary, string, error) {
	binaries, err := r.build(ctx, program{operatorName, "."}, work, imagePlatforms())
	if err != nil {
		return nil, "", err
	}
	index, err := r.imageOf(binaries)
	if err != nil {
		return nil, "", err
	}
	if err := r.writeImage(index); err != nil {
		return nil, "", err
	}
	digest, err := index.Digest()
	return binaries, digest.String(), err
}

// imageOf makes the image of the operator's binaries: one for each platform.
func (r release) imageOf(binaries []binary) (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, each := range binaries {
		image, err := r.imageFor(each)
		if err != nil {
			return nil, fmt.Errorf("make the image for %s: %w", each.platform, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: each.system, Architecture: each.architecture},
		}})
	}
	annotated, ok := mutate.Annotations(index, r.labels()).(v1.ImageIndex)
	if !ok {
		return nil, errors.New("an annotated index is no index")
	}
	return annotated, nil
}

// imageFor is an image that holds the binary and nothing else.
func (r release) imageFor(each binary) (v1.Image, error) {
	content, err := os.ReadFile(each.path)
	if err != nil {
		return nil, err
	}
	files, err := r.pack([]packed{{strings.TrimPrefix(entrypoint, "/"), 0o755, content}})
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files)), nil },
		tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(gzip.BestCompression), tarball.WithCompressedCaching)
	if err != nil {
		return nil, err
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	created := v1.Time{Time: r.date}
	image, err := mutate.Append(base, mutate.Addendum{Layer: layer, History: v1.History{Created: created, CreatedBy: "make image"}})
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.Created, config.OS, config.Architecture = created, each.system, each.architecture
	config.Config = v1.Config{Entrypoint: []string{entrypoint}, User: user, WorkingDir: "/", Labels: r.labels()}
	return mutate.ConfigFile(image, config)
}

// layoutPath is the folder of the image, in the layout that OCI has for folders.
func (r release) layoutPath() string { return filepath.Join(r.dist, "image") }

// writeImage replaces the folder of the image.
func (r release) writeImage(index v1.ImageIndex) error {
	if err := os.RemoveAll(r.layoutPath()); err != nil {
		return err
	}
	if err := os.MkdirAll(r.layoutPath(), 0o755); err != nil {
		return err
	}
	path, err := layout.Write(r.layoutPath(), empty.Index)
	if err != nil {
		return fmt.Errorf("write the image: %w", err)
	}
	name := map[string]string{"org.opencontainers.image.ref.name": r.tagged(), "io.containerd.image.name": r.tagged()}
	if err := path.AppendIndex(index, layout.WithAnnotations(name)); err != nil {
		return fmt.Errorf("write the image: %w", err)
	}
	return nil
}

// readImage reads the image back from its folder.
func (r release) readImage() (v1.ImageIndex, error) {
	outer, err := layout.ImageIndexFromPath(r.layoutPath())
	if err != nil {
		return nil, fmt.Errorf("read the image, which make image makes: %w", err)
	}
	manifest, err := outer.IndexManifest()
	if err != nil {
		return nil, err
	}
	if len(manifest.Manifests) != 1 {
		return nil, fmt.Errorf("%s holds %d images", r.layoutPath(), len(manifest.Manifests))
	}
	return outer.ImageIndex(manifest.Manifests[0].Digest)
}

// packImage writes the folder of the image as one file.
func (r release) packImage(path string) error {
	var files []packed
	err := filepath.WalkDir(r.layoutPath(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(r.layoutPath(), path)
		files = append(files, packed{filepath.ToSlash(name), 0o644, content})
		return err
	})
	if err != nil {
		return err
	}
	archive, err := r.pack(files)
	if err != nil {
		return err
	}
	return os.WriteFile(path, archive, 0o644)
}

// packed is a file in an archive.
type packed struct {
	name    string
	mode    int64
	content []byte
}

// pack makes an archive that has no trace of when, where and by whom it was made.
func (r release) pack(files []packed) ([]byte, error) {
	var out bytes.Buffer
	archive := tar.NewWriter(&out)
	for _, file := range files {
		header := &tar.Header{Name: file.name, Mode: file.mode, Size: int64(len(file.content)), ModTime: r.date, Format: tar.FormatUSTAR}
		if err := archive.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := archive.Write(file.content); err != nil {
			return nil, err
		}
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
