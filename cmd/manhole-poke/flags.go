package main

import (
	"errors"
	"strconv"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/manual"
	"github.com/spf13/pflag"
)

// options are the flags of the command line. No package below main knows them.
type options struct {
	signal   string // as given; "" if not given
	path     string // "" if not given
	timeout  time.Duration
	commands []string // each -c as given
	out      string   // "" if not given
	force    bool
	json     bool
	all      bool
	pager    bool
	duration time.Duration // of gops; 0 if not given

	every     time.Duration // of top
	allStacks bool          // of kernel

	core string // a core file for debug; "" if not given
	exe  string // the twin with the symbols; "" if not given

	restricted bool // for a rule of sudoers
}

// flags returns all flags, for the command line as for help and completion.
func (o *options) flags() *pflag.FlagSet {
	o.timeout = 10 * time.Second
	f := pflag.NewFlagSet("manhole-poke", pflag.ContinueOnError)
	f.SortFlags = false
	f.StringVarP(&o.signal, "signal", "s", "", "the signal to send: USR2, SIGUSR2 or 12")
	explain(f, "signal", "SIGNAL", "The default is what the process says, or SIGUSR2 if its descriptors cannot be read. With -s a process gets the signal also if it only catches it and does not say that it is armed, unless its program handles the signal itself.")
	f.StringVarP(&o.path, "path", "p", "", "the socket of the process")
	explain(f, "path", "PATH", "The default is what the process says, or /tmp/manhole-PID.")
	f.FuncP("timeout", "t", "how long to wait for the process: 500ms, 3; default 10s", func(s string) (err error) {
		o.timeout, err = parseDuration(s)
		return err
	})
	explain(f, "timeout", "TIMEOUT", "Applies to the socket, then to the greeting, and to one of several processes that keeps silent while others answer. A bare number is seconds.")
	f.StringArrayVarP(&o.commands, "command", "c", nil, "commands, separated by semicolons or line ends")
	explain(f, "command", "COMMANDS", "Several -c are run in order.")
	f.StringVarP(&o.out, "output", "o", "", "write the answer to FILE, which must not exist")
	explain(f, "output", "FILE", "With several processes each gets one file, with the PID before the extension. A - is standard output, and ./- a file of that name.")
	f.BoolVarP(&o.force, "force", "f", false, "let -o overwrite a file")
	explain(f, "force", "", "The old file keeps its content until the answer is complete. The new one gets its mode, its owner where permitted, and symlinks to it.")
	f.BoolVar(&o.all, "all", false, "ask every armed process that you may signal")
	f.BoolVar(&o.json, "json", false, "answer in JSON, for programs")
	f.BoolVar(&o.pager, "pager", false, "at a terminal, show long answers in $PAGER")
	f.StringVar(&o.exe, "exe", "", "take the symbols of a stripped program from FILE, its unstripped twin")
	explain(f, "exe", "FILE", "For debug, print, whatis, globals, locals and set. FILE must come from the same build; the build IDs are compared.")
	f.BoolFunc("restricted", "forbid what reaches beyond the session: files, programs, -s", func(s string) error {
		if on, err := strconv.ParseBool(s); err != nil || !on {
			return errors.New("it cannot be switched off")
		}
		o.restricted = true
		return nil
	})
	explain(f, "restricted", "", "No | PROGRAM and > FILE at the terminal, no -o, -s, --exe, --pager and history, and none of the subcommands debug, gops and demo. For a rule in sudoers(5), which must name this flag first: without it, running manhole-poke as root is a root shell.")
	f.Func("for", "how long gops may be used: 30m, 3600; default 10m", func(s string) (err error) {
		o.duration, err = parseDuration(s)
		return err
	})
	explain(f, "for", "DURATION", "")
	f.Lookup("for").Annotations[onlyFor] = []string{"gops"}
	o.every = 2 * time.Second
	f.Func("every", "the time between two pictures: 500ms, 5; default 2s", func(s string) (err error) {
		o.every, err = parseDuration(s)
		return err
	})
	explain(f, "every", "DURATION", "It becomes longer by itself where the answers take more than 2 % of it.")
	f.Lookup("every").Annotations[onlyFor] = []string{"top"}
	f.BoolVar(&o.allStacks, "stacks", false, "stop the process for a moment to read all stacks")
	explain(f, "stacks", "", "Delve reads the stacks of all goroutines. The process stands still for that, some tenths of a second and at most 10 s; how long is shown. It needs the right to trace the process, and its symbols.")
	f.Lookup("stacks").Annotations[onlyFor] = []string{"kernel"}
	f.StringVar(&o.core, "core", "", "a core file to debug, instead of a process")
	explain(f, "core", "FILE", "The executable follows it. By default it is the one at the path that the core file names.")
	f.Lookup("core").Annotations[onlyFor] = []string{"debug"}
	return f
}

// checkRestricted refuses what --restricted forbids.
func (o *options) checkRestricted() error {
	for what, given := range map[string]bool{"-o": o.out != "", "-f": o.force, "-s": o.signal != "", "--pager": o.pager, "--exe": o.exe != ""} {
		if o.restricted && given {
			return exit.Errorf(exit.Denied, "restricted", "--restricted does not allow %s; leave it out", what)
		}
	}
	return nil
}

// Annotations, for what pflag has no field.
const (
	argument = "argument"
	more     = "more"
	onlyFor  = "only for" // this subcommand
)

func explain(flags *pflag.FlagSet, name, arg, sentences string) {
	f := flags.Lookup(name)
	f.Annotations = map[string][]string{}
	if arg != "" {
		f.Annotations[argument] = []string{arg}
	}
	if sentences != "" {
		f.Annotations[more] = []string{sentences}
	}
}

// flagTable returns the flags for the manual.
func flagTable() (table []manual.Flag) {
	new(options).flags().VisitAll(func(f *pflag.Flag) {
		annotation := func(key string) string {
			if v := f.Annotations[key]; v != nil {
				return v[0]
			}
			return ""
		}
		table = append(table, manual.Flag{
			Long: f.Name, Short: f.Shorthand, Arg: annotation(argument),
			What: f.Usage, More: annotation(more), Only: annotation(onlyFor),
		})
	})
	return table
}

// parseLeniently parses a command line that need not be complete, and takes no
// word for a subcommand. Errors are reported when it is parsed for good.
func parseLeniently(typed []string) (o options, args []string) {
	flags := o.flags()
	flags.SetInterspersed(false)
	flags.Usage = func() {}
	flags.Parse(typed)
	return o, flags.Args()
}

// parseDuration parses a positive duration; a bare number is seconds.
func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if n, e := strconv.ParseUint(s, 10, 31); e == nil {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || d <= 0 {
		return 0, errors.New("not a positive duration like 10s or 500ms")
	}
	return d, nil
}
