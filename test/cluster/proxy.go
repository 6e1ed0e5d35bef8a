package cluster

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"

	"k8s.io/client-go/rest"
)

// Hook stands between an operator and its API server. It may hold a request, drop
// it, answer it, or act after next has passed it on and had its answer.
type Hook func(rw http.ResponseWriter, r *http.Request, next http.Handler)

// Proxy stands between an operator and its API server. All methods may be called
// at any time from any goroutine. Close it after use.
type Proxy struct {
	URL string // of the API server, as the operator sees it

	server *httptest.Server

	mu    sync.Mutex
	hook  Hook
	holds map[*hold]bool
}

// hold keeps answers back until it is released.
type hold struct {
	match    func(*http.Request) bool
	released chan struct{}
}

// StartProxy starts a proxy in front of the API server. It passes everything on
// until told otherwise.
func (c *Cluster) StartProxy() (*Proxy, error) {
	target, err := url.Parse(c.Config.Host)
	if err != nil {
		return nil, err
	}
	// The operator's own token passes through: the proxy adds no identity.
	transport, err := rest.TransportFor(rest.AnonymousClientConfig(c.Config))
	if err != nil {
		return nil, fmt.Errorf("make a transport to the API server: %w", err)
	}
	p := &Proxy{holds: map[*hold]bool{}}
	silent := log.New(io.Discard, "", 0) // broken connections are the point
	upstream := &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:      transport,
		FlushInterval:  -1, // events of watches must not wait for company
		ErrorLog:       silent,
		ModifyResponse: p.keepBack,
	}
	p.server = httptest.NewUnstartedServer(p.handler(upstream))
	p.server.Config.ErrorLog = silent
	// Without TLS, no client would send its token.
	p.server.StartTLS()
	p.URL = p.server.URL
	return p, nil
}

// Kubeconfig writes a kubeconfig for the operator's ServiceAccount that leads
// through the proxy, and returns its path.
func (p *Proxy) Kubeconfig(ctx context.Context, c *Cluster) (string, error) {
	return c.writeKubeconfig(ctx, p.URL, p.Authority())
}

// Authority is the certificate, in PEM, that the proxy shows itself with.
func (p *Proxy) Authority() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw})
}

// Close breaks every connection off and stops listening.
func (p *Proxy) Close() {
	p.server.CloseClientConnections()
	p.server.Close()
}

// Disconnect breaks every connection off, also those on which watches run.
func (p *Proxy) Disconnect() { p.server.CloseClientConnections() }

// Intercept puts a hook in front of every request; nil removes it.
func (p *Proxy) Intercept(hook Hook) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hook = hook
}

// Hold keeps back what the API server answers to the requests that match, also on
// watches that run already, until release is called. Nothing is lost and nothing
// changes its place.
func (p *Proxy) Hold(match func(*http.Request) bool) (release func()) {
	h := &hold{match: match, released: make(chan struct{})}
	p.mu.Lock()
	p.holds[h] = true
	p.mu.Unlock()
	return sync.OnceFunc(func() {
		p.mu.Lock()
		delete(p.holds, h)
		p.mu.Unlock()
		close(h.released)
	})
}

// ListsAndWatches matches what fills an operator's cache of a resource, such as
// "usercredentialresets", and nothing else.
func ListsAndWatches(resource string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/"+resource)
	}
}

func (p *Proxy) handler(upstream http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		hook := p.hook
		p.mu.Unlock()
		if hook == nil {
			upstream.ServeHTTP(rw, r)
			return
		}
		hook(rw, r, upstream)
	})
}

// keepBack makes an answer wait for the holds that match its request.
func (p *Proxy) keepBack(response *http.Response) error {
	response.Body = &heldBody{ReadCloser: response.Body, proxy: p, request: response.Request}
	return nil
}

// await returns when no hold matches the request any more, or when nobody waits
// for its answer.
func (p *Proxy) await(r *http.Request) error {
	for {
		h := p.holdOf(r)
		if h == nil {
			return nil
		}
		select {
		case <-h.released:
		case <-r.Context().Done():
			return r.Context().Err()
		}
	}
}

func (p *Proxy) holdOf(r *http.Request) *hold {
	p.mu.Lock()
	defer p.mu.Unlock()
	for h := range p.holds {
		if h.match(r) {
			return h
		}
	}
	return nil
}

// heldBody is an answer of which nothing is handed on while it is held.
type heldBody struct {
	io.ReadCloser

	proxy   *Proxy
	request *http.Request
}

// Read reads from the answer, and then waits.
func (b *heldBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if waited := b.proxy.await(b.request); waited != nil {
		return 0, errors.Join(waited, err)
	}
	return n, err
}
