// Package frame is how the console and manhole-poke talk when the end of an
// answer, its failure and what is only said in passing must not be guessed
// from the text.
//
// The client begins with [Opening], the options that it wants, and LF:
//
//	"\x16lazy 1 progress report\n"
//
// From then on it sends lines, as anybody does, and may send [Interrupt] while
// a command runs. What comes back are frames: a byte for the [Kind], four for
// the length of what follows (big endian), and that. Each line is answered by
// any number of Output, Note, Progress and Error frames and exactly one Done,
// but an empty one by nothing: it ends early what takes its time, and may come
// too late for that. An Interrupt takes back the lines that nobody has read yet,
// and these get no Done either.
//
// A peer that gets no session (refused, busy) is told so before it has said
// anything, in a line of text as everybody is; no Kind is the first letter of
// such a line.
package frame

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Opening is what a client that wants frames says first. The number is the
// version of what this package describes.
const Opening = "\x16lazy 1"

// The words that may follow Opening. Others are ignored.
const (
	WantsProgress = "progress" // a person watches: Note and Progress, and a line ends what takes long
	WantsReport   = "report"   // statistics and stacks first, as the answer to no line
)

// Interrupt is what Ctrl-C sends: the command that runs is cancelled, what was
// typed before is forgotten, and the session goes on.
const Interrupt = '\x03'

// A Kind says what a frame holds.
type Kind byte

const (
	Hello    Kind = 'H' // a Greeting as JSON; the first frame, once
	Output   Kind = 'O' // a part of the answer
	Note     Kind = 'N' // text for a person, not part of the answer
	Progress Kind = 'P' // an Advance as JSON
	Error    Kind = 'E' // "NAME: what is wrong; what to try": the command failed
	Done     Kind = 'D' // the line is answered; empty
	Closing  Kind = 'C' // why the session ends, if not because the client wants it
)

// A Greeting is what is known before anything is asked.
type Greeting struct {
	Text     string    `json:"text"` // whole lines, for a person
	Commands []Command `json:"commands"`
}

// A Command is one of those that this session has.
type Command struct {
	Name    string `json:"name"`
	Args    string `json:"args,omitempty"`
	Topic   string `json:"topic"`
	What    string `json:"what"`              // one line
	More    string `json:"more,omitempty"`    // whole lines; those about an option begin with it
	Example string `json:"example,omitempty"` // a line to type
	Binary  bool   `json:"binary,omitempty"`  // its answer is a file, unless -top is given
}

// An Advance says how far something that takes its time has come.
type Advance struct {
	What    string `json:"what"`
	Seconds int    `json:"seconds"` // that it takes in all
	Left    int    `json:"left"`    // of these; 0 is the end
}

// Most is the longest payload of a frame.
const Most = 64 << 10

const header = 5

// Write writes one frame, in one call of w.Write.
func Write(w io.Writer, k Kind, payload []byte) error {
	b := make([]byte, header, header+len(payload))
	b[0] = byte(k)
	binary.BigEndian.PutUint32(b[1:], uint32(len(payload)))
	_, err := w.Write(append(b, payload...))
	return err
}

// A Writer sends all that is written to it as frames of one kind.
type Writer struct {
	W    io.Writer
	Kind Kind
}

func (w Writer) Write(p []byte) (n int, err error) {
	for n < len(p) {
		part := p[n:min(len(p), n+Most)]
		if err := Write(w.W, w.Kind, part); err != nil {
			return n, err
		}
		n += len(part)
	}
	return n, nil
}

// Read reads one frame. It returns io.EOF only between two of them.
func Read(r io.Reader) (Kind, []byte, error) {
	var h [header]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return 0, nil, err
	}
	k, n := Kind(h[0]), binary.BigEndian.Uint32(h[1:])
	if n > Most {
		return 0, nil, fmt.Errorf("a frame of kind %q and %d bytes: at most %d are allowed", k, n, Most)
	}
	payload := make([]byte, n)
	if _, err := io.ReadFull(r, payload); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, err
	}
	return k, payload, nil
}
