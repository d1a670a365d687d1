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
	if err != nil || !slices.Contains(got, int32(file.Fd())) {
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
		"tcp " + l.Addr().String() + " LISTEN\n", // or mptcp
		" rw tcp " + out.LocalAddr().String() + " -> " + l.Addr().String() + " CLOSE-WAIT\n",
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
	if err := List(context.Background(), &b, pattern.MustCompile(match), func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
