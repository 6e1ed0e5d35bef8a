package controllers

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// writtenStatuses remembers, for each request, the version that this process
// replaced last. While the cache still shows that one, a decision would be made
// on what is known to be outdated.
type writtenStatuses struct {
	mu       sync.Mutex
	replaced map[types.NamespacedName]string // resourceVersion
}

func newWrittenStatuses() *writtenStatuses {
	return &writtenStatuses{replaced: map[types.NamespacedName]string{}}
}

func (w *writtenStatuses) note(request types.NamespacedName, replaced string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.replaced[request] = replaced
}

// isStale says whether the version is the one that was replaced. Any other one
// came after it.
func (w *writtenStatuses) isStale(request types.NamespacedName, version string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if replaced, known := w.replaced[request]; !known || replaced != version {
		delete(w.replaced, request)
		return false
	}
	return true
}

func (w *writtenStatuses) forget(request types.NamespacedName) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.replaced, request)
}
