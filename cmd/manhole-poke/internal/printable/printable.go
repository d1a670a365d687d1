// Package printable makes text from other processes safe to show on a terminal:
// names and messages on one line ([Line]), whole answers ([Writer]), and [JSON].
package printable

import (
	"strings"
	"unicode"
)

// Line returns s as one line of valid UTF-8 that cannot move the cursor: white
// space at its ends is removed, line ends and tabs become blanks, and everything
// else that is not printable becomes U+FFFD.
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
