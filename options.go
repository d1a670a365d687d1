package lazy

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"
)

const (
	defaultAcceptTimeout = 30 * time.Second
	defaultIdleTimeout   = 5 * time.Minute
	defaultMaxDuration   = time.Hour
)

// An Option changes one default of Arm.
type Option interface {
	apply(*config)
}

type option func(*config)

func (o option) apply(c *config) { o(c) }

// WithSignal sets the signal that rings; the default is SIGUSR2. Arm accepts
// those that the Go runtime passes over unless signal.Notify asks for them:
// SIGUSR1, SIGUSR2, SIGWINCH, SIGIO, on the BSDs and macOS SIGINFO, on Linux
// SIGPWR and the real-time signals 35 to 64. The others mean something to the
// runtime or end the program.
func WithSignal(sig os.Signal) Option {
	return option(func(c *config) { c.signal = sig })
}

// WithPath sets where the socket appears. The default is /tmp/manhole-PID. On
// Linux, if /tmp is missing or not writable, it is /dev/shm/manhole-PID, and if
// that is not usable either, manhole-PID in the abstract namespace (unix(7)); a
// record in the log then has the path.
//
// The path is that of a file. On Linux one that begins with @ is an abstract
// name instead: it belongs to the network namespace, where any process may take
// it first.
//
// A relative path is resolved when Arm is called. The directory must exist and
// be writable, and the path must fit a socket address: 107 bytes on Linux, 103
// on macOS and FreeBSD. Use a local file system: a signal handler makes the
// file, so a file system that hangs would hang the thread that got the signal.
func WithPath(path string) Option {
	return option(func(c *config) { c.path, c.noPath = path, path == "" })
}

// WithAcceptTimeout sets how long the socket waits for a peer after a ring
// before it is removed again; the default is 30 seconds.
func WithAcceptTimeout(d time.Duration) Option {
	return option(func(c *config) { c.acceptTimeout = d })
}

// WithIdleTimeout sets how long a peer may be silent at the prompt before the
// session is closed; the default is 5 minutes. The time that a command runs
// does not count.
func WithIdleTimeout(d time.Duration) Option {
	return option(func(c *config) { c.idleTimeout = d })
}

// WithMaxDuration sets how long a session may last in all; the default is 1
// hour.
func WithMaxDuration(d time.Duration) Option {
	return option(func(c *config) { c.maxDuration = d })
}

// WithLogger sets the logger for sessions, refusals and failures. Each is one
// record, with the peer's uid and pid and the duration. The default is what
// slog.Default returns at the time of the record. A logger may panic or block:
// a session waits at most one second for it, and while it is stuck with one
// record, further ones are dropped.
func WithLogger(l *slog.Logger) Option {
	return option(func(c *config) { c.logger = l })
}

// WithSameEffectiveUID lets in every peer that has the effective uid of this
// process, and root. Without it a peer that is not root comes in only if the
// kernel would let it debug this process (ptrace(2)): if the real, effective and
// saved user and group ids are all the peer's, and the process is dumpable, has no
// capabilities, and is in the same user namespace. A process that was root and
// called setuid, or has file capabilities, then lets in root alone. With this
// option every process of its user gets at what it had as root.
func WithSameEffectiveUID() Option {
	return option(func(c *config) { c.sameUID = true })
}

// WithCheck adds a check of the peer's credentials. It comes after the rule that
// always holds (root, or a peer that may debug this process; see
// WithSameEffectiveUID) and can only narrow it. A peer is refused if check returns an error, whose text the peer and the
// log get, if it panics, and if it takes longer than 2 seconds.
func WithCheck(check func(Peer) error) Option {
	return option(func(c *config) { c.check = check })
}

// WithReadOnly leaves only the commands that observe. Those that collect garbage,
// change a setting for longer than they run, or show what the program writes
// (tail), and those of the program (Handle) are missing. The command vars stays,
// and runs what the program published with expvar.Func.
func WithReadOnly() Option {
	return option(func(c *config) { c.readOnly = true })
}

type config struct {
	signal        os.Signal
	path          string // "" is the usual one
	noPath        bool   // WithPath("")
	acceptTimeout time.Duration
	idleTimeout   time.Duration
	maxDuration   time.Duration
	logger        *slog.Logger
	check         func(Peer) error
	sameUID       bool
	readOnly      bool
}

func newConfig(options []Option) (config, error) {
	c := config{
		signal:        defaultSignal,
		acceptTimeout: defaultAcceptTimeout,
		idleTimeout:   defaultIdleTimeout,
		maxDuration:   defaultMaxDuration,
	}
	for _, o := range options {
		if o != nil {
			o.apply(&c)
		}
	}
	for _, d := range []struct {
		option string
		value  time.Duration
	}{
		{"WithAcceptTimeout", c.acceptTimeout},
		{"WithIdleTimeout", c.idleTimeout},
		{"WithMaxDuration", c.maxDuration},
	} {
		if d.value <= 0 {
			return c, fmt.Errorf("%s(%v): the duration must be positive", d.option, d.value)
		}
	}
	if c.noPath {
		return c, errors.New("WithPath: the path is empty; leave the option out for /tmp/manhole-PID")
	}
	return c, nil
}
