// Package commands describes the built-in commands of the console: their names,
// arguments, options and help. The console attaches functions to them by name.
// The client completes and explains them without a session.
package commands

import (
	"slices"

	"github.com/go-manhole/lazy/internal/frame"
)

// The topics of commands: the questions that they answer.
const (
	Doing   = "What is it doing?"
	CPU     = "What burns CPU?"
	Memory  = "What eats memory?"
	Leaks   = "What leaks?"
	Waiting = "What does it wait for?"
	Holds   = "What does it hold?"
	About   = "What is it made of?"
	Change  = "Change it"
	Program = "The program's own"
	Session = "This session"
)

// Topics returns the topics in the order of help.
func Topics() []string {
	return []string{Doing, CPU, Memory, Leaks, Waiting, Holds, About, Change, Program, Session}
}

// A Pointer names a use of a command that answers the question of another topic
// than its own.
type Pointer struct{ Usage, What string }

// Elsewhere returns what to try for a topic besides its own commands, and before
// them.
func Elsewhere(topic string) []Pointer {
	if topic != Waiting {
		return nil
	}
	return []Pointer{
		{"stack -state TEXT", "the goroutines that wait now: TEXT is chan, select, sync, IO, semacquire or sleep"},
		{"fds -idle DURATION", "silent connections, their peers, and who waits on them"},
	}
}

// Builtin returns the commands that every session has, in the order of help. A
// session that only observes lacks those that change something.
func Builtin() []frame.Command {
	return slices.Concat(observing(), profiling(), holding(), describing(), changing(), session())
}

var states = []string{"running", "runnable", "chan", "select", "IO", "sleep", "syscall", "sync", "semacquire"}

// narrows says how filters combine.
const narrows = "Goroutines are shown that pass every filter. A filter given again narrows further, except that -id adds another goroutine."

var filters = []frame.Option{
	{Name: "state", Arg: "TEXT", Repeat: true, What: "goroutines whose state contains TEXT: running, chan, select, IO wait", Values: states},
	{Name: "not-state", Arg: "TEXT", Repeat: true, What: "goroutines whose state does not contain TEXT", Values: states},
	{Name: "match", Arg: "REGEXP", Repeat: true, What: "goroutines with a matching function or file in their stack"},
	{Name: "not-match", Arg: "REGEXP", Repeat: true, What: "goroutines without one"},
	{Name: "label", Arg: "KEY=VALUE", Repeat: true, What: "goroutines with a runtime/pprof label; KEY alone: any value"},
	{Name: "min-wait", Arg: "DURATION", What: "goroutines waiting at least this long, e.g. 5m", Values: []string{"1m", "5m", "1h"}},
	{Name: "id", Arg: "N", Repeat: true, What: "the goroutine with this id; several: N,N or -id again"},
	{Name: "fold-idle", What: "one line for all idle connections and accept loops of net/http, net and database/sql"},
	{Name: "n", Arg: "N", What: "only the N largest groups", Values: []string{"5", "10", "20"}},
	{Name: "system", What: "include the goroutines of the runtime"},
	force,
}

// blockedOptions are the filters, of which -n is about objects.
func blockedOptions() []frame.Option {
	var all []frame.Option
	for _, o := range filters {
		switch o.Name {
		case "n":
			o.What = "N objects instead of 20, the most waited for"
		case "fold-idle":
			continue
		}
		all = append(all, o)
	}
	return all
}

// force is an option of what may need much memory.
var force = frame.Option{Name: "force", What: "even if it may not fit into the memory that is left; the process may be killed for it"}

