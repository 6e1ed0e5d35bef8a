package command

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"
)

// Options are the command line, checked.
type Options struct {
	Kubeconfig       string
	Namespaces       []string // none means all
	LeaderElect      bool
	MetricsAddress   string
	ProbeAddress     string
	ProfileAddress   string // empty means none
	Allow, Deny      []netip.Prefix
	PlainHTTPAllowed bool
	Retention        time.Duration
	LogLevel         slog.Level
	LogFormat        string // "json" or "text"
	Version          bool   // print the version and end
}

// ParseFlags reads the command line. Usage goes to the writer; an error is one
// sentence.
func ParseFlags(args []string, usage io.Writer) (Options, error) {
	var opts Options
	var allow, deny, namespaces, level string
	flags := flag.NewFlagSet("credential-reset-operator", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&opts.Kubeconfig, "kubeconfig", "", "path of a kubeconfig file; without it, the pod's service account or the default kubeconfig is used")
	flags.StringVar(&namespaces, "watch-namespaces", "", "namespaces to watch, separated by commas; empty means all")
	flags.BoolVar(&opts.LeaderElect, "leader-elect", false, "let one of several replicas work at a time")
	flags.StringVar(&opts.MetricsAddress, "metrics-bind-address", ":8443", "address of the metrics endpoint, which asks for a token; 0 switches it off")
	flags.StringVar(&opts.ProbeAddress, "health-probe-bind-address", ":8081", "address of the health and ready probes; 0 switches them off")
	flags.StringVar(&opts.ProfileAddress, "pprof-bind-address", "", "address of Go's profiles, which asks for nothing: bind it to 127.0.0.1; empty switches it off")
	flags.StringVar(&allow, "allow-cidrs", "", "networks that may be called although they are loopback, link-local or denied, separated by commas")
	flags.StringVar(&deny, "deny-cidrs", "", "networks that may not be called, separated by commas")
	flags.BoolVar(&opts.PlainHTTPAllowed, "allow-plain-http", false, "let Secrets with allowPlainHTTP use http://, which sends tokens in clear")
	flags.DurationVar(&opts.Retention, "record-retention", 30*24*time.Hour, "how long records are kept after their last attempt and their notAfterTime")
	flags.StringVar(&level, "log-level", "info", "debug, info, warn or error")
	flags.StringVar(&opts.LogFormat, "log-format", "json", "json or text")
	flags.BoolVar(&opts.Version, "version", false, "print the version and end")
	if err := flags.Parse(args); err != nil {
		if err == flag.ErrHelp { //nolint:errorlint // package flag returns it bare
			flags.SetOutput(usage)
			flags.PrintDefaults()
			return Options{}, flag.ErrHelp
		}
		return Options{}, fmt.Errorf("%w; see --help", err)
	}
	if flags.NArg() > 0 {
		return Options{}, fmt.Errorf("unexpected argument %q; see --help", flags.Arg(0))
	}
	opts.Namespaces = split(namespaces)
	return opts.check(allow, deny, level)
}

func (o Options) check(allow, deny, level string) (Options, error) {
	var err error
	if o.Allow, err = parsePrefixes("--allow-cidrs", allow); err != nil {
		return Options{}, err
	}
	if o.Deny, err = parsePrefixes("--deny-cidrs", deny); err != nil {
		return Options{}, err
	}
	// Lower levels than these four would make libraries print what they receive.
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	var known bool
	if o.LogLevel, known = levels[strings.ToLower(level)]; !known {
		return Options{}, fmt.Errorf("--log-level must be debug, info, warn or error, not %q", level)
	}
	if o.LogFormat != "json" && o.LogFormat != "text" {
		return Options{}, fmt.Errorf("--log-format must be json or text, not %q", o.LogFormat)
	}
	if o.Retention < 0 {
		return Options{}, fmt.Errorf("--record-retention must not be negative")
	}
	return o, nil
}

func parsePrefixes(name, list string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for _, text := range split(list) {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%s must be networks such as 10.0.0.0/8, not %q", name, text)
		}
		prefixes = append(prefixes, prefix.Masked())
	}
	return prefixes, nil
}

func split(list string) []string {
	var parts []string
	for part := range strings.SplitSeq(list, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// Version is what the linker set, or what the Go tool stamped.
func Version(linked string) string {
	if linked != "" {
		return linked
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "unknown"
	}
	return info.Main.Version
}

// Revision is the commit that the linker set, or that the Go tool stamped.
func Revision(linked string) string {
	if linked != "" {
		return linked
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				return setting.Value
			}
		}
	}
	return "unknown"
}
