package simulator

import (
	"errors"
	"net/http"
	"strings"
)

// route is one endpoint of the API.
type route struct {
	method          string // of the request; HEAD is served as GET
	auth            bool   // needs a caller
	withoutUsername bool   // serves a caller without username
	permission      string // needed before anything else is looked at
	query           []schema
	body            *schema
	unlimited       bool
	secondFactor    bool
	action          func(*call) (any, error)
}

// call is one request to a route.
type call struct {
	w         *Workspace
	r         *http.Request
	rw        http.ResponseWriter
	route     route
	caller    *User // as authentication read it; nil: nobody
	token     string
	query     map[string]any
	params    map[string]string // body parameters after validation
	bodyError error
	limits    http.Header // X-RateLimit headers of every later answer
}

// table returns every route by its path.
func (w *Workspace) table() map[string]route {
	reset := schema{properties: []string{"userId", "username", "user"}}
	emailCode := schema{properties: []string{"emailOrUsername"}, required: []string{"emailOrUsername"}}
	return map[string]route{
		PathResetTOTP: {
			method: http.MethodPost, auth: true, body: &reset, secondFactor: true, action: (*call).resetTOTP,
		},
		PathResetE2EKey: {
			method: http.MethodPost, auth: true, body: &reset, secondFactor: true, action: (*call).resetE2EKey,
		},
		"/api/v1/users.2fa.sendEmailCode": {
			method: http.MethodPost, body: &emailCode, action: (*call).sendEmailCode,
		},
		"/api/v1/users.info": {
			method: http.MethodGet, auth: true, query: usersInfoQuery(), action: (*call).usersInfo,
		},
		"/api/v1/users.getPersonalAccessTokens": {
			method: http.MethodGet, auth: true, permission: PermissionCreatePAT, action: (*call).personalAccessTokens,
		},
		"/api/v1/me": {
			method: http.MethodGet, auth: true, withoutUsername: true, action: (*call).me,
		},
		"/api/v1/permissions.listAll": {
			method: http.MethodGet, auth: true, query: []schema{{properties: []string{"updatedSince"}}},
			action: (*call).permissions,
		},
		"/api/v1/settings.public": {
			method: http.MethodGet, query: []schema{{properties: []string{"count", "offset", "sort", "_id", "query"}}},
			action: (*call).publicSettings,
		},
		"/api/info": {
			method: http.MethodGet, unlimited: true, action: (*call).info,
		},
	}
}

// serveAPI answers a request below /api.
func (w *Workspace) serveAPI(rw http.ResponseWriter, r *http.Request) {
	route, known := w.routes[r.URL.Path]
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if !known || method != route.method {
		send(rw, r, http.StatusNotFound, "text/plain; charset=UTF-8", []byte("404 Not Found"))
		return
	}
	c := &call{w: w, r: r, rw: rw, route: route, limits: http.Header{}}
	for _, stage := range w.era.stages {
		if refusal := stage(c); refusal != nil {
			c.write(refusal)
			return
		}
	}
	body, err := route.action(c)
	if err != nil {
		c.write(c.failure(err))
		return
	}
	c.write(&reply{status: http.StatusOK, body: body, fromAction: true})
}

// authenticate finds the caller by both headers together.
func (c *call) authenticate() *reply {
	id, token := joined(c.r, "X-User-Id"), joined(c.r, "X-Auth-Token")
	if id != "" && token != "" {
		c.token = TokenHash(token)
		if user, ok := c.w.User(id); ok && user.holds(c.token) {
			c.caller = &user
		}
	}
	if c.caller == nil && c.route.auth {
		return &reply{status: http.StatusUnauthorized, body: c.w.era.unauthorized}
	}
	// The exception is thrown outside the action's own handler.
	if c.caller != nil && c.caller.Username == "" && !c.route.withoutUsername {
		return &reply{status: http.StatusInternalServerError, text: "Internal Server Error"}
	}
	return nil
}

func (c *call) permit() *reply {
	if c.route.permission == "" || c.w.may(c.caller.ID, c.route.permission) {
		return nil
	}
	return &reply{status: http.StatusForbidden, body: failure{
		Error: "User does not have the permissions required for this action [error-unauthorized]",
	}}
}

// limit counts the call against its address and route.
func (c *call) limit() *reply {
	// The server limits a route by its method, and nobody registered HEAD.
	if c.route.unlimited || c.r.Method == http.MethodHead || !c.w.currentSettings().RateLimiter {
		return nil
	}
	if c.caller != nil && c.w.may(c.caller.ID, PermissionBypassRateLimit) {
		return nil
	}
	verdict := c.w.limiter.take(c.r.URL.Path, c.address(), c.w.now())
	verdict.show(c.limits)
	if verdict.allowed {
		return nil
	}
	return &reply{status: http.StatusTooManyRequests, body: failure{Error: verdict.text()}, fromAction: true}
}

// failure turns an error inside the action into its answer.
func (c *call) failure(err error) *reply {
	body := failure{Error: err.Error()}
	if refusal, ok := errors.AsType[*refusal](err); ok {
		body.ErrorType, body.Details = refusal.code, refusal.details
	}
	return &reply{status: http.StatusBadRequest, body: body, fromAction: true}
}

// joined returns a header as the server sees it: repeated lines are one value.
func joined(r *http.Request, name string) string {
	return strings.Join(r.Header.Values(name), ", ")
}
