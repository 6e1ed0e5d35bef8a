package rocketchat

import (
	"sync"
	"time"
)

const (
	// maxDrift is by how much two clocks may come to differ, per time.
	maxDrift = 200e-6
	// clockMemory is how long something learned of a clock may be used: by then
	// drift has made it useless.
	clockMemory = time.Hour
	// limiterTick is how long after the reset that it names a limiter may still
	// refuse: it counts in whole milliseconds, and lets pass after, not at the end.
	limiterTick = 2 * time.Millisecond
)

// ServerClock knows between which bounds a server's clock differs from this
// machine's. An answer tells its Date in whole seconds, which bounds the
// difference to one second and the way of the answer; several answers, made at
// different parts of a second, bound it closer, and the limiter's windows to less
// than that. What is learned widens as clocks drift, and is replaced by what
// contradicts it: somebody has set a clock, or another server answered.
//
// It is here for the reset time that a limiter names in milliseconds of its
// server's clock: by a single answer, a client would come up to a second too late.
// TOTP codes are made by the last Date.
// All clients of a server share one. The zero value knows nothing.
type ServerClock struct {
	mu    sync.Mutex
	base  time.Time // an instant of this machine, from which all others are measured
	known bool
	at    time.Time // of the bounds, by this machine
	ahead bounds    // of the server's clock before this machine's
	// foreign is until when Date is not believed to be by the limiter's clock: a proxy
	// has put its own there.
	foreign time.Time
	window  window
	dated   time.Duration // by how much the last Date was ahead of this machine's clock
}

// window is what is known of how long the limiter's windows last.
type window struct {
	length time.Duration // in whole seconds
	seen   int           // windows of that length
	last   time.Time     // the reset of the last one of them
	odd    time.Time     // until then no length is believed: one was wrong
}

// isKnown says that two windows were of that length. The first one after a server's
// start is shorter than the others.
func (w *window) isKnown() bool { return w.seen >= 2 }

// bounds of a difference.
type bounds struct{ least, most time.Duration }

// learnDate takes the Date of an answer that was sent for and received at these
// times of this machine.
func (c *ServerClock) learnDate(date, sent, received time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dated = date.Add(time.Second / 2).Sub(sent.Add(received.Sub(sent) / 2))
	if c.foreign.After(received) {
		return
	}
	c.meet(bounds{c.between(date, received), c.between(date.Add(time.Second), sent)}, received)
}

// learnRefusal takes what a limiter says when it refuses: when it resets, and in
// how many seconds, rounded up. Both are by its own clock.
func (c *ServerClock) learnRefusal(reset time.Time, wait time.Duration, sent, received time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	heard := bounds{c.between(reset.Add(-wait), received), c.between(reset.Add(time.Second-wait), sent)}
	switch agree := c.meet(heard, received); {
	case agree:
	case c.window.isKnown():
		c.window = window{odd: received.Add(clockMemory)}
	default:
		c.foreign = received.Add(clockMemory)
	}
}

// learnWindow takes when a limiter resets, from the answer to a call that it let
// pass, and whether that was the first one in the window. Windows last whole
// seconds, unless somebody has set up something strange: so, with the clock known
// to less than a second, the length of a window is known, and with that, since
// when it lasts at most. That bounds the server's clock to the way of the answer.
func (c *ServerClock) learnWindow(reset, received time.Time, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.known || c.window.odd.After(received) {
		return
	}
	known := c.now(received)
	if first {
		lasts := c.between(reset, received) - known.most
		c.window.meet((lasts + time.Second - 1).Truncate(time.Second), reset)
	}
	if !c.window.isKnown() {
		return
	}
	switch least := c.between(reset.Add(-c.window.length), received); {
	case least > known.most:
		c.window = window{odd: received.Add(clockMemory)}
	case least > known.least:
		c.meet(bounds{least, known.most}, received)
	}
}

// meet counts a window of that length. The longest are those that began with the
// call; windows of several routes that begin together count as one.
func (w *window) meet(length time.Duration, reset time.Time) {
	switch {
	case length > w.length:
		w.length, w.seen, w.last = length, 1, reset
	case length == w.length && reset.Sub(w.last) >= time.Second:
		w.seen, w.last = w.seen+1, reset
	}
}

// meet narrows the bounds by others, or replaces them by these where they
// contradict. It returns whether they agree.
func (c *ServerClock) meet(heard bounds, now time.Time) bool {
	known := c.now(now)
	both := bounds{max(known.least, heard.least), min(known.most, heard.most)}
	agree := !c.known || both.least <= both.most
	if !agree || !c.known {
		both = heard
	}
	c.known, c.at, c.ahead = true, now, both
	return agree
}

// now are the bounds at that time of this machine.
func (c *ServerClock) now(now time.Time) bounds {
	drift := time.Duration(float64(now.Sub(c.at)) * maxDrift)
	return bounds{c.ahead.least - drift, c.ahead.most + drift}
}

// between is by how much the server's time is ahead of this machine's. Times of
// this machine are measured by its monotonic clock, which nobody sets.
func (c *ServerClock) between(server, local time.Time) time.Duration {
	if c.base.IsZero() {
		c.base = local
	}
	return server.Sub(c.base) - local.Sub(c.base)
}

// until is how long it is, from a time of this machine, until the server's clock
// has surely reached the other time. Where nothing is known the clocks are taken
// to agree.
func (c *ServerClock) until(server, local time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	wait := c.between(server, local)
	if c.known {
		wait -= c.now(local).least
	}
	return wait
}

// ServerClocks are the clocks of the servers that are called. The zero value is
// ready.
type ServerClocks struct {
	mu     sync.Mutex
	clocks map[string]*ServerClock
}

// Of returns the server's clock. The clocks of which nothing was heard for long
// are forgotten.
func (c *ServerClocks) Of(server string, now time.Time) *ServerClock {
	c.mu.Lock()
	defer c.mu.Unlock()
	if clock, known := c.clocks[server]; known {
		return clock
	}
	for other, clock := range c.clocks {
		if clock.isOutdated(now) {
			delete(c.clocks, other)
		}
	}
	if c.clocks == nil {
		c.clocks = map[string]*ServerClock{}
	}
	clock := &ServerClock{at: now}
	c.clocks[server] = clock
	return clock
}

// Now is the time by the server's clock when it is this time here, by the Date of its
// last answer: codes that change with the time are checked by that clock. What a
// limiter says is not considered: half a second matters to it, and half a minute here.
func (c *ServerClock) Now(local time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return local.Add(c.dated)
}

func (c *ServerClock) isOutdated(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return now.Sub(c.at) > clockMemory
}
