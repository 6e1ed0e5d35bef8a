package advice

import (
	"strings"
	"unicode"
)

// Shown is the text with a mark for every character that does not print or that
// changes how others look: names come from a server, and whoever decides by them must
// see what they are.
func Shown(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
