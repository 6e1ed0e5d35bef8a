package simulator

import "net/http"

// route is one endpoint of the API.
type route struct {
	method          string // of the request
	auth            bool   // needs a caller
	withoutUsername bool   // serves a caller without username
	permission      string // needed before the action
	query           []schema
	body            *schema
	unlimited       bool
	secondFactor    bool
	action          func(*call) (any, error)
}

// table returns every route of the release by its path.
func (w *Workspace) table() map[string]route {
	s := w.era.schemas
	routes := map[string]route{
		PathResetTOTP: {
			method: http.MethodPost, auth: true, body: s.reset, secondFactor: true, action: (*call).resetTOTP,
		},
		PathResetE2EKey: {
			method: http.MethodPost, auth: true, body: s.reset, secondFactor: true, action: (*call).resetE2EKey,
		},
		"/api/v1/users.2fa.sendEmailCode": {
			method: http.MethodPost, body: s.emailCode, action: (*call).sendEmailCode,
		},
		"/api/v1/users.info": {
			method: http.MethodGet, auth: true, query: s.usersInfo, action: (*call).usersInfo,
		},
		"/api/v1/users.getPersonalAccessTokens": {
			method: http.MethodGet, auth: true, permission: PermissionCreatePAT, action: (*call).personalAccessTokens,
		},
		"/api/v1/me": {
			method: http.MethodGet, auth: true, withoutUsername: true, action: (*call).me,
		},
		"/api/v1/permissions.listAll": {
			method: http.MethodGet, auth: true, query: s.permissions, action: (*call).permissions,
		},
		"/api/v1/settings.public": {
			method: http.MethodGet, query: s.settings, action: (*call).publicSettings,
		},
		"/api/info": {
			method: http.MethodGet, unlimited: true, action: (*call).info,
		},
	}
	if !w.era.resetTOTPExists {
		delete(routes, PathResetTOTP)
	}
	return routes
}

// schemas are what the parameters of the routes are held against; without one
// everything is taken.
type schemas struct {
	reset, emailCode *schema
	usersInfo        []schema // alternatives, of which one must fit
	permissions      []schema
	settings         []schema
}

func schemasH8() schemas {
	return schemas{
		reset:     &schema{properties: []string{"userId", "username", "user"}},
		emailCode: &schema{properties: []string{"emailOrUsername"}, required: []string{"emailOrUsername"}},
		usersInfo: usersInfoQuery(
			[]string{"userId", "username", "importId", "email", "freeSwitchExtension"}, "includeUserRooms", "fields"),
		permissions: []schema{{properties: []string{"updatedSince"}}},
		settings:    settingsQuery(),
	}
}

func schemasH7() schemas {
	return schemas{
		usersInfo: usersInfoQuery([]string{"userId", "username", "importId"}, "includeUserRooms", "fields"),
		settings:  settingsQuery(),
	}
}

func schemasR() schemas {
	return schemas{usersInfo: usersInfoQuery([]string{"userId", "username", "importId"}, "fields")}
}

// usersInfoQuery returns the alternatives of users.info's query: each way to
// name a user, and the options.
func usersInfoQuery(names []string, options ...string) []schema {
	alternatives := make([]schema, 0, len(names))
	for _, name := range names {
		alternatives = append(alternatives, schema{
			properties: append([]string{name}, options...),
			required:   []string{name},
		})
	}
	return alternatives
}

func settingsQuery() []schema {
	return []schema{{properties: []string{"count", "offset", "sort", "_id", "query"}}}
}
