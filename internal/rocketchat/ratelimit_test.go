package rocketchat

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// limiterNow is the time of the tests of a limiter.
func limiterNow() time.Time { return time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC) }

// rateLimitCase is what an answer tells of a limiter, and what is made of it.
type rateLimitCase struct {
	status                             int
	remaining, reset, date, retryAfter string
	text                               string
	want                               RateLimit
}

// rateLimitCases are answers with and without a limiter's words.
func rateLimitCases() map[string]rateLimitCase {
	now := limiterNow()
	millis := func(d time.Duration) string { return strconv.FormatInt(now.Add(d).UnixMilli(), 10) }
	date := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	waits := func(d time.Duration) RateLimit { return RateLimit{Exhausted: true, Wait: d} }
	const says7 = "Error, too many requests. Please slow down. You must wait 7 seconds before trying this endpoint again. [error-too-many-requests]"
	return map[string]rateLimitCase{
		"a success without a limiter":          {status: 200, want: RateLimit{}},
		"a success with calls left":            {status: 200, remaining: "9", reset: millis(30 * time.Second), want: RateLimit{}},
		"a success with one call left":         {status: 200, remaining: "1", reset: millis(30 * time.Second), want: RateLimit{}},
		"a success with the last call":         {status: 200, remaining: "0", reset: millis(30 * time.Second), want: waits(30*time.Second + limiterTick)},
		"fewer than none left":                 {status: 200, remaining: "-1", reset: millis(30 * time.Second), want: waits(30*time.Second + limiterTick)},
		"a refusal with the last call":         {status: 400, remaining: "0", reset: millis(30 * time.Second), want: waits(30*time.Second + limiterTick)},
		"the last call and nothing else":       {status: 200, remaining: "0", want: waits(time.Minute)},
		"the last call in a window just over":  {status: 200, remaining: "0", reset: millis(-time.Second), want: waits(time.Second)},
		"the last call in a window long over":  {status: 200, remaining: "0", reset: millis(-time.Minute), want: waits(time.Minute)},
		"the last call at the end of a window": {status: 200, remaining: "0", reset: millis(time.Millisecond), want: waits(time.Millisecond + limiterTick)},
		"remaining is no number":               {status: 200, remaining: "none", reset: millis(30 * time.Second), want: RateLimit{}},
		"a refusal with headers":               {status: 429, remaining: "0", reset: millis(30 * time.Second), text: says7, want: waits(30*time.Second + limiterTick)},
		"a refusal although calls are left":    {status: 429, remaining: "5", reset: millis(30 * time.Second), want: waits(30*time.Second + limiterTick)},
		"a refusal with the text only":         {status: 429, text: says7, want: waits(7 * time.Second)},
		"a refusal without anything":           {status: 429, want: waits(time.Minute)},
		"a proxy's refusal":                    {status: 429, retryAfter: "45", want: waits(45 * time.Second)},
		"the text before the proxy's header":   {status: 429, retryAfter: "45", text: says7, want: waits(7 * time.Second)},
		"the proxy's header is a date":         {status: 429, retryAfter: date(30 * time.Second), want: waits(time.Minute)},
		"the proxy's header is too long":       {status: 429, retryAfter: "86400", want: waits(2 * time.Minute)},
		"the proxy's header overflows":         {status: 429, retryAfter: "99999999999999999999", want: waits(time.Minute)},
		"the proxy's header is negative":       {status: 429, retryAfter: "-5", want: waits(time.Minute)},
		"in the past":                          {status: 429, reset: millis(-time.Second), text: says7, want: waits(7 * time.Second)},
		"in the past, without a text":          {status: 429, reset: millis(-time.Second), want: waits(time.Minute)},
		"now":                                  {status: 429, reset: millis(0), want: waits(time.Minute)},
		"a millisecond ahead":                  {status: 429, reset: millis(time.Millisecond), want: waits(time.Second)},
		"two minutes ahead":                    {status: 429, reset: millis(2 * time.Minute), want: waits(2 * time.Minute)},
		"a window longer than we wait":         {status: 429, reset: millis(10 * time.Minute), text: says7, want: waits(2 * time.Minute)},
		"a far future":                         {status: 429, reset: millis(25 * time.Hour), text: says7, want: waits(7 * time.Second)},
		"a far future, without a text":         {status: 429, reset: millis(25 * time.Hour), want: waits(time.Minute)},
		"the end of time":                      {status: 429, reset: "9223372036854775807", want: waits(time.Minute)},
		"the beginning of time":                {status: 429, reset: "-9223372036854775808", want: waits(time.Minute)},
		"too large a number":                   {status: 429, reset: "9223372036854775808", want: waits(time.Minute)},
		"seconds instead of milliseconds":      {status: 429, reset: strconv.FormatInt(now.Add(30*time.Second).Unix(), 10), text: says7, want: waits(7 * time.Second)},
		"a distance instead of a time":         {status: 429, reset: "30000", want: waits(time.Minute)},
		"the reset is a date":                  {status: 429, reset: date(30 * time.Second), want: waits(time.Minute)},
		"the server's clock is ahead":          {status: 429, reset: millis(time.Hour + 30*time.Second), date: date(time.Hour), want: waits(30*time.Second + limiterTick)},
		"the server's clock is behind":         {status: 429, reset: millis(-time.Hour + 30*time.Second), date: date(-time.Hour), want: waits(30*time.Second + limiterTick)},
		"the date is none":                     {status: 429, reset: millis(30 * time.Second), date: "yesterday", want: waits(30*time.Second + limiterTick)},
		"the text says nothing":                {status: 429, text: "You must wait 0 seconds", want: waits(time.Minute)},
		"the text says a lot":                  {status: 429, text: "You must wait 3600 seconds", want: waits(2 * time.Minute)},
		"the text says too much":               {status: 429, text: "You must wait 99999999999999999999 seconds", want: waits(time.Minute)},
		"the text says a fraction":             {status: 429, text: "You must wait 1.5 seconds", want: waits(time.Minute)},
		"the text says less than nothing":      {status: 429, text: "You must wait -5 seconds", want: waits(time.Minute)},
		"the text of a success is not asked":   {status: 200, text: says7, want: RateLimit{}},
	}
}

