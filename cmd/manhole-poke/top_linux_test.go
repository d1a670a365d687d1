package main

import (
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/go-manhole/lazy"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

// leaking is a program that starts more and more goroutines that wait.
func leaking() {
	go poketest.EndWithInput()
	if err := lazy.Arm(lazy.WithPath(os.Args[1]), lazy.WithLogger(slog.New(slog.DiscardHandler))); err != nil {
		fmt.Println("error:", err)
		return
	}
	fmt.Println("ready")
	for range 5000 {
		go leaked()
		time.Sleep(50 * time.Millisecond)
	}
	select {}
}

func leaked() { select {} }

// shows waits for a picture that matches.
func shows(t *testing.T, s *poketest.Terminal, pattern string) string {
	t.Helper()
	return s.Draws(t, 180, 30, pattern)
}

func TestTopAtTerminal(t *testing.T) {
	g := poketest.Start(t, "leaking")
	t.Setenv("TERM", "xterm")
	s, wait := poketest.AtTerminal(t, "top", "--every", "500ms", g.PID)
	shows(t, s, `\+[1-9]\d* .*manhole-poke\.leaked  top_linux_test\.go:\d+`)
	poketest.Run(t, "", g.PID, "version").Fails(t, exit.Busy, "busy")
	_, second := poketest.AtTerminal(t, "top", g.PID)
	if st := second(); st != exit.Busy {
		t.Errorf("a second view: exit status %d", st)
	}
	s.Type(t, "\r")
	shows(t, s, `\d+ goroutines, \+\d+ since the start(?s:.)*manhole-poke\.leaked`)
	s.Type(t, "q") // back
	shows(t, s, "WHERE(?s:.)*leaked")
	s.Type(t, "/nothing has this\r")
	shows(t, s, `WHERE(?s:[^#]*)filter: nothing has this   \(Esc`)
	s.Type(t, "f")
	shows(t, s, "FROZEN")
	s.Type(t, "f?")
	shows(t, s, "Groups of goroutines with the same stack")
	s.Type(t, "qc")
	shows(t, s, `CPU of \S+ \d+, 1s up to \d\d:\d\d:\d\d: cpu: `)
	s.Draws(t, 20, 5, "manhole-poke top: ")
	s.Type(t, "q")
	if st := wait(); st != exit.OK {
		t.Errorf("exit status %d", st)
	}
	poketest.Run(t, "", g.PID, "stats -x").Fails(t, exit.Command, "stats") // a session
	g.Unharmed(t)
}

// Whatever ends the view ends the sessions and restores the terminal.
func TestTopEnds(t *testing.T) {
	t.Setenv("TERM", "xterm")
	g := poketest.Start(t, "leaking")
	s, wait := poketest.AtTerminal(t, "top", g.PID)
	s.Until(t, "WHERE")
	s.Type(t, "\x03")
	if st := wait(); st != exit.Signalled+2 {
		t.Errorf("Ctrl-C: exit status %d", st)
	}
	s, wait = poketest.AtTerminal(t, "top", g.PID)
	s.Until(t, "WHERE")
	busy := poketest.Run(t, "", g.PID, "version")
	m := regexp.MustCompile(`\(pid (\d+)\)`).FindStringSubmatch(busy.Stderr)
	if m == nil {
		t.Fatalf("%+v", busy)
	}
	pid, _ := strconv.Atoi(m[1])
	syscall.Kill(pid, syscall.SIGTERM)
	if st := wait(); st != exit.Signalled+exit.Status(syscall.SIGTERM) {
		t.Errorf("SIGTERM: exit status %d", st)
	}
	if r := poketest.Run(t, "", g.PID, "version"); r.Status != exit.OK {
		t.Errorf("%+v", r)
	}
	s, wait = poketest.AtTerminal(t, "top", g.PID)
	s.Until(t, "WHERE")
	g.Process.Signal(syscall.SIGKILL)
	s.Until(t, "The last picture")
	s.Type(t, "x")
	if st := wait(); st != exit.Broken {
		t.Errorf("exit status %d", st)
	}
}

// One that keeps silent or is hostile keeps neither the others nor the keys.
func TestTopSeveral(t *testing.T) {
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "1")
	g, silent, hostile := poketest.Start(t, "leaking"), poketest.Start(t, "silent"), poketest.Start(t, "hostile")
	s, wait := poketest.AtTerminal(t, "top", "-t", "1s", g.PID, silent.PID, hostile.PID)
	all := shows(t, s, `\+[1-9]\d* .*manhole-poke\.leaked`)
	if m := regexp.MustCompile("\x1b\\[([0-9;]*;)?[34][0-9](;[0-9;]*)?m").FindString(all); m != "" {
		t.Errorf("with NO_COLOR it sends %q", m)
	}
	shows(t, s, "3 processes(?s:.)*said nothing within 1s")
	s.Type(t, "q")
	if st := wait(); st != exit.OK {
		t.Errorf("exit status %d", st)
	}
}

// A terminal that is gone, or takes nothing more, does not keep the session.
func TestTopWithoutTerminal(t *testing.T) {
	t.Setenv("TERM", "xterm")
	g := poketest.Start(t, "leaking")
	for _, stalled := range []bool{false, true} {
		keys, tty := lazytest.OpenTerminal(t)
		before, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		cmd := poketest.Command(t, tty, "top", g.PID)
		cmd.Stdout, cmd.Stderr = tty, tty
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 100)
		if _, err := keys.Read(buf); err != nil { // it draws
			t.Fatal(err)
		}
		want := []exit.Status{exit.Signalled + exit.Status(syscall.SIGHUP), exit.LocalIO}
		if stalled {
			want = []exit.Status{exit.Signalled + exit.Status(syscall.SIGTERM)}
			for i := range 100 { // more than a terminal holds that nobody reads
				unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: uint16(300 + i%2), Row: 100})
				time.Sleep(5 * time.Millisecond)
			}
			cmd.Process.Signal(syscall.SIGTERM)
		} else {
			keys.Close()
		}
		cmd.Wait()
		if st := poketest.StatusOf(cmd); !slices.Contains(want, st) {
			t.Errorf("stalled %v: exit status %d", stalled, st)
		}
		if after, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS); stalled && (err != nil || *after != *before) {
			t.Errorf("the terminal was %+v and is %+v, %v", before, after, err)
		}
		if r := poketest.Run(t, "", g.PID, "version"); r.Status != exit.OK {
			t.Errorf("stalled %v: %+v", stalled, r)
		}
	}
}

func TestTopRefuses(t *testing.T) {
	g := poketest.Start(t, "leaking")
	poketest.Run(t, "", "top", g.PID).Fails(t, exit.Usage, "needs a terminal", "watch")
	for _, args := range [][]string{{"top"}, {"top", "--all", "1"}} {
		poketest.Run(t, "", args...).Fails(t, exit.Usage, "top")
	}
	for term, want := range map[string]exit.Status{"dumb": exit.Usage, "xterm": exit.NotFound} {
		t.Setenv("TERM", term)
		_, wait := poketest.AtTerminal(t, "top", "999999999")
		if st := wait(); st != want {
			t.Errorf("TERM=%s: exit status %d", term, st)
		}
	}
}
