package rocketchat

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// limitedServer is a limiter on a clock that is ahead of this machine's, behind a
// proxy that may put a Date of its own on the answers. The test moves the time.
type limitedServer struct {
	now    time.Time
	ahead  time.Duration // the limiter's clock
	dated  time.Duration // the clock of the Date, before the limiter's
	way    time.Duration // each way takes so long
	calls  int
	period time.Duration

	since   time.Time // by the limiter's clock
	counted int
	refused int
	late    time.Duration // how long calls could have been made and were not
}

// call makes a call and returns what is heard of it.
func (s *limitedServer) call() heard {
	sent := s.now
	s.now = s.now.Add(s.way)
	at := s.now.Add(s.ahead)
	if over := at.Sub(s.since) - s.period; over > 0 {
		if s.counted >= s.calls {
			s.late += over
		}
		s.since, s.counted = at, 0
	}
	s.counted++
	left := s.since.Add(s.period).Sub(at)
	header := http.Header{}
	header.Set("Date", at.Add(s.dated).UTC().Format(http.TimeFormat))
	header.Set("X-RateLimit-Limit", strconv.Itoa(s.calls))
	header.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, s.calls-s.counted)))
	header.Set("X-RateLimit-Reset", strconv.FormatInt(at.Add(left).UnixMilli(), 10))
	answer := heard{status: http.StatusOK, header: header, sent: sent}
	if s.counted > s.calls {
		s.refused++
		answer.status = http.StatusTooManyRequests
		answer.text = fmt.Sprintf("You must wait %d seconds before", (left+time.Second-1)/time.Second)
	}
	s.now = s.now.Add(s.way)
	answer.received = s.now
	return answer
}

// drain makes as many calls as fast as the answers allow, with pauses in between as
// they may come.
func (s *limitedServer) drain(clock *ServerClock, count int, random *rand.Rand) {
	for done := 0; done < count; {
		answer := s.call()
		if answer.status == http.StatusOK {
			done++
		}
		s.now = s.now.Add(answer.rateLimit(clock).Wait + time.Duration(random.IntN(20))*time.Millisecond)
	}
}

func newLimitedServer(random *rand.Rand) *limitedServer {
	start := limiterNow().Add(time.Duration(random.IntN(1000)) * time.Millisecond)
	ahead := time.Duration(random.IntN(7200_000)-3600_000) * time.Millisecond
	return &limitedServer{
		since: start.Add(ahead - time.Duration(random.IntN(2000))*time.Millisecond),
		now:   start, calls: 10, period: 2 * time.Second, way: time.Duration(1+random.IntN(20)) * time.Millisecond,
		ahead: ahead,
	}
}

// TestALimiterIsUsedToTheFull proves that however a server's clock stands, no call
// is refused, and little of the limiter's time is left unused. A probe has come
// before, as it does. The rest of the clock is learned at the cost of a second at
// most, of the minute that 300 calls take.
func TestALimiterIsUsedToTheFull(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 1))
		s, clock := newLimitedServer(random), &ServerClock{}
		for range 3 {
			s.call().rateLimit(clock)
			s.now = s.now.Add(time.Duration(random.IntN(5000)) * time.Millisecond)
		}
		s.late = 0
		s.drain(clock, 300, random)
		if s.refused > 0 {
			t.Errorf("seed %d: %d calls were refused", seed, s.refused)
		}
		if allowed := time.Second + 30*(2*s.way+20*time.Millisecond+limiterTick); s.late > allowed {
			t.Errorf("seed %d: the limiter was left unused for %v, want %v at most", seed, s.late, allowed)
		}
	}
}

// TestWindowsMayLastAnything proves that windows of no whole seconds, and windows
// that others began, cost a refusal or two until that is noticed.
func TestWindowsMayLastAnything(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 4))
		s, clock := newLimitedServer(random), &ServerClock{}
		s.period = time.Duration(1000+random.IntN(3000)) * time.Millisecond
		s.drain(clock, 300, random)
		if s.refused > 3 {
			t.Errorf("seed %d: with windows of %v, %d of 300 calls were refused", seed, s.period, s.refused)
		}
	}
}

// TestAnyClockIsSurvived proves that where the Date is by a proxy's clock, and the
// clocks are set now and then, few calls are refused: each surprise costs a few.
func TestAnyClockIsSurvived(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 2))
		s, clock := newLimitedServer(random), &ServerClock{}
		s.dated = time.Duration(random.IntN(4000)-2000) * time.Millisecond
		s.drain(clock, 300, random)
		if s.refused > 3 {
			t.Errorf("seed %d: with a proxy's Date (%v), %d of 300 calls were refused", seed, s.dated, s.refused)
		}
		s.dated, s.refused = 0, 0
		for range 5 {
			step := time.Duration(random.IntN(6000)-3000) * time.Millisecond
			s.ahead += step
			s.since = s.since.Add(step) // or else it would be the limiter that is out of order
			s.drain(clock, 60, random)
		}
		if s.refused > 10 {
			t.Errorf("seed %d: with clocks that are set, %d of 300 calls were refused", seed, s.refused)
		}
	}
}

