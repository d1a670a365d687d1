//go:build unix

package main

import (
	"errors"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
)

func TestParseSignal(t *testing.T) {
	for _, s := range []string{"USR2", "SIGUSR2", "sigusr2", "usr2"} {
		if sig, err := parseSignal(s); sig != syscall.SIGUSR2 || err != nil {
			t.Errorf("%s: %v, %v", s, sig, err)
		}
	}
	if sig, err := parseSignal("40"); sig != 40 || err != nil || signalName(sig) != "signal 40" {
		t.Errorf("40: %v, %v", sig, err)
	}
	for _, s := range []string{"", "0", "-1", "65", "SIG", "SIGSIGUSR2", "USR3", "KILL", "19x"} {
		if sig, err := parseSignal(s); statusOf(err) != statusUsage {
			t.Errorf("%q: %v, %v", s, sig, err)
		}
	}
}

func TestDoorbell(t *testing.T) {
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
	catches := &dispositions{set(usr1, usr2), set(), set()}
	note := &armedNote{7, usr1, "/run/x"}
	deps := []*debug.Module{{Path: lazyModule}}
	built := func(deps []*debug.Module, path string, err error) func() (*debug.BuildInfo, error) {
		if err != nil {
			return func() (*debug.BuildInfo, error) { return nil, err }
		}
		return func() (*debug.BuildInfo, error) { return &debug.BuildInfo{Path: path, Deps: deps}, nil }
	}
	for name, c := range map[string]struct {
		p    process
		o    options
		want doorbell
		err  string // a part of the failure
		s    status
	}{
		"armed":                 {p: process{signals: catches, note: note, descriptorsRead: true}, want: doorbell{signal: syscall.SIGUSR1, path: "/run/x"}},
		"armed, path given":     {p: process{signals: catches, note: note}, o: options{path: "/proc/9/root/run/x"}, want: doorbell{signal: syscall.SIGUSR1, path: "/proc/9/root/run/x", here: true}},
		"armed, name given":     {p: process{signals: catches, note: &armedNote{7, usr1, "@x"}}, o: options{path: "@x"}, want: doorbell{signal: syscall.SIGUSR1, path: "@x"}},
		"armed, same signal":    {p: process{signals: catches, note: note}, o: options{signal: "USR1"}, want: doorbell{signal: syscall.SIGUSR1, path: "/run/x"}},
		"armed, another signal": {p: process{signals: catches, note: note}, o: options{signal: "USR2"}, err: "is armed for SIGUSR1, not for SIGUSR2", s: statusOtherSignal},
		"armed, but ignored":    {p: process{signals: &dispositions{set(), set(usr1), set()}, note: note}, err: "ignores SIGUSR1", s: statusUncaught},
		"armed, but uncaught":   {p: process{signals: &dispositions{set(), set(), set()}, note: note}, err: "would die of it", s: statusUncaught},
		"armed, but blocked":    {p: process{signals: &dispositions{set(usr1), set(), set(usr1)}, note: note}, err: "blocks SIGUSR1", s: statusUncaught},
		"unarmed":               {p: process{signals: catches, descriptorsRead: true}, err: "does not look armed", s: statusUnarmed},
		"unarmed, signal given": {p: process{signals: catches, descriptorsRead: true}, o: options{signal: "USR2"}, want: doorbell{signal: syscall.SIGUSR2, path: "/tmp/manhole-7", guessed: true}},
		"unreadable":            {p: process{signals: catches}, want: doorbell{signal: syscall.SIGUSR2, path: "/tmp/manhole-7", guessed: true}},
		"unreadable, uncaught":  {p: process{signals: &dispositions{set(), set(), set()}}, err: "would die of it", s: statusUncaught},
		"harmless":              {p: process{signals: catches}, o: options{signal: "CHLD"}, err: "would not notice it", s: statusUncaught},
		"stopping":              {p: process{signals: catches}, o: options{signal: "TSTP"}, err: "would be stopped by it", s: statusUncaught},
		"no such looks here":    {o: options{signal: "CHLD"}, want: doorbell{signal: syscall.Signal(chld), path: "/tmp/manhole-7", guessed: true}},
		"a note from later":     {p: process{signals: catches, descriptorsRead: true, noteErr: errors.New("version")}, err: "newer manhole-poke", s: statusUnarmed},
		"not Go":                {p: process{signals: catches, build: built(nil, "", errors.New("no"))}, err: "not a Go program", s: statusNotGo},
		"not Go, signal given":  {p: process{signals: &dispositions{set(), set(), set()}, build: built(nil, "", errors.New("no"))}, o: options{signal: "USR2"}, err: "would die of it", s: statusUncaught},
		"without lazy":          {p: process{signals: catches, build: built(nil, "example.com/x", nil)}, err: "lazy is not linked into", s: statusWithoutLazy},
		"with lazy, unarmed":    {p: process{signals: catches, descriptorsRead: true, build: built(deps, "example.com/x", nil)}, err: "does not look armed", s: statusUnarmed},
		"without modules":       {p: process{signals: catches, descriptorsRead: true, build: built(nil, "", nil)}, err: "does not look armed", s: statusUnarmed},
		"hidden executable":     {p: process{signals: catches, descriptorsRead: true, build: func() (*debug.BuildInfo, error) { return nil, nil }}, err: "does not look armed", s: statusUnarmed},
		"armed C program":       {p: process{signals: catches, note: note, build: built(nil, "", errors.New("no"))}, want: doorbell{signal: syscall.SIGUSR1, path: "/run/x"}},
		"no signal":             {p: process{signals: catches}, o: options{signal: "XYZ"}, err: "not a signal", s: statusUsage},
	} {
		c.p.nspid = 7
		d, err := c.p.doorbell(c.o)
		switch {
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err) || statusOf(err) != c.s):
			t.Errorf("%s: %v, want %q with status %d", name, err, c.err, c.s)
		case c.err == "" && (err != nil || d != c.want):
			t.Errorf("%s: %+v, %v, want %+v", name, d, err, c.want)
		}
	}
}

func TestPidIn(t *testing.T) {
	for path, want := range map[string]int{"/tmp/manhole-12": 12, "./manhole-1": 1, "/tmp/manhole-": 0, "/tmp/manhole--1": 0, "/tmp/x-12": 0, "/manhole-12/x": 0, "/tmp/manhole-99999999999": 0} {
		if pid := pidIn(path); pid != want {
			t.Errorf("%s: %d, want %d", path, pid, want)
		}
	}
}
