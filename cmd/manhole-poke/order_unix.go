//go:build linux || darwin || freebsd

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/ring"
	"github.com/go-manhole/lazy/internal/words"
)

// noTarget returns err, of finding the targets, with the command line that was
// meant if the command came first.
func (c *client) noTarget(r request, err error) error {
	if exit.ReasonOf(err) != "no-such-process" || len(r.typed) == 0 || r.typed[0] != r.targets[0] {
		return err
	}
	line := c.targetFirst(r.typed)
	if line == "" {
		return err
	}
	return exit.Errorf(exit.NotFound, "no-such-process", "no Go process is called %q, and a command follows its target; try %s", r.typed[0], line)
}

// misplaced returns what failed in a process, with the command line that was meant
// if what the process takes for a command is a subcommand or another target.
func (c *client) misplaced(t ring.Target, line, failed string) string {
	typed, err := words.Split(line)
	if err != nil || len(typed) == 0 {
		return failed
	}
	name := typed[0]
	why, ok := strings.CutPrefix(failed, words.Show(name)+": ")
	if !ok || !strings.HasPrefix(why, "no such command") && !strings.HasPrefix(why, "this is a subcommand of manhole-poke") {
		return failed
	}
	for _, s := range subcommands() {
		if s.Name != name {
			continue
		}
		if s.Args != "PID" && s.Args != "TARGET" && s.Args != "PID|NAME" {
			return fmt.Sprintf("%s: a subcommand of manhole-poke, not one of a session; try manhole-poke %s", name, name)
		}
		return fmt.Sprintf("%s: a subcommand of manhole-poke, which comes before the target; try manhole-poke %s %s", name, name, t)
	}
	if len(typed) < 2 || !slices.Contains(consoleNames(), typed[1]) {
		return failed
	}
	pid, err := process.ByName(name, c.signal != "")
	if err != nil {
		return failed
	}
	return fmt.Sprintf("%s: no command, but process %d; the second target must be a PID or a PATH; try %s", words.Show(name), pid,
		c.commandLine(t.String(), append([]string{fmt.Sprint(pid)}, typed[1:]...)...))
}

// belowWrapper returns err with the armed processes below the target, if that is
// what starts and watches programs, such as go run, sh -c or sudo. line makes a
// command line for one of them.
func belowWrapper(t ring.Target, err error, line func(target string) string) error {
	switch exit.ReasonOf(err) {
	case "not-go", "without-lazy", "not-armed", "signal-not-caught", "signal-ignored", "signal-blocked", "handles-signal", "permission":
	default:
		return err
	}
	if t.PID == 0 {
		return err
	}
	found := process.ArmedBelow(t.PID)
	if len(found) == 0 || len(found) > 1 && t.PID == 1 { // which is above all
		return err
	}
	var names []string
	const most = 8
	for _, i := range found[:min(most, len(found))] {
		names = append(names, fmt.Sprintf("%d (%s)", i.PID, i.Name))
	}
	if n := len(found) - most; n > 0 {
		names = append(names, fmt.Sprintf("and %d more", n))
	}
	runs, try := "runs", line(fmt.Sprint(found[0].PID))
	if len(found) > 1 {
		runs = "run"
	}
	what := "armed"
	if found[0].Armed == nil {
		what, try = "perhaps armed, which is hidden from you", "sudo "+try
	}
	return exit.Advise(err, fmt.Sprintf("below it %s %s, %s: try %s", runs, strings.Join(names, ", "), what, try))
}
