package controllers

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/credentialreset/credential-reset-operator/internal/gate"
)

// dateResolution is the error that a Date header, which has whole seconds, makes
// inevitable. A smaller offset is no offset.
const dateResolution = 1500 * time.Millisecond

// Clock tells the time of the API server, so that stamps can be compared with
// creation timestamps. It learns the offset from the server's answers.
type Clock struct {
	machine   gate.Timer
	offset    atomic.Int64 // nanoseconds
	candidate atomic.Int64 // the last sample; a single one may be a slip
}

// NewClock makes a clock from this machine's.
func NewClock() *Clock { return &Clock{machine: machineTimer{}} }

// machineTimer is the clock of this machine, in which times are both wall-clock
// and monotonic. Whoever needs another clock injects it.
type machineTimer struct{}

// Now implements gate.Timer.
func (machineTimer) Now() time.Time {
	return time.Now() //nolint:forbidigo // this is the clock that others inject
}

// AfterFunc implements gate.Timer.
func (machineTimer) AfterFunc(wait time.Duration, call func()) { time.AfterFunc(wait, call) }

// Now is the time by the API server's clock.
func (c *Clock) Now() time.Time { return c.Local().Add(c.Offset()) }

// Local is the time by this machine's clock. Durations are measured with it.
func (c *Clock) Local() time.Time { return c.machine.Now() }

// since is the time that has passed on this machine.
func (c *Clock) since(local time.Time) time.Duration { return c.Local().Sub(local) }

// pause returns when the time is over, at once if there is none.
func (c *Clock) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	over := make(chan struct{})
	c.machine.AfterFunc(d, func() { close(over) })
	<-over
}

// Offset is how far the API server's clock is ahead of this machine's.
func (c *Clock) Offset() time.Duration { return time.Duration(c.offset.Load()) }

// Wrap returns a round tripper that learns from the answers that pass through.
func (c *Clock) Wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripperFunc(func(request *http.Request) (*http.Response, error) {
		sent := c.Local()
		response, err := next.RoundTrip(request)
		if err == nil {
			c.learn(response.Header.Get("Date"), sent, c.Local())
		}
		return response, err
	})
}

// learn takes an answer's Date, which was stamped between the two times. Slow
// answers say too little to be learned from.
func (c *Clock) learn(date string, sent, received time.Time) {
	stamped, err := http.ParseTime(date)
	if err != nil || received.Sub(sent) > dateResolution {
		return
	}
	middle := sent.Add(received.Sub(sent) / 2)
	offset := stamped.Add(time.Second / 2).Sub(middle)
	if offset.Abs() < dateResolution {
		offset = 0
	}
	if before := time.Duration(c.candidate.Swap(int64(offset))); (before - offset).Abs() < dateResolution {
		c.offset.Store(int64(offset))
	}
}

type roundTripperFunc func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripperFunc) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }
