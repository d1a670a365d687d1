package console

import (
	"fmt"
	"os"
	"strings"

	"github.com/go-manhole/lazy/internal/sockpath"
)

// refuseBinary returns the error for a person at a terminal, which a binary
// answer would garble: it shows how to get the answer to the command into a
// file whose name has that extension.
func (s *session) refuseBinary(command []string, name, extension, tool, or string) error {
	pid := os.Getpid()
	path, sig := s.cfg.Path, s.cfg.Signal
	if path == "" {
		path = sockpath.Default(pid)
	}
	poke := ""
	if sig == "" {
		sig = "USR2"
	} else if sig != "USR2" {
		poke = "-s " + sig + " "
	}
	for i, w := range command {
		command[i] = quoted(w) // as words.Split takes it
	}
	line := quoted(strings.Join(command, " "))
	if !strings.HasPrefix(line, "'") {
		line = "'" + line + "'"
	}
	file := fileName(name) + extension
	lines := fmt.Sprintf("lazy:   kill -%s %d && echo %s | nc -N -U %s > %s\nlazy:   echo %s | manhole-poke %s%d > %s\n",
		sig, pid, line, quoted(path), file, line, poke, pid, file)
	if tool != "" {
		lines += "lazy: then " + tool + " " + file + "\n"
	}
	return &refusal{"binary, not for a terminal; quit, and fetch it with one of the lines below" + or, lines}
}

// fileName is the last part of a name, with what a shell or a file system would
// not take as it is replaced.
func fileName(name string) string {
	name = name[strings.LastIndexByte(name, '/')+1:]
	return strings.Map(func(r rune) rune {
		if plain(r) {
			return r
		}
		return '_'
	}, strings.TrimLeft(name, "-."))
}

// quoted returns a word as a shell takes it for one, and words.Split.
func quoted(word string) string {
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool { return !plain(r) && r != '/' }) {
		return word
	}
	return "'" + strings.Join(strings.Split(word, "'"), `'\''`) + "'"
}

// plain reports whether a rune in a word has no meaning to a shell.
func plain(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._+@:=%", r)
}

// refusal is an error with lines that say how to do it instead.
type refusal struct{ what, lines string }

func (r *refusal) Error() string { return r.what }
