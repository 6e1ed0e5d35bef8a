package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// TestABrokenLinkIsNamed has one page with each kind of link.
func TestABrokenLinkIsNamed(t *testing.T) {
	t.Parallel()
	tree := fstest.MapFS{"config/samples/one.yaml": {}}
	for link, broken := range map[string]string{
		"other.html":           "",
		"other.html#there":     "",
		"../index.html":        "",
		"#here":                "",
		"":                     "",
		"../":                  "",
		"../picture.svg":       "",
		"data:,":               "",
		"https://example.com/": "",
		repository + "/blob/main/config/samples/one.yaml": "",
		repository + "/tree/main/config/samples":          "",
		repository + "/releases":                          "",
		"missing.html":                                    "leads to no file",
		"other.html#gone":                                 "leads to no place of design/other.html",
		"#gone":                                           "leads to no place of design/page.html",
		"/design/other.html":                              "holds only where the site is the root of its host",
		"http://example.com/":                             "is neither of this site nor https",
		"//example.com/":                                  "is neither of this site nor https",
		"javascript:alert(1)":                             "is neither of this site nor https",
		repository + "/blob/main/config/gone.yaml":        "leads to a file that the repository does not have",
		repository + "/blob/main/config/samples":          "takes a file for a folder, or the other way round",
	} {
		folder := t.TempDir()
		write(t, folder, "index.html", `<a href="design/page.html">page</a><a href="design/other.html">other</a>`)
		write(t, folder, "picture.svg", "<svg/>")
		write(t, folder, "design/other.html", `<h2 id="there">There</h2>`)
		write(t, folder, "design/page.html", `<h2 id="here">Here</h2><a href="`+link+`">link</a>`)
		s, err := read(folder)
		if err != nil {
			t.Fatal(err)
		}
		var got string
		for _, err := range s.check(tree) {
			got += err.Error()
		}
		if !strings.HasSuffix(got, broken) || (got == "") != (broken == "") {
			t.Errorf("%q: got %q, want %q", link, got, broken)
		}
	}
}

// TestAnIDThatIsThereTwiceIsNamed since only the first one can be reached.
func TestAnIDThatIsThereTwiceIsNamed(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write(t, folder, "index.html", `<h2 id="same">One</h2><h2 id="same">Two</h2>`)
	err := run([]string{folder, folder}, new(bytes.Buffer))
	if err == nil || !strings.Contains(err.Error(), `the id "same" is there twice`) {
		t.Errorf("got %v", err)
	}
}

// TestAPageThatNothingLeadsToIsNamed since nobody would find it.
func TestAPageThatNothingLeadsToIsNamed(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write(t, folder, "index.html", `<a href="one.html">one</a>`)
	write(t, folder, "one.html", `<a href="./">back</a>`)
	write(t, folder, "lost.html", `<a href="index.html">back</a>`)
	write(t, folder, "404.html", `<a href="index.html">back</a>`)
	err := run([]string{folder, folder}, new(bytes.Buffer))
	if err == nil || err.Error() != "1 broken:\nlost.html: nothing leads there from index.html" {
		t.Errorf("got %v", err)
	}
}

// TestASiteOfAnotherRepositoryIsNotTakenForChecked since links to its files would pass
// as those to any other host do.
func TestASiteOfAnotherRepositoryIsNotTakenForChecked(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write(t, folder, "index.html", `<a href="https://example.com/other/repository/blob/main/gone.yaml">file</a>`)
	err := run([]string{folder, folder}, new(bytes.Buffer))
	if err == nil || !strings.Contains(err.Error(), "hugo.yaml has another repository") {
		t.Errorf("got %v", err)
	}
	write(t, folder, "index.html", `<a href="`+repository+`/blob/main/index.html">file</a>`)
	if err := run([]string{folder, folder}, new(bytes.Buffer)); err != nil {
		t.Error(err)
	}
}

// TestAnEmptySiteIsNoSite since then nothing would have been checked.
func TestAnEmptySiteIsNoSite(t *testing.T) {
	t.Parallel()
	if err := run([]string{t.TempDir(), t.TempDir()}, new(bytes.Buffer)); err == nil {
		t.Error("a folder without pages passed")
	}
}

func write(t *testing.T, folder, name, text string) {
	t.Helper()
	file := filepath.Join(folder, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
