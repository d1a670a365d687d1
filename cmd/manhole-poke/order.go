package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/inspect"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/internal/commands"
	"github.com/go-manhole/lazy/internal/words"
)

// What is on the command line in the wrong order, as gops has it, or in too many
// quotes.

// consoleNames returns the names of the commands that a session has.
func consoleNames() (names []string) {
	for _, c := range inspect.Merge(commands.Builtin()) {
		names = append(names, c.Name)
	}
	return names
}

// targetFirst returns the command line that is meant by words that begin with a
// command, "" if they do not. Without a target, PID stands for it.
func (o *options) targetFirst(all []string) string {
	if len(all) == 0 {
		return ""
	}
	command := []string{all[0]}
	if !slices.Contains(consoleNames(), all[0]) {
		i := slices.IndexFunc(all[1:], isTarget)
		meant := commands.Meant(all[0], consoleNames())
		if i < 0 || meant == "" {
			return ""
		}
		command = strings.Fields(meant)
	}
	target, value := "PID", false // of an option
	for _, w := range all[1:] {
		if target == "PID" && !value && isTarget(w) {
			target = w
			continue
		}
		command = append(command, w)
		value = takesValue(command[0], w)
	}
	return o.commandLine(target, command...)
}

// takesValue reports whether a word is an option of a command whose value is the
// next word.
func takesValue(name, word string) bool {
	for _, c := range inspect.Merge(commands.Builtin()) {
		if c.Name != name {
			continue
		}
		for _, o := range c.Options {
			if o.Arg != "" && (word == "-"+o.Name || word == "--"+o.Name) {
				return true
			}
		}
	}
	return false
}

// commandLine returns manhole-poke with the flags that were given, a target and a
// command, for a shell.
func (o *options) commandLine(target string, command ...string) string {
	line := []string{"manhole-poke"}
	for _, f := range []struct{ flag, value string }{{"-s", o.signal}, {"-p", o.path}, {"-o", o.out}, {"--exe", o.exe}} {
		if f.value != "" {
			line = append(line, f.flag, printable.Shell(f.value))
		}
	}
	for _, f := range []struct {
		flag  string
		given bool
	}{{"--json", o.json}, {"-f", o.force}, {"--pager", o.pager}, {"--restricted", o.restricted}} { // which a rule of sudoers wants first
		if f.given {
			line = slices.Insert(line, 1, f.flag)
		}
	}
	for _, c := range o.commands {
		line = append(line, "-c", printable.Shell(c))
	}
	line = append(line, printable.Shell(target))
	if len(command) > 0 {
		line = append(line, shellWords(words.Join(command...)))
	}
	return strings.Join(line, " ")
}

// oneWord returns the lines in a command that came as one word: 'stack -n 1'. It
// returns nil for other commands.
func oneWord(command []string) []string {
	if len(command) != 1 || !strings.ContainsAny(command[0], " \t;") {
		return nil
	}
	name := strings.FieldsFunc(command[0], func(r rune) bool { return r == ' ' || r == '\t' || r == ';' })
	switch {
	case len(name) == 0:
		return nil
	case inspect.TakesExpression(name[0]):
		return []string{strings.TrimSpace(command[0])}
	}
	lines, err := words.Commands(command[0])
	if err != nil {
		return nil
	}
	return lines
}

// ofCommand returns an example of the command of the console to which a flag that
// is unknown here belongs, "" if none has it.
func ofCommand(flag string) string {
	for _, c := range commands.Builtin() {
		for _, o := range c.Options {
			if o.Name == flag {
				return strings.TrimSpace(fmt.Sprintf("manhole-poke PID %s -%s %s", c.Name, o.Name, o.Arg))
			}
		}
	}
	return ""
}

// shellWords returns a line of the console as words of a shell.
func shellWords(line string) string {
	given, err := words.Split(line)
	if err != nil {
		return printable.Shell(line)
	}
	for i, w := range given {
		if given[i] = printable.Shell(w); strings.HasPrefix(w, "-") {
			given[i] = "-" + printable.Shell(w[1:]) // an option
		}
	}
	return strings.Join(given, " ")
}

// commandWords returns the words of a line of the console, or the line as one.
func commandWords(line string) []string {
	given, err := words.Split(line)
	if err != nil || len(given) > 0 && inspect.TakesExpression(given[0]) {
		return []string{line}
	}
	return given
}
