// Package e2e proves the operator's behaviour on a real API server: the built
// binary, under the ServiceAccount and the rights that config ships, against
// simulated workspaces.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// patience is how long a test waits for what must happen. It is not a
// measurement: what is told to happen happens long before.
const patience = 90 * time.Second

// suite is what all tests share.
type suite struct {
	cluster  *cluster.Cluster
	operator *cluster.Operator
	kube     client.WithWatch // of a cluster administrator
}

var shared suite

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctrllog.SetLogger(logr.Discard())
	dir, err := os.MkdirTemp("", "e2e-")
	if err != nil {
		return fail(err)
	}
	ctx := context.Background()
	if shared.cluster, err = cluster.Start(ctx, dir); err != nil {
		return fail(err)
	}
	if shared.kube, err = newClient(); err != nil {
		return fail(err)
	}
	if shared.operator, err = shared.cluster.StartOperator(ctx, cluster.OperatorOptions{Args: []string{"--log-level", "debug"}}); err != nil {
		return fail(errors.Join(err, shared.cluster.Stop()))
	}
	code := m.Run()
	if code == 0 {
		code = fail(searchCanaries(ctx))
	}
	stopped, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := errors.Join(shared.operator.Stop(stopped), shared.cluster.Stop(), os.RemoveAll(dir)); err != nil {
		return fail(err)
	}
	return code
}

func fail(err error) int {
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintln(os.Stderr, "e2e:", err)
	return 1
}

func newClient() (client.WithWatch, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), eventsv1.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	return client.NewWithWatch(shared.cluster.Config, client.Options{Scheme: scheme})
}
