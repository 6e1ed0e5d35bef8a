package rocketchat

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// FuzzAnswer proves that no answer makes the client stumble, and that success has
// one shape only, told here in another way than in the code.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		`{"success":true}`, `{"success":false,"error":"x [totp-required]","errorType":"totp-required","details":{"method":"totp"}}`,
		`{"status":"error","message":"You must be logged in to do this."}`, `{"Success":true}`, `{"success":"true"}`, `[]`, `null`, ``, `{`,
		`{"success":true,"success":false}`, `{"error":"]["}`, `{"error":"[]"}`, `{"success":true}{}`, "\xff", `{"details":null,"errorType":7}`,
		`{"success":false,"error":"You must wait 7 seconds before trying this endpoint again. [error-too-many-requests]"}`,
	} {
		for _, status := range []int{200, 400, 401, 429} {
			f.Add(status, "application/json", "", "0", "1777896000000", "Mon, 04 May 2026 12:00:00 GMT", body)
		}
	}
	f.Add(200, "text/html", "gzip", "", "", "", `{"success":true}`)
	f.Add(200, "application/json; charset", "", "-1", "x", "x", `{"success":true}`)
	f.Fuzz(func(t *testing.T, status int, contentType, encoding, remaining, reset, date, body string) {
		header := http.Header{}
		for name, value := range map[string]string{
			"Content-Type": contentType, "Content-Encoding": encoding, "X-RateLimit-Remaining": remaining, "X-RateLimit-Reset": reset, "Date": date,
		} {
			if value != "" {
				header.Set(name, value)
			}
		}
		reply := answer{route: "v1/users.resetTOTP", status: status, header: header, body: []byte(body), now: testNow()}
		err := reply.err()
		if want := isSuccess(status, contentType, encoding, body); (err == nil) != want {
			t.Fatalf("err = %v, want success %t", err, want)
		}
		if err == nil {
			return
		}
		failure := answerFailure(t, err)
		for _, code := range []Code{failure.ErrorType, failure.TextCode} {
			if code != known(string(code)) {
				t.Errorf("the code %q is not one that is known", code)
			}
		}
		if failure.LoginRequired && (status != http.StatusUnauthorized || !strings.Contains(body, "logged in")) {
			t.Errorf("LoginRequired of status %d and %q", status, body)
		}
		if failure.Error() != (&AnswerError{Route: failure.Route, Status: status, ErrorType: failure.ErrorType, TextCode: failure.TextCode}).Error() {
			t.Errorf("the text %q is made of more than route, status and code", failure.Error())
		}
		checkRateLimit(t, failure.RateLimit)
	})
}

func isSuccess(status int, contentType, encoding, body string) bool {
	mediaType, _, err := mime.ParseMediaType(contentType)
	if status != 200 || err != nil || mediaType != "application/json" || encoding != "" {
		return false
	}
	var whole map[string]any
	if json.Unmarshal([]byte(body), &whole) != nil {
		return false
	}
	success, isBool := whole["success"].(bool)
	return isBool && success
}

