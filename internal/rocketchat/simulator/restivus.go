package simulator

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// maxConnectBody is how much of a body the parsers before Hono take.
const maxConnectBody = 50 << 20

// restivusMethods are the methods that every route of the API answers, if only
// to say that it does not know them.
func restivusMethods() []string {
	return []string{
		http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
	}
}

// serveRestivus is the server before Hono. Every body is read before anybody
// asks which path it is for, and what no route serves is the web client's.
func (w *Workspace) serveRestivus(rw http.ResponseWriter, r *http.Request) {
	path, within := strings.CutPrefix(r.URL.Path, w.site.prefix)
	if !within {
		w.serveWebClient(rw, r)
		return
	}
	c := w.newCall(rw, r)
	if refusal := c.readConnectBody(); refusal != nil {
		c.write(refusal)
		return
	}
	route, known := w.routes[path]
	switch {
	case !known || !slices.Contains(restivusMethods(), r.Method):
		w.serveWebClient(rw, r)
	case r.Method == http.MethodOptions:
		c.serveRestivusOptions()
	case r.Method != route.method:
		rw.Header().Set("Allow", route.method+", "+http.MethodOptions)
		c.write(&reply{status: http.StatusMethodNotAllowed, body: struct {
			Status  string `json:"status"`
			Message string `json:"message"`
		}{"error", "API endpoint does not exist"}, fromAction: true})
	default:
		c.route = route
		c.run()
	}
}

func (c *call) serveRestivusOptions() {
	forbidCaching(c.rw)
	c.rw.Header()["Content-Type"] = nil // the server sends none
	if !isPreflight(c.r) {
		c.rw.WriteHeader(http.StatusOK)
		return
	}
	c.rw.WriteHeader(http.StatusMethodNotAllowed)
	_, _ = c.rw.Write([]byte(corsDisabled))
}

// readConnectBody parses what says that it is JSON or a form, and refuses what
// it cannot read. A body of any other type is left alone, whatever it holds:
// for the reset routes that means the caller itself.
func (c *call) readConnectBody() *reply {
	c.params = map[string]any{}
	kind, _, _ := strings.Cut(c.r.Header.Get("Content-Type"), ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	form := kind == "application/x-www-form-urlencoded"
	if !form && kind != "application/json" || c.r.ContentLength == 0 {
		return nil
	}
	raw, err := c.readAll()
	switch {
	case err != nil:
		return errorPage(http.StatusBadRequest, "Bad Request")
	case len(raw) > maxConnectBody:
		return errorPage(http.StatusRequestEntityTooLarge, "Payload Too Large")
	case form:
		c.params, _ = parseQuery(string(raw), false)
		return nil
	}
	value, ok := strictJSON(raw)
	if !ok {
		return errorPage(http.StatusBadRequest, "Bad Request")
	}
	c.params = properties(value)
	return nil
}

// strictJSON reads an object or a list, the only values that the parser takes.
// An empty body is an empty object.
func strictJSON(raw []byte) (any, bool) {
	raw = bytes.TrimPrefix(raw, []byte(byteOrderMark))
	if len(raw) == 0 {
		return map[string]any{}, true
	}
	start := bytes.TrimLeft(raw, " \t\r\n")
	if len(start) == 0 || start[0] != '{' && start[0] != '[' {
		return nil, false
	}
	var value any
	err := json.Unmarshal(raw, &value)
	return value, err == nil
}

// errorPage is what the middleware around the parsers answers.
func errorPage(status int, text string) *reply {
	return &reply{status: status, contentType: "text/html; charset=utf-8", text: "<!DOCTYPE html>\n" +
		"<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Error</title>\n</head>\n" +
		"<body>\n<pre>" + text + "</pre>\n</body>\n</html>\n"}
}
