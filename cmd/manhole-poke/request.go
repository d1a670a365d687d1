package main

import (
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/inspect"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/internal/commands"
	"github.com/go-manhole/lazy/internal/words"
)

// A request is what the words of the command line ask for.
type request struct {
	targets []string
	lines   []string // for the console, one command each; nil if none was given
	typed   []string // all of the words, unless they come after --
}

// parseRequest parses the words after the flags. literal says that they came
// after --: then the first is the target, or with --all all are the command,
// and no flag is looked for in the others.
func parseRequest(o *options, args []string, literal bool) (request, error) {
	if len(o.commands) > 0 {
		return givenCommands(o, args)
	}
	targets, command, dashed := splitTargets(args, o.all)
	var typed []string
	if !literal && !dashed {
		typed = args
		var err error
		if command, err = takeFlags(o, command); err != nil {
			return request{}, err
		}
	}
	switch {
	case len(command) == 0 && o.all:
		return request{}, usagef("--all needs a command; try manhole-poke --all stats")
	case len(command) == 0 && (o.out != "" || o.force || o.json):
		if line := o.targetFirst(args); line != "" {
			return request{}, usagef("%q is a command, which follows its target; try %s", args[0], line)
		}
		return request{}, usagef("-o, -f and --json need a command; try manhole-poke --json %s stats", printable.Shell(targets[0]))
	case len(command) == 0:
		return request{targets: targets, typed: typed}, nil
	case o.all && !literal && isTarget(command[0]):
		return request{}, usagef("either --all or %q, not both; try manhole-poke --all stats", command[0])
	case !literal && !dashed && strings.HasPrefix(command[0], "-") && o.targetFirst(args) != "":
		return request{}, usagef("%q is a command, which follows its target; try %s", targets[0], o.targetFirst(args))
	case !literal && !dashed && strings.HasPrefix(command[0], "-"):
		return request{}, usagef("unexpected flag %q in place of the command; put flags before the target, and anything else after --", command[0])
	}
	if lines := oneWord(command); lines != nil {
		for _, line := range lines {
			if err := checkLine(line); err != nil {
				return request{}, err
			}
		}
		return request{targets, lines, typed}, checkOut(o)
	}
	line := words.Join(command...)
	if inspect.TakesExpression(command[0]) { // as it was typed
		line = strings.Join(command, " ")
	}
	if err := checkLine(line); err != nil {
		return request{}, err
	}
	return request{targets, []string{line}, typed}, checkOut(o)
}

// checkLine refuses what cannot be sent as one line.
func checkLine(line string) error {
	switch {
	case strings.Contains(line, "\n"):
		return usagef("%q has more than one line, and a command is one; use -c for several", line)
	case strings.ContainsRune(line, '\x03'): // which a person's console takes for Ctrl-C
		return usagef("%q contains a Ctrl-C character; remove it", line)
	}
	return nil
}

// givenCommands is for -c: as there is no command among the words, all of
// them are targets.
func givenCommands(o *options, args []string) (request, error) {
	r := request{targets: args}
	for _, c := range o.commands {
		lines, err := words.Commands(c)
		if err != nil {
			return r, usagef("-c %q: %v", c, err)
		}
		for _, line := range lines {
			if err := checkLine(line); err != nil {
				return r, err
			}
		}
		r.lines = append(r.lines, lines...)
	}
	switch {
	case len(r.lines) == 0:
		return r, usagef("-c without a command; try -c 'stack; stats'")
	case o.all && len(args) > 0:
		return r, usagef("either --all or %q, not both; try manhole-poke --all -c 'stack; stats'", args[0])
	case !o.all && len(args) == 0:
		return r, usagef("a target is missing; try manhole-poke -c 'stack; stats' PID")
	}
	return r, checkOut(o)
}

func checkOut(o *options) error {
	if o.force && o.out == "" {
		return usagef("-f lets -o overwrite a file, and there is no -o; try -o FILE -f")
	}
	if o.out == "-" { // where it goes anyway, and a terminal gets nothing binary
		o.out = ""
	}
	return nil
}

// splitTargets splits the words after the last target: the first word, which
// may be a name, and those after it that cannot be a command. A -- there ends
// the targets as well, and the word after it is a command although it may look
// like a target.
func splitTargets(args []string, all bool) (targets, command []string, dashed bool) {
	n := 0
	if !all && len(args) > 0 {
		for n = 1; n < len(args) && isTarget(args[n]); n++ {
		}
	}
	if n > 0 && n < len(args) && args[n] == "--" {
		return args[:n], args[n+1:], true
	}
	return args[:n], args[n:], false
}

// isTarget reports whether a word is a PID or a PATH, which no command looks
// like. A name may look like a command.
func isTarget(word string) bool {
	if word == "" {
		return false
	}
	name, _, several := strings.Cut(word, " ")
	if several && isCommand(name) {
		return false // stack diff FILE in one word
	}
	return strings.Contains(word, "/") || strings.Trim(word, "0123456789") == ""
}

// isCommand reports whether every session has a command of this name.
func isCommand(name string) bool {
	for _, c := range inspect.Merge(commands.Builtin()) {
		if c.Name == name {
			return true
		}
	}
	return false
}

// takeFlags takes -o FILE and -f from wherever they stand in a command, because
// that is how people type: manhole-poke PID pprof-heap -o heap. No command of
// the console has options of these names.
func takeFlags(o *options, args []string) (rest []string, err error) {
	for i := 0; i < len(args); i++ {
		switch args[i] {
		case "-f":
			o.force = true
		case "-o":
			if i++; i == len(args) || args[i] == "" {
				return nil, usagef("-o needs the name of a file; try -o profile.pprof")
			}
			o.out = args[i]
		default:
			rest = append(rest, args[i])
		}
	}
	return rest, nil
}
