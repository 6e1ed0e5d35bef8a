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
// Date; a distance outside of what a limiter would say gives way to the seconds
// named in the text, and that to a minute.
func parseRateLimit(status int, header http.Header, text string, now time.Time) RateLimit {
	remaining, err := strconv.Atoi(header.Get("X-RateLimit-Remaining"))
	exhausted := status == http.StatusTooManyRequests || (err == nil && remaining <= 0)
	if !exhausted {
		return RateLimit{}
	}
	return RateLimit{Exhausted: true, Wait: waitFor(header, text, now)}
}

func waitFor(header http.Header, text string, now time.Time) time.Duration {
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		now = date
	}
	if millis, err := strconv.ParseInt(header.Get("X-RateLimit-Reset"), 10, 64); err == nil {
		// Date has whole seconds, so up to one second of it is already gone.
		if wait := time.UnixMilli(millis).Sub(now); wait > 0 && wait <= maxWait {
			return max(wait, minWait)
		}
	}
	if seconds, ok := secondsIn(text); ok {
		return min(max(seconds, minWait), maxWait)
	}
	return defaultWait
}

func secondsIn(text string) (time.Duration, bool) {
	match := regexp.MustCompile(`wait (\d{1,6}) seconds`).FindStringSubmatch(text)
	if match == nil {
		return 0, false
	}
	seconds, err := strconv.Atoi(match[1])
	return time.Duration(seconds) * time.Second, err == nil && seconds > 0
}
