package rocketchat

import (
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
)

const maxURLLength = 1024

// ServerOf is the scheme, host and port of a base URL, "" if it is none.
func ServerOf(base string) string {
	parsed, err := url.Parse(base)
	if err != nil || parsed.Host == "" {
		return ""
	}
	return parsed.Scheme + "://" + parsed.Host
}

// parseURL returns the workspace's base URL in the one spelling that it has: it
// is compared with those of other workspaces, to tell whether two requests mean
// the same user.
func parseURL(data map[string][]byte, plainHTTPAllowed bool) (*url.URL, error) {
	fail := func(problem string) (*url.URL, error) {
		return nil, &ConnectionError{Key: KeyURL, Problem: problem}
	}
	text := strings.TrimSpace(string(data[KeyURL]))
	if text == "" {
		return fail(`is missing: set it to the workspace's URL, such as "https://chat.example.com"`)
	}
	if len(text) > maxURLLength {
		return fail("is too long")
	}
	parsed, err := url.Parse(text)
	if err != nil || parsed.Hostname() == "" || parsed.Opaque != "" {
		return fail(`is not a URL such as "https://chat.example.com"`)
	}
	if holdsMore(parsed) || strings.Contains(text, "#") {
		return fail("must have no user, query or fragment")
	}
	if err := checkScheme(parsed.Scheme, data, plainHTTPAllowed); err != nil {
		return nil, err
	}
	host, ok := cleanHost(parsed)
	if !ok {
		return fail("has a host or port that cannot be called: spell the host in ASCII letters, digits, dots and hyphens, or as an address")
	}
	trimmed, ok := cleanPath(parsed)
	if !ok {
		return fail("has a path that is not clean: leave out empty and dot segments and percent-encoding")
	}
	return &url.URL{Scheme: parsed.Scheme, Host: host, Path: trimmed}, nil
}

// holdsMore says whether there are parts that do not belong to the location of a
// server: they would either carry a secret or change what is called.
func holdsMore(parsed *url.URL) bool {
	return parsed.User != nil || parsed.RawQuery != "" || parsed.ForceQuery || parsed.Fragment != ""
}

// cleanHost is the host in lower case, with the port unless it is the scheme's
// own. What is shown to people is what is dialled, so there is no other alphabet
// and no encoding in it.
func cleanHost(parsed *url.URL) (string, bool) {
	host := strings.ToLower(parsed.Hostname())
	if strings.HasPrefix(parsed.Host, "[") {
		address, err := netip.ParseAddr(host)
		if err != nil || address.Zone() != "" {
			return "", false
		}
		host = "[" + address.String() + "]"
	} else if strings.ContainsFunc(host, notInName) {
		return "", false
	}
	if parsed.Port() == "" {
		return host, true
	}
	port, err := strconv.ParseUint(parsed.Port(), 10, 16)
	if err != nil || port == 0 {
		return "", false
	}
	if (parsed.Scheme == "https" && port == 443) || (parsed.Scheme == "http" && port == 80) {
		return host, true
	}
	return host + ":" + strconv.FormatUint(port, 10), true
}

func notInName(r rune) bool {
	return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789.-_", r)
}

// cleanPath is the path without the slash at its end.
func cleanPath(parsed *url.URL) (string, bool) {
	trimmed := strings.TrimSuffix(parsed.Path, "/")
	if trimmed == "" {
		return "", true
	}
	encoded := parsed.RawPath != "" || strings.Contains(parsed.EscapedPath(), "%")
	return trimmed, trimmed != "/" && path.Clean(trimmed) == trimmed && !encoded
}

func checkScheme(scheme string, data map[string][]byte, plainHTTPAllowed bool) error {
	given, has := data[KeyAllowPlainHTTP]
	allowed := strings.TrimSpace(string(given))
	if has && allowed != "true" && allowed != "false" {
		return &ConnectionError{Key: KeyAllowPlainHTTP, Problem: `must be "true" or "false"`}
	}
	switch {
	case scheme == "https":
		return nil
	case scheme != "http":
		return &ConnectionError{Key: KeyURL, Problem: "must begin with https://"}
	case allowed != "true":
		return &ConnectionError{Key: KeyURL, Problem: "begins with http://, which sends the token in clear: use https://"}
	case !plainHTTPAllowed:
		return &ConnectionError{Key: KeyAllowPlainHTTP, Problem: "has no effect unless the operator runs with --allow-plain-http"}
	}
	return nil
}
