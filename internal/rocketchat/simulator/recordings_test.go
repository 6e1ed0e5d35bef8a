package simulator

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// recording is a file of vectors: what the handlers of one release did.
type recording struct {
	file     string
	version  string
	prefix   string    // of every vector's name
	at       time.Time // when it was made; its dates are relative to that
	least    int       // how many vectors must be replayed
	excluded map[string]string
}

// recordings names every file by its generation.
func recordings() map[string]recording {
	const (
		framing = "the server's parser finds rubbish after the body and tears the connection down, " +
			"while net/http sends the answer to the request it could frame before it looks further; the effect is the same"
		measured   = "the body carries measurements of the recording process"
		typedToken = "a token's record is typed here and cannot hold a string in place of the flag"
		remembered = "remembered authorisations are not kept, since no served route looks at them"
		oddHost    = "net/http refuses a malformed Host before any handler sees the request"
	)
	return map[string]recording{
		"H8": {
			file: "testdata/vectors-h8.json", version: "8.6.1", at: recordedAt(), least: 380,
			excluded: map[string]string{
				"T Content-Length shorter than the body (13 of 21)": framing,
				"T body but no Content-Length and not chunked":      framing,
				"Host header odd": oddHost,
				"readyz":          measured,
				"livez":           measured,
				"2FA PAT record with bypassTwoFactor \"true\" (string)": typedToken,
				"2FA remember-me on session ignored":                    remembered,
			},
		},
		"H7": {
			file: "testdata/vectors-h7.json", version: "7.7.1", prefix: "H7: ", least: 350,
			at: time.Date(2026, 11, 22, 10, 20, 10, 700_000_000, time.UTC),
			excluded: map[string]string{
				"T Content-Length shorter than the body (13 of 21)": framing,
				"T body but no Content-Length and not chunked":      framing,
				"E body but no Content-Length and not chunked":      framing,
				"Host header odd": oddHost,
				"2FA PAT record with bypassTwoFactor \"true\" (string)": typedToken,
			},
		},
	}
}

// recordedAt is when the vectors of H8 were recorded.
func recordedAt() time.Time {
	return time.Date(2026, 11, 22, 10, 3, 59, 500_000_000, time.UTC)
}

// read returns the vectors, their names without the prefix.
func (r recording) read(t *testing.T) vectorFile {
	t.Helper()
	raw, err := os.ReadFile(r.file)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields() // a key that nobody compares is a gap
	var file vectorFile
	if err := decoder.Decode(&file); err != nil {
		t.Fatal(err)
	}
	for i, v := range file.Vectors {
		name, ok := strings.CutPrefix(v.Name, r.prefix)
		if !ok {
			t.Errorf("vector %q of %s does not begin with %q", v.Name, r.file, r.prefix)
		}
		file.Vectors[i].Name = name
	}
	return file
}

// TestExclusions proves that every vector left out exists and says why, and
// that nothing is kept for a vector that does not exist.
func TestExclusions(t *testing.T) {
	t.Parallel()
	anywhere := map[string]bool{}
	for server, r := range recordings() {
		names := map[string]bool{}
		for _, v := range r.read(t).Vectors {
			if names[v.Name] {
				t.Errorf("two vectors of %s are named %q", server, v.Name)
			}
			names[v.Name], anywhere[v.Name] = true, true
		}
		for name, reason := range r.excluded {
			if !names[name] {
				t.Errorf("excluded vector %q of %s does not exist", name, server)
			}
			if len(strings.Fields(reason)) < 5 {
				t.Errorf("excluded vector %q of %s has no reason: %q", name, server, reason)
			}
		}
		t.Logf("%s: %d of %d vectors are replayed", server, len(names)-len(r.excluded), len(names))
	}
	for name := range preparations() {
		if !anywhere[name] {
			t.Errorf("prepared vector %q does not exist", name)
		}
	}
}

// TestRunTimeCodes proves that codes are made for exactly the vectors that need
// one.
func TestRunTimeCodes(t *testing.T) {
	t.Parallel()
	needed := map[string]bool{}
	for _, r := range recordings() {
		for _, v := range r.read(t).Vectors {
			for _, value := range v.Request.Headers {
				needed[v.Name] = needed[v.Name] || value == runTimeCode
			}
		}
	}
	codes := runTimeCodes()
	for name, needs := range needed {
		if _, ok := codes[name]; ok != needs {
			t.Errorf("vector %q: needs a code %v, has one %v", name, needs, ok)
		}
	}
	for name := range codes {
		if !needed[name] {
			t.Errorf("vector %q with a run-time code does not exist", name)
		}
	}
}
