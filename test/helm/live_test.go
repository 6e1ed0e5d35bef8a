package helm

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/kube"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// patience is how long a test waits for what must happen.
const patience = time.Minute

func TestMain(m *testing.M) {
	ctrllog.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

// live is a control plane, and Helm on it.
type live struct {
	t       *testing.T
	cluster *cluster.Cluster
	helm    *action.Configuration
}

// newLive starts a control plane with the namespaces that the sets of values name, and
// nothing of the chart.
func newLive(t *testing.T) *live {
	t.Helper()
	started, err := cluster.StartBare(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := started.Stop(); err != nil {
			t.Error(err)
		}
	})
	l := &live{t: t, cluster: started, helm: silent()}
	flags := genericclioptions.NewConfigFlags(true)
	namespace := cluster.SystemNamespace
	flags.KubeConfig, flags.Namespace = &started.Kubeconfig, &namespace
	if err := l.helm.Init(flags, namespace, "secret"); err != nil {
		t.Fatal(err)
	}
	l.kubectl("apply", "--filename", filepath.Join("testdata", "namespaces.yaml"))
	l.kubectl("apply", "--filename", started.Path("config", "samples", "namespaces.yaml"))
	return l
}

// kubectl runs kubectl, which must succeed.
func (l *live) kubectl(args ...string) string {
	l.t.Helper()
	return l.kubectlWithInput("", args...)
}

func (l *live) kubectlWithInput(input string, args ...string) string {
	l.t.Helper()
	output, err := l.cluster.KubectlWithInput(l.t.Context(), input, args...)
	if err != nil {
		l.t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return output
}

// install does what helm install does; to take ownership, with --take-ownership and
// --force-conflicts.
func (l *live) install(given map[string]any, takeOwnership bool) {
	l.t.Helper()
	install := action.NewInstall(l.helm)
	install.ReleaseName, install.Namespace = releaseName, cluster.SystemNamespace
	install.WaitStrategy, install.Timeout = kube.HookOnlyStrategy, patience
	install.TakeOwnership, install.ForceConflicts = takeOwnership, takeOwnership
	if _, err := install.RunWithContext(l.t.Context(), loadChart(l.t), given); err != nil {
		l.t.Fatalf("helm install: %v", err)
	}
	l.kubectl("wait", "--for=condition=Established", "crd", "--all")
}

// upgrade does what helm upgrade --reset-values does.
func (l *live) upgrade(given map[string]any) {
	l.t.Helper()
	upgrade := action.NewUpgrade(l.helm)
	upgrade.Namespace = cluster.SystemNamespace
	// Without any values, those of before would hold.
	upgrade.ResetValues = true
	upgrade.WaitStrategy, upgrade.Timeout = kube.HookOnlyStrategy, patience
	if _, err := upgrade.RunWithContext(l.t.Context(), releaseName, loadChart(l.t), given); err != nil {
		l.t.Fatalf("helm upgrade: %v", err)
	}
}

// uninstall does what helm uninstall does, and returns what it says of what stays.
func (l *live) uninstall() string {
	l.t.Helper()
	uninstall := action.NewUninstall(l.helm)
	uninstall.WaitStrategy, uninstall.Timeout = kube.HookOnlyStrategy, patience
	response, err := uninstall.Run(releaseName)
	if err != nil {
		l.t.Fatalf("helm uninstall: %v", err)
	}
	return response.Info
}

// await waits until kubectl, with this input, says something.
func (l *live) await(want, input string, args ...string) {
	l.t.Helper()
	var last string
	err := wait.PollUntilContextTimeout(l.t.Context(), 100*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		// Its error is what may be waited for.
		said, _ := l.cluster.KubectlWithInput(ctx, input, args...)
		if ctx.Err() == nil {
			last = said
		}
		return strings.Contains(said, want), nil
	})
	if err != nil {
		l.t.Fatalf("kubectl %s never said %q, but at last: %s", strings.Join(args, " "), want, last)
	}
}

// names are the objects of some kinds, as kubectl calls them.
func (l *live) names(kinds ...string) []string {
	l.t.Helper()
	return strings.Fields(l.kubectl("get", strings.Join(kinds, ","), "--all-namespaces", "--output", "name"))
}

// operate runs the operator as the installed Deployment says, under the installed
// ServiceAccount, until the test has seen enough.
func (l *live) operate(binary string, see func()) {
	l.t.Helper()
	arguments := strings.Fields(l.kubectl("get", "deployment", releaseName, "--namespace", cluster.SystemNamespace,
		"--output", `jsonpath={.spec.template.spec.containers[0].args[*]}`))
	// Where it listens is for the test to say: others listen on this machine too.
	arguments = slices.DeleteFunc(arguments, func(argument string) bool { return strings.Contains(argument, "-bind-address=") })
	operator, err := l.cluster.StartOperator(l.t.Context(), cluster.OperatorOptions{Binary: binary, Args: arguments})
	if err != nil {
		l.t.Fatal(err)
	}
	defer func() {
		if err := operator.Stop(context.WithoutCancel(l.t.Context())); err != nil {
			l.t.Errorf("the operator ended: %v\n%s", err, operator.Logs())
		}
	}()
	see()
}

func buildOperator(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "operator")
	if err := cluster.BuildOperator(t.Context(), binary); err != nil {
		t.Fatal(err)
	}
	return binary
}
