package controllers

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// probeStamp says what a probe was made with.
type probeStamp struct {
	secretVersion string
	generation    int64
}

// probes remembers the last probe of each workspace, by this machine's clock. The
// zero value is ready.
type probes struct {
	mu   sync.Mutex
	last map[types.NamespacedName]lastProbe
}

type lastProbe struct {
	stamp probeStamp
	at    time.Time
}

// repeats says whether the workspace was probed with the same Secret and spec
// before.
func (p *probes) repeats(workspace types.NamespacedName, stamp probeStamp) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	last, probed := p.last[workspace]
	return probed && last.stamp == stamp
}

// pause is how long to wait until the next probe with the same Secret and spec.
func (p *probes) pause(workspace types.NamespacedName, stamp probeStamp, now time.Time) time.Duration {
	if !p.repeats(workspace, stamp) {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, probePause-now.Sub(p.last[workspace].at))
}

func (p *probes) note(workspace types.NamespacedName, stamp probeStamp, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last == nil {
		p.last = map[types.NamespacedName]lastProbe{}
	}
	p.last[workspace] = lastProbe{stamp: stamp, at: now}
}

func (p *probes) forget(workspace types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.last, workspace)
}
