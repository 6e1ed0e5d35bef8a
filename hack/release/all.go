package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
)

// checksumsName is what sha256sum --check reads.
const checksumsName = "checksums.txt"

// makeAll makes every file of a release, anew.
func (r release) makeAll(ctx context.Context) error {
	files := filepath.Join(r.dist, "release")
	if err := os.RemoveAll(files); err != nil {
		return err
	}
	if err := os.MkdirAll(files, 0o755); err != nil {
		return err
	}
	return withFolder(func(work string) error {
		digest, err := r.fill(ctx, files, work)
		if err != nil {
			return err
		}
		if err := writeChecksums(files); err != nil {
			return err
		}
		return r.tell(files, digest)
	})
}

// fill makes the files but for their checksums, and returns the digest of the image.
func (r release) fill(ctx context.Context, files, work string) (string, error) {
	operators, digest, err := r.buildImage(ctx, work)
	if err != nil {
		return "", err
	}
	manifest, err := r.readKrew()
	if err != nil {
		return "", err
	}
	var platforms []platform
	for _, each := range manifest.Spec.Platforms {
		platforms = append(platforms, each.platform())
	}
	plugins, err := r.build(ctx, program{pluginName, "./cmd/kubectl-ucr"}, work, platforms)
	if err != nil {
		return "", err
	}
	err = errors.Join(
		r.packImage(filepath.Join(files, operatorName+"_image.tar")),
		r.makeInstallFile(files, r.tagged()+"@"+digest),
		r.makeChart(files, digest),
		r.makePlugins(manifest, plugins, files),
		r.makeBills(append(operators, plugins...), files),
	)
	return digest, err
}

// zip is pack, compressed.
func (r release) zip(files []packed) ([]byte, error) {
	archive, err := r.pack(files)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	writer, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := writer.Write(archive); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func checksum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// writeChecksums writes the checksums of all files in a folder into one more.
func writeChecksums(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var lines strings.Builder
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(&lines, "%s  %s\n", checksum(content), entry.Name())
	}
	return os.WriteFile(filepath.Join(dir, checksumsName), []byte(lines.String()), 0o644)
}

// tell prints a table of the files, and the name of the image.
func (r release) tell(dir, digest string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "FILE\tBYTES\tSHA-256")
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(table, "%s\t%d\t%s\n", entry.Name(), len(content), checksum(content))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.out, "\nimage %s@%s in %s, files in %s\n", r.tagged(), digest, r.layoutPath(), dir)
	return err
}
