package simulator

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// webClient stands for the page that the server sends for every path that is
// not its API's.
const webClient = "<!DOCTYPE html>\n<html><head><!-- BOILERPLATE STUB --></head><body></body></html>"

// site is where the workspace believes itself to be.
type site struct {
	url    string // without trailing slash
	host   string
	prefix string // path of the URL, empty for none
	hash   string
}

func newSite(address, hash string) site {
	if address == "" {
		address = "http://localhost:3000"
	}
	address = strings.TrimSuffix(address, "/")
	s := site{url: address, hash: hash}
	if parsed, err := url.Parse(address); err == nil {
		s.host, s.prefix = parsed.Host, parsed.Path
	}
	if s.hash == "" {
		s.hash = hexDigest(s.host)
	}
	return s
}

// serve answers a request: the redirect of Force_SSL comes first, then health,
// then the API and the web client.
func (w *Workspace) serve(rw http.ResponseWriter, r *http.Request) {
	switch {
	case w.currentSettings().ForceSSL && !isLocal(r) && !isSecure(r):
		host, _, _ := strings.Cut(r.Host, ":")
		rw.Header().Set("Location", "https://"+host+r.RequestURI)
		rw.WriteHeader(http.StatusFound)
	case w.era.health(rw, r):
	default:
		w.era.serve(w, rw, r)
	}
}

// serveWebClient answers what is outside the API: a page for every GET, no
// matter which path.
func (w *Workspace) serveWebClient(rw http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, w.site.prefix) {
		rw.Header()["Content-Type"] = nil // the server sends none
		rw.WriteHeader(http.StatusNotFound)
		_, _ = rw.Write([]byte("Unknown path"))
		return
	}
	switch {
	case r.Method == http.MethodGet, r.Method == http.MethodHead, w.era.pageForEveryMethod:
		send(rw, r, http.StatusOK, "text/html; charset=utf-8", []byte(webClient))
	case r.Method == http.MethodOptions:
		rw.Header().Set("Allow", "OPTIONS, GET, HEAD")
	default:
		rw.Header().Set("Allow", "OPTIONS, GET, HEAD")
		rw.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func isLocal(r *http.Request) bool {
	local := func(address string) bool {
		return slices.Contains([]string{"127.0.0.1", "::1"}, strings.TrimSpace(address))
	}
	forwarded := joined(r, "X-Forwarded-For")
	if forwarded == "" {
		return local(remoteHost(r))
	}
	notLocal := func(address string) bool { return !local(address) }
	return local(remoteHost(r)) && !slices.ContainsFunc(strings.Split(forwarded, ","), notLocal)
}

// isSecure believes the proxy's header. It also looks at the connection: a
// workspace served with TLS stands for a server and the proxy before it.
func isSecure(r *http.Request) bool {
	return r.TLS != nil || strings.Contains(joined(r, "X-Forwarded-Proto"), "https")
}
