package main

import (
	"context"
	"time"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// inARow creates requests one after the other, each when the one before is seen
// finished, and returns how long each took.
func (s *stage) inARow(ctx context.Context, t *tracker, c *chat, count int) ([]time.Duration, error) {
	var took []time.Duration
	for i := range count {
		request := c.requestOf(i)
		began := time.Now()
		if err := s.kube.Create(ctx, request); err != nil {
			return nil, err
		}
		ended, err := t.awaitFinished(ctx, request)
		if err != nil {
			return nil, err
		}
		took = append(took, ended.Sub(began))
	}
	return took, nil
}

// latency compares how long a reset takes an idle operator with how long it takes the
// bare program, one after the other on the same control plane.
func (b *bench) latency(ctx context.Context, name string) error {
	return b.on(ctx, func(ctx context.Context, s *stage) error {
		count := b.size.latencies
		floor, err := s.bareLatencies(ctx, count)
		if err != nil {
			return err
		}
		c, err := s.chatOf(ctx, "operated", count+1, simulator.Limit{})
		if err != nil {
			return err
		}
		t, err := s.begin(ctx)
		if err != nil {
			return err
		}
		if err := s.warmUp(ctx, t, c, count); err != nil {
			return err
		}
		before, err := s.served()
		if err != nil {
			return err
		}
		took, err := s.inARow(ctx, t, c, count)
		if err != nil {
			return err
		}
		events, err := s.awaitEvents(ctx, c, count+1)
		if err != nil {
			return err
		}
		after, err := s.served()
		if err != nil {
			return err
		}
		b.idle = percentile(took, 0.99)
		half, most := "create → Finished, p50", "create → Finished, p99"
		b.add(
			lowerThan(1.5, figure{Case: name, Name: half, Unit: "ms", Value: milliseconds(percentile(took, 0.5))}.toFloor(milliseconds(percentile(floor, 0.5)))),
			lowerThan(3, figure{Case: name, Name: most, Unit: "ms", Value: milliseconds(b.idle)}.toFloor(milliseconds(percentile(floor, 0.99)))),
			lowerThan(3, figure{Case: name, Name: "API writes per success", Value: float64(writesOf(after)-writesOf(before)) / float64(count)}),
			lowerThan(1, figure{Case: name, Name: "events per success", Value: float64(events) / float64(count+1)}),
		)
		return nil
	})
}

// warmUp has one reset done, so that the workspace has been probed.
func (s *stage) warmUp(ctx context.Context, t *tracker, c *chat, last int) error {
	request := c.requestOf(last)
	if err := s.kube.Create(ctx, request); err != nil {
		return err
	}
	_, err := t.awaitFinished(ctx, request)
	return err
}

// awaitEvents waits until the API server has got the events of so many successes,
// which are written after the fact, and returns how many it has.
func (s *stage) awaitEvents(ctx context.Context, c *chat, successes int) (int, error) {
	for {
		events, err := s.eventsOf(ctx, c.namespace)
		if err != nil || events >= successes {
			return events, err
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// bareLatencies are those of the bare program.
func (s *stage) bareLatencies(ctx context.Context, count int) ([]time.Duration, error) {
	c, err := s.chatOf(ctx, "bare", count, simulator.Limit{})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	requests := make(chan *v1alpha1.UserCredentialReset, count)
	t, err := s.follow(ctx, requests)
	if err != nil {
		return nil, err
	}
	failed := make(chan error, 1)
	go func() {
		failed <- newBare(s.kube, c).serve(ctx, requests)
		cancel()
	}()
	took, err := s.inARow(ctx, t, c, count)
	if err != nil {
		select {
		case cause := <-failed:
			return nil, cause
		default:
		}
	}
	return took, err
}
