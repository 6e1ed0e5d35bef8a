package simulator

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOtherRoutes covers the routes and cases of which there is no recording.
func TestOtherRoutes(t *testing.T) {
	t.Parallel()
	const setting = "Accounts_TwoFactorAuthentication_Enabled"
	for name, test := range map[string]struct {
		request *http.Request
		status  int
		body    string
	}{
		"own personal access tokens": {
			request: request(http.MethodGet, "/api/v1/users.getPersonalAccessTokens", SampleBotID, TokenPAT, ""),
			status:  http.StatusOK,
			body: `{"success":true,"tokens":[{"name":"pat","createdAt":"0001-01-01T00:00:00.000Z",
				"lastTokenPart":"01-pat","bypassTwoFactor":false}]}`,
		},
		"personal access tokens without permission": {
			request: request(http.MethodGet, "/api/v1/users.getPersonalAccessTokens", "plain", TokenPAT, ""),
			status:  http.StatusForbidden,
			body: `{"success":false,
				"error":"User does not have the permissions required for this action [error-unauthorized]"}`,
		},
		"permissions": {
			request: request(http.MethodGet, "/api/v1/permissions.listAll", SampleBotID, TokenPAT, ""),
			status:  http.StatusOK,
			body: `{"success":true,"remove":[],"update":[
				{"_id":"api-bypass-rate-limit","roles":["admin","app","bot"]},
				{"_id":"create-personal-access-tokens","roles":["admin","credential-reset","user"]},
				{"_id":"edit-other-user-e2ee","roles":["admin","credential-reset"]},
				{"_id":"edit-other-user-totp","roles":["admin","credential-reset"]},
				{"_id":"view-full-other-user-info","roles":["admin"]},
				{"_id":"view-statistics","roles":["admin"]}]}`,
		},
		"permissions with an unknown parameter": {
			request: request(http.MethodGet, "/api/v1/permissions.listAll?x=1", SampleBotID, TokenPAT, ""),
			status:  http.StatusBadRequest,
			body: `{"success":false,"errorType":"error-invalid-params",
				"error":"must NOT have additional properties"}`,
		},
		"public settings by id, to anybody": {
			request: httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/settings.public?_id="+setting+",Force_SSL", nil),
			status:  http.StatusOK,
			body: `{"success":true,"count":2,"offset":0,"total":2,"settings":[
				{"_id":"` + setting + `","value":true},{"_id":"Force_SSL","value":false}]}`,
		},
		"public settings by the page": {
			request: httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/settings.public?offset=3&count=1", nil),
			status:  http.StatusOK,
			body: `{"success":true,"count":1,"offset":3,"total":6,"settings":[
				{"_id":"` + setting + `","value":true}]}`,
		},
		"health": {
			request: httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil),
			status:  http.StatusOK,
			body: `{"status":"ok","checks":{"memory":{"status":"ok","percentile":2.96},
				"eventLoop":{"status":"ok","lagMs":15.04},"mongo":{"status":"ok"}}}`,
		},
		"a user by e-mail, privileged": {
			request: request(http.MethodGet, "/api/v1/users.info?email=ALICE@example.org", "admin", TokenSession, ""),
			status:  http.StatusOK,
			body: `{"success":true,"user":{"_id":"` + SampleAliceID + `","username":"alice","name":"Alice Martin",
				"type":"user","active":true,"status":"offline","canViewAllInfo":true,"roles":["user"],
				"createdAt":"2024-05-06T10:00:00.000Z",
				"emails":[{"address":"alice@example.org","verified":true}]}}`,
		},
		"a user by a term nobody has": {
			request: request(http.MethodGet, "/api/v1/users.info?importId=7", "admin", TokenSession, ""),
			status:  http.StatusBadRequest,
			body:    `{"success":false,"error":"User not found."}`,
		},
		"a user named twice": {
			request: request(http.MethodGet, "/api/v1/users.info?userId=a&userId=b", "admin", TokenSession, ""),
			status:  http.StatusBadRequest,
			body: `{"success":false,"errorType":"error-invalid-params","error":"must be string\n ` +
				`must have required property 'username'\n must have required property 'importId'\n ` +
				`must have required property 'email'\n must have required property 'freeSwitchExtension'\n ` +
				`must match a schema in anyOf"}`,
		},
		"a code for nobody in particular": {
			request: request(http.MethodPost, "/api/v1/users.2fa.sendEmailCode", "nobody", TokenPAT, "{}"),
			status:  http.StatusBadRequest,
			body: `{"success":false,"errorType":"invalid-params",
				"error":"must have required property 'emailOrUsername'"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _ := sample(t, nil)
			w.AddUser(User{ID: "plain", Username: "plain", Tokens: Tokens("plain", TokenPAT)})
			got := answerOf(w, test.request)
			var want, sent any
			if err := json.Unmarshal([]byte(test.body), &want); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(got.Body.Bytes(), &sent); err != nil {
				t.Fatalf("body %q: %v", got.Body, err)
			}
			if diff := cmp.Diff(want, sent); diff != "" || got.Code != test.status {
				t.Errorf("status %d, want %d, body (-want +got):\n%s", got.Code, test.status, diff)
			}
		})
	}
}

func TestOptionsOutsideTheAPI(t *testing.T) {
	t.Parallel()
	got := answerOf(New(Options{}), httptest.NewRequestWithContext(t.Context(), http.MethodOptions, "/channel/general", nil))
	if got.Code != http.StatusOK || got.Header().Get("Allow") != "OPTIONS, GET, HEAD" {
		t.Errorf("status %d, header %v", got.Code, got.Header())
	}
}

func TestForceSSLLooksAtEveryHop(t *testing.T) {
	t.Parallel()
	settings := DefaultSettings()
	settings.ForceSSL = true
	w := New(Options{Settings: &settings})
	for forwarded, want := range map[string]int{
		"":                        http.StatusOK,
		"127.0.0.1, ::1":          http.StatusOK,
		"127.0.0.1, 203.0.113.20": http.StatusFound,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/info", nil)
		r.RemoteAddr = "127.0.0.1:40000"
		r.Header.Set("X-Forwarded-For", forwarded)
		if got := answerOf(w, r); got.Code != want {
			t.Errorf("forwarded for %q: status %d, want %d", forwarded, got.Code, want)
		}
	}
}

func TestLeadingInteger(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]any{
		"012345": 12345, "+12345": 12345, "-12345": -12345, "12345z": 12345, "\t12345": 12345, "1": 1,
		"": nil, "abcdef": nil, "+-1234": nil, "z12345": nil,
	} {
		var got any
		if number, ok := leadingInteger(text); ok {
			got = number
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestParseQuery(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]map[string]any{
		"":                {},
		"a=1&&b":          {"a": "1", "b": ""},
		"a=1&a=2":         {"a": []any{"1", "2"}},
		"a[]=1":           {"a": []any{"1"}},
		"a%5Bb%5D=x%20y":  {"a": map[string]any{"b": "x y"}},
		"a=%zz&b=1+1%3D2": {"a": "%zz", "b": "1 1=2"},
	} {
		got, err := parseQuery(text, true)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestCoerced(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]any{
		`"x"`: "x", `null`: "", `true`: "true", `5`: "5", `1.50`: "1.5", `1e20`: "100000000000000000000",
		`1e21`: "1e+21", `-0.5`: "-0.5", `{}`: nil, `["x"]`: nil,
	} {
		var value, got any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		if text, ok := coerced(value); ok {
			got = text
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}
