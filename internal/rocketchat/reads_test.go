package rocketchat

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// readCase is a read, its answer, and what is taken out of it.
type readCase struct {
	expected mockExchange
	read     func(context.Context, *Client) (any, error)
	want     any
}

// readCases are reads of each route.
func readCases() map[string]readCase {
	anonymous := expectRead("/api/info", `{"workspaceUrl":"x","version":"8.6","minimumClientVersions":{"desktop":"3.9.6"},"success":true}`)
	anonymous.header = nil
	settings := func(text string) mockExchange {
		exchange := expectRead("/api/v1/settings.public?_id=Accounts_TwoFactorAuthentication_Enabled", text)
		exchange.header = nil
		return exchange
	}
	return map[string]readCase{
		"info, without the token": {
			anonymous,
			func(ctx context.Context, c *Client) (any, error) { return c.Info(ctx) },
			Info{Version: "8.6"},
		},
		"me, with a password only": {
			expectRead("/api/v1/me", `{"_id":"opPwd","username":"op.pwd","active":true,"roles":["bot-reset","user"],"services":{"password":{"exists":true}},"email":"x@example.com","success":true}`),
			func(ctx context.Context, c *Client) (any, error) { return c.Me(ctx) },
			Account{ID: "opPwd", Username: "op.pwd", Roles: []string{"bot-reset", "user"}, Password: true},
		},
		"me, with everything and more than that": {
			expectRead("/api/v1/me", `{"_id":"op","username":"op","roles":["admin"],"services":{"password":{"exists":true,"bcrypt":"`+testPassword+`"},"totp":{"enabled":true,"secret":"`+testSecret+`","hashedBackup":["`+testPassword+`"]},"email2fa":{"enabled":true},"resume":{"loginTokens":[{"hashedToken":"`+testToken+`"}]}},"success":true}`),
			func(ctx context.Context, c *Client) (any, error) { return c.Me(ctx) },
			Account{ID: "op", Username: "op", Roles: []string{"admin"}, TOTP: true, Email: true, Password: true},
		},
		"me, with factors that are not enabled": {
			expectRead("/api/v1/me", `{"_id":"op","services":{"totp":{"enabled":false,"tempSecret":"`+testSecret+`"},"email2fa":{"enabled":"true"},"password":{"exists":1}},"success":true}`),
			func(ctx context.Context, c *Client) (any, error) { return c.Me(ctx) },
			Account{ID: "op"},
		},
		"me, with members of other types": {
			expectRead("/api/v1/me", `{"_id":5,"username":null,"roles":"admin","services":[],"success":true}`),
			func(ctx context.Context, c *Client) (any, error) { return c.Me(ctx) },
			Account{},
		},
		"me, with members in other capitals": {
			expectRead("/api/v1/me", `{"_ID":"op","Username":"op","ROLES":["admin"],"success":true}`),
			func(ctx context.Context, c *Client) (any, error) { return c.Me(ctx) },
			Account{},
		},
		"a user by id": {
			expectRead("/api/v1/users.info?userId=targetTARGETtar17", `{"user":{"_id":"targetTARGETtar17","username":"alice","active":true},"success":true}`),
			func(ctx context.Context, c *Client) (any, error) { return c.UserByID(ctx, targetID) },
			User{ID: targetID, Username: "alice"},
		},
		"a user by name": {
			expectRead("/api/v1/users.info?username=alice", `{"user":{"_id":"targetTARGETtar17","username":"alice"},"success":true}`),
			func(ctx context.Context, c *Client) (any, error) { return c.UserByUsername(ctx, "alice") },
			User{ID: targetID, Username: "alice"},
		},
		"a name that has to be encoded": {
			expectRead("/api/v1/users.info?username=a%26userId%3Db%2Fc%3F%23+%25d%C3%A9%0D%0A", `{"user":{"_id":"x","username":"y"},"success":true}`),
			func(ctx context.Context, c *Client) (any, error) {
				return c.UserByUsername(ctx, "a&userId=b/c?# %dé\r\n")
			},
			User{ID: "x", Username: "y"},
		},
		"a federated user": {
			expectRead("/api/v1/users.info?userId=x", `{"user":{"_id":"x","username":"y","federated":true},"success":true}`),
			func(ctx context.Context, c *Client) (any, error) { return c.UserByID(ctx, "x") },
			User{ID: "x", Username: "y", Federated: true},
		},
		"the own user, whose secrets are shown": {
			expectRead("/api/v1/users.info?userId=x", `{"user":{"_id":"x","username":"y","services":{"totp":{"secret":"`+testSecret+`"},"resume":{"loginTokens":[{"hashedToken":"`+testToken+`"}]}}},"success":true}`),
			func(ctx context.Context, c *Client) (any, error) { return c.UserByID(ctx, "x") },
			User{ID: "x", Username: "y"},
		},
		"a user at the wrong place": {
			expectRead("/api/v1/users.info?userId=x", `{"_id":"x","username":"y","user":["x"],"success":true}`),
			func(ctx context.Context, c *Client) (any, error) { return c.UserByID(ctx, "x") },
			User{},
		},
		"the permission of one role": {
			expectRead("/api/v1/permissions.listAll", `{"update":[{"_id":"edit-other-user-totp","roles":["admin","reset"]},{"_id":"edit-other-user-e2ee","roles":["admin"]},{"_id":"view-statistics","roles":["reset"]},{"_id":"x"}],"remove":[],"success":true}`),
			func(ctx context.Context, c *Client) (any, error) { return c.Permitted(ctx, []string{"user", "reset"}) },
			[]string{PermissionResetTOTP},
		},
		"both permissions": {
			expectRead("/api/v1/permissions.listAll", `{"update":[{"_id":"edit-other-user-e2ee","roles":["admin"]},{"_id":"edit-other-user-totp","roles":["admin"]}],"success":true}`),
			func(ctx context.Context, c *Client) (any, error) { return c.Permitted(ctx, []string{"admin"}) },
			[]string{PermissionResetE2EKey, PermissionResetTOTP},
		},
		"two-factor authentication switched on": {
			settings(`{"settings":[{"_id":"X","value":false},{"_id":"Accounts_TwoFactorAuthentication_Enabled","value":true}],"success":true}`),
			func(ctx context.Context, c *Client) (any, error) { return c.TwoFactorEnabled(ctx) },
			true,
		},
		"two-factor authentication switched off": {
			settings(`{"settings":[{"_id":"Accounts_TwoFactorAuthentication_Enabled","value":false}],"success":true}`),
			func(ctx context.Context, c *Client) (any, error) { return c.TwoFactorEnabled(ctx) },
			false,
		},
		"a token that bypasses the second factor": {
			expectRead("/api/v1/users.getPersonalAccessTokens", `{"tokens":[{"lastTokenPart":"nobody","bypassTwoFactor":false},{"lastTokenPart":"`+testToken[len(testToken)-6:]+`","bypassTwoFactor":true}],"success":true}`),
			func(ctx context.Context, c *Client) (any, error) { return c.BypassesSecondFactor(ctx) },
			true,
		},
		"another token that bypasses the second factor": {
			expectRead("/api/v1/users.getPersonalAccessTokens", `{"tokens":[{"lastTokenPart":"nobody","bypassTwoFactor":true},{"lastTokenPart":"","bypassTwoFactor":true}],"success":true}`),
			func(ctx context.Context, c *Client) (any, error) { return c.BypassesSecondFactor(ctx) },
			false,
		},
		"no personal tokens": {
			expectRead("/api/v1/users.getPersonalAccessTokens", `{"tokens":[],"success":true}`),
			func(ctx context.Context, c *Client) (any, error) { return c.BypassesSecondFactor(ctx) },
			false,
		},
		"no roles": {
			expectRead("/api/v1/permissions.listAll", `{"update":[{"_id":"edit-other-user-totp","roles":["admin"]}],"success":true}`),
			func(ctx context.Context, c *Client) (any, error) { return c.Permitted(ctx, nil) },
			[]string(nil),
		},
	}
}

