package command

import (
	"bytes"
	"errors"
	"flag"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// defaults are the options of an empty command line.
func defaults() Options {
	return Options{
		MetricsAddress: ":8443",
		ProbeAddress:   ":8081",
		Retention:      30 * 24 * time.Hour,
		LogLevel:       slog.LevelInfo,
		LogFormat:      "json",
	}
}

func prefixes(texts ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

// TestParseFlags proves what each flag sets.
func TestParseFlags(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		want func(*Options) // what differs from the defaults
	}{
		"nothing given": {want: func(*Options) {}},
		"kubeconfig":    {args: []string{"--kubeconfig=/tmp/config"}, want: func(o *Options) { o.Kubeconfig = "/tmp/config" }},
		"a value as an argument of its own": {
			args: []string{"--kubeconfig", "/tmp/config"},
			want: func(o *Options) { o.Kubeconfig = "/tmp/config" },
		},
		"one hyphen instead of two": {
			args: []string{"-kubeconfig", "/tmp/config"},
			want: func(o *Options) { o.Kubeconfig = "/tmp/config" },
		},
		"one namespace": {args: []string{"--watch-namespaces=a"}, want: func(o *Options) { o.Namespaces = []string{"a"} }},
		"namespaces with blanks and empty places": {
			args: []string{"--watch-namespaces= a, b ,,"},
			want: func(o *Options) { o.Namespaces = []string{"a", "b"} },
		},
		"empty list of namespaces": {args: []string{"--watch-namespaces="}, want: func(*Options) {}},
		"leader election":          {args: []string{"--leader-elect"}, want: func(o *Options) { o.LeaderElect = true }},
		"no leader election":       {args: []string{"--leader-elect=false"}, want: func(*Options) {}},
		"address of the metrics":   {args: []string{"--metrics-bind-address=0"}, want: func(o *Options) { o.MetricsAddress = "0" }},
		"address of the probes": {
			args: []string{"--health-probe-bind-address=127.0.0.1:1"},
			want: func(o *Options) { o.ProbeAddress = "127.0.0.1:1" },
		},
		"allowed networks": {
			args: []string{"--allow-cidrs=127.0.0.0/8,::1/128"},
			want: func(o *Options) { o.Allow = prefixes("127.0.0.0/8", "::1/128") },
		},
		"denied networks, one of them not masked": {
			args: []string{"--deny-cidrs", "10.1.2.3/8, fd00::/8"},
			want: func(o *Options) { o.Deny = prefixes("10.0.0.0/8", "fd00::/8") },
		},
		"plain HTTP":    {args: []string{"--allow-plain-http"}, want: func(o *Options) { o.PlainHTTPAllowed = true }},
		"retention":     {args: []string{"--record-retention=36h"}, want: func(o *Options) { o.Retention = 36 * time.Hour }},
		"no retention":  {args: []string{"--record-retention=0s"}, want: func(o *Options) { o.Retention = 0 }},
		"log level":     {args: []string{"--log-level=debug"}, want: func(o *Options) { o.LogLevel = slog.LevelDebug }},
		"level in caps": {args: []string{"--log-level=WARN"}, want: func(o *Options) { o.LogLevel = slog.LevelWarn }},
		"errors only":   {args: []string{"--log-level=error"}, want: func(o *Options) { o.LogLevel = slog.LevelError }},
		"text log":      {args: []string{"--log-format=text"}, want: func(o *Options) { o.LogFormat = "text" }},
		"json log":      {args: []string{"--log-format=json"}, want: func(*Options) {}},
		"version":       {args: []string{"--version"}, want: func(o *Options) { o.Version = true }},
		"the last of two wins": {
			args: []string{"--log-level=debug", "--log-level=warn"},
			want: func(o *Options) { o.LogLevel = slog.LevelWarn },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var usage bytes.Buffer
			got, err := ParseFlags(test.args, &usage)
			if err != nil {
				t.Fatalf("ParseFlags(%q) = %v", test.args, err)
			}
			want := defaults()
			test.want(&want)
			if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
				t.Errorf("ParseFlags(%q) (-want +got):\n%s", test.args, diff)
			}
			if usage.Len() > 0 {
				t.Errorf("ParseFlags(%q) printed %q", test.args, usage.String())
			}
		})
	}
}

