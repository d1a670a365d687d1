package main

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/complete"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/inspect"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/session"
	"github.com/go-manhole/lazy/internal/commands"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// completion prints the script with which a shell completes command lines. The
// shell then asks manhole-poke for the candidates, which sends no signal: the
// commands of the program itself are not known.
func (c *client) completion(args []string) error {
	if len(args) != 1 {
		return usagef("completion takes the name of a shell; try manhole-poke completion bash, zsh, fish or powershell")
	}
	root := c.newRoot(nil)
	var write func(*bytes.Buffer) error
	switch args[0] {
	case "bash":
		write = func(w *bytes.Buffer) error { return root.GenBashCompletionV2(w, true) }
	case "zsh":
		write = func(w *bytes.Buffer) error { return root.GenZshCompletion(w) }
	case "fish":
		write = func(w *bytes.Buffer) error { return root.GenFishCompletion(w, true) }
	case "powershell":
		write = func(w *bytes.Buffer) error { return root.GenPowerShellCompletionWithDesc(w) }
	default:
		return usagef("no completion for %q; try manhole-poke completion bash, zsh, fish or powershell", args[0])
	}
	var script bytes.Buffer
	write(&script) // a buffer takes all
	return c.print(script.String())
}

func shells() []complete.Candidate {
	return []complete.Candidate{{Word: "bash"}, {Word: "zsh"}, {Word: "fish"}, {Word: "powershell"}}
}

func topics() (all []complete.Candidate) {
	for _, t := range theManual().Topics() {
		all = append(all, complete.Candidate{Word: t.Name, What: t.What})
	}
	return all
}

// completeWords registers what completes the words of the command line. typed
// are those before the word to complete: cobra takes an option of a console
// command for a flag of manhole-poke, so what it makes of them is not used.
func completeWords(root *cobra.Command, typed []string) {
	root.ValidArgsFunction = func(_ *cobra.Command, _ []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
		o, args := parseLeniently(typed)
		if asksForFile(o, args, word) {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return completions(wordCandidates(o, args), word)
	}
	completeFlags(root)
}

// completeFlags registers what completes the values of flags that are not files.
func completeFlags(c *cobra.Command) {
	values := map[string]func() []complete.Candidate{
		"signal":  signalCandidates,
		"timeout": func() []complete.Candidate { return nil },
		"for":     func() []complete.Candidate { return nil },
		"every":   func() []complete.Candidate { return nil },
		"command": func() []complete.Candidate { return complete.Names(inspect.Merge(commands.Builtin())) },
	}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if candidates, ok := values[f.Name]; ok {
			// It fails if the flag is registered with another command already.
			c.RegisterFlagCompletionFunc(f.Name, func(_ *cobra.Command, _ []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
				return completions(candidates(), word)
			})
		}
	})
}

// asksForFile reports whether the word is the name of a file, which the shell
// completes: a PATH, or what follows an -o.
func asksForFile(o options, args []string, word string) bool {
	targets, command, dashed := splitTargets(args, o.all)
	if len(command) > 0 {
		return !dashed && o.commands == nil && command[len(command)-1] == "-o"
	}
	return !o.all && !dashed && strings.Contains(word, "/") && len(targets) == len(args)
}

func wordCandidates(o options, args []string) []complete.Candidate {
	switch {
	case o.commands != nil && o.all:
		return nil
	case o.commands != nil:
		return targetCandidates(args)
	}
	targets, command, dashed := splitTargets(args, o.all)
	switch {
	case len(targets) == 0 && !o.all:
		return targetCandidates(nil)
	case len(command) == 0 && !dashed && !o.all: // more targets, or a command
		return append(complete.Next(inspect.Merge(commands.Builtin()), nil), pids(reachable(), targets)...)
	}
	if dashed {
		return complete.Next(inspect.Merge(commands.Builtin()), command)
	}
	words, _ := takeFlags(&o, command)
	all := complete.Next(inspect.Merge(commands.Builtin()), words)
	if c, _, ok := session.Find(inspect.Merge(commands.Builtin()), words); ok && c.Binary {
		all = append(all, complete.Candidate{Word: "-o", What: "write the answer to FILE"}, complete.Candidate{Word: "-f", What: "let -o overwrite a file"})
	}
	return all
}

// completions returns the candidates in cobra's form.
func completions(all []complete.Candidate, word string) (matching []cobra.Completion, _ cobra.ShellCompDirective) {
	for _, c := range all {
		if strings.HasPrefix(c.Word, word) {
			matching = append(matching, cobra.CompletionWithDesc(c.Word, c.What))
		}
	}
	return matching, cobra.ShellCompDirectiveNoFileComp
}

func pids(ps []process.Info, but []string) (all []complete.Candidate) {
	for _, p := range ps {
		pid := strconv.Itoa(p.PID)
		if !slices.Contains(but, pid) {
			all = append(all, complete.Candidate{Word: pid, What: brief(&p)})
		}
	}
	return all
}

// goPIDs returns the PIDs of all Go processes that can be seen.
func goPIDs() []complete.Candidate {
	all, _ := process.List() // a completion cannot report an error
	return pids(all, nil)
}

// typable matches names that a shell takes as they are: a name that another
// process chose must not become a command of the user's.
var typable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.+-]*$`)

func targetCandidates(but []string) []complete.Candidate {
	ps := reachable()
	all := pids(ps, but)
	for _, p := range ps {
		alone := !slices.ContainsFunc(ps, func(q process.Info) bool { return q.PID != p.PID && (q.Name == p.Name || q.Comm == p.Name) })
		taken := slices.ContainsFunc(subcommands(), func(s subcommand) bool { return s.Name == p.Name })
		if alone && !taken && typable.MatchString(p.Name) && !slices.Contains(but, p.Name) {
			all = append(all, complete.Candidate{Word: p.Name, What: fmt.Sprintf("PID %d", p.PID)})
		}
	}
	return all
}

// brief describes a process in a few words.
func brief(p *process.Info) string {
	cells := cells(p)
	return strings.Map(func(r rune) rune {
		// The shells' scripts process what is shown like what is typed.
		if strings.ContainsRune("$`\\!;&|<>'\"()", r) {
			return '?'
		}
		return r
	}, fmt.Sprintf("%s, %s, up %s", strings.Replace(cells[2], " (deleted)", " deleted", 1), cells[1], cells[4]))
}
