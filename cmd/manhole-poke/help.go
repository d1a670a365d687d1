package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/go-manhole/lazy/console"
	"github.com/spf13/pflag"
)

func help(_ options, args []string) error {
	parts := overview()
	if len(args) > 0 {
		name := strings.Join(args, " ") // "stack diff" has an entry as well
		if parts = about(name); parts == nil {
			return failf(statusUsage, "there is no help on %q; try manhole-poke help, or manhole-poke help commands", name)
		}
	}
	return printOut(func(w *bytes.Buffer) { writeText(w, layout{indent: "  "}, parts) })
}

// printOut tells of a failure, which may be a full disk. That standard output
// was closed is none: the runtime then opens /dev/null in its place before main
// (checkfds in runtime/fds_unix.go), as a caller may have who wants no answer.
func printOut(write func(*bytes.Buffer)) error {
	var b bytes.Buffer
	write(&b)
	if _, err := os.Stdout.Write(b.Bytes()); err != nil {
		return failf(statusHere, "cannot write to standard output: %v", err)
	}
	return nil
}

// overview is as much as one screen holds.
func overview() []part {
	var flags terms
	new(options).flags().VisitAll(func(f *pflag.Flag) {
		if f.Annotations[onlyFor] == nil {
			flags = append(flags, entry{flagName(f), f.Usage})
		}
	})
	var topics []string
	for _, s := range manual() {
		topics = append(topics, s.topic)
	}
	return []part{
		heading("Usage:"), ways(""),
		paragraph("A TARGET is a PID, a NAME or a PATH, which contains a slash. Further ones are all digits or contain a slash; what follows is the command."),
		heading("Flags, before the first TARGET; -o and -f also after COMMAND:"), flags,
		paragraph("More: manhole-poke help TOPIC, which is a word from above, a command of the console like stack, or " + strings.Join(topics, ", ") + "."),
	}
}

// about is what there is on a chapter, a subcommand or a command of the
// console; version is both of these.
func about(name string) (parts []part) {
	for _, s := range manual() {
		if s.topic == name {
			parts = append(parts, s.parts...)
		}
	}
	for _, s := range subcommands() {
		if s.name == name {
			parts = append(parts, synopsis("manhole-poke "+s.usage()+"\n"), paragraph(s.name+": "+sentences(s.what, s.more)))
			if flags := termsOf(func(f *pflag.Flag) bool { return slices.Contains(s.flags, f.Name) }); flags != nil {
				parts = append(parts, flags)
			}
		}
	}
	for _, c := range console.Commands() {
		if c.Name != name {
			continue
		}
		parts = append(parts, heading("In a session:"), synopsis(strings.TrimSpace(c.Name+" "+c.Args)+"\n"), paragraph(c.What))
		parts = append(parts, detailsOf(c)...)
		parts = append(parts, paragraph("For example, from here:"), example("manhole-poke PID "+c.Example+"\n"))
	}
	return parts
}

func version(_ options, args []string) error {
	if len(args) > 0 {
		return failf(statusUsage, "version takes no arguments, not %q; try manhole-poke help", args[0])
	}
	module, revision := "(unknown)", ""
	if b, ok := debug.ReadBuildInfo(); ok {
		module = b.Main.Version
		for _, s := range b.Settings {
			if s.Key == "vcs.revision" {
				revision = " " + s.Value
			}
		}
	}
	return printOut(func(w *bytes.Buffer) {
		fmt.Fprintf(w, "manhole-poke %s%s %s %s/%s\n", module, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	})
}
