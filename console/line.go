package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/go-manhole/lazy/internal/frame"
)

// maxLine is the longest line that is read as one, in bytes without its end.
const maxLine = 4096

var (
	errLong    = fmt.Errorf("longer than %d bytes and thrown away; send one command a line", maxLine)
	errStopped = errors.New("stopped listening")
	errQuote   = errors.New("a quote is opened and not closed; close it, or put a backslash before it")
)

// lineReader reads the peer's lines through one buffer of fixed size.
type lineReader struct {
	ctx  context.Context
	conn Conn
	idle time.Duration

	buf      [maxLine + 2]byte // room for CR LF
	from, to int               // what is unread in buf
	skipping bool              // in the rest of a line that was too long
	err      error             // of Read, for ever

	keys     bool        // frame.Interrupt is not a part of a line
	cut      bool        // it has been read, while no command ran
	foreseen atomic.Bool // the connection told of it before it was read
	cancel   atomic.Pointer[func()]
}

// onInterrupt has cancel called when frame.Interrupt comes, until forget is.
//
// The connection, if it can, tells of one that nobody has read, because while
// a command runs often nobody reads.
func (r *lineReader) onInterrupt(cancel func()) (forget func()) {
	if !r.keys {
		return func() {}
	}
	r.cancel.Store(&cancel)
	c, ok := r.conn.(interface{ OnInterrupt(func()) })
	if ok {
		c.OnInterrupt(func() {
			r.foreseen.Store(true)
			cancel()
		})
	}
	return func() {
		if ok {
			c.OnInterrupt(nil)
		}
		r.cancel.Store(nil)
	}
}

// interrupted takes frame.Interrupt, and all that was typed before it, out of
// the input.
func (r *lineReader) interrupted() {
	i := bytes.LastIndexByte(r.buf[r.from:r.to], frame.Interrupt)
	if !r.keys || i < 0 {
		return
	}
	r.from += i + 1
	r.skipping = false
	foreseen := r.foreseen.Swap(false)
	if cancel := r.cancel.Load(); cancel != nil {
		(*cancel)()
	} else if !foreseen {
		r.cut = true
	}
}

// next returns the next line without its end. A last line that the end of
// input cuts short is a line as well; io.EOF comes after it. After errLong and
// errInterrupted, and only then, reading can go on.
func (r *lineReader) next() (string, error) {
	for {
		if r.cut {
			r.cut = false
			return "", errInterrupted
		}
		unread := r.buf[r.from:r.to]
		if i := bytes.IndexByte(unread, '\n'); i >= 0 {
			r.from += i + 1
			return r.line(bytes.TrimSuffix(unread[:i], []byte{'\r'}))
		}
		if r.skipping || len(unread) == len(r.buf) {
			r.skipping = true
			r.from, r.to = 0, 0
		}
		if r.err == io.EOF && (len(unread) > 0 || r.skipping) {
			r.from = r.to
			return r.line(bytes.TrimSuffix(unread, []byte{'\r'}))
		}
		if r.err != nil {
			return "", r.err
		}
		if err := r.fill(r.idle, nil); err != nil {
			return "", err
		}
	}
}

func (r *lineReader) line(b []byte) (string, error) {
	if r.skipping || len(b) > maxLine {
		r.skipping = false
		return "", errLong
	}
	return string(b), nil
}

// fill waits for more input, at most for idle; 0 is for ever. An end of the
// input or of the connection is kept in r.err, for the caller to see after
// what was read before it.
//
// Closing stopping, if it is not nil, and then setting a deadline that has
// passed ends the wait with errStopped.
func (r *lineReader) fill(idle time.Duration, stopping <-chan struct{}) error {
	if r.from > 0 {
		r.to = copy(r.buf[:], r.buf[r.from:r.to])
		r.from = 0
	}
	var deadline time.Time
	if idle > 0 {
		deadline = time.Now().Add(idle)
	}
	for empty := 0; ; {
		if err := r.conn.SetReadDeadline(deadline); err != nil {
			return err
		}
		// Whoever ends the session cancels the context and then sets a
		// deadline that has passed. Looked at in this order, one of the two
		// is seen even if the deadline was just overwritten.
		if err := context.Cause(r.ctx); err != nil {
			return err
		}
		select {
		case <-stopping:
			return errStopped
		default:
		}
		n, err := r.conn.Read(r.buf[r.to:])
		r.to += n
		r.interrupted()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			if n > 0 {
				return nil
			}
			if r.ctx.Err() == nil && idle > 0 && !time.Now().Before(deadline) {
				return ErrIdle
			}
		case err != nil:
			r.err = err
			return nil
		case n > 0:
			return nil
		default:
			if empty++; empty == 100 {
				return io.ErrNoProgress
			}
		}
	}
}

