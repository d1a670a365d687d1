package main

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-manhole/lazy/console"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// completion prints what a shell has to read to complete command lines. It
// then asks for each word what it may become, and nothing is rung for that: a
// program's own commands are not known.
func completion(_ options, args []string) error {
	if len(args) != 1 {
		return failf(statusUsage, "completion takes the name of a shell; try manhole-poke completion bash, zsh, fish or powershell")
	}
	root := newRoot(nil)
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
		return failf(statusUsage, "no completion for %q; try manhole-poke completion bash, zsh, fish or powershell", args[0])
	}
	return printOut(func(w *bytes.Buffer) { write(w) }) // a buffer takes all
}

func shells() []candidate {
	return []candidate{{word: "bash"}, {word: "zsh"}, {word: "fish"}, {word: "powershell"}}
}

func topics() (all []candidate) {
	for _, s := range manual() {
		all = append(all, candidate{s.topic, s.title})
	}
	for _, s := range subcommands() {
		all = append(all, candidate{s.name, s.what})
	}
	return distinct(append(all, commandNames(console.Commands())...))
}

// completeWords registers what the words of the command line may become. typed
// are those before the one in question: cobra takes a flag of the console for
// one of poke's, so what it makes of them is not used.
func completeWords(root *cobra.Command, typed []string) {
	root.ValidArgsFunction = func(_ *cobra.Command, _ []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
		o, args := leniently(typed)
		if asksForFile(o, args, word) {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return completions(wordCandidates(o, args), word)
	}
	completeFlags(root)
}

// completeFlags is for those that are no files.
func completeFlags(c *cobra.Command) {
	values := map[string]func() []candidate{
		"signal":  signalCandidates,
		"timeout": func() []candidate { return nil },
		"for":     func() []candidate { return nil },
		"command": func() []candidate { return commandNames(console.Commands()) },
	}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if candidates, ok := values[f.Name]; ok {
			// It fails for what is registered with another command, which is as good.
			c.RegisterFlagCompletionFunc(f.Name, func(_ *cobra.Command, _ []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
				return completions(candidates(), word)
			})
		}
	})
}

// asksForFile tells whether only the shell knows what there is: a PATH, or
// what follows an -o.
func asksForFile(o options, args []string, word string) bool {
	targets, command, dashed := splitTargets(args, o.all)
	if len(command) > 0 {
		return !dashed && o.commands == nil && command[len(command)-1] == "-o"
	}
	return !o.all && !dashed && strings.Contains(word, "/") && len(targets) == len(args)
}

func wordCandidates(o options, args []string) []candidate {
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
		return append(consoleCandidates(console.Commands(), nil), pids(reachable(), targets)...)
	}
	if dashed {
		return consoleCandidates(console.Commands(), command)
	}
	words, _ := takeFlags(&o, command)
	all := consoleCandidates(console.Commands(), words)
	if c, ok := commandOf(console.Commands(), words); ok && c.Binary {
		all = append(all, candidate{"-o", "write the answer to FILE"}, candidate{"-f", "let -o write over what exists"})
	}
	return all
}

// completions are the candidates in cobra's form.
func completions(all []candidate, word string) (matching []cobra.Completion, _ cobra.ShellCompDirective) {
	for _, c := range all {
		if strings.HasPrefix(c.word, word) {
			matching = append(matching, cobra.CompletionWithDesc(c.word, c.what))
		}
	}
	return matching, cobra.ShellCompDirectiveNoFileComp
}

func pids(ps []goProcess, but []string) (all []candidate) {
	for _, p := range ps {
		pid := strconv.Itoa(p.PID)
		if !slices.Contains(but, pid) {
			all = append(all, candidate{pid, p.brief()})
		}
	}
	return all
}

// goPIDs are those of all Go processes that can be seen.
func goPIDs() []candidate {
	all, _ := goProcesses() // a completion has nobody to tell of an error
	return pids(all, nil)
}

// typable are names that a shell takes as they are: what a process calls
// itself must not become a command of the user's.
var typable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.+-]*$`)

func targetCandidates(but []string) []candidate {
	ps := reachable()
	all := pids(ps, but)
	for _, p := range ps {
		alone := !slices.ContainsFunc(ps, func(q goProcess) bool { return q.PID != p.PID && (q.Name == p.Name || q.Comm == p.Name) })
		taken := slices.ContainsFunc(subcommands(), func(s subcommand) bool { return s.name == p.Name })
		if alone && !taken && typable.MatchString(p.Name) && !slices.Contains(but, p.Name) {
			all = append(all, candidate{p.Name, fmt.Sprintf("PID %d", p.PID)})
		}
	}
	return all
}

// brief is what tells processes from each other.
func (p *goProcess) brief() string {
	cells := p.cells()
	return strings.Map(func(r rune) rune {
		// The shells' scripts handle what is shown as well as what is typed.
		if strings.ContainsRune("$`\\!;&|<>'\"()", r) {
			return '?'
		}
		return r
	}, fmt.Sprintf("%s, %s, up %s", strings.Replace(cells[2], " (deleted)", " deleted", 1), cells[1], cells[4]))
}
