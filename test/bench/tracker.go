package main

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// tracker follows all requests by a watch, as a user does.
type tracker struct {
	mu       sync.Mutex
	changed  chan struct{}        // closed and replaced by every change
	finished map[string]time.Time // when a request was first seen finished
	told     map[string]string    // reason of Succeeded
}

// follow watches requests until the context ends. An informer does it, which goes on
// when the API server ends its watch, as a young one does that has just got to know a
// kind.
func (s *stage) follow(ctx context.Context, added chan *v1alpha1.UserCredentialReset) (*tracker, error) {
	t := &tracker{changed: make(chan struct{}), finished: map[string]time.Time{}, told: map[string]string{}}
	watching, err := cache.New(s.cluster.Config, cache.Options{Scheme: s.kube.Scheme()})
	if err != nil {
		return nil, err
	}
	informer, err := watching.GetInformer(ctx, &v1alpha1.UserCredentialReset{}, cache.BlockUntilSynced(false))
	if err != nil {
		return nil, err
	}
	if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: func(object any) {
			if added != nil {
				added <- asRequest(object)
			}
			t.see(asRequest(object))
		},
		UpdateFunc: func(_, object any) { t.see(asRequest(object)) },
	}); err != nil {
		return nil, err
	}
	go func() { _ = watching.Start(ctx) }() // which ends with the context, and does not fail
	if !watching.WaitForCacheSync(ctx) {
		return nil, ctx.Err()
	}
	return t, nil
}

// asRequest is what an informer of requests tells of.
func asRequest(object any) *v1alpha1.UserCredentialReset {
	request, _ := object.(*v1alpha1.UserCredentialReset)
	return request
}

// begin starts the operator and follows what it does.
func (s *stage) begin(ctx context.Context) (*tracker, error) {
	if _, err := s.operate(ctx); err != nil {
		return nil, err
	}
	return s.follow(ctx, nil)
}

func (t *tracker) see(request *v1alpha1.UserCredentialReset) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	key := client.ObjectKeyFromObject(request).String()
	if request.Status.Outcome != "" && t.finished[key].IsZero() {
		t.finished[key] = now
	}
	if said := meta.FindStatusCondition(request.Status.Conditions, v1alpha1.ConditionSucceeded); said != nil {
		t.told[key] = said.Reason
	}
	t.wake()
}

func (t *tracker) wake() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// await waits until what is seen is as told.
func (t *tracker) await(ctx context.Context, ok func() bool) error {
	for {
		t.mu.Lock()
		done, changed := ok(), t.changed
		t.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// awaitFinished waits until a request is seen finished, and says when that was.
func (t *tracker) awaitFinished(ctx context.Context, request *v1alpha1.UserCredentialReset) (time.Time, error) {
	key := client.ObjectKeyFromObject(request).String()
	err := t.await(ctx, func() bool { return !t.finished[key].IsZero() })
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.finished[key], err
}
