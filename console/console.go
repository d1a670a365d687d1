// Package console is what a peer talks to once package lazy has let it in:
// greeting, statistics and stacks, then one command a line until it leaves.
// It knows nothing of signals, sockets or credentials; it is handed a [Conn].
//
// # Person and script
//
// A person ([Config.Person]) is greeted, prompted and shown the progress of
// long work. A script gets the answers to its lines and nothing else, so that
//
//	echo stats | nc -N -U /tmp/manhole-PID
//
// prints the statistics. Whatever the console says in its own name, rather
// than in answer to a command, begins with "lazy: ". A command that failed is
//
//	lazy: error: NAME: what is wrong; what to try
//
// and the session goes on with the next line.
//
// # Lines
//
// A line is at most 4096 bytes; it ends with LF or CRLF, the last one may end
// with the input. The rest of a longer one is read and thrown away. Arguments
// are separated by blanks; single and double quotes keep them together; a
// backslash is itself unless it stands before a blank, a quote or a backslash,
// so that a regular expression needs no doubling.
//
// What takes a while for a person (a profile that counts down, watch) is ended
// by the next line, which is then run unless it is empty.
//
// # What a command can do to the process
//
// A panic in a command is shown to the peer, written to the log, and survived;
// so is [runtime.Goexit] in one of the program's own, which run in a goroutine
// of their own. What nobody
// can survive (a fatal error of the runtime, such as concurrent map writes in
// one of the program's own commands) is not survived here either.
//
// What is changed for the time of a command is restored when it ends, however
// it ends: the sampling of mutex contention, and that of blocking, of which
// "help pprof" says more because the runtime does not tell what it was. One
// CPU profile and one trace can run in a process: if the program runs one
// itself, the command fails and the program's goes on.
//
// # In a saturated process
//
// Commands that take up to some 5 ms of CPU time answer within tens of
// milliseconds when hundreds of goroutines wait for a processor. Longer ones
// (stack with thousands of goroutines, pprof, gc) are preempted like everybody
// else and then wait for their turn, which can be seconds. The runtime knows
// no priorities.
//
// # manhole-poke
//
// [Framed] speaks the frames of package internal/frame, in which nothing has
// to be guessed from the text, and interrupts a command when it is told to. So
// does [Run] with a person whose terminal sends Ctrl-C instead of acting on it:
//
//	socat -,icanon=0,isig=0 unix-connect:/tmp/manhole-PID
//
// # gops
//
// [Gops] speaks the byte protocol of github.com/google/gops, version 0.3.28.
package console

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"
)

// Conn is the connection to the peer.
//
// Read returns an error for which errors.Is(err, [os.ErrDeadlineExceeded])
// holds once the deadline has passed. SetReadDeadline may be called while
// another goroutine is in Read and then applies to that Read. Write must not
// block for ever: the console has no deadline of its own for it. If there is a
// method Pause(), the console calls it where it would otherwise sleep for a
// millisecond before it looks again whether a command of the program's has ended.
type Conn interface {
	io.ReadWriter
	SetReadDeadline(time.Time) error
}

// Config describes one session.
type Config struct {
	// Person asks for greeting, statistics, stacks, a prompt and progress.
	Person bool
	// Greeting is shown to a person first: whole lines.
	Greeting string
	// Idle is how long the peer may sit silent at the prompt; 0 is for ever.
	Idle time.Duration
	// ReadOnly leaves only the commands that observe.
	ReadOnly bool
	// Path of the socket and Signal that opens it, such as "USR2": for the
	// lines that show how to fetch what is binary. Empty means lazy's defaults.
	Path, Signal string
	// Commands are the program's own.
	Commands []Command
	// OwnGoroutine reports whether a goroutine whose outermost function is
	// entry belongs to the session, so that stacks leave it out. The
	// console's own are known to it. May be nil.
	OwnGoroutine func(entry string) bool
	// Log receives a record of each command that panicked; nil is no log.
	Log *slog.Logger
}

// Command is one of the program's own. Run writes the answer to w, which is
// safe for concurrent use until Run returns, and returns when ctx is done: the
// peer left, or the session ends. A Run that does not is abandoned after
// two seconds: it is logged and what it writes is thrown away.
type Command struct {
	Name  string
	Usage string // one line for help
	Run   func(ctx context.Context, w io.Writer, args []string) error
}

// ErrIdle is what [Run] returns when the peer sat silent for Config.Idle.
var ErrIdle = errors.New("nothing said for too long")

// Run holds a session with the peer. It returns nil after quit or the end of
// input, once every line sent before was answered; otherwise why the session
// ended: [ErrIdle], the error of reading or writing, or the cause of ctx.
//
// Nothing of the session is left when Run returns, but for a command of the
// program's own that ignores its context.
func Run(ctx context.Context, conn Conn, cfg Config) error {
	s, end := start(ctx, conn, cfg)
	defer end()
	err := s.serve()
	if err != nil {
		s.farewell(err)
	}
	return err
}

// Report gives a peer that closed its input without a word what a person sees
// first: greeting, statistics, stacks. There is no prompt.
func Report(ctx context.Context, conn Conn, cfg Config) error {
	cfg.Person = true
	s, end := start(ctx, conn, cfg)
	defer end()
	return s.report()
}
