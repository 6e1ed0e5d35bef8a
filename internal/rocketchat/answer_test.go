package rocketchat

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// replyOf is an answer with a JSON Content-Type.
func replyOf(status int, body string) answer {
	return judged(answer{
		route:  "v1/users.resetTOTP",
		status: status,
		header: http.Header{"Content-Type": {"application/json"}},
		body:   []byte(body),
	})
}

// judged is the answer with what it says about the limiter.
func judged(a answer) answer {
	a.limit = a.rateLimit(&ServerClock{}, testNow(), testNow())
	return a
}

// successCase is an answer and whether it is a success.
type successCase struct {
	status      int
	contentType []string
	encoding    string
	body        string
	want        bool
}

// successCases are what is taken for a success, and what is not.
func successCases() map[string]successCase {
	const yes = `{"success":true}`
	return map[string]successCase{
		"the published answer":                 {body: yes, want: true},
		"white space":                          {body: " {\n\t\"success\" : true\r\n} ", want: true},
		"other members":                        {body: `{"user":{"success":false},"success":true,"error":null}`, want: true},
		"a charset":                            {contentType: []string{"application/json; charset=utf-8"}, body: yes, want: true},
		"the media type in capitals":           {contentType: []string{"Application/JSON"}, body: yes, want: true},
		"success in capitals":                  {body: `{"Success":true}`},
		"success in other capitals":            {body: `{"SUCCESS":true}`},
		"the long s that folds to s":           {body: `{"ſucceſſ":true}`},
		"success as a text":                    {body: `{"success":"true"}`},
		"success as a number":                  {body: `{"success":1}`},
		"success as an object":                 {body: `{"success":{"success":true}}`},
		"success in a list":                    {body: `{"success":[true]}`},
		"success null":                         {body: `{"success":null}`},
		"success false":                        {body: `{"success":false}`},
		"success false behind true":            {body: `{"success":true,"success":false}`},
		"no success":                           {body: `{}`},
		"success deeper":                       {body: `{"result":{"success":true}}`},
		"a list":                               {body: `[{"success":true}]`},
		"null":                                 {body: `null`},
		"true":                                 {body: `true`},
		"nothing":                              {body: ``},
		"more behind it":                       {body: yes + yes},
		"a byte order mark":                    {body: "\ufeff" + yes},
		"cut":                                  {body: `{"success":true`},
		"True":                                 {body: `{"success":True}`},
		"created":                              {status: 201, body: yes},
		"accepted":                             {status: 202, body: yes},
		"no content":                           {status: 204, body: yes},
		"partial":                              {status: 206, body: yes},
		"moved":                                {status: 302, body: yes},
		"bad request":                          {status: 400, body: yes},
		"unavailable":                          {status: 503, body: yes},
		"HTML":                                 {contentType: []string{"text/html"}, body: yes},
		"plain text":                           {contentType: []string{"text/plain"}, body: yes},
		"problem+json":                         {contentType: []string{"application/problem+json"}, body: yes},
		"no media type":                        {contentType: []string{}, body: yes},
		"an empty media type":                  {contentType: []string{""}, body: yes},
		"two media types in one":               {contentType: []string{"application/json, text/html"}, body: yes},
		"HTML before JSON":                     {contentType: []string{"text/html", "application/json"}, body: yes},
		"compressed":                           {encoding: "gzip", body: "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xabV*.MNN-.V\xb2*)*M\xad\x05\x00\xd7\xd4\xe7\x8d\x10\x00\x00\x00"},
		"called compressed although it is not": {encoding: "gzip", body: yes},
	}
}

// TestSuccess proves what is taken for a success, and that nothing else is.
func TestSuccess(t *testing.T) {
	t.Parallel()
	for name, test := range successCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reply := replyOf(max(test.status, 200), test.body)
			if test.contentType != nil {
				reply.header["Content-Type"] = test.contentType
			}
			if test.encoding != "" {
				reply.header.Set("Content-Encoding", test.encoding)
			}
			err := reply.err()
			if (err == nil) != test.want {
				t.Fatalf("err = %v, want success %t", err, test.want)
			}
			if err != nil {
				if failure := answerFailure(t, err); failure.Status != reply.status {
					t.Errorf("Status = %d, want %d", failure.Status, reply.status)
				}
			}
		})
	}
}

// failureCase is an answer that is no success and what is known of it.
type failureCase struct {
	reply answer
	want  AnswerError
}

