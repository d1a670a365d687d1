package console

import (
	"context"
	"errors"
	"io"
)

// command is an entry of the one table that dispatch, help and Config.ReadOnly
// all read.
type command struct {
	name    string
	args    string
	topic   topic
	what    string // one line
	more    string // what else help NAME says: whole lines
	example string
	changes bool // something in the process; not there in a session that only reads

	run func(ctx context.Context, s *session, args []string) error
	own func(ctx context.Context, w io.Writer, args []string) error // instead of run: the program's
}

// topic is the question that a command answers.
type topic string

const (
	doing   topic = "What is it doing?"
	memoryQ topic = "What eats memory?"
	about   topic = "What is it?"
	change  topic = "Change it"
	here    topic = "This session"
	program topic = "The program's own"
)

// topics in the order of help.
var topics = []topic{doing, memoryQ, about, change, program, here}

// builtin is the table. It is a function because help, which is in it, reads it.
func builtin() []command {
	return []command{
		{
			name: "stack", args: "[full|raw]", topic: doing,
			what: "goroutines, identical stacks grouped, the largest group first",
			more: "full stops the world for the state, wait and id of each, and says first for\n" +
				"how long. raw is the runtime's own format.\n",
			example: "stack full",
			run:     stack,
		},
		{
			name: "stats", topic: doing,
			what:    "goroutines, threads, GOMAXPROCS, CPUs",
			example: "stats",
			run:     stats,
		},
		{
			name: "memstats", topic: memoryQ,
			what:    "the allocator's and collector's figures (stops the world for some 20 microseconds)",
			example: "memstats",
			run:     memstats,
		},
		{
			name: "version", topic: about,
			what:    "the Go version it was built with",
			example: "version",
			run:     version,
		},
		{
			name: "gc", topic: change, changes: true,
			what:    "collect garbage now and wait for the end",
			example: "gc",
			run:     collect,
		},
		{
			name: "help", args: "[NAME]", topic: here,
			what:    "this list, or more about one command",
			example: "help stack",
			run:     help,
		},
		{
			name: "quit", topic: here,
			what:    "end the session; so does the end of input (Ctrl-D)",
			example: "quit",
			run:     quit,
		},
	}
}

// commands are those of this session.
func (s *session) commands() []command {
	if !s.cfg.ReadOnly {
		all := builtin()
		for _, c := range s.cfg.Commands {
			all = append(all, command{name: c.Name, topic: program, what: c.Usage, changes: true, own: c.Run})
		}
		return all
	}
	var reading []command
	for _, c := range builtin() {
		if !c.changes {
			reading = append(reading, c)
		}
	}
	return reading
}

var (
	errQuit     = errors.New("quit")
	errUnknown  = errors.New("no such command; try help")
	errReadOnly = errors.New("not in a session that only observes (WithReadOnly); try help")
)

func (s *session) find(name string) (command, error) {
	for _, c := range s.commands() {
		if c.name == name {
			return c, nil
		}
	}
	if s.cfg.ReadOnly {
		for _, c := range s.cfg.Commands {
			if c.Name == name {
				return command{}, errReadOnly
			}
		}
		if IsCommand(name) {
			return command{}, errReadOnly
		}
	}
	return command{}, errUnknown
}

// IsCommand reports whether name is one of the console's own commands, which
// a program's command of the same name would never be reached behind.
func IsCommand(name string) bool {
	for _, c := range builtin() {
		if c.name == name {
			return true
		}
	}
	return false
}

func quit(context.Context, *session, []string) error { return errQuit }

var errArguments = errors.New("takes no arguments")

// none is for commands without arguments.
func none(args []string) error {
	if len(args) > 0 {
		return errArguments
	}
	return nil
}
