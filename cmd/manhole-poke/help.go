package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
)

const usage = `Usage:
  manhole-poke [--json]                         list the Go processes of this machine
  manhole-poke [FLAGS] TARGET...                ring, connect, talk
  manhole-poke [FLAGS] TARGET... COMMAND...     run one command, print its answer
  manhole-poke [FLAGS] -c COMMANDS TARGET...    several: -c 'stack; stats'
  manhole-poke [FLAGS] --all COMMAND...         in every armed process
  manhole-poke demo                             see it work
  manhole-poke completion bash|zsh|fish|powershell
  manhole-poke list | help | version

A TARGET is a PID, or a PATH, which contains a slash.

At a terminal: type help for the commands; Ctrl-D ends the input and shows the
answers still to come, Ctrl-C leaves at once. Other input is a script:
  echo stats | manhole-poke PID
  manhole-poke PID </dev/null        greeting, statistics and stacks

Flags, which stand before the first TARGET; -o and -f also after COMMAND:
  -s SIGNAL    USR2, SIGUSR2 or 12; default: what the process says, or SIGUSR2.
               Given, it also rings a process that only catches the signal and
               says nothing of being armed.
  -p PATH      the socket; default: what the process says, or /tmp/manhole-PID
  -t TIMEOUT   for the socket, then for the greeting: 10s, 500ms, 3; default 10s
  -c COMMANDS  commands, separated by semicolons or ends of lines
  -o FILE      write the answer to FILE, which must not exist yet
  -f           let -o write over what exists
  --all        every armed process that may be rung
  --json       answer in JSON, for programs
  --pager      show long answers in $PAGER

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

// completion prints what a shell has to read to complete command lines.
func completion(_ options, args []string) error {
	if len(args) != 1 {
		return failf(statusUsage, "completion takes the name of a shell; try manhole-poke completion bash, zsh, fish or powershell")
	}
	root := newRoot(nil)
	switch args[0] {
	case "bash":
		return root.GenBashCompletionV2(os.Stdout, true)
	case "zsh":
		return root.GenZshCompletion(os.Stdout)
	case "fish":
		return root.GenFishCompletion(os.Stdout, true)
	case "powershell":
		return root.GenPowerShellCompletionWithDesc(os.Stdout)
	}
	return failf(statusUsage, "no completion for %q; try manhole-poke completion bash, zsh, fish or powershell", args[0])
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
