package faults

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// limited is how Rocket.Chat's limiter refuses a call.
const limited = `{"success":false,"error":"Error, too many requests. Please slow down. ` +
	`You must wait 1 seconds before trying this endpoint again. [error-too-many-requests]"}`

// answer stands in front of the workspace.
func (it *iteration) answer(rw http.ResponseWriter, r *http.Request, next http.Handler) {
	switch r.URL.Path {
	case "/api/v1/users.info":
		it.answerRead(it.lookUp(r), rw, r, next)
	case "/api/v1/me":
		it.answerRead(it.ownCheck(), rw, r, next)
	case simulator.PathResetTOTP, simulator.PathResetE2EKey:
		it.answerPost(rw, r, next)
	default:
		next.ServeHTTP(rw, r)
	}
}

func (it *iteration) answerRead(c call, rw http.ResponseWriter, r *http.Request, next http.Handler) {
	if c.operator == nil {
		next.ServeHTTP(rw, r)
		return
	}
	forward := func() *httptest.ResponseRecorder {
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		return answer
	}
	it.carry(c, rw, forward, func() {})
}

// lookUp says who asks for the user: the operator that has read the request last.
func (it *iteration) lookUp(r *http.Request) call {
	it.mu.Lock()
	defer it.mu.Unlock()
	query := r.URL.Query()
	name := it.byUser[query.Get("userId")+query.Get("username")]
	for _, o := range it.operators {
		if o.request == name && (o.last == stepSecret || o.last == stepWorkspace) {
			o.last = stepLookUp
			return call{operator: o, step: stepLookUp, request: name}
		}
	}
	return call{}
}

// ownCheck says who looks at the account after a reset; probes do so at other
// times.
func (it *iteration) ownCheck() call {
	it.mu.Lock()
	defer it.mu.Unlock()
	for _, o := range it.operators {
		if o.last == stepPost {
			o.last = stepOwnCheck
			return call{operator: o, step: stepOwnCheck, request: o.request}
		}
	}
	return call{}
}

// dialled says whether a connection to the workspace is let through. The one that
// an operator dials after its last look is for a reset.
func (it *iteration) dialled() bool {
	it.mu.Lock()
	var c call
	for _, o := range it.operators {
		if o.last == stepLookAgain {
			o.last = stepDial
			c = call{operator: o, step: stepDial, request: o.request}
			break
		}
	}
	it.mu.Unlock()
	return c.operator == nil || it.at(c, whenBefore) == fatePassed
}

// answerPost keeps what happens to a reset. Whose it is, and whether it was
// claimed, it asks the API server as soon as the call arrives.
func (it *iteration) answerPost(rw http.ResponseWriter, r *http.Request, next http.Handler) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	p := it.arrive(r.URL.Path, body)
	forward := func() *httptest.ResponseRecorder {
		answer := httptest.NewRecorder()
		if it.takeRefusal() {
			refuse(answer)
			return answer
		}
		next.ServeHTTP(answer, r)
		it.mu.Lock()
		defer it.mu.Unlock()
		p.effect = answer.Code == http.StatusOK
		return answer
	}
	it.mu.Lock()
	owner := it.owners[p.attempt]
	if owner != nil {
		owner.last = stepPost
	}
	it.mu.Unlock()
	if owner == nil {
		forward()
		panic(http.ErrAbortHandler)
	}
	handed := func() {
		it.mu.Lock()
		defer it.mu.Unlock()
		// Unless nobody waits for it any more.
		p.answered = r.Context().Err() == nil
	}
	it.carry(call{operator: owner, step: stepPost, request: p.request}, rw, forward, handed)
}

// arrive keeps a reset that has arrived, with the attempt that it is for.
func (it *iteration) arrive(path string, body []byte) *post {
	var sent struct {
		UserID string `json:"userId"`
	}
	_ = json.Unmarshal(body, &sent)
	kind := v1alpha1.ResetTypeTOTP
	if path == simulator.PathResetE2EKey {
		kind = v1alpha1.ResetTypeE2EKey
	}
	it.mu.Lock()
	p := &post{request: it.byUser[sent.UserID]}
	it.posts = append(it.posts, p)
	it.mu.Unlock()
	attempt, problem := it.claimOf(p.request, sent.UserID, kind)
	it.mu.Lock()
	defer it.mu.Unlock()
	p.attempt = attempt
	if problem != "" {
		it.complaints = append(it.complaints, fmt.Sprintf("a reset of %q (%s) arrived %s", sent.UserID, kind, problem))
	}
	return p
}

// claimOf reads the attempt that a reset is for, and what is wrong about it.
func (it *iteration) claimOf(request, userID string, kind v1alpha1.ResetType) (attempt, problem string) {
	var record v1alpha1.ResetRecord
	name := reset.RecordName(it.namespace, request)
	if err := it.on.kube.Get(it.ctx, client.ObjectKey{Name: name}, &record); err != nil {
		return "", "without a claim: " + err.Error()
	}
	last := record.Attempts[len(record.Attempts)-1]
	switch {
	case record.Target.UserID != userID || record.Type != kind:
		return last.ID, fmt.Sprintf("on a claim for %q (%s)", record.Target.UserID, record.Type)
	case last.Result != "" && last.Result != v1alpha1.AttemptUnconfirmed:
		return last.ID, fmt.Sprintf("after its attempt had ended as %s", last.Result)
	}
	return last.ID, ""
}

// takeRefusal says whether the limiter refuses this reset.
func (it *iteration) takeRefusal() bool {
	it.mu.Lock()
	defer it.mu.Unlock()
	refused := it.refuseNext
	it.refuseNext = false
	return refused
}

func refuse(rw http.ResponseWriter) {
	rw.Header().Set("Content-Type", "application/json")
	rw.Header().Set("X-RateLimit-Remaining", "0")
	rw.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	rw.WriteHeader(http.StatusTooManyRequests)
	_, _ = io.Copy(rw, strings.NewReader(limited))
}
