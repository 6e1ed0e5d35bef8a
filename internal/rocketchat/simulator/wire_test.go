package simulator

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// answer is what came back over the connection; status 0 means nothing did.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) headers() map[string]string {
	headers := map[string]string{}
	for name := range a.header {
		headers[strings.ToLower(name)] = a.header.Get(name)
	}
	return headers
}

// send makes a call that comes before the vector's own.
func (s *scene) send(request vectorRequest) {
	s.t.Helper()
	s.exchange(request, "")
}

// exchange writes a request as it is recorded and returns what comes back.
func (s *scene) exchange(request vectorRequest, words string) answer {
	s.t.Helper()
	arrivals := len(s.workspace.Journal().Requests) + 1
	var dialer net.Dialer
	conn, err := dialer.DialContext(s.t.Context(), "tcp", strings.TrimPrefix(s.server.URL, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	head, body := request.Raw, ""
	if head == "" {
		head, body = s.bytes(request, words)
	}
	written := make(chan error, 1)
	go func() {
		buffer := bufio.NewWriter(conn)
		_, err := io.Copy(buffer, io.MultiReader(strings.NewReader(head), strings.NewReader(body)))
		written <- errors.Join(err, buffer.Flush())
	}()
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		s.t.Fatalf("connection of type %T", conn)
	}
	switch {
	case strings.HasSuffix(words, ": destroy"), strings.HasSuffix(words, ": rst"):
		s.await(func(j Journal) bool { return len(j.Requests) >= arrivals })
		if strings.HasSuffix(words, ": rst") {
			err = tcp.SetLinger(0)
		}
		if err := errors.Join(err, <-written, conn.Close()); err != nil {
			s.t.Fatal(err)
		}
		return answer{}
	case strings.HasSuffix(words, ": fin"), request.Method == http.MethodTrace:
		s.await(func(j Journal) bool { return len(j.Requests) >= arrivals })
		if err := errors.Join(<-written, tcp.CloseWrite()); err != nil {
			s.t.Fatal(err)
		}
	}
	return s.receive(conn, request.Method)
}

func (s *scene) receive(conn net.Conn, method string) answer {
	s.t.Helper()
	reader := bufio.NewReader(conn)
	for {
		response, err := http.ReadResponse(reader, &http.Request{Method: method})
		if errors.Is(err, io.ErrUnexpectedEOF) && reader.Buffered() == 0 {
			return answer{} // closed without a byte
		}
		if err != nil {
			s.t.Fatalf("read the answer: %v", err)
		}
		body, err := io.ReadAll(response.Body)
		if err := errors.Join(err, response.Body.Close()); err != nil {
			s.t.Fatalf("read the answer's body: %v", err)
		}
		if response.StatusCode >= http.StatusOK {
			return answer{status: response.StatusCode, header: response.Header, body: string(body)}
		}
	}
}

// bytes builds the request with the very header lines of the recording.
func (s *scene) bytes(request vectorRequest, words string) (head, body string) {
	s.t.Helper()
	if request.Body != nil {
		body = whole(s.t, *request.Body)
	}
	if strings.Contains(words, "base64 in body") {
		decoded, err := base64.StdEncoding.DecodeString(body)
		if err != nil {
			s.t.Fatal(err)
		}
		body = string(decoded)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", request.Method, request.Path)
	if _, ok := request.Headers["Host"]; !ok {
		b.WriteString("Host: localhost:3000\r\n")
	}
	for _, name := range slices.Sorted(maps.Keys(request.Headers)) {
		for _, value := range values(request.Headers[name]) {
			if value == runTimeCode {
				value = s.code()
			}
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	b.WriteString("\r\n")
	if request.Headers["Transfer-Encoding"] == "chunked" {
		body = fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	} else if length, ok := request.Headers["Content-Length"]; ok && values(length)[0] != strconv.Itoa(len(body)) {
		s.t.Fatalf("body of %d bytes, content length %v", len(body), length)
	}
	return b.String(), body
}

func values(header any) []string {
	switch header := header.(type) {
	case string:
		return []string{header}
	case float64:
		return []string{strconv.FormatFloat(header, 'f', -1, 64)}
	case []any:
		var lines []string
		for _, line := range header {
			lines = append(lines, fmt.Sprint(line))
		}
		return lines
	default:
		return nil
	}
}

// whole undoes the shortening of long bodies: they are filled up with the
// character they show before the ellipsis.
func whole(t *testing.T, body string) string {
	t.Helper()
	parts := regexp.MustCompile(`^((?s:.*))…\((\d+)` + regexp.QuoteMeta(shortened) + `$`).FindStringSubmatch(body)
	if parts == nil {
		return body
	}
	total, err := strconv.Atoi(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	shown := parts[1]
	tail := `"}`
	if strings.TrimSpace(shown) == "" {
		tail = `{"userId":"tgtAlice"}`
	}
	return shown + strings.Repeat(shown[len(shown)-1:], total-len(shown)-len(tail)) + tail
}

func (s *scene) code() string {
	s.t.Helper()
	code := runTimeCodes()[s.vector.Name]
	if code == nil {
		s.t.Fatal("nobody says which code was sent")
	}
	return code(s)
}

func (s *scene) awaitFinished(requests int) {
	s.t.Helper()
	s.await(func(j Journal) bool { return len(j.Requests) >= requests && j.Requests[requests-1].Finished })
}

func (s *scene) await(ok func(Journal) bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	if err := s.workspace.Await(ctx, ok); err != nil {
		s.t.Fatalf("await: %v", err)
	}
}
