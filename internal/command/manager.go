package command

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/transport"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

const (
	// leaderElectionID names the lease.
	leaderElectionID = "operator.credentialreset.dev"
	// fieldOwner names the operator in managed fields and to the API server.
	fieldOwner = "credential-reset-operator"
)

// SetLogger makes all libraries log in the wanted form and level to standard
// error. It returns the logger for the audit trail, which has no level.
func SetLogger(opts Options) logr.Logger {
	logger := logr.FromSlogHandler(logHandler(opts.LogFormat, opts.LogLevel))
	ctrl.SetLogger(logger)
	klog.SetLogger(logger)
	return logr.FromSlogHandler(logHandler(opts.LogFormat, slog.LevelInfo))
}

func logHandler(format string, level slog.Level) slog.Handler {
	handlerOptions := &slog.HandlerOptions{Level: level}
	if format == "text" {
		return slog.NewTextHandler(os.Stderr, handlerOptions)
	}
	return slog.NewJSONHandler(os.Stderr, handlerOptions)
}

// RESTConfig finds the cluster. Every answer of it passes through wrap.
func RESTConfig(kubeconfig string, wrap transport.WrapperFunc) (*rest.Config, error) {
	config, err := loadConfig(kubeconfig)
	if err != nil {
		return nil, err
	}
	// The API server's own priority and fairness is the limit.
	config.QPS = -1
	config.UserAgent = fieldOwner
	config.Wrap(wrap)
	return config, nil
}

func loadConfig(path string) (*rest.Config, error) {
	if path != "" {
		config, err := clientcmd.BuildConfigFromFlags("", path)
		if err != nil {
			return nil, fmt.Errorf("--kubeconfig %q cannot be used: %w", path, err)
		}
		return config, nil
	}
	if config, err := rest.InClusterConfig(); err == nil {
		return config, nil
	}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), &clientcmd.ConfigOverrides{}).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("no cluster: give --kubeconfig, or run in a pod: %w", err)
	}
	return config, nil
}

// NewManager makes the manager: its cache, client, endpoints and probes. drain is
// how long it waits for reconcilers to end.
func NewManager(config *rest.Config, opts Options, drain time.Duration) (manager.Manager, error) {
	namespace, err := leaderElectionNamespace(opts)
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), admissionregistrationv1.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("register the kinds: %w", err)
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                  scheme,
		Cache:                   cacheOptions(opts.Namespaces),
		Client:                  clientOptions(),
		Metrics:                 metricsOptions(opts.MetricsAddress),
		HealthProbeBindAddress:  opts.ProbeAddress,
		PprofBindAddress:        opts.ProfileAddress,
		LeaderElection:          opts.LeaderElect,
		LeaderElectionID:        leaderElectionID,
		LeaderElectionNamespace: namespace,
		GracefulShutdownTimeout: &drain,
	})
	if err != nil {
		return nil, fmt.Errorf("the manager cannot be made: %w", err)
	}
	if err := checkKinds(mgr); err != nil {
		return nil, err
	}
	return mgr, errors.Join(addProbes(mgr), mgr.Add(thrift{}))
}

// leaderElectionNamespace is where the lease lies: in a pod, its own namespace,
// which the manager finds by itself; elsewhere, that of the kubeconfig.
func leaderElectionNamespace(opts Options) (string, error) {
	if !opts.LeaderElect {
		return "", nil
	}
	if _, err := rest.InClusterConfig(); err == nil && opts.Kubeconfig == "" {
		return "", nil
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = opts.Kubeconfig
	namespace, _, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{}).Namespace()
	if err != nil {
		return "", fmt.Errorf("find the namespace of the lease: %w", err)
	}
	return namespace, nil
}

func cacheOptions(namespaces []string) cache.Options {
	opts := cache.Options{DefaultTransform: slim}
	if len(namespaces) > 0 {
		opts.DefaultNamespaces = map[string]cache.Config{}
		for _, namespace := range namespaces {
			opts.DefaultNamespaces[namespace] = cache.Config{}
		}
	}
	return opts
}

func clientOptions() client.Options {
	return client.Options{
		// Secrets are read live: a cache would hold, list and watch them all.
		Cache:           &client.CacheOptions{DisableFor: []client.Object{&corev1.Secret{}}},
		FieldOwner:      fieldOwner,
		FieldValidation: metav1.FieldValidationStrict,
	}
}

func metricsOptions(address string) metricsserver.Options {
	return metricsserver.Options{
		BindAddress:    address,
		SecureServing:  true,
		FilterProvider: guardMetrics,
		TLSOpts: []func(*tls.Config){func(c *tls.Config) {
			c.NextProtos = []string{"http/1.1"}
			c.MinVersion = tls.VersionTLS12
		}},
	}
}

// checkKinds says at once what would otherwise be retried in silence.
func checkKinds(mgr manager.Manager) error {
	for _, kind := range []string{"UserCredentialReset", "ResetRecord", "RocketChatWorkspace"} {
		_, err := mgr.GetRESTMapper().RESTMapping(schema.GroupKind{Group: v1alpha1.Group, Kind: kind}, v1alpha1.GroupVersion.Version)
		switch {
		case meta.IsNoMatchError(err):
			return fmt.Errorf("the cluster does not know the kind %s: install the CRDs with kubectl apply -k config/crd", kind)
		case err != nil:
			return fmt.Errorf("the cluster cannot be asked for its kinds: %w", err)
		}
	}
	return nil
}

func addProbes(mgr manager.Manager) error {
	synced := &syncedCheck{}
	if err := errors.Join(
		mgr.AddHealthzCheck("ping", healthz.Ping),
		mgr.AddReadyzCheck("caches", synced.check),
		mgr.Add(synced),
	); err != nil {
		return fmt.Errorf("add the probes: %w", err)
	}
	return nil
}

// syncedCheck is ready once the caches are filled: the manager starts it then.
type syncedCheck struct{ done atomic.Bool }

// Start implements manager.Runnable.
func (s *syncedCheck) Start(context.Context) error {
	s.done.Store(true)
	return nil
}

// NeedLeaderElection implements manager.LeaderElectionRunnable: who stands by is
// ready too.
func (s *syncedCheck) NeedLeaderElection() bool { return false }

func (s *syncedCheck) check(*http.Request) error {
	if !s.done.Load() {
		return errors.New("the caches are not filled yet")
	}
	return nil
}
