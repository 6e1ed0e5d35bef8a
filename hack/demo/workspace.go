package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// workspace is the simulator, running as a process of its own.
type workspace struct {
	url     string
	ca      string // PEM
	inspect string // base URL of what it shows

	command *exec.Cmd
}

// account is what the simulator shows of a user.
type account struct {
	ID       string `json:"id"`
	Username string `json:"username"`
	TOTP     bool   `json:"totp"`
	E2EKeys  bool   `json:"e2eKeys"`
	Tokens   int    `json:"tokens"`
}

func startWorkspace(ctx context.Context, root, dir string) (*workspace, error) {
	caFile := filepath.Join(dir, "chat-ca.crt")
	w := &workspace{command: exec.CommandContext(context.WithoutCancel(ctx), filepath.Join(root, "bin", "simulator"), "--ca-file", caFile)}
	output, err := w.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	w.command.Stderr = os.Stderr
	// An interrupt at the terminal is for the demonstration, which ends this one.
	w.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := w.command.Start(); err != nil {
		return nil, fmt.Errorf("start the simulator: %w", err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the simulator's addresses: %w", err), w.stop())
	}
	if _, err := fmt.Sscanf(line, "workspace %s inspect %s", &w.url, &w.inspect); err != nil {
		return nil, errors.Join(fmt.Errorf("read the simulator's addresses from %q: %w", line, err), w.stop())
	}
	ca, err := os.ReadFile(caFile)
	if err != nil {
		return nil, errors.Join(err, w.stop())
	}
	w.ca = string(ca)
	return w, nil
}

func (w *workspace) stop() error {
	if err := w.command.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return w.command.Wait()
}

// look returns the workspace's users and what has happened there so far.
func (w *workspace) look(ctx context.Context) ([]account, simulator.Journal, error) {
	var accounts []account
	var journal simulator.Journal
	if err := w.get(ctx, "/users", &accounts); err != nil {
		return nil, simulator.Journal{}, err
	}
	if err := w.get(ctx, "/journal", &journal); err != nil {
		return nil, simulator.Journal{}, err
	}
	return accounts, journal, nil
}

func (w *workspace) get(ctx context.Context, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.inspect+path, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("look into the workspace: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return fmt.Errorf("look into the workspace: %w", err)
	}
	return nil
}
