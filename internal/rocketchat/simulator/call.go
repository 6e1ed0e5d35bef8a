package simulator

import (
	"errors"
	"net/http"
	"strings"
)

// call is one request to a route.
type call struct {
	w         *Workspace
	r         *http.Request
	rw        http.ResponseWriter
	route     route
	caller    *User // as authentication read it; nil: nobody
	token     string
	query     map[string]any
	params    map[string]any // body parameters; strings where a schema saw to it
	bodyError error
	limits    http.Header // X-RateLimit headers of every later answer
}

func (w *Workspace) newCall(rw http.ResponseWriter, r *http.Request) *call {
	return &call{w: w, r: r, rw: rw, limits: http.Header{}}
}

// run judges the call and carries it out.
func (c *call) run() {
	for _, stage := range c.w.era.stages {
		if refusal := stage(c); refusal != nil {
			c.write(refusal)
			return
		}
	}
	body, err := c.route.action(c)
	if err != nil {
		c.write(c.failure(err))
		return
	}
	c.write(&reply{status: http.StatusOK, body: body, fromAction: true})
}

// authenticate finds the caller.
func (c *call) authenticate() *reply {
	if !c.route.auth && !c.w.era.authAlways {
		return nil
	}
	if err := c.identify(); err != nil {
		return &c.w.era.crash
	}
	if c.caller == nil && c.w.era.anonymousRead && c.w.currentSettings().AnonymousRead {
		c.caller = c.claimed()
	}
	switch {
	case c.caller == nil && c.route.auth:
		return &reply{
			status: http.StatusUnauthorized, body: c.w.era.unauthorized, fromAction: c.w.era.oneWrapper,
		}
	case c.caller != nil && c.lacksName():
		return &c.w.era.crash
	default:
		return nil
	}
}

// lacksName reports whether the caller has no username where one is needed.
func (c *call) lacksName() bool {
	return c.caller.Username == "" && c.w.era.needsName && !c.route.withoutUsername
}

// identify finds the caller whom both headers name together, if there is one.
func (c *call) identify() error {
	id, token := joined(c.r, "X-User-Id"), joined(c.r, "X-Auth-Token")
	if id == "" || token == "" {
		return nil
	}
	c.token = TokenHash(token)
	if err := c.w.try(StepAuthenticate, id); err != nil {
		return err
	}
	if user, ok := c.w.User(id); ok && user.holds(c.token) {
		c.caller = &user
	}
	return nil
}

// claimed returns the user whom the id alone names. If there is none it is a
// caller with an id that nobody has.
func (c *call) claimed() *User {
	id := joined(c.r, "X-User-Id")
	if id == "" {
		id = "null" // the text of a header that is not there
	}
	user, _ := c.w.User(id)
	return &user
}

func (c *call) permit() *reply {
	if c.route.permission == "" || c.w.may(c.caller.ID, c.route.permission) {
		return nil
	}
	if c.w.era.denied != nil {
		return c.failure(c.w.era.denied)
	}
	return &reply{status: http.StatusForbidden, body: failure{
		Error: "User does not have the permissions required for this action [error-unauthorized]",
	}, fromAction: c.w.era.oneWrapper}
}

// limit counts the call against its address and route.
func (c *call) limit() *reply {
	// The server limits a route by its method, and nobody registered HEAD.
	if c.route.unlimited || c.r.Method == http.MethodHead {
		return nil
	}
	if !c.w.era.limiterEnforced || !c.w.currentSettings().RateLimiter {
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
