package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
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
	lasting  time.Duration // of gops; 0 when not given
}

// flags are all there are, for the command line as for help and completion.
func (o *options) flags() *pflag.FlagSet {
	o.timeout = 10 * time.Second
	f := pflag.NewFlagSet("manhole-poke", pflag.ContinueOnError)
	f.SortFlags = false
	f.StringVarP(&o.signal, "signal", "s", "", "the signal to ring with: USR2, SIGUSR2 or 12")
	explain(f, "signal", "SIGNAL", "By default it is what the process says, or SIGUSR2 if its descriptors cannot be read. Given, it also rings a process that only catches the signal and says nothing of being armed.")
	f.StringVarP(&o.path, "path", "p", "", "the socket of the process")
	explain(f, "path", "PATH", "By default it is what the process says, or /tmp/manhole-PID.")
	f.FuncP("timeout", "t", "how long to wait for the process: 500ms, 3; 10s if not given", func(s string) (err error) {
		o.timeout, err = parseTimeout(s)
		return err
	})
	explain(f, "timeout", "TIMEOUT", "It is waited so long for the socket, and then for the greeting. A number is of seconds.")
	f.StringArrayVarP(&o.commands, "command", "c", nil, "commands, separated by semicolons or ends of lines")
	explain(f, "command", "COMMANDS", "Where -c is given more than once, they follow each other.")
	f.StringVarP(&o.out, "output", "o", "", "write the answer to FILE, which must not exist yet")
	explain(f, "output", "FILE", "Of several processes each has its own, with the PID before the extension. A - is standard output, and ./- a file of that name.")
	f.BoolVarP(&o.force, "force", "f", false, "let -o write over what exists")
	explain(f, "force", "", "What exists keeps its content until the answer is whole, and then its mode, its owner if that can be, and the links that lead to it.")
	f.BoolVar(&o.all, "all", false, "ask every armed process that may be rung")
	f.BoolVar(&o.json, "json", false, "answer in JSON, for programs")
	f.BoolVar(&o.pager, "pager", false, "at a terminal, show long answers in $PAGER")
	f.Func("for", "how long gops may be used: 30m, 3600; 10m if not given", func(s string) (err error) {
		o.lasting, err = parseTimeout(s)
		return err
	})
	explain(f, "for", "DURATION", "It goes with the subcommand gops.")
	f.Lookup("for").Annotations[onlyFor] = []string{"gops"}
	return f
}

// What pflag has no room for.
const (
	argument  = "argument"
	moreAbout = "more"
	onlyFor   = "only for" // this subcommand
)

func explain(flags *pflag.FlagSet, name, arg, more string) {
	f := flags.Lookup(name)
	f.Annotations = map[string][]string{}
	if arg != "" {
		f.Annotations[argument] = []string{arg}
	}
	if more != "" {
		f.Annotations[moreAbout] = []string{more}
	}
}

// A subcommand is a word that may stand where a target does.
type subcommand struct {
	name  string
	args  string
	what  string // a few words
	more  string // sentences
	flags []string
	words func() []candidate // what its first argument may be
	run   func(o options, args []string) error
}

func (s subcommand) usage() string { return strings.TrimSpace(s.name + " " + s.args) }

// subcommands is a function because help, which is in it, reads it.
func subcommands() []subcommand {
	return []subcommand{
		{
			name: "list", what: "what manhole-poke alone does",
			flags: []string{"json"}, run: list,
		},
		{
			name: "kernel", args: "PID|NAME", what: "what the kernel knows of it",
			more:  "Its threads, what they do, and what that most likely means, without the process's help. Any process will do, armed or not.",
			words: goPIDs, run: kernel,
		},
		{
			name: "gops", args: "PID", what: "let gops(1) talk to it",
			more:  "As if it had gops's agent: as long as this runs, gops stack PID and gops's other commands work, for the same user and root only (Linux). They find the port in the directory that gops keeps, ~/.config/gops if GOPS_CONFIG_DIR does not say another.",
			flags: []string{"for", "signal", "path", "timeout"},
			words: func() []candidate { return targetCandidates(nil) }, run: gops,
		},
		{
			name: "demo", what: "see it work",
			more:  "It starts a small armed program of its own, pokes it, and ends it.",
			flags: []string{"timeout"}, run: demo,
		},
		{
			name: "completion", args: "SHELL", what: "for bash, zsh, fish or powershell",
			more:  "See manhole-poke help install.",
			words: shells, run: completion,
		},
		{
			name: "man", what: "the manual, for man(1)",
			more: "See manhole-poke help install.", run: man,
		},
		{
			name: "help", args: "[TOPIC]", what: "more about TOPIC",
			words: topics, run: help,
		},
		{
			name: "version", what: "which manhole-poke this is", run: version,
		},
	}
}

func main() { leave(run(os.Args[1:])) }

func leave(err error) {
	if err == nil {
		os.Exit(int(statusOK))
	}
	if f := (*failure)(nil); errors.As(err, &f) && f.view != "" {
		fmt.Println(f.view) // an answer, if not the one asked for
	}
	fmt.Fprintln(os.Stderr, "manhole-poke:", printable.Line(err.Error()))
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
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Annotations[onlyFor] == nil {
			root.Flags().AddFlag(f)
		}
	})
	root.Flags().SortFlags = false
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
	typed := wordsBefore(args)
	completeWords(root, typed)
	// --all takes the place of the targets, so what comes after it is a
	// command of the console, never a subcommand: both have a version and a
	// help.
	if all, _ := leniently(typed); !all.all {
		addSubcommands(root, o, flags)
	}
	return root
}

func addSubcommands(root *cobra.Command, o *options, flags *pflag.FlagSet) {
	for _, sub := range subcommands() {
		c := &cobra.Command{
			Use:   sub.name,
			Short: sub.what,
			Args:  cobra.ArbitraryArgs, // each says for itself what it takes
			RunE:  func(_ *cobra.Command, args []string) error { return sub.run(*o, args) },
			ValidArgsFunction: func(_ *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
				if sub.words == nil || len(args) > 0 {
					return completions(nil, word)
				}
				return completions(sub.words(), word)
			},
		}
		for _, name := range sub.flags {
			c.Flags().AddFlag(flags.Lookup(name))
		}
		completeFlags(c)
		if sub.name == "help" {
			root.SetHelpCommand(c)
		} else {
			root.AddCommand(c)
		}
	}
}

// subcommandsLike are those that a word without a meaning may be a slip for.
func subcommandsLike(word string) []string {
	root := &cobra.Command{SuggestionsMinimumDistance: min(2, len(word)/2)} // of go, nearly all is left
	for _, s := range subcommands() {
		root.AddCommand(&cobra.Command{Use: s.name, Run: func(*cobra.Command, []string) {}})
	}
	return root.SuggestionsFor(word)
}

// wordsBefore are those of the command line, or for a completion those before
// the word in question.
func wordsBefore(args []string) []string {
	if n := len(args); n > 1 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		return args[1 : n-1]
	}
	return args
}

// leniently looks at a command line that need not be whole, and takes nothing
// for a subcommand.
func leniently(typed []string) (o options, args []string) {
	flags := o.flags()
	flags.SetInterspersed(false)
	flags.Usage = func() {} // nor help, nor an error: they are told when it is parsed for good
	flags.Parse(typed)
	return o, flags.Args()
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
