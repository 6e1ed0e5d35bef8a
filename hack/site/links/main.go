// Command links checks the links of a built site: links SITE REPOSITORY. Each must lead
// to a file of the site and to a place that the file has, or, where it leads to the
// project's repository, to a file that lies there. Each page must be reached from the
// first one. Other hosts are not asked.
package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// repository is where links to files that are no pages lead, as in hugo.yaml.
const repository = "https://github.com/credentialreset/credential-reset-operator"

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "links:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) != 2 {
		return fmt.Errorf("the arguments are the folder of the site and that of the repository, got %q", args)
	}
	s, err := read(args[0])
	if err != nil {
		return err
	}
	if broken := s.check(os.DirFS(args[1])); len(broken) > 0 {
		return fmt.Errorf("%d broken:\n%w", len(broken), errors.Join(broken...))
	}
	links, toRepository := 0, 0
	for _, p := range s.pages {
		links += len(p.links)
		for _, link := range p.links {
			if strings.HasPrefix(link, repository+"/") {
				toRepository++
			}
		}
	}
	if toRepository == 0 {
		return fmt.Errorf("nothing leads to a file of %s: hugo.yaml has another repository, so that such links were not checked", repository)
	}
	_, err = fmt.Fprintf(out, "links: %d pages, %d links, none broken\n", len(s.pages), links)
	return err
}

// site is what a folder holds.
type site struct {
	files []string        // with slashes, from the folder on
	pages map[string]page // those of the files that are HTML
}

type page struct {
	links []string // all values of href and src
	ids   []string
}

// read takes in all files of the folder.
func read(folder string) (*site, error) {
	s := &site{pages: map[string]page{}}
	err := filepath.WalkDir(folder, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, file)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		s.files = append(s.files, name)
		if path.Ext(name) != ".html" {
			return nil
		}
		text, err := os.Open(file)
		if err != nil {
			return err
		}
		defer func() { _ = text.Close() }()
		s.pages[name], err = parse(text)
		return err
	})
	if err == nil && len(s.pages) == 0 {
		err = fmt.Errorf("%s has no pages", folder)
	}
	return s, err
}

func parse(text io.Reader) (page, error) {
	root, err := html.Parse(text)
	if err != nil {
		return page{}, err
	}
	var p page
	for node := range root.Descendants() {
		for _, attribute := range node.Attr {
			switch attribute.Key {
			case "href", "src":
				p.links = append(p.links, attribute.Val)
			case "id":
				p.ids = append(p.ids, attribute.Val)
			}
		}
	}
	return p, nil
}

// check names every link that leads nowhere, page by page, every id that a page has
// twice, and every page to which nothing leads.
func (s *site) check(tree fs.FS) []error {
	var broken []error
	reached := s.reached()
	slices.Sort(s.files)
	for _, name := range s.files {
		p, ok := s.pages[name]
		if !ok {
			continue
		}
		for _, link := range p.links {
			if reason := s.follow(name, link, tree); reason != "" {
				broken = append(broken, fmt.Errorf("%s: %q %s", name, link, reason))
			}
		}
		slices.Sort(p.ids)
		for i := 1; i < len(p.ids); i++ {
			if p.ids[i] == p.ids[i-1] {
				broken = append(broken, fmt.Errorf("%s: the id %q is there twice", name, p.ids[i]))
			}
		}
		if !reached[name] && name != "404.html" {
			broken = append(broken, fmt.Errorf("%s: nothing leads there from index.html", name))
		}
	}
	return broken
}

// reached are the pages that can be reached from the first one.
func (s *site) reached() map[string]bool {
	reached := map[string]bool{}
	for next := []string{"index.html"}; len(next) > 0; next = next[1:] {
		name := next[0]
		if reached[name] {
			continue
		}
		reached[name] = true
		for _, link := range s.pages[name].links {
			if target, err := url.Parse(link); err == nil && target.Host == "" && target.Scheme == "" && target.Path != "" {
				next = append(next, file(name, target.Path))
			}
		}
	}
	return reached
}

// file is the file that a path leads to from a page.
func file(name, to string) string {
	found := path.Join(path.Dir(name), to)
	if strings.HasSuffix(to, "/") || found == "." {
		return path.Join(found, "index.html")
	}
	return found
}

// follow says why a link of the page leads nowhere, "" if it leads somewhere.
func (s *site) follow(name, link string, tree fs.FS) string {
	target, err := url.Parse(link)
	switch {
	case err != nil:
		return err.Error()
	case strings.HasPrefix(link, repository+"/"):
		return inRepository(target, tree)
	case target.Scheme == "data" || target.Scheme == "https" && target.Host != "":
		return ""
	case target.Scheme != "" || target.Host != "":
		return "is neither of this site nor https"
	case strings.HasPrefix(target.Path, "/"):
		return "holds only where the site is the root of its host"
	}
	return s.inSite(name, target)
}

// inSite says why a page, or a place of it, is not there.
func (s *site) inSite(name string, target *url.URL) string {
	there := name
	if target.Path != "" {
		there = file(name, target.Path)
	}
	if !slices.Contains(s.files, there) {
		return "leads to no file"
	}
	if id := target.Fragment; id != "" && !slices.Contains(s.pages[there].ids, id) {
		return "leads to no place of " + there
	}
	return ""
}

// inRepository says why a file or folder of the main branch is not there.
func inRepository(target *url.URL, tree fs.FS) string {
	_, rest, _ := strings.Cut(target.String(), repository+"/")
	kind, rest, _ := strings.Cut(rest, "/")
	if kind != "blob" && kind != "tree" {
		return "" // releases, issues and the like
	}
	name, onMain := strings.CutPrefix(rest, "main/")
	name, _, _ = strings.Cut(name, "#")
	if !onMain {
		return ""
	}
	found, err := fs.Stat(tree, path.Clean(name))
	switch {
	case err != nil:
		return "leads to a file that the repository does not have"
	case found.IsDir() != (kind == "tree"):
		return "takes a file for a folder, or the other way round"
	}
	return ""
}