// failureCases are the bodies that the releases of Rocket.Chat send, and some that others do.
func failureCases() map[string]failureCase {
	return map[string]failureCase{
		"a permission is missing": {
			replyOf(400, `{"success":false,"error":"Not allowed [error-not-allowed]","errorType":"error-not-allowed"}`),
			AnswerError{Status: 400, RocketChat: true, ErrorType: CodeNotAllowed, TextCode: CodeNotAllowed},
		},
		"a federated target": {
			replyOf(400, `{"success":false,"error":"Not allowed [error-not-allowed]","errorType":"error-not-allowed","details":{"function":"resetTOTP"}}`),
			AnswerError{Status: 400, RocketChat: true, ErrorType: CodeNotAllowed, TextCode: CodeNotAllowed, Details: Details{HasFunction: true}},
		},
		"the members in another order": {
			replyOf(400, `{"success":false,"errorType":"invalid-params","error":"must NOT have additional properties"}`),
			AnswerError{Status: 400, RocketChat: true, ErrorType: CodeInvalidParams},
		},
		"a second factor is asked for": {
			replyOf(400, `{"success":false,"error":"TOTP Required [totp-required]","errorType":"totp-required","details":{"method":"totp","codeGenerated":false,"availableMethods":["totp","email"]}}`),
			AnswerError{Status: 400, RocketChat: true, ErrorType: CodeTOTPRequired, TextCode: CodeTOTPRequired, Details: Details{Method: "totp"}},
		},
		"a mailed code is asked for": {
			replyOf(400, `{"success":false,"errorType":"totp-required","details":{"method":"email","emailOrUsername":"admin"}}`),
			AnswerError{Status: 400, RocketChat: true, ErrorType: CodeTOTPRequired, Details: Details{Method: "email"}},
		},
		"a password is asked for": {
			replyOf(400, `{"success":false,"errorType":"totp-invalid","details":{"method":"password"}}`),
			AnswerError{Status: 400, RocketChat: true, ErrorType: CodeTOTPInvalid, Details: Details{Method: "password"}},
		},
		"an unknown method": {
			replyOf(400, `{"success":false,"errorType":"totp-invalid","details":{"method":"`+testToken+`"}}`),
			AnswerError{Status: 400, RocketChat: true, ErrorType: CodeTOTPInvalid, Details: Details{Method: "unknown"}},
		},
		"details that are no object": {
			replyOf(400, `{"success":false,"errorType":"totp-invalid","details":["totp"]}`),
			AnswerError{Status: 400, RocketChat: true, ErrorType: CodeTOTPInvalid},
		},
		"details of other types": {
			replyOf(400, `{"success":false,"errorType":"totp-invalid","details":{"method":7,"function":true}}`),
			AnswerError{Status: 400, RocketChat: true, ErrorType: CodeTOTPInvalid},
		},
		"an unknown code": {
			replyOf(400, `{"success":false,"error":"x [`+testToken+`]","errorType":"`+testToken+`"}`),
			AnswerError{Status: 400, RocketChat: true, ErrorType: CodeUnknown, TextCode: CodeUnknown},
		},
		"a known code with a blank": {
			replyOf(400, `{"success":false,"errorType":"totp-required "}`),
			AnswerError{Status: 400, RocketChat: true, ErrorType: CodeUnknown},
		},
		"a known code in capitals": {
			replyOf(400, `{"success":false,"errorType":"TOTP-REQUIRED"}`),
			AnswerError{Status: 400, RocketChat: true, ErrorType: CodeUnknown},
		},
		"the code in a member of another name": {
			replyOf(400, `{"success":false,"ErrorType":"totp-required"}`),
			AnswerError{Status: 400, RocketChat: true},
		},
		"a code that is no text": {
			replyOf(400, `{"success":false,"errorType":{"a":1},"error":["[totp-required]"]}`),
			AnswerError{Status: 400, RocketChat: true},
		},
		"an exception without a code": {
			replyOf(400, `{"success":false,"error":"connection 4 to mongo closed"}`),
			AnswerError{Status: 400, RocketChat: true},
		},
		"brackets not at the end": {
			replyOf(400, `{"success":false,"error":"[totp-required] and more"}`),
			AnswerError{Status: 400, RocketChat: true},
		},
		"two pairs of brackets": {
			replyOf(400, `{"success":false,"error":"[totp-required] [error-invalid-user]"}`),
			AnswerError{Status: 400, RocketChat: true, TextCode: CodeInvalidUser},
		},
		"a closing bracket alone": {
			replyOf(400, `{"success":false,"error":"]"}`),
			AnswerError{Status: 400, RocketChat: true},
		},
		"empty brackets": {
			replyOf(400, `{"success":false,"error":"[]"}`),
			AnswerError{Status: 400, RocketChat: true},
		},
		"the limiter": {
			replyOf(429, `{"success":false,"error":"Error, too many requests. Please slow down. You must wait 7 seconds before trying this endpoint again. [error-too-many-requests]"}`),
			AnswerError{Status: 429, RocketChat: true, TextCode: CodeTooManyRequests, RateLimit: RateLimit{Exhausted: true, Wait: 7 * time.Second}},
		},
		"the limiter of a proxy": {
			judged(answer{status: 429, header: http.Header{"Content-Type": {"text/html"}}, body: []byte("You must wait 7 seconds")}),
			AnswerError{Status: 429, RateLimit: RateLimit{Exhausted: true, Wait: time.Minute}},
		},
		"a rejected token, up to 6.13": {
			replyOf(401, `{"status":"error","message":"You must be logged in to do this."}`),
			AnswerError{Status: 401, RocketChat: true, LoginRequired: true},
		},
		"a rejected token, 7 and 8": {
			replyOf(401, `{"success":false,"error":"You must be logged in to do this.","status":"error","message":"You must be logged in to do this."}`),
			AnswerError{Status: 401, RocketChat: true, LoginRequired: true},
		},
		"a rejected token, from 9.0": {
			replyOf(401, `{"success":false,"error":"You must be logged in to do this."}`),
			AnswerError{Status: 401, RocketChat: true, LoginRequired: true},
		},
		"the text of a rejected token with another status": {
			replyOf(400, `{"success":false,"error":"You must be logged in to do this."}`),
			AnswerError{Status: 400, RocketChat: true},
		},
		"the old shape with another status": {
			replyOf(403, `{"status":"error","message":"You must be logged in to do this."}`),
			AnswerError{Status: 403},
		},
		"the old shape with another message": {
			replyOf(401, `{"status":"error","message":"Please log in"}`),
			AnswerError{Status: 401},
		},
		"the old shape with another state": {
			replyOf(401, `{"status":"fail","message":"You must be logged in to do this."}`),
			AnswerError{Status: 401},
		},
		"the text without a success": {
			replyOf(401, `{"error":"You must be logged in to do this."}`),
			AnswerError{Status: 401},
		},
		"another refusal with 401": {
			replyOf(401, `{"success":false,"error":"unauthorized"}`),
			AnswerError{Status: 401, RocketChat: true},
		},
		"a proxy's own login": {
			answer{status: 401, header: http.Header{"Content-Type": {"text/html"}}, body: []byte("You must be logged in to do this.")},
			AnswerError{Status: 401},
		},
		"the right body called HTML": {
			answer{status: 401, header: http.Header{"Content-Type": {"text/html"}}, body: []byte(`{"success":false,"error":"You must be logged in to do this."}`)},
			AnswerError{Status: 401},
		},
		"a bad request that is no JSON": {
			answer{status: 400, header: http.Header{}, body: nil},
			AnswerError{Status: 400},
		},
		"a permission denial, from 9.0": {
			replyOf(403, `{"success":false,"error":"x [error-unauthorized]","errorType":"error-unauthorized"}`),
			AnswerError{Status: 403, RocketChat: true, ErrorType: CodeUnauthorized, TextCode: CodeUnauthorized},
		},
		"success false with status 200": {
			replyOf(200, `{"success":false,"errorType":"error-invalid-user"}`),
			AnswerError{Status: 200, RocketChat: true, ErrorType: CodeInvalidUser},
		},
		"success false as a text": {
			replyOf(400, `{"success":"false","errorType":"error-invalid-user"}`),
			AnswerError{Status: 400, ErrorType: CodeInvalidUser},
		},
		"a server error": {
			answer{status: 500, header: http.Header{"Content-Type": {"text/plain"}}, body: []byte("Internal Server Error")},
			AnswerError{Status: 500},
		},
	}
}

