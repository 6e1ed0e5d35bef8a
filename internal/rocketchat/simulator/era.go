package simulator

import "net/http"

// era is what tells one release of the server from another. Releases differ in
// the order in which they judge a call, in the checks that take part, and in
// the body of their refusals; all of it is data here, so that another release
// is another value.
type era struct {
	switches // by release

	// By generation.
	schemas      schemas
	serve        func(*Workspace, http.ResponseWriter, *http.Request) // what is neither health nor a redirect
	health       func(http.ResponseWriter, *http.Request) bool        // answers the paths of health, and only them
	stages       []stage                                              // from the headers to the action, in order
	unauthorized any                                                  // body of a 401
	denied       error                                                // the action's refusal for a missing permission; nil: a 403
	crash        reply                                                // an exception outside the action's own handler
	oneWrapper   bool                                                 // 401 and 403 are answered like what the action answers
	authAlways   bool                                                 // callers are looked up also where nobody asks who they are
	needsName    bool                                                 // a caller without username is such an exception
	shows        disclosure
}

// stage judges a call. It returns nil to let the call go on.
type stage func(*call) *reply

// disclosure is what the reading routes show in some generations only.
type disclosure struct {
	workspaceURL bool // /api/info names the workspace
	calendar     bool // me has calendar settings
	ownTokens    bool // users.info shows callers the hashes of their own tokens
}

// eraOf returns what a version does. One that cannot be read counts as newer
// than all others.
func eraOf(version string) era {
	r, ok := parseRelease(version)
	if !ok {
		r = newest()
	}
	var e era
	switch r.generation() {
	case restivus:
		e = eraR()
	case hono7:
		e = eraH7()
	case hono8:
		e = eraH8()
	}
	e.switches = switchesOf(r)
	return e
}

// eraH8 is the generation of 8.6.1: schema errors come before the limiter, the
// limiter before the second factor.
func eraH8() era {
	return era{
		schemas: schemasH8(),
		serve:   (*Workspace).serveHono,
		health:  serveProbes,
		stages: []stage{
			(*call).authenticate,
			(*call).permit,
			(*call).checkQuery,
			(*call).checkBody,
			(*call).limit,
			(*call).passSecondFactor,
		},
		unauthorized: unauthorizedH(),
		crash:        crashH(),
		authAlways:   true,
		needsName:    true,
		shows:        disclosure{workspaceURL: true, calendar: true},
	}
}

// eraH7 is the generation of 7.7.1: the body is read first and held against
// nothing, and everything after that happens in the action's own wrapper.
func eraH7() era {
	return era{
		schemas: schemasH7(),
		serve:   (*Workspace).serveHono,
		health:  serveHealth,
		stages: []stage{
			(*call).readBody,
			(*call).authenticate,
			(*call).limit,
			(*call).checkParams,
			(*call).permit,
			(*call).passSecondFactor,
		},
		unauthorized: unauthorizedH(),
		crash:        crashH(),
		oneWrapper:   true,
		shows:        disclosure{ownTokens: true},
	}
}

// eraR is the generation of 6.13: bodies are read before the path is looked
// at, and a body that cannot be read is refused.
func eraR() era {
	return era{
		schemas: schemasR(),
		serve:   (*Workspace).serveRestivus,
		health:  serveHealth,
		stages: []stage{
			(*call).authenticate,
			(*call).limit,
			(*call).checkParams,
			(*call).permit,
			(*call).passSecondFactor,
		},
		unauthorized: struct {
			Status  string `json:"status"`
			Message string `json:"message"`
		}{"error", mustLogIn},
		denied:     &refusal{code: "not-authorized", reason: "Not Authorized"},
		crash:      reply{status: http.StatusInternalServerError, text: "Server error.", contentType: "text/html", fromAction: true},
		oneWrapper: true,
		shows:      disclosure{ownTokens: true},
	}
}

const mustLogIn = "You must be logged in to do this."

func unauthorizedH() any {
	return struct {
		Success bool   `json:"success"`
		Error   string `json:"error"`
		Status  string `json:"status"`
		Message string `json:"message"`
	}{Error: mustLogIn, Status: "error", Message: mustLogIn}
}

func crashH() reply {
	return reply{status: http.StatusInternalServerError, text: "Internal Server Error", contentType: plainText}
}
