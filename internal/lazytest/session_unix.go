//go:build linux || darwin || freebsd

package lazytest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Prompt is how a person's console asks for the next line.
const Prompt = "\nlazy> "

// Signal sends the process a signal.
func (p *Process) Signal(sig syscall.Signal) {
	p.t.Helper()
	if err := syscall.Kill(p.PID, sig); err != nil {
		p.t.Fatal(err)
	}
}

// Ring sends SIGUSR2.
func (p *Process) Ring() {
	p.t.Helper()
	p.Signal(syscall.SIGUSR2)
}

// Opened waits until something is at the path of the socket.
func (p *Process) Opened() {
	p.t.Helper()
	Eventually(p.t, p.Path+" exists", func() bool { return Exists(p.Path) })
}

// Gone waits until nothing is at the path of the socket.
func (p *Process) Gone() {
	p.t.Helper()
	Eventually(p.t, p.Path+" is gone", func() bool {
		_, err := os.Lstat(p.Path)
		return os.IsNotExist(err)
	})
}

// NotListening waits until nothing listens at the path, of a file or not.
func (p *Process) NotListening() {
	p.t.Helper()
	Eventually(p.t, "nothing listens at "+p.Path, func() bool {
		c, err := net.Dial("unix", p.Path)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
}

// Dial connects to the process's socket as soon as that listens. The
// connection has a deadline after Patience, and goes with the test.
func (p *Process) Dial() *net.UnixConn {
	p.t.Helper()
	var c net.Conn
	Eventually(p.t, "the socket at "+p.Path+" listens", func() bool {
		var err error
		c, err = net.Dial("unix", p.Path)
		return err == nil
	})
	p.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(Patience))
	return c.(*net.UnixConn)
}

// Script rings, sends the text, and returns all that comes back.
func (p *Process) Script(text string) string {
	p.t.Helper()
	p.Ring()
	c := p.Dial()
	io.WriteString(c, text) // fails if a refusal came first
	c.CloseWrite()
	return Rest(p.t, c)
}

// Rest reads to the end of the session, closes the connection and returns what
// it read.
func Rest(t testing.TB, c net.Conn) string {
	t.Helper()
	b, err := io.ReadAll(c)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("reading to the end: %v, after %q", err, b)
	}
	c.Close()
	return string(b)
}

// Until reads up to and including the words, and returns what it read.
func Until(t testing.TB, r io.Reader, words string) string {
	t.Helper()
	var got bytes.Buffer
	b := make([]byte, 1)
	for !bytes.HasSuffix(got.Bytes(), []byte(words)) {
		if _, err := r.Read(b); err != nil {
			t.Fatalf("waiting for %q: %v, after %q", words, err, got.String())
		}
		got.Write(b)
	}
	return got.String()
}

// Shell runs a command line as an operator would, with PID in its environment,
// and returns its standard output. The error holds its standard error.
func (p *Process) Shell(line string) (string, error) {
	p.t.Helper()
	cmd := exec.Command(Tool(p.t, "sh"), "-c", line)
	cmd.Env = append(os.Environ(), "PID="+strconv.Itoa(p.PID))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = errors.Join(err, errors.New(stderr.String()))
	}
	return string(out), err
}

// RingAndWait is the beginning of a command line for Shell that rings and waits
// until the socket at path listens, in which the shell may replace $PID. In another
// network namespace, or on another system, that cannot be seen: there it may be a
// moment too early.
func RingAndWait(path string) string {
	const listening = " 00010000 .* " // __SO_ACCEPTCON in the flags of proc_net_unix(5)
	return `kill -USR2 $PID; seen=0; for i in $(seq 3000); do ` +
		`test -S ` + path + ` && { grep -q "` + listening + path + `$" /proc/net/unix || test $((seen += 1)) -gt 50; } 2>/dev/null && break; sleep 0.02; done; `
}