// TestFailure proves what is known of an answer that is no success. The bodies are
// those that the releases of Rocket.Chat send.
func TestFailure(t *testing.T) {
	t.Parallel()
	for name, test := range failureCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.want.Route, test.reply.route = "v1/users.resetTOTP", "v1/users.resetTOTP"
			failure := answerFailure(t, test.reply.err())
			if diff := cmp.Diff(test.want, *failure); diff != "" {
				t.Errorf("failure (-want +got):\n%s", diff)
			}
			mustHide(t, fmt.Sprintf("%v %+v", failure, *failure))
		})
	}
}

// TestKnownCodes proves that every code is known in its spelling, as errorType and
// in brackets.
func TestKnownCodes(t *testing.T) {
	t.Parallel()
	for _, code := range []Code{
		CodeNotAllowed, CodeUnauthorized, CodeTwoFactorNotEnabled, CodeInvalidUser, CodeUserVanished, CodeUserParamMissing,
		CodeInvalidParams, CodeErrorInvalidParams, CodeTOTPRequired, CodeTOTPInvalid, CodeTOTPMaxAttempts,
		CodeTOTPUserNotFound, CodeEmailSendFailed, CodeTooManyRequests,
	} {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			body := fmt.Sprintf(`{"success":false,"error":"Some text [%s]","errorType":%q}`, code, code)
			failure := answerFailure(t, replyOf(400, body).err())
			if failure.ErrorType != code || failure.TextCode != code {
				t.Errorf("ErrorType = %q, TextCode = %q, want %q", failure.ErrorType, failure.TextCode, code)
			}
		})
	}
}