// TestReads proves what each read asks for and what it takes out of the answer.
// The mock server compares all headers, so none carries a second factor.
func TestReads(t *testing.T) {
	t.Parallel()
	for name, test := range readCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newMockServer(t, test.expected)
			got, err := test.read(t.Context(), clientOf(t, connect(t, server.URL, nil)))
			if err != nil {
				t.Fatalf("read = %v", err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("read (-want +got):\n%s", diff)
			}
			mustHide(t, fmt.Sprintf("%+v", got))
		})
	}
}

// everyRead is each read, for what they have in common.
func everyRead() map[string]func(context.Context, *Client) (any, error) {
	return map[string]func(context.Context, *Client) (any, error){
		"info":             func(ctx context.Context, c *Client) (any, error) { return c.Info(ctx) },
		"v1/me":            func(ctx context.Context, c *Client) (any, error) { return c.Me(ctx) },
		"v1/users.info":    func(ctx context.Context, c *Client) (any, error) { return c.UserByID(ctx, "x") },
		"v1/users.info, n": func(ctx context.Context, c *Client) (any, error) { return c.UserByUsername(ctx, "x") },
		"v1/permissions.listAll": func(ctx context.Context, c *Client) (any, error) {
			return c.Permitted(ctx, []string{"admin"})
		},
		"v1/settings.public":               func(ctx context.Context, c *Client) (any, error) { return c.TwoFactorEnabled(ctx) },
		"v1/users.getPersonalAccessTokens": func(ctx context.Context, c *Client) (any, error) { return c.BypassesSecondFactor(ctx) },
	}
}

