package controllers

import (
	"context"
	"sync"
)

// passes counts the passes in flight and lets none begin once stopped.
type passes struct {
	mu      sync.Mutex
	stopped bool
	flying  int
	idle    chan struct{} // closed when stopped and none is flying
}

func newPasses() *passes { return &passes{idle: make(chan struct{})} }

// begin says whether a pass may begin; if so, end must follow.
func (p *passes) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return false
	}
	p.flying++
	return true
}

func (p *passes) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flying--
	if p.stopped && p.flying == 0 {
		close(p.idle)
	}
}

// stop lets no pass begin any more.
func (p *passes) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.stopped {
		p.stopped = true
		if p.flying == 0 {
			close(p.idle)
		}
	}
}

// wait returns when the last pass has ended after stop, or with the context.
func (p *passes) wait(ctx context.Context) error {
	select {
	case <-p.idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
