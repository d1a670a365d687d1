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
	binary  bool // the answer is a file, unless -top is given
	changes bool // something in the process; not there in a session that only reads

	run func(ctx context.Context, s *session, args []string) error
	own func(ctx context.Context, w io.Writer, args []string) error // instead of run: the program's
}

// topic is the question that a command answers.
type topic string

const (
	doing   topic = "What is it doing?"
	burning topic = "What burns CPU?"
	eating  topic = "What eats memory?"
	leaking topic = "What leaks?"
	waiting topic = "What does it wait for?"
	about   topic = "What is it made of?"
	change  topic = "Change it"
	program topic = "The program's own"
	here    topic = "This session"
)

// topics in the order of help.
var topics = []topic{doing, burning, eating, leaking, waiting, about, change, program, here}

// builtin is the table. It is a function because help, which is in it, reads it.
func builtin() []command {
	return []command{
		{
			name: "stack", args: "[full] [FILTER]...", topic: doing,
			what: "goroutines, identical stacks together, the largest group first",
			more: `-state TEXT     those whose state contains it: running, chan, select, IO wait
-match REGEXP   those with a function or file that matches in their stack
-label KEY=VAL  those with a runtime/pprof label; KEY alone for any value
-min-wait D     those that have waited so long: 5m
-id N           one of them
-n N            the N largest groups
-system         the runtime's own as well
full            the state, wait and id of each even if there are very many;
                stops the world, and says first for how long
`,
			example: "stack -state chan -match 'http\\.' -n 5",
			run:     stack,
		},
		{
			name: "stack raw", topic: doing,
			what:    "the same as the runtime writes it, for panicparse and gostackparse; stops the world",
			example: "stack raw",
		},
		{
			name: "stack json", args: "[FILTER]...", topic: doing,
			what: "the groups for programs: a line of JSON for the whole, then one for each",
			more: `Durations are in nanoseconds. With -n the goroutines of other groups count as
filtered. stack full json has ids and waits of very many goroutines too.
What each name means: go doc github.com/go-manhole/lazy/stackdump Dump.WriteJSON
`,
			example: "stack json -state 'chan send'",
		},
		{
			name: "stats", topic: doing,
			what:    "goroutines, threads, GOMAXPROCS, CPUs",
			example: "stats",
			run:     stats,
		},
		{
			name: "watch", args: "[SECONDS [LINES]]", topic: doing,
			what: "goroutines, heap, GC and CPU every so often, on one line",
			more: `Enter ends it, for a script the next line. A script that gives LINES is not
ended by what it sends next.
`,
			example: "watch 1 60",
			run:     watch,
		},
		{
			// It changes nothing, but what the program writes is not for everybody.
			name: "tail", args: "[stderr|stdout|both]", topic: doing, changes: true,
			what: "what the program and its children write from now on",
			more: `Enter ends it, for a script the next line. Without an argument it shows
what can be shown.
Only on Linux. Regular files are read, and nothing is put in the program's
way; what others write to the same file is shown as well. (If the program holds
a lock of fcntl(2), F_SETLK, on the file, the end of tail releases it, as every
close of the file in the process does.)
Terminals, pipes, sockets and devices keep nothing to be read: on amd64 and
arm64 a pipe takes their place until tail ends, and a small process of its own
("lazy-tail of PID" in ps) passes on what comes, in order. It outlives the
program, so nothing is lost if that exits, crashes or is killed, and goes on
for children that were started meanwhile. Those, and the program if it asks,
find a pipe instead of the terminal, and wait4(2) for any child finds one more.
Where the program is pid 1 of its namespace, the kernel kills that process with
it; what was written in the last moment may be lost then. What C code or
println writes just when tail begins or ends may change places with what comes
next. Refused is what a pipe can't take the place of: sockets that keep the
boundaries of messages, and descriptors in non-blocking mode.
A peer that is too slow is told how many lines it misses.
`,
			example: "tail stderr",
			run:     tail,
		},
		{
			name: "trace", binary: true, args: "[DURATION]", topic: doing,
			what: "an execution trace of 5 s, for go tool trace (binary)",
			more: `Enter ends the trace early.
`,
			example: "trace 2s",
			run:     traceFor,
		},
		{
			name: "pprof-cpu", binary: true, args: "[DURATION] [-top]", topic: burning,
			what: "a CPU profile of 30 s, for go tool pprof (binary)",
			more: topHelp + `Enter ends the profile early.
`,
			example: "pprof-cpu 10s -top",
			run:     pprofCPU,
		},
		{
			name: "pprof-heap", binary: true, args: "[-top]", topic: eating,
			what: "who allocated what is in the heap, for go tool pprof (binary)",
			more: topHelp + `It shows the heap as the last collection found it: run gc first to see it as
it is now.
`,
			example: "pprof-heap -top",
			run:     pprofHeap,
		},
		{
			name: "memstats", topic: eating,
			what:    "figures of allocator and collector (stops the world for some microseconds)",
			example: "memstats",
			run:     memstats,
		},
		{
			name: "metrics", args: "[REGEXP]", topic: eating,
			what:    "all that runtime/metrics has, histograms as percentiles",
			example: "metrics '^/sched/'",
			run:     metric,
		},
		{
			name: "stack diff", args: "[FILTER]...", topic: leaking,
			what:    "what changed since the stacks were last shown in this session",
			example: "stack diff -match http",
		},
		{
			name: "fds", args: "[REGEXP]", topic: leaking,
			what:    "the open descriptors and what they are, sockets with addresses and states",
			example: "fds CLOSE-WAIT",
			run:     fds,
		},
		{
			name: "pprof", binary: true, args: "[NAME [DURATION]] [-top]", topic: waiting,
			what: "any profile by name: block, mutex, goroutine, allocs, ... (binary); alone a list",
			more: topHelp + `block and mutex take 10 s unless DURATION is given, and sample only for that
time: one contention in 10, blocking from 10 µs on. If the program samples by
itself, that is left as it is. The rate of block sampling can't be read: it is
taken to be on if there are events that the console did not cause, and switched
off afterwards if not. -rate NANOSECONDS samples blocking in any case, and
switches it off. Both profiles count since the process began, and with -top
since the command did; go tool pprof -diff_base subtracts an earlier one.
The runtime does not see, in mutex, one that goroutines have queued for without
a break since before the sampling: block shows those that wait for it.
goroutineleak, in a program built with GOEXPERIMENT=goroutineleakprofile, has
the goroutines that nobody can ever wake. It collects garbage to find them, which
takes as long as gc does; stack full -state leaked then shows them too. It and
-rate are not there in a session that only observes (WithReadOnly).
block has what the session itself waits for as well; -top leaves that out, and
go tool pprof does with -ignore=go-manhole/lazy.
`,
			example: "pprof mutex 10s -top",
			run:     profiles,
		},
		{
			name: "version", topic: about,
			what:    "the Go version it was built with",
			example: "version",
			run:     version,
		},
		{
			name: "buildinfo", topic: about,
			what:    "module, dependencies, VCS revision, build settings",
			example: "buildinfo",
			run:     buildinfo,
		},
		{
			name: "binary", binary: true, topic: about,
			what:    "the executable that runs, for go tool pprof and delve (binary)",
			example: "binary",
			run:     binaryDump,
		},
		{
			name: "env", args: "[REGEXP] [-secrets]", topic: about,
			what: "the environment; values of names that look like secrets are masked",
			more: `So is what looks like one within a value: passwords in addresses, password=X,
Bearer X. -secrets shows all. It is a guess: do not rely on it.
`,
			example: "env '^GO'",
			run:     environment,
		},
		{
			name: "godebug", topic: about,
			what:    "GODEBUG settings and what they changed so far",
			example: "godebug",
			run:     godebug,
		},
		{
			name: "vars", args: "[NAME]", topic: about,
			what:    "what the program published with expvar",
			more:    "The program has to import github.com/go-manhole/lazy/expvars for it.\n",
			example: "vars cmdline",
			own:     vars,
		},
		{
			name: "gc", topic: change, changes: true,
			what:    "collect garbage now and wait for the end",
			more:    "Where all processors are busy that takes seconds, up to minutes.\n",
			example: "gc",
			own:     collect,
		},
		{
			name: "freemem", topic: change, changes: true,
			what:    "collect garbage and give free memory back to the system",
			more:    "Where all processors are busy that takes seconds, up to minutes.\n",
			example: "freemem",
			own:     freemem,
		},
		{
			name: "setgc", args: "PERCENT|off", topic: change, changes: true,
			what:    "the heap growth that starts a collection, as GOGC",
			example: "setgc 50",
			run:     setgc,
		},
		{
			name: "memlimit", args: "[SIZE|off]", topic: change, changes: true,
			what:    "the soft memory limit, as GOMEMLIMIT; alone shows it",
			example: "memlimit 2GiB",
			run:     memlimit,
		},
		{
			name: "maxprocs", args: "[N|default]", topic: change, changes: true,
			what: "how many threads run Go code at once, as GOMAXPROCS; alone shows it",
			more: `What a collection of garbage had the runtime start for a large N, a goroutine of
its own for each (not in stats) and many threads, stays when N is small again.
`,
			example: "maxprocs 4",
			run:     maxprocs,
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

const topHelp = `-top            the functions with most, as text, instead of the file
-top -cum       sorted by what they have with all they call
-top -n N       N of them instead of 20
`

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