// TestFailedReads proves that a read that fails gives its error and nothing of the
// answer.
func TestFailedReads(t *testing.T) {
	t.Parallel()
	const members = `"version":"8.6","_id":"x","username":"y","user":{"_id":"x","username":"y"},"update":[{"_id":"edit-other-user-totp","roles":["admin"]}]`
	for route, read := range everyRead() {
		for name, exchange := range map[string]mockExchange{
			"not found":           {status: 400, text: `{"success":false,"error":"User not found.",` + members + `}`},
			"a rejected token":    {status: 401, text: `{"success":false,"error":"You must be logged in to do this.",` + members + `}`},
			"without success":     {status: 200, text: `{` + members + `}`},
			"success as a text":   {status: 200, text: `{"success":"true",` + members + `}`},
			"another success":     {status: 203, text: `{"success":true,` + members + `}`},
			"an HTML page":        {status: 200, answer: http.Header{"Content-Type": {"text/html"}}, text: `{"success":true,` + members + `}`},
			"the page of a proxy": {status: 502, answer: http.Header{"Content-Type": {"text/html"}}, text: "<html>"},
		} {
			t.Run(route+", "+name, func(t *testing.T) {
				t.Parallel()
				server := serveRaw(t, nil, answering(fmt.Sprintf("HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
					exchange.status, contentType(exchange), len(exchange.text), exchange.text)))
				got, err := read(t.Context(), clientOf(t, connect(t, server.url, nil)))
				failure := answerFailure(t, err)
				if want, _, _ := strings.Cut(route, ","); failure.Status != exchange.status || failure.Route != want {
					t.Errorf("failure = %+v", failure)
				}
				if text, _ := json.Marshal(got); strings.ContainsAny(string(text), "xy6") {
					t.Errorf("the failed read also gave %s", text)
				}
			})
		}
	}
}

func contentType(exchange mockExchange) string {
	if given := exchange.answer.Get("Content-Type"); given != "" {
		return given
	}
	return "application/json"
}

// TestPermissionsWithoutList proves that an answer that does not list permissions
// is not taken for one that lists none.
func TestPermissionsWithoutList(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no list":              `{"success":true}`,
		"null":                 `{"update":null,"success":true}`,
		"an object":            `{"update":{},"success":true}`,
		"a list with a number": `{"update":[{"_id":"edit-other-user-totp","roles":["admin"]},7],"success":true}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newMockServer(t, expectRead("/api/v1/permissions.listAll", text))
			got, err := clientOf(t, connect(t, server.URL, nil)).Permitted(t.Context(), []string{"admin"})
			if failure := answerFailure(t, err); failure.Status != http.StatusOK || failure.RocketChat || got != nil {
				t.Errorf("Permitted = %v, %+v", got, failure)
			}
		})
	}
}

// TestBounds proves how long an answer may be: permissions and settings take more room
// than anything else.
func TestBounds(t *testing.T) {
	t.Parallel()
	for route, read := range everyRead() {
		limit := maxBody
		if strings.Contains(route, "permissions") || strings.Contains(route, "settings") {
			limit = 4 << 20
		}
		for _, over := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s, %d over", route, over), func(t *testing.T) {
				t.Parallel()
				const start, end = `{"success":true,"update":[],"tokens":[],"settings":[{"_id":"Accounts_TwoFactorAuthentication_Enabled","value":false}],"pad":"`, `"}`
				body := start + strings.Repeat("x", limit+over-len(start)-len(end)) + end
				server := serveRaw(t, nil, answering("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"+body))
				_, err := read(t.Context(), clientOf(t, connect(t, server.url, nil)))
				if over == 0 {
					if err != nil {
						t.Errorf("an answer of %d bytes = %v", len(body), err)
					}
					return
				}
				if failure := transportFailure(t, err); !failure.Connected {
					t.Errorf("error = %v", err)
				}
			})
		}
	}
}

// TestSubPath proves that every route lies below the path of the URL.
func TestSubPath(t *testing.T) {
	t.Parallel()
	expected := expectRead("/team/chat/api/v1/users.info?userId=x", `{"success":true}`)
	server := newMockServer(t, expected)
	client := clientOf(t, connect(t, server.URL+"/team/chat/", nil))
	if _, err := client.UserByID(t.Context(), "x"); err != nil {
		t.Error(err)
	}
}
