package main

import (
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/complete"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/inspect"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/manual"
	"github.com/go-manhole/lazy/internal/commands"
	"github.com/spf13/cobra"
)

// A subcommand is a word that may stand where a target does.
type subcommand struct {
	manual.Subcommand
	values  func() []complete.Candidate // of its first argument; nil if there are none
	several bool                        // and of those after it
	run     func(c *client, args []string) error
}

// subcommands is a function because help, which is in it, reads it.
func subcommands() []subcommand {
	return []subcommand{
		{
			Subcommand: manual.Subcommand{Name: "list", What: "list Go processes (the default)", Flags: []string{"json", "restricted"}},
			run:        (*client).list,
		},
		{
			Subcommand: manual.Subcommand{
				Name: "kernel", Args: "PID|NAME", What: "what the kernel knows of a process",
				More:  "Shows its threads, in which functions and lines they are, and what that most likely means, without the process's help. The process need not be armed (Linux only). To see where running threads are, it stops each of them six times for less than a millisecond, if you may trace the process.",
				Flags: []string{"stacks", "restricted"},
			},
			values: goPIDs, run: (*client).kernel,
		},
		{
			Subcommand: manual.Subcommand{
				Name: "debug", Args: "TARGET", What: "Delve on a copy of the process",
				More:  "Runs Delve's debugger on a frozen copy of the process, which runs on; nothing else needs to be installed (Linux only). Commands are typed, or come from standard input. If the copy may not be traced, a core file of it is used instead. Leaving ends the copy. debug --core FILE EXECUTABLE works on a core file from elsewhere.",
				Flags: []string{"core", "exe", "signal", "path", "timeout"},
			},
			values: func() []complete.Candidate { return targetCandidates(nil) }, run: (*client).debug,
		},
		{
			Subcommand: manual.Subcommand{
				Name: "top", Args: "TARGET...", What: "a live view of processes",
				More:  "Shows goroutines by stack with their growth, the scheduler, the heap and, when asked, CPU by function, until q is pressed; ? explains it. top --all shows every armed process. It holds the session of each process: others who come get \"busy\". Where there is no terminal, use the console command watch.",
				Flags: []string{"all", "every", "signal", "path", "timeout", "restricted"},
			},
			values: func() []complete.Candidate { return targetCandidates(nil) }, several: true, run: (*client).top,
		},
		{
			Subcommand: manual.Subcommand{
				Name: "gops", Args: "PID", What: "let gops(1) use the process",
				More:  "While this runs, gops stack PID and gops's other commands work as if the process had a gops agent, for the same user and root only (Linux only). They find the port in gops's own directory: $GOPS_CONFIG_DIR, or ~/.config/gops.",
				Flags: []string{"for", "signal", "path", "timeout"},
			},
			values: func() []complete.Candidate { return targetCandidates(nil) }, run: (*client).gops,
		},
		{
			Subcommand: manual.Subcommand{
				Name: "demo", What: "try it on a small program",
				More:  "Starts a small armed program, opens a session with it, and ends it.",
				Flags: []string{"timeout"},
			},
			run: (*client).demo,
		},
		{
			Subcommand: manual.Subcommand{
				Name: "completion", Args: "SHELL", What: "for bash, zsh, fish or powershell",
				More: "See manhole-poke help install.",
			},
			values: shells, run: (*client).completion,
		},
		{
			Subcommand: manual.Subcommand{Name: "man", What: "the manual, for man(1)", More: "See manhole-poke help install."},
			run:        (*client).man,
		},
		{
			Subcommand: manual.Subcommand{Name: "help", Args: "[TOPIC]", What: "more about TOPIC"},
			values:     topics, run: (*client).help,
		},
		{
			Subcommand: manual.Subcommand{Name: "version", What: "print the version"},
			run:        (*client).version,
		},
	}
}

// theManual returns the manual with what this program has.
func theManual() *manual.Manual {
	t := manual.Tables{Flags: flagTable(), Commands: inspect.Merge(commands.Builtin())}
	for _, s := range subcommands() {
		t.Subcommands = append(t.Subcommands, s.Subcommand)
	}
	return manual.New(t)
}

// subcommandsLike returns those that an unknown word may be a slip for.
func subcommandsLike(word string) []string {
	root := &cobra.Command{SuggestionsMinimumDistance: min(2, len(word)/2)} // of go, nearly all is left
	for _, s := range subcommands() {
		root.AddCommand(&cobra.Command{Use: s.Name, Run: func(*cobra.Command, []string) {}})
	}
	return root.SuggestionsFor(word)
}
