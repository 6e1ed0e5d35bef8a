package main

import (
	"bytes"
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// command runs this program on what was made, with another image.
func (r release) command(t *testing.T, image, command string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), []string{"--dist", r.dist, "--version", r.version, "--image", image, command}, &out)
	return out.String(), err
}

// TestAnImageIsPushedBeforeItHasAName goes the way of a release, with a registry.
func TestAnImageIsPushedBeforeItHasAName(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	r := newRelease(t)
	index, _ := r.imageHere(t)
	digest, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	image := strings.TrimPrefix(server.URL, "http://") + "/resets/operator"
	tagged, err := name.NewTag(image + ":" + testVersion)
	if err != nil {
		t.Fatal(err)
	}
	said, err := r.command(t, image, "push")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"repository=" + image, "index=" + digest.String(), here.String() + "=sha256:"} {
		if !strings.Contains(said, line) {
			t.Errorf("it does not tell %s:\n%s", line, said)
		}
	}
	if _, err := remote.Index(tagged.Digest(digest.String())); err != nil {
		t.Errorf("the image is not there under its digest: %v", err)
	}
	if _, err := remote.Get(tagged); err == nil {
		t.Error("the image has a name before it can have been signed")
	}
	if _, err := r.command(t, image, "tag"); err != nil {
		t.Fatal(err)
	}
	if found, err := remote.Get(tagged); err != nil || found.Digest != digest {
		t.Errorf("the version leads to %v (%v), want %s", found, err, digest)
	}
}

// TestAnImageGoesNowhereUnasked has no registry named: none is guessed.
func TestAnImageGoesNowhereUnasked(t *testing.T) {
	t.Parallel()
	r := newRelease(t)
	for _, command := range []string{"push", "tag"} {
		if _, err := r.command(t, "credential-reset-operator:dev", command); err == nil || !strings.Contains(err.Error(), "registry") {
			t.Errorf("%s says %v", command, err)
		}
	}
}
