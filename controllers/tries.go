package controllers

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

// tries remembers how often a request was tried in vain before a claim, so that
// the pauses between tries grow. A changed Secret is a fresh start. All of it is
// lost with the process, which costs a try.
type tries struct {
	mu     sync.Mutex
	failed map[types.NamespacedName]failure
}

type failure struct {
	secretVersion string
	count         int
	until         time.Time
}

func newTries() *tries { return &tries{failed: map[types.NamespacedName]failure{}} }

// fail notes a try in vain with that version of the Secret.
func (t *tries) fail(request types.NamespacedName, secretVersion string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	failed := t.failed[request]
	if failed.secretVersion != secretVersion {
		failed = failure{secretVersion: secretVersion}
	}
	failed.count++
	failed.until = now.Add(reset.Pause(failed.count))
	t.failed[request] = failed
}

// after is when the request may be tried again with that version of the Secret.
func (t *tries) after(request types.NamespacedName, secretVersion string) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	if failed := t.failed[request]; failed.secretVersion == secretVersion {
		return failed.until
	}
	return time.Time{}
}

func (t *tries) forget(request types.NamespacedName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.failed, request)
}
