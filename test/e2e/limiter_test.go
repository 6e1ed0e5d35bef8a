package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/answers"
)

// limiterPeriod is the window of a limiter that a test waits for.
const limiterPeriod = 4 * time.Second

// exhaustLimitAtFirstPost lets others use the limit up, just before the operator's
// first reset arrives.
func (f *fixture) exhaustLimitAtFirstPost(calls int) {
	var once sync.Once
	f.chat.Intercept(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodPost {
			once.Do(func() {
				for range calls {
					other := r.Clone(r.Context())
					other.Body = io.NopCloser(strings.NewReader(`{"userId":"nobody"}`))
					next.ServeHTTP(httptest.NewRecorder(), other)
				}
			})
		}
		next.ServeHTTP(rw, r)
	})
}

// refuseFirstPostFor answers the first reset as the limiter does, with so long to
// wait.
func (f *fixture) refuseFirstPostFor(wait time.Duration) {
	f.interceptFirstPost(func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
		rw.Header().Set("X-RateLimit-Remaining", "0")
		rw.Header().Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(wait).UnixMilli(), 10))
		answers.Page(http.StatusTooManyRequests, "application/json",
			`{"success":false,"error":"Error, too many requests. [error-too-many-requests]"}`)(rw, r, next)
	})
}

func TestALimitedWorkspaceIsWaitedFor(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{limit: simulator.Limit{Calls: 5, Period: limiterPeriod}})
	f.exhaustLimitAtFirstPost(5)
	request := f.ask("lost-phone", "alice")
	f.awaitPassing(request, v1alpha1.ReasonRateLimited)
	f.awaitReason("lost-phone", v1alpha1.ReasonResetAccepted)
	record := f.record("lost-phone")
	if len(record.Attempts) != 2 || record.Attempts[0].Result != v1alpha1.AttemptRefused || record.Attempts[0].Reason != v1alpha1.ReasonRateLimited {
		t.Errorf("attempts %+v", record.Attempts)
	}
	f.wantPosts(2)
	f.wantResets(simulator.SampleAliceID, 1)
}

// TestAQueueKeepsWithinTheLimit asks for more resets than the limiter lets pass in
// one window. None of them is refused: the gate closes in time.
func TestAQueueKeepsWithinTheLimit(t *testing.T) {
	t.Parallel()
	f := newFixture(t, fixtureOptions{limit: simulator.Limit{Calls: 2, Period: limiterPeriod}})
	f.ask("a", "alice")
	f.ask("b", "bob")
	f.ask("c", "carol")
	for _, name := range []string{"a", "b", "c"} {
		f.awaitReason(name, v1alpha1.ReasonResetAccepted)
	}
	for _, call := range f.chat.Journal().Requests {
		if call.Status == http.StatusTooManyRequests {
			t.Errorf("%s %s was refused by the limiter", call.Method, call.Path)
		}
	}
	f.wantPosts(3)
}
