// Command release makes what a release consists of: the image, the archives of the
// plugin, the chart, one file that installs everything, bills of materials and
// checksums. It needs nothing but the Go tool: no daemon, no registry, no cluster.
// The same commit makes the same files, to the byte.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const usage = "usage: release [flags] image|install|all|push|tag"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// release is what is made of a commit, and where to.
type release struct {
	root        string // of the repository
	dist        string // folder for everything that is made
	version     string
	revision    string
	date        time.Time // of the commit: whatever has a time in it has this one
	linkerFlags string
	image       string // with or without a tag
	only        platform
	out         io.Writer
}

func run(ctx context.Context, args []string, out io.Writer) error {
	r := release{out: out}
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	flags.StringVar(&r.root, "root", filepath.Join("..", ".."), "root folder of the repository")
	flags.StringVar(&r.dist, "dist", "dist", "folder to write to")
	flags.StringVar(&r.version, "version", "", "version to release")
	flags.StringVar(&r.revision, "revision", "", "commit to release")
	flags.StringVar(&r.linkerFlags, "linker-flags", "", "what the linker is told")
	flags.StringVar(&r.image, "image", "", "name of the image")
	only := flags.String("only", "", "the one platform to build for, such as linux/amd64")
	seconds := flags.Int64("date", 0, "time of the commit, in seconds since 1970")
	if err := flags.Parse(args); err != nil {
		return err
	}
	r.date = time.Unix(*seconds, 0).UTC()
	if *only != "" {
		system, architecture, _ := strings.Cut(*only, "/")
		r.only = platform{system, architecture}
	}
	if flags.NArg() != 1 {
		return errors.New(usage)
	}
	switch flags.Arg(0) {
	case "image":
		return r.makeImage(ctx)
	case "install":
		return r.makeInstallFile(r.dist, r.image)
	case "all":
		return r.makeAll(ctx)
	case "push":
		return r.push(ctx)
	case "tag":
		return r.tag(ctx)
	}
	return errors.New(usage)
}

// repository is the name of the image without a tag.
func (r release) repository() string {
	slash := strings.LastIndex(r.image, "/") // a colon before it is that of a port
	name, _, _ := strings.Cut(r.image[slash+1:], ":")
	return r.image[:slash+1] + name
}

// tagged is the name of the image with its tag: the version, if none was given.
func (r release) tagged() string {
	if r.image == r.repository() {
		return r.image + ":" + r.version
	}
	return r.image
}

// makeImage builds and writes the image and tells of it.
func (r release) makeImage(ctx context.Context) error {
	return withFolder(func(work string) error {
		_, digest, err := r.buildImage(ctx, work)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(r.out, "%s@%s in %s\n", r.tagged(), digest, r.layoutPath())
		return err
	})
}

// withFolder lends a folder.
func withFolder(use func(string) error) error {
	folder, err := os.MkdirTemp("", "release-")
	if err != nil {
		return err
	}
	return errors.Join(use(folder), os.RemoveAll(folder))
}
