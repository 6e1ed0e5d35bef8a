package simulator

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// ServeOptions says how a workspace is put on the network. The zero value
// listens on a free port of 127.0.0.1 with TLS.
type ServeOptions struct {
	Address     string        // "127.0.0.1:0" if empty
	PlainHTTP   bool          // no TLS
	Hosts       []string      // further names and addresses for the certificate
	BodyTimeout time.Duration // how long a stalled body is waited for; two minutes if zero, as on the server
}

// Server is a workspace on the network.
type Server struct {
	URL string // base URL, without trailing slash
	CA  []byte // certificate of the authority in PEM; empty without TLS

	server *http.Server
	done   chan struct{}
}

// Serve starts to listen and to answer. It speaks HTTP/1.1 only, as the server
// does.
func Serve(w *Workspace, o ServeOptions) (*Server, error) {
	if o.Address == "" {
		o.Address = "127.0.0.1:0"
	}
	if o.BodyTimeout == 0 {
		o.BodyTimeout = 2 * time.Minute
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	s := &Server{URL: "http://" + listener.Addr().String(), done: make(chan struct{})}
	if !o.PlainHTTP {
		host, _, _ := net.SplitHostPort(listener.Addr().String())
		authority, certificate, err := newCertificate(append([]string{host, "localhost", "127.0.0.1", "::1"}, o.Hosts...))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("make a certificate: %w", err), listener.Close())
		}
		s.URL, s.CA = "https://"+listener.Addr().String(), authority
		listener = tls.NewListener(listener, &tls.Config{
			Certificates: []tls.Certificate{certificate}, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12,
		})
	}
	s.server = &http.Server{
		Handler:     w,
		ReadTimeout: o.BodyTimeout,
		ErrorLog:    log.New(io.Discard, "", 0), // broken connections are the point
	}
	go func() {
		defer close(s.done)
		_ = s.server.Serve(listener) // ends with Close
	}()
	return s, nil
}

// Close breaks every connection off and stops listening.
func (s *Server) Close() {
	_ = s.server.Close()
	<-s.done
}
