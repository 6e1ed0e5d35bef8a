package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// inspection is the address that shows what happened.
type inspection struct {
	url    string
	server *http.Server
	done   chan struct{}
}

// account is what /users shows: which credentials an account has, never one of
// them.
type account struct {
	ID        string   `json:"id"`
	Username  string   `json:"username"`
	Roles     []string `json:"roles"`
	Federated bool     `json:"federated"`
	TOTP      bool     `json:"totp"`
	E2EKeys   bool     `json:"e2eKeys"`
	Tokens    int      `json:"tokens"`
}

// inspect starts to show the workspace. The address must be one of the loopback
// interface, because nobody has to log in.
func inspect(ctx context.Context, w *simulator.Workspace, address string) (*inspection, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("inspect address: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("inspect address %q is not one of the loopback interface", address)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for inspection: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /journal", func(rw http.ResponseWriter, _ *http.Request) { show(rw, redacted(w.Journal())) })
	mux.HandleFunc("GET /users", func(rw http.ResponseWriter, _ *http.Request) { show(rw, accounts(w.Users())) })
	i := &inspection{
		url:    "http://" + listener.Addr().String(),
		server: &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second},
		done:   make(chan struct{}),
	}
	go func() {
		defer close(i.done)
		_ = i.server.Serve(listener) // ends with close
	}()
	return i, nil
}

func (i *inspection) close() {
	_ = i.server.Close()
	<-i.done
}

func show(rw http.ResponseWriter, v any) {
	rw.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(rw)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(v) // the reader is gone
}

// redacted returns the journal without the credentials that requests carry.
func redacted(j simulator.Journal) simulator.Journal {
	for _, request := range j.Requests {
		for _, name := range []string{"X-Auth-Token", "X-2fa-Code", "Authorization", "Cookie"} {
			if request.Header.Get(name) != "" {
				request.Header.Set(name, "[redacted]")
			}
		}
	}
	return j
}

func accounts(users []simulator.User) []account {
	shown := make([]account, 0, len(users))
	for _, user := range users {
		shown = append(shown, account{
			ID: user.ID, Username: user.Username, Roles: user.Roles, Federated: user.Federated,
			TOTP: user.TOTP != nil, E2EKeys: user.E2E != nil, Tokens: len(user.Tokens),
		})
	}
	return shown
}
