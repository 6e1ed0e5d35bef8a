package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// platform is what a binary runs on.
type platform struct{ system, architecture string }

func (p platform) String() string { return p.system + "_" + p.architecture }

// program is one that is released.
type program struct{ name, source string }

const (
	operatorName = "credential-reset-operator"
	pluginName   = "kubectl-ucr"
)

// binary is a program that was built.
type binary struct {
	program
	platform

	path string
}

// title is how files about a binary are named.
func (b binary) title() string { return b.name + "_" + b.String() }

// buildFlags make a binary depend on its source and on nothing else.
func buildFlags() []string { return []string{"-trimpath", "-buildvcs=false"} }

// buildEnvironment leaves nothing to the machine that builds.
func buildEnvironment() []string {
	return []string{"CGO_ENABLED=0", "GOFLAGS=", "GOEXPERIMENT=", "GOAMD64=v1", "GOARM64=v8.0"}
}

// build builds a program for those of the platforms that are wanted, into a folder.
func (r release) build(ctx context.Context, of program, dir string, platforms []platform) ([]binary, error) {
	platforms = slices.DeleteFunc(platforms, func(p platform) bool { return r.only != (platform{}) && p != r.only })
	if len(platforms) == 0 {
		return nil, fmt.Errorf("%s is not built for %s", of.name, r.only)
	}
	var built []binary
	for _, on := range platforms {
		_, _ = fmt.Fprintf(os.Stderr, "building %s for %s/%s\n", of.name, on.system, on.architecture)
		made := binary{of, on, filepath.Join(dir, of.name+"_"+on.String())}
		args := append(append([]string{"build"}, buildFlags()...), "-ldflags", r.linkerFlags, "-o", made.path, of.source)
		command := exec.CommandContext(ctx, "go", args...)
		command.Dir = r.root
		command.Env = append(append(os.Environ(), buildEnvironment()...), "GOOS="+on.system, "GOARCH="+on.architecture)
		command.Stdout, command.Stderr = os.Stderr, os.Stderr
		if err := command.Run(); err != nil {
			return nil, fmt.Errorf("build %s for %s: %w", of.name, on, err)
		}
		built = append(built, made)
	}
	return built, nil
}
