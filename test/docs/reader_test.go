package docs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/credentialreset/credential-reset-operator/internal/rocketchat/simulator"
	"github.com/credentialreset/credential-reset-operator/test/cluster"
)

// reader reads a page and does what it says, in a folder of their own.
type reader struct {
	t      *testing.T
	stage  *stage
	page   string
	blocks []*block
	dir    string
	who    string            // path of the kubeconfig of whoever types
	values *strings.Replacer // of what the page leaves open
	codes  map[string]int    // with which commands end, after what they begin with
}

// open opens a page before an administrator. The values are for what it leaves open:
// each stands after its placeholder.
func (s *stage) open(t *testing.T, page string, values ...string) *reader {
	t.Helper()
	blocks, err := read(page)
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{
		t: t, stage: s, page: page, blocks: blocks, dir: t.TempDir(), who: s.admin, codes: map[string]int{},
		values: strings.NewReplacer(append(values, "https://chat.example.com", s.server.URL)...),
	}
	if err := os.Symlink(s.cluster.Path("config"), filepath.Join(r.dir, "config")); err != nil {
		t.Fatal(err)
	}
	r.keep("token", simulator.TokenFor(simulator.SampleBotID, simulator.TokenPAT))
	r.keep("totp-secret", simulator.SampleTOTPSecret)
	return r
}

