package rocketchat

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxPermissions bounds the answer of permissions.listAll, in bytes: it has an
// entry for every setting of the workspace.
const maxPermissions = 4 << 20

// maxSettings bounds the answer of settings.public, in bytes: old releases show all.
const maxSettings = 4 << 20

// Info is what GET /api/info tells without authentication.
type Info struct {
	Version string // major and minor, such as "8.6"
}

// Account is what GET /api/v1/me tells of the caller. The answer also holds the
// caller's secrets, so nothing else of it is decoded.
type Account struct {
	ID       string
	Username string
	Roles    []string
	TOTP     bool // enrolled for TOTP
	Email    bool // enrolled for mailed codes
	Password bool // has a password
}

// User is what GET /api/v1/users.info tells of a user.
type User struct {
	ID        string
	Username  string
	Federated bool
}

// The permissions of Rocket.Chat that a reset needs.
const (
	PermissionResetTOTP   = "edit-other-user-totp"
	PermissionResetE2EKey = "edit-other-user-e2ee"
)

// Info calls GET /api/info.
func (c *Client) Info(ctx context.Context) (Info, error) {
	object, err := c.get(ctx, read{route: "info", limit: maxBody, anonymous: true})
	if err != nil {
		return Info{}, err
	}
	return Info{Version: object.text("version")}, nil
}

// Me calls GET /api/v1/me.
func (c *Client) Me(ctx context.Context) (Account, error) {
	object, err := c.get(ctx, read{route: "v1/me", limit: maxBody})
	if err != nil {
		return Account{}, err
	}
	services := object.object("services")
	return Account{
		ID:       object.text("_id"),
		Username: object.text("username"),
		Roles:    object.strings("roles"),
		TOTP:     services.object("totp").boolean("enabled") == "true",
		Email:    services.object("email2fa").boolean("enabled") == "true",
		Password: services.object("password").boolean("exists") == "true",
	}, nil
}

// UserByID calls GET /api/v1/users.info with userId, which the server compares
// with ids and with usernames: the caller must compare the answer.
func (c *Client) UserByID(ctx context.Context, id string) (User, error) {
	return c.user(ctx, url.Values{"userId": {id}})
}

// UserByUsername calls GET /api/v1/users.info with username, which the server
// compares in its exact spelling.
func (c *Client) UserByUsername(ctx context.Context, username string) (User, error) {
	return c.user(ctx, url.Values{"username": {username}})
}

func (c *Client) user(ctx context.Context, query url.Values) (User, error) {
	object, err := c.get(ctx, read{route: RouteUserInfo, query: query, limit: maxBody})
	if err != nil {
		return User{}, err
	}
	user := object.object("user")
	return User{
		ID:        user.text("_id"),
		Username:  user.text("username"),
		Federated: user.boolean("federated") == "true",
	}, nil
}

// Permitted calls GET /api/v1/permissions.listAll and returns those of the two
// permissions that one of the roles has. An answer without the list says nothing
// of them, and is not taken for a success.
func (c *Client) Permitted(ctx context.Context, roles []string) ([]string, error) {
	object, err := c.get(ctx, read{route: "v1/permissions.listAll", limit: maxPermissions})
	if err != nil {
		return nil, err
	}
	permissions := object.objects("update")
	if permissions == nil {
		return nil, &AnswerError{Route: "v1/permissions.listAll", Status: http.StatusOK}
	}
	var permitted []string
	for _, permission := range permissions {
		name := permission.text("_id")
		if name != PermissionResetTOTP && name != PermissionResetE2EKey {
			continue
		}
		if slices.ContainsFunc(permission.strings("roles"), func(role string) bool { return slices.Contains(roles, role) }) {
			permitted = append(permitted, name)
		}
	}
	return permitted, nil
}

// settingTwoFactor is the setting that switches two-factor authentication on.
const settingTwoFactor = "Accounts_TwoFactorAuthentication_Enabled"

// TwoFactorEnabled calls GET /api/v1/settings.public and says whether two-factor
// authentication is switched on in the workspace. An answer without the setting says
// nothing of it, and is not taken for a success.
func (c *Client) TwoFactorEnabled(ctx context.Context) (bool, error) {
	const route = "v1/settings.public"
	object, err := c.get(ctx, read{route: route, query: url.Values{"_id": {settingTwoFactor}}, limit: maxSettings, anonymous: true})
	if err != nil {
		return false, err
	}
	for _, setting := range object.objects("settings") {
		if value := setting.boolean("value"); setting.text("_id") == settingTwoFactor && value != "" {
			return value == "true", nil
		}
	}
	return false, &AnswerError{Route: route, Status: http.StatusOK}
}

// BypassesSecondFactor calls GET /api/v1/users.getPersonalAccessTokens and says whether
// the token in use is a personal one that bypasses the second factor.
func (c *Client) BypassesSecondFactor(ctx context.Context) (bool, error) {
	const route = "v1/users.getPersonalAccessTokens"
	object, err := c.get(ctx, read{route: route, limit: maxBody})
	if err != nil {
		return false, err
	}
	tokens := object.objects("tokens")
	if tokens == nil {
		return false, &AnswerError{Route: route, Status: http.StatusOK}
	}
	_, token := c.connection.account()
	return slices.ContainsFunc(tokens, func(known members) bool {
		last := known.text("lastTokenPart")
		return last != "" && strings.HasSuffix(token, last) && known.boolean("bypassTwoFactor") == "true"
	}), nil
}

type read struct {
	route     string
	query     url.Values
	limit     int64
	anonymous bool
}

// get calls a route and returns the members of a successful answer. Errors are of
// type *AnswerError or *TransportError.
func (c *Client) get(ctx context.Context, r read) (members, error) {
	request, err := c.request(ctx, http.MethodGet, r.route, r.query, nil)
	if err != nil {
		return nil, err
	}
	if !r.anonymous {
		c.authenticate(request)
	}
	reply, err := c.exchange(c.reads, request, r.route, r.limit)
	if err != nil {
		return nil, err
	}
	if err := reply.err(); err != nil {
		return nil, err
	}
	return reply.object(), nil
}
