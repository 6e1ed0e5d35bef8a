package rocketchat

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"math/big"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// FuzzAnswer proves that no answer makes the client stumble, and that success and
// proof have one shape each, told here in another way than in the code.
func FuzzAnswer(f *testing.F) {
	seed := func(reply answer) {
		header := reply.header
		f.Add(reply.status, header.Get("Content-Type"), header.Get("Content-Encoding"), header.Get("X-RateLimit-Remaining"),
			header.Get("X-RateLimit-Reset"), header.Get("Date"), string(reply.body))
	}
	for _, name := range slices.Sorted(maps.Keys(successCases())) {
		test := successCases()[name]
		reply := replyOf(max(test.status, 200), test.body)
		if test.contentType != nil {
			reply.header["Content-Type"] = test.contentType
		}
		reply.header.Set("Content-Encoding", test.encoding)
		seed(reply)
	}
	for _, name := range slices.Sorted(maps.Keys(failureCases())) {
		seed(failureCases()[name].reply)
	}
	f.Add(429, "application/json", "", "0", "1777896000000", "Mon, 04 May 2026 12:00:00 GMT", `{"success":true,"success":false}`)
	f.Add(200, "application/json; charset", "", "-1", "x", "x", `{"success":true,"x":1e999}`)
	f.Fuzz(func(t *testing.T, status int, contentType, encoding, remaining, reset, date, body string) {
		header := http.Header{}
		for name, value := range map[string]string{
			"Content-Type": contentType, "Content-Encoding": encoding, "X-RateLimit-Remaining": remaining, "X-RateLimit-Reset": reset, "Date": date,
		} {
			if value != "" {
				header.Set(name, value)
			}
		}
		reply := judged(answer{route: "v1/users.resetTOTP", status: status, header: header, body: []byte(body)})
		checkVerdict(t, reply.err(), status, header, []byte(body))
	})
}

// checkVerdict proves that what is made of a whole answer is what its bytes say.
func checkVerdict(t *testing.T, err error, status int, header http.Header, body []byte) {
	t.Helper()
	whole := jsonObject(header, body)
	success := status == 200 && whole["success"] == true
	if (err == nil) != success {
		t.Fatalf("err = %v, want success %t", err, success)
	}
	if err == nil {
		return
	}
	failure := answerFailure(t, err)
	text, _ := whole["error"].(string)
	current := whole["success"] == false && text == loginRequired
	old := whole["status"] == "error" && whole["message"] == loginRequired
	details, _ := whole["details"].(map[string]any)
	function, _ := details["function"].(string)
	want := AnswerError{
		Route:         failure.Route,
		Status:        status,
		RocketChat:    whole["success"] == false || (status == 401 && old),
		LoginRequired: status == 401 && (current || old),
		UserNotFound:  text == "User not found.",
		Federated:     strings.HasPrefix(text, "Federated Users"),
		ErrorType:     listed(whole["errorType"]),
		TextCode:      listed(inBrackets(text)),
		Details:       Details{Method: methodOf(details["method"]), HasFunction: function != ""},
		RateLimit:     failure.RateLimit,
	}
	if *failure != want {
		t.Errorf("made of the answer: %+v, want %+v", *failure, want)
	}
	checkRateLimit(t, failure.RateLimit)
	// The text is made of no more than that.
	if got := failure.Error(); got != want.Error() {
		t.Errorf("the text is %q", got)
	}
}

// jsonObject is the body as a JSON object, nil if the answer is none.
func jsonObject(header http.Header, body []byte) map[string]any {
	mediaType, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" || header.Get("Content-Encoding") != "" {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // the size of a number is of no interest
	var whole map[string]any
	if decoder.Decode(&whole) != nil {
		return nil
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil
	}
	return whole
}

