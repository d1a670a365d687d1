package answer

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-manhole/lazy/internal/frame"
	"github.com/go-manhole/lazy/internal/words"
)

// A Query is one command for all processes, and how to show the answers.
type Query struct {
	Line string // as given
	Sent string // the line that the processes get
	layout
	groups int // of merged stacks that are shown; 0 for all
}

// A layout is how answers are put together.
type layout int

const (
	concat layout = iota // each under a title
	table                // stats
	merge                // stack
	value                // JSON in any case
)

// NewQuery returns the query for a line. stats and stack get a layout in which
// the answers say more than each by itself. asJSON is for [ShowJSON], which
// merges nothing. The commands are those of every session.
func NewQuery(line string, asJSON bool, commands []frame.Command) Query {
	q := Query{Line: line, Sent: line}
	given, err := words.Split(line)
	if err != nil || len(given) == 0 { // the console reports what is wrong
		return q
	}
	switch given[0] {
	case "stats":
		q.layout = table
	case "print", "whatis", "globals", "locals":
		if asJSON {
			q.layout = value
		}
	case "stack":
		i := slices.IndexFunc(commands, func(c frame.Command) bool { return c.Name == "stack" })
		if i < 0 {
			return q
		}
		args, groups, ok := mergeable(commands[i], given[1:])
		if !ok {
			return q
		}
		q.layout, q.groups = merge, groups
		if asJSON {
			args = given[1:]
		}
		q.Sent = words.Join(append([]string{"stack", "json"}, args...)...)
	}
	return q
}

// Verbatim returns the query for a line whose answers are shown as they are,
// or written to files.
func Verbatim(line string) Query { return Query{Line: line, Sent: line} }

// mergeable reports whether these arguments of stack ask for what can be
// merged. It takes out the number of groups, because the groups to show are
// known only after merging. It understands options as the console does: the
// argument of -match raw is not a form.
func mergeable(stack frame.Command, args []string) (rest []string, groups int, ok bool) {
	for i := 0; i < len(args); i++ {
		option := args[i : i+1]
		if !strings.HasPrefix(args[i], "-") {
			if slices.ContainsFunc(stack.Forms, func(f frame.Form) bool { return f.Name == args[i] }) {
				return nil, 0, false
			}
			rest = append(rest, option...)
			continue
		}
		name, value, given := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		if name == "args" { // mean nothing in another process, and JSON has none
			return nil, 0, false
		}
		if !given && takesValue(stack, name) && i+1 < len(args) {
			i++
			option, value = args[i-1:i+1], args[i]
		}
		if n, err := strconv.ParseUint(value, 10, 31); name == "n" && err == nil && n > 0 {
			groups = int(n)
			continue
		}
		rest = append(rest, option...)
	}
	return rest, groups, true
}

func takesValue(c frame.Command, option string) bool {
	return slices.ContainsFunc(c.Options, func(o frame.Option) bool { return o.Name == option && o.Arg != "" })
}