// split cuts a line into words.
func split(line string) ([]string, error) {
	var (
		words  []string
		word   []byte
		inWord bool
		quote  byte
	)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\\' && quote != '\'' && i+1 < len(line) && escapable(line[i+1], quote):
			i++
			word, inWord = append(word, line[i]), true
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word = append(word, c)
		case c == '\'' || c == '"':
			quote, inWord = c, true
		case blank(c):
			if inWord {
				words = append(words, string(word))
				word, inWord = word[:0], false
			}
		default:
			word, inWord = append(word, c), true
		}
	}
	if quote != 0 {
		return nil, errQuote
	}
	if inWord {
		words = append(words, string(word))
	}
	return words, nil
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }

func escapable(c, quote byte) bool {
	if quote == '"' {
		return c == '"' || c == '\\'
	}
	return c == '\\' || c == '\'' || c == '"' || blank(c)
}

// show makes a word of the peer's fit to be shown to it: short, printable.
func show(word string) string {
	const most = 64
	cut := ""
	if len(word) > most {
		word, cut = word[:most], "..."
	}
	if q := strconv.QuoteToASCII(word); word == "" || q[1:len(q)-1] != word {
		return q + cut
	}
	return word + cut
}

// oneLine keeps an error that somebody else worded on one line.
func oneLine(s string) string {
	clean := []rune(s)
	for i, c := range clean {
		if c == '\n' || c == '\r' {
			clean[i] = ' '
		}
	}
	return string(clean)
}

// listen waits, in a goroutine, for the peer to say something while a command
// runs, and closes said when it does. The end of input counts if atEnd is set.
//
// stop ends the waiting. What was said is left for next, but for an empty
// line, or a key without a line's end from a terminal in raw mode: these were
// meant for the command.
func (r *lineReader) listen(atEnd bool, said chan<- struct{}) (stop func()) {
	ended, stopping := make(chan struct{}), make(chan struct{})
	heard := false
	go contain(func() error {
		defer close(ended)
		for r.from == r.to && r.err == nil {
			if err := r.fill(0, stopping); err != nil {
				return nil
			}
		}
		if r.from < r.to || atEnd || r.err != io.EOF {
			heard = true
			close(said)
		}
		return nil
	})
	return func() {
		close(stopping)
		r.conn.SetReadDeadline(time.Unix(1, 0))
		<-ended
		if heard {
			r.answered()
		}
	}
}

// hear does the same without a goroutine, for at most d, for who looks after
// something else as well.
func (r *lineReader) hear(d time.Duration, atEnd bool) (said bool, err error) {
	if r.from == r.to && r.err == nil {
		if err := r.fill(d, nil); err != nil && !errors.Is(err, ErrIdle) {
			return false, err
		}
	}
	if r.from == r.to && (r.err == nil || r.err == io.EOF && !atEnd) {
		return false, nil
	}
	r.answered()
	return true, nil
}

// ended reports whether nothing more can be read.
func (r *lineReader) ended() bool { return r.err != nil }

// answered drops what was meant for the command that it ended.
func (r *lineReader) answered() {
	unread := r.buf[r.from:r.to]
	i := bytes.IndexByte(unread, '\n')
	if i < 0 {
		r.from = r.to
	} else if len(bytes.TrimSpace(unread[:i])) == 0 {
		r.from += i + 1
	}
}
