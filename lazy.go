// Package lazy lets an operator open up a running Go process, and costs the
// process nothing until then.
//
// A program calls Arm once:
//
//	func main() {
//		if err := lazy.Arm(); err != nil {
//			log.Print(err) // the program goes on, without its manhole
//		}
//		...
//	}
//
// From then on no goroutine waits, nothing listens and no file exists. When
// the process gets SIGUSR2, a unix domain socket opens at /tmp/manhole-PID for
// one session (WithPath says where else, and what if there is no /tmp):
//
//	kill -USR2 PID && nc -U /tmp/manhole-PID
//
// Whoever connects must have the effective uid of the process, or be root; the
// kernel says who it is (SO_PEERCRED in unix(7), LOCAL_PEERCRED on macOS and
// FreeBSD). The peer gets the runtime's statistics and every goroutine's
// stack, then a console; "help" there lists its commands. When the peer leaves, is
// silent for too long, or nobody comes in time, connection, listener, file and
// goroutines are gone and the process is as it was, ready for the next ring.
//
// # Who it is that connects
//
// A peer that says nothing at first is a person and is greeted. One whose
// first bytes are already there is a script and gets the answers to its
// commands and nothing else, so that
//
//	echo stats | nc -N -U /tmp/manhole-PID
//
// prints the statistics. One whose first byte is a command of the gops
// protocol (package github.com/google/gops/signal) gets that one answer, in
// gops's format. One that ends its input without a word gets the greeting, the
// statistics and the stacks. Manhole-poke says so with its first byte, and gets
// frames, which tell answers, failures and progress apart.
//
// # What it costs
//
// On linux/amd64 and linux/arm64 Arm puts a handler of its own in front of the
// Go runtime's, which binds and listens on a socket that was made beforehand;
// so the ring is answered at once even when the scheduler is saturated or
// descriptors are exhausted. The armed process holds two descriptors, that
// socket (neither bound nor listening) and a spare one, a memfd whose name and
// content say that the process is armed, for which signal and path. A runtime
// timer notices that the bell rang: every 10 to 20 milliseconds in a busy process,
// less often the idler it is, down to every 800 milliseconds.
//
// On other unix systems, and with the build tag lazy_ossignal, the signal
// arrives through os/signal instead: one parked goroutine, and that of os/signal. There a
// saturated process takes seconds to open the socket. On systems without unix
// signals Arm returns an error that is errors.ErrUnsupported.
//
// # The program's own use of the signal
//
// signal.Notify for the same signal works as ever, before or after Arm, and
// signal.Stop takes nothing from the doorbell. signal.Ignore silences the
// doorbell, because the kernel then discards the signal; Disarm, signal.Notify
// and Arm bring it back (signal.Reset alone does not undo Ignore). signal.Reset
// leaves the doorbell alone on linux/amd64 and linux/arm64; with os/signal it
// silences it.
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

	// Not the same lock: a session asks for the commands while Disarm waits
	// for the session.
	commandsMu sync.Mutex
	commands   []console.Command
)

// Arm makes the process ready to be rung. It is called once, early in main;
// a second call fails until Disarm. It is safe for concurrent use.
//
// Arm fails, and changes nothing, when the process is armed already, when
// somebody else (C code, signal.Ignore) owns the signal, when the path does not fit a
// socket address, its directory is missing or not writable, or something that
// is not a socket stands there, and, with errors.ErrUnsupported, where there
// are no unix signals. The error says what to do.
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

// Disarm ends an open session, removes everything that Arm or a ring made and
// gives the signal back to the Go runtime. It returns when that is done, and
// does nothing when the process is not armed. It is safe for concurrent use,
// but a command (Handle) that calls it waits for its own session, which is
// given up after some seconds.
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

// Handle adds a command of the program's own to the console. The name is one
// word; usage is one line for help: the arguments, if any, then what the
// command is for. It may be called before Arm, from init functions and
// concurrently; sessions that are open already do not see the command. Handle
// panics when the name is not one word, is taken, or run is nil, as http.Handle
// does: these are mistakes in the program's text.
//
// run gets the words after the name. It writes its answer to w, whose errors
// mean that the peer has gone. ctx is cancelled when the peer leaves or the
// session must end; a run that does not return then leaves its goroutine
// behind when the session is torn down. An error is shown to the peer, and so is a
// panic, which the program survives unless it happens in another goroutine
// that run started. At most one command runs at a time.
func Handle(name, usage string, run func(ctx context.Context, w io.Writer, args []string) error) {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
		panic(fmt.Sprintf("lazy: Handle(%q): the name of a command is one word", name))
	}
	if run == nil {
		panic(fmt.Sprintf("lazy: Handle(%q): no function", name))
	}
	if console.IsCommand(name) {
		panic(fmt.Sprintf("lazy: Handle(%q): the console has a command of that name", name))
	}
	commandsMu.Lock()
	defer commandsMu.Unlock()
	for _, c := range commands {
		if c.Name == name {
			panic(fmt.Sprintf("lazy: Handle(%q): there is a command of that name", name))
		}
	}
	commands = append(commands, console.Command{Name: name, Usage: usage, Run: run})
}
