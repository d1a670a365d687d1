package console

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/go-manhole/lazy/stackdump"
	"github.com/google/gops/signal"
)

// operation is one answer of gops's byte protocol.
type operation struct {
	name    string // of the text command
	changes bool
	run     func(ctx context.Context, s *session) error
}

// operations answer in the format of gops's agent, v0.3.28.
func operations(op byte) (operation, bool) {
	switch op {
	case signal.StackTrace:
		return operation{"stack", false, func(ctx context.Context, s *session) error {
			return stackdump.WriteRaw(ctx, s.out)
		}}, true
	case signal.GC:
		return operation{"gc", true, func(_ context.Context, s *session) error {
			runtime.GC()
			s.out.WriteString("ok")
			return nil
		}}, true
	case signal.MemStats:
		return operation{"memstats", false, func(_ context.Context, s *session) error {
			writeMemStats(s.out)
			return nil
		}}, true
	case signal.Version:
		return operation{"version", false, func(_ context.Context, s *session) error {
			writeVersion(s.out)
			return nil
		}}, true
	case signal.HeapProfile:
		return operation{"pprof-heap", false, func(_ context.Context, s *session) error {
			return pprof.Lookup("heap").WriteTo(s.out, 0)
		}}, true
	case signal.CPUProfile:
		return operation{"pprof-cpu", false, func(ctx context.Context, s *session) error {
			return cpuProfile(ctx, s.out, cpuTime, new(countdown))
		}}, true
	case signal.Stats:
		return operation{"stats", false, func(_ context.Context, s *session) error {
			writeStats(s.out)
			return nil
		}}, true
	case signal.Trace:
		return operation{"trace", false, func(ctx context.Context, s *session) error {
			return executionTrace(ctx, s.out, traceTime, new(countdown))
		}}, true
	case signal.BinaryDump:
		return operation{"binary", false, func(_ context.Context, s *session) error {
			return copyExecutable(s.out)
		}}, true
	case signal.SetGCPercent:
		return operation{"setgc", true, func(_ context.Context, s *session) error {
			percent, err := binary.ReadVarint(&varintReader{lines: s.lines})
			if err != nil {
				return fmt.Errorf("no percentage in the ten bytes behind the command: %w", err)
			}
			writeSetGC(s, percent)
			return nil
		}}, true
	}
	return operation{}, false
}

// IsGops reports whether b is one of gops's command bytes
// (package github.com/google/gops/signal), with which a gops client begins.
func IsGops(b byte) bool {
	_, ok := operations(b)
	return ok
}

// Gops gives the one answer that op asks for, in the format of gops's agent
// v0.3.28; what op takes as an argument is read from conn. A CPU profile
// lasts 30 s and a trace 5 s, or until ctx is done.
//
// Where gops says nothing because it failed, Gops writes a line that begins
// with "lazy: error: ", and returns the error as well.
func Gops(ctx context.Context, op byte, conn Conn, cfg Config) error {
	o, ok := operations(op)
	if !ok {
		return fmt.Errorf("%#x is not a command of gops", op)
	}
	cfg.Person = false
	if cfg.Idle <= 0 || cfg.Idle > gopsIdle {
		cfg.Idle = gopsIdle
	}
	s, end := start(ctx, conn, cfg)
	defer end()
	run := o.run
	if cfg.ReadOnly && o.changes {
		run = func(_ context.Context, s *session) error {
			if op == signal.SetGCPercent {
				binary.ReadVarint(&varintReader{lines: s.lines}) // see there
			}
			return errReadOnly
		}
	}
	var failed error
	s.run(command{name: o.name, run: func(ctx context.Context, s *session, _ []string) error {
		failed = errPanicked
		failed = run(ctx, s)
		return failed
	}}, nil)
	if err := s.flush(); err != nil {
		s.farewell(err)
		return err
	}
	return failed
}

// gopsIdle is the time for the argument, which clients send at once.
const gopsIdle = 10 * time.Second

var errPanicked = errors.New("panicked")

// varintReader reads what follows the command byte through the line buffer,
// which takes all that the client sent at once: bytes left unread in a unix
// socket when it is closed reach the client as "connection reset".
type varintReader struct{ lines *lineReader }

func (r *varintReader) ReadByte() (byte, error) {
	l := r.lines
	for l.from == l.to {
		if l.err != nil {
			return 0, l.err
		}
		if err := l.fill(l.idle, nil); err != nil {
			return 0, err
		}
	}
	l.from++
	return l.buf[l.from-1], nil
}
