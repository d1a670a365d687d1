package frozen

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/session"
	"github.com/go-manhole/lazy/internal/copynote"
	"github.com/go-manhole/lazy/internal/frame"
	"golang.org/x/sys/unix"
)

// A Copy is a copy of a process, or a core file of one. While it is open, the
// session does nothing else, unless it is a core file.
type Copy struct {
	Note copynote.Note

	// PID is that of the copy, as seen from here. It is 0 if there is only a
	// core file.
	PID    int
	Memory *os.File // of the copy, /proc/PID/mem
	Auxv   []byte   // of the copy, /proc/PID/auxv

	// Core is the path of the core file if PID is 0. The file has no name but
	// this one, which only this process can use: it goes with the process.
	Core string
	// Exe is the path of the executable, which only this process can use.
	Exe string

	// Thread is the one whose registers the copy has, if it was made by
	// [LastResort].
	Thread *Thread

	kills   bool // no session ends the copy
	request *session.Request
	ended   chan struct{} // closed when request is answered
	files   []*os.File
	handle  int // a pidfd of the copy, or -1
	closing sync.Once
}

// Take has the process make a copy. It belongs to the session, which must have
// no other request. ctx is for making it; Close ends it.
func Take(ctx context.Context, s *session.Session, o Options) (*Copy, error) {
	if _, _, known := s.Command([]string{"freeze"}); !known {
		return nil, exit.Errorf(exit.Command, "command-failed", "%s makes no copies of itself: it only lets itself be observed (lazy.WithReadOnly), or has an older version of lazy, or does not run on Linux; stack and the other commands work", s.Process())
	}
	c := &Copy{handle: -1}
	if err := c.take(ctx, s, o); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Copy) take(ctx context.Context, s *session.Session, o Options) error {
	if !o.Core {
		if err := c.freeze(ctx, s, o); err != nil {
			return err
		}
		err := c.find(ctx, s.Process(), o.Trace)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if o.Note != nil {
			o.Note("the copy cannot be read here (" + printable.Line(err.Error()) + "), so a core file is fetched, which takes longer")
		}
		c.release()
	}
	return c.fetch(ctx, s, o)
}

// freeze makes the copy and reads the note on it.
func (c *Copy) freeze(ctx context.Context, s *session.Session, o Options) error {
	line := "freeze -json"
	if o.Duration > 0 {
		line += " " + o.Duration.String()
	}
	first := &firstLine{complete: make(chan struct{})}
	c.request, c.ended = s.Start(line), make(chan struct{})
	var failed string
	var err error
	// What is said later is about holding the copy, which is this side's business.
	note := func(text string) {
		if o.Note != nil && !first.done {
			o.Note(text)
		}
	}
	go func() {
		defer close(c.ended)
		failed, err = c.request.Wait(session.Sink{Out: first, Note: note})
	}()
	select {
	case <-first.complete:
	case <-c.ended:
		select {
		case <-first.complete: // and then it failed
		default:
		}
		return failure(s, failed, err)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if c.Note, err = copynote.Parse(first.line); err != nil {
		return exit.Errorf(exit.Broken, "not-understood", "what %s says of its copy is not understood (%v); use the manhole-poke of the same version as its lazy", s.Process(), err)
	}
	return nil
}

// failure returns the error for a command that gave no copy.
func failure(s *session.Session, failed string, err error) error {
	switch {
	case err != nil:
		return err
	case failed != "":
		return exit.Errorf(exit.Command, "command-failed", "%s", failed)
	}
	return exit.Errorf(exit.Broken, "not-understood", "%s made no copy, and did not say why; try again", s.Process())
}

// A firstLine keeps the first line that is written to it.
type firstLine struct {
	line     []byte
	done     bool
	complete chan struct{} // closed when line is
}

func (f *firstLine) Write(p []byte) (int, error) {
	if f.done {
		return len(p), nil
	}
	part, _, ok := bytes.Cut(p, []byte("\n"))
	f.line = append(f.line, part...)
	if ok || len(f.line) > frame.MaxPayload {
		f.done = true
		close(f.complete)
	}
	return len(p), nil
}

// Ended returns a channel that is closed when the copy is gone, as at the end of
// its time or of the session. It is nil for a core file.
func (c *Copy) Ended() <-chan struct{} { return c.ended }

// Same reports whether PID is still the copy's: not if that is gone, even if
// another process has its PID now.
func (c *Copy) Same() bool {
	if c.PID == 0 {
		return false
	}
	if c.handle >= 0 {
		fds := []unix.PollFd{{Fd: int32(c.handle), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, 0)
		return err == nil && n == 0
	}
	return unix.Kill(c.PID, 0) == nil
}

// Close ends the copy, and returns when it is gone or a second is over. It may
// be called more than once.
func (c *Copy) Close() {
	c.closing.Do(func() {
		c.release()
		for _, f := range c.files {
			f.Close()
		}
		c.files = nil
	})
}

// release ends the copy, but keeps a core file.
func (c *Copy) release() {
	if c.Memory != nil {
		c.Memory.Close()
		c.Memory = nil
	}
	if c.kills && c.Same() {
		c.kill()
	}
	if c.handle >= 0 {
		unix.Close(c.handle)
		c.handle = -1
	}
	c.PID = 0
	if c.request == nil {
		return
	}
	c.request.Finish()
	for _, wait := range []time.Duration{2 * time.Second, time.Second} {
		late := time.NewTimer(wait)
		select {
		case <-c.ended:
			wait = 0
		case <-late.C:
			c.request.Interrupt()
		}
		late.Stop()
		if wait == 0 {
			break
		}
	}
	c.request, c.ended = nil, nil
}

// kill ends a copy that no session ends.
func (c *Copy) kill() {
	if c.handle >= 0 {
		unix.PidfdSendSignal(c.handle, unix.SIGKILL, nil, 0)
	} else {
		unix.Kill(c.PID, unix.SIGKILL)
	}
}

// keep holds f open until Close, and returns a path to it.
func (c *Copy) keep(f *os.File) (path string) {
	c.files = append(c.files, f)
	return "/proc/self/fd/" + strconv.Itoa(int(f.Fd()))
}

var errHidden = errors.New("the process is not visible from here")
