//go:build linux || darwin || freebsd

package session

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
	"golang.org/x/sys/unix"
)

// What a process says outside of frames begins with one of these.
const (
	ownWords = "lazy: "
	refused  = ownWords + "refused:"
	busy     = ownWords + "busy:"
)

// IsTurnedAway reports whether line is what a client gets instead of a session.
func IsTurnedAway(line string) bool {
	return strings.HasPrefix(line, refused) || strings.HasPrefix(line, busy)
}

// TurnedAway returns the error for a line for which [IsTurnedAway] is true.
func TurnedAway(p *process.Process, line string) error {
	if strings.HasPrefix(line, busy) {
		err := exit.Errorf(exit.Busy, "busy", "%s says %q; wait for them, or ask them to leave", p, line)
		if holderHasLeft(line) {
			return passing{err}
		}
		return err
	}
	try := "try as the process's user, or as root"
	if os.Geteuid() == 0 {
		try = "the program's own check (lazy.WithCheck) or a user namespace keeps root out; try as the process's user"
	}
	return exit.Errorf(exit.Denied, "refused", "%s says %q; %s", p, line, try)
}

// holderHasLeft reports whether the process that a line names as the holder of
// the session has exited, which the armed process is about to notice. A holder
// without a PID is not visible to the armed process (pid_namespaces(7)), and
// may have exited.
func holderHasLeft(line string) bool {
	_, after, told := strings.Cut(line, "(pid ")
	digits, _, _ := strings.Cut(after, ")")
	pid, err := strconv.Atoi(digits)
	return !told || err == nil && pid > 0 && unix.Kill(pid, 0) == unix.ESRCH
}

// HungUp returns the error for a process that closed the connection without a
// word, as it does when the session before is just ending.
func HungUp(p *process.Process) error {
	return passing{exit.Errorf(exit.Broken, "hung-up", "%s hung up without a word; its log may say why; try again", p)}
}

// passing is an error whose cause is gone in a moment, as between two sessions.
type passing struct{ error }

func (p passing) Unwrap() error { return p.error }

// WillPass reports whether the cause of err is gone in a moment, so that it
// makes sense to connect again.
func WillPass(err error) bool { return errors.As(err, new(passing)) }
