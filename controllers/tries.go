package controllers

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

// tries remembers how often a request was tried in vain before a claim, so that
// the pauses between tries grow. It is lost with the process, which costs a try.
type tries struct {
	mu     sync.Mutex
	failed map[types.NamespacedName]failure
}

type failure struct {
	count int
	until time.Time
}

func newTries() *tries { return &tries{failed: map[types.NamespacedName]failure{}} }

// fail notes a try in vain and returns how long to pause.
func (t *tries) fail(request types.NamespacedName, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	failed := t.failed[request]
	failed.count++
	pause := reset.Pause(failed.count)
	failed.until = now.Add(pause)
	t.failed[request] = failed
	return pause
}

// after is when the request may be tried again.
func (t *tries) after(request types.NamespacedName) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed[request].until
}

func (t *tries) forget(request types.NamespacedName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.failed, request)
}
