// Package lazy lets an operator open a debugging session in a running Go
// process. Until then it costs the process next to nothing.
//
// A program calls Arm once:
//
//	func main() {
//		if err := lazy.Arm(); err != nil {
//			log.Print(err) // the program goes on, without a manhole
//		}
//		...
//	}
//
// No goroutine waits, nothing listens and no file exists until the process gets
// SIGUSR2. Then a unix domain socket opens at /tmp/manhole-PID (see WithPath) for
// one session:
//
//	kill -USR2 PID && nc -U /tmp/manhole-PID
//
// A client must be root, or be allowed to debug the process (ptrace(2)): a process
// of the same user, if the process has always been that user's. The kernel reports
// its credentials (SO_PEERCRED in unix(7), LOCAL_PEERCRED on macOS and FreeBSD),
// and WithSameEffectiveUID widens the rule. The client gets the runtime's statistics and the stacks of all goroutines,
// then a console with more commands, which "help" lists. When it leaves, is
// silent for too long, or no client connects in time, the connection, the
// listener, the file and the goroutines go, and the process is ready for the
// next signal.
//
// # Clients
//
// What a client sends first decides what it gets:
//
//   - Nothing: it is a person, and gets a greeting, statistics, stacks and a
//     prompt.
//   - Commands, at once: it is a script, and gets their answers and nothing
//     else, so that "echo stats | nc -N -U /tmp/manhole-PID" prints the
//     statistics.
//   - A command byte of the gops protocol (github.com/google/gops/signal): it
//     gets that one answer, in the format of gops.
//   - The end of its input: it gets greeting, statistics and stacks.
//   - The first byte of manhole-poke, the client that comes with this package: it
//     gets frames, which keep answers, errors and progress apart.
//
// # Cost
//
// On linux/amd64 and linux/arm64 Arm installs a signal handler in front of the Go
// runtime's. It binds and listens on a socket that was made beforehand, so the
// socket opens at once even if the scheduler is saturated or descriptors are
// exhausted. The armed process holds two descriptors: that socket, neither bound
// nor listening, and a spare one. The spare is a memfd whose name and content say
// that the process is armed, for which signal and path. A runtime timer notices
// the signal: it runs every 10 to 20 milliseconds in a busy process, and down to
// every 800 milliseconds in an idle one.
//
// On other unix systems, and with the build tag lazy_ossignal, the signal arrives
// through os/signal: that is one parked goroutine, and the one of os/signal. A
// saturated process then takes seconds to open the socket. On systems without
// unix signals Arm returns an error that is errors.ErrUnsupported.
//
// # The program's use of the signal
//
// The program can use the same signal: signal.Notify works as ever, before or
// after Arm, and signal.Stop does not affect the manhole. signal.Ignore disables
// it, because the kernel then discards the signal; Disarm, signal.Notify and Arm,
// in this order, bring it back (signal.Reset alone does not undo Ignore).
// signal.Reset has no effect on linux/amd64 and linux/arm64; with os/signal it
// disables the manhole.
package lazy

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"

	"github.com/go-manhole/lazy/console"
)

var (
	armedMu sync.Mutex
	armed   *manhole

	// Another lock, because a session reads the commands while Disarm waits
	// for the session.
	commandsMu sync.Mutex
	commands   []console.Command
)

// Arm makes the process open a session when it gets the signal. Call it once,
// early in main; a second call fails until Disarm. It is safe for concurrent use.
//
// Arm fails, and changes nothing, if the process is armed already; if C code
// handles the signal, or signal.Ignore was called for it; if the path does not
// fit a socket address, its directory is missing or not writable, or something
// other than a socket is there; and, with errors.ErrUnsupported, where there are
// no unix signals. The error says what to do.
func Arm(options ...Option) error {
	armedMu.Lock()
	defer armedMu.Unlock()
	if armed != nil {
		return fmt.Errorf("lazy: armed already, %v", armed)
	}
	c, err := newConfig(options)
	if err != nil {
		return fmt.Errorf("lazy: %w", err)
	}
	m, err := arm(c)
	if err != nil {
		return fmt.Errorf("lazy: %w", err)
	}
	armed = m
	return nil
}

// Disarm ends an open session, removes what Arm and a ring made, and gives the
// signal back to the Go runtime. It returns when that is done, and does nothing
// if the process is not armed. It is safe for concurrent use, but do not call it
// in a command (see Handle): it would wait for that command's session, which
// gives up after some seconds.
func Disarm() error {
	armedMu.Lock()
	defer armedMu.Unlock()
	if armed == nil {
		return nil
	}
	err := armed.disarm()
	armed = nil
	if err != nil {
		return fmt.Errorf("lazy: %w", err)
	}
	return nil
}

// Handle adds a command to the console. The name is one word. The first line of
// usage is for the list of commands: the arguments, if any, then what the command
// does. "help NAME" shows all lines. Handle may be
// called before Arm, from init functions and concurrently; sessions that are open
// do not get the command. It panics, as http.Handle does, if the name is not one
// word or is taken, or if run is nil.
//
// run gets the words after the name and writes its answer to w, which returns an
// error once the peer is gone. It must return when ctx is done: the peer left or
// interrupted the command, or the session ends. Otherwise its goroutine outlives
// the session. The peer is shown an error of run, and a panic, which the program
// survives unless it happens in another goroutine. At most one command runs at a
// time.
func Handle(name, usage string, run func(ctx context.Context, w io.Writer, args []string) error) {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
		panic(fmt.Sprintf("lazy: Handle(%q): the name must be one word of printable characters", name))
	}
	if run == nil {
		panic(fmt.Sprintf("lazy: Handle(%q): run is nil", name))
	}
	if console.IsCommand(name) {
		panic(fmt.Sprintf("lazy: Handle(%q): the console has a command of that name", name))
	}
	commandsMu.Lock()
	defer commandsMu.Unlock()
	for _, c := range commands {
		if c.Name == name {
			panic(fmt.Sprintf("lazy: Handle(%q): the program has a command of that name already", name))
		}
	}
	commands = append(commands, console.Command{Name: name, Usage: usage, Run: run})
}
