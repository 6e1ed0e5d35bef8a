// Command argocd writes what of config/argocd follows from other files: the states
// that the health scripts are tested with, from the operator's own conditions, and
// the patches of argocd-cm, from the scripts.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

const root = "config/argocd"

// folders are where scripts lie, under root and under opt-ins in it.
const folders = "resource_customizations/" + v1alpha1.Group

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "argocd:", err)
		os.Exit(1)
	}
}

func write() error {
	for kind, states := range map[string][]state{
		"UserCredentialReset": requestStates(),
		"RocketChatWorkspace": workspaceStates(),
		"ResetApproval":       approvalStates(),
		"ResetRecord":         recordStates(),
	} {
		if err := writeStates(filepath.Join(root, folders, kind), states); err != nil {
			return err
		}
	}
	shipped, err := customizations(root)
	if err != nil {
		return err
	}
	if err := writeConfigMap(filepath.Join(root, "argocd-cm.yaml"), shipped); err != nil {
		return err
	}
	approving, err := customizations(filepath.Join(root, "approving"), root)
	if err != nil {
		return err
	}
	return writeConfigMap(filepath.Join(root, "approving", "argocd-cm.yaml"), approving)
}

// state is an object in one state and the health that it has there.
type state struct {
	name    string
	object  any
	status  string
	message string
}

// healthTest is a health_test.yaml.
type healthTest struct {
	Tests []healthCase `json:"tests"`
}

type healthCase struct {
	HealthStatus healthStatus `json:"healthStatus"`
	InputPath    string       `json:"inputPath"`
}

type healthStatus struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

// writeStates writes the states beside a health script, and nothing else stays there.
func writeStates(folder string, states []state) error {
	testdata := filepath.Join(folder, "testdata")
	if err := os.RemoveAll(testdata); err != nil {
		return fmt.Errorf("clear the states: %w", err)
	}
	if err := os.MkdirAll(testdata, 0o755); err != nil {
		return fmt.Errorf("make room for the states: %w", err)
	}
	var test healthTest
	for _, s := range states {
		input := filepath.Join("testdata", s.name+".yaml")
		if err := writeYAML(filepath.Join(folder, input), s.object); err != nil {
			return err
		}
		test.Tests = append(test.Tests, healthCase{HealthStatus: healthStatus{s.status, s.message}, InputPath: input})
	}
	return writeYAML(filepath.Join(folder, "health_test.yaml"), test)
}

func writeYAML(file string, object any) error {
	text, err := yaml.Marshal(object)
	if err != nil {
		return fmt.Errorf("write %s as YAML: %w", file, err)
	}
	if err := os.WriteFile(file, text, 0o644); err != nil {
		return fmt.Errorf("write a file: %w", err)
	}
	return nil
}

// kebab writes a reason as a file is named: AwaitingApproval is awaiting-approval.
func kebab(reason string) string {
	var name strings.Builder
	for i, letter := range reason {
		if i > 0 && letter >= 'A' && letter <= 'Z' {
			name.WriteByte('-')
		}
		name.WriteRune(letter)
	}
	return strings.ToLower(name.String())
}
