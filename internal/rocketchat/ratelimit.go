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
	// maxSkew is by how much the clocks of a server's instances may differ.
	maxSkew = 2 * time.Second
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

// heard is an answer as far as a limiter, or a proxy, speaks in it, and when it was
// asked for and received by this machine's clock.
type heard struct {
	status         int
	header         http.Header
	text           string // the member error
	sent, received time.Time
}

// rateLimit reads the limiter's headers. X-RateLimit-Reset is in milliseconds of
// the server's clock, of which more is learned with every answer. A distance that
// no limiter would name gives way to the seconds named in the text, those to a
// proxy's Retry-After, and that to a minute. Who was refused waits a second at
// least; who took the last call waits exactly.
func (h heard) rateLimit(clock *ServerClock) RateLimit {
	if date, err := http.ParseTime(h.header.Get("Date")); err == nil {
		clock.learnDate(date, h.sent, h.received)
	}
	remaining, err := strconv.Atoi(h.header.Get("X-RateLimit-Remaining"))
	refused := h.isRefusal()
	if reset, known := h.reset(); known && err == nil && !refused {
		clock.learnWindow(reset, h.received, h.header.Get("X-RateLimit-Limit") == strconv.Itoa(remaining+1))
	}
	if !refused && (err != nil || remaining > 0) {
		return RateLimit{}
	}
	wait := min(h.wait(clock), maxWait)
	if refused {
		wait = max(wait, minWait)
		h.teach(clock)
	}
	return RateLimit{Exhausted: true, Wait: wait}
}

// isRefusal knows the status 400 of very old releases too.
func (h heard) isRefusal() bool {
	return h.status == http.StatusTooManyRequests || (h.status == http.StatusBadRequest && bracketed(h.text) == CodeTooManyRequests)
}

// teach lets the server's clock learn from a refusal, for the answers to come.
func (h heard) teach(clock *ServerClock) {
	reset, known := h.reset()
	wait, said := h.said()
	if known && said && wait <= maxWindow {
		clock.learnRefusal(reset, wait, h.sent, h.received)
	}
}

func (h heard) wait(clock *ServerClock) time.Duration {
	if reset, known := h.reset(); known {
		wait := clock.until(reset, h.received)
		switch {
		case wait > -h.received.Sub(h.sent) && wait <= maxWindow:
			return max(wait, 0) + limiterTick // the time may have come while the answer was under way
		case wait > -maxSkew && wait <= 0 && !h.isRefusal():
			return minWait // by the clock of another instance
		}
	}
	if wait, said := h.said(); said {
		return wait
	}
	if wait, ok := seconds(h.header.Get("Retry-After")); ok {
		return wait
	}
	return defaultWait
}

// reset is when the limiter's window ends, by the server's clock.
func (h heard) reset() (time.Time, bool) {
	millis, err := strconv.ParseInt(h.header.Get("X-RateLimit-Reset"), 10, 64)
	return time.UnixMilli(millis), err == nil
}

// said is how long to wait by the limiter's text.
func (h heard) said() (time.Duration, bool) {
	match := regexp.MustCompile(`wait (\d+) seconds`).FindStringSubmatch(h.text)
	if match == nil {
		return 0, false
	}
	return seconds(match[1])
}

func seconds(text string) (time.Duration, bool) {
	count, err := strconv.ParseUint(text, 10, 31)
	return time.Duration(count) * time.Second, err == nil && count > 0
}
