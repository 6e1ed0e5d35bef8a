package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"strconv"
)

// plainText is the content type of what Hono answers by itself.
const plainText = "text/plain; charset=UTF-8"

// reply is an answer of the API. Only what the action's own wrapper answers
// forbids caching and shows the limits.
type reply struct {
	status      int
	body        any    // sent as JSON
	text        string // sent instead if not empty
	contentType string // of the text
	fromAction  bool
}

// failure is the body of a refusal.
type failure struct {
	Success   bool   `json:"success"`
	Error     string `json:"error"`
	ErrorType string `json:"errorType,omitempty"`
	Details   any    `json:"details,omitempty"`
}

// success is the body of an action that returns nothing.
type success struct {
	Success bool `json:"success"`
}

// exception is an error that shows nothing but its text.
type exception string

// Error returns the text.
func (e exception) Error() string { return string(e) }

// refusal is an error that the server raises on purpose. Any other error comes
// from a lower layer and shows nothing but its message.
type refusal struct {
	code    string
	reason  string
	details any
}

// Error returns the text that goes into the answer.
func (r *refusal) Error() string {
	if r.reason == "" {
		return fmt.Sprintf("[%s]", r.code)
	}
	return fmt.Sprintf("%s [%s]", r.reason, r.code)
}

func (c *call) write(answer *reply) {
	if c.bodyError != nil {
		c.breakOff()
		return
	}
	if answer.fromAction {
		forbidCaching(c.rw)
		maps.Copy(c.rw.Header(), c.limits)
	}
	if answer.text != "" {
		send(c.rw, c.r, answer.status, answer.contentType, []byte(answer.text))
		return
	}
	send(c.rw, c.r, answer.status, "application/json", encode(answer.body))
}

func forbidCaching(rw http.ResponseWriter) {
	rw.Header().Set("Cache-Control", "no-store")
	rw.Header().Set("Pragma", "no-cache")
}

// send writes an answer. The server sends all of them in chunks. One that comes
// before the request's body has a length instead, because the last chunk would
// have to wait until the rest of the body is read.
func send(rw http.ResponseWriter, r *http.Request, status int, contentType string, body []byte) {
	rw.Header().Set("Content-Type", contentType)
	early := false
	if pending, ok := r.Body.(*recordedBody); ok {
		early = !pending.ended && r.ContentLength != 0
	}
	if early {
		rw.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	rw.WriteHeader(status)
	// If the client is gone, the effect stays.
	_, _ = rw.Write(body) //nolint:gosec // pages are fixed texts, and all else is JSON
	_ = http.NewResponseController(rw).Flush()
}

// breakOff ends a call whose body never arrived whole. The action has had its
// effect by now, but the connection is beyond an answer: after a time-out the
// server just closes it, otherwise it sends a bare 400.
func (c *call) breakOff() {
	if errors.Is(c.bodyError, os.ErrDeadlineExceeded) {
		panic(http.ErrAbortHandler)
	}
	if x, ok := c.rw.(*exchange); ok {
		x.note(http.StatusBadRequest)
	}
	conn, _, err := http.NewResponseController(c.rw).Hijack()
	if err != nil {
		c.rw.WriteHeader(http.StatusBadRequest)
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
	_ = conn.Close()
}

// encode returns v as JSON. What the routes answer can always be encoded.
func encode(v any) []byte {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(fmt.Sprintf("simulator: encode %T: %v", v, err))
	}
	return bytes.TrimRight(buffer.Bytes(), "\n")
}
