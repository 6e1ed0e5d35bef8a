package controllers

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// deviation is one choice that is not the usual one: at the point of that number,
// the alternative of that number is taken.
type deviation struct{ point, pick int }

// drawn is the pick of a deviation that is drawn when it is made.
const drawn = -1

// chooser makes the choices of one schedule. A schedule is the list of its
// deviations: everything else goes its usual way, which is alternative 0. So it
// can be repeated, and all schedules of so many deviations can be enumerated.
type chooser struct {
	planned []deviation // in order of points; a pick of any is drawn from random
	random  *rand.Rand

	widths []int       // the number of alternatives at each point met so far
	taken  []deviation // what was done
}

// choose returns the alternative to take. A point with one alternative is none.
func (c *chooser) choose(alternatives int) int {
	if alternatives < 2 {
		return 0
	}
	point, pick := len(c.widths), 0
	c.widths = append(c.widths, alternatives)
	if len(c.planned) > 0 && c.planned[0].point == point {
		if pick = c.planned[0].pick % alternatives; c.planned[0].pick == drawn {
			pick = 1 + c.random.IntN(alternatives-1)
		}
		c.planned = c.planned[1:]
	}
	if pick > 0 {
		c.taken = append(c.taken, deviation{point, pick})
	}
	return pick
}

// seed is a schedule as text, for repeating it.
func seed(scenario string, deviations []deviation) string {
	parts := make([]string, len(deviations))
	for i, d := range deviations {
		parts[i] = fmt.Sprintf("%d=%d", d.point, d.pick)
	}
	return scenario + ":" + strings.Join(parts, ",")
}

// parseSeed is the inverse of seed.
func parseSeed(text string) (scenario string, deviations []deviation, err error) {
	scenario, list, _ := strings.Cut(text, ":")
	for part := range strings.SplitSeq(list, ",") {
		if part == "" {
			continue
		}
		point, pick, _ := strings.Cut(part, "=")
		var d deviation
		if d.point, err = strconv.Atoi(point); err != nil {
			return "", nil, fmt.Errorf("seed %q: %w", text, err)
		}
		if d.pick, err = strconv.Atoi(pick); err != nil {
			return "", nil, fmt.Errorf("seed %q: %w", text, err)
		}
		deviations = append(deviations, d)
	}
	return scenario, deviations, nil
}

// exploration runs schedules of one scenario and keeps what they came to.
type exploration struct {
	scenario scenario
	limit    int // of schedules

	figures
	failed []string // seeds and what they broke, the first few
}

// figures are what schedules came to.
type figures struct {
	schedules, requests, crashes, posts, duplicates, succeeded, unconfirmed int
	points                                                                  int // of the longest schedule
}

func (f figures) String() string {
	return fmt.Sprintf("%d schedules, %d choices in the longest, %d requests, %d crashes, %d POSTs, %d duplicates, %d succeeded, %d unconfirmed",
		f.schedules, f.points, f.requests, f.crashes, f.posts, f.duplicates, f.succeeded, f.unconfirmed)
}

func (f figures) plus(other figures) figures {
	f.schedules += other.schedules
	f.requests += other.requests
	f.crashes += other.crashes
	f.posts += other.posts
	f.duplicates += other.duplicates
	f.succeeded += other.succeeded
	f.unconfirmed += other.unconfirmed
	f.points = max(f.points, other.points)
	return f
}

// maxFailures is how many failures of a scenario are reported.
const maxFailures = 5

func (e *exploration) done() bool {
	return e.schedules >= e.limit || len(e.failed) >= maxFailures
}

// run runs one schedule and returns its choices.
func (e *exploration) run(c *chooser) *chooser {
	w := newWorld(e.scenario, c)
	w.run()
	e.note(w)
	return c
}

// note keeps what a schedule came to.
func (e *exploration) note(w *world) {
	e.figures = e.plus(w.figures())
	if len(w.broken) > 0 {
		e.failed = append(e.failed, fmt.Sprintf("%s\n\t%s", seed(e.scenario.name, w.taken), strings.Join(w.broken, "\n\t")))
	}
}

// points is how many choices were made.
func (c *chooser) points() int { return len(c.widths) }

// all runs every schedule with at most depth deviations beyond the prefix, up to
// the limit. No two of them are the same.
func (e *exploration) all(prefix []deviation, depth int) {
	if e.done() {
		return
	}
	c := e.run(&chooser{planned: append([]deviation{}, prefix...)})
	if depth == 0 {
		return
	}
	first := 0
	if len(prefix) > 0 {
		first = prefix[len(prefix)-1].point + 1
	}
	for point := first; point < len(c.widths); point++ {
		for pick := 1; pick < c.widths[point]; pick++ {
			if e.done() {
				return
			}
			e.all(append(append([]deviation{}, prefix...), deviation{point, pick}), depth-1)
		}
	}
}

// some runs schedules at random that have more deviations than those that were
// enumerated, each of them once, up to the limit.
func (e *exploration) some(number uint64, beyond int) {
	known := map[string]bool{}
	length := e.run(&chooser{}).points()
	for try := uint64(0); !e.done(); try++ {
		c := randomChooser(rand.New(rand.NewPCG(number, try)), beyond+1, length)
		w := newWorld(e.scenario, c)
		w.run()
		if key := seed(e.scenario.name, c.taken); len(c.taken) > beyond && !known[key] {
			known[key] = true
			e.note(w)
		}
	}
}

// randomChooser plans at least so many deviations, most of them among the points
// of the usual way and some later.
func randomChooser(random *rand.Rand, least, length int) *chooser {
	points := map[int]bool{}
	for count := least + random.IntN(3); len(points) < count; {
		points[random.IntN(length+length/2)] = true
	}
	c := &chooser{random: random}
	for _, point := range slices.Sorted(maps.Keys(points)) {
		c.planned = append(c.planned, deviation{point, drawn})
	}
	return c
}