// listed is the code if it is one of those that the documentation of this package
// lists.
func listed(value any) Code {
	text, _ := value.(string)
	if text == "" || slices.Contains(strings.Fields(`
		error-not-allowed error-unauthorized error-two-factor-not-enabled error-invalid-user invalid-user error-user-param-not-provided
		invalid-params error-invalid-params totp-required totp-invalid totp-max-attempts totp-user-not-found error-email-send-failed
		error-too-many-requests`), text) {
		return Code(text)
	}
	return CodeUnknown
}

// inBrackets is what the last brackets hold, if they are the end of the text.
func inBrackets(text string) string {
	if !strings.HasSuffix(text, "]") || !strings.Contains(text, "[") {
		return ""
	}
	parts := strings.Split(text, "[")
	return strings.TrimSuffix(parts[len(parts)-1], "]")
}

func methodOf(value any) string {
	text, _ := value.(string)
	if slices.Contains([]string{"", "totp", "email", "password"}, text) {
		return text
	}
	return "unknown"
}

// FuzzRateLimit proves that no answer keeps the operator still for more than two
// minutes, no refusal for less than a second, none without need, and that a sensible reset is
// believed to the millisecond.
func FuzzRateLimit(f *testing.F) {
	for _, name := range slices.Sorted(maps.Keys(rateLimitCases())) {
		test := rateLimitCases()[name]
		f.Add(test.status, test.remaining, test.reset, test.date, test.retryAfter, test.text)
	}
	f.Add(400, "", "", "", "", "wait 7 seconds [error-too-many-requests]")
	f.Add(200, "+0", "1e9", "Monday, 04-May-26 12:00:00 GMT", "31", "wait 0 seconds")
	f.Fuzz(func(t *testing.T, status int, remaining, reset, date, retryAfter, text string) {
		header := http.Header{"X-Ratelimit-Remaining": {remaining}, "X-Ratelimit-Reset": {reset}, "Date": {date}, "Retry-After": {retryAfter}}
		limit := heard{status, header, text, limiterNow(), limiterNow()}.rateLimit(&ServerClock{})
		checkRateLimit(t, limit)
		left, err := strconv.ParseInt(remaining, 10, 64)
		exhausted := status == 429 || (status == 400 && strings.HasSuffix(text, "[error-too-many-requests]")) || (err == nil && left <= 0)
		if limit.Exhausted != exhausted {
			t.Fatalf("Exhausted = %t, want %t", limit.Exhausted, exhausted)
		}
		least := time.Duration(0)
		if status == 429 || (status == 400 && strings.HasSuffix(text, "[error-too-many-requests]")) {
			least = time.Second
		}
		if exhausted && limit.Wait < least {
			t.Errorf("Wait = %v, want %v at least", limit.Wait, least)
		}
		if named, ok := distance(reset, date); ok && exhausted && limit.Wait != min(max(named+limiterTick, least), 2*time.Minute) {
			t.Errorf("Wait = %v, although the reset is %v ahead", limit.Wait, named)
		}
	})
}

// distance is how far the reset is ahead of the answer, if a limiter may have
// named it: within an hour.
func distance(reset, date string) (time.Duration, bool) {
	now := limiterNow()
	if stamped, err := http.ParseTime(date); err == nil {
		now = stamped
	}
	ahead, ok := new(big.Int).SetString(reset, 10)
	if !ok || strings.ContainsAny(reset, "_") {
		return 0, false
	}
	ahead.Sub(ahead, big.NewInt(now.UnixMilli()))
	if ahead.Sign() <= 0 || ahead.Cmp(big.NewInt(time.Hour.Milliseconds())) > 0 {
		return 0, false
	}
	return time.Duration(ahead.Int64()) * time.Millisecond, true
}

func checkRateLimit(t *testing.T, limit RateLimit) {
	t.Helper()
	if limit.Exhausted != (limit.Wait != 0) {
		t.Errorf("Exhausted = %t, Wait = %v", limit.Exhausted, limit.Wait)
	}
	if limit.Exhausted && limit.Wait > 120*time.Second {
		t.Errorf("Wait = %v, want 120 s at most", limit.Wait)
	}
}
