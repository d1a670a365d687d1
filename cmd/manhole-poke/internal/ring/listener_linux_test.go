package ring

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

// silentListener listens in place of a process; nothing may be said to it.
func silentListener(t *testing.T, path string) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan bool)
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if said, _ := io.ReadAll(c); len(said) > 0 {
				t.Errorf("the wrong listener heard %q", said)
			}
			c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
}

func TestWrongListener(t *testing.T) {
	g := poketest.Start(t, "armed")
	silentListener(t, g.Path)
	self := fmt.Sprintf("process %d (", os.Getpid())
	poketest.Run(t, "secret\n", g.PID).Fails(t, exit.Denied, self, g.Path, "not process "+g.PID)
	g.Unharmed(t)

	g = poketest.StartAt(t, "armed", "")
	silentListener(t, g.Path)
	poketest.Run(t, "secret\n", g.Path).Fails(t, exit.Denied, self, g.Path, "not process "+g.PID)
	g.Unharmed(t)
}

func TestFasterWrongListener(t *testing.T) {
	g := poketest.Start(t, "deaf")
	done := make(chan poketest.Result)
	go func() { done <- poketest.Run(t, "secret\n", "-t", "30s", g.PID) }()
	g.Expect(t, "rung")
	silentListener(t, g.Path)
	(<-done).Fails(t, exit.Denied, g.Path, "not process "+g.PID)
}

func TestWrongSocketType(t *testing.T) {
	g := poketest.Start(t, "armed")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: g.Path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	poketest.Run(t, "secret\n", g.PID).Fails(t, exit.Denied, g.Path)
	g.Unharmed(t)
}

// An abstract socket of the same name belongs to another process.
func TestWrongAbstractListener(t *testing.T) {
	g := poketest.StartAt(t, "lazy", "@manhole-poke-test-"+strconv.Itoa(os.Getpid()))
	silentListener(t, g.Path)
	poketest.Run(t, "secret\n", g.PID).Fails(t, exit.Denied, g.Path, "not process "+g.PID)
}

// Ctrl-C ends the wait for a socket whose queue is full.
func TestInterruptedInQueue(t *testing.T) {
	path := filepath.Join(t.TempDir(), "door")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrUnix{Name: path}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	first, _, err := dial(path, lazytest.Patience)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if second, _, err := dial(path, lazytest.Patience); err != unix.EAGAIN {
		t.Skip("more than one may wait here: ", second, err)
	}
	script, say, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer script.Close()
	defer say.Close()
	cmd := poketest.Command(t, script, "-t", "1h", path)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	io.WriteString(say, "stats\n")
	lazytest.Eventually(t, "the script is read", func() bool {
		unread, err := unix.IoctlGetInt(int(script.Fd()), unix.TIOCINQ)
		return err == nil && unread == 0
	})
	cmd.Process.Signal(syscall.SIGINT)
	cmd.Wait()
	r := poketest.Result{Stderr: stderr.String(), Status: poketest.StatusOf(cmd)}
	r.Fails(t, exit.Signalled+exit.Status(syscall.SIGINT), "left on SIGINT")
}

func TestOtherUser(t *testing.T) {
	g := poketest.StartAt(t, "armed", "")
	poketest.AsNobody(t, "a\n", g.PID).Fails(t, exit.Denied, g.PID, "belongs to uid 0", "uid 65534", "as root")
	g.Unharmed(t)
	poketest.AsNobody(t, "a\n", g.Path).Fails(t, exit.NotFound, g.Path, "belongs to uid 0")
	silentListener(t, g.Path)
	if err := os.Chmod(g.Path, 0o600); err != nil {
		t.Fatal(err)
	}
	poketest.AsNobody(t, "a\n", g.Path).Fails(t, exit.Denied, "no permission to connect", "uid 65534")
	if err := os.Chmod(g.Path, 0o666); err != nil {
		t.Fatal(err)
	}
	poketest.AsNobody(t, "a\n", g.Path).Fails(t, exit.Denied, g.Path)

	door := g.Path + "-door"
	silentListener(t, door)
	if err := os.Chmod(door, 0o666); err != nil {
		t.Fatal(err)
	}
	poketest.AsNobody(t, "a\n", door).Fails(t, exit.Denied, "belongs to uid 0")
}

func TestWithoutProc(t *testing.T) {
	g := poketest.Start(t, "armed")
	poketest.WithoutProc(t, g.PID).Fails(t, exit.Denied, g.PID, "/proc", "manhole-poke PATH")
	g.Unharmed(t)
	// The advice of that message works.
	g = poketest.Start(t, "lazy")
	g.Cmd.Process.Signal(syscall.SIGUSR2)
	lazytest.Eventually(t, "the door is open", func() bool { _, err := os.Lstat(g.Path); return err == nil })
	poketest.WithoutProc(t, g.Path, "echo", "still", "here").Succeeds(t, "still here\n")
}

// Taking on another user leaves nothing behind in the threads of this process.
func TestNothingLeaks(t *testing.T) {
	lazytest.NeedRoot(t)
	path := filepath.Join(lazytest.PublicDir(t), "door")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := os.Chown(path, 65534, 65533); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		done := make(chan error)
		go func() {
			c, _, err := dial(path, lazytest.Patience)
			if err == nil {
				c.Close()
			}
			done <- err
		}()
		c, err := l.AcceptUnix()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := c.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		raw.Control(func(fd uintptr) {
			if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err != nil || cred.Uid != 65534 || cred.Gid != 65533 || int(cred.Pid) != os.Getpid() {
				t.Errorf("connected as %+v, %v", cred, err)
			}
			if groups, err := peerGroups(int(fd)); err != nil || groups != 0 {
				t.Errorf("connected with %d groups, %v", groups, err)
			}
		})
		c.Close()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	lazytest.Eventually(t, "all threads are root's", func() bool {
		tasks, err := filepath.Glob("/proc/self/task/*/status")
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range tasks {
			text, err := os.ReadFile(task)
			if err != nil {
				continue
			}
			if s, err := procfs.ParseStatus(text); err == nil && (s.UID != 0 || s.GID != os.Getegid()) {
				return false
			}
		}
		return true
	})
}

// peerGroups returns the number of supplementary groups of the peer.
func peerGroups(fd int) (int, error) {
	s, err := unix.GetsockoptString(fd, unix.SOL_SOCKET, unix.SO_PEERGROUPS)
	return len(s) / 4, err
}
