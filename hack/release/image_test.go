package main

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// configOf is how an image is run.
func configOf(t *testing.T, image v1.Image) *v1.ConfigFile {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func TestTheImageIsWhatOCIWants(t *testing.T) {
	t.Parallel()
	index, image := newRelease(t).imageHere(t)
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	config := configOf(t, image)
	if config.OS != here.system || config.Architecture != here.architecture {
		t.Errorf("the image is for %s/%s", config.OS, config.Architecture)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(config.Config.Labels, manifest.Annotations); diff != "" {
		t.Errorf("what is told of the image (-for a platform +for all):\n%s", diff)
	}
}

// instructions are those of a Dockerfile, by stage: a name, and what follows it.
func instructions(text string) [][][2]string {
	var stages [][][2]string
	text = regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(text, "")
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", "")) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "FROM" {
			stages = append(stages, nil)
		}
		if name != "" {
			last := len(stages) - 1
			stages[last] = append(stages[last], [2]string{name, rest})
		}
	}
	return stages
}

// TestTheImageIsWhatTheDockerfileSays compares both, from the flags of the build to the
// labels.
func TestTheImageIsWhatTheDockerfileSays(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer("${VERSION}", testVersion, "${REVISION}", testRevision, "${CREATED}", testTime).Replace(read(t, root, "Dockerfile"))
	stages := instructions(text)
	if len(stages) != 2 {
		t.Fatalf("the Dockerfile has %d stages", len(stages))
	}
	said := v1.Config{Labels: map[string]string{}}
	var base, copied []string
	for _, each := range stages[1] {
		switch name, rest := each[0], each[1]; name {
		case "FROM":
			base = append(base, rest)
		case "COPY":
			copied = append(copied, rest)
		case "USER":
			said.User = rest
		case "WORKDIR":
			said.WorkingDir = rest
		case "ENTRYPOINT":
			if err := json.Unmarshal([]byte(rest), &said.Entrypoint); err != nil {
				t.Fatal(err)
			}
		case "LABEL":
			for _, label := range regexp.MustCompile(`(\S+)="([^"]*)"`).FindAllStringSubmatch(rest, -1) {
				said.Labels[label[1]] = label[2]
			}
		case "ARG":
		default:
			t.Errorf("make image knows nothing of %s %s", name, rest)
		}
	}
	_, image := newRelease(t).imageHere(t)
	if diff := cmp.Diff(said, configOf(t, image).Config); diff != "" {
		t.Errorf("how the image is run (-Dockerfile +make image):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"scratch", "--from=build " + entrypoint + " " + entrypoint}, append(base, copied...)); diff != "" {
		t.Errorf("what is in the image (-make image +Dockerfile):\n%s", diff)
	}
	build := "CGO_ENABLED=0 go build " + strings.Join(buildFlags(), " ") + ` -ldflags="` + linkerFlags(t) + `" -o ` + entrypoint + " ."
	if last := stages[0][len(stages[0])-1]; last != [2]string{"RUN", build} {
		t.Errorf("the Dockerfile builds with\n%s\nand make image with\n%s", last[1], build)
	}
}

// linkerFlags are what the Makefile has the linker told.
func linkerFlags(t *testing.T) string {
	t.Helper()
	args := append([]string{"--directory", root, "--dry-run", "image"}, variables("dist")...)
	output, err := exec.CommandContext(t.Context(), "make", args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(`--linker-flags '([^']*)'`).FindSubmatch(output)
	if match == nil {
		t.Fatalf("make image tells the linker nothing:\n%s", output)
	}
	return string(match[1])
}

// unpack writes the files of an image into a folder, as a container runtime does.
func unpack(t *testing.T, image v1.Image, dir string) []string {
	t.Helper()
	stream := mutate.Extract(image)
	defer func() { _ = stream.Close() }()
	archive := tar.NewReader(stream)
	var names []string
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, header.Name)
		if err := os.WriteFile(path, content, header.FileInfo().Mode()); err != nil {
			t.Fatal(err)
		}
		names = append(names, header.Name)
	}
}
