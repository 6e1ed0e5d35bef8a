package controllers

import (
	"flag"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
)

func TestMain(m *testing.M) {
	ctrllog.SetLogger(logr.Discard())
	m.Run()
}

var (
	exploreSchedules = flag.Int("explore.schedules", usualSchedules, "how many schedules of each scenario to run")
	exploreDepth     = flag.Int("explore.depth", 1, "enumerate all schedules of so many deviations before going on at random")
	exploreRandom    = flag.Uint64("explore.random", 1, "where the random schedules begin")
	exploreReplay    = flag.String("explore.replay", "", "repeat the schedule of this seed and tell what happens")
)

// TestEverySchedule drives the reconcilers, as they are, through schedules: first
// all with so many deviations from the usual way, then random ones with more.
func TestEverySchedule(t *testing.T) {
	t.Parallel()
	if *exploreReplay != "" {
		replay(t, *exploreReplay)
		return
	}
	var mu sync.Mutex
	var total figures
	t.Cleanup(func() { t.Logf("explored: %v", total) })
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			e := &exploration{scenario: s, limit: *exploreSchedules}
			depth := *exploreDepth
			if s.calm > 0 && wholeCalm {
				depth, e.limit = max(depth, s.calm), math.MaxInt
			}
			e.all(nil, depth)
			enumerated := e.schedules
			if s.calm == 0 {
				e.some(*exploreRandom, depth)
			}
			t.Logf("%s: %v; %d of them enumerated by at most %d deviations; %v", s.name, e.figures, enumerated, depth, time.Since(began).Round(time.Second))
			mu.Lock()
			total = total.plus(e.figures)
			mu.Unlock()
			for _, failed := range e.failed {
				t.Errorf("repeat it with -explore.replay=%s", failed)
			}
		})
	}
}

func replay(t *testing.T, text string) {
	t.Helper()
	name, deviations, err := parseSeed(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scenarios() {
		if s.name != name {
			continue
		}
		w := newWorld(s, &chooser{planned: deviations})
		w.trace = func(line string) { fmt.Println(line) }
		w.run()
		for _, broken := range w.broken {
			t.Error(broken)
		}
		return
	}
	t.Fatalf("no scenario is called %q", name)
}
