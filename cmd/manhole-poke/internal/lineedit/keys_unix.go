//go:build unix

package lineedit

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"sync"

	"github.com/muesli/cancelreader"
)

// CtrlC is the key that During tells of where it is no signal.
const CtrlC = 0x03

const (
	ctrlD = 0x04
	ctrlZ = 0x1a
)

// keys are what is typed at the terminal. They are read here whether anybody
// waits for them or not: while a command runs, Enter alone means something,
// and the rest waits for the next prompt.
type keys struct {
	tty *os.File

	mu    sync.Mutex
	more  *sync.Cond
	typed []byte
	heard func(key byte) // while a command runs, of keys that are for it
	gone  bool           // the terminal

	reader  cancelreader.CancelReader
	stopped chan struct{}
}

func newKeys(tty *os.File) *keys {
	k := &keys{tty: tty}
	k.more = sync.NewCond(&k.mu)
	return k
}

// listen begins to read, unless that is done already, and leave ends it: what
// is typed then is for another program at the same terminal.
func (k *keys) listen() error {
	if k.reader != nil {
		return nil
	}
	r, err := cancelreader.NewReader(k.tty)
	if err != nil {
		return err
	}
	k.reader, k.stopped = r, make(chan struct{})
	go k.read(r, k.stopped)
	return nil
}

func (k *keys) leave() {
	if k.reader == nil {
		return
	}
	k.reader.Cancel()
	<-k.stopped
	k.reader.Close()
	k.reader = nil
}

func (k *keys) read(r io.Reader, stopped chan struct{}) {
	defer close(stopped)
	for ends := 0; ; {
		buf := make([]byte, 4096)
		n, err := r.Read(buf)
		switch {
		case n > 0:
			ends = 0
			k.add(buf[:n])
		case errors.Is(err, io.EOF) && ends == 0:
			// In the terminal's canonical mode that is Ctrl-D (termios(3), VEOF),
			// and it can be typed again.
			ends++
			k.add([]byte{ctrlD})
		case errors.Is(err, cancelreader.ErrCanceled):
			return
		case err != nil:
			k.mu.Lock()
			k.gone = true
			k.more.Broadcast()
			k.mu.Unlock()
			return
		}
	}
}

func (k *keys) add(b []byte) {
	k.mu.Lock()
	k.typed = append(k.typed, b...)
	k.more.Broadcast()
	tell := k.forCommand(len(k.typed) - len(b))
	k.mu.Unlock()
	tell()
}

// during has keys that are for the command that runs told to heard, until
// that is nil: Enter alone, which is then no line for the next prompt, and
// what may have been typed before the terminal's driver made a signal of it.
func (k *keys) during(heard func(key byte)) {
	k.mu.Lock()
	k.heard = heard
	tell := func() {}
	if i := bytes.LastIndexByte(k.typed, CtrlC); i >= 0 {
		tell = k.forCommand(i)
	}
	k.mu.Unlock()
	tell()
}

// forCommand takes the keys that are for the command from what was typed, but
// for the first ones, and returns what tells of them.
func (k *keys) forCommand(first int) (tell func()) {
	if k.heard == nil {
		return func() {}
	}
	heard, told := k.heard, []byte(nil)
	rest := k.typed[:first:first]
	for _, c := range k.typed[first:] {
		switch {
		case c == CtrlC:
			rest, told = nil, append(told, c)
			continue
		case endsLine(c) && (len(rest) == 0 || endsLine(rest[len(rest)-1])):
			told = append(told, c)
			continue
		case c == ctrlD:
			told = append(told, c) // it ends the session as well
		}
		rest = append(rest, c)
	}
	k.typed = rest
	return func() {
		for _, c := range told {
			heard(c)
		}
	}
}

func endsLine(c byte) bool { return c == '\n' || c == '\r' }

// interrupt is a Ctrl-C that came as a signal. As in the terminal's driver,
// what was typed before is forgotten.
func (k *keys) interrupt() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.typed = []byte{CtrlC}
	k.more.Broadcast()
}

// forget throws away what waits for the next prompt.
func (k *keys) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.typed = nil
}

// next waits for more of a line: at most to its end, or to Ctrl-C, and Ctrl-Z
// alone. It returns nothing when ctx is done or the terminal gone.
func (k *keys) next(ctx context.Context) []byte {
	defer context.AfterFunc(ctx, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.more.Broadcast()
	})()
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(k.typed) == 0 && !k.gone && ctx.Err() == nil {
		k.more.Wait()
	}
	if len(k.typed) == 0 || ctx.Err() != nil {
		return nil
	}
	n := len(k.typed)
	if i := bytes.IndexAny(k.typed, "\r\n\x03"); i >= 0 {
		n = i + 1
	}
	if i := bytes.IndexByte(k.typed[:n], ctrlZ); i >= 0 {
		n = max(1, i)
	}
	part := k.typed[:n:n]
	k.typed = k.typed[n:]
	return part
}

// endsPrompt says that a part of what was typed is the end of a line, or its
// being given up.
func endsPrompt(part []byte) bool {
	last := part[len(part)-1]
	return endsLine(last) || last == CtrlC
}
