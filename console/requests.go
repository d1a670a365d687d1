package console

import (
	"fmt"
	"io"

	"github.com/go-manhole/lazy/internal/frame"
)

// requests is what a client asks for in frames: lines, which wait for their turn,
// and what should become of the line that is being answered or of one that waits.
//
// While a command runs, in.mu guards them, as it guards the input that they come
// from.
type requests struct {
	in     *input
	person bool
	fail   func(error) // ends the session

	running *request   // nil if none is being answered
	waiting []*request // in order
	size    int        // of the lines that wait, in bytes
	last    uint32     // id of the latest line
	broken  error      // the client does not keep to the protocol
}

// A request is a line and what has been asked for about it.
type request struct {
	*work
	line         string
	finishAtOnce bool // Finish came before it began
	interrupted  bool // so did Interrupt
}

// maxWaiting bounds the lines that wait, in bytes. Beyond it nothing is read,
// so that the client's writes wait; so do its interrupts.
const maxWaiting = 60 << 10

// perLine is what a line counts for, besides its bytes.
const perLine = 64

// next waits for the next line.
func (r *requests) next() (*request, error) {
	for {
		r.parse()
		if r.broken != nil {
			return nil, r.broken
		}
		if len(r.waiting) > 0 {
			next := r.waiting[0]
			r.waiting = r.waiting[1:]
			r.size -= len(next.line) + perLine
			return next, nil
		}
		if r.in.err == io.EOF && len(r.in.unread()) > 0 {
			return nil, fmt.Errorf("the input of the client ends within a frame: %w", io.ErrUnexpectedEOF)
		}
		if r.in.err != nil {
			return nil, r.in.err
		}
		if err := r.in.fill(r.in.idle, nil); err != nil {
			return nil, err
		}
	}
}

// parse takes whole frames out of the input and does what they say.
func (r *requests) parse() {
	for r.broken == nil && r.size < maxWaiting {
		unread := r.in.unread()
		f, rest, ok, err := frame.Take(unread, maxLine)
		if err == nil && ok {
			r.in.from += len(unread) - len(rest)
			err = r.apply(f)
		} else if err == nil {
			break
		}
		if err != nil {
			r.broken = fmt.Errorf("the client breaks the protocol: %w", err)
			r.fail(r.broken)
		}
	}
	// When a person closes the input, what runs ends early. A script gets the
	// whole answer.
	ended := r.in.err != nil && (r.person || r.in.err != io.EOF)
	if r.running != nil && (ended || r.running.finishAtOnce || r.running.endless && len(r.waiting) > 0) {
		r.running.finish()
	}
}

func (r *requests) apply(f frame.Frame) error {
	switch {
	case f.Kind == frame.Line && f.ID <= r.last:
		return fmt.Errorf("line %d after line %d", f.ID, r.last)
	case f.Kind == frame.Line:
		r.last = f.ID
		r.waiting = append(r.waiting, &request{work: &work{id: f.ID}, line: string(f.Payload)})
		r.size += len(f.Payload) + perLine
		return nil
	case f.Kind != frame.Finish && f.Kind != frame.Interrupt:
		return fmt.Errorf("unknown kind of frame %q", f.Kind)
	case len(f.Payload) > 0:
		return fmt.Errorf("a frame of kind %q with %d bytes; it has none", f.Kind, len(f.Payload))
	case f.ID > r.last:
		return fmt.Errorf("a frame of kind %q for line %d, which was never sent", f.Kind, f.ID)
	}
	if now := r.running; now != nil && now.id == f.ID {
		if f.Kind == frame.Finish {
			now.finish()
		} else {
			now.cancel(errInterrupted)
		}
		return nil
	}
	for _, w := range r.waiting {
		if w.id == f.ID {
			w.finishAtOnce = w.finishAtOnce || f.Kind == frame.Finish
			w.interrupted = w.interrupted || f.Kind == frame.Interrupt
		}
	}
	return nil
}
