package controllers

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/reset"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat"
)

// FuzzAnswerToResult sends arbitrary bytes to the real client in answer to a reset,
// and proves what is recorded of the attempt: a success and a refusal only if the
// bytes say so, and otherwise a loss, because there was a connection.
func FuzzAnswerToResult(f *testing.F) {
	const jsonType = "Content-Type: application/json\r\n\r\n"
	for _, answer := range []string{
		"", "HTTP/1.1 200 OK\r\n" + jsonType + `{"success":true}`, "HTTP/1.1 502 Bad\r\n" + jsonType + `{"success":true}`,
		"HTTP/1.1 400 Bad\r\n" + jsonType + `{"success":false,"errorType":"error-invalid-user"}`,
		"HTTP/1.1 400 Bad\r\n" + jsonType + `{"success":false,"error":"a fault"}`,
		"HTTP/1.1 400 Bad\r\n" + jsonType + `{"errorType":"error-invalid-user"}`,
		"HTTP/1.1 400 Bad\r\n" + jsonType + `{"success":true,"errorType":"error-invalid-user"}`,
		"HTTP/1.1 401 No\r\n" + jsonType + `{"status":"error","message":"You must be logged in to do this."}`,
		"HTTP/1.1 403 No\r\n" + jsonType + `{"success":false,"errorType":"error-unauthorized"}`,
		"HTTP/1.1 429 No\r\n" + jsonType + `{"success":false,"error":"You must wait 7 seconds [error-too-many-requests]"}`,
		"HTTP/1.1 400 Bad\r\nContent-Type: text/html\r\n\r\n" + `{"success":false,"errorType":"error-invalid-user"}`,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + jsonType + "10\r\n{\"success\":true}\r\n0\r\n\r\n",
		"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 17\r\n" + jsonType + `{"success":true}`,
	} {
		f.Add([]byte(answer))
	}
	var answer atomic.Pointer[[]byte]
	connection, err := rocketchat.ParseConnection(map[string][]byte{
		"url": []byte("http://" + answerEach(f, &answer)), "allowPlainHTTP": []byte("true"), "userId": []byte("bot"), "authToken": []byte("token"),
	}, true)
	if err != nil {
		f.Fatal(err)
	}
	options := rocketchat.Options{
		Policy: rocketchat.DialPolicy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, Now: time.Now,
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		answer.Store(&raw)
		chat := rocketchat.New(connection, options)
		defer chat.Close()
		result := reset.Classify(answerOf(chat.ResetTOTP(t.Context(), rocketchat.Reset{UserID: "alice", Timeout: time.Minute})))
		status, said := saidBy(raw)
		switch result.Result {
		case v1alpha1.AttemptSucceeded:
			if status != 200 || said["success"] != true {
				t.Errorf("a success: %q", raw)
			}
		case v1alpha1.AttemptRefused:
			if !provesRefusal(status, said) {
				t.Errorf("refused because of %s: %q", result.Reason, raw)
			}
		case v1alpha1.AttemptUnconfirmed:
		case v1alpha1.AttemptNotSent:
			t.Errorf("%s because of %s: %q", result.Result, result.Reason, raw)
		}
	})
}

// answerEach answers every request with the bytes of the moment and hangs up. It
// returns its address.
func answerEach(f *testing.F, answer *atomic.Pointer[[]byte]) string {
	f.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 64<<10))
			_, _ = conn.Write(*answer.Load())
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}

// saidBy is what a plain reader makes of the bytes: a status and a JSON object,
// nil if there is none.
func saidBy(raw []byte) (int, map[string]any) {
	reader := bufio.NewReader(bytes.NewReader(raw))
	for {
		response, err := http.ReadResponse(reader, &http.Request{Method: http.MethodPost})
		if err != nil {
			return 0, nil
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil {
			return 0, nil
		}
		if response.StatusCode >= 100 && response.StatusCode < 200 {
			continue
		}
		mediaType, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
		if err != nil || mediaType != "application/json" || response.Header.Get("Content-Encoding") != "" {
			return response.StatusCode, nil
		}
		var said map[string]any
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.UseNumber()
		if decoder.Decode(&said) != nil || decoder.More() {
			return response.StatusCode, nil
		}
		return response.StatusCode, said
	}
}

// provesRefusal is the closed list of proofs, told here in another way than in the
// code.
func provesRefusal(status int, said map[string]any) bool {
	const login = "You must be logged in to do this."
	if status == 401 {
		return said["success"] == false && said["error"] == login || said["status"] == "error" && said["message"] == login
	}
	code, _ := said["errorType"].(string)
	text, _ := said["error"].(string)
	limited := code == "error-too-many-requests" || code == "" && strings.HasSuffix(text, "[error-too-many-requests]")
	known := map[int][]string{
		400: {
			"error-not-allowed", "error-two-factor-not-enabled", "error-invalid-user", "invalid-user", "error-user-param-not-provided",
			"invalid-params", "error-invalid-params", "totp-required", "totp-invalid", "totp-max-attempts", "totp-user-not-found",
			"error-email-send-failed",
		},
		403: {"error-unauthorized", "error-not-allowed"},
		429: {},
	}
	codes, provable := known[status]
	return said["success"] == false && provable && (slices.Contains(codes, code) || status != 403 && limited)
}
