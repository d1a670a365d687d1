package frozen

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/session"
	"github.com/go-manhole/lazy/internal/copynote"
	"github.com/go-manhole/lazy/internal/frame"
	"github.com/go-manhole/lazy/internal/lazytest"
)

func TestMain(m *testing.M) {
	poketest.Main(m, lazytest.Roles{"like a copy": func() {
		os.WriteFile("/proc/self/comm", []byte(copynote.Name), 0) // of the first thread
		os.Stdout.WriteString("ready\n")
		time.Sleep(time.Hour)
	}})
}

// played returns a session with this process, which the test plays: answer is
// called for each line.
func played(t *testing.T, answer func(line string, send func(frame.Kind, string)) (done bool)) *session.Session {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.DialUnix("unix", nil, l.Addr().(*net.UnixAddr))
	if err != nil {
		t.Fatal(err)
	}
	other, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer other.Close()
		in := bufio.NewReader(other)
		frame.Write(other, frame.Frame{Kind: frame.Hello, Payload: []byte(`{"text":"x","commands":[{"name":"freeze"}]}`)})
		in.ReadString('\n')
		held := uint32(0)
		for {
			f, err := frame.Read(in)
			if err != nil {
				return
			}
			switch {
			case f.Kind == frame.Line:
				if answer(string(f.Payload), func(k frame.Kind, text string) {
					frame.Write(other, frame.Frame{Kind: k, ID: f.ID, Payload: []byte(text)})
				}) {
					frame.Write(other, frame.Frame{Kind: frame.Done, ID: f.ID})
				} else {
					held = f.ID
				}
			case f.ID == held && held != 0: // Finish or Interrupt
				frame.Write(other, frame.Frame{Kind: frame.Done, ID: f.ID})
				held = 0
			}
		}
	}()
	p, err := process.Stat(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	s, err := session.Open(t.Context(), client, p, session.Options{Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// giving answers freeze with a note on a copy, and core with a failure.
func giving(pid int) func(string, func(frame.Kind, string)) bool {
	return func(line string, send func(frame.Kind, string)) bool {
		if !strings.HasPrefix(line, "freeze -json") {
			send(frame.Failed, "core: not today\x1b")
			return true
		}
		send(frame.Output, string(copynote.Note{PID: pid, Of: os.Getpid(), Exact: true}.Marshal()))
		return false
	}
}

// startChild starts a process that is a child of this one.
func startChild(t *testing.T, name string, args ...string) int {
	t.Helper()
	cmd := exec.Command(name, args...)
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd.Process.Pid
}

func TestTake(t *testing.T) {
	p := lazytest.Start(t, "like a copy")
	for _, trace := range []bool{false, true} {
		c, err := Take(t.Context(), played(t, giving(p.PID)), Options{Trace: trace})
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 4)
		if c.PID != p.PID || !c.Same() || c.Core != "" || len(c.Auxv) == 0 {
			t.Errorf("%+v", c)
		}
		if _, err := c.Memory.ReadAt(b, 0); err == nil {
			t.Error("nothing is at address 0")
		}
		if exe, err := os.Readlink(c.Exe); err != nil || exe != lazytest.Exe(t) {
			t.Error(exe, err)
		}
		// It is let go, and sleeps on.
		lazytest.Eventually(t, "it sleeps", func() bool { return poketest.StateOf(t, strconv.Itoa(p.PID)) == 'S' })
		ended := c.Ended()
		c.Close()
		c.Close()
		<-ended
		if c.Same() {
			t.Error("after Close")
		}
	}
}

// What a process says of its copy is not trusted.
func TestTakeHostile(t *testing.T) {
	other := startChild(t, "sleep", "1000")
	for name, pid := range map[string]int{"init": 1, "another child": other, "nobody": 1 << 22, "a thread of this process": os.Getppid()} {
		if c, err := Take(t.Context(), played(t, giving(pid)), Options{}); err == nil || !strings.Contains(err.Error(), "core: not today\ufffd") {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	for name, answer := range map[string]string{"nothing": "", "no JSON": "{\n", "no PID": "{}\n", "endless": strings.Repeat("x", 2*frame.MaxPayload)} {
		s := played(t, func(_ string, send func(frame.Kind, string)) bool {
			for p := answer; p != ""; p = p[min(len(p), frame.MaxPayload):] {
				send(frame.Output, p[:min(len(p), frame.MaxPayload)])
			}
			return answer == ""
		})
		if c, err := Take(t.Context(), s, Options{}); err == nil {
			t.Errorf("%s: %+v", name, c)
		}
	}
	// One that says nothing is left when the caller has had enough.
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	s := played(t, func(string, func(frame.Kind, string)) bool { cancel(enough); return false })
	if c, err := Take(ctx, s, Options{}); err != enough {
		t.Errorf("%+v, %v", c, err)
	}
}

// A core file has no name, and holes where there is nothing.
func TestTakeCore(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	s := played(t, func(line string, send func(frame.Kind, string)) bool {
		for range 100 {
			send(frame.Output, string(make([]byte, frame.MaxPayload)))
		}
		send(frame.Output, line)
		return true
	})
	c, err := Take(t.Context(), s, Options{Core: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	i, err := os.Stat(c.Core)
	left, _ := os.ReadDir(dir)
	if err != nil || i.Size() != 100*frame.MaxPayload+4 || i.Sys().(*syscall.Stat_t).Blocks > 16 || len(left) > 0 || c.Exe == "" || c.PID != 0 || c.Same() {
		t.Errorf("%+v, %v, %v, %+v", i, err, left, c)
	}
}
