package main

import (
	"context"
	"fmt"
	"time"

	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// cost is what a waiting request costs the operator.
type cost struct {
	cpu    time.Duration
	memory float64 // KiB, beyond an operator at rest
}

// growth compares what a waiting request costs among few and among many.
func (b *bench) growth(ctx context.Context, name string) error {
	var first cost
	for i, count := range b.size.growth {
		c, err := b.waiting(ctx, count)
		if err != nil {
			return err
		}
		cpu := figure{Case: name, Name: fmt.Sprintf("CPU a request, %d waiting", count), Unit: "ms", Value: milliseconds(c.cpu)}
		memory := figure{Case: name, Name: fmt.Sprintf("memory a request, %d waiting", count), Unit: "KiB", Value: c.memory}
		if i == 0 {
			first = c
		} else {
			cpu, memory = lowerThan(1, cpu.toFloor(milliseconds(first.cpu))), lowerThan(1, memory.toFloor(first.memory))
		}
		b.add(cpu, memory)
	}
	return nil
}

// waiting has so many requests wait for the limiter.
func (b *bench) waiting(ctx context.Context, count int) (found cost, err error) {
	err = b.on(ctx, func(ctx context.Context, s *stage) error {
		c, err := s.chatOf(ctx, "operated", count, simulator.Limit{Calls: 10, Period: 2 * time.Minute})
		if err != nil {
			return err
		}
		operator, err := s.operate(ctx)
		if err != nil {
			return err
		}
		t, err := s.follow(ctx, nil)
		if err != nil {
			return err
		}
		before, err := s.atRest(ctx, operator)
		if err != nil {
			return err
		}
		if err := inParallel(count, func(i int) error { return s.kube.Create(ctx, c.requestOf(i)) }); err != nil {
			return err
		}
		if err := t.await(ctx, func() bool { return len(t.told) >= count-10 }); err != nil {
			return err
		}
		after, err := s.atRest(ctx, operator)
		if err != nil {
			return err
		}
		found = cost{cpu: (after.cpu - before.cpu) / time.Duration(count), memory: (after.memory - before.memory) * 1024 / float64(count)}
		return nil
	})
	return found, err
}
