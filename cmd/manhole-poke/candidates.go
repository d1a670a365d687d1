package main

import (
	"runtime/pprof"
	"slices"
	"strings"

	"github.com/go-manhole/lazy/internal/frame"
)

// A candidate is what a word may become.
type candidate struct{ word, what string }

// consoleCandidates are what may follow the words of a line, going by what
// the commands say of themselves.
func consoleCandidates(commands []frame.Command, words []string) []candidate {
	if len(words) == 0 {
		return commandNames(commands)
	}
	c, ok := commandOf(commands, words)
	if !ok {
		return nil
	}
	options := optionsOf(c)
	if general, ok := commandOf(commands, words[:1]); ok && len(options) == 0 && strings.Contains(c.Args, "FILTER") {
		options = optionsOf(general) // stack diff takes those of stack
	}
	last := words[len(words)-1]
	for _, o := range options {
		if o.name == last && o.arg != "" {
			return valuesOf(o)
		}
	}
	var all []candidate
	if len(words) == len(strings.Fields(c.Name)) {
		for _, longer := range commands {
			if rest, ok := strings.CutPrefix(longer.Name, c.Name+" "); ok {
				all = append(all, candidate{rest, longer.What})
			}
		}
		all = append(all, argumentsOf(commands, c)...)
	}
	for _, o := range append(options, flagsIn(c.Args)...) {
		all = append(all, candidate{o.name, o.what})
	}
	return distinct(all)
}

func commandNames(commands []frame.Command) (all []candidate) {
	for _, c := range commands {
		if !strings.Contains(c.Name, " ") {
			all = append(all, candidate{c.Name, c.What})
		}
	}
	return all
}

// commandOf is the command with the longest name that the words begin with.
func commandOf(commands []frame.Command, words []string) (found frame.Command, ok bool) {
	for _, c := range commands {
		name := strings.Fields(c.Name)
		if len(name) <= len(words) && slices.Equal(name, words[:len(name)]) && len(c.Name) > len(found.Name) {
			found, ok = c, true
		}
	}
	return found, ok
}

// argumentsOf are those that a command spells out, and names where these are
// known.
func argumentsOf(commands []frame.Command, c frame.Command) (all []candidate) {
	for _, arg := range spelledOut(c.Args) {
		switch {
		case strings.ToLower(arg) == arg && !strings.HasPrefix(arg, "-"):
			all = append(all, candidate{arg, meaningOf(c, arg)})
		case arg == "NAME" && c.Name == "help":
			all = append(all, commandNames(commands)...)
		case arg == "NAME" && c.Name == "pprof":
			for _, p := range pprof.Profiles() {
				all = append(all, candidate{p.Name(), ""})
			}
		}
	}
	return all
}

func meaningOf(c frame.Command, name string) string {
	for _, p := range detailsOf(c) {
		list, _ := p.(terms)
		for _, e := range list {
			if e.name == name {
				return e.meaning
			}
		}
	}
	return ""
}

// flagsIn are options that a command has without a line about them.
func flagsIn(args string) (all []consoleOption) {
	for _, arg := range spelledOut(args) {
		if strings.HasPrefix(arg, "-") {
			all = append(all, consoleOption{name: arg})
		}
	}
	return all
}

func spelledOut(args string) []string {
	return strings.FieldsFunc(args, func(r rune) bool { return strings.ContainsRune(" []|.", r) })
}

// states are parts of those that the runtime gives goroutines.
var states = []string{"running", "runnable", "chan", "select", "IO", "sleep", "syscall", "sync", "semacquire"}

func valuesOf(o consoleOption) (all []candidate) {
	if o.name == "-state" {
		for _, s := range states {
			all = append(all, candidate{s, ""})
		}
	}
	return all
}

// distinct keeps the one that explains itself.
func distinct(all []candidate) (kept []candidate) {
	for _, c := range all {
		i := slices.IndexFunc(kept, func(k candidate) bool { return k.word == c.word })
		switch {
		case i < 0:
			kept = append(kept, c)
		case kept[i].what == "":
			kept[i] = c
		}
	}
	return kept
}
