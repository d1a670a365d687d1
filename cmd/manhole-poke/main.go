// Manhole-poke opens a session with a Go program that called lazy.Arm, and
// joins it with the terminal or a script.
//
//	manhole-poke [-s SIGNAL] [-p PATH] [-t TIMEOUT] PID
//	manhole-poke [-t TIMEOUT] PATH
//	manhole-poke demo
//	manhole-poke help
//	manhole-poke version
//
// Given a PID, it looks before it rings: the process must exist and run,
// belong to the caller (or the caller be root), catch the signal, and hold
// the descriptor by which an armed process says for which signal and path it
// is armed. A process that would die of the signal is never signalled. Then
// it rings, waits for the socket, and makes sure that the one who listens is
// that very process before it says a word.
//
// Given a PATH (it contains a slash), it connects to what listens there, and
// rings only if nobody does and the process that the path is named after says
// that the path is its own.
//
// At a terminal the session is typed: Ctrl-D ends the input and shows the
// answers still to come, Ctrl-C leaves at once. Input that is not a terminal
// is sent as a script, and only the answers are printed:
//
//	echo stats | manhole-poke PID
//
// A script without a byte gets the greeting, the statistics and the stacks:
//
//	manhole-poke PID </dev/null
//
// Demo starts a small armed program of its own, pokes it, and ends it.
//
// The flags:
//
//	-s SIGNAL   the signal to ring with: USR2, SIGUSR2 or 12. By default what
//	            the process says, or SIGUSR2 if its descriptors cannot be
//	            read. Given, it also rings a process that only catches the
//	            signal and says nothing of being armed.
//	-p PATH     the socket of the process. By default what the process says,
//	            or /tmp/manhole-PID.
//	-t TIMEOUT  how long to wait for the socket, and then for the greeting:
//	            10s, 500ms, or a number of seconds. By default 10s.
//
// Every failure is one line on standard error that says what to try, and one
// of these exit statuses:
//
//	  0  all went well
//	  1  a command of the script failed; its answer says why
//	  2  the command line is wrong
//	  3  no such process
//	  4  the process or its socket belongs to somebody else
//	  5  the process does not catch the signal: it would die of it, or never notice
//	  6  nothing about the process says that it is armed
//	  7  the process is armed, but not for the signal given
//	  8  the process is stopped or traced
//	  9  the process is a zombie
//	 10  the process was rung or connected to, but did not answer in time
//	 11  nobody listens at the path given
//	 12  somebody other than the process listens at its path
//	 13  the process refused the peer
//	 14  somebody else holds the session
//	 15  the session ended before it was done
//	 16  the process exited meanwhile
//	 17  the process cannot be looked at, so it was not rung
//	 18  this system has no way to do it
//	 19  something failed on this side: standard input or output, or the demo
//	128  plus N: ended by signal N, as Ctrl-C does (130)
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
)

// options are the flags.
type options struct {
	signal  string // as given; "" when not
	path    string // "" when not given
	timeout time.Duration
	json    bool // answers for programs
}

// subcommands are the words that may stand where a PID or PATH does.
var subcommands = map[string]func(o options, args []string) error{
	"demo":    demo,
	"help":    help,
	"version": version,
}

func main() {
	err := run(os.Args[1:])
	if err == nil {
		os.Exit(int(statusOK))
	}
	fmt.Fprintln(os.Stderr, "manhole-poke:", oneLine(err.Error()))
	os.Exit(int(statusOf(err)))
}

// statusOf takes an error that nobody gave a status for something that
// failed on this side.
func statusOf(err error) status {
	if f := (*failure)(nil); errors.As(err, &f) {
		return f.status
	}
	return statusHere
}

func run(args []string) error {
	o := options{timeout: 10 * time.Second}
	flags := flag.NewFlagSet("manhole-poke", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // failures are one line, and main prints it
	flags.StringVar(&o.signal, "s", "", "")
	flags.StringVar(&o.path, "p", "", "")
	flags.Func("t", "", func(s string) (err error) {
		o.timeout, err = parseTimeout(s)
		return err
	})
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return help(o, nil)
	case err != nil:
		return failf(statusUsage, "%v; try manhole-poke help", err)
	}
	if flags.NArg() == 0 {
		return failf(statusUsage, "a PID or PATH is missing; try manhole-poke help, or manhole-poke demo")
	}
	target, rest := flags.Arg(0), flags.Args()[1:]
	if sub, ok := subcommands[target]; ok {
		return sub(o, rest)
	}
	if len(rest) > 0 {
		return failf(statusUsage, "one PID or PATH, and flags before it, not also %q; commands go to standard input: echo stats | manhole-poke %s", rest[0], target)
	}
	return poke(o, target)
}

func parseTimeout(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if n, e := strconv.ParseUint(s, 10, 31); e == nil {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || d <= 0 {
		return 0, errors.New("a positive duration like 10s or 500ms is needed")
	}
	return d, nil
}
