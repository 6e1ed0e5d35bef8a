package simulator

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// release is a version of the server: major, minor and patch.
type release [3]int

// newest is later than every release there is.
func newest() release {
	return release{math.MaxInt}
}

// ValidVersion reports whether a text names a release of the server, such as
// "7.7.1", "8.6" or "8.6.0-rc.1".
func ValidVersion(version string) bool {
	_, ok := parseRelease(version)
	return ok
}

// parseRelease reads a version. What follows a hyphen is not looked at, and a
// part that is missing is zero.
func parseRelease(version string) (release, bool) {
	version, _, _ = strings.Cut(version, "-")
	parts := strings.Split(version, ".")
	var r release
	if len(parts) > len(r) {
		return release{}, false
	}
	for i, part := range parts {
		number, err := strconv.ParseUint(part, 10, 16)
		if err != nil {
			return release{}, false
		}
		r[i] = int(number)
	}
	return r, true
}

// since reports whether the release is the named one or a later one.
func (r release) since(first ...int) bool {
	return slices.Compare(r[:], first) >= 0
}

// before reports whether the release is earlier than the named one.
func (r release) before(first ...int) bool {
	return !r.since(first...)
}

// generation is a stack of the server's REST API. What one release of it was
// seen to do is taken for what all of them do, apart from the switches.
type generation int

const (
	restivus generation = iota // as 6.13
	hono7                      // as 7.7.1
	hono8                      // as 8.6.1
)

// generation returns the stack that the release has.
func (r release) generation() generation {
	switch {
	case r.since(8, 4):
		return hono8
	case r.since(7, 4):
		return hono7
	default:
		return restivus
	}
}
