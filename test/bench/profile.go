package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// profile writes where time and memory go while a backlog without a limiter is
// drained.
func (b *bench) profile(ctx context.Context, dir string) error {
	const address = "127.0.0.1:6061"
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	return b.on(ctx, func(ctx context.Context, s *stage) error {
		count := b.size.exempt
		c, err := s.chatOf(ctx, "operated", count, simulator.Limit{})
		if err != nil {
			return err
		}
		if _, err := s.createAll(ctx, c, count); err != nil {
			return err
		}
		t, err := s.follow(ctx, nil)
		if err != nil {
			return err
		}
		if _, err := s.operate(ctx, "--pprof-bind-address", address); err != nil {
			return err
		}
		for _, kind := range []string{"profile?seconds=10", "heap", "goroutine"} {
			if err := fetch(ctx, "http://"+address+"/debug/pprof/"+kind, filepath.Join(dir, name(kind))); err != nil {
				return err
			}
		}
		if err := t.await(ctx, func() bool { return len(t.finished) == count }); err != nil {
			return err
		}
		fmt.Printf("look at them with: go tool pprof -top %s\n", filepath.Join(dir, "cpu.pprof"))
		return nil
	})
}

func name(kind string) string {
	if kind == "heap" || kind == "goroutine" {
		return kind + ".pprof"
	}
	return "cpu.pprof"
}

func fetch(ctx context.Context, from, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, response.Body)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return err
}
