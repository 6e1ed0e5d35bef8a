package command

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// reviewer answers reviews as an API server that knows two tokens: of somebody who
// may see the metrics, and of somebody who may not.
type reviewer struct {
	client.Client
	err   error
	asked int
}

// Create implements client.Client.
func (r *reviewer) Create(_ context.Context, object client.Object, _ ...client.CreateOption) error {
	r.asked++
	switch review := object.(type) {
	case *authenticationv1.TokenReview:
		name := map[string]string{"good": "prometheus", "other": "somebody"}[review.Spec.Token]
		review.Status.Authenticated = name != ""
		review.Status.User = authenticationv1.UserInfo{
			Username: name, UID: "7", Groups: []string{"scrapers"}, Extra: map[string]authenticationv1.ExtraValue{"pod": {"x"}},
		}
	case *authorizationv1.SubjectAccessReview:
		spec := review.Spec
		review.Status.Allowed = spec.User == "prometheus" && spec.UID == "7" && spec.Groups[0] == "scrapers" && spec.Extra["pod"][0] == "x" &&
			*spec.NonResourceAttributes == authorizationv1.NonResourceAttributes{Path: "/metrics", Verb: "get"}
	}
	return r.err
}

func TestMetricsGuard(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		header, method, path string
		err                  error
		want, asked          int // asked twice
	}{
		"who may":              {"Bearer good", http.MethodGet, "/metrics", nil, http.StatusOK, 2},
		"in other capitals":    {"bearer good", http.MethodGet, "/metrics", nil, http.StatusOK, 2},
		"who may not":          {"Bearer other", http.MethodGet, "/metrics", nil, http.StatusForbidden, 2},
		"another page":         {"Bearer good", http.MethodGet, "/debug", nil, http.StatusForbidden, 2},
		"another verb":         {"Bearer good", http.MethodPost, "/metrics", nil, http.StatusForbidden, 2},
		"an unknown token":     {"Bearer bad", http.MethodGet, "/metrics", nil, http.StatusUnauthorized, 1},
		"no token":             {"", http.MethodGet, "/metrics", nil, http.StatusUnauthorized, 0},
		"an empty token":       {"Bearer ", http.MethodGet, "/metrics", nil, http.StatusUnauthorized, 0},
		"another scheme":       {"Basic good", http.MethodGet, "/metrics", nil, http.StatusUnauthorized, 0},
		"no answer to a token": {"Bearer good", http.MethodGet, "/metrics", errors.New("away"), http.StatusServiceUnavailable, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api, served := &reviewer{err: test.err}, 0
			page, err := newMetricsGuard(api, testingclock.NewFakePassiveClock(time.Now())).filter(logr.Discard(), http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served++ }))
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				request := httptest.NewRequestWithContext(t.Context(), test.method, test.path, http.NoBody)
				request.Header.Set("Authorization", test.header)
				answer := httptest.NewRecorder()
				page.ServeHTTP(answer, request)
				if answer.Code != test.want {
					t.Errorf("status %d, want %d", answer.Code, test.want)
				}
			}
			if api.asked != test.asked || (served == 2) != (test.want == http.StatusOK) {
				t.Errorf("asked %d times, want %d, and served %d times", api.asked, test.asked, served)
			}
		})
	}
}

// TestMetricsGuardForgets holds how long an answer counts: a refusal shorter, since it
// may be mended.
func TestMetricsGuardForgets(t *testing.T) {
	t.Parallel()
	for token, remembered := range map[string]time.Duration{"good": time.Minute, "other": 10 * time.Second, "bad": 10 * time.Second} {
		t.Run(token, func(t *testing.T) {
			t.Parallel()
			now := testingclock.NewFakePassiveClock(time.Now())
			api := &reviewer{}
			guard := newMetricsGuard(api, now)
			request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
			request.Header.Set("Authorization", "Bearer "+token)
			ask := func() int {
				if _, err := guard.judge(request); err != nil {
					t.Fatal(err)
				}
				return api.asked
			}
			first := ask()
			now.SetTime(now.Now().Add(remembered - time.Second))
			if got := ask(); got != first {
				t.Errorf("asked again after %s", remembered-time.Second)
			}
			now.SetTime(now.Now().Add(2 * time.Second))
			if got := ask(); got != 2*first {
				t.Errorf("not asked again after %s", remembered+time.Second)
			}
		})
	}
}
