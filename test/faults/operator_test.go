package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// operator is one process, and its way to the API server.
type operator struct {
	of      *iteration
	number  int
	proxy   *cluster.Proxy
	process *cluster.Operator // once launched
	// launched is closed when the process is there.
	launched chan struct{}

	// What follows is guarded by the iteration's lock.

	killed   bool // SIGKILL was sent
	asked    bool // SIGTERM was sent
	askedAt  time.Time
	stopped  bool            // SIGSTOP was sent, whatever came later
	frozen   bool            // it stands still
	thawed   <-chan struct{} // closed when it was told to go on
	ended    bool            // the process is gone
	failed   bool            // and it said that it failed
	last     step            // that it came to
	request  string
	attempt  string // that it claimed last
	away     *outage
	withheld func(*http.Request) bool // what the API server refuses
}

// call is one step of an operator.
type call struct {
	operator *operator
	step     step
	request  string // the name of the request that it is about
}

// outage is a time in which the API server is not there.
type outage struct {
	silent bool // connections hang instead of breaking
	over   chan struct{}
}

// serve stands between the operator and its API server.
func (o *operator) serve(rw http.ResponseWriter, r *http.Request, next http.Handler) {
	<-o.launched
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	o.mindOutage(r)
	if o.isWithheld(r) {
		http.Error(rw, "withheld", http.StatusServiceUnavailable)
		return
	}
	c, known := o.recognise(r, body)
	if !known {
		next.ServeHTTP(rw, r)
		return
	}
	// A call that is on its way does not notice the death of its caller.
	detached := r.Clone(context.WithoutCancel(r.Context()))
	forward := func() *httptest.ResponseRecorder {
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, detached)
		o.mindOutage(r)
		return answer
	}
	o.of.carry(c, rw, forward, func() {})
}

// mindOutage breaks the connection off if the API server is away.
func (o *operator) mindOutage(r *http.Request) {
	o.of.mu.Lock()
	away := o.away
	o.of.mu.Unlock()
	if away == nil {
		return
	}
	if away.silent {
		select {
		case <-away.over:
		case <-r.Context().Done():
		}
	}
	panic(http.ErrAbortHandler)
}

func (o *operator) isWithheld(r *http.Request) bool {
	o.of.mu.Lock()
	defer o.of.mu.Unlock()
	return o.withheld != nil && o.withheld(r)
}

const (
	ours    = "/apis/" + v1alpha1.Group + "/v1alpha1/"
	records = ours + "resetrecords"
)

// recognise says which step of a pass the request is, if it is one.
func (o *operator) recognise(r *http.Request, body []byte) (call, bool) {
	o.of.mu.Lock()
	defer o.of.mu.Unlock()
	var c call
	switch r.Method {
	case http.MethodGet:
		c = o.recogniseRead(r)
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		c = o.recogniseWrite(r, body)
	}
	if c.step == 0 {
		return call{}, false
	}
	c.operator = o
	if c.request == o.request {
		o.last = c.step // otherwise it is about one that went before
	}
	return c, true
}

func (o *operator) recogniseRead(r *http.Request) call {
	resource, name := lastTwo(r.URL.Path)
	switch {
	case resource == "usercredentialresets" && (o.last == stepClaim || o.last == stepLaterClaim) && o.request == name:
		return call{step: stepLookAgain, request: name}
	case resource == "usercredentialresets":
		o.request = name
		return call{step: stepRequest, request: name}
	case resource == "rocketchatworkspaces":
		return call{step: stepWorkspace, request: o.request}
	case resource == "secrets" && (o.last == stepRequest || o.last == stepWorkspace):
		// Otherwise it is a probe of the workspace. Both are read at once.
		return call{step: stepSecret, request: o.request}
	}
	return call{}
}

func (o *operator) recogniseWrite(r *http.Request, body []byte) call {
	resource, name := lastTwo(r.URL.Path)
	switch {
	case r.Method == http.MethodPatch && resource == "resetrecords":
		return call{step: stepResult, request: o.of.requestOf(name)}
	case strings.HasPrefix(r.URL.Path, records):
		return o.recogniseClaim(r, body)
	case name == "status" && strings.Contains(r.URL.Path, "/usercredentialresets/"):
		var request v1alpha1.UserCredentialReset
		if json.Unmarshal(body, &request) == nil && request.Status.Outcome != "" {
			return call{step: stepStatus, request: request.Name}
		}
	}
	return call{}
}

// recogniseClaim tells claims from the giving up of another's attempt, and keeps
// in mind whose attempt it is.
func (o *operator) recogniseClaim(r *http.Request, body []byte) call {
	var record v1alpha1.ResetRecord
	if json.Unmarshal(body, &record) != nil || len(record.Attempts) == 0 {
		return call{}
	}
	last := record.Attempts[len(record.Attempts)-1]
	if last.Result != "" {
		return call{}
	}
	o.of.owners[last.ID], o.attempt = o, last.ID
	c := call{step: stepClaim, request: record.Request.Name}
	if r.Method == http.MethodPut {
		c.step = stepLaterClaim
	}
	return c
}

// lastTwo are the last two parts of a path.
func lastTwo(path string) (before, last string) {
	parts := strings.Split(path, "/")
	if len(parts) < 2 {
		return "", ""
	}
	return parts[len(parts)-2], parts[len(parts)-1]
}

// What an operator's audit log tells of its own attempts when it knows the result.
const (
	attemptEnded    = "AttemptEnded"
	attemptOrphaned = "AttemptOrphaned"
)

// audits are the results that the operator told of its own attempts before it
// wrote them, the last one if there are several.
func (o *operator) audits() map[string]v1alpha1.AttemptResult {
	told := map[string]v1alpha1.AttemptResult{}
	for line := range strings.Lines(o.process.Logs()) {
		var said struct {
			Event   string                 `json:"event"`
			Audit   bool                   `json:"audit"`
			Attempt string                 `json:"attempt"`
			Result  v1alpha1.AttemptResult `json:"result"`
		}
		if json.Unmarshal([]byte(line), &said) == nil && said.Audit && (said.Event == attemptEnded || said.Event == attemptOrphaned) {
			told[said.Attempt] = said.Result
		}
	}
	return told
}
