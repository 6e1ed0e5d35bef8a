package controllers

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// statusPause is how long after its own status a process leaves another one in
// place that says for what the request waits. Where two processes see that
// differently, each would correct the other without end.
const statusPause = 5 * time.Second

// writtenStatuses remembers, for each request, the version that this process
// replaced last. While the cache still shows that one, a decision would be made
// on what is known to be outdated.
type writtenStatuses struct {
	mu   sync.Mutex
	last map[types.NamespacedName]writtenStatus
}

type writtenStatus struct {
	replaced string    // resourceVersion
	wrote    string    // resourceVersion
	seen     bool      // the cache shows another version than the replaced one
	at       time.Time // by this machine's clock
}

func newWrittenStatuses() *writtenStatuses {
	return &writtenStatuses{last: map[types.NamespacedName]writtenStatus{}}
}

func (w *writtenStatuses) note(request types.NamespacedName, replaced, wrote string, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last[request] = writtenStatus{replaced: replaced, wrote: wrote, at: now}
}

// pause is how long to wait before the status of the request's present version may
// say anew for what it waits: not at all after this process's own status.
func (w *writtenStatuses) pause(request types.NamespacedName, version string, now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	last, known := w.last[request]
	if !known || last.wrote == version {
		return 0
	}
	return max(0, statusPause-now.Sub(last.at))
}

// isStale says whether the version is the one that was replaced. Any other one
// came after it.
func (w *writtenStatuses) isStale(request types.NamespacedName, version string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	last, known := w.last[request]
	if !known || last.seen {
		return false
	}
	last.seen = last.replaced != version
	w.last[request] = last
	return !last.seen
}

func (w *writtenStatuses) forget(request types.NamespacedName) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.last, request)
}
