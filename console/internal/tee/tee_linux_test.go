//go:build amd64 || arm64

package tee

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

// A running loop, started from a file so that an emulator can do it as well.
type running struct {
	cmd                            *exec.Cmd
	input, output, copies, control *os.File
}

// in and out are flags of its input and its output, pipe(2).
func run(t *testing.T, in, out int) *running {
	t.Helper()
	file := filepath.Join(t.TempDir(), "loop")
	lazytest.WriteExe(t, file, image())
	args := append(strings.Fields(os.Getenv("LAZY_TEST_EMULATOR")), file)
	r := &running{cmd: exec.Command(args[0], args[1:]...)}
	// No end waits. Package os would change that when it passes on one that it
	// made itself.
	pipe := func(flags int) (ends [2]*os.File) {
		var fds [2]int
		if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|flags); err != nil {
			t.Fatal(err)
		}
		for i, fd := range fds {
			unix.SetNonblock(fd, true)
			f := os.NewFile(uintptr(fd), "pipe")
			t.Cleanup(func() { f.Close() })
			ends[i] = f
		}
		return ends
	}
	r.cmd.Env = []string{}
	if in&unix.O_DIRECT != 0 {
		r.cmd.Env = []string{packets}
	}
	input, output, copies, control := pipe(in), pipe(out), pipe(0), pipe(0)
	r.cmd.Stdin, r.cmd.Stdout, r.cmd.Stderr, r.cmd.ExtraFiles = input[0], output[1], copies[1], []*os.File{control[0]}
	unix.FcntlInt(input[1].Fd(), unix.F_SETPIPE_SZ, capacity)
	unix.SetNonblock(int(input[1].Fd()), true) // which Fd changes
	r.input, r.output, r.copies, r.control = input[1], output[0], copies[0], control[1]
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.cmd.Process.Kill() })
	for _, f := range []*os.File{input[0], output[1], copies[1], control[0]} {
		f.Close()
	}
	return r
}

