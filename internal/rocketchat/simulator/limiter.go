package simulator

import (
	"fmt"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// limiter counts calls per route and address. A route has one window for all
// addresses; it begins with the first call after the former one ended.
type limiter struct {
	calls  int
	period time.Duration
	start  time.Time // every route's first window begins with the workspace

	mu    sync.Mutex
	rules map[string]*rule
}

// rule is the window of one route.
type rule struct {
	since time.Time
	count map[string]int
}

// verdict is what the limiter says about one call.
type verdict struct {
	allowed bool
	limit   int
	left    int
	toReset time.Duration
	reset   time.Time
}

func newLimiter(l Limit, now time.Time) *limiter {
	limiter := &limiter{calls: 10, period: time.Minute, start: now, rules: map[string]*rule{}}
	if l.Calls != 0 {
		limiter.calls = l.Calls
	}
	if l.Period != 0 {
		limiter.period = l.Period
	}
	return limiter
}

// take counts one call. A refused call is counted too, but does not prolong
// the window.
func (l *limiter) take(route, address string, now time.Time) verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	window := l.rules[route]
	if window == nil {
		window = &rule{since: l.start, count: map[string]int{}}
		l.rules[route] = window
	}
	if now.Sub(window.since) > l.period {
		window.since = now
		window.count = map[string]int{}
	}
	window.count[address]++
	toReset := l.period - now.Sub(window.since)
	return verdict{
		allowed: window.count[address] <= l.calls,
		limit:   l.calls,
		left:    max(0, l.calls-window.count[address]),
		toReset: toReset,
		reset:   now.Add(toReset),
	}
}

// show adds the headers of a limited answer.
func (v verdict) show(header http.Header) {
	header.Set("X-RateLimit-Limit", strconv.Itoa(v.limit))
	header.Set("X-RateLimit-Remaining", strconv.Itoa(v.left))
	header.Set("X-RateLimit-Reset", strconv.FormatInt(v.reset.UnixMilli(), 10))
}

func (v verdict) text() string {
	seconds := int(math.Ceil(v.toReset.Seconds()))
	return fmt.Sprintf("Error, too many requests. Please slow down. "+
		"You must wait %d seconds before trying this endpoint again. [error-too-many-requests]", seconds)
}

// address returns the client's address as the limiter sees it: X-Real-IP is
// believed always, X-Forwarded-For only as far as the operator configured.
func (c *call) address() string {
	address := joined(c.r, "X-Real-IP")
	if address == "" {
		address = remoteHost(c.r)
	}
	forwarded := joined(c.r, "X-Forwarded-For")
	count := c.w.options.ForwardedCount
	if count <= 0 || forwarded == "" {
		return address
	}
	hops := strings.Split(forwarded, ",")
	if count > len(hops) {
		return address
	}
	return strings.TrimSpace(hops[len(hops)-count])
}

func remoteHost(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
