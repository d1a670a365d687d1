//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"sync"

	"github.com/muesli/cancelreader"
)

const (
	ctrlC = 0x03
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
	enter func() // instead of an empty line, while a command runs
	gone  bool   // the terminal

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
		return failf(statusHere, "cannot wait for what is typed: %v; try it as a script: echo stack | manhole-poke PID", err)
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
	enter := k.enter
	entered := false
	for _, c := range b {
		last := byte('\n')
		if n := len(k.typed); n > 0 {
			last = k.typed[n-1]
		}
		if enter != nil && endsLine(c) && endsLine(last) {
			entered = true
			continue
		}
		k.typed = append(k.typed, c)
	}
	k.more.Broadcast()
	k.mu.Unlock()
	if entered {
		enter()
	}
}

func endsLine(c byte) bool { return c == '\n' || c == '\r' }

// onEnter has an empty line call f instead of being one, until f is nil.
func (k *keys) onEnter(f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.enter = f
}

// interrupt is a Ctrl-C that came as a signal. As in the terminal's driver,
// what was typed before is forgotten.
func (k *keys) interrupt() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.typed = []byte{ctrlC}
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
	return endsLine(last) || last == ctrlC
}
