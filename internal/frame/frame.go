// Package frame is the protocol between the console and manhole-poke. It marks the
// end of an answer, failures and progress, so that the client need not guess them
// from text.
//
// The client begins with [Preface], the options that it wants, and LF:
//
//	"\x16lazy 2 progress report\n"
//
// From then on both sides send frames: a byte for the [Kind], four for the ID,
// four for the length of the payload (both big endian), and the payload.
//
// The client numbers its requests from 1 on. Each [Line] is answered by any
// number of [Output], [Note], [Progressing] and [Failed] frames and exactly one
// [Done], all with its ID. Lines that arrive while a command runs wait for
// their turn, in order. [Finish] and [Interrupt] carry the ID of the line that
// they are about and have no answer of their own: Finish ends early what takes
// its time (a profile then covers less), Interrupt cancels the command, also
// one that waits. Either does nothing if that line is done.
//
// ID 0 is for what no line asked for: [Hello], which is the first frame and
// sent once; with [WantsReport] a report after it, which ends with Done and can
// be interrupted; and [Closing].
//
// A peer that gets no session (refused, busy) reads instead a line of text that
// begins with "lazy: ". No Kind is the first letter of that.
package frame

import (
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Preface is what a client that wants frames says first. The number is the
// version of what this package describes.
const Preface = "\x16lazy 2"

// The words that may follow Preface. Others are ignored.
const (
	WantsProgress = "progress" // a person watches: Note and Progressing frames
	WantsReport   = "report"   // statistics and stacks first

	// ScreenIs, with columns and lines as in "screen=80x24", is the size of the
	// person's terminal, on which the report has to fit.
	ScreenIs = "screen="
)

// Screen reads a size after ScreenIs. It is 0, 0 if that is none.
func Screen(size string) (columns, lines int) {
	w, h, ok := strings.Cut(size, "x")
	columns, err := strconv.Atoi(w)
	lines, err2 := strconv.Atoi(h)
	if !ok || err != nil || err2 != nil || columns <= 0 || lines <= 0 || columns > maxScreen || lines > maxScreen {
		return 0, 0
	}
	return columns, lines
}

const maxScreen = 10_000

// A Kind says what a frame holds.
type Kind byte

// Requests.
const (
	Line      Kind = 'L' // a command line, without its end
	Finish    Kind = 'F' // empty
	Interrupt Kind = 'I' // empty
)

// Answers.
const (
	Hello       Kind = 'H' // a Greeting as JSON
	Output      Kind = 'O' // a part of the answer
	Note        Kind = 'N' // text for a person, not part of the answer
	Progressing Kind = 'P' // a Progress as JSON
	Failed      Kind = 'E' // "NAME: what is wrong; what to try": the command failed
	Done        Kind = 'D' // the line is answered; empty
	Closing     Kind = 'C' // why the session ends, unless the client ended it
)

// A Greeting is what is known before anything is asked.
type Greeting struct {
	Text     string    `json:"text"` // whole lines, for a person
	Commands []Command `json:"commands"`
}

// A Command is one that the session has. What is shown in help, in manuals and
// as completions is made of it.
type Command struct {
	Name    string   `json:"name"`
	Usage   string   `json:"usage,omitempty"` // its arguments, "[REGEXP] [-secrets]"
	Topic   string   `json:"topic"`
	What    string   `json:"what"` // one line
	Args    []Arg    `json:"args,omitempty"`
	Options []Option `json:"options,omitempty"`
	Forms   []Form   `json:"forms,omitempty"`
	Notes   []string `json:"notes,omitempty"`   // paragraphs
	Example string   `json:"example,omitempty"` // lines to type
	Binary  bool     `json:"binary,omitempty"`  // the answer is a file, unless an Option with Text is given
}

// An Arg is a word that a command understands as an argument.
type Arg struct {
	Name string `json:"name"` // "full"; in capitals what a word stands for, "REGEXP"
	What string `json:"what,omitempty"`
	// Of says where to find values for a name in capitals: "command" is the
	// commands of the session, "profile" those of runtime/pprof.
	Of string `json:"of,omitempty"`
}

// An Option is a -name of a command.
type Option struct {
	Name   string   `json:"name"`          // without the dash
	Arg    string   `json:"arg,omitempty"` // what its value stands for; empty for a flag
	What   string   `json:"what"`
	Values []string `json:"values,omitempty"` // some that make sense, for completion
	Text   bool     `json:"text,omitempty"`   // with it the answer of a binary command is text
	Repeat bool     `json:"repeat,omitempty"` // each further one counts too
}

// A Form is a command with a certain first argument that makes it another
// question: stack raw, stack diff.
type Form struct {
	Name    string   `json:"name"`            // the argument
	Topic   string   `json:"topic,omitempty"` // where help lists it, if not with the command
	Usage   string   `json:"usage,omitempty"`
	What    string   `json:"what"`
	Options []Option `json:"options,omitempty"`
	Notes   []string `json:"notes,omitempty"`
	Example string   `json:"example,omitempty"`
}

// A Progress says how far something that takes its time has come.
type Progress struct {
	What    string `json:"what"`
	Seconds int    `json:"seconds"` // that it takes in all
	Left    int    `json:"left"`    // of these; 0 is the end
	// Size is how many bytes there will be in all, and Done how many there are,
	// of what is not counted in seconds.
	Size int64 `json:"size,omitempty"`
	Done int64 `json:"done,omitempty"`
}

// MaxPayload is the largest payload, in bytes.
const MaxPayload = 64 << 10

// MaxLine is the longest command line, in bytes.
const MaxLine = 4096

const headerSize = 9

// A Frame is one message.
type Frame struct {
	Kind    Kind
	ID      uint32
	Payload []byte
}

// Write writes a frame in one call of w.Write.
func Write(w io.Writer, f Frame) error {
	_, err := w.Write(appendTo(make([]byte, 0, headerSize+len(f.Payload)), f))
	return err
}

func appendTo(b []byte, f Frame) []byte {
	b = append(b, byte(f.Kind))
	b = binary.BigEndian.AppendUint32(b, f.ID)
	b = binary.BigEndian.AppendUint32(b, uint32(len(f.Payload)))
	return append(b, f.Payload...)
}

// A Writer sends what is written to it as frames of one kind and ID. It keeps a
// buffer for the largest of them.
type Writer struct {
	W    io.Writer
	Kind Kind
	ID   uint32
	buf  []byte
}

func (w *Writer) Write(p []byte) (n int, err error) {
	for n < len(p) {
		part := p[n:min(len(p), n+MaxPayload)]
		w.buf = appendTo(w.buf[:0], Frame{w.Kind, w.ID, part})
		if _, err := w.W.Write(w.buf); err != nil {
			return n, err
		}
		n += len(part)
	}
	return n, nil
}

// Read reads one frame. It returns io.EOF only between two of them.
func Read(r io.Reader) (Frame, error) {
	var h [headerSize]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return Frame{}, err
	}
	f, n, err := header(h[:], MaxPayload)
	if err != nil {
		return Frame{}, err
	}
	f.Payload = make([]byte, n)
	if _, err := io.ReadFull(r, f.Payload); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return Frame{}, err
	}
	return f, nil
}

// Take takes the first frame off b, whose payload may have at most max bytes.
// rest is b if the frame is not whole yet; its payload is a part of b.
func Take(b []byte, max int) (f Frame, rest []byte, ok bool, err error) {
	if len(b) < headerSize {
		return Frame{}, b, false, nil
	}
	f, n, err := header(b, max)
	if err != nil || len(b) < headerSize+n {
		return Frame{}, b, false, err
	}
	f.Payload = b[headerSize : headerSize+n : headerSize+n]
	return f, b[headerSize+n:], true, nil
}

func header(b []byte, max int) (f Frame, payload int, err error) {
	f = Frame{Kind: Kind(b[0]), ID: binary.BigEndian.Uint32(b[1:])}
	n := binary.BigEndian.Uint32(b[5:])
	if uint64(n) > uint64(max) {
		return f, 0, fmt.Errorf("a frame of kind %q with %d bytes; the limit is %d", f.Kind, n, max)
	}
	return f, int(n), nil
}
