package simulator

import (
	"net/http"
	"slices"
	"strings"
)

// serveProbes answers the three paths that tell whether the server is well.
func serveProbes(rw http.ResponseWriter, r *http.Request) bool {
	path := strings.ToLower(r.URL.Path)
	if !slices.Contains([]string{"/health", "/livez", "/readyz"}, path) {
		return false
	}
	ok := map[string]any{"status": "ok"}
	body := ok
	if path != "/health" {
		body = map[string]any{"status": "ok", "checks": map[string]any{
			"memory":    map[string]any{"status": "ok", "percentile": 2.96},
			"eventLoop": map[string]any{"status": "ok", "lagMs": 15.04},
			"mongo":     ok,
		}}
	}
	respondHealth(rw, "application/json", encode(body))
	return true
}

// serveHealth answers the one path that there was before.
func serveHealth(rw http.ResponseWriter, r *http.Request) bool {
	path := strings.ToLower(r.URL.Path)
	if path != "/health" && !strings.HasPrefix(path, "/health/") {
		return false
	}
	respondHealth(rw, "text/plain", []byte("ok"))
	return true
}

func respondHealth(rw http.ResponseWriter, contentType string, body []byte) {
	rw.Header().Set("Cache-Control", "no-cache, no-store, must-revalidate")
	rw.Header().Set("Pragma", "no-cache")
	rw.Header().Set("Expires", "0")
	rw.Header().Set("Content-Type", contentType)
	_, _ = rw.Write(body) // if the client is gone, nothing is lost
}
