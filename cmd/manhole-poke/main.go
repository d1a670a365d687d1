package main

//go:generate go test -run TestPackageComment . -update

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func main() {
	s := streams{os.Stdin, os.Stdout, os.Stderr}
	err := run(s, os.Args[1:])
	s.report(err)
	os.Exit(int(exit.StatusOf(err)))
}

// A client is one run of manhole-poke.
type client struct {
	streams
	options
	helpErr error // of help that a flag asked for
}

// run runs a command line, and returns the error to report and exit with.
func run(s streams, args []string) error {
	c := &client{streams: s}
	root := c.newRoot(args)
	root.SetArgs(args)
	root.SetIn(s.stdin)
	root.SetOut(s.stdout)
	root.SetErr(s.stderr)
	if err := root.Execute(); err != nil {
		return err
	}
	return c.helpErr
}

// report prints an error as every failure is printed.
func (s streams) report(err error) {
	if err == nil {
		return
	}
	if view := exit.ViewOf(err); view != "" {
		fmt.Fprintln(s.stdout, view) // an answer, if not the one asked for
	}
	s.complain(err.Error())
}

// complain prints a line on standard error.
func (s streams) complain(text string) {
	fmt.Fprintln(s.stderr, "manhole-poke:", printable.Line(text))
}

func usagef(format string, args ...any) error {
	return exit.Errorf(exit.Usage, "usage", format, args...)
}

func (c *client) newRoot(args []string) *cobra.Command {
	flags := c.options.flags()
	root := &cobra.Command{
		Use:           "manhole-poke",
		SilenceErrors: true, // main reports them
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE:          func(cmd *cobra.Command, args []string) error { return c.dispatch(cmd.Flags(), args) },
	}
	root.CompletionOptions.DisableDefaultCmd = true
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Annotations[onlyFor] == nil {
			root.Flags().AddFlag(f)
		}
	})
	root.Flags().SortFlags = false
	// What follows a target belongs to the console, also what looks like a flag.
	root.Flags().SetInterspersed(false)
	root.Flags().Bool("version", false, "the same as the subcommand")
	root.InitDefaultHelpFlag()
	root.SetFlagErrorFunc(flagError)
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		var topic []string
		if cmd.HasParent() {
			topic = []string{cmd.Name()}
		}
		c.helpErr = c.help(topic)
	})
	typed := wordsBefore(args)
	completeWords(root, typed)
	// --all takes the place of the targets, so what comes after it is a
	// command of the console, never a subcommand: both have a version and a
	// help.
	if all, _ := parseLeniently(typed); !all.all {
		c.addSubcommands(root, flags)
	}
	return root
}

func (c *client) addSubcommands(root *cobra.Command, flags *pflag.FlagSet) {
	for _, sub := range subcommands() {
		cmd := &cobra.Command{
			Use:   sub.Name,
			Short: sub.What,
			Args:  cobra.ArbitraryArgs, // each checks its own
			RunE:  func(_ *cobra.Command, args []string) error { return sub.run(c, args) },
			ValidArgsFunction: func(_ *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
				if sub.values == nil || len(args) > 0 && !sub.several {
					return completions(nil, word)
				}
				return completions(sub.values(), word)
			},
		}
		for _, name := range sub.Flags {
			cmd.Flags().AddFlag(flags.Lookup(name))
		}
		completeFlags(cmd)
		if sub.Name == "help" {
			root.SetHelpCommand(cmd)
		} else {
			root.AddCommand(cmd)
		}
	}
}

func flagError(cmd *cobra.Command, err error) error {
	if asked, _ := cmd.Flags().GetBool("help"); asked {
		return pflag.ErrHelp // -help is an h, and an unknown e
	}
	if e := (*exit.Error)(nil); errors.As(err, &e) {
		return err
	}
	if cmd.HasParent() {
		return usagef("%s: %v; try manhole-poke help %s", cmd.Name(), err, cmd.Name())
	}
	for _, known := range []string{"unknown flag: --", "unknown shorthand flag: "} {
		if flag, ok := strings.CutPrefix(err.Error(), known); ok {
			_, after, _ := strings.Cut(flag, " in -")
			if example := ofCommand(cmp.Or(after, flag)); example != "" {
				return usagef("-%s belongs to a command, after it; try %s", cmp.Or(after, flag), example)
			}
		}
	}
	return usagef("%v; try manhole-poke help", err)
}

// dispatch runs a command line without a subcommand.
func (c *client) dispatch(flags *pflag.FlagSet, args []string) error {
	if v, _ := flags.GetBool("version"); v {
		return c.version(args)
	}
	if len(args) == 0 && !c.all && c.commands == nil {
		return c.listByDefault(flags)
	}
	r, err := parseRequest(&c.options, args, flags.ArgsLenAtDash() == 0)
	if err == nil {
		err = c.checkRestricted()
	}
	if err != nil {
		return err
	}
	return c.ask(r)
}

// listByDefault lists the processes, unless a flag shows that the target was
// forgotten.
func (c *client) listByDefault(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		if f.Name != "json" && f.Name != "restricted" {
			err = usagef("--%s needs a target; list the processes with manhole-poke", f.Name)
		}
	})
	if err != nil {
		return err
	}
	return c.list(nil)
}

// wordsBefore returns the words of the command line, or for a completion those
// before the word to complete.
func wordsBefore(args []string) []string {
	if n := len(args); n > 1 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		return args[1 : n-1]
	}
	return args
}