// reflections are whole answers of a server that sends back what it was sent.
func reflections() map[string]string {
	all := testToken + " " + testUserID + " " + testCode
	quoted := fmt.Sprintf("%q", all)
	return map[string]string{
		"the reason":         "HTTP/1.1 400 " + all + "\r\nContent-Length: 0\r\n\r\n",
		"a header":           "HTTP/1.1 400 No\r\nX-Echo: " + all + "\r\n" + testToken + ": x\r\nContent-Length: 0\r\n\r\n",
		"the media type":     "HTTP/1.1 400 No\r\nContent-Type: " + all + "\r\nContent-Length: 0\r\n\r\n",
		"the location":       "HTTP/1.1 302 Found\r\nLocation: https://" + testToken + ".example.com/" + testCode + "\r\nContent-Length: 0\r\n\r\n",
		"a cookie":           "HTTP/1.1 401 No\r\nSet-Cookie: x=" + testToken + "\r\nWWW-Authenticate: " + all + "\r\nContent-Length: 0\r\n\r\n",
		"the limiter":        "HTTP/1.1 429 No\r\nX-RateLimit-Reset: " + all + "\r\nX-RateLimit-Remaining: " + all + "\r\nRetry-After: " + all + "\r\nDate: " + all + "\r\nContent-Length: 0\r\n\r\n",
		"a body of text":     "HTTP/1.1 500 No\r\nContent-Type: text/plain\r\n\r\n" + all,
		"a body of JSON":     "HTTP/1.1 400 No\r\nContent-Type: application/json\r\n\r\n" + `{"success":false,"error":` + quoted + `,"errorType":` + quoted + `,"details":{"method":` + quoted + `,"function":` + quoted + `},"message":` + quoted + `,"status":` + quoted + `}`,
		"the brackets":       "HTTP/1.1 400 No\r\nContent-Type: application/json\r\n\r\n" + `{"success":false,"error":"x [` + testToken + `]"}`,
		"a trailer":          "HTTP/1.1 400 No\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n0\r\nX: " + all + "\r\n\r\n",
		"a chunk extension":  "HTTP/1.1 400 No\r\nTransfer-Encoding: chunked\r\n\r\n1;" + testToken + "\r\nx\r\n0\r\n\r\n",
		"a broken trailer":   "HTTP/1.1 400 No\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n0\r\n" + all + "\r\n\r\n",
		"an interim answer":  "HTTP/1.1 103 " + all + "\r\nLink: " + all + "\r\n\r\nHTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n",
		"the protocol":       testToken + "/1.1 200 OK\r\n\r\n",
		"a header's name":    "HTTP/1.1 200 OK\r\n" + all + ": x\r\n\r\n",
		"the encoding":       "HTTP/1.1 400 No\r\nContent-Encoding: " + testToken + "\r\nContent-Length: 0\r\n\r\n",
		"transfer encodings": "HTTP/1.1 400 No\r\nTransfer-Encoding: " + testToken + "\r\nTransfer-Encoding: x\r\n\r\n",
	}
}

// TestReflection proves that a server that sends back what it was sent cannot put
// it into an error, wherever it does so.
func TestReflection(t *testing.T) {
	t.Parallel()
	for name, answer := range reflections() {
		for route, call := range calls() {
			t.Run(name+", "+route, func(t *testing.T) {
				t.Parallel()
				server := serveRaw(t, nil, answering(answer))
				err := call(t.Context(), clientOf(t, connect(t, server.url, nil)), 20*time.Second)
				if err == nil {
					t.Fatal("the call succeeded")
				}
				for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
					mustHide(t, fmt.Sprintf(verb, err))
				}
			})
		}
	}
}

// TestCompressedAnswer proves that compression is not asked for and not undone.
func TestCompressedAnswer(t *testing.T) {
	t.Parallel()
	compressed := expectReset("users.resetTOTP")
	compressed.answer = http.Header{"Content-Encoding": {"gzip"}}
	server := newMockServer(t, compressed)
	err := clientOf(t, connect(t, server.URL, nil)).ResetTOTP(t.Context(), resetOf())
	if failure := answerFailure(t, err); failure.Status != http.StatusOK || failure.RocketChat {
		t.Errorf("failure = %+v, want status 200 and no Rocket.Chat", failure)
	}
}
