package simulator

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Paths of the two routes that reset something.
const (
	PathResetTOTP   = "/api/v1/users.resetTOTP"
	PathResetE2EKey = "/api/v1/users.resetE2EKey"
)

// Kinds of Reset.
const (
	ResetTOTP   = "TOTP"
	ResetE2EKey = "E2EKey"
)

// Journal is what happened in a workspace, each list in order of time.
type Journal struct {
	Requests   []Request
	Resets     []Reset
	LogOuts    []string // ids of the users whose tokens were wiped
	Mails      []Mail
	Broadcasts []Broadcast
	RoomKeys   []string // ids of the users whose rooms' keys were dropped

	BackupCodes []string // ids of the users of whom a backup code was used up
}

// Request is one request that arrived. Its header lacks the user agent, which
// says nothing about conduct.
type Request struct {
	Method    string
	Path      string
	Query     string
	Header    http.Header
	Body      string // at most the first 64 KiB
	BodySize  int64
	BodyError string // why the body could not be read to its end
	Time      time.Time
	Status    int  // zero: no answer, or not yet
	Finished  bool // the workspace is done with it
}

// Reset is one update that was carried out on a user's record.
type Reset struct {
	Kind      string // ResetTOTP or ResetE2EKey
	UserID    string // the target
	CallerID  string
	Own       bool // the target is the caller
	Effective bool // the record held something to remove
	Time      time.Time
}

// Mail is one message handed over for delivery.
type Mail struct {
	To       string
	Subject  string // the key of the translated text, or the text where it is fixed
	Language string // empty where the text is fixed
	UserID   string
}

// Broadcast is an event sent to the users' open sessions.
type Broadcast struct {
	Event  string
	UserID string
}

// ResetsOf counts the resets carried out on a user, whoever asked.
func (j Journal) ResetsOf(userID string) int {
	count := 0
	for _, reset := range j.Resets {
		if reset.UserID == userID {
			count++
		}
	}
	return count
}

// OwnResets counts the resets that hit the caller itself.
func (j Journal) OwnResets() int {
	count := 0
	for _, reset := range j.Resets {
		if reset.Own {
			count++
		}
	}
	return count
}

// Posts counts the requests to reset something that arrived, whatever became
// of them.
func (j Journal) Posts() int {
	count := 0
	for _, request := range j.Requests {
		if request.Method == http.MethodPost && (request.Path == PathResetTOTP || request.Path == PathResetE2EKey) {
			count++
		}
	}
	return count
}

func (j Journal) clone() Journal {
	requests := make([]Request, len(j.Requests))
	for i, request := range j.Requests {
		request.Header = maps.Clone(request.Header)
		for name, values := range request.Header {
			request.Header[name] = slices.Clone(values)
		}
		requests[i] = request
	}
	return Journal{
		Requests:   requests,
		Resets:     slices.Clone(j.Resets),
		LogOuts:    slices.Clone(j.LogOuts),
		Mails:      slices.Clone(j.Mails),
		Broadcasts: slices.Clone(j.Broadcasts),
		RoomKeys:   slices.Clone(j.RoomKeys),

		BackupCodes: slices.Clone(j.BackupCodes),
	}
}

// ledger is the journal while it is being written. Its lock is never held
// while foreign code runs.
type ledger struct {
	mu      sync.Mutex
	journal Journal
	changed chan struct{} // closed and replaced by every entry
}

func newLedger() *ledger {
	return &ledger{changed: make(chan struct{})}
}

// write lets f change the journal and wakes those who wait for a change.
func (l *ledger) write(f func(*Journal)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.journal)
	close(l.changed)
	l.changed = make(chan struct{})
}

// read returns a copy of the journal and a channel that is closed when the
// copy is out of date.
func (l *ledger) read() (Journal, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.journal.clone(), l.changed
}

// arrived appends a request and returns its index.
func (l *ledger) arrived(request Request) int {
	index := 0
	l.write(func(j *Journal) {
		index = len(j.Requests)
		j.Requests = append(j.Requests, request)
	})
	return index
}

// await returns once ok accepts the journal, or with the context's error.
func (l *ledger) await(ctx context.Context, ok func(Journal) bool) error {
	for {
		journal, changed := l.read()
		if ok(journal) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