// keep writes a file of the reader's.
func (r *reader) keep(name, text string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// ends says with which code a command is to end.
func (r *reader) ends(command string, code int) { r.codes[command] = code }

// types runs the next block, which must begin so, and returns what it prints.
func (r *reader) types(begin string) string {
	r.t.Helper()
	return r.run(r.next(begin).left(r.page), "")
}

// chooses runs one command of the block instead, as somebody at a terminal who types
// the answer.
func (r *reader) chooses(begin, answer string) string {
	r.t.Helper()
	for _, b := range r.blocks {
		for _, c := range b.commands {
			if strings.HasPrefix(c.text, begin) {
				return r.run([]*command{c}, answer)
			}
		}
	}
	r.t.Fatalf("%s has no command that begins with %q", r.page, begin)
	return ""
}

// picks runs a block before its turn, or once more.
func (r *reader) picks(begin string) string {
	r.t.Helper()
	for _, b := range r.blocks {
		if left := b.left(r.page); len(left) > 0 && strings.HasPrefix(left[0].text, begin) {
			return r.run(left, "")
		}
	}
	r.t.Fatalf("%s has no block that begins with %q", r.page, begin)
	return ""
}

// left are the commands of a block that are to be run.
func (b *block) left(page string) []*command {
	var left []*command
	for _, c := range b.commands {
		if _, known := absent(page, c); !known {
			left = append(left, c)
		}
	}
	return left
}

// next is the first block of which nothing was run yet.
func (r *reader) next(begin string) *block {
	r.t.Helper()
	for _, b := range r.blocks {
		if left := b.left(r.page); len(left) > 0 && !left[0].ran {
			if !strings.HasPrefix(left[0].text, begin) {
				r.t.Fatalf("%s:%d: the next block begins with %q, not with %q", r.page, b.line, firstLine(left[0].text), begin)
			}
			return b
		}
	}
	r.t.Fatalf("%s has no block left that begins with %q", r.page, begin)
	return nil
}

// applies gives the block of YAML that has the text in it to kubectl.
func (r *reader) applies(text string) {
	r.t.Helper()
	for _, b := range r.blocks {
		if b.language == "yaml" && strings.Contains(b.text, text) {
			r.shell("kubectl apply -f - <<'YAML'\n"+r.values.Replace(b.text)+"YAML\n", "")
			return
		}
	}
	r.t.Fatalf("%s has no block of YAML with %q", r.page, text)
}

// ended expects that everything was run.
func (r *reader) ended() {
	r.t.Helper()
	for _, b := range r.blocks {
		for _, c := range b.left(r.page) {
			if !suiteOf.hasRun(r.page, c) {
				r.t.Errorf("%s:%d: this was not run: %s", r.page, b.line, firstLine(c.text))
			}
		}
	}
}

// run runs commands in one shell, or, where the page shows what they print, each by
// itself, and compares that.
func (r *reader) run(commands []*command, answer string) string {
	r.t.Helper()
	var script, printed strings.Builder
	for _, c := range commands {
		suiteOf.run(r.page, c)
		text := r.values.Replace(c.text)
		for begin, code := range r.codes {
			if strings.HasPrefix(c.text, begin) {
				text = fmt.Sprintf("code=0\n{ %s} || code=$?\n[[ $code == %d ]]\n", text, code)
			}
		}
		if !c.shows {
			script.WriteString(text)
			continue
		}
		got := r.shell(fmt.Sprintf("code=0\n{ %s} || code=$?\n[[ $code == 0 ]] || echo \"(exit code $code)\"\n", text), answer)
		if diff := cmp.Diff(steady(c.shown), steady(got)); diff != "" {
			r.t.Errorf("%s: %sprints something else (-page +printed):\n%s", r.page, c.text, diff)
		}
		printed.WriteString(got)
	}
	if script.Len() > 0 {
		printed.WriteString(r.shell(script.String(), answer))
	}
	return printed.String()
}

// shell runs a script and returns what a terminal would show. What one script defines,
// the next one has. With an answer, there is a terminal, at which somebody types it.
func (r *reader) shell(script, answer string) string {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	const session = "[[ ! -e .functions ]] || . ./.functions\ntrap 'declare -f >.functions' EXIT\n" +
		"make() { command make --directory \"$REPOSITORY\" \"$@\"; }\n"
	shell := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", session+script)
	shell.Dir = r.dir
	shell.WaitDelay = time.Second
	shell.Env = []string{
		"HOME=" + r.dir, "KUBECONFIG=" + r.who, "NO_COLOR=1", "REPOSITORY=" + r.stage.cluster.Path(), "TERM=dumb",
		"PATH=" + strings.Join([]string{suiteOf.bin, r.stage.cluster.BinDir(), os.Getenv("PATH")}, ":"),
	}
	var printed bytes.Buffer
	var err error
	if answer == "" {
		shell.Stdout, shell.Stderr = &printed, &printed
		err = shell.Run()
	} else {
		err = atTerminal(shell, answer, &printed)
	}
	text := printed.String()
	if answer != "" {
		text = answered(text, answer)
	}
	if err != nil {
		r.t.Fatalf("%s: %v\n%s\nprints\n%s", r.page, err, script, text)
	}
	return text
}

// answered is what a terminal shows whose reader waited for the question before typing.
func answered(text, answer string) string {
	const question = "[y/N] "
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.Replace(strings.TrimPrefix(text, answer), question, question+answer, 1)
}

// atTerminal runs a program in a terminal, into which somebody has typed ahead.
func atTerminal(program *exec.Cmd, answer string, printed io.Writer) error {
	master, slave, err := cluster.OpenTerminal()
	if err != nil {
		return err
	}
	program.Stdin, program.Stdout, program.Stderr = slave, slave, slave
	if _, err := master.WriteString(answer); err != nil {
		return errors.Join(err, slave.Close(), master.Close())
	}
	err = program.Start()
	if err = errors.Join(err, slave.Close()); err != nil {
		return errors.Join(err, master.Close())
	}
	_, _ = io.Copy(printed, master) // ends with an error when the program does
	return errors.Join(program.Wait(), master.Close())
}

// steady leaves out of what is printed what is another every time.
func steady(text string) string {
	for _, mask := range []struct{ pattern, with string }{
		{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`, "TIME"},
		{`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`, "UID"},
		{`127\.0\.0\.1:\d+`, "HOST"},
		{`(Resource Version: +)\d+`, "${1}VERSION"},
		{`(?m)(^| )(\d+[dhms])+( |$)`, "${1}AGE${3}"},
		{`(?m)^\d+ of \d+ (asked for|ended).*\n`, ""}, // how it went on the way
		{`[ \t]+`, " "},
		{`(?m) $`, ""},
	} {
		text = regexp.MustCompile(mask.pattern).ReplaceAllString(text, mask.with)
	}
	return text
}
