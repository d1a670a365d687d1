//go:build linux || darwin || freebsd

package sockfile

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

// open returns a socket that listens at the path.
func open(t *testing.T, path string) int {
	t.Helper()
	fd, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if Bound(fd) {
		t.Error("bound already")
	}
	if err := Listen(fd, path); err != nil {
		t.Fatal(err)
	}
	if !Bound(fd) {
		t.Error("not bound")
	}
	return fd
}

// leave leaves the socket of a process that is gone.
func leave(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}

func TestListenAndAccept(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o077} {
		path := filepath.Join(lazytest.PublicDir(t), "s")
		old := unix.Umask(umask)
		fd := open(t, path)
		unix.Umask(old)
		if fi, err := os.Lstat(path); err != nil || fi.Mode().String() != "Srw-------" {
			t.Errorf("umask %o: %v, %v", umask, fi.Mode(), err)
		}
		if _, err := Accept(fd); err != unix.EAGAIN {
			t.Errorf("without a client: %v", err)
		}
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conn, err := Accept(fd)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(conn)
		if flags, err := unix.FcntlInt(uintptr(conn), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK == 0 {
			t.Errorf("flags %x, %v", flags, err)
		}
		for _, fd := range []int{fd, conn} {
			if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
				t.Errorf("flags %x, %v", flags, err)
			}
		}
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(lazytest.PublicDir(t), "s")
	if _, err := Stat(path); err == nil {
		t.Error("nothing there")
	}
	open(t, path)
	f, err := Stat(path)
	if err != nil || !f.InPlace() {
		t.Fatal(err)
	}
	if err := f.Remove(); err != nil || f.InPlace() || lazytest.Exists(path) {
		t.Error(err)
	}
	if err := f.Remove(); err != nil {
		t.Errorf("again: %v", err)
	}
	if err := RemoveBound(path); err != nil {
		t.Errorf("RemoveBound again: %v", err)
	}

	open(t, path)
	f, _ = Stat(path)
	kept := path + ".kept" // or its inode may be used again
	if err := os.Rename(path, kept); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(path, []byte("precious"), 0o600)
	if f.InPlace() {
		t.Error("another file passes for this")
	}
	for _, err := range []error{f.Remove(), RemoveBound(path)} {
		if err == nil || !strings.Contains(err.Error(), "left alone") {
			t.Error(err)
		}
	}
	if b, _ := os.ReadFile(path); string(b) != "precious" {
		t.Errorf("%q", b)
	}
	if err := RemoveBound(kept); err != nil || lazytest.Exists(kept) {
		t.Error(err)
	}
}

func TestRemoveStale(t *testing.T) {
	path := filepath.Join(lazytest.PublicDir(t), "s")
	if err := RemoveStale(path); err != nil {
		t.Errorf("nothing: %v", err)
	}
	leave(t, path)
	if err := RemoveStale(path); err != nil || lazytest.Exists(path) {
		t.Errorf("stale: %v", err)
	}
	refuses := func(want string) {
		t.Helper()
		if err := RemoveStale(path); err == nil || !strings.Contains(err.Error(), want) || !lazytest.Exists(path) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	refuses("another process listens at " + path)
	l.Close()
	os.WriteFile(path, nil, 0o600)
	refuses("exists and is not a socket; remove it")
	os.Remove(path)
	t.Run("another user's", func(t *testing.T) {
		lazytest.NeedRoot(t)
		leave(t, path)
		os.Chown(path, 65534, 65534)
		refuses("belongs to uid 65534")
	})
}

func TestExhausted(t *testing.T) {
	for err, want := range map[error]bool{nil: false, unix.EMFILE: true, unix.ENFILE: true, unix.ENOENT: false} {
		if Exhausted(err) != want {
			t.Error(err)
		}
	}
}

func TestCheckPath(t *testing.T) {
	dir := lazytest.PublicDir(t)
	file := filepath.Join(dir, "file")
	os.WriteFile(file, nil, 0o600)
	stale := filepath.Join(dir, "stale")
	leave(t, stale)
	t.Chdir(dir)
	for path, want := range map[string]string{
		filepath.Join(dir, "s"): filepath.Join(dir, "s"),
		"relative":              filepath.Join(dir, "relative"),
		stale:                   stale,
	} {
		if got, err := CheckPath(path); got != want || err != nil {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	for path, want := range map[string]string{
		"/" + strings.Repeat("x", 200):  "choose a shorter one",
		file:                            "exists and is not a socket",
		"a\nb":                          "control characters",
		filepath.Join(file, "s"):        "not a directory",
		filepath.Join(dir, "none", "s"): "no such file or directory; create it",
	} {
		if got, err := CheckPath(path); err == nil || !strings.Contains(err.Error(), want) || !strings.HasSuffix(err.Error(), "WithPath") {
			t.Errorf("%s: %q, %v; want %q", path, got, err, want)
		}
	}
	path, passedOver, err := ChoosePath()
	if err != nil || passedOver != nil || !strings.HasPrefix(path, "/tmp/manhole-") {
		t.Errorf("%q, %v, %v", path, passedOver, err)
	}
}