func observing() []frame.Command {
	return []frame.Command{
		{
			Name: "stack", Usage: "[full] [FILTER]...", Topic: Doing,
			What: "goroutines, identical stacks grouped, the largest group first",
			Args: []frame.Arg{{Name: "full", What: "the state, wait and id of every goroutine, even of very many; " +
				"stops the world, and announces for how long"}},
			Options: append([]frame.Option{{Name: "args", What: "the arguments of the calls, as the runtime prints them; ? if it may have changed"}}, filters...),
			Notes:   []string{narrows},
			Forms: []frame.Form{
				{
					Name: "raw", Usage: "[FILTER]...",
					What:    "the text of the runtime, for panicparse and gostackparse; stops the world",
					Options: filters,
					Notes: []string{"With a filter it has the goroutines that stack full shows with the same one; without, all. " +
						"Where the runtime elides frames of a deep stack, a call named ...N frames elided... takes the place of its note, which not all tools can read. The text takes at most half of the memory that is left. What does not fit is left out in whole goroutines, " +
						"and the last line says how many. -force lifts that bound."},
					Example: "stack raw",
				},
				{
					Name: "json", Usage: "[FILTER]...",
					What:    "the groups for programs: one line of JSON for the dump, then one for each group",
					Options: filters,
					Notes: []string{"Durations are in nanoseconds. With -n the goroutines of other groups count as filtered. " +
						"stack full json has ids and waits of very many goroutines too. " +
						"For the fields see go doc github.com/go-manhole/lazy/stackdump Dump.WriteJSON"},
					Example: "stack json -state 'chan send'",
				},
				{
					Name: "diff", Usage: "[DURATION] [FILTER]...", Topic: Leaks,
					What:    "what changed since stacks were last shown, or in DURATION from now",
					Options: filters,
					Notes: []string{"Enter ends DURATION early. manhole-poke also takes a file that stack json wrote earlier, " +
						"perhaps of another process with the same program, and compares with that: stack diff FILE."},
					Example: "stack diff 10s -match http",
				},
			},
			Example: `stack -state chan -match 'http\.' -n 5`,
		},
		{
			Name: "stats", Topic: Doing,
			What:    "goroutines, threads, GOMAXPROCS, CPUs",
			Example: "stats",
		},
		{
			Name: "watch", Usage: "[NAME]... [SECONDS [LINES]]", Topic: Doing,
			What: "goroutines, heap, GC and CPU, or any figures, a line at intervals",
			Args: []frame.Arg{
				{Name: "NAME", What: "a metric of runtime/metrics, whose name may be shortened, or a variable of expvar, or an element of one (map.key)"},
				{Name: "SECONDS", What: "the interval, 1 by default"}, {Name: "LINES", What: "stop after so many lines"},
			},
			Options: slices.DeleteFunc(slices.Clone(filters), func(o frame.Option) bool { return o.Name == "n" || o.Name == "fold-idle" }),
			Notes: []string{
				"Enter ends it; in a script the next line does. With LINES, a script's next line does not end it.",
				"Of metrics that only grow it shows by how much in a second, of histograms how much was added in a second, and its " +
					"percentiles. Of variables it shows both value and growth.",
				"With filters, as stack has them, it counts the goroutines that pass. Each line stops the world as stack does, " +
					"and the interval is at least 20 times what a look takes.",
			},
			Example: "watch 1 60\nwatch sched/latencies heap/live 1 60\nwatch -match http 5 12",
		},
		{
			Name: "tail", Usage: "[stderr|stdout|both]", Topic: Doing,
			What: "what the program and its children write from now on",
			Args: []frame.Arg{{Name: "stderr"}, {Name: "stdout"}, {Name: "both"}},
			Notes: []string{
				"Enter ends it; in a script the next line does. Without an argument it shows whatever can be shown. Linux only.",
				"Regular files are read; the program does not notice. What other processes write to the same file is shown too. " +
					"(If the program holds a lock of fcntl(2), F_SETLK, on the file, the end of tail releases it, " +
					"as every close of the file in the process does.)",
				"Terminals, pipes, sockets and devices cannot be read back. On amd64 and arm64 a pipe takes their place until tail ends, " +
					`and a small helper process ("lazy-tail of PID" in ps) passes on what is written, in order. ` +
					"It outlives the program, so nothing is lost if the program exits, crashes or is killed, " +
					"and it keeps serving children started while tail ran. " +
					"What the program writes in its last moment, as a panic does, arrives there but not in this session, which ends with the program.",
				"These children, and the program if it checks, see a pipe instead of the terminal, and wait4(2) for any child finds one more. " +
					"If the program is pid 1 of its namespace, the kernel kills the helper with it, and the last output may be lost. " +
					"What C code or println writes at the moment when tail begins or ends may be reordered with what follows.",
				"Sockets that preserve message boundaries and descriptors in non-blocking mode are refused, because a pipe cannot stand in for them. " +
					"A reader that is too slow is shown how many lines it missed.",
			},
			Example: "tail stderr",
		},
		{
			Name: "trace", Usage: "[DURATION]", Topic: Doing, Binary: true,
			What:    "an execution trace of 5 s, for go tool trace (binary)",
			Args:    []frame.Arg{{Name: "DURATION"}},
			Options: []frame.Option{force},
			Notes:   []string{"Enter ends the trace early."},
			Example: "trace 2s",
		},
	}
}

