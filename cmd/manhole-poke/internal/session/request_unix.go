//go:build linux || darwin || freebsd

package session

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/internal/frame"
	"github.com/go-manhole/lazy/internal/words"
)

// A Sink takes the parts of an answer. Note and Progress may be nil.
type Sink struct {
	Out      io.Writer
	Note     func(text string)
	Progress func(frame.Progress)
}

// A Request is a line that was sent, or the report. Wait must be called once;
// Interrupt and Finish may be called at any time, from other goroutines too.
type Request struct {
	s      *Session
	id     uint32
	frames chan frame.Frame
	failed string // if the line was not sent
}

// expect registers a request; s.mu must be held unless nobody else uses s yet.
func (s *Session) expect(id uint32) *Request {
	r := &Request{s: s, id: id, frames: make(chan frame.Frame)}
	s.pending[id] = r
	return r
}

// Start sends a line. It is run when the requests before it are answered, which
// therefore have to be waited for first.
func (s *Session) Start(line string) *Request {
	if len(line) > frame.MaxLine {
		return &Request{s: s, failed: errTooLong}
	}
	s.writing.Lock() // so that the IDs are sent in order
	defer s.writing.Unlock()
	s.mu.Lock()
	s.last++
	r := s.expect(s.last)
	s.mu.Unlock()
	// If this fails, so does reading.
	frame.Write(s.conn, frame.Frame{Kind: frame.Line, ID: r.id, Payload: []byte(line)})
	return r
}

// Report returns the request for the report, which answers no line, or nil
// unless [Options] asked for it.
func (s *Session) Report() *Request { return s.report }

// Do sends a line and waits for the answer: see [Request.Wait].
func (s *Session) Do(line string, sink Sink) (failed string, err error) {
	return s.Start(line).Wait(sink)
}

// Wait passes on the answer. failed says what is wrong if the command failed.
// err is about the session, which is over then, or about writing to sink.Out,
// after which the session is of no more use.
func (r *Request) Wait(sink Sink) (failed string, err error) {
	if r.failed != "" {
		return r.failed, nil
	}
	for {
		select {
		case f := <-r.frames:
			switch f.Kind {
			case frame.Output:
				switch _, err := sink.Out.Write(f.Payload); {
				case err != nil && r.s.ctx.Err() != nil:
					return failed, context.Cause(r.s.ctx)
				case err != nil:
					return failed, exit.Errorf(exit.LocalIO, "output", "cannot write the answer: %v", err)
				}
			case frame.Note:
				if sink.Note != nil {
					sink.Note(string(f.Payload))
				}
			case frame.Progressing:
				var p frame.Progress
				if json.Unmarshal(f.Payload, &p) == nil && sink.Progress != nil {
					sink.Progress(p)
				}
			case frame.Failed:
				failed = printable.Line(string(f.Payload))
			case frame.Done:
				return failed, nil
			default:
				return failed, r.s.garbled(f)
			}
		case <-r.s.ended:
			return failed, r.s.err
		}
	}
}

// Interrupt cancels the command, also before it has begun. The answer then ends
// as soon as the command lets it. It does nothing if the answer is complete.
func (r *Request) Interrupt() { r.send(frame.Interrupt) }

// Finish ends early what takes its time: a profile then covers less. It does
// nothing if the answer is complete.
func (r *Request) Finish() { r.send(frame.Finish) }

func (r *Request) send(k frame.Kind) {
	s := r.s
	s.mu.Lock()
	pending := s.pending[r.id] == r
	s.mu.Unlock()
	if !pending {
		return
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	frame.Write(s.conn, frame.Frame{Kind: k, ID: r.id}) // fails only if the connection is gone
}

// Command returns the session's command that words call, as [Find] does.
func (s *Session) Command(words []string) (frame.Command, *frame.Form, bool) {
	return Find(s.greeting.Commands, words)
}

// IsBinary reports whether the answer to line is not for a terminal.
func (s *Session) IsBinary(line string) bool {
	given, err := words.Split(line)
	if err != nil {
		return false
	}
	c, _, ok := s.Command(given)
	if !ok || !c.Binary || c.Name == "pprof" && len(given) == 1 { // which lists the profiles
		return false
	}
	return !slices.ContainsFunc(c.Options, func(o frame.Option) bool {
		return o.Text && slices.ContainsFunc(given, func(word string) bool {
			name, _, _ := strings.Cut(word, "=")
			return name == "-"+o.Name || name == "--"+o.Name
		})
	})
}