// record reads the next.
func (r *running) record(t *testing.T) record {
	t.Helper()
	b := make([]byte, recordHeader)
	if _, err := io.ReadFull(r.copies, b); err != nil {
		t.Fatal(err)
	}
	_, _, ok, err := takeRecord(b)
	for !ok && err == nil {
		b = append(b, 0)
		if _, err := io.ReadFull(r.copies, b[len(b)-1:]); err != nil {
			t.Fatal(err)
		}
		_, _, ok, err = takeRecord(b)
	}
	got, _, _, err := takeRecord(b)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (r *running) write(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(r.input, text); err != nil {
		t.Fatal(err)
	}
}

func (r *running) arrives(t *testing.T, text string) {
	t.Helper()
	b := make([]byte, len(text))
	if _, err := io.ReadFull(r.output, b); err != nil || string(b) != text {
		t.Fatalf("%q, %v, want %q", b, err, text)
	}
}

func TestLoop(t *testing.T) {
	r := run(t, 0, 0)
	bytes, lines := uint64(0), uint64(0)
	copied := func(text string) {
		t.Helper()
		got := r.record(t)
		if got.bytes != bytes || got.newlines != lines || string(got.text) != text || got.answer != 0 {
			t.Fatalf("%+v, want %d bytes, %d lines, %q", got, bytes, lines, text)
		}
		bytes += uint64(len(text))
		lines += uint64(strings.Count(text, "\n"))
	}
	for i, text := range []string{"hello\n", "no end", "\n\n\n", "\x00\n"} {
		r.write(t, text)
		r.arrives(t, text)
		copied(text)
		question := byte(200 + i)
		r.control.Write([]byte{question})
		if got := r.record(t); got.answer != question || len(got.text) > 0 || got.bytes != bytes || got.newlines != lines {
			t.Errorf("the answer is %+v", got)
		}
	}
	long := strings.Repeat("a line\n", 4096/7)
	r.write(t, long)
	r.arrives(t, long)
	whole := (maxRecord - recordHeader) / 7 * 7
	copied(long[:whole])
	copied(long[whole:])

	r.cmd.Process.Signal(unix.SIGTERM) // which it does not mind
	r.control.Close()
	r.copies.Close() // nor that nobody is interested any more
	for range 100 {
		r.write(t, "still\n")
		r.arrives(t, "still\n")
	}
	for asleep := 0; asleep < 10; {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(stat), ") S ") {
			asleep++
		} else {
			asleep = 0
		}
	}
	r.input.Close()
	if err := r.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// TestLoopInBatches has much to read at once: several lines are passed on by one
// write, unless they come in packets. Lines stay whole, and what does not end one
// is not kept back.
func TestLoopInBatches(t *testing.T) {
	for _, flags := range []int{0, unix.O_DIRECT} {
		r := run(t, flags, unix.O_DIRECT)
		r.control.Write([]byte{1})
		r.record(t) // so it is at work
		r.cmd.Process.Signal(unix.SIGSTOP)
		r.stopped(t)
		var want strings.Builder
		write := func(text string) {
			want.WriteString(text)
			r.write(t, text)
		}
		const lines = 150
		for i := range lines {
			write(strings.Repeat("x", i) + "\n")
		}
		short := want.Len()
		write(strings.Repeat("a long line ", 1000))
		write("\nits end\n")
		write(strings.Repeat("y", 4096))
		write(strings.Repeat("z", 4000))
		r.cmd.Process.Signal(unix.SIGCONT)
		var came []byte
		writes := 0
		for b := make([]byte, 1<<16); len(came) < want.Len(); {
			n, err := r.output.Read(b) // one packet
			if err != nil {
				t.Fatal(err)
			}
			came = append(came, b[:n]...)
			if len(came) <= short {
				if writes++; b[n-1] != '\n' {
					t.Errorf("a line was cut: %q", b[:n])
				}
			}
		}
		if string(came) != want.String() {
			t.Errorf("%q arrived", came)
		}
		if few := flags == 0; few && writes > lines/20 || !few && writes != lines {
			t.Errorf("%d lines were passed on by %d writes", lines, writes)
		}
		var got []byte
		for len(got) < want.Len() {
			rec := r.record(t)
			if rec.bytes != uint64(len(got)) || rec.newlines != uint64(bytes.Count(got, []byte("\n"))) {
				t.Fatalf("%d bytes and %d lines before %q", rec.bytes, rec.newlines, rec.text)
			}
			got = append(got, rec.text...)
		}
		if string(got) != want.String() {
			t.Errorf("%q was copied", got)
		}
		r.input.Close()
		if err := r.cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
}

// stopped waits until the process is.
func (r *running) stopped(t *testing.T) {
	t.Helper()
	for {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(stat, []byte(") T ")) {
			return
		}
	}
}

// TestLoopWithFullOutput writes more than the output takes at once.
func TestLoopWithFullOutput(t *testing.T) {
	r := run(t, 0, 0)
	go func() {
		for i := range 20000 {
			fmt.Fprintf(r.input, "line %d\n", i)
		}
		r.input.Close()
	}()
	go io.Copy(io.Discard, r.copies)
	var want, got bytes.Buffer
	for i := range 20000 {
		fmt.Fprintf(&want, "line %d\n", i)
	}
	io.Copy(&got, r.output)
	if got.String() != want.String() {
		t.Errorf("%d bytes, want %d", got.Len(), want.Len())
	}
	if err := r.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// TestLoopWithoutReader has an output that is never read.
func TestLoopWithoutReader(t *testing.T) {
	r := run(t, 0, 0)
	r.output.Close()
	r.write(t, "lost\n")
	var exit *exec.ExitError
	if err := r.cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("%v", err)
	}
	if _, err := io.WriteString(r.input, "more\n"); !errors.Is(err, unix.EPIPE) {
		t.Errorf("%v, which the writer should learn as it would without us", err)
	}
}

func TestTee(t *testing.T) {
	if os.Getenv("LAZY_TEST_EMULATOR") != "" {
		t.Skip("an executable of ours can't be started without the emulator")
	}
	output, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	c, err := Start(int(to.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	to.Close()
	if p, err := c.Read(); err != nil || len(p.Text) > 0 {
		t.Errorf("%+v, %v", p, err)
	}
	unix.Write(c.Input(), []byte("one\n"))
	var p Piece
	for len(p.Text) == 0 && err == nil {
		p, err = c.Read()
	}
	if err != nil || string(p.Text) != "one\n" || p.MissedBytes > 0 || p.Lines() != 1 {
		t.Errorf("%+v, %v", p, err)
	}

	// More than there is room for in both pipes, so copies are missed.
	const most = 400000
	arrived := make(chan int)
	go func() {
		b, _ := io.ReadAll(output)
		arrived <- bytes.Count(b, []byte("\n"))
	}()
	for i := range most {
		unix.Write(c.Input(), fmt.Appendf(nil, "line %d\n", i))
	}
	var lines, missed uint64
	for lines+missed < most && err == nil {
		p, err = c.Read()
		lines += p.Lines()
		missed += p.MissedLines
	}
	if err != nil || lines+missed != most || missed == 0 {
		t.Errorf("%d lines and %d missed, %v", lines, missed, err)
	}
	for range 1000 {
		unix.Write(c.Input(), []byte("x\n"))
		if err := c.Settle(time.Minute); err != nil {
			t.Fatal(err)
		}
	}

	unix.Kill(c.Pid(), unix.SIGSTOP)
	unix.Write(c.Input(), []byte("left\n"))
	if err := c.Settle(time.Millisecond); err != ErrBehind {
		t.Errorf("%v", err)
	}
	unix.Kill(c.Pid(), unix.SIGKILL)
	for err == nil {
		_, err = c.Read()
	}
	if err != io.EOF {
		t.Error(err)
	}
	if err := c.Settle(time.Minute); err != io.EOF {
		t.Errorf("%v", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Rescue(int(w.Fd()), time.Minute); err != nil {
		t.Error(err)
	}
	w.Close()
	if b, _ := io.ReadAll(r); string(b) != "left\n" {
		t.Errorf("%q", b)
	}
	c.Close()
	if n := <-arrived; n != 1+most+1000 {
		t.Errorf("%d lines arrived", n)
	}
	if _, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err != unix.ECHILD {
		t.Errorf("a child is left: %v", err)
	}
}

func FuzzTakeRecord(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00abcd"))
	f.Add(make([]byte, recordHeader))
	f.Add(bytes.Repeat([]byte{0xff}, recordHeader+1))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, rest, ok, err := takeRecord(b)
		switch {
		case ok && err != nil:
			t.Error("both")
		case ok && recordHeader+len(r.text)+len(rest) != len(b):
			t.Errorf("%d and %d of %d bytes", len(r.text), len(rest), len(b))
		case !ok && !bytes.Equal(rest, b):
			t.Error("something was taken")
		case !ok && err == nil && len(b) >= maxRecord:
			t.Error("it never ends")
		}
	})
}