// TestParseFlagsRefuses proves that what cannot be meant ends with one sentence
// that names the flag, and without options.
func TestParseFlagsRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		want []string // parts of the sentence
	}{
		"unknown flag":                   {[]string{"--dry-run"}, []string{"dry-run", "see --help"}},
		"flag without its value":         {[]string{"--kubeconfig"}, []string{"kubeconfig", "see --help"}},
		"no boolean":                     {[]string{"--leader-elect=maybe"}, []string{"leader-elect", "maybe", "see --help"}},
		"no duration":                    {[]string{"--record-retention=30d"}, []string{"record-retention", "30d", "see --help"}},
		"negative retention":             {[]string{"--record-retention=-1h"}, []string{"--record-retention"}},
		"extra argument":                 {[]string{"--leader-elect", "true"}, []string{`unexpected argument "true"`, "see --help"}},
		"argument after the terminator":  {[]string{"--", "--version"}, []string{`unexpected argument "--version"`}},
		"allowed network without length": {[]string{"--allow-cidrs=127.0.0.1"}, []string{"--allow-cidrs", "127.0.0.1"}},
		"allowed network with zone":      {[]string{"--allow-cidrs=fe80::1%eth0/64"}, []string{"--allow-cidrs"}},
		"denied network too long":        {[]string{"--deny-cidrs=10.0.0.0/33"}, []string{"--deny-cidrs", "10.0.0.0/33"}},
		"second of two networks wrong":   {[]string{"--deny-cidrs=10.0.0.0/8,host/8"}, []string{"--deny-cidrs", `"host/8"`}},
		"unknown level":                  {[]string{"--log-level=trace"}, []string{"--log-level", "trace", "debug, info, warn or error"}},
		"empty level":                    {[]string{"--log-level="}, []string{"--log-level"}},
		"unknown format":                 {[]string{"--log-format=xml"}, []string{"--log-format", "xml", "json or text"}},
		"format in caps":                 {[]string{"--log-format=JSON"}, []string{"--log-format"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var usage bytes.Buffer
			got, err := ParseFlags(test.args, &usage)
			if err == nil || errors.Is(err, flag.ErrHelp) {
				t.Fatalf("ParseFlags(%q) = %v, want a refusal", test.args, err)
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("ParseFlags(%q) = %q, want it to say %q", test.args, err, part)
				}
			}
			if strings.Contains(err.Error(), "\n") || usage.Len() > 0 {
				t.Errorf("ParseFlags(%q) = %q and printed %q, want one sentence", test.args, err, usage.String())
			}
			if diff := cmp.Diff(Options{}, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("ParseFlags(%q) also returned options (-want +got):\n%s", test.args, diff)
			}
		})
	}
}

// TestHelp proves that help names every flag and is no failure of its own kind.
func TestHelp(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"long":                {"--help"},
		"short":               {"-h"},
		"after another flag":  {"--leader-elect", "--help"},
		"before what is junk": {"--help", "--dry-run"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var usage bytes.Buffer
			got, err := ParseFlags(args, &usage)
			if !errors.Is(err, flag.ErrHelp) {
				t.Fatalf("ParseFlags(%q) = %v, want flag.ErrHelp", args, err)
			}
			if diff := cmp.Diff(Options{}, got); diff != "" {
				t.Errorf("options (-want +got):\n%s", diff)
			}
			for _, name := range []string{
				"kubeconfig", "watch-namespaces", "leader-elect", "metrics-bind-address", "health-probe-bind-address", "pprof-bind-address",
				"allow-cidrs", "deny-cidrs", "allow-plain-http", "record-retention", "log-level", "log-format", "version",
			} {
				if !strings.Contains(usage.String(), "-"+name) {
					t.Errorf("the usage does not name --%s:\n%s", name, usage.String())
				}
			}
		})
	}
}

// TestVersion proves that the linker's version goes before what the Go tool
// stamped.
func TestVersion(t *testing.T) {
	t.Parallel()
	if got := Version("1.2.3"); got != "1.2.3" {
		t.Errorf("Version = %q, want the linked one", got)
	}
	if got := Version(""); got == "" {
		t.Error("Version is empty, want what the Go tool stamped or a word")
	}
	if got := Revision("0123abc"); got != "0123abc" {
		t.Errorf("Revision = %q, want the linked one", got)
	}
	if got := Revision(""); got == "" {
		t.Error("Revision is empty, want what the Go tool stamped or a word")
	}
}
