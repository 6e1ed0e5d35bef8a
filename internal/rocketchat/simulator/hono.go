package simulator

import (
	"net/http"
	"strings"
)

// corsDisabled is the answer to a browser that asks whether it may call.
const corsDisabled = `CORS not enabled. Go to "Admin > General > REST Api" to enable it.`

// serveHono is the server that tells the API by the path alone, before it looks
// at anything else.
func (w *Workspace) serveHono(rw http.ResponseWriter, r *http.Request) {
	path := strings.ToLower(r.URL.Path)
	switch {
	case path != "/api" && !strings.HasPrefix(path, "/api/"):
		w.serveWebClient(rw, r)
	case r.Method == http.MethodTrace:
		// The server never answers; only the client can end this.
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case r.Method == http.MethodOptions:
		serveOptions(rw, r)
	default:
		w.serveAPI(rw, r)
	}
}

// serveAPI answers a request below /api. HEAD is served as GET.
func (w *Workspace) serveAPI(rw http.ResponseWriter, r *http.Request) {
	route, known := w.routes[r.URL.Path]
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if !known || method != route.method {
		send(rw, r, http.StatusNotFound, plainText, []byte("404 Not Found"))
		return
	}
	c := w.newCall(rw, r)
	c.route = route
	c.run()
}

func serveOptions(rw http.ResponseWriter, r *http.Request) {
	const contentType = "text/plain;charset=UTF-8"
	if !isPreflight(r) {
		send(rw, r, http.StatusOK, contentType, []byte("OK"))
		return
	}
	send(rw, r, http.StatusMethodNotAllowed, contentType, []byte(corsDisabled))
}

func isPreflight(r *http.Request) bool {
	return r.Header.Get("Origin") != "" || r.Header.Get("Access-Control-Request-Method") != ""
}
