package fds

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-manhole/lazy/internal/pattern"
	"golang.org/x/sys/unix"
)

// TestDescriptorsExhausted lists them when none is left to read the list with.
func TestDescriptorsExhausted(t *testing.T) {
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	low := limit
	low.Cur = uint64(file.Fd()) + 1
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		t.Skip(err)
	}
	var filler []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		filler = append(filler, f)
	}
	got, err := descriptors(func() error { return nil })
	for _, f := range filler {
		f.Close()
	}
	if err != nil || !slices.Contains(got, uint64(file.Fd())) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestList(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "a file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	file.WriteString("hello")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	out, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	in, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	in.Close()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	sockets, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer sockets.Close()
	theirs, err := net.Dial("unix", sockets.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	ours, err := sockets.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	io.WriteString(theirs, "unread")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	out.SetReadDeadline(time.Now().Add(time.Minute))
	out.Read(make([]byte, 1)) // until the other end's FIN is here
	got := list(t, "")
	for _, want := range []string{
		file.Name() + ", at byte 5\n",
		"tcp " + l.Addr().String() + " LISTEN, 0 of at most ", // or mptcp
		" rw tcp " + out.LocalAddr().String() + " -> " + l.Addr().String() + " CLOSE-WAIT, idle ",
		" rw udp " + udp.LocalAddr().String() + "\n",
		fmt.Sprintf(" -> unnamed connected (pid %d), 6 bytes unread\n", os.Getpid()),
		" r  pipe:[",
		" w  pipe:[",
		" open (",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	if n := strings.Count(list(t, "CLOSE-WAIT"), "\n"); n != 2 {
		t.Errorf("%d lines of one socket and the sum", n)
	}
}

func list(t *testing.T, match string) string {
	t.Helper()
	var b strings.Builder
	if err := List(context.Background(), &b, Options{Match: pattern.MustCompile(match), Afford: func() error { return nil }}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestSort: the idlest come first, and what has no idle time last, by number.
func TestSort(t *testing.T) {
	var keys []uint64
	for fd, idle := range []time.Duration{noIdle, time.Hour, 0, 49 * 24 * time.Hour, idleUnknown, time.Minute, time.Hour} {
		keys = append(keys, order(fd, idle))
	}
	slices.Sort(keys)
	var got []uint64
	for _, k := range keys {
		got = append(got, k&(1<<31-1))
	}
	if want := []uint64{3, 1, 6, 5, 2, 0, 4}; !slices.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
}

// TestStuck: what a connection is stuck at can be seen.
func TestStuck(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialed, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer dialed.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w.Close()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	unix.Write(pair[0], []byte("hello"))
	name := " rw tcp " + dialed.LocalAddr().String() + " -> "
	got := list(t, "")
	for _, want := range []string{
		" LISTEN, 1 of at most ",
		name + l.Addr().String() + " ESTABLISHED, idle ",
		": nothing received, nothing sent\n",
		", the other end is closed\n",
		" bytes of memory hold what the peer has not read\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	unix.Close(pair[1])
	if got := list(t, "^unix"); !strings.Contains(got, "connected") || !strings.Contains(got, ", the other end is closed\n") {
		t.Error(got)
	}
	// Until it blocks, as nobody accepts.
	dialed.SetWriteDeadline(time.Now().Add(time.Minute))
	go func() {
		for b := make([]byte, 1<<20); ; {
			if _, err := dialed.Write(b); err != nil {
				return
			}
		}
	}()
	for i := 0; !strings.Contains(got, " of them not sent, because the peer does not read), idle "); i++ {
		if got = list(t, dialed.LocalAddr().String()+" -> "); i == 500 {
			t.Fatal(got)
		}
		time.Sleep(10 * time.Millisecond)
	}
	var b strings.Builder
	o := Options{
		Match: pattern.MustCompile(""), Afford: func() error { return nil }, State: "listen", Most: 1, Note: "a note",
		Waiting: func(int) string { return "somebody waits" }, Own: "/nothing",
	}
	if err := List(context.Background(), &b, o); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Split(b.String(), "\n"); len(lines) != 4 || !strings.Contains(lines[0], " LISTEN, 1 of at most ") ||
		!strings.HasSuffix(lines[0], ", somebody waits") || lines[1] != "a note" || !strings.Contains(lines[2], "; 1 shown") {
		t.Error(b.String())
	}
	b.Reset()
	o.State, o.Idle, o.Most = "", 1000*time.Hour, 0
	if err := List(context.Background(), &b, o); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); !strings.Contains(got, "; 0 shown; not known is how long ") {
		t.Error(got)
	}
}
