package cluster

import (
	"fmt"
	"os"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// PersonKubeconfig writes a kubeconfig for somebody with a certificate and groups of
// their own, and no rights but those that are bound to them, and returns its path.
func (c *Cluster) PersonKubeconfig(name string, groups ...string) (string, error) {
	person, err := c.environment.AddUser(envtest.User{Name: name, Groups: groups}, nil)
	if err != nil {
		return "", fmt.Errorf("issue a certificate for %s: %w", name, err)
	}
	config, err := person.KubeConfig()
	if err != nil {
		return "", err
	}
	file, err := os.CreateTemp(c.Dir, "person-*.kubeconfig")
	if err != nil {
		return "", err
	}
	if err := file.Close(); err != nil {
		return "", err
	}
	return file.Name(), os.WriteFile(file.Name(), config, 0o600)
}
