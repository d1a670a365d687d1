//go:build linux || darwin || freebsd

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

// CtrlC is the key that During reports where it is not a signal.
const CtrlC = 0x03

const (
	ctrlD = 0x04
	ctrlZ = 0x1a
)

// keys reads what is typed at the terminal, also when nobody waits for it: while
// a command runs, some keys are for it, and the others for the next prompt.
type keys struct {
	tty *os.File

	mu    sync.Mutex
	more  *sync.Cond
	typed []byte
	onKey func(key byte) // for keys that are for the command that runs, or nil
	gone  bool           // the terminal is

	reader  cancelreader.CancelReader
	stopped chan struct{}
}

func newKeys(tty *os.File) *keys {
	k := &keys{tty: tty}
	k.more = sync.NewCond(&k.mu)
	return k
}

// listen begins to read, unless it has begun.
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

// leave ends what listen began.
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
			// In canonical mode the first one is Ctrl-D (termios(3), VEOF), after
			// which more can be typed.
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
	report := k.takeForCommand(len(k.typed) - len(b))
	k.mu.Unlock()
	report()
}

// during implements [Editor.During].
func (k *keys) during(onKey func(key byte)) {
	k.mu.Lock()
	k.onKey = onKey
	report := func() {}
	if i := bytes.LastIndexByte(k.typed, CtrlC); i >= 0 {
		report = k.takeForCommand(i)
	}
	k.mu.Unlock()
	report()
}

// takeForCommand removes the keys that are for the command from k.typed[first:].
// It returns a function that reports them, to be called without k.mu.
func (k *keys) takeForCommand(first int) (report func()) {
	if k.onKey == nil {
		return func() {}
	}
	onKey, taken := k.onKey, []byte(nil)
	rest := k.typed[:first:first]
	for _, c := range k.typed[first:] {
		switch {
		case c == CtrlC:
			rest, taken = nil, append(taken, c)
			continue
		case endsLine(c) && (len(rest) == 0 || endsLine(rest[len(rest)-1])):
			taken = append(taken, c)
			continue
		case c == ctrlD:
			taken = append(taken, c) // it stays, to end the session
		}
		rest = append(rest, c)
	}
	k.typed = rest
	return func() {
		for _, c := range taken {
			onKey(c)
		}
	}
}

func endsLine(c byte) bool { return c == '\n' || c == '\r' }

// interrupt implements [Editor.Interrupt]. Like the terminal's driver it drops
// what was typed before.
func (k *keys) interrupt() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.typed = []byte{CtrlC}
	k.more.Broadcast()
}

// forget implements [Editor.Forget].
func (k *keys) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.typed = nil
}

// next waits for a part of a line. The part ends at the end of the line or at
// Ctrl-C at the latest; Ctrl-Z is a part by itself. It is nil when ctx is done or
// the terminal is gone.
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

// endsPrompt reports whether a part from next completes a line, or gives it up.
func endsPrompt(part []byte) bool {
	last := part[len(part)-1]
	return endsLine(last) || last == CtrlC
}
