package faults

import (
	"context"
	"fmt"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// view is what a watch of a namespace's requests has shown so far.
type view struct {
	mu       sync.Mutex
	requests map[string]*v1alpha1.UserCredentialReset
	faults   []string      // requests that took an outcome back
	changed  chan struct{} // closed and replaced by every event
}

func newView() *view {
	return &view{requests: map[string]*v1alpha1.UserCredentialReset{}, changed: make(chan struct{})}
}

// watch looks until the context ends.
func (v *view) watch(ctx context.Context, kube client.WithWatch, namespace string) error {
	for ctx.Err() == nil {
		watcher, err := kube.Watch(ctx, &v1alpha1.UserCredentialResetList{}, client.InNamespace(namespace))
		if err != nil {
			return err
		}
		for event := range watcher.ResultChan() {
			if request, ok := event.Object.(*v1alpha1.UserCredentialReset); ok {
				v.see(request)
			}
		}
	}
	return nil
}

func (v *view) see(request *v1alpha1.UserCredentialReset) {
	v.mu.Lock()
	defer v.mu.Unlock()
	before, now := v1alpha1.Outcome(""), request.Status.Outcome
	if known := v.requests[request.Name]; known != nil {
		before = known.Status.Outcome
	}
	late := before == v1alpha1.OutcomeUnconfirmed && (now == v1alpha1.OutcomeSucceeded || now == v1alpha1.OutcomeFailed)
	if before != "" && now != before && !late {
		v.faults = append(v.faults, fmt.Sprintf("%s: the outcome went from %s to %q", request.Name, before, now))
	}
	v.requests[request.Name] = request
	close(v.changed)
	v.changed = make(chan struct{})
}

func (v *view) complaints() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]string{}, v.faults...)
}

// read is what is known of the requests, and a channel that is closed when there
// is more.
func (v *view) read() (map[string]v1alpha1.UserCredentialResetStatus, <-chan struct{}) {
	v.mu.Lock()
	defer v.mu.Unlock()
	statuses := map[string]v1alpha1.UserCredentialResetStatus{}
	for name, request := range v.requests {
		statuses[name] = request.Status
	}
	return statuses, v.changed
}

// await returns once ok accepts the statuses, by name of the request.
func (v *view) await(ctx context.Context, ok func(map[string]v1alpha1.UserCredentialResetStatus) bool) error {
	for {
		statuses, changed := v.read()
		if ok(statuses) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
