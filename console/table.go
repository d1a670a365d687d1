package console

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/internal/commands"
	"github.com/go-manhole/lazy/internal/frame"
)

// A command is a description and the function that does it.
type command struct {
	frame.Command
	action
}

// An action is what a command does: run or apart.
type action struct {
	run func(ctx context.Context, s *session, a *args.Parsed) error

	// apart runs in its own goroutine, because it may not return in time or
	// not notice ctx: the commands of the program, and what waits for the
	// garbage collector.
	apart func(ctx context.Context, w io.Writer, arguments []string) error

	changes bool // something in the process; not there in a session that only reads
	builtin bool
}

// actions has what package commands describes, by name. It is a function
// because help, which is in it, reads it.
func actions() map[string]action {
	return map[string]action{
		"stack":   {run: stack},
		"blocked": {run: blockedOn},
		"stats":   {run: stats},
		"watch":   {run: watch},
		// tail changes little, but what the program writes may be more
		// private than what a session that only observes should show.
		"tail":       {run: tailOutput, changes: true},
		"trace":      {run: traceFor},
		"pprof-cpu":  {run: pprofCPU},
		"pprof-heap": {run: pprofHeap},
		"memstats":   {run: memstats},
		"metrics":    {run: metric},
		"fds":        {run: descriptors},
		"pprof":      {run: profiles},
		"freeze":     {run: freezeCopy, changes: true},
		"core":       {run: core, changes: true},
		"version":    {run: version},
		"buildinfo":  {run: buildinfo},
		"binary":     {run: binaryDump},
		"env":        {run: environment},
		"godebug":    {run: godebug},
		"vars":       {apart: vars},
		"gc":         {apart: collect, changes: true},
		"freemem":    {apart: freemem, changes: true},
		"setgc":      {run: setgc, changes: true},
		"memlimit":   {run: memlimit, changes: true},
		"maxprocs":   {run: maxprocs, changes: true},
		"set":        {run: set, changes: true},
		"help":       {run: help},
		"quit":       {run: quit},
	}
}

// table has the commands of the console once there was a session.
var table struct {
	sync.Once
	all []command
}

// builtin returns the commands of the console, in the order of help. The caller
// must not change them.
func builtin() []command {
	table.Do(func() {
		do := actions()
		for _, c := range commands.Builtin() {
			a := do[c.Name]
			a.builtin = true
			table.all = append(table.all, command{c, a})
		}
	})
	return table.all
}

// commands returns those of this session.
func (s *session) commands() []command {
	if s.table == nil {
		s.table = s.available()
	}
	return s.table
}

func (s *session) available() (all []command) {
	for _, c := range builtin() {
		if !c.changes || !s.cfg.ReadOnly {
			all = append(all, c)
		}
	}
	if s.cfg.ReadOnly {
		return all
	}
	for _, c := range s.cfg.Commands {
		all = append(all, command{
			frame.Command{Name: c.Name, Topic: commands.Program, What: firstLine(c.Usage)},
			action{apart: c.Run, changes: true},
		})
	}
	return all
}

var (
	errQuit     = errors.New("quit")
	errUnknown  = errors.New("no such command; try help")
	errReadOnly = errors.New("not in a session that only observes (WithReadOnly); try help")
)

func (s *session) find(name string) (command, error) {
	for _, c := range s.commands() {
		if c.Name == name {
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

// IsCommand reports whether name is one of the console's own commands. A
// command of the program with the same name could never be reached.
func IsCommand(name string) bool {
	for _, c := range builtin() {
		if c.Name == name {
			return true
		}
	}
	return false
}

func quit(context.Context, *session, *args.Parsed) error { return errQuit }
