package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// bench holds what all cases share, and what was measured so far.
type bench struct {
	dir, binary string
	size        sizes
	figures     []figure
	idle        time.Duration // 99th percentile of an idle operator's latency
}

// measured is a case. Those after the first compare with it.
type measured struct {
	name string
	run  func(*bench, context.Context, string) error
}

func cases() []measured {
	return []measured{
		{"idle latency", (*bench).latency},
		{"backlog at a limiter", (*bench).limited},
		{"backlog at a slow limiter", (*bench).slowlyLimited},
		{"backlog without a limiter", (*bench).exempt},
		{"beside a backlog", (*bench).neighbour},
		{"start on an empty cluster", (*bench).startEmpty},
		{"start on a full cluster", (*bench).startFull},
		{"growth", (*bench).growth},
	}
}

// measure runs the cases whose name contains the text, and prints each figure when it
// is known. What compares with the idle latency has that measured too.
func (b *bench) measure(ctx context.Context, only string) error {
	fmt.Println(tableHead)
	for _, c := range cases() {
		if !strings.Contains(c.name, only) {
			continue
		}
		fmt.Fprintln(os.Stderr, "bench:", c.name)
		if err := c.run(b, ctx, c.name); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

func (b *bench) add(figures ...figure) {
	for _, f := range figures {
		fmt.Println(f.line())
	}
	b.figures = append(b.figures, figures...)
}

// on runs a part of a case on a control plane of its own.
func (b *bench) on(ctx context.Context, do func(context.Context, *stage) error) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := b.open(ctx)
	if err != nil {
		return err
	}
	defer func() {
		cancel() // an API server waits for its watches to end
		err = errors.Join(err, s.close())
	}()
	return do(ctx, s)
}
