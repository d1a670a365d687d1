//go:build linux || darwin || freebsd

package lazy_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen in the end. Only a
// broken program needs it.
const patience = 2 * time.Minute

// eventually waits until ok, and fails the test when that does not come.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it did not come to pass that %s", what)
		}
	}
}

// dial connects to the target's socket as soon as it listens.
func (tg *target) dial() *net.UnixConn {
	tg.t.Helper()
	var c net.Conn
	eventually(tg.t, "the socket at "+tg.path+" listens", func() (ok bool) {
		var err error
		c, err = net.Dial("unix", tg.path)
		return err == nil
	})
	tg.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c.(*net.UnixConn)
}

// script rings, sends the text, and returns all that comes back.
func (tg *target) script(text string) string {
	tg.t.Helper()
	tg.ring()
	c := tg.dial()
	io.WriteString(c, text) // fails if the answer was a refusal and came first
	c.CloseWrite()
	return rest(tg.t, c)
}

// rest reads to the end of the session.
func rest(t testing.TB, c net.Conn) string {
	t.Helper()
	b, err := io.ReadAll(c)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("reading to the end: %v, after %q", err, b)
	}
	c.Close()
	return string(b)
}

// until reads up to and including the words.
func until(t testing.TB, c net.Conn, words string) string {
	t.Helper()
	var got bytes.Buffer
	b := make([]byte, 1)
	for !bytes.HasSuffix(got.Bytes(), []byte(words)) {
		if _, err := c.Read(b); err != nil {
			t.Fatalf("waiting for %q: %v, after %q", words, err, got.String())
		}
		got.Write(b)
	}
	return got.String()
}

const prompt = "\nlazy> "

// gone waits until nothing of a session is left but what an armed process has.
func (tg *target) gone() {
	tg.t.Helper()
	eventually(tg.t, tg.path+" is gone", func() bool {
		_, err := os.Lstat(tg.path)
		return os.IsNotExist(err)
	})
}

// logged waits for words in the target's log.
func (tg *target) logged(words string) {
	tg.t.Helper()
	eventually(tg.t, "the target logs "+words, func() bool { return strings.Contains(tg.log.String(), words) })
}

// tool returns the path of a program, or skips the test.
func tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

// shell runs a command line as an operator would, PID being the target's.
func (tg *target) shell(line string) (string, error) {
	tg.t.Helper()
	cmd := exec.Command("sh", "-c", line)
	cmd.Env = append(os.Environ(), "PID="+itoa(tg.pid))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = errors.Join(err, errors.New(stderr.String()))
	}
	return string(out), err
}

// rungAndThere is the shell's way to ring and wait for the socket.
func rungAndThere(path string) string {
	return "kill -USR2 $PID; for i in $(seq 3000); do test -S " + path + " && break; sleep 0.02; done; "
}

func wants(t testing.TB, got string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(got, w) {
			t.Errorf("%q is missing in:\n%s", w, got)
		}
	}
}
