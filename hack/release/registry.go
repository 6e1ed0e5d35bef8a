package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// push uploads the image under its digest alone, so that it can be signed before a
// name leads to it. It prints the digests: that of the whole, and of each platform.
func (r release) push(ctx context.Context) error {
	index, err := r.readImage()
	if err != nil {
		return err
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	reference, err := name.NewDigest(r.repository()+"@"+digest.String(), name.StrictValidation)
	if err != nil {
		return err
	}
	if err := remote.WriteIndex(reference, index, access(ctx)...); err != nil {
		return fmt.Errorf("push the image: %w", err)
	}
	digests, err := digestsOf(index)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.out, "repository=%s\nindex=%s\n%s", r.repository(), digest, digests)
	return err
}

// digestsOf are lines that tell the digest for each platform.
func digestsOf(index v1.ImageIndex) (string, error) {
	manifest, err := index.IndexManifest()
	if err != nil {
		return "", err
	}
	var lines strings.Builder
	for _, each := range manifest.Manifests {
		_, _ = fmt.Fprintf(&lines, "%s=%s\n", platform{each.Platform.OS, each.Platform.Architecture}, each.Digest)
	}
	return lines.String(), nil
}

// tag makes the version a name of the image that was pushed.
func (r release) tag(ctx context.Context) error {
	index, err := r.readImage()
	if err != nil {
		return err
	}
	reference, err := name.NewTag(r.tagged(), name.StrictValidation)
	if err != nil {
		return err
	}
	if err := remote.Tag(reference, index, access(ctx)...); err != nil {
		return fmt.Errorf("tag the image: %w", err)
	}
	_, err = fmt.Fprintln(r.out, r.tagged())
	return err
}

// access is that of whoever logged in with docker, podman or cosign.
func access(ctx context.Context) []remote.Option {
	return []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
}