func describing() []frame.Command {
	return []frame.Command{
		{
			Name: "version", Topic: About,
			What:    "the Go version it was built with",
			Example: "version",
		},
		{
			Name: "buildinfo", Topic: About,
			What:    "module, dependencies, VCS revision, build settings",
			Example: "buildinfo",
		},
		{
			Name: "binary", Topic: About, Binary: true,
			What:    "the running executable, for go tool pprof and delve (binary)",
			Example: "binary",
		},
		{
			Name: "env", Usage: "[REGEXP] [-secrets]", Topic: About,
			What: "the environment; values of names that look like secrets are masked",
			Args: []frame.Arg{{Name: "REGEXP"}},
			Options: []frame.Option{
				{Name: "secrets", What: "mask nothing"},
			},
			Notes: []string{"Values that contain what looks like a secret are masked in part: passwords in addresses, password=X, Bearer X. " +
				"Masking is a guess; do not rely on it."},
			Example: "env '^GO'",
		},
		{
			Name: "godebug", Topic: About,
			What:    "GODEBUG settings and what they changed so far",
			Example: "godebug",
		},
		{
			Name: "vars", Usage: "[NAME]", Topic: About,
			What:    "what the program published with expvar",
			Args:    []frame.Arg{{Name: "NAME"}},
			Notes:   []string{"The program has to import github.com/go-manhole/lazy/expvars for it."},
			Example: "vars cmdline",
		},
	}
}

func changing() []frame.Command {
	const slow = "In a process with all processors busy this takes seconds, up to minutes."
	return []frame.Command{
		{
			Name: "gc", Topic: Change,
			What:    "collect garbage now and wait until it is done",
			Notes:   []string{slow},
			Example: "gc",
		},
		{
			Name: "freemem", Topic: Change,
			What:    "collect garbage and return free memory to the system",
			Notes:   []string{slow},
			Example: "freemem",
		},
		{
			Name: "setgc", Usage: "PERCENT|off", Topic: Change,
			What:    "set the heap growth that starts a collection, as GOGC",
			Args:    []frame.Arg{{Name: "PERCENT", What: "1 or more"}, {Name: "off", What: "no collections but those that the memory limit demands"}},
			Example: "setgc 50",
		},
		{
			Name: "memlimit", Usage: "[SIZE|off]", Topic: Change,
			What: "set the soft memory limit, as GOMEMLIMIT; alone shows it",
			Args: []frame.Arg{{Name: "SIZE", What: "with its unit: 512MiB, 2GiB"}, {Name: "off"}},
			Options: []frame.Option{
				{Name: "force", What: "even if it is less than what is in use; the program may then do little but collect garbage"},
			},
			Example: "memlimit 2GiB",
		},
		{
			Name: "maxprocs", Usage: "[N|default]", Topic: Change,
			What: "set how many threads run Go code at once, as GOMAXPROCS; alone shows it",
			Args: []frame.Arg{{Name: "N"}, {Name: "default"}},
			Notes: []string{"What the garbage collector started for a large N, one goroutine each (not in stats) and many threads, " +
				"stays when N is small again."},
			Example: "maxprocs 4",
		},
		{
			Name: "set", Usage: "NAME -at ADDRESS ...", Topic: Change,
			What: "set a package variable: bool, number or time.Duration",
			Args: []frame.Arg{{Name: "NAME"}},
			Options: []frame.Option{
				{Name: "at", Arg: "ADDRESS", What: "where it is"},
				{Name: "type", Arg: "TYPE", What: "its type", Values: []string{"bool", "int", "int32", "int64", "uint32", "uint64", "float64", "time.Duration"}},
				{Name: "old", Arg: "VALUE", What: "the current value; a Duration is in nanoseconds"},
				{Name: "new", Arg: "VALUE", What: "the new value"},
			},
			Notes: []string{"manhole-poke PID set NAME VALUE finds address, type and old value by itself. " +
				"Only variables in the data and bss segments of the program can be set, and only if they still have the old value. " +
				"It is logged. Linux only (amd64 and arm64)."},
			Example: "set main.verbose -at 0x5d1f2c -type bool -old false -new true",
		},
	}
}

func session() []frame.Command {
	return []frame.Command{
		{
			Name: "help", Usage: "[NAME]", Topic: Session,
			What:    "list the commands, or explain one",
			Args:    []frame.Arg{{Name: "NAME", Of: "command"}},
			Example: "help stack",
		},
		{
			Name: "quit", Topic: Session,
			What:    "end the session; so does the end of input (Ctrl-D)",
			Example: "quit",
		},
	}
}
