package simulator

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
)

// keptBody is how much of a request's body the journal keeps.
const keptBody = 64 << 10

// exchange is one request and its answer on their way through the workspace.
// It is the ResponseWriter that handlers see, so that the journal knows the
// status before the client does.
type exchange struct {
	http.ResponseWriter

	workspace *Workspace
	request   *http.Request
	index     int // of the request in the journal
	body      *recordedBody
	answered  bool
	hijacked  bool
}

func (w *Workspace) arrive(rw http.ResponseWriter, r *http.Request) *exchange {
	// A server of Rocket.Chat's kind answers while the body is still on its
	// way. Recorders in tests do not know this and need not.
	_ = http.NewResponseController(rw).EnableFullDuplex()
	body := r.Body
	if body == nil {
		body = http.NoBody
	}
	header := r.Header.Clone()
	header.Del("User-Agent")
	index := w.ledger.arrived(Request{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Header: header, Time: w.now(),
	})
	x := &exchange{ResponseWriter: rw, workspace: w, index: index}
	x.body = &recordedBody{ReadCloser: body, exchange: x}
	request := *r
	request.Body = x.body
	x.request = &request
	return x
}

// leave reads what nobody read, so that the journal shows every body whole, and
// marks the request as finished. It runs also when a handler breaks off.
func (x *exchange) leave() {
	// A client that asked for leave to send its body and did not get it sends
	// nothing, so there is nothing to wait for.
	if !x.hijacked && !x.body.ended && x.request.Header.Get("Expect") == "" {
		_, _ = io.Copy(io.Discard, x.body)
	}
	x.update(func(r *Request) { r.Finished = true })
}

func (x *exchange) update(f func(*Request)) {
	x.workspace.ledger.write(func(j *Journal) { f(&j.Requests[x.index]) })
}

// WriteHeader notes the status and passes it on.
func (x *exchange) WriteHeader(status int) {
	x.note(status)
	x.ResponseWriter.WriteHeader(status)
}

// Write passes a part of the answer on.
func (x *exchange) Write(p []byte) (int, error) {
	x.note(http.StatusOK)
	return x.ResponseWriter.Write(p)
}

// note keeps the first final status.
func (x *exchange) note(status int) {
	if x.answered || status < http.StatusOK {
		return
	}
	x.answered = true
	x.update(func(r *Request) { r.Status = status })
}

// Flush sends what was written so far.
func (x *exchange) Flush() {
	x.note(http.StatusOK)
	_ = http.NewResponseController(x.ResponseWriter).Flush()
}

// Hijack hands the connection over.
func (x *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffer, err := http.NewResponseController(x.ResponseWriter).Hijack()
	x.hijacked = err == nil
	return conn, buffer, err
}

// Unwrap lets http.ResponseController reach the server's own writer.
func (x *exchange) Unwrap() http.ResponseWriter {
	return x.ResponseWriter
}

// recordedBody is a request's body that notes in the journal how it ended.
type recordedBody struct {
	io.ReadCloser

	exchange *exchange
	kept     []byte
	size     int64
	ended    bool
}

// Read reads from the body.
func (b *recordedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.size += int64(n)
	b.kept = append(b.kept, p[:min(n, keptBody-len(b.kept))]...)
	if err == nil || b.ended {
		return n, err
	}
	b.ended = true
	b.exchange.update(func(r *Request) {
		r.Body, r.BodySize = string(b.kept), b.size
		if !errors.Is(err, io.EOF) {
			r.BodyError = err.Error()
		}
	})
	return n, err
}
