package ucr

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/credentialreset/credential-reset-operator/api/v1alpha1"
	"github.com/credentialreset/credential-reset-operator/internal/ucr/advice"
)

func isTerminal(stream any) bool {
	file, is := stream.(*os.File)
	return is && term.IsTerminal(int(file.Fd()))
}

// palette colours what goes to a terminal and leaves everything else alone.
type palette struct{ on bool }

const (
	red     = "31"
	green   = "32"
	yellow  = "33"
	magenta = "35"
)

// paletteFor is the palette of a stream. https://no-color.org switches it off.
func paletteFor(stream io.Writer) palette {
	return palette{on: isTerminal(stream) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

func (p palette) paint(colour, text string) string {
	if !p.on || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

func (p palette) outcome(outcome v1alpha1.Outcome, text string) string {
	switch outcome {
	case v1alpha1.OutcomeSucceeded:
		return p.paint(green, text)
	case v1alpha1.OutcomeFailed:
		return p.paint(red, text)
	case v1alpha1.OutcomeUnconfirmed:
		return p.paint(magenta, text)
	case v1alpha1.OutcomeSkipped:
		return text
	}
	return p.paint(yellow, text)
}

func (p palette) mark(mark advice.Mark) string {
	switch mark {
	case advice.MarkGood:
		return p.paint(green, "✓")
	case advice.MarkBad:
		return p.paint(red, "✗")
	case advice.MarkUnknown:
	}
	return "?"
}

// errNotAsked says that nobody is there to answer.
var errNotAsked = errors.New("nobody can be asked here: add --yes if you are sure")

// errRefused says that the person said no.
var errRefused = errors.New("nothing was done")

// confirm asks the person, unless they said --yes already. Without a terminal there
// is nobody to ask.
func (p *plugin) confirm(ctx context.Context, yes bool, question string) error {
	if yes {
		return nil
	}
	if !isTerminal(p.streams.In) {
		return errNotAsked
	}
	_, _ = fmt.Fprintf(p.streams.ErrOut, "%s [y/N] ", question)
	answer := make(chan string, 1)
	// Reading cannot be interrupted; the process ends soon after an interruption. No
	// answer is a no.
	go func() {
		line, _ := bufio.NewReader(p.streams.In).ReadString('\n')
		answer <- line
	}()
	select {
	case <-ctx.Done():
		_, _ = fmt.Fprintln(p.streams.ErrOut)
		return ctx.Err()
	case line := <-answer:
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes":
			return nil
		}
		return errRefused
	}
}