// TestParseRateLimit proves how long an answer makes the operator keep still.
func TestParseRateLimit(t *testing.T) {
	t.Parallel()
	for name, test := range rateLimitCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{}
			for name, value := range map[string]string{
				"X-RateLimit-Remaining": test.remaining, "X-RateLimit-Reset": test.reset, "Date": test.date, "Retry-After": test.retryAfter,
			} {
				if value != "" {
					header.Set(name, value)
				}
			}
			got := heard{test.status, header, test.text, limiterNow(), limiterNow()}.rateLimit(&ServerClock{})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("rate limit (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRateLimitOfSuccess proves that the last allowed call is shown to those who
// watch, although the call itself succeeded.
func TestRateLimitOfSuccess(t *testing.T) {
	t.Parallel()
	expected := expectReset("users.resetTOTP")
	expected.answer = http.Header{
		"Date":                  {testNow().Format(http.TimeFormat)},
		"X-Ratelimit-Remaining": {"0"},
		"X-Ratelimit-Reset":     {fmt.Sprint(testNow().Add(42 * time.Second).UnixMilli())},
	}
	server := newMockServer(t, expected)
	var seen []Exchange
	client := New(connect(t, server.URL, nil), Options{
		Policy: loopback(), Now: testNow, Observe: func(e Exchange) { seen = append(seen, e) },
	})
	defer client.Close()
	if err := client.ResetTOTP(t.Context(), resetOf()); err != nil {
		t.Fatal(err)
	}
	want := []Exchange{{Route: "v1/users.resetTOTP", Status: 200, RateLimit: RateLimit{Exhausted: true, Wait: 42*time.Second + limiterTick}}}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("exchanges (-want +got):\n%s", diff)
	}
}
