package docs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// block is a fenced block of a page.
type block struct {
	page     string // path below the root of the repository
	line     int    // of the fence
	language string
	text     string
	commands []*command // of a block for the shell
}

// command is what is typed at once: a line with those that continue it, a compound of
// several lines, or a document that it reads included.
type command struct {
	text  string
	shown string // what the page shows it to print
	shows bool   // whether the page shows that
	ran   bool
}

// shells are the languages of blocks that somebody types.
var shells = []string{"bash", "console", "sh", "shell"}

// others are the languages of blocks that nobody types.
var others = []string{"", "json", "yaml"}

// pages are the paths of all pages, below the root of the repository.
func pages() ([]string, error) {
	root, err := cluster.Root()
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, below := range []string{"*.md", "docs"} {
		found, err := filepath.Glob(filepath.Join(root, below))
		if err != nil {
			return nil, err
		}
		for _, path := range found {
			err = filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
				if err == nil && !entry.IsDir() && filepath.Ext(path) == ".md" {
					paths = append(paths, strings.TrimPrefix(path, root+"/"))
				}
				return err
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return paths, nil
}

// read takes the blocks out of a page.
func read(page string) ([]*block, error) {
	root, err := cluster.Root()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		return nil, err
	}
	return extract(page, string(text))
}

// extract takes the fenced blocks out of the text of a page.
func extract(page, text string) ([]*block, error) {
	var blocks []*block
	var open *block
	indent := 0
	for number, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimLeft(line, " ")
		switch {
		case strings.HasPrefix(trimmed, "~~~") || strings.HasPrefix(trimmed, "````"):
			return nil, fmt.Errorf("%s:%d: a fence of three backticks is all that is understood here", page, number+1)
		case open == nil && strings.HasPrefix(trimmed, "```"):
			indent = len(line) - len(trimmed)
			open = &block{page: page, line: number + 1, language: strings.TrimPrefix(trimmed, "```")}
		case open != nil && strings.TrimRight(trimmed, " ") == "```":
			blocks = append(blocks, open)
			open = nil
		case open != nil:
			open.text += line[min(indent, len(line)-len(trimmed)):] + "\n"
		}
	}
	if open != nil {
		return nil, fmt.Errorf("%s:%d: the block does not end", page, open.line)
	}
	for _, b := range blocks {
		switch {
		case slices.Contains(shells, b.language):
			b.commands = split(b.text)
		case !slices.Contains(others, b.language):
			return nil, fmt.Errorf("%s:%d: nobody has said whether a block of %s is for the shell", page, b.line, b.language)
		}
	}
	return blocks, nil
}

// document is the mark at which what a command reads ends.
var document = regexp.MustCompile(`<<-?\s*['"]?(\w+)`)

// split takes the commands out of a block. In one with prompts, all that follows a
// command is what it prints.
func split(text string) []*command {
	prompts := strings.HasPrefix(text, "$ ")
	var commands []*command
	var mark string
	goesOn := false
	for line := range strings.Lines(text) {
		typed, isTyped := line, true
		if prompts {
			typed, isTyped = strings.CutPrefix(line, "$ ")
		}
		switch {
		case goesOn:
			commands[len(commands)-1].text += line
		case !isTyped:
			commands[len(commands)-1].shown += line
			continue
		case strings.TrimSpace(typed) == "" || strings.HasPrefix(typed, "#"):
			continue
		default:
			commands = append(commands, &command{text: typed, shows: prompts})
		}
		if found := document.FindStringSubmatch(line); mark == "" && found != nil {
			mark = found[1]
		} else if mark != "" && strings.TrimSpace(line) == mark {
			mark = ""
		}
		goesOn = mark != "" || strings.HasSuffix(line, "\\\n")
	}
	return commands
}

// TestExtraction takes every form of block out of a page.
func TestExtraction(t *testing.T) {
	t.Parallel()
	blocks, err := extract("page.md", strings.Join([]string{
		"# Page", "```yaml", "kind: Secret", "```", "Or:",
		"```console", "# first", "kubectl get \\", "  pods", "", "kubectl apply -f - <<YAML", "kind: Pod", "YAML", "date   # today", "```",
		"1. So:", "   ```sh", "   $ echo a", "   a", "   $ true", "   ```", "",
	}, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	type found struct {
		Line              int
		Commands, Printed []string
	}
	var got []found
	for _, b := range blocks {
		f := found{Line: b.line}
		for _, c := range b.commands {
			f.Commands = append(f.Commands, c.text)
			if c.shows {
				f.Printed = append(f.Printed, c.shown)
			}
		}
		got = append(got, f)
	}
	want := []found{
		{Line: 2},
		{Line: 6, Commands: []string{"kubectl get \\\n  pods\n", "kubectl apply -f - <<YAML\nkind: Pod\nYAML\n", "date   # today\n"}},
		{Line: 17, Commands: []string{"echo a\n", "true\n"}, Printed: []string{"a\n", ""}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the page has other blocks (-want +got):\n%s", diff)
	}
	for _, text := range []string{"```sh\ndate\n", "```fish\ndate\n```\n", "~~~\ndate\n~~~\n"} {
		if _, err := extract("page.md", text); err == nil {
			t.Errorf("nobody complains of %q", text)
		}
	}
}
