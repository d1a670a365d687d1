package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
)

const usage = `Usage:
  manhole-poke [-s SIGNAL] [-p PATH] [-t TIMEOUT] PID   ring, connect, talk
  manhole-poke [-t TIMEOUT] PATH                        connect, talk
  manhole-poke demo                                     see it work
  manhole-poke help | version

At a terminal: type help for the commands; Ctrl-D ends the input and shows the
answers still to come, Ctrl-C leaves at once. Other input is a script:
  echo stats | manhole-poke PID
  manhole-poke PID </dev/null        greeting, statistics and stacks

Flags:
  -s SIGNAL   USR2, SIGUSR2 or 12; default: what the process says, or SIGUSR2.
              Given, it also rings a process that only catches the signal and
              says nothing of being armed.
  -p PATH     the socket; default: what the process says, or /tmp/manhole-PID
  -t TIMEOUT  for the socket, then for the greeting: 10s, 500ms, 3; default 10s

Exit status:
`

func help(_ options, args []string) error {
	if len(args) > 0 {
		return failf(statusUsage, "help takes no arguments, not %q; try manhole-poke help", args[0])
	}
	w := bufio.NewWriter(os.Stdout)
	w.WriteString(usage)
	for _, s := range statuses {
		fmt.Fprintf(w, "%3d  %s\n", s.status, s.meaning)
	}
	return w.Flush()
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
	_, err := fmt.Printf("manhole-poke %s%s %s %s/%s\n", module, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
