package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
)

// started runs the command and returns the two addresses that it prints.
func started(t *testing.T, args ...string) (workspace, inspect string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, args, writer)
		_ = writer.CloseWithError(err)
		ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	line, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(line)
	if len(words) != 4 || words[0] != "workspace" || words[2] != "inspect" {
		t.Fatalf("printed %q", line)
	}
	return words[1], words[3]
}

func get(t *testing.T, client *http.Client, url string, header map[string]string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// trusting returns a client that accepts the authority in the file.
func trusting(t *testing.T, caFile string) *http.Client {
	t.Helper()
	pem, err := os.ReadFile(caFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatalf("no certificate in %q", pem)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestServesTheWorkspaceAndWhatItWentThrough(t *testing.T) {
	t.Parallel()
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	workspace, inspect := started(t, "--ca-file", caFile)
	client := trusting(t, caFile)

	token := simulator.TokenFor(simulator.SampleBotID, simulator.TokenPAT)
	status, body := get(t, client, workspace+"/api/v1/me", map[string]string{
		"X-User-Id": simulator.SampleBotID, "X-Auth-Token": token,
	})
	if status != http.StatusOK || !strings.Contains(body, simulator.SampleBotName) {
		t.Errorf("me: %d %s", status, body)
	}

	_, journal := get(t, client, inspect+"/journal", nil)
	var seen simulator.Journal
	if err := json.Unmarshal([]byte(journal), &seen); err != nil {
		t.Fatal(err)
	}
	if len(seen.Requests) != 1 || seen.Requests[0].Path != "/api/v1/me" || seen.Requests[0].Status != http.StatusOK {
		t.Errorf("journal: %s", journal)
	}
	_, users := get(t, client, inspect+"/users", nil)
	var shown []account
	if err := json.Unmarshal([]byte(users), &shown); err != nil {
		t.Fatal(err)
	}
	want := account{
		ID: simulator.SampleAliceID, Username: "alice", Roles: []string{"user"}, TOTP: true, E2EKeys: true, Tokens: 2,
	}
	if diff := cmp.Diff(want, shown[1]); diff != "" {
		t.Errorf("second user (-want +got):\n%s", diff)
	}
	for _, secret := range []string{token, simulator.TokenHash(token), simulator.SampleTOTPSecret} {
		if strings.Contains(journal+users, secret) {
			t.Errorf("the inspection shows %q", secret)
		}
	}
}

func TestServesPlainHTTPWithItsOwnLimit(t *testing.T) {
	t.Parallel()
	workspace, _ := started(t, "--plain-http", "--limit-calls", "1", "--limit-period", "1h")
	header := map[string]string{
		"X-User-Id": simulator.SampleBotID, "X-Auth-Token": simulator.TokenFor(simulator.SampleBotID, simulator.TokenPAT),
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}
	var got []int
	for range 2 {
		status, _ := get(t, client, workspace+"/api/v1/me", header)
		got = append(got, status)
	}
	if diff := cmp.Diff([]int{http.StatusOK, http.StatusTooManyRequests}, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

func TestServesAsAnotherReleaseDoes(t *testing.T) {
	t.Parallel()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	for version, want := range map[string]string{
		"6.13.0": `{"status":"error","message":"You must be logged in to do this."}`,
		"7.7.1": `{"success":false,"error":"You must be logged in to do this.",` +
			`"status":"error","message":"You must be logged in to do this."}`,
	} {
		workspace, _ := started(t, "--plain-http", "--server-version", version)
		_, body := get(t, &http.Client{Transport: transport}, workspace+"/api/v1/me", nil)
		if diff := cmp.Diff(want, body); diff != "" {
			t.Errorf("%s (-want +got):\n%s", version, diff)
		}
	}
}

func TestRefusesWhatItCannotServe(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"a limit of nothing":                        {"--limit-calls", "0"},
		"a certificate without TLS":                 {"--plain-http", "--ca-file", "ca.pem"},
		"an argument":                               {"serve"},
		"a version that names no release":           {"--server-version", "latest"},
		"an unknown flag":                           {"--nonsense"},
		"an inspection open to the network":         {"--inspect-address", "0.0.0.0:0"},
		"an inspection address without port":        {"--inspect-address", "127.0.0.1"},
		"an address that is none":                   {"--listen-address", "nowhere"},
		"a certificate file in a missing directory": {"--ca-file", filepath.Join(t.TempDir(), "missing", "ca.pem")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := run(t.Context(), args, io.Discard); err == nil {
				t.Error("no error")
			}
		})
	}
}
