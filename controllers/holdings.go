package controllers

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

// stage is how far an attempt of this process has come.
type stage int

const (
	stageClaiming stage = iota + 1 // the claim may or may not be stored
	stageClaimed                   // the claim is stored, the call is not begun
	stageBegun                     // the call is begun
	stageEnded                     // the result is known and not yet recorded
)

// holding is an attempt that this process answers for.
type holding struct {
	request types.NamespacedName
	record  string // name of the record
	id      string // of the attempt
	index   int    // of the attempt in the record
	stage   stage
	result  reset.Result // from stageEnded on
	endTime time.Time    // likewise
}

// holdings are the attempts that this process answers for, at most one a request.
// They are lost with the process; then the record's reconciler of another one
// gives the attempt up.
type holdings struct {
	mu   sync.Mutex
	held map[types.NamespacedName]holding
}

func newHoldings() *holdings { return &holdings{held: map[types.NamespacedName]holding{}} }

func (h *holdings) get(request types.NamespacedName) (holding, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	held, ok := h.held[request]
	return held, ok
}

func (h *holdings) put(held holding) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held[held.request] = held
}

func (h *holdings) drop(request types.NamespacedName) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.held, request)
}

// holds says whether this process answers for the attempt.
func (h *holdings) holds(attemptID string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, held := range h.held {
		if held.id == attemptID {
			return true
		}
	}
	return false
}

// all are the requests for which this process answers.
func (h *holdings) all() []types.NamespacedName {
	h.mu.Lock()
	defer h.mu.Unlock()
	requests := make([]types.NamespacedName, 0, len(h.held))
	for request := range h.held {
		requests = append(requests, request)
	}
	return requests
}
