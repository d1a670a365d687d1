//go:build amd64 || arm64

package debugger

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-delve/delve/pkg/config"
	"github.com/go-delve/delve/pkg/logflags"
	"github.com/go-delve/delve/pkg/terminal"
	"github.com/go-delve/delve/service"
	"github.com/go-delve/delve/service/api"
	delve "github.com/go-delve/delve/service/debugger"
	"github.com/go-delve/delve/service/rpc2"
	"github.com/go-delve/delve/service/rpccommon"
)

// A Source is what is looked at.
type Source struct {
	PID  int    // of a copy, or 0
	Core string // the path of a core file
	Exe  string // the path of the executable

	// Alive says that PID is no copy: it is not killed, but goes on.
	Alive bool
}

// A Debugger is Delve with what it looks at. There can be one at a time.
type Debugger struct {
	client   *guard
	conn     net.Conn
	term     *terminal.Term
	commands *terminal.Commands
	out      *output
	kill     bool
	closing  sync.Once
}

// Open attaches to a copy, or opens a core file. What the commands show goes to
// w.
func Open(s Source, w io.Writer) (d *Debugger, err error) {
	if err := logflags.Setup(false, "", os.DevNull); err != nil {
		return nil, err
	}
	listener, conn := service.ListenerPipe()
	c := &service.Config{
		Listener: listener, APIVersion: 2, ProcessArgs: []string{s.Exe},
		Debugger: delve.Config{AttachPid: s.PID, Backend: "native"},
	}
	if s.PID == 0 {
		c.Debugger.CoreFile = s.Core
	}
	if err := guarded(rpccommon.NewServer(c).Run); err != nil {
		listener.Close()
		conn.Close()
		return nil, err
	}
	d = &Debugger{conn: conn, out: &output{w: w}, kill: s.PID != 0 && !s.Alive}
	d.client = &guard{Client: rpc2.NewClientFromConn(conn)}
	// On a terminal that it takes for a simple one, Delve sets no modes, starts
	// no pager and writes no colours.
	dumb(func() {
		d.term = terminal.New(d.client, &config.Config{}, false)
		d.commands = terminal.DebugCommands(d.client)
	})
	d.term.RedirectTo(d.out)
	return d, nil
}

// guarded returns a panic as an error: what Delve reads is anybody's.
func guarded(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the debugger failed: %v", v)
		}
	}()
	return f()
}

func dumb(f func()) {
	for name, value := range map[string]string{"TERM": "dumb", "DELVE_PAGER": ""} {
		if old, ok := os.LookupEnv(name); ok {
			defer os.Setenv(name, old)
		} else {
			defer os.Unsetenv(name)
		}
		os.Setenv(name, value)
	}
	f()
}

// ErrLeft is the error of [Debugger.Run] for a line that leaves.
var ErrLeft = errors.New("left")

// Run runs a line. It fails with what the command says of its failure.
func (d *Debugger) Run(line string) error {
	if why := refused(line); why != "" {
		return errors.New(why)
	}
	d.client.begin()
	d.out.drop(false)
	var err error
	dumb(func() {
		err = guarded(func() error { return d.commands.Call(line, d.term) })
	})
	switch {
	case errors.As(err, new(terminal.ExitRequestError)):
		return ErrLeft
	case d.client.err() != nil:
		return d.client.err()
	case err != nil:
		text := strings.TrimSpace(err.Error())
		if text == "command not available" {
			text += "; help lists the commands"
		}
		return errors.New(text)
	}
	return d.out.failed()
}

// Interrupt ends the command that runs.
func (d *Debugger) Interrupt() {
	d.client.interrupt(errInterrupted)
	d.out.drop(true)
}

// End is Interrupt for a copy that has ended: no more commands can be run.
func (d *Debugger) End() {
	d.client.interrupt(errCopyHasEnded)
	d.out.drop(true)
}

// IsInterrupted reports whether an error of Run is due to Interrupt.
func IsInterrupted(err error) bool { return errors.Is(err, errInterrupted) }

// Complete offers words for the one that ends at pos, as [lineedit.Config] wants
// them: names of commands, and of local variables.
func (d *Debugger) Complete(line string, pos int) (head string, words []string, tail string) {
	runes := []rune(line)
	before := string(runes[:pos])
	at := strings.LastIndexByte(before, ' ') + 1
	head, word, tail := before[:at], before[at:], string(runes[pos:])
	names := offered
	if head != "" {
		names = nil
		switch strings.Fields(head)[0] {
		case "help":
			names = offered
		case "print", "p", "whatis", "display", "examinemem":
			local, err := d.client.ListLocalVariables(api.EvalScope{GoroutineID: -1}, api.LoadConfig{})
			if err != nil {
				return head, nil, tail
			}
			for _, v := range local {
				names = append(names, v.Name)
			}
		}
	}
	for _, n := range names {
		if strings.HasPrefix(n, word) && !slices.Contains(words, n) {
			words = append(words, n)
		}
	}
	return head, words, tail
}

// Close ends the debugger, and kills a copy.
func (d *Debugger) Close() {
	d.closing.Do(func() {
		done := make(chan struct{})
		go func() {
			defer close(done)
			guarded(func() error { return d.client.Detach(d.kill) })
		}()
		select {
		case <-done:
		case <-time.After(2 * time.Second): // a command that does not end has it
		}
		d.conn.Close()
	})
}

// An output is where commands write. It can be told to drop the rest of an
// answer.
type output struct {
	w io.Writer

	mu      sync.Mutex
	dropped bool
	err     error
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.dropped || o.err != nil {
		return len(p), nil // Delve does not look at errors
	}
	_, o.err = o.w.Write(p)
	return len(p), nil
}

func (o *output) drop(on bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dropped = on
}

// An OutputError is that the output cannot be written.
type OutputError struct{ error }

func (o *output) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return OutputError{o.err}
	}
	return nil
}
