//go:build linux || darwin || freebsd

package ring

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
	"github.com/go-manhole/lazy/internal/armednote"
)

func TestEndpoint(t *testing.T) {
	set := func(signals ...int) func(int) bool {
		return func(n int) bool {
			for _, s := range signals {
				if s == n {
					return true
				}
			}
			return false
		}
	}
	usr1, usr2, chld := int(syscall.SIGUSR1), int(syscall.SIGUSR2), int(syscall.SIGCHLD)
	does := func(caught, ignored, blocked func(int) bool) *process.Dispositions {
		return &process.Dispositions{Caught: caught, Ignored: ignored, Blocked: blocked}
	}
	catches := does(set(usr1, usr2), set(), set())
	note := &armednote.Note{PID: 7, Signal: usr1, Path: "/run/x"}
	with, without := new("v1.0.0"), new("")
	built := func(lazy *string, path string, err error) func() (*process.Build, error) {
		if err != nil {
			return func() (*process.Build, error) { return nil, err }
		}
		return func() (*process.Build, error) { return &process.Build{Path: path, Lazy: lazy}, nil }
	}
	for name, c := range map[string]struct {
		p      process.Process
		o      Options
		want   endpoint
		err    string // a part of the failure
		reason string
	}{
		"armed":                 {p: process.Process{Signals: catches, ArmedNote: note, DescriptorsRead: true}, want: endpoint{signal: syscall.SIGUSR1, path: "/run/x"}},
		"armed, path given":     {p: process.Process{Signals: catches, ArmedNote: note}, o: Options{Path: "/proc/9/root/run/x"}, want: endpoint{signal: syscall.SIGUSR1, path: "/proc/9/root/run/x", ours: true}},
		"armed, name given":     {p: process.Process{Signals: catches, ArmedNote: &armednote.Note{PID: 7, Signal: usr1, Path: "@x"}}, o: Options{Path: "@x"}, want: endpoint{signal: syscall.SIGUSR1, path: "@x"}},
		"armed, same signal":    {p: process.Process{Signals: catches, ArmedNote: note}, o: Options{Signal: syscall.SIGUSR1}, want: endpoint{signal: syscall.SIGUSR1, path: "/run/x"}},
		"armed, another signal": {p: process.Process{Signals: catches, ArmedNote: note}, o: Options{Signal: syscall.SIGUSR2}, err: "is armed for SIGUSR1, not for SIGUSR2", reason: "other-signal"},
		"armed, but ignored":    {p: process.Process{Signals: does(set(), set(usr1), set()), ArmedNote: note}, err: "ignores SIGUSR1", reason: "signal-ignored"},
		"armed, but uncaught":   {p: process.Process{Signals: does(set(), set(), set()), ArmedNote: note}, err: "would die of it", reason: "signal-not-caught"},
		"armed, but blocked":    {p: process.Process{Signals: does(set(usr1), set(), set(usr1)), ArmedNote: note}, err: "blocks SIGUSR1", reason: "signal-blocked"},
		"unarmed":               {p: process.Process{Signals: catches, DescriptorsRead: true}, err: "does not look armed", reason: "not-armed"},
		"unarmed, signal given": {p: process.Process{Signals: catches, DescriptorsRead: true}, o: Options{Signal: syscall.SIGUSR2}, want: endpoint{signal: syscall.SIGUSR2, path: "/tmp/manhole-7", guessed: true}},
		"unreadable":            {p: process.Process{Signals: catches}, want: endpoint{signal: syscall.SIGUSR2, path: "/tmp/manhole-7", guessed: true}},
		"unreadable, uncaught":  {p: process.Process{Signals: does(set(), set(), set())}, err: "would die of it", reason: "signal-not-caught"},
		"harmless":              {p: process.Process{Signals: catches}, o: Options{Signal: syscall.SIGCHLD}, err: "would not notice it", reason: "signal-not-caught"},
		"stopping":              {p: process.Process{Signals: catches}, o: Options{Signal: syscall.SIGTSTP}, err: "would be stopped by it", reason: "signal-not-caught"},
		"no such looks here":    {o: Options{Signal: syscall.SIGCHLD}, want: endpoint{signal: syscall.Signal(chld), path: "/tmp/manhole-7", guessed: true}},
		"a note from later":     {p: process.Process{Signals: catches, DescriptorsRead: true, ArmedNoteErr: errors.New("version")}, err: "newer manhole-poke", reason: "note-not-understood"},
		"not Go":                {p: process.Process{Signals: catches, Build: built(nil, "", errors.New("no"))}, err: "not a Go program", reason: "not-go"},
		"not Go, signal given":  {p: process.Process{Signals: does(set(), set(), set()), Build: built(nil, "", errors.New("no"))}, o: Options{Signal: syscall.SIGUSR2}, err: "would die of it", reason: "signal-not-caught"},
		"without lazy":          {p: process.Process{Signals: catches, Build: built(without, "example.com/x", nil)}, err: ") without lazy", reason: "without-lazy"},
		"with lazy, unarmed":    {p: process.Process{Signals: catches, DescriptorsRead: true, Build: built(with, "example.com/x", nil)}, err: "does not look armed", reason: "not-armed"},
		"without modules":       {p: process.Process{Signals: catches, DescriptorsRead: true, Build: built(nil, "", nil)}, err: "does not look armed", reason: "not-armed"},
		"hidden executable":     {p: process.Process{Signals: catches, DescriptorsRead: true, Build: func() (*process.Build, error) { return nil, nil }}, err: "does not look armed", reason: "not-armed"},
		"armed C program":       {p: process.Process{Signals: catches, ArmedNote: note, Build: built(nil, "", errors.New("no"))}, want: endpoint{signal: syscall.SIGUSR1, path: "/run/x"}},
	} {
		c.p.NSPid = 7
		e, err := endpointOf(&c.p, c.o)
		switch {
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err) || exit.StatusOf(err) != exit.NotArmed || exit.ReasonOf(err) != c.reason):
			t.Errorf("%s: %v, want %q with reason %s", name, err, c.err, c.reason)
		case c.err == "" && (err != nil || e != c.want):
			t.Errorf("%s: %+v, %v, want %+v", name, e, err, c.want)
		}
	}
}
