// Package inspect has the commands with which manhole-poke itself adds to a
// session: they show variables of a copy of the process, and set one of the
// process.
package inspect

import (
	"slices"

	"github.com/go-manhole/lazy/internal/commands"
	"github.com/go-manhole/lazy/internal/frame"
)

var where = []frame.Option{
	{Name: "id", Arg: "N", What: "look names up in goroutine N; stack full shows the ids"},
	{Name: "frame", Arg: "K", What: "with -id: in frame K; 0 is the innermost, the default is the innermost outside the runtime"},
}

var limits = []frame.Option{
	{Name: "depth", Arg: "N", What: "show N levels of what is nested; default 2", Values: []string{"1", "3", "5"}},
	{Name: "strings", Arg: "N", What: "show N bytes of each string; default 64", Values: []string{"200", "1000"}},
	{Name: "len", Arg: "N", What: "show N elements of each array, slice and map; default 64", Values: []string{"10", "1000"}},
}

// Commands describes the commands. A session that has one of the same name keeps
// its own.
func Commands() []frame.Command {
	return []frame.Command{
		{
			Name: "print", Usage: "[OPTION]... EXPRESSION", Topic: commands.Holds,
			What:    "the value of an expression: a variable, a field, an element of a map",
			Options: slices.Concat(where, limits),
			Notes: []string{
				"The expression is evaluated in a frozen copy of the process, which runs on (Linux only). The syntax is Delve's: Go expressions without function calls. Package variables are main.x, or x if they are in package main; \"example.com/mod/pkg\".x is one of a package whose name is not unique.",
				"The expression is everything after the options, with blanks and quotes. On the command line quote it for the shell.",
			},
			Example: "print main.config\nprint -id 18 request.Header\nprint 'main.sessions[\"alice\"].since'",
		},
		{
			Name: "whatis", Usage: "[OPTION]... EXPRESSION", Topic: commands.Holds,
			What:    "the type of an expression, and of what an interface holds",
			Options: where,
			Example: "whatis main.handler",
		},
		{
			Name: "globals", Usage: "[REGEXP] [OPTION]...", Topic: commands.Holds,
			What:    "the package variables of the program, or those whose full names match",
			Args:    []frame.Arg{{Name: "REGEXP", What: "the default is ^main\\."}},
			Options: limits,
			Example: "globals ^main\\.",
		},
		{
			Name: "locals", Usage: "-id N [OPTION]...", Topic: commands.Holds,
			What:    "the arguments and variables of a function that a goroutine is in",
			Options: slices.Concat(where, limits),
			Example: "locals -id 18",
		},
		{
			Name: "set", Usage: "VARIABLE VALUE", Topic: commands.Change,
			What: "set a package variable of the running program: a bool, a number, a time.Duration",
			Notes: []string{
				"The value is stored at once, provided that the variable still has the value that it had in a frozen copy taken just before (Linux only). The program does not expect it: no code of it runs for the change, a value that was copied elsewhere stays, and a race with the program's own writes is possible. The process logs who changed what.",
			},
			Example: "set main.verbose true\nset main.timeout 30s",
		},
	}
}

// shows reports whether a command shows something.
func shows(name string) bool {
	return name == "print" || name == "whatis" || name == "globals" || name == "locals"
}

// TakesExpression reports whether what follows the name of a command is to be
// taken as it was typed, not as words.
func TakesExpression(name string) bool { return name == "print" || name == "whatis" }

// Merge returns the commands of a session and those that it does not have.
func Merge(session []frame.Command) []frame.Command {
	all := slices.Clone(session)
	for _, c := range Commands() {
		i := slices.IndexFunc(all, func(s frame.Command) bool { return s.Name == c.Name })
		switch {
		case i < 0 && shows(c.Name):
			all = append(all, c)
		case i >= 0 && isPlumbing(all[i]):
			all[i] = c
		}
	}
	return all
}

// isPlumbing reports whether c is the session's own set, which takes an address
// and is not for people.
func isPlumbing(c frame.Command) bool {
	return c.Name == "set" && slices.ContainsFunc(c.Options, func(o frame.Option) bool { return o.Name == "at" })
}
