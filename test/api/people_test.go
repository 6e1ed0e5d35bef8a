package api

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

const approvesByPeople = "requests are approved by people, not by a ServiceAccount"

// decideAs creates a decision without effect, as somebody.
func decideAs(ctx context.Context, t *testing.T, space, user, decision string) error {
	t.Helper()
	somebody := rest.CopyConfig(shared.config)
	somebody.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:masters"}}
	client, err := dynamic.NewForConfig(somebody)
	if err != nil {
		t.Fatal(err)
	}
	object := approvals.object(set("/spec/decision", decision), set("/spec/approvedBy", user), set("/metadata/namespace", space))
	_, err = client.Resource(v1alpha1.GroupVersion.WithResource(approvals.resource)).Namespace(space).Create(ctx, object, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	return err
}

// TestOnlyPeopleApprove installs the policy for one namespace, since other tests need
// decisions of ServiceAccounts.
func TestOnlyPeopleApprove(t *testing.T) {
	t.Parallel()
	space := newNamespace(t)
	text, err := os.ReadFile(shared.cluster.Path("config", "policy", "people", "approved-by-people.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	narrowed := strings.Replace(string(text), "  validationActions:", "  matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: "+
		space+"}}}\n  validationActions:", 1)
	if output, err := shared.cluster.KubectlWithInput(t.Context(), narrowed, "create", "--filename", "-"); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	const (
		argo   = "system:serviceaccount:argocd:argocd-server"
		person = "lee@example.com"
	)
	// The API server follows a moment later.
	err = wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		return decideAs(ctx, t, space, argo, "Approved") != nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		user, decision string
		refused        bool
	}{
		"a ServiceAccount approves":       {argo, "Approved", true},
		"a ServiceAccount denies":         {argo, "Denied", false},
		"a person approves":               {person, "Approved", false},
		"a person denies":                 {person, "Denied", false},
		"a person with a look-alike name": {"system:serviceaccounts", "Approved", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := decideAs(t.Context(), t, space, test.user, test.decision)
			if !test.refused && err != nil {
				t.Errorf("refused: %v", err)
			}
			if test.refused && (!apierrors.IsForbidden(err) || !strings.Contains(err.Error(), approvesByPeople)) {
				t.Errorf("answered with %v, want a refusal", err)
			}
		})
	}
}
