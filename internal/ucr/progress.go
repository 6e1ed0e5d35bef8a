package ucr

import (
	"fmt"
	"io"
	"strings"
)

// barWidth is the width of the bar in characters.
const barWidth = 30

// progress shows how far something is: as a bar that moves on a terminal, elsewhere
// as a line for every tenth.
type progress struct {
	out      io.Writer
	terminal bool
	word     string
	tenth    int
	drawn    bool
}

func newProgress(out io.Writer, word string) *progress {
	return &progress{out: out, terminal: isTerminal(out), word: word, tenth: -1}
}

// turnTo begins to show something else.
func (p *progress) turnTo(word string) {
	p.close()
	p.word, p.tenth = word, -1
}

func (p *progress) show(done, total int, note string) {
	if note != "" {
		note = ": " + note
	}
	if p.terminal {
		filled := barWidth * done / max(total, 1)
		_, _ = fmt.Fprintf(p.out, "\r\x1b[K[%s%s] %d/%d %s%s",
			strings.Repeat("█", filled), strings.Repeat("░", barWidth-filled), done, total, p.word, note)
		p.drawn = true
		return
	}
	if tenth := 10 * done / max(total, 1); tenth != p.tenth {
		p.tenth = tenth
		_, _ = fmt.Fprintf(p.out, "%d of %d %s%s\n", done, total, p.word, note)
	}
}

// close leaves the bar as it is.
func (p *progress) close() {
	if p.drawn {
		_, _ = fmt.Fprintln(p.out)
		p.drawn = false
	}
}
