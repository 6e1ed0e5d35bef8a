package main

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// limited drains a backlog at a limiter that lets calls pass again soon.
func (b *bench) limited(ctx context.Context, name string) error {
	return b.atLimit(ctx, name, b.size.limited, simulator.Limit{Calls: b.size.calls, Period: b.size.fast})
}

// slowlyLimited drains a backlog at a limiter such as a server has by default.
func (b *bench) slowlyLimited(ctx context.Context, name string) error {
	return b.atLimit(ctx, name, b.size.slowly, simulator.Limit{Calls: b.size.calls, Period: b.size.slow})
}

// atLimit compares a backlog with what the limiter allows: so many calls at the
// beginning of each period, the first of which begins with the first call.
func (b *bench) atLimit(ctx context.Context, name string, count int, limit simulator.Limit) error {
	return b.on(ctx, func(ctx context.Context, s *stage) error {
		c, err := s.chatOf(ctx, "operated", count, limit)
		if err != nil {
			return err
		}
		requests, err := s.drain(ctx, c, count)
		if err != nil {
			return err
		}
		events, err := s.awaitEvents(ctx, c, count)
		if err != nil {
			return err
		}
		counts, err := s.served()
		if err != nil {
			return err
		}
		took, calls := span(c), c.Journal().Requests
		periods := (count - 1) / limit.Calls
		allowed := time.Duration(periods) * limit.Period
		refused := 0
		for _, call := range calls {
			if call.Status == http.StatusTooManyRequests {
				refused++
			}
		}
		b.add(
			atLeast(0.98, figure{Case: name, Name: "resets per minute, first to last", Unit: "/min", Value: perMinute(count, took)}.toFloor(perMinute(count, allowed))),
			lowerThan(1, figure{Case: name, Name: "calls answered 429", Unit: "%", Value: 100 * float64(refused) / float64(len(calls))}),
			lowerThan(0, figure{Case: name, Name: "resets before an older request", Value: float64(disorder(c, requests))}),
			lowerThan(4, figure{Case: name, Name: "API writes per success", Value: float64(writesOf(counts)) / float64(count)}),
			lowerThan(1, figure{Case: name, Name: "events per success", Value: float64(events) / float64(count)}),
		)
		return nil
	})
}

// drain creates a backlog, starts the operator and waits until all is done.
func (s *stage) drain(ctx context.Context, c *chat, count int) ([]*v1alpha1.UserCredentialReset, error) {
	requests, err := s.createAll(ctx, c, count)
	if err != nil {
		return nil, err
	}
	t, err := s.follow(ctx, nil)
	if err != nil {
		return nil, err
	}
	if _, err := s.operate(ctx); err != nil {
		return nil, err
	}
	return requests, t.await(ctx, func() bool { return len(t.finished) == count })
}

// resets are the calls that reset somebody.
func resets(c *chat) []simulator.Request {
	return slices.DeleteFunc(c.Journal().Requests, func(call simulator.Request) bool {
		return call.Method != http.MethodPost || call.Status != http.StatusOK
	})
}

// span is the time from the first reset to the last.
func span(c *chat) time.Duration {
	calls := resets(c)
	return calls[len(calls)-1].Time.Sub(calls[0].Time)
}

func perMinute(count int, took time.Duration) float64 { return float64(count-1) / took.Minutes() }

// disorder counts resets that came before that of a request which is older by its
// creationTimestamp, which counts in seconds.
func disorder(c *chat, requests []*v1alpha1.UserCredentialReset) int {
	created := map[string]time.Time{}
	for i, request := range requests {
		created[personID(i)] = request.CreationTimestamp.Time
	}
	count := 0
	oldest := time.Time{}
	for _, call := range slices.Backward(resets(c)) {
		id := strings.TrimSuffix(strings.TrimPrefix(call.Body, `{"userId":"`), `"}`)
		if at := created[id]; oldest.IsZero() || at.Before(oldest) {
			oldest = at
		} else if at.After(oldest) {
			count++
		}
	}
	return count
}

// exempt compares a backlog on an account without a limiter with the bare program.
func (b *bench) exempt(ctx context.Context, name string) error {
	return b.on(ctx, func(ctx context.Context, s *stage) error {
		count := b.size.exempt
		plain, err := s.chatOf(ctx, "bare", count, simulator.Limit{})
		if err != nil {
			return err
		}
		requests, err := s.createAll(ctx, plain, count)
		if err != nil {
			return err
		}
		program := newBare(s.kube, plain)
		for _, request := range requests {
			if err := program.carryOut(ctx, request); err != nil {
				return err
			}
		}
		if err := s.kube.DeleteAllOf(ctx, &v1alpha1.UserCredentialReset{}, client.InNamespace("bare")); err != nil {
			return err
		}
		c, err := s.chatOf(ctx, "operated", count, simulator.Limit{})
		if err != nil {
			return err
		}
		if _, err := s.drain(ctx, c, count); err != nil {
			return err
		}
		b.add(atLeast(0.8, figure{Case: name, Name: "resets per minute, first to last", Unit: "/min", Value: perMinute(count, span(c))}.
			toFloor(perMinute(count, span(plain)))))
		return nil
	})
}

// neighbour resets somebody of one workspace after the other, while a backlog waits
// for another workspace's limiter.
func (b *bench) neighbour(ctx context.Context, name string) error {
	return b.on(ctx, func(ctx context.Context, s *stage) error {
		busy, err := s.chatOf(ctx, "busy", b.size.waiting, simulator.Limit{Calls: 10, Period: time.Minute})
		if err != nil {
			return err
		}
		if _, err := s.createAll(ctx, busy, b.size.waiting); err != nil {
			return err
		}
		count := b.size.latencies
		c, err := s.chatOf(ctx, "operated", count+1, simulator.Limit{})
		if err != nil {
			return err
		}
		t, err := s.begin(ctx)
		if err != nil {
			return err
		}
		// All wait: the first ten were reset, or are being reset.
		if err := t.await(ctx, func() bool { return len(t.told) >= b.size.waiting-10 }); err != nil {
			return err
		}
		if err := s.warmUp(ctx, t, c, count); err != nil {
			return err
		}
		took, err := s.inARow(ctx, t, c, count)
		if err != nil {
			return err
		}
		most := figure{Case: name, Name: "create → Finished, p99", Unit: "ms", Value: milliseconds(percentile(took, 0.99))}
		if b.idle != 0 {
			most = lowerThan(2, most.toFloor(milliseconds(b.idle))) // which is here the idle operator
		}
		b.add(most)
		return nil
	})
}
