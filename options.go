package lazy

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"
)

// What Arm does when it is not told otherwise.
const (
	defaultWait    = 30 * time.Second
	defaultIdle    = 5 * time.Minute
	defaultLongest = time.Hour
)

// An Option changes one default of Arm.
type Option interface {
	apply(*config)
}

type option func(*config)

func (o option) apply(c *config) { o(c) }

// WithSignal chooses the signal that rings; the default is SIGUSR2. It must be
// one that the Go runtime passes over when nobody asks for it: SIGUSR1,
// SIGUSR2, SIGWINCH, SIGIO, on the BSDs and macOS SIGINFO, on Linux SIGPWR and
// the real-time signals 35 to 64. Arm refuses the others, because they mean
// something to the runtime or end the program.
func WithSignal(sig os.Signal) Option {
	return option(func(c *config) { c.signal = sig })
}

// WithPath chooses where the socket appears. The default is /tmp/manhole-PID; on
// Linux, if /tmp is missing or not writable, /dev/shm/manhole-PID, and if that
// is so too, manhole-PID in the abstract namespace (unix(7)), of which a record
// in the log tells. A path that begins with @ is a name in that namespace, on
// Linux only: it belongs to the network namespace and anybody there may take it
// first. Any other is a file.
//
// A relative path is taken from the directory in which Arm was called. The
// directory must exist and be writable, and the path must fit a socket address
// (107 bytes on Linux, 103 on macOS and FreeBSD; see unix(7)). It should be
// local: a signal handler makes the file, and a file system that hangs would
// hang the thread that the signal came to.
func WithPath(path string) Option {
	return option(func(c *config) { c.path, c.noPath = path, path == "" })
}

// WithWait sets how long after a ring the socket waits for a peer before it is
// removed again; the default is 30 seconds.
func WithWait(d time.Duration) Option {
	return option(func(c *config) { c.wait = d })
}

// WithIdle sets how long a peer may say nothing at the prompt before the
// session is closed; the default is 5 minutes. The time that a command runs
// does not count.
func WithIdle(d time.Duration) Option {
	return option(func(c *config) { c.idle = d })
}

// WithLongest sets how long a session may last in all; the default is 1 hour.
func WithLongest(d time.Duration) Option {
	return option(func(c *config) { c.longest = d })
}

// WithLogger sets where sessions, refusals and failures are recorded, each as
// one record with the peer's uid and pid and the session's duration. The
// default is whatever slog.Default returns at the time of the record. A logger
// that panics or blocks does no harm: a session waits for it for one second at
// most, and drops records while it is stuck.
func WithLogger(l *slog.Logger) Option {
	return option(func(c *config) { c.logger = l })
}

// WithCheck adds a check on the peer's credentials, made after the rule that
// always holds (same effective uid as this process, or root). It can only
// narrow that rule: a peer is refused when check returns an error, whose text
// the peer reads and the logger records, and also when check panics or takes
// longer than 2 seconds.
func WithCheck(check func(Peer) error) Option {
	return option(func(c *config) { c.check = check })
}

// WithReadOnly leaves only the commands that observe: none that collects
// garbage, changes a setting for longer than it runs, shows what the program
// writes (tail) or is the program's own (Handle). What the program publishes
// with expvar.Func is its own code, too, and vars runs it.
func WithReadOnly() Option {
	return option(func(c *config) { c.readOnly = true })
}

type config struct {
	signal   os.Signal
	path     string // "" is for the usual one
	noPath   bool   // WithPath("")
	wait     time.Duration
	idle     time.Duration
	longest  time.Duration
	logger   *slog.Logger
	check    func(Peer) error
	readOnly bool
}

func newConfig(options []Option) (config, error) {
	c := config{
		signal:  defaultSignal,
		wait:    defaultWait,
		idle:    defaultIdle,
		longest: defaultLongest,
	}
	for _, o := range options {
		if o != nil {
			o.apply(&c)
		}
	}
	for _, d := range []struct {
		option string
		value  time.Duration
	}{{"WithWait", c.wait}, {"WithIdle", c.idle}, {"WithLongest", c.longest}} {
		if d.value <= 0 {
			return c, fmt.Errorf("%s(%v): the duration must be positive", d.option, d.value)
		}
	}
	if c.noPath {
		return c, errors.New("WithPath: the path is empty; leave the option out for /tmp/manhole-PID")
	}
	return c, nil
}
