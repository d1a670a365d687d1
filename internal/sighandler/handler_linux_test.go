//go:build (amd64 || arm64) && !lazy_ossignal

package sighandler

import (
	"errors"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/internal/lazytest"
	"github.com/go-manhole/lazy/internal/ringtag"
	"github.com/go-manhole/lazy/internal/sockfile"
	"golang.org/x/sys/unix"
)

const sig = syscall.SIGUSR2

func ring(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), sig); err != nil {
		t.Fatal(err)
	}
}

func newSocket(t *testing.T) int {
	t.Helper()
	fd, err := sockfile.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// become waits until the handler has the state, and returns its error.
func become(t *testing.T, h *Handler, want State) (err error) {
	t.Helper()
	lazytest.Eventually(t, "the handler has done its work", func() bool {
		var s State
		s, err = h.State()
		return s == want
	})
	return err
}

// The life of a handler: installed, rung, cleared, armed anew, removed.
func TestHandler(t *testing.T) {
	notified := make(chan os.Signal, 100)
	signal.Notify(notified, sig)
	defer signal.Stop(notified)
	dir := lazytest.PublicDir(t)
	path := filepath.Join(dir, "s")
	h, err := Install(sig, path, newSocket(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := h.State(); s != Armed || err != nil {
		t.Errorf("%v, %v", s, err)
	}
	if err := CheckOwner(sig); err != nil {
		t.Error(err) // the handler is Go text, too
	}
	ring(t)
	if err := become(t, h, Open); err != nil {
		t.Error(err)
	}
	<-notified // the runtime's handler is called after this one
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	ring(t) // does nothing more
	<-notified
	if s, err := h.State(); s != Open || err != nil {
		t.Errorf("%v, %v", s, err)
	}

	h.ClearSocket()
	ring(t)
	if err := become(t, h, Failed); !errors.Is(err, unix.EBADF) {
		t.Error(err)
	}
	<-notified // the runtime drops a second one before the first is delivered
	h.ClearSocket()
	h.SetSocket(newSocket(t))
	ring(t)
	if err := become(t, h, Failed); !errors.Is(err, unix.EADDRINUSE) {
		t.Error(err)
	}
	<-notified
	os.Remove(path)
	h.ClearSocket()
	h.SetSocket(newSocket(t))
	ring(t)
	if err := become(t, h, Open); err != nil {
		t.Error(err)
	}
	<-notified
	os.Remove(path)
	h.ClearSocket()
	h.SetSocket(newSocket(t))

	if err := h.Restore(); err != nil {
		t.Error(err)
	}
	h.Disable()
	ring(t)
	<-notified
	if lazytest.Exists(path) {
		t.Error("a removed handler opened the socket")
	}
}

func TestInstallRefused(t *testing.T) {
	signal.Ignore(syscall.SIGUSR1)
	defer unignore(syscall.SIGUSR1)
	if _, err := Install(syscall.SIGUSR1, "/tmp/x", -1, 0); err == nil || !strings.Contains(err.Error(), "SIGUSR1 is ignored") {
		t.Error(err)
	}
}

func TestAbstractAddress(t *testing.T) {
	path := "@sighandler-test-" + filepath.Base(lazytest.PublicDir(t))
	h, err := Install(sig, path, newSocket(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	ring(t)
	become(t, h, Open)
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if err := h.Restore(); err != nil {
		t.Error(err)
	}
	h.Disable() // from Open
}

func delivered(t *testing.T) {
	t.Helper()
	lazytest.Eventually(t, "the signal is no longer pending", func() bool {
		status, err := os.ReadFile("/proc/self/status")
		return err == nil && strings.Contains(string(status), "\nShdPnd:\t0000000000000000\n")
	})
}

// A tagged signal rings and does not reach the program; any other does both.
func TestTagged(t *testing.T) {
	notified := make(chan os.Signal, 100)
	signal.Notify(notified, sig)
	defer signal.Stop(notified)
	path := filepath.Join(lazytest.PublicDir(t), "s")
	h, err := Install(sig, path, newSocket(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Disable()
	defer h.Restore()
	defer os.Remove(path)
	for range 2 { // the second finds the socket open
		if err := ringtag.Send(-1, os.Getpid(), sig); err != nil {
			t.Fatal(err)
		}
		if err := become(t, h, Open); err != nil {
			t.Error(err)
		}
		// The kernel drops a standard signal while one of its kind is pending.
		delivered(t)
	}
	ring(t) // after the tagged ones, so if they had been passed on there were more
	<-notified
	if n := len(notified); n != 0 {
		t.Errorf("the program was notified %d times more", n)
	}
}

// The program closes everything, and opens files of its own.
func TestClosedSocket(t *testing.T) {
	path := filepath.Join(lazytest.PublicDir(t), "s")
	sock := newSocket(t)
	h, err := Install(sig, path, sock, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Disable()
	defer h.Restore()
	unix.Close(sock)
	for _, what := range []string{"nothing", "another socket"} {
		if what != "nothing" {
			other, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			if other != sock {
				if err := unix.Dup3(other, sock, unix.O_CLOEXEC); err != nil {
					t.Fatal(err)
				}
				unix.Close(other)
			}
		}
		ring(t)
		if err := become(t, h, Failed); err != unix.EBADF {
			t.Errorf("%s: %v", what, err)
		}
		if lazytest.Exists(path) {
			t.Errorf("%s was bound", what)
		}
		atomic.StoreUint32(&mem.state, uint32(Armed))
	}
}

// A handler that has stayed for one signal does not ring for it when another
// one is armed.
func TestOtherSignal(t *testing.T) {
	dir := lazytest.PublicDir(t)
	first, err := Install(syscall.SIGIO, filepath.Join(dir, "1"), newSocket(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Restore()
	h, err := Install(sig, filepath.Join(dir, "2"), newSocket(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Disable()
	defer h.Restore()
	syscall.Kill(os.Getpid(), syscall.SIGIO)
	ring(t)
	if err := become(t, h, Open); err != nil || lazytest.Exists(filepath.Join(dir, "1")) || !lazytest.Exists(filepath.Join(dir, "2")) {
		t.Error(err)
	}
	os.Remove(filepath.Join(dir, "2"))
}
