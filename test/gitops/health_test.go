package gitops

import (
	"path/filepath"
	"testing"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/health"
	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/google/go-cmp/cmp"
)

// healthCase is a case of a health_test.yaml, in Argo CD's own format.
type healthCase struct {
	InputPath    string               `json:"inputPath"`
	HealthStatus *health.HealthStatus `json:"healthStatus"`
}

func healthCases(t *testing.T, folder string) []healthCase {
	t.Helper()
	var file struct {
		Tests []healthCase `json:"tests"`
	}
	readYAML(t, filepath.Join(folder, "health_test.yaml"), &file)
	return file.Tests
}

// TestHealth has Argo CD judge every state, with the scripts as the patch of argocd-cm
// has them.
func TestHealth(t *testing.T) {
	t.Parallel()
	judge := lua.ResourceHealthOverrides(settingsOf(t, shipped+"/argocd-cm.yaml").ResourceOverrides)
	folders := foldersWith(t, shipped, "health.lua")
	if len(folders) != 4 {
		t.Errorf("%d kinds have a health script, want all 4", len(folders))
	}
	for _, folder := range folders {
		for _, test := range healthCases(t, folder) {
			t.Run(filepath.Join(filepath.Base(folder), test.InputPath), func(t *testing.T) {
				t.Parallel()
				got, err := health.GetResourceHealth(readObject(t, filepath.Join(folder, test.InputPath)), judge)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.HealthStatus, got); diff != "" {
					t.Errorf("health (-want +got):\n%s", diff)
				}
			})
		}
	}
}
