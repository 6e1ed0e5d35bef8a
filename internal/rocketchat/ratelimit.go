package rocketchat

import (
	"net/http"
	"regexp"
	"strconv"
	"time"
)

const (
	defaultWait = 60 * time.Second
	minWait     = time.Second
	maxWait     = 120 * time.Second
	// maxWindow is the longest window of a limiter that is believed.
	maxWindow = time.Hour
)

// RateLimit is what an answer says about the route's limiter.
type RateLimit struct {
	// Exhausted says that the next call would be refused.
	Exhausted bool
	// Wait is how long to keep still, counted from the arrival of the answer; zero
	// unless Exhausted.
	Wait time.Duration
}

// parseRateLimit reads the limiter's headers. X-RateLimit-Reset is in
// milliseconds of the server's clock, so it is judged against the answer's own
// Date. A distance that no limiter would name gives way to the seconds named in
// the text, those to a proxy's Retry-After, and that to a minute.
func parseRateLimit(status int, header http.Header, text string, now time.Time) RateLimit {
	remaining, err := strconv.Atoi(header.Get("X-RateLimit-Remaining"))
	// Very old releases answer with status 400.
	limited := status == http.StatusTooManyRequests || (status == http.StatusBadRequest && bracketed(text) == CodeTooManyRequests)
	exhausted := limited || (err == nil && remaining <= 0)
	if !exhausted {
		return RateLimit{}
	}
	return RateLimit{Exhausted: true, Wait: min(max(waitFor(header, text, now), minWait), maxWait)}
}

func waitFor(header http.Header, text string, now time.Time) time.Duration {
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		// Date has whole seconds, so the wait comes out up to one second too long.
		now = date
	}
	if millis, err := strconv.ParseInt(header.Get("X-RateLimit-Reset"), 10, 64); err == nil {
		if wait := time.UnixMilli(millis).Sub(now); wait > 0 && wait <= maxWindow {
			return wait
		}
	}
	if match := regexp.MustCompile(`wait (\d+) seconds`).FindStringSubmatch(text); match != nil {
		if wait, ok := seconds(match[1]); ok {
			return wait
		}
	}
	if wait, ok := seconds(header.Get("Retry-After")); ok {
		return wait
	}
	return defaultWait
}

func seconds(text string) (time.Duration, bool) {
	count, err := strconv.ParseUint(text, 10, 31)
	return time.Duration(count) * time.Second, err == nil && count > 0
}
