// Package ucr proves the kubectl plugin on a real API server: the built binary, run
// by people who have no rights but those of the shipped ClusterRoles, with the built
// operator and simulated workspaces behind it.
package ucr

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// patience is how long a test waits for what must happen.
const patience = 2 * time.Minute

// testVersion is what the plugin under test is stamped with.
const testVersion = "v0.0.0-test"

// suiteOf is what the tests share.
var suiteOf struct {
	cluster *cluster.Cluster
	kube    client.WithWatch // of a cluster administrator
	plugin  string
}

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctrllog.SetLogger(logr.Discard())
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "ucr-")
	if err != nil {
		return fail(err)
	}
	operator, err := start(ctx, dir)
	if err != nil {
		return fail(errors.Join(err, stop(ctx, operator)))
	}
	code := m.Run()
	if err := stop(ctx, operator); err != nil {
		return fail(err)
	}
	if code != 0 {
		_, _ = fmt.Fprintln(os.Stderr, operator.Logs())
		return code
	}
	return fail(os.RemoveAll(dir))
}

func fail(err error) int {
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintln(os.Stderr, "ucr:", err)
	return 1
}

func start(ctx context.Context, dir string) (*cluster.Operator, error) {
	binary := filepath.Join(dir, "operator")
	suiteOf.plugin = filepath.Join(dir, "kubectl-ucr")
	if err := errors.Join(cluster.BuildOperator(ctx, binary), buildPlugin(ctx)); err != nil {
		return nil, err
	}
	var err error
	if suiteOf.cluster, err = cluster.Start(ctx, dir); err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), rbacv1.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	if suiteOf.kube, err = client.NewWithWatch(suiteOf.cluster.Config, client.Options{Scheme: scheme}); err != nil {
		return nil, err
	}
	return suiteOf.cluster.StartOperator(ctx, cluster.OperatorOptions{Binary: binary})
}

func stop(ctx context.Context, operator *cluster.Operator) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var errs []error
	if operator != nil && operator.IsRunning() {
		errs = append(errs, operator.Stop(ctx))
	}
	if suiteOf.cluster != nil {
		errs = append(errs, suiteOf.cluster.Stop())
	}
	return errors.Join(errs...)
}

func buildPlugin(ctx context.Context) error {
	return cluster.BuildPlugin(ctx, suiteOf.plugin, "-ldflags=-X main.buildVersion="+testVersion)
}
