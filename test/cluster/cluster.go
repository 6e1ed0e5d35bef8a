// Package cluster starts what the suites and the demonstration run against: a
// real etcd and kube-apiserver, kubectl, and the built operator with the identity
// and the rights that config ships.
package cluster

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// The identity that config/rbac ships.
const (
	SystemNamespace = "credentialreset-system"
	ServiceAccount  = "credential-reset-operator"
)

// tokenLifetime is how long a token of the operator's ServiceAccount is good for.
const tokenLifetime = 24 * time.Hour

// Cluster is a running control plane. Stop it after use.
type Cluster struct {
	Config     *rest.Config // of a cluster administrator
	Kubeconfig string       // path of that administrator's kubeconfig
	Dir        string       // for files that live as long as the cluster

	root        string
	kubectl     string
	environment *envtest.Environment
}

// Root is the root folder of the repository that the working directory is in.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "PROJECT")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no file PROJECT above the working directory: run this inside of the repository")
		}
	}
}

// assets is the folder with etcd, kube-apiserver and kubectl.
func assets(root string) (string, error) {
	dir := os.Getenv("KUBEBUILDER_ASSETS")
	if dir == "" {
		dir = filepath.Join(root, "bin", "k8s")
	}
	if _, err := os.Stat(filepath.Join(dir, "kube-apiserver")); err != nil {
		return "", fmt.Errorf("no kube-apiserver in %s: run make controlplane", dir)
	}
	return dir, nil
}

// Start starts a control plane and installs everything in config/default. Files
// go into dir.
func Start(ctx context.Context, dir string) (*Cluster, error) {
	c, err := StartBare(dir)
	if err != nil {
		return nil, err
	}
	return c.install(ctx)
}

// StartAudited is Start with an API server that logs each request into AuditLog.
func StartAudited(ctx context.Context, dir string) (*Cluster, error) {
	c, err := startBare(dir, func(server *envtest.APIServer) error {
		policy := filepath.Join(dir, "audit-policy.yaml")
		server.Configure().Set("audit-policy-file", policy).Set("audit-log-path", filepath.Join(dir, auditLog))
		return os.WriteFile(policy, []byte(auditPolicy), 0o600)
	})
	if err != nil {
		return nil, err
	}
	return c.install(ctx)
}

const (
	auditLog    = "audit.log"
	auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: Metadata
`
)

// AuditLog is the path of the audit log of a control plane that StartAudited
// started.
func (c *Cluster) AuditLog() string { return filepath.Join(c.Dir, auditLog) }

func (c *Cluster) install(ctx context.Context) (*Cluster, error) {
	if output, err := c.Kubectl(ctx, "apply", "--server-side", "-k", filepath.Join(c.root, "config", "default")); err != nil {
		return nil, c.abort(fmt.Errorf("install config/default: %w\n%s", err, output))
	}
	if output, err := c.Kubectl(ctx, "wait", "--for=condition=Established", "crd", "--all"); err != nil {
		return nil, c.abort(fmt.Errorf("wait for the CRDs: %w\n%s", err, output))
	}
	return c, nil
}

// StartBare starts a control plane in which nothing is installed. Files go into
// dir.
func StartBare(dir string) (*Cluster, error) {
	return startBare(dir, func(*envtest.APIServer) error { return nil })
}

func startBare(dir string, configure func(*envtest.APIServer) error) (*Cluster, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	binaries, err := assets(root)
	if err != nil {
		return nil, err
	}
	c := &Cluster{Dir: dir, root: root, kubectl: filepath.Join(binaries, "kubectl")}
	c.environment = &envtest.Environment{
		BinaryAssetsDirectory:    binaries,
		ControlPlaneStartTimeout: time.Minute,
		ControlPlaneStopTimeout:  time.Minute,
	}
	c.environment.ControlPlane.GetAPIServer().Configure().Append("service-account-max-token-expiration", tokenLifetime.String())
	if err := configure(c.environment.ControlPlane.GetAPIServer()); err != nil {
		return nil, err
	}
	if c.Config, err = c.environment.Start(); err != nil {
		return nil, fmt.Errorf("start the control plane: %w", err)
	}
	c.Kubeconfig = filepath.Join(dir, "admin.kubeconfig")
	if err := os.WriteFile(c.Kubeconfig, c.environment.KubeConfig, 0o600); err != nil {
		return nil, c.abort(err)
	}
	return c, nil
}

func (c *Cluster) abort(cause error) error {
	if err := c.Stop(); err != nil {
		return fmt.Errorf("%w; and then: %w", cause, err)
	}
	return cause
}

// Stop ends the API server and then its etcd.
func (c *Cluster) Stop() error {
	if err := c.environment.Stop(); err != nil {
		return fmt.Errorf("stop the control plane: %w", err)
	}
	return nil
}

// Kubectl runs kubectl as the administrator and returns what it prints.
func (c *Cluster) Kubectl(ctx context.Context, args ...string) (string, error) {
	return c.KubectlWithInput(ctx, "", args...)
}

// KubectlWithInput runs kubectl with a standard input.
func (c *Cluster) KubectlWithInput(ctx context.Context, input string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, c.kubectl, append([]string{"--kubeconfig", c.Kubeconfig}, args...)...)
	command.Stdin = strings.NewReader(input)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	err := command.Run()
	return output.String(), err
}

// BinDir is the folder with kubectl in it.
func (c *Cluster) BinDir() string { return filepath.Dir(c.kubectl) }

// Path is the path of a file of the repository.
func (c *Cluster) Path(parts ...string) string {
	return filepath.Join(append([]string{c.root}, parts...)...)
}

// OperatorKubeconfig writes a kubeconfig with a token of the operator's
// ServiceAccount and returns its path.
func (c *Cluster) OperatorKubeconfig(ctx context.Context) (string, error) {
	return c.writeKubeconfig(ctx, c.Config.Host, c.Config.CAData)
}

func (c *Cluster) writeKubeconfig(ctx context.Context, server string, authority []byte) (string, error) {
	token, err := c.Token(ctx, SystemNamespace, ServiceAccount)
	if err != nil {
		return "", err
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["cluster"] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: authority}
	config.AuthInfos["operator"] = &clientcmdapi.AuthInfo{Token: token}
	config.Contexts["operator"] = &clientcmdapi.Context{Cluster: "cluster", AuthInfo: "operator", Namespace: SystemNamespace}
	config.CurrentContext = "operator"
	file, err := os.CreateTemp(c.Dir, "operator-*.kubeconfig")
	if err != nil {
		return "", err
	}
	if err := file.Close(); err != nil {
		return "", err
	}
	return file.Name(), clientcmd.WriteToFile(*config, file.Name())
}

// Token is a token of a ServiceAccount.
func (c *Cluster) Token(ctx context.Context, namespace, serviceAccount string) (string, error) {
	clients, err := kubernetes.NewForConfig(c.Config)
	if err != nil {
		return "", err
	}
	seconds := int64(tokenLifetime.Seconds())
	token, err := clients.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, serviceAccount,
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("ask for a token of the ServiceAccount %s: %w", serviceAccount, err)
	}
	return token.Status.Token, nil
}
