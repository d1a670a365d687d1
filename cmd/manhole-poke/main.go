// Manhole-poke opens sessions with Go programs that called lazy.Arm, and joins
// them with the terminal, a script or a command line.
//
//	manhole-poke [--json]
//	manhole-poke [FLAGS] TARGET...
//	manhole-poke [FLAGS] TARGET... COMMAND [ARGUMENT]...
//	manhole-poke [FLAGS] -c COMMANDS TARGET...
//	manhole-poke [FLAGS] --all COMMAND [ARGUMENT]...
//	manhole-poke list [--json]
//	manhole-poke demo
//	manhole-poke completion SHELL
//	manhole-poke help
//	manhole-poke version
//
// A TARGET is a PID, or a PATH (it contains a slash). What follows the first
// one is a target as well as long as it is all digits or contains a slash;
// everything after these is one command, and poke's own flags stand before
// the targets. Only -o and -f are taken out of a command's arguments, because
// no command of the console has them. After -- nothing is, and nothing is a
// target.
//
// Given a PID, it looks before it rings: the process must exist and run,
// belong to the caller (or the caller be root), catch the signal, and hold
// the descriptor by which an armed process says for which signal and path it
// is armed. A process that would die of the signal is never signalled. Then
// it rings, waits for the socket, and makes sure that the one who listens is
// that very process before it says a word.
//
// Given a PATH, it connects to what listens there, and rings only if nobody
// does and the process that the path is named after says that the path is its
// own.
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
//	-s SIGNAL    the signal to ring with: USR2, SIGUSR2 or 12. By default what
//	             the process says, or SIGUSR2 if its descriptors cannot be
//	             read. Given, it also rings a process that only catches the
//	             signal and says nothing of being armed.
//	-p PATH      the socket of the process. By default what the process says,
//	             or /tmp/manhole-PID.
//	-t TIMEOUT   how long to wait for the socket, and then for the greeting:
//	             10s, 500ms, or a number of seconds. By default 10s.
//	-c COMMANDS  commands, each on a line of its own or after a semicolon.
//	-o FILE      write the answer to FILE, which must not exist yet.
//	-f           let -o write over what exists.
//	--all        every armed process that may be rung.
//	--json       answer in JSON, for programs.
//	--pager      show long answers in $PAGER.
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
//	  8  the process is stopped, traced or frozen
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
//	 20  the process is not a Go program
//	 21  the process is a Go program that lazy is not linked into
//	 22  several processes have the name given
//	 23  of several processes some did not answer, and the others did
//	128  plus N: ended by signal N, as Ctrl-C does (130)
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// options are the flags.
type options struct {
	signal   string // as given; "" when not
	path     string // "" when not given
	timeout  time.Duration
	commands []string // each -c as given
	out      string   // "" when not given
	force    bool
	json     bool
	all      bool
	pager    bool
}

// flags are all there are, on the command line as in help and completion.
func (o *options) flags() *pflag.FlagSet {
	o.timeout = 10 * time.Second
	f := pflag.NewFlagSet("manhole-poke", pflag.ContinueOnError)
	f.StringVarP(&o.signal, "signal", "s", "", "ring with `SIGNAL`")
	f.StringVarP(&o.path, "path", "p", "", "the socket is at `PATH`")
	f.FuncP("timeout", "t", "wait so long for the socket, and then for the greeting: `TIMEOUT`", func(s string) (err error) {
		o.timeout, err = parseTimeout(s)
		return err
	})
	f.StringArrayVarP(&o.commands, "command", "c", nil, "run `COMMANDS`, separated by semicolons")
	f.StringVarP(&o.out, "output", "o", "", "write the answer to `FILE`")
	f.BoolVarP(&o.force, "force", "f", false, "let -o write over what exists")
	f.BoolVar(&o.all, "all", false, "every armed process that may be rung")
	f.BoolVar(&o.json, "json", false, "answer in JSON")
	f.BoolVar(&o.pager, "pager", false, "show long answers in $PAGER")
	return f
}

// A subcommand is a word that may stand where a target does.
type subcommand struct {
	name  string
	flags []string // those it takes
	run   func(o options, args []string) error
}

// subcommands is a function because help, which is in it, reads it.
func subcommands() []subcommand {
	return []subcommand{
		{name: "list", flags: []string{"json"}, run: list},
		{name: "demo", flags: []string{"timeout"}, run: demo},
		{name: "completion", run: completion},
		{name: "help", run: help},
		{name: "version", run: version},
	}
}

func main() { leave(run(os.Args[1:])) }

func leave(err error) {
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
	root := newRoot(args)
	root.SetArgs(args)
	return root.Execute()
}

func newRoot(args []string) *cobra.Command {
	o := &options{}
	flags := o.flags()
	root := &cobra.Command{
		Use:           "manhole-poke",
		SilenceErrors: true, // leave prints them
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE:          func(c *cobra.Command, args []string) error { return dispatch(*o, c.Flags(), args) },
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.Flags().AddFlagSet(flags)
	// What follows a target is the console's, flags and all.
	root.Flags().SetInterspersed(false)
	root.Flags().Bool("version", false, "the same as the subcommand")
	root.InitDefaultHelpFlag()
	root.SetFlagErrorFunc(flagError)
	root.SetHelpFunc(func(c *cobra.Command, _ []string) {
		var topic []string
		if c.HasParent() {
			topic = []string{c.Name()}
		}
		leave(help(*o, topic))
	})
	if everybody(args) {
		return root
	}
	for _, sub := range subcommands() {
		c := &cobra.Command{
			Use:  sub.name,
			Args: cobra.ArbitraryArgs, // each says for itself what it takes
			RunE: func(_ *cobra.Command, args []string) error { return sub.run(*o, args) },
		}
		for _, name := range sub.flags {
			c.Flags().AddFlag(flags.Lookup(name))
		}
		if sub.name == "help" {
			root.SetHelpCommand(c)
		} else {
			root.AddCommand(c)
		}
	}
	return root
}

// everybody tells whether --all is given. It takes the place of the targets,
// so what comes after it is a command of the console, never a subcommand:
// both have a version and a help.
func everybody(args []string) bool {
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		args = args[1:]
	}
	var o options
	flags := o.flags()
	flags.SetInterspersed(false)
	flags.Usage = func() {} // nor help, nor an error: they are told when it is parsed for good
	flags.Parse(args)
	return o.all
}

func flagError(c *cobra.Command, err error) error {
	if asked, _ := c.Flags().GetBool("help"); asked {
		return pflag.ErrHelp // -help is an h, and an unknown e
	}
	if c.HasParent() {
		return failf(statusUsage, "%s: %v; try manhole-poke help %s", c.Name(), err, c.Name())
	}
	return failf(statusUsage, "%v; try manhole-poke help", err)
}

// dispatch is what the command line without a subcommand asks for.
func dispatch(o options, flags *pflag.FlagSet, args []string) error {
	if v, _ := flags.GetBool("version"); v {
		return version(o, args)
	}
	if len(args) == 0 && !o.all && o.commands == nil {
		return bare(o, flags)
	}
	r, err := parseRequest(&o, args, flags.ArgsLenAtDash() == 0)
	if err != nil {
		return err
	}
	if len(r.lines) == 0 && len(r.targets) == 1 {
		return poke(o, r.targets[0])
	}
	return ask(o, r.targets, r.lines)
}

// bare is for who knows nothing yet, not for who forgot the target.
func bare(o options, flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		if f.Name != "json" {
			err = failf(statusUsage, "--%s needs a target; manhole-poke alone lists the processes", f.Name)
		}
	})
	if err != nil {
		return err
	}
	return list(o, nil)
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
