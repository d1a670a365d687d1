package console

import (
	"fmt"
	"strings"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/internal/commands"
	"github.com/go-manhole/lazy/internal/pattern"
	"github.com/go-manhole/lazy/internal/words"
)

// What people type who have other tools in their fingers, or who quote too much.

// obvious returns the words of the line that was certainly meant, nil if there is
// a doubt: exit and ? are what other consoles have, and a whole line in quotes is
// what a shell makes of it.
func (s *session) obvious(typed []string) []string {
	if len(typed) == 1 {
		switch typed[0] {
		case "exit":
			return []string{"quit"}
		case "?":
			return []string{"help"}
		}
		if inner, err := words.Split(typed[0]); err == nil && len(inner) > 1 && s.has(inner[0]) {
			return inner
		}
	}
	if len(typed) > 1 && typed[0] == "?" {
		return append([]string{"help"}, typed[1:]...)
	}
	return nil
}

func (s *session) has(name string) bool {
	_, err := s.find(name)
	return err == nil
}

// unknown returns the error for a line whose first word is no command, with the
// line that was probably meant.
func (s *session) unknown(typed []string) error {
	switch typed[0] {
	case "print", "whatis", "globals", "locals":
		return fmt.Errorf("this is a command of manhole-poke; leave this session, and try manhole-poke PID %s", toCopy(typed[0]+" EXPRESSION", typed...))
	case "kernel", "debug", "gops":
		return fmt.Errorf("this is a subcommand of manhole-poke; leave this session, and try manhole-poke %s PID", typed[0])
	}
	if inner := strings.Fields(typed[0]); len(inner) > 1 && s.has(inner[0]) {
		return fmt.Errorf("no such command, because the quotes make it one word; try %s", toCopy(inner[0], append(inner, typed[1:]...)...))
	}
	var names []string
	for _, c := range s.commands() {
		names = append(names, c.Name)
	}
	if meant := commands.Meant(typed[0], names); meant != "" {
		return fmt.Errorf("no such command; try %s, or help", toCopy(meant, append(strings.Fields(meant), typed[1:]...)...))
	}
	return errUnknown
}

// asksForHelp reports whether a command is asked what it can do, as most
// programs are.
func asksForHelp(arguments []string) bool {
	return len(arguments) == 1 && (arguments[0] == "-h" || arguments[0] == "-help" || arguments[0] == "--help")
}

// filterFor returns stack with a filter in the place of a word that is none.
func filterFor(a *args.Parsed, word string) string {
	option, value := "-match", pattern.Quote(word)
	switch number := strings.TrimPrefix(word, "-"); {
	case number != "" && strings.Trim(number, "0123456789") == "":
		option, value = "-id", number
		if number != word { // as of head(1)
			option = "-n"
		}
	case isState(word):
		option, value = "-state", word
	case word == "" || len(word) > 64:
		return "stack -match REGEXP"
	}
	line := []string{"stack"}
	for _, w := range a.Given {
		if w == word {
			line = append(line, option, value)
		} else {
			line = append(line, w)
		}
	}
	return toCopy("stack -match REGEXP", line...)
}

// toCopy returns a line for use in an error, or otherwise if it is long or holds
// what does not print.
func toCopy(otherwise string, typed ...string) string {
	const most = 256
	line := words.Join(typed...)
	if len(line) > most {
		return otherwise
	}
	for i := range len(line) {
		if line[i] < ' ' || line[i] > '~' {
			return otherwise
		}
	}
	return line
}

// isState reports whether goroutines can be in a state of that name.
func isState(word string) bool {
	for _, c := range commands.Builtin() {
		for _, o := range c.Options {
			if c.Name != "stack" || o.Name != "state" {
				continue
			}
			for _, v := range o.Values {
				if v == word {
					return true
				}
			}
		}
	}
	return false
}
