// Package console is what a peer talks to once package lazy has let it in:
// greeting, statistics and stacks, then one command a line until it leaves.
// It knows nothing of signals, sockets or credentials; [Serve] is given a
// [Conn].
//
// # Person and script
//
// A peer that says nothing at first is taken for a person: it is greeted,
// prompted and shown the progress of long work. One that speaks first is a
// script and gets the answers to its lines and nothing else, so that
//
//	echo stats | nc -N -U /tmp/manhole-PID
//
// prints the statistics. A peer that closes its input without a word gets the
// greeting, the statistics and the stacks.
//
// What the console itself has to say, outside of an answer, begins with
// "lazy: ". A command that failed is reported as
//
//	lazy: error: NAME: what is wrong; what to try
//
// and the session goes on with the next line.
//
// # Lines
//
// A line is at most 4096 bytes; it ends with LF or CRLF, the last one may end
// with the input. The rest of a longer one is read and thrown away. How a line
// is split into words is described in package internal/words.
//
// What takes a while for a person (a profile that counts down, watch) is ended
// by the next line, which is then run unless it is empty.
//
// # What a command can do to the process
//
// A panic in a command is shown to the peer, logged, and survived; so is
// [runtime.Goexit] in a command of the program, each of which runs in its own
// goroutine. A fatal error of the runtime in such a command, such as
// concurrent map writes, ends the process here as anywhere.
//
// What is changed for the time of a command is restored when it ends, however
// it ends: the sampling of mutex contention, and that of blocking ("help pprof"
// describes how, because its former rate cannot be read). Only one CPU profile
// and one trace can run in a process: if the program runs one itself, the
// command fails and the program's goes on.
//
// # In a saturated process
//
// Commands that take up to some 5 ms of CPU time answer within tens of
// milliseconds while hundreds of goroutines wait for a processor. Longer ones
// (stack with thousands of goroutines, pprof, gc) are preempted like any other
// goroutine and wait for their turn, which can take seconds. The runtime has no
// priorities.
//
// # manhole-poke
//
// The client speaks the frames of package internal/frame, in which answers,
// failures and progress are told apart, and which can interrupt a command.
// Ctrl-C interrupts one as well if a person's terminal sends it instead of
// acting on it:
//
//	socat -,icanon=0,isig=0 unix-connect:/tmp/manhole-PID
//
// # gops
//
// A peer that begins with a command byte of github.com/google/gops gets its
// answer in the byte protocol of gops v0.3.28.
package console

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/go-manhole/lazy/internal/frame"
	"github.com/go-manhole/lazy/internal/mark"
)

// Conn is the connection to the peer.
//
// Read returns an error for which errors.Is(err, [os.ErrDeadlineExceeded])
// holds once the deadline has passed. SetReadDeadline may be called while
// another goroutine is in Read and then applies to that Read. Write must not
// block forever: the console sets no deadline for it.
//
// A Conn may have more methods, which the console uses if they are there:
//
//	// Pause waits a moment. It replaces a sleep of a millisecond.
//	Pause()
//
//	// Peek waits for at most d for the first byte and leaves it unread.
//	// eof reports that none will come.
//	Peek(d time.Duration) (first byte, said, eof bool)
//
//	// OnPending has f called, until OnPending(nil), whenever there may be
//	// something to read, the end of input included. f does not block. It may
//	// be called from any goroutine, and once more after OnPending(nil).
//	OnPending(f func())
//
//	// TryRead is a Read that does not wait: it returns os.ErrDeadlineExceeded
//	// if there is nothing to read. It goes with OnPending.
//	TryRead(p []byte) (n int, err error)
//
// With OnPending and TryRead, what the peer sends while a command runs is
// noticed without another goroutine.
type Conn interface {
	io.ReadWriter
	SetReadDeadline(time.Time) error
}

// Config describes one session.
type Config struct {
	// Greeting is shown to a person first: whole lines.
	Greeting string
	// Idle is how long the peer may be silent at the prompt; 0 is no limit.
	Idle time.Duration
	// ReadOnly leaves only the commands that observe.
	ReadOnly bool
	// PeerPID is the PID of the peer, which may trace a copy of the process; 0 if
	// it is not known.
	PeerPID int
	// MayDebug is why the peer may not have what is in the memory of the process,
	// or nil.
	MayDebug error
	// Path of the socket and Signal that opens it, such as "USR2", for the
	// lines that show how to fetch binary answers. Empty means lazy's defaults.
	Path, Signal string
	// Commands are those of the program.
	Commands []Command
	// Log receives a record of each command that panicked; nil discards them.
	Log *slog.Logger
}

// Command is a command of the program. Run writes the answer to w, which is
// safe for concurrent use until Run returns, and returns when ctx is done: the
// peer left or interrupted the command, or the session ends. A Run that does
// not is abandoned after two seconds: this is logged, and what it still writes
// is discarded.
type Command struct {
	Name  string
	Usage string // for help; its first line is for the list
	Run   func(ctx context.Context, w io.Writer, args []string) error
}

// ErrIdle is the error of [Serve] when the peer was silent for Config.Idle.
var ErrIdle = errors.New("nothing said for too long")

// waitForWord is how long a peer has to say something before it is taken for a
// person.
const waitForWord = 80 * time.Millisecond

// Serve holds a session with the peer until its end, and returns what the peer
// turned out to be, for a log: "person", "script", "report" (it closed its
// input without a word), "manhole-poke" or "gops".
//
// The error is nil after quit or the end of input, once every line sent before
// was answered; otherwise it is why the session ended: [ErrIdle], the error of
// reading or writing, or the cause of ctx. For gops it is also why the command
// failed.
//
// Nothing of the session is left when Serve returns, except a command of the
// program that ignores its context.
func Serve(ctx context.Context, conn Conn, cfg Config) (kind string, err error) {
	mark.Session(func() {
		s, end := start(ctx, conn, cfg)
		defer end()
		kind, err = s.serve()
	})
	return kind, err
}

func (s *session) serve() (kind string, err error) {
	first, said, eof := s.firstByte()
	switch {
	case eof:
		return "report", s.report()
	case said && isGops(first):
		return "gops", s.gops()
	case said && first == frame.Preface[0]:
		return "manhole-poke", s.frames()
	case said:
		return "script", s.text(false)
	default:
		return "person", s.text(true)
	}
}

// firstByte waits for the first byte that the peer sends, and leaves it unread.
// eof reports that there will be none.
func (s *session) firstByte() (first byte, said, eof bool) {
	if c, ok := s.in.conn.(interface {
		Peek(time.Duration) (byte, bool, bool)
	}); ok {
		return c.Peek(waitForWord)
	}
	s.in.fill(waitForWord, nil) // its error comes back when the session reads
	if unread := s.in.unread(); len(unread) > 0 {
		return unread[0], true, false
	}
	return 0, false, s.in.err != nil
}
