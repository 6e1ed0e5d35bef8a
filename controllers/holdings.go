package controllers

import (
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
)

// stage is how far an attempt of this process has come.
type stage int

const (
	stageClaiming stage = iota + 1 // the claim may or may not be stored
	stageClaimed                   // the claim is stored, the call is not begun
	stageBegun                     // the call is begun
	stageEnded                     // the result is known and not yet recorded
	stageOrphaned                  // the record was deleted, the result belongs into the request's status
	stageRecorded                  // the result is recorded, and the request's status does not tell of it yet
)

// holding is an attempt that this process answers for.
type holding struct {
	id         string // of the attempt
	index      int    // of the attempt in the record
	record     *v1alpha1.ResetRecord
	stage      stage
	claimBegan time.Time    // of the last write of the claim, on both clocks of this machine
	unanswered bool         // a write of the claim was not answered and may still arrive
	result     reset.Result // from stageEnded on
	endTime    time.Time    // likewise
}

// request is the request that the attempt is for.
func (h holding) request() types.NamespacedName {
	return types.NamespacedName{Namespace: h.record.Request.Namespace, Name: h.record.Request.Name}
}

// ended is the holding with the result in it.
func (h holding) ended(result reset.Result, now time.Time) holding {
	h.stage, h.result, h.endTime = stageEnded, result, now
	return h
}

// holdings are the attempts that this process answers for. They are lost with the
// process; then the record's reconciler of another one gives the attempts up.
type holdings struct {
	mu   sync.Mutex
	held map[string]holding // by id of the attempt
}

func newHoldings() *holdings { return &holdings{held: map[string]holding{}} }

// of are the holdings for requests of that name, an earlier one's included.
func (h *holdings) of(request types.NamespacedName) []holding {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []holding
	for _, id := range slices.Sorted(maps.Keys(h.held)) {
		if h.held[id].request() == request {
			found = append(found, h.held[id])
		}
	}
	return found
}

// claiming is the attempt of this very request whose claim is not answered.
func (h *holdings) claiming(request *v1alpha1.UserCredentialReset) (holding, bool) {
	for _, held := range h.of(types.NamespacedName{Namespace: request.Namespace, Name: request.Name}) {
		if held.stage == stageClaiming && held.record.Request.UID == string(request.UID) {
			return held, true
		}
	}
	return holding{}, false
}

func (h *holdings) put(held holding) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held[held.id] = held
}

func (h *holdings) drop(held holding) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.held, held.id)
}

// recorded says whether this process recorded a result for this very request of
// which its status does not tell yet.
func (h *holdings) recorded(request *v1alpha1.UserCredentialReset) bool {
	return slices.ContainsFunc(h.of(client.ObjectKeyFromObject(request)), func(held holding) bool {
		return held.stage == stageRecorded && held.record.Request.UID == string(request.UID)
	})
}

// told drops what the request's status tells of from now on: whoever deletes the
// record cannot make anybody believe that nothing was attempted.
func (h *holdings) told(request *v1alpha1.UserCredentialReset) {
	if request.Status.RecordRef != nil || request.Status.Outcome != "" {
		h.forget(client.ObjectKeyFromObject(request))
	}
}

// forget drops what is recorded of requests of that name.
func (h *holdings) forget(request types.NamespacedName) {
	for _, held := range h.of(request) {
		if held.stage == stageRecorded {
			h.drop(held)
		}
	}
}

// holds says whether this process answers for the attempt.
func (h *holdings) holds(attemptID string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, held := h.held[attemptID]
	return held
}

// requests are the names of the requests for which this process answers.
func (h *holdings) requests() []types.NamespacedName {
	h.mu.Lock()
	defer h.mu.Unlock()
	var requests []types.NamespacedName
	for _, id := range slices.Sorted(maps.Keys(h.held)) {
		if name := h.held[id].request(); !slices.Contains(requests, name) {
			requests = append(requests, name)
		}
	}
	return requests
}
