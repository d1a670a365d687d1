package pollfd

import (
	"bytes"
	"net"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// waiting returns the address that the runtime shows for a goroutine that waits
// on a poll.FD.
func waiting(t *testing.T, method string) uint64 {
	t.Helper()
	pattern := regexp.MustCompile(`internal/poll\.\(\*FD\)\.` + method + `\(0x([0-9a-f]+)`)
	buf := make([]byte, 1<<20)
	for range 1000 {
		text := buf[:runtime.Stack(buf, true)]
		for _, g := range bytes.Split(text, []byte("\n\n")) {
			if m := pattern.FindSubmatch(g); m != nil && bytes.Contains(g, []byte("[IO wait")) {
				at, err := strconv.ParseUint(string(m[1]), 16, 64)
				if err != nil {
					t.Fatal(err)
				}
				return at
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("no goroutine waits in %s:\n%s", method, buf[:runtime.Stack(buf, true)])
	return 0
}

func check(t *testing.T, r *Reader) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan bool)
	go func() { l.Accept(); close(done) }()
	at := waiting(t, "Accept")
	fd, ok := r.FD(at)
	if !ok {
		t.Fatal("not found: ", r.Open())
	}
	name, err := unix.Getsockname(fd)
	if in, isIn := name.(*unix.SockaddrInet4); err != nil || !isIn || !strings.HasSuffix(l.Addr().String(), ":"+strconv.Itoa(in.Port)) {
		t.Errorf("descriptor %d is %v, %v, not %s", fd, name, err, l.Addr())
	}
	l.Close()
	<-done
	if fd, ok := r.FD(at); ok {
		t.Errorf("descriptor %d is found when it is closed", fd)
	}
	for _, wrong := range []uint64{0, 1, 4096, 1 << 46, 1<<64 - 1, 1<<64 - 17, 1<<47 - 8} {
		if fd, ok := r.FD(wrong); ok {
			t.Errorf("descriptor %d at %#x", fd, wrong)
		}
	}
}

func TestFD(t *testing.T) {
	r := new(Reader)
	defer r.Close()
	check(t, r)
	t.Logf("by /proc/self/mem: %v", r.mem != 0)
}

// TestMem: where a seccomp filter might kill for process_vm_readv.
func TestMem(t *testing.T) {
	r := new(Reader)
	if err := r.Open(); err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.mem == 0 {
		fd, err := unix.Open("/proc/self/mem", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Skip(err)
		}
		r.mem = fd
	}
	check(t, r)
}

func TestOpened(t *testing.T) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	fd := f.Fd()
	if got, ok := Opened(fd); !ok || got != int(fd) {
		t.Errorf("%d, %v", got, ok)
	}
	f.Close()
	for _, word := range []uintptr{fd, ^uintptr(0), 1 << 30, 1 << 31} {
		if _, ok := Opened(word); ok {
			t.Errorf("%#x is open", word)
		}
	}
}