// FuzzParseConnection proves that no Secret makes the client stumble, that a
// refusal shows no value, and that what is accepted leads to the host that it
// shows, as a header that cannot hold another one.
func FuzzParseConnection(f *testing.F) {
	for _, location := range []string{
		"https://chat.example.com", "http://127.0.0.1:3000/chat/", "https://[::1]:8443", "https://user:pass@chat.example.com",
		"https://chat.example.com?x", "https://chat.example.com/#x", "HTTPS://CHAT.example.com:443//", "https:chat", "https://a\\@b", "https://b%C3%BCcher.example",
		"https://chat.example.com/%2e%2e/x", "https://chat.example.com:0", "https://[fe80::1%25eth0]", "//x", "", "\x00", "https://x/a b",
	} {
		f.Add(location, testUserID, testToken, testSecret, "", "true", true)
	}
	f.Add("https://chat.example.com", " id\n", "token\r\nX: y", "", "password\n", "yes", false)
	f.Add("https://chat.example.com", "id", "token", "234567", "", "", false)
	f.Fuzz(func(t *testing.T, location, userID, token, totpSecret, password, plain string, allowed bool) {
		data := map[string][]byte{}
		for key, value := range map[string]string{
			KeyURL: location, KeyUserID: userID, KeyAuthToken: token, KeyTOTPSecret: totpSecret, KeyPassword: password, KeyAllowPlainHTTP: plain,
		} {
			if value != "" {
				data[key] = []byte(value)
			}
		}
		connection, err := ParseConnection(data, allowed)
		if err != nil {
			// Nothing but the key and one of the fixed sentences.
			if _, isFault := err.(*ConnectionError); !isFault { //nolint:errorlint // this very type
				t.Errorf("error = %v (%T)", err, err)
			}
			return
		}
		checkLocation(t, connection, allowed && strings.TrimSpace(plain) == "true")
		client := New(connection, Options{Now: testNow})
		defer client.Close()
		request, err := client.resetRequest(t.Context(), "v1/users.resetTOTP", targetID)
		if err != nil {
			t.Fatalf("an accepted Secret makes no request: %v", err)
		}
		shown, err := url.Parse(connection.Host())
		if err != nil || request.URL.Host != shown.Host || request.Host != shown.Host || request.URL.Scheme != shown.Scheme {
			t.Errorf("shown: %q, called: %q at %q", connection.Host(), request.URL, request.Host)
		}
		if request.URL.RequestURI() != shown.EscapedPath()+"/api/v1/users.resetTOTP" {
			t.Errorf("shown: %q, target: %q", connection.Host(), request.URL.RequestURI())
		}
		for name, values := range request.Header {
			if len(values) != 1 || strings.ContainsFunc(values[0], func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("the header %s holds %q", name, values)
			}
		}
		for _, secret := range []string{connection.UserID(), token} {
			if len(secret) > 8 && !strings.Contains(connection.Host(), secret) && strings.Contains(fmt.Sprintf("%v %+v %#v", connection, *connection, connection), secret) {
				t.Errorf("the connection prints %q", secret)
			}
		}
	})
}

// checkLocation proves that the URL shown is whole, plain, and stable.
func checkLocation(t *testing.T, connection *Connection, plainAllowed bool) {
	t.Helper()
	shown, err := url.Parse(connection.Host())
	if err != nil {
		t.Fatalf("%q is no URL: %v", connection.Host(), err)
	}
	if shown.User != nil || shown.RawQuery != "" || shown.Fragment != "" || shown.Opaque != "" || shown.Hostname() == "" ||
		strings.ContainsAny(connection.Host(), "?#@\\% \r\n") || strings.HasSuffix(connection.Host(), "/") {
		t.Errorf("%q holds more than a location", connection.Host())
	}
	if shown.Scheme != "https" && (shown.Scheme != "http" || !plainAllowed) {
		t.Errorf("%q is not https", connection.Host())
	}
	data := secretData(connection.Host(), nil)
	again, err := ParseConnection(data, true)
	if err != nil || again.Host() != connection.Host() {
		t.Errorf("%q is not accepted as it is: %v", connection.Host(), err)
	}
	if !strings.HasPrefix(connection.Host(), connection.Server()) || ServerOf(connection.Host()) != connection.Server() {
		t.Errorf("the server of %q is %q", connection.Host(), connection.Server())
	}
}

// FuzzRateLimit proves that no answer keeps the operator still for less than a
// second or more than two minutes, and none without need.
func FuzzRateLimit(f *testing.F) {
	for _, reset := range []string{"", "0", "-1", "1777896030000", "1777896030", "9223372036854775807", "-9223372036854775808", "1e9", "9223372036854775808"} {
		for _, text := range []string{"", "wait 7 seconds", "wait 0 seconds", "wait 99999999999 seconds"} {
			f.Add(429, "0", reset, "Mon, 04 May 2026 12:00:00 GMT", "", text)
			f.Add(200, "0", reset, "", "31", text)
		}
	}
	f.Add(200, "1", "1777896030000", "x", "-1", "wait -1 seconds")
	f.Fuzz(func(t *testing.T, status int, remaining, reset, date, retryAfter, text string) {
		header := http.Header{"X-Ratelimit-Remaining": {remaining}, "X-Ratelimit-Reset": {reset}, "Date": {date}, "Retry-After": {retryAfter}}
		limit := parseRateLimit(status, header, text, testNow())
		checkRateLimit(t, limit)
		if status == http.StatusTooManyRequests && !limit.Exhausted {
			t.Error("a refusal does not exhaust the limiter")
		}
	})
}

func checkRateLimit(t *testing.T, limit RateLimit) {
	t.Helper()
	if limit.Exhausted != (limit.Wait != 0) {
		t.Errorf("Exhausted = %t, Wait = %v", limit.Exhausted, limit.Wait)
	}
	if limit.Exhausted && (limit.Wait < time.Second || limit.Wait > 120*time.Second) {
		t.Errorf("Wait = %v, want 1 s to 120 s", limit.Wait)
	}
}
