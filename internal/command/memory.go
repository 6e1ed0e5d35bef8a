package command

import (
	"context"
	"os"
	"runtime/debug"
	"time"
	"unique"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

const (
	// collectAt is how much the heap may grow before garbage is collected, in percent,
	// where GOGC does not say so: the operator mostly waits, and has time for it.
	collectAt = 50
	// firstLook is about how long it takes to look at everything once after the start.
	firstLook = 10 * time.Second
)

// thrift keeps the process small. The manager starts it once the caches are filled.
type thrift struct{}

// Start implements manager.Runnable.
func (thrift) Start(ctx context.Context) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	debug.FreeOSMemory() // what was needed once, to fill the caches
	select {
	case <-time.After(firstLook):
		debug.FreeOSMemory() // and to look at everything in them
	case <-ctx.Done():
	}
	return nil
}

// NeedLeaderElection implements manager.LeaderElectionRunnable: who stands by is small
// too.
func (thrift) NeedLeaderElection() bool { return false }

// slim is what the cache does to an object before it keeps it: it drops what nobody
// reads, and keeps one copy only of texts that are the same in thousands of objects.
// No write loses anything by it: the annotation that is dropped is one of requests, of
// which the operator writes the status alone, and that leaves metadata as it is.
func slim(object any) (any, error) {
	kept, is := object.(client.Object)
	if !is {
		return object, nil // what the cache keeps of an object whose deletion it has missed
	}
	kept.SetManagedFields(nil)
	kept.SetNamespace(shared(kept.GetNamespace()))
	switch kept := kept.(type) {
	case *v1alpha1.UserCredentialReset:
		delete(kept.Annotations, corev1.LastAppliedConfigAnnotation)
		kept.APIVersion, kept.Kind = shared(kept.APIVersion), shared(kept.Kind)
		kept.Spec.WorkspaceRef.Namespace, kept.Spec.WorkspaceRef.Name = shared(kept.Spec.WorkspaceRef.Namespace), shared(kept.Spec.WorkspaceRef.Name)
		kept.Spec.Type, kept.Status.Outcome = shared(kept.Spec.Type), shared(kept.Status.Outcome)
		slimConditions(kept.Status.Conditions)
		if kept.Status.Target != nil {
			kept.Status.Target.Host = shared(kept.Status.Target.Host)
		}
	case *v1alpha1.ResetRecord:
		kept.APIVersion, kept.Kind = shared(kept.APIVersion), shared(kept.Kind)
		kept.Request.Namespace, kept.Target.Host, kept.Type = shared(kept.Request.Namespace), shared(kept.Target.Host), shared(kept.Type)
		kept.Workspace.Namespace, kept.Workspace.Name = shared(kept.Workspace.Namespace), shared(kept.Workspace.Name)
		for i := range kept.Attempts {
			attempt := &kept.Attempts[i]
			attempt.Result, attempt.Reason = shared(attempt.Result), shared(attempt.Reason)
			attempt.SecretResourceVersion = shared(attempt.SecretResourceVersion)
		}
	}
	return object, nil
}

func slimConditions(conditions []metav1.Condition) {
	for i := range conditions {
		c := &conditions[i]
		c.Type, c.Status, c.Reason, c.Message = shared(c.Type), shared(c.Status), shared(c.Reason), shared(c.Message)
	}
}

// shared is the one copy of a text.
func shared[S ~string](text S) S { return unique.Make(text).Value() }
