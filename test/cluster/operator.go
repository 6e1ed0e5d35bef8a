package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// Operator is a running process of the built operator.
type Operator struct {
	ProbeAddress   string
	MetricsAddress string

	command *exec.Cmd
	logs    *syncBuffer
	done    chan struct{}
	err     error // after done
}

// OperatorOptions say how the operator is started.
type OperatorOptions struct {
	Binary     string // by default bin/operator
	Kubeconfig string // by default that of its ServiceAccount
	Args       []string
	Credential *syscall.Credential // by default that of this process
	Env        []string
}

// BuildOperator builds the operator of this tree, so that nothing stale is tested.
func BuildOperator(ctx context.Context, path string, flags ...string) error {
	return build(ctx, ".", path, flags)
}

// BuildPlugin builds the kubectl plugin of this tree.
func BuildPlugin(ctx context.Context, path string, flags ...string) error {
	return build(ctx, "./cmd/kubectl-ucr", path, flags)
}

func build(ctx context.Context, source, path string, flags []string) error {
	root, err := Root()
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, "go", append(append([]string{"build", "-trimpath", "-o", path}, flags...), source)...)
	command.Dir = root
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", source, err, output)
	}
	return nil
}

// StartOperator starts the built operator under its own ServiceAccount and waits
// until it is ready.
func (c *Cluster) StartOperator(ctx context.Context, options OperatorOptions) (*Operator, error) {
	operator, err := c.LaunchOperator(ctx, options)
	if err != nil {
		return nil, err
	}
	if err := operator.awaitReady(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("the operator did not become ready: %w\n%s", err, operator.Logs()), operator.Kill())
	}
	return operator, nil
}

// LaunchOperator starts the built operator under its own ServiceAccount and does
// not wait for it.
func (c *Cluster) LaunchOperator(ctx context.Context, options OperatorOptions) (*Operator, error) {
	if options.Binary == "" {
		options.Binary = filepath.Join(c.root, "bin", "operator")
	}
	if options.Kubeconfig == "" {
		var err error
		if options.Kubeconfig, err = c.OperatorKubeconfig(ctx); err != nil {
			return nil, err
		}
	}
	addresses, err := freeAddresses(2)
	if err != nil {
		return nil, err
	}
	operator := &Operator{ProbeAddress: addresses[0], MetricsAddress: addresses[1], logs: newSyncBuffer(), done: make(chan struct{})}
	args := append([]string{
		"--kubeconfig", options.Kubeconfig,
		"--health-probe-bind-address", operator.ProbeAddress,
		"--metrics-bind-address", operator.MetricsAddress,
		"--allow-cidrs", "127.0.0.0/8",
	}, options.Args...)
	operator.command = exec.Command(options.Binary, args...)
	operator.command.Stdout, operator.command.Stderr = operator.logs, operator.logs
	operator.command.Env = append([]string{"PATH=" + os.Getenv("PATH")}, options.Env...)
	operator.command.SysProcAttr = &syscall.SysProcAttr{Credential: options.Credential}
	if err := operator.command.Start(); err != nil {
		return nil, fmt.Errorf("start the operator: %w", err)
	}
	go func() {
		operator.err = operator.command.Wait()
		close(operator.done)
	}()
	return operator, nil
}

func (o *Operator) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		select {
		case <-o.done:
			return false, fmt.Errorf("it ended: %w", o.err)
		default:
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+o.ProbeAddress+"/readyz", http.NoBody)
		if err != nil {
			return false, err
		}
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			return false, nil //nolint:nilerr // it does not listen yet
		}
		return response.StatusCode == http.StatusOK, response.Body.Close()
	})
}

// PID is the id of the process.
func (o *Operator) PID() int { return o.command.Process.Pid }

// Logs is what the operator has printed so far.
func (o *Operator) Logs() string { return o.logs.String() }

// AwaitLog waits until the operator has printed the text.
func (o *Operator) AwaitLog(ctx context.Context, text string) error {
	for {
		logs, changed := o.logs.read()
		if strings.Contains(logs, text) {
			return nil
		}
		select {
		case <-changed:
		case <-o.done:
			if strings.Contains(o.Logs(), text) {
				return nil
			}
			return fmt.Errorf("it ended: %w", errors.Join(o.err, os.ErrProcessDone))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Freeze stops the process in its tracks and waits until it stands still. Thaw
// lets it go on.
func (o *Operator) Freeze() error {
	if err := o.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for {
		_, err := syscall.Wait4(o.command.Process.Pid, nil, syscall.WUNTRACED, nil)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// Thaw lets a frozen process go on.
func (o *Operator) Thaw() error { return o.Signal(syscall.SIGCONT) }

// Signal sends a signal to the process.
func (o *Operator) Signal(signal syscall.Signal) error { return o.command.Process.Signal(signal) }

// Stop asks the operator to end and waits until it has.
func (o *Operator) Stop(ctx context.Context) error {
	if err := o.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return o.Wait(ctx)
}

// Kill ends the process at once.
func (o *Operator) Kill() error {
	if err := o.command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-o.done
	return nil
}

// IsRunning says whether the process has not ended yet.
func (o *Operator) IsRunning() bool {
	select {
	case <-o.done:
		return false
	default:
		return true
	}
}

// Wait returns when the process has ended, with its error.
func (o *Operator) Wait(ctx context.Context) error {
	select {
	case <-o.done:
		return o.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// syncBuffer is a buffer that a process writes to while it is read.
type syncBuffer struct {
	mu      sync.Mutex
	data    []byte
	changed chan struct{} // closed and replaced by every write
}

func newSyncBuffer() *syncBuffer { return &syncBuffer{changed: make(chan struct{})} }

// Write implements io.Writer.
func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.data = append(b.data, p...)
	close(b.changed)
	b.changed = make(chan struct{})
	return len(p), nil
}

// read is everything written so far, and a channel that is closed when there is
// more.
func (b *syncBuffer) read() (string, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.data), b.changed
}

// String is everything written so far.
func (b *syncBuffer) String() string {
	data, _ := b.read()
	return data
}
