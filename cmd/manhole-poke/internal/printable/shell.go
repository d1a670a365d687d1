package printable

import "strings"

// Shell returns s as one word of a shell command, quoted if need be, for advice
// that is meant to be pasted. A name that begins with a dash is not taken for an
// option.
func Shell(s string) string {
	if strings.HasPrefix(s, "-") {
		s = "./" + s
	}
	if s != "" && s[0] != '=' && !strings.ContainsFunc(s, func(r rune) bool { return !isPlain(r) }) { // zsh has a use for =
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// isPlain reports whether no shell gives a character a meaning, anywhere in a
// word of arguments.
func isPlain(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_-./,:+@%=", r)
}
