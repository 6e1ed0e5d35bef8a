package main

import "time"

// sizes say how much is measured.
type sizes struct {
	latencies int // resets in a row
	limited   int // backlog at the fast limiter
	calls     int // of the limiters, per period
	fast      time.Duration
	slowly    int // backlog at the slow limiter
	slow      time.Duration
	exempt    int // backlog of an account without a limiter
	waiting   int // of workspace A, while B is used
	finished  int // finished requests, records and foreign Secrets
	growth    []int
	quiet     time.Duration // how long an operator at rest is watched
}

func full() sizes {
	return sizes{
		latencies: 200, limited: 300, calls: 10, fast: 2 * time.Second, slowly: 30, slow: time.Minute,
		exempt: 2000, waiting: 2000, finished: 10_000, growth: []int{1000, 3000, 10_000, 30_000}, quiet: 15 * time.Second,
	}
}

func smoke() sizes {
	return sizes{
		latencies: 10, limited: 25, calls: 5, fast: time.Second, slowly: 12, slow: 2 * time.Second,
		exempt: 50, waiting: 50, finished: 100, growth: []int{50, 150}, quiet: time.Second,
	}
}
