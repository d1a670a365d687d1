package console

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/go-manhole/lazy/console/internal/args"
	"github.com/go-manhole/lazy/internal/frame"
	"github.com/go-manhole/lazy/stackdump"
	"github.com/google/gops/signal"
)

// An operation is what a command byte of gops asks for.
type operation struct {
	name    string // of the text command
	changes bool
	run     func(ctx context.Context, s *session, percent int64) error // percent of SetGCPercent
}

// operationOf returns what a command byte asks for. It answers in the format of
// gops's agent, v0.3.28.
func operationOf(op byte) (operation, bool) {
	switch op {
	case signal.StackTrace:
		return operation{"stack", false, func(ctx context.Context, s *session, _ int64) error {
			return stackdump.WriteRaw(ctx, s.out, stackdump.Options{})
		}}, true
	case signal.GC:
		return operation{"gc", true, func(_ context.Context, s *session, _ int64) error {
			runtime.GC()
			s.out.WriteString("ok")
			return nil
		}}, true
	case signal.MemStats:
		return operation{"memstats", false, func(_ context.Context, s *session, _ int64) error {
			writeMemStats(s.out)
			return nil
		}}, true
	case signal.Version:
		return operation{"version", false, func(_ context.Context, s *session, _ int64) error {
			writeVersion(s.out)
			return nil
		}}, true
	case signal.HeapProfile:
		return operation{"pprof-heap", false, func(_ context.Context, s *session, _ int64) error {
			return writeProfile(s, "heap")
		}}, true
	case signal.CPUProfile:
		return operation{"pprof-cpu", false, func(ctx context.Context, s *session, _ int64) error {
			if err := affordProfile("cpu", false); err != nil {
				return err
			}
			return cpuProfile(ctx, s.out, cpuTime, new(countdown))
		}}, true
	case signal.Stats:
		return operation{"stats", false, func(_ context.Context, s *session, _ int64) error {
			writeStats(s.out)
			return nil
		}}, true
	case signal.Trace:
		return operation{"trace", false, func(ctx context.Context, s *session, _ int64) error {
			return executionTrace(ctx, s.out, traceTime, false, new(countdown))
		}}, true
	case signal.BinaryDump:
		return operation{"binary", false, func(_ context.Context, s *session, _ int64) error {
			return copyExecutable(s.out)
		}}, true
	case signal.SetGCPercent:
		return operation{"setgc", true, func(_ context.Context, s *session, percent int64) error {
			writeSetGC(s, percent)
			return nil
		}}, true
	}
	return operation{}, false
}

// isGops reports whether b is one of gops's command bytes (package
// github.com/google/gops/signal).
func isGops(b byte) bool {
	_, ok := operationOf(b)
	return ok
}

// gops gives the one answer that the peer's first byte asks for, in the format
// of gops's agent v0.3.28. A CPU profile lasts 30 s and a trace 5 s, or until
// the session has to end.
//
// Where gops says nothing because it failed, the peer gets a line that begins
// with "lazy: error: ", and the error is returned as well.
func (s *session) gops() error {
	if s.in.idle <= 0 || s.in.idle > gopsIdle {
		s.in.idle = gopsIdle
	}
	op, err := s.in.ReadByte()
	if err != nil {
		return err
	}
	o, _ := operationOf(op)
	var percent int64
	if op == signal.SetGCPercent {
		// It is read in any case: bytes left unread in a unix socket when it is
		// closed reach the client as "connection reset".
		percent, err = binary.ReadVarint(s.in)
	}
	failed := errPanicked
	s.answer(new(work), func() {
		s.run(command{frame.Command{Name: o.name}, action{run: func(ctx context.Context, s *session, _ *args.Parsed) error {
			switch {
			case s.cfg.ReadOnly && o.changes:
				failed = errReadOnly
			case err != nil:
				failed = fmt.Errorf("no percentage in the ten bytes behind the command: %w", err)
			default:
				failed = o.run(ctx, s, percent)
			}
			return failed
		}}}, nil)
	})
	if err := s.flush(); err != nil {
		s.farewell(err)
		return err
	}
	return failed
}

// gopsIdle is the time for the argument, which clients send at once.
const gopsIdle = 10 * time.Second

var errPanicked = errors.New("panicked")
