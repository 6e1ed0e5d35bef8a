package simulator

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Options says how a workspace is set up. The zero value is a fresh workspace
// of release 8.6.1 without users. The workspace behaves like the release that
// its version names; one that ValidVersion does not accept counts as newest.
type Options struct {
	Version        string           // "8.6.1" if empty
	Clock          func() time.Time // time.Now if nil; the workspace has no other clock
	Users          []User
	Limit          Limit
	Settings       *Settings           // DefaultSettings if nil
	Roles          map[string][]string // permissions of each role; DefaultRoles if nil
	ForwardedCount int                 // HTTP_FORWARDED_COUNT: proxies whose X-Forwarded-For is believed
	SiteURL        string              // ROOT_URL, "http://localhost:3000" if empty
	WorkspaceHash  string              // the hash shown by /api/info; made from SiteURL if empty
}

// Limit is the default rate limit. As on the server it is read once, when the
// workspace starts.
type Limit struct {
	Calls    int           // 10 if zero
	Period   time.Duration // a minute if zero
	Disabled bool          // starts with API_Enable_Rate_Limiter off
}

// Interceptor stands between the network and the workspace. It may hold a
// request, drop it, answer it, or act after next has had its effect.
type Interceptor func(rw http.ResponseWriter, r *http.Request, next http.Handler)

// Workspace is a simulated Rocket.Chat workspace. All methods may be called at
// any time from any goroutine.
type Workspace struct {
	options Options
	era     era
	routes  map[string]route
	site    site
	limiter *limiter
	ledger  *ledger

	mu        sync.Mutex // guards what follows; never held while foreign code runs
	users     []*User
	settings  Settings
	intercept Interceptor
	fault     Fault
}

// New returns a workspace with the given options.
func New(o Options) *Workspace {
	if o.Version == "" {
		o.Version = "8.6.1"
	}
	if o.Clock == nil {
		o.Clock = time.Now //nolint:forbidigo // the default of the only clock
	}
	if o.Roles == nil {
		o.Roles = DefaultRoles()
	}
	settings := DefaultSettings()
	if o.Settings != nil {
		settings = *o.Settings
	}
	if o.Limit.Disabled {
		settings.RateLimiter = false
	}
	w := &Workspace{
		options:  o,
		era:      eraOf(o.Version),
		site:     newSite(o.SiteURL, o.WorkspaceHash),
		limiter:  newLimiter(o.Limit, o.Clock()),
		ledger:   newLedger(),
		settings: settings,
	}
	w.routes = w.table()
	for _, user := range o.Users {
		w.AddUser(user)
	}
	return w
}

// ServeHTTP answers one request and keeps it in the journal.
func (w *Workspace) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Date", w.now().UTC().Format(http.TimeFormat))
	x := w.arrive(rw, r)
	defer x.leave()
	w.mu.Lock()
	intercept := w.intercept
	w.mu.Unlock()
	if intercept == nil {
		w.serve(x, x.request)
		return
	}
	intercept(x, x.request, http.HandlerFunc(w.serve))
}

// Intercept installs an Interceptor in front of every request; nil removes it.
func (w *Workspace) Intercept(f Interceptor) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.intercept = f
}

// UpdateSettings changes settings at run time.
func (w *Workspace) UpdateSettings(f func(*Settings)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(&w.settings)
}

// Journal returns a copy of what happened so far.
func (w *Workspace) Journal() Journal {
	journal, _ := w.ledger.read()
	return journal
}

// Await returns nil once ok accepts the journal, and the context's error when
// it ends first. It looks at the journal now and after every entry.
func (w *Workspace) Await(ctx context.Context, ok func(Journal) bool) error {
	return w.ledger.await(ctx, ok)
}

func (w *Workspace) now() time.Time {
	return w.options.Clock()
}

func (w *Workspace) currentSettings() Settings {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.settings
}
