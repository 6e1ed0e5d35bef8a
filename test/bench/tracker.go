package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
)

// tracker follows all requests by a watch, as a user does.
type tracker struct {
	mu       sync.Mutex
	changed  chan struct{}        // closed and replaced by every change
	finished map[string]time.Time // when a request was first seen finished
	told     map[string]string    // reason of Succeeded
	err      error
	added    chan *v1alpha1.UserCredentialReset // requests when they are first seen, if anybody listens
}

// follow watches requests until the context ends.
func (s *stage) follow(ctx context.Context, added chan *v1alpha1.UserCredentialReset) (*tracker, error) {
	t := &tracker{changed: make(chan struct{}), finished: map[string]time.Time{}, told: map[string]string{}, added: added}
	watching, err := s.kube.Watch(ctx, &v1alpha1.UserCredentialResetList{}, &client.ListOptions{})
	if err != nil {
		return nil, err
	}
	go func() {
		defer watching.Stop()
		for event := range watching.ResultChan() {
			t.see(event)
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.err == nil {
			t.err = errors.New("the watch ended")
		}
		t.wake()
	}()
	return t, nil
}

// begin starts the operator and follows what it does.
func (s *stage) begin(ctx context.Context) (*tracker, error) {
	if _, err := s.operate(ctx); err != nil {
		return nil, err
	}
	return s.follow(ctx, nil)
}

func (t *tracker) see(event watch.Event) {
	now := time.Now()
	request, is := event.Object.(*v1alpha1.UserCredentialReset)
	if !is {
		return
	}
	if event.Type == watch.Added && t.added != nil {
		t.added <- request
	}
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
		done, err, changed := ok(), t.err, t.changed
		t.mu.Unlock()
		if done || err != nil {
			return err
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
