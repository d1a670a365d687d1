// Package printable makes what other processes call themselves or say safe to
// show on a terminal: a name on one line ([Line]), whole answers ([Writer]).
package printable

import (
	"strings"
	"unicode"
)

// Line is s as one line of valid UTF-8 that cannot move the cursor: without the
// white space at its ends, with a blank for every other end of a line or tab,
// and U+FFFD for all else that is not printable.
func Line(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case !unicode.IsPrint(r):
			return unicode.ReplacementChar
		}
		return r
	}, strings.TrimSpace(s))
}
