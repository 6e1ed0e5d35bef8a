package simulator

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

func firstHono(o *Options) { o.Version = "7.7.1" }

// TestAnonymousReadingBelievesAnID covers what of that defect is not recorded.
func TestAnonymousReadingBelievesAnID(t *testing.T) {
	t.Parallel()
	typedBy := func(id string, r *http.Request) *http.Request {
		r.Header.Del("X-Auth-Token")
		r.Header.Del("X-User-Id")
		if id != "" {
			r.Header.Set("X-User-Id", id)
		}
		return r
	}
	info := func() *http.Request { return anonymous(http.MethodGet, "/api/v1/users.info?userId="+SampleAliceID) }
	tokens := func() *http.Request { return anonymous(http.MethodGet, "/api/v1/users.getPersonalAccessTokens") }
	for name, test := range map[string]struct {
		request *http.Request
		want    string
	}{
		"a reset by nobody":              {typedBy("", reset(PathResetTOTP, SampleAliceID)), "400 totp-user-not-found"},
		"a reset by an id":               {typedBy("admin", reset(PathResetTOTP, SampleAliceID)), "200"},
		"a reset by an id with a factor": {typedBy(SampleBotID, reset(PathResetTOTP, SampleAliceID)), "400 totp-required"},
		"a look-up by nobody":            {typedBy("", info()), "400"},
		"a look-up by an id":             {typedBy(SampleBobID, info()), "200"},
		"tokens of nobody":               {typedBy("", tokens()), "403"},
		"tokens of an id":                {typedBy(SampleBotID, tokens()), "200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _ := sample(t, firstHono)
			w.UpdateSettings(func(s *Settings) { s.AnonymousRead = true })
			if got := told(answerOf(w, test.request)); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// TestBodiesAreReadBeforeTheCallerIsKnown proves that the first servers on Hono
// have nothing to say to an unknown caller whose body breaks off.
func TestBodiesAreReadBeforeTheCallerIsKnown(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]int{"7.7.1": http.StatusBadRequest, "8.6.1": http.StatusUnauthorized} {
		w, _ := sample(t, func(o *Options) { o.Version = version })
		r := request(http.MethodPost, PathResetTOTP, "nobody", TokenPAT, "")
		r.Body, r.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader(`{"userId":`), broken{})), 40
		if got := answerOf(w, r).Code; got != want || len(w.Journal().Resets) != 0 {
			t.Errorf("%s: status %d, want %d", version, got, want)
		}
	}
}

func TestInfoLooksForACallerByItself(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{"6.13.0": "400", "7.7.1": "400", "8.6.1": "500 " + plainText} {
		w, _ := sample(t, func(o *Options) { o.Version = version })
		w.SetFault(func(Step, string) error { return errors.New("connection closed") })
		if got := told(answerOf(w, request(http.MethodGet, "/api/info", "admin", TokenBypass, ""))); got != want {
			t.Errorf("%s: %q, want %q", version, got, want)
		}
	}
}

// TestASurplusOfParametersIsLeftOut covers queries that later servers refuse.
func TestASurplusOfParametersIsLeftOut(t *testing.T) {
	t.Parallel()
	const path = "/api/v1/permissions.listAll?"
	pairs := ""
	for i := range maxQueryPairs + 1 {
		pairs += "a" + strconv.Itoa(i) + "=1&"
	}
	for query, want := range map[string]int{pairs: maxQueryPairs, strings.Repeat("a[]=1&", maxQueryItems+1): 1} {
		got, err := parseQuery(query, false)
		if err != nil || len(got) != want {
			t.Errorf("%d parameters, error %v, want %d", len(got), err, want)
		}
	}
	for name, query := range map[string]string{"pairs": pairs, "items": strings.Repeat("a[]=1&", maxQueryItems+1)} {
		for version, want := range map[string]int{"7.7.1": http.StatusOK, "8.6.1": http.StatusBadRequest} {
			w, _ := sample(t, func(o *Options) { o.Version = version })
			got := answerOf(w, request(http.MethodGet, path+query, "admin", TokenBypass, ""))
			if got.Code != want {
				t.Errorf("%s in %s: status %d, want %d", name, version, got.Code, want)
			}
		}
	}
}

// TestAListOfOneIsItsItem holds for validators of later servers only.
func TestAListOfOneIsItsItem(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{"6.13.0": "400 invalid-params", "7.7.1": "400 invalid-params", "8.6.1": "200"} {
		w, _ := sample(t, func(o *Options) { o.Version = version })
		r := request(http.MethodGet, "/api/v1/users.info?userId[]="+SampleAliceID, "admin", TokenBypass, "")
		if got := told(answerOf(w, r)); got != want {
			t.Errorf("%s: %q, want %q", version, got, want)
		}
	}
}

func TestTruthy(t *testing.T) {
	t.Parallel()
	for _, value := range []any{nil, false, 0.0, ""} {
		if truthy(value) {
			t.Errorf("%v is true", value)
		}
	}
	for _, value := range []any{true, 1.0, " ", map[string]any{}, []any{}} {
		if !truthy(value) {
			t.Errorf("%v is false", value)
		}
	}
}