// TestSeveralInstancesAreSurvived proves that where each call may reach another
// instance, with a counter, a window and a clock of its own, work goes on faster than
// one of them allows, and few calls are refused.
func TestSeveralInstancesAreSurvived(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 5))
		first, clock := newLimitedServer(random), &ServerClock{}
		instances := []*limitedServer{first}
		for range 2 {
			other := *first
			other.ahead += time.Duration(random.IntN(200)-100) * time.Millisecond
			other.since = other.since.Add(time.Duration(random.IntN(1000)) * time.Millisecond)
			instances = append(instances, &other)
		}
		begin := first.now
		now, done, refused := begin, 0, 0
		for done < 300 {
			s := instances[random.IntN(len(instances))]
			s.now = now
			answer := s.call()
			if answer.status == http.StatusOK {
				done++
			} else {
				refused++
			}
			now = s.now.Add(answer.rateLimit(clock).Wait + time.Duration(random.IntN(20))*time.Millisecond)
		}
		if took := now.Sub(begin); took > 58*time.Second || refused > 3 {
			t.Errorf("seed %d: 300 calls took %v, %d were refused", seed, took, refused)
		}
	}
}

// TestServerClock tells what is learned from a few answers.
func TestServerClock(t *testing.T) {
	t.Parallel()
	now := limiterNow()
	at := now.Add
	for name, test := range map[string]struct {
		learn func(*ServerClock)
		at    time.Duration
		want  time.Duration // until the server's clock is surely at 30 s
	}{
		"nothing": {func(*ServerClock) {}, 0, 30 * time.Second},
		"one answer leaves a second": {func(c *ServerClock) {
			c.learnDate(at(10*time.Second), at(0), at(0))
		}, 0, 20 * time.Second},
		"an answer at the beginning of a second leaves nothing": {func(c *ServerClock) {
			c.learnDate(at(10*time.Second), at(0), at(0))
			c.learnDate(at(11*time.Second), at(100*time.Millisecond), at(100*time.Millisecond))
		}, 100 * time.Millisecond, 19 * time.Second},
		"the way back is allowed for": {func(c *ServerClock) {
			c.learnDate(at(10*time.Second), at(0), at(300*time.Millisecond))
		}, 300 * time.Millisecond, 20 * time.Second},
		"a clock that was set ahead": {func(c *ServerClock) {
			c.learnDate(at(10*time.Second), at(0), at(0))
			c.learnDate(at(20*time.Second), at(0), at(0))
		}, 0, 10 * time.Second},
		"a clock that was set back": {func(c *ServerClock) {
			c.learnDate(at(20*time.Second), at(0), at(0))
			c.learnDate(at(10*time.Second), at(0), at(0))
		}, 0, 20 * time.Second},
		"the limiter knows its own clock": {func(c *ServerClock) {
			c.learnDate(at(20*time.Second), at(0), at(0))
			c.learnRefusal(at(30*time.Second), 25*time.Second, at(0), at(0))
			c.learnDate(at(20*time.Second), at(0), at(0))
		}, 0, 25 * time.Second},
		"a refusal that agrees narrows": {func(c *ServerClock) {
			c.learnDate(at(10*time.Second), at(0), at(0))
			c.learnRefusal(at(30*time.Second+300*time.Millisecond), 20*time.Second, at(0), at(0))
		}, 0, 19*time.Second + 700*time.Millisecond},
		"after a while, drift is allowed for": {func(c *ServerClock) {
			c.learnDate(at(10*time.Second), at(0), at(0))
		}, 10 * time.Second, 10*time.Second + 2*time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var clock ServerClock
			test.learn(&clock)
			if got := clock.until(at(30*time.Second), at(test.at)); got != test.want {
				t.Errorf("until = %v, want %v", got, test.want)
			}
		})
	}
}

// TestServerClocksForget proves that servers that are called no more cost nothing.
func TestServerClocksForget(t *testing.T) {
	t.Parallel()
	var clocks ServerClocks
	now := limiterNow()
	first := clocks.Of("first", now)
	if clocks.Of("first", now) != first {
		t.Error("clients of a server do not share its clock")
	}
	for i := range 100 {
		clocks.Of(fmt.Sprint(i), now.Add(time.Duration(i)*2*time.Hour))
	}
	if len(clocks.clocks) != 1 {
		t.Errorf("%d clocks are kept", len(clocks.clocks))
	}
}

// TestALimiterDoesNotMakeCodes has a limiter name times of another clock than the
// answers' Date: codes follow the Date.
func TestALimiterDoesNotMakeCodes(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) time.Time { return testNow().Add(d) }
	c := &ServerClock{}
	if got := c.Now(at(0)); !got.Equal(at(0)) {
		t.Errorf("nothing is known, and it is %v there at %v", got, at(0))
	}
	c.learnDate(at(time.Hour), at(0), at(0))
	c.learnRefusal(at(10*365*24*time.Hour), 90*time.Second, at(0), at(0))
	c.learnWindow(at(-time.Hour), at(0), true)
	if off := c.Now(at(time.Minute)).Sub(at(time.Hour + time.Minute)).Abs(); off > time.Second {
		t.Errorf("off by %v", off)
	}
}
