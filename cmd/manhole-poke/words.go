package main

import (
	"strings"

	"github.com/go-manhole/lazy/internal/frame"
)

// A request is what the words after poke's own flags ask for.
type request struct {
	targets []string
	lines   []string // for the console, one command each; nil if none was given
}

// parseRequest understands the words, literally if they came after --: then
// all of them are a command for --all, or else the first is the target and no
// flag is looked for in the others.
func parseRequest(o *options, args []string, literal bool) (request, error) {
	if len(o.commands) > 0 {
		return givenCommands(o, args)
	}
	targets, words, dashed := splitTargets(args, o.all)
	if !literal && !dashed {
		var err error
		if words, err = takeFlags(o, words); err != nil {
			return request{}, err
		}
	}
	switch {
	case len(words) == 0 && o.all:
		return request{}, failf(statusUsage, "--all needs a command; try manhole-poke --all stats")
	case len(words) == 0 && (o.out != "" || o.force || o.json):
		return request{}, failf(statusUsage, "-o, -f and --json go with a command; try manhole-poke --json %s stats", targets[0])
	case len(words) == 0:
		return request{targets: targets}, nil
	case o.all && !literal && isTarget(words[0]):
		return request{}, failf(statusUsage, "either --all or %q, not both; try manhole-poke --all stats", words[0])
	case !literal && !dashed && strings.HasPrefix(words[0], "-"):
		return request{}, failf(statusUsage, "%q stands where the command should; try poke's own flags before the target, and what is no flag after --", words[0])
	}
	for _, w := range words {
		if strings.ContainsRune(w, frame.Interrupt) {
			return request{}, failf(statusUsage, "%q holds what Ctrl-C sends, which would take the command back; try it without", w)
		}
		if strings.Contains(w, "\n") {
			return request{}, failf(statusUsage, "%q has more than one line, and a command is one; try -c for several", w)
		}
	}
	return request{targets, []string{commandLine(words)}}, checkOut(o)
}

// givenCommands is for -c: as there is no command among the words, all of
// them are targets.
func givenCommands(o *options, args []string) (request, error) {
	r := request{targets: args}
	for _, c := range o.commands {
		lines, err := splitCommands(c)
		if err != nil {
			return r, err
		}
		r.lines = append(r.lines, lines...)
	}
	switch {
	case len(r.lines) == 0:
		return r, failf(statusUsage, "-c without a command; try -c 'stack; stats'")
	case o.all && len(args) > 0:
		return r, failf(statusUsage, "either --all or %q, not both; try manhole-poke --all -c 'stack; stats'", args[0])
	case !o.all && len(args) == 0:
		return r, failf(statusUsage, "a target is missing; try manhole-poke -c 'stack; stats' PID")
	}
	return r, checkOut(o)
}

func checkOut(o *options) error {
	if o.force && o.out == "" {
		return failf(statusUsage, "-f lets -o write over a file, and there is no -o; try -o FILE -f")
	}
	if o.out == "-" { // where it goes anyway, and a terminal gets nothing binary
		o.out = ""
	}
	return nil
}

// splitTargets cuts the words where the targets end: after the first, which
// may be a name, and as many more as can't be a command. A -- there ends them
// as well, and says that a word is a command although it looks like a target.
func splitTargets(words []string, all bool) (targets, command []string, dashed bool) {
	n := 0
	if !all && len(words) > 0 {
		for n = 1; n < len(words) && isTarget(words[n]); n++ {
		}
	}
	if n > 0 && n < len(words) && words[n] == "--" {
		return words[:n], words[n+1:], true
	}
	return words[:n], words[n:], false
}

// isTarget tells a PID or PATH from a command, which is neither. It does not
// tell a name from one.
func isTarget(word string) bool {
	if word == "" {
		return false
	}
	return strings.Contains(word, "/") || strings.Trim(word, "0123456789") == ""
}

// takeFlags takes -o FILE and -f from wherever they stand in a command:
// "poke PID pprof-heap -o heap" is what one types. No command of the console
// has flags of these names.
func takeFlags(o *options, words []string) (rest []string, err error) {
	for i := 0; i < len(words); i++ {
		switch words[i] {
		case "-f":
			o.force = true
		case "-o":
			if i++; i == len(words) || words[i] == "" {
				return nil, failf(statusUsage, "-o needs the name of a file; try -o profile.pprof")
			}
			o.out = words[i]
		default:
			rest = append(rest, words[i])
		}
	}
	return rest, nil
}

// commandLine makes a line of words that the console splits into these words
// again: see package console for its quotes.
func commandLine(words []string) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		switch {
		case w != "" && !strings.ContainsAny(w, " \t\r;'\"\\"):
			b.WriteString(w)
		case !strings.Contains(w, "'"):
			b.WriteString("'" + w + "'")
		default:
			b.WriteString(`"` + strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(w) + `"`)
		}
	}
	return b.String()
}

// splitCommands cuts at semicolons and ends of lines, but not where the
// console's quotes protect a semicolon.
func splitCommands(s string) (lines []string, err error) {
	var quote byte
	start := 0
	end := func(i int) {
		// Not trimmed on the right, where a backslash may protect a blank.
		if line := strings.TrimLeft(s[start:i], " \t\r"); line != "" {
			lines = append(lines, line)
		}
		start = i + 1
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == frame.Interrupt:
			return nil, failf(statusUsage, "-c %q holds what Ctrl-C sends, which would take the command back; try it without", s)
		case c == '\n' && quote != 0:
			return nil, failf(statusUsage, "a line of -c ends inside a quote: %q; close it, or put a backslash before it", s[start:i])
		case c == '\\' && quote != '\'' && i+1 < len(s) && strings.IndexByte(`'"\`, s[i+1]) >= 0:
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == ';' || c == '\n':
			end(i)
		}
	}
	if quote != 0 {
		return nil, failf(statusUsage, "-c ends inside a quote: %q; close it, or put a backslash before it", s[start:])
	}
	end(len(s))
	return lines, nil
}
