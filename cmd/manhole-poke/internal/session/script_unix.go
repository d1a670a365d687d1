//go:build linux || darwin || freebsd

package session

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/internal/frame"
)

// Script sends the lines of in as they come, without waiting for the answers,
// and writes the answers to out as nc would show them. A Ctrl-C character in a
// line takes back what is not answered yet. Script returns at the end of the
// session, with an error if a command failed. A report that [Options] asked for
// comes first.
//
// own may be nil. If it returns something for a line, that answers the line when
// the lines before it are answered, and the lines after it are sent then.
func (s *Session) Script(in io.Reader, out io.Writer, own func(line string) Waiter) error {
	// Long, so that lines that wait for their turn rarely hold up the input.
	requests := make(chan Waiter, 1024)
	if r := s.Report(); r != nil {
		requests <- r
	}
	inputErr := make(chan error, 1)
	go func() {
		inputErr <- s.sendLines(in, requests, own)
		s.conn.CloseWrite() // fails only if the process is gone, which the reader sees
		close(requests)
	}()
	var failures []string
	for {
		select {
		case r, ok := <-requests:
			if !ok {
				requests = nil // all is answered, and the process closes
				continue
			}
			failed, err := r.Wait(Sink{Out: out})
			if failed != "" {
				failures = append(failures, failed)
				if _, err := fmt.Fprintf(out, "lazy: error: %s\n", failed); err != nil {
					return exit.Errorf(exit.LocalIO, "output", "cannot write the answers: %v", err)
				}
			}
			if err != nil && !s.hasEnded() {
				return err // of writing
			}
		case <-s.ended:
			return s.outcome(inputErr, failures)
		}
	}
}

func (s *Session) hasEnded() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// A Waiter waits for an answer as [Request.Wait] does.
type Waiter interface {
	Wait(Sink) (failed string, err error)
}

// A turn is a Waiter that says when it has waited.
type turn struct {
	Waiter
	done chan struct{}
}

func (t turn) Wait(sink Sink) (failed string, err error) {
	defer close(t.done)
	return t.Waiter.Wait(sink)
}

// sendLines starts a request for each line. The last need not end.
func (s *Session) sendLines(in io.Reader, requests chan<- Waiter, own func(string) Waiter) error {
	r := bufio.NewReader(in)
	for {
		line, err := readLine(r)
		if err != nil && err != io.EOF {
			return err
		}
		if i := bytes.LastIndexByte(line, ctrlC); i >= 0 {
			s.interruptAll()
			line = line[i+1:]
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) > 0 {
			if !s.startLine(string(line), requests, own) {
				return nil
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}

// startLine starts a request, and waits for one of the caller's own. It returns
// false when the session has ended.
func (s *Session) startLine(line string, requests chan<- Waiter, own func(string) Waiter) bool {
	var r Waiter
	var done chan struct{}
	if own != nil {
		r = own(line)
	}
	if r == nil {
		r = s.Start(line)
	} else {
		done = make(chan struct{})
		r = turn{r, done}
	}
	select {
	case requests <- r:
	case <-s.ended:
		return false
	}
	if done == nil {
		return true
	}
	select {
	case <-done:
		return true
	case <-s.ended:
		return false
	}
}

const ctrlC = '\x03'

// readLine reads a line. What is beyond the longest that can be sent is
// dropped.
func readLine(r *bufio.Reader) (line []byte, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if len(line) <= frame.MaxLine {
			line = append(line, part...)
		}
		if err != bufio.ErrBufferFull {
			return line, err
		}
	}
}

func (s *Session) interruptAll() {
	s.mu.Lock()
	pending := slices.Collect(maps.Values(s.pending))
	s.mu.Unlock()
	for _, r := range pending {
		r.Interrupt()
	}
}

// outcome returns what the end of the session means for a script.
func (s *Session) outcome(inputErr <-chan error, failures []string) error {
	var readErr error
	select {
	case readErr = <-inputErr:
	default: // the process closed first, as after quit
	}
	s.mu.Lock()
	unanswered := len(s.pending)
	s.mu.Unlock()
	switch {
	case readErr != nil:
		return exit.Errorf(exit.LocalIO, "input", "cannot read the rest of the script: %v", readErr)
	case !s.clean:
		return s.err
	case s.ctx.Err() != nil || s.p.Exited():
		return s.explain(io.EOF)
	case unanswered > 0:
		return exit.Errorf(exit.Broken, "session-ended", "%s ended the session before all was said; try again with less, or without what follows a quit", s.p)
	case len(failures) == 1:
		return exit.Errorf(exit.Command, "command-failed", "%s", failures[0])
	case len(failures) > 1:
		return exit.Errorf(exit.Command, "commands-failed", "%d commands failed, the first: %s", len(failures), failures[0])
	}
	return nil
}
