package controllers

import (
	"sync"
	"time"
)

// sightings remembers since when this process has seen an attempt open, on its
// own monotonic clock: another process's stamps say nothing about its life.
type sightings struct {
	mu    sync.Mutex
	first map[string]sighting // by name of the record
}

type sighting struct {
	attemptID string
	at        time.Time
}

func newSightings() *sightings { return &sightings{first: map[string]sighting{}} }

// since is how long the attempt has been seen open, now being the time by this
// machine's clock.
func (s *sightings) since(record, attemptID string, now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, ok := s.first[record]
	if !ok || seen.attemptID != attemptID {
		seen = sighting{attemptID: attemptID, at: now}
		s.first[record] = seen
	}
	return now.Sub(seen.at)
}

func (s *sightings) forget(record string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.first, record)
}
