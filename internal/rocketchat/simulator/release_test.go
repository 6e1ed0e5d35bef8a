package simulator

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGenerationFollowsFromTheVersion(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]generation{
		"3.6.0": restivus, "6.13.0": restivus, "7.0": restivus, "7.3.5": restivus,
		"7.4.0-rc.1": hono7, "7.7.1": hono7, "8.3.12": hono7,
		"8.4": hono8, "8.6.1": hono8, "9.0.0": hono8, "10.0.0": hono8,
	} {
		r, ok := parseRelease(version)
		if got := r.generation(); !ok || got != want {
			t.Errorf("%s: generation %d, valid %v, want %d", version, got, ok, want)
		}
	}
}

func TestVersionsThatNameNoRelease(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"", "develop", "8.x", "8.6.1.2", "8..1", "-1.0", "v8.6.1", "8.6.99999"} {
		if ValidVersion(version) {
			t.Errorf("%q is valid", version)
		}
		if diff := cmp.Diff(switchesOf(newest()), eraOf(version).switches, cmp.AllowUnexported(switches{})); diff != "" {
			t.Errorf("%q is not like the newest (-want +got):\n%s", version, diff)
		}
	}
	if !ValidVersion("8.6.1") || !ValidVersion("7") {
		t.Error("a release is not valid")
	}
}

func TestReleasesAreOrdered(t *testing.T) {
	t.Parallel()
	r := release{6, 5, 1}
	for _, first := range [][]int{{6}, {6, 5}, {6, 5, 1}, {5, 99}, {6, 4, 9}} {
		if !r.since(first...) || r.before(first...) {
			t.Errorf("6.5.1 is not since %v", first)
		}
	}
	for _, first := range [][]int{{7}, {6, 6}, {6, 5, 2}, {10}} {
		if r.since(first...) || !r.before(first...) {
			t.Errorf("6.5.1 is since %v", first)
		}
	}
}
