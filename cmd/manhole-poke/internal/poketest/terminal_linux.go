package poketest

import (
	"io"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

// A Terminal collects what a terminal shows.
type Terminal struct {
	keys  *os.File
	tty   *os.File
	chunk chan string
	shown string
}

// Until waits until the terminal shows text, and forgets what it showed up to
// the end of that. It returns what came before the text.
func (s *Terminal) Until(t testing.TB, text string) (before string) {
	t.Helper()
	late := time.After(lazytest.Patience)
	for !strings.Contains(s.shown, text) {
		select {
		case c := <-s.chunk:
			s.shown += c
		case <-late:
			t.Fatalf("the terminal shows %q, not %q", s.shown, text)
		}
	}
	before, s.shown, _ = strings.Cut(s.shown, text)
	return before
}

// Type types.
func (s *Terminal) Type(t testing.TB, text string) {
	t.Helper()
	if _, err := io.WriteString(s.keys, text); err != nil {
		t.Fatal(err)
	}
}

// Draws waits until a full-screen program draws what matches pattern in one go,
// as it does when the size of the terminal changes: the size is changed to and
// fro. It returns what came up to then.
func (s *Terminal) Draws(t testing.TB, columns, rows int, pattern string) (all string) {
	t.Helper()
	re := regexp.MustCompile(pattern)
	late := time.After(lazytest.Patience)
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	s.shown = ""
	for n := 0; !re.MatchString(s.shown); {
		select {
		case c := <-s.chunk:
			s.shown += c
			s.shown = s.shown[max(0, len(s.shown)-100_000):] // some pictures
		case <-again.C:
			n++
			s.Resize(t, columns+n%2, rows)
		case <-late:
			t.Fatalf("the terminal shows %q, nothing like %q", s.shown[max(0, len(s.shown)-10_000):], pattern)
		}
	}
	all, s.shown = s.shown, ""
	return all
}

// Watch takes what the terminal shows for some time.
func (s *Terminal) Watch(d time.Duration) {
	for over := time.After(d); ; {
		select {
		case <-s.chunk:
		case <-over:
			return
		}
	}
}

// Resize changes the size of the terminal.
func (s *Terminal) Resize(t testing.TB, columns, rows int) {
	t.Helper()
	if err := unix.IoctlSetWinsize(int(s.keys.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: uint16(columns), Row: uint16(rows)}); err != nil {
		t.Fatal(err)
	}
}

// Unread returns what was typed and nobody has read, in whole lines.
func (s *Terminal) Unread(t testing.TB) string {
	t.Helper()
	n, err := unix.IoctlGetInt(int(s.tty.Fd()), unix.TIOCINQ)
	if err != nil {
		t.Fatal(err)
	}
	var text string
	for len(text) < n { // a line at a time
		line := make([]byte, n)
		k, err := s.tty.Read(line)
		if err != nil {
			t.Fatal(err)
		}
		text += string(line[:k])
	}
	return text
}

// AtTerminal starts manhole-poke on a terminal. The returned function waits for
// it and checks that the terminal is as it was.
func AtTerminal(t testing.TB, args ...string) (*Terminal, func() exit.Status) {
	t.Helper()
	return AtTerminalAfter(t, "", args...)
}

// AtTerminalAfter is AtTerminal where something was typed already.
func AtTerminalAfter(t testing.TB, typed string, args ...string) (*Terminal, func() exit.Status) {
	t.Helper()
	keys, tty := lazytest.OpenTerminal(t)
	before, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	s := &Terminal{keys: keys, tty: tty, chunk: make(chan string, 100)}
	go func() {
		for {
			buf := make([]byte, 4096)
			n, err := keys.Read(buf)
			if err != nil {
				return
			}
			s.chunk <- string(buf[:n])
		}
	}()
	s.Type(t, typed)
	cmd := Command(t, tty, args...)
	cmd.Stdout, cmd.Stderr = tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return s, func() exit.Status {
		t.Helper()
		cmd.Wait()
		after, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
		if err != nil || *after != *before {
			t.Errorf("the terminal was %+v and is %+v, %v", before, after, err)
		}
		return StatusOf(cmd)
	}
}
