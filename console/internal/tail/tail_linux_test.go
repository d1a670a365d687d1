package tail

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestDestination(t *testing.T) {
	var pipe, sockets [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	sockets, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(sockets[1], &st); err != nil {
		t.Fatal(err)
	}
	t.Setenv("JOURNAL_STREAM", fmt.Sprintf("%d:%d", st.Dev, st.Ino))
	open := func(path string, flags int) int {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		return fd
	}
	file := filepath.Join(t.TempDir(), "file")
	for want, fd := range map[string]int{
		"a pipe":             pipe[1],
		"a socket":           sockets[0],
		"the journal":        sockets[1],
		"the terminal /dev/": open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY),
		"/dev/null":          open(os.DevNull, unix.O_WRONLY),
		file:                 open(file, unix.O_WRONLY|unix.O_CREAT),
	} {
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			t.Fatal(err)
		}
		if got := destination(fd, &st); !strings.HasPrefix(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
		if got := alternative(&st); strings.Contains(got, "journalctl") != (want == "the journal") {
			t.Errorf("%s: %s", want, got)
		}
		unix.Close(fd)
	}
	unix.Close(pipe[0])
}

// TestSameFile opens descriptors that lead to one file.
func TestSameFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	open := func(flags int) *fileTail {
		fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CREAT|unix.O_CLOEXEC|flags, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		return tailOf(t, fd)
	}
	for _, flags := range []int{0, unix.O_APPEND} {
		f, g := open(flags), open(flags)
		if got, want := f.same(g), flags != 0; got != want {
			t.Errorf("opened twice with flags %#x: %v", flags, got)
		}
		fd, err := unix.Dup(f.fd)
		if err != nil {
			t.Fatal(err)
		}
		if !f.same(tailOf(t, fd)) {
			t.Errorf("copied, flags %#x: not the same", flags)
		}
	}
	if open(0).same(open(unix.O_APPEND)) {
		t.Error("with and without O_APPEND: the same")
	}
}

func tailOf(t *testing.T, fd int) *fileTail {
	t.Helper()
	f, err := openFile("stderr", fd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.close(nil); unix.Close(fd) })
	return f
}
