package manual

import (
	"github.com/go-manhole/lazy/internal/commands"
	"github.com/go-manhole/lazy/internal/frame"
)

// sample is a manual with tables like those of package main, whose own test
// looks at the real ones.
func sample() *Manual {
	filters := []frame.Option{{Name: "match", Arg: "REGEXP", What: "only matching stacks"}, {Name: "system", What: "also those of the runtime"}}
	return New(Tables{
		Flags: []Flag{
			{Long: "output", Short: "o", Arg: "FILE", What: "write the answer to FILE, which must not exist", More: "A - is standard output."},
			{Long: "json", What: "answer in JSON"},
			{Long: "for", Arg: "DURATION", What: "how long gops may be used", Only: "gops"},
		},
		Subcommands: []Subcommand{
			{Name: "list", What: "list Go processes (the default)", Flags: []string{"json"}},
			{Name: "gops", Args: "PID", What: "let gops(1) talk to it", More: "As if it had gops's agent.", Flags: []string{"for"}},
			{Name: "version", What: "print the version"},
		},
		Commands: []frame.Command{
			{
				Name: "stack", Usage: "[full] [FILTER]...", Topic: commands.Doing, What: "goroutines, identical stacks grouped",
				Args:    []frame.Arg{{Name: "full", What: "all detail"}},
				Options: filters,
				Forms: []frame.Form{
					{Name: "diff", Topic: commands.Leaks, Usage: "[FILTER]...", What: "what changed", Options: filters, Notes: []string{"Since the last stack."}, Example: "stack diff -match http"},
				},
				Notes:   []string{"A goroutine is shown once."},
				Example: "stack -match 'http\\.'",
			},
			{Name: "version", Topic: commands.About, What: "the Go version, and 10 µs", Example: "version"},
			{Name: "stats", Topic: commands.Doing, What: "goroutines, threads", Example: "stats"},
		},
	})
}
