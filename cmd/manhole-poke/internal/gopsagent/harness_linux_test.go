package gopsagent

import (
	"bufio"
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

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/internal/lazytest"
)

func TestMain(m *testing.M) { poketest.Main(m, lazytest.Roles{"crowd": crowd}) }

// gopsCommand returns gops without input, and with a directory for its files.
func gopsCommand(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(poketest.Gops(t), args...)
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	return cmd
}

func runGops(t *testing.T, args ...string) poketest.Result {
	t.Helper()
	return poketest.Finish(t, gopsCommand(t, args...))
}

// A standIn is manhole-poke gops while it runs.
type standIn struct {
	cmd    *exec.Cmd
	file   string // where gops finds the port
	port   string
	stdout string
	stderr bytes.Buffer
	ended  chan bool
}

// ownDirectory has the port files of a test in a directory for the test.
func ownDirectory(t *testing.T) {
	t.Helper()
	t.Setenv("GOPS_CONFIG_DIR", lazytest.PublicDir(t))
}

func startGops(t *testing.T, pid string, args ...string) *standIn {
	t.Helper()
	return startStandIn(t, pid, poketest.Command(t, nil, append([]string{"gops", pid}, args...)...))
}

// startStandIn returns when gops can be used.
func startStandIn(t *testing.T, pid string, cmd *exec.Cmd) *standIn {
	t.Helper()
	g := &standIn{cmd: cmd, ended: make(chan bool)}
	var err error
	if g.file, err = portFile(poketest.Atoi(t, pid)); err != nil {
		t.Fatal(err)
	}
	if cmd.Stderr == nil {
		cmd.Stderr = &g.stderr
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		<-g.ended
	})
	first := make(chan string, 1)
	go func() {
		defer close(g.ended)
		r := bufio.NewReader(stdout)
		line, _ := r.ReadString('\n')
		first <- line
		rest, _ := io.ReadAll(r)
		g.stdout = line + string(rest)
		cmd.Wait()
	}()
	if line := <-first; !strings.HasPrefix(line, "gops stack "+pid+" ") {
		<-g.ended
		t.Fatalf("it says %q and %q", line, &g.stderr)
	}
	port, err := os.ReadFile(g.file)
	if err != nil {
		t.Fatal(err)
	}
	g.port = string(port)
	return g
}

// end waits for the end and makes sure that nothing is left.
func (g *standIn) end(t *testing.T) poketest.Result {
	t.Helper()
	<-g.ended
	if _, err := os.Lstat(g.file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its file: %v", err)
	}
	if c, err := net.Dial("tcp4", "127.0.0.1:"+g.port); err == nil {
		c.Close()
		t.Error("its port is still open")
	}
	return poketest.Result{Stdout: g.stdout, Stderr: g.stderr.String(), Status: poketest.StatusOf(g.cmd)}
}

func (g *standIn) signalled(t *testing.T, sig syscall.Signal) poketest.Result {
	t.Helper()
	g.cmd.Process.Signal(sig)
	return g.end(t)
}

// held waits until a client has the session: then a connected socket has the path.
// Connecting to find out could take the session from that client.
func held(t *testing.T, g *poketest.Target) {
	t.Helper()
	lazytest.Eventually(t, "the session is held", func() bool { return poketest.Connected(t, g.Path) })
}

func free(t *testing.T, g *poketest.Target) {
	t.Helper()
	lazytest.Eventually(t, "the session is over", func() bool { return poketest.Run(t, "version\n", g.PID).Status == exit.OK })
}

// says sends text to the port and expects one line in return.
func (g *standIn) says(t *testing.T, text, answer string) {
	t.Helper()
	c, err := net.Dial("tcp4", "127.0.0.1:"+g.port)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(lazytest.Patience))
	io.WriteString(c, text)
	line, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(line), "manhole-poke: ") || strings.Count(string(line), "\n") != 1 || !strings.Contains(string(line), answer) {
		t.Errorf("%q is answered with %q, %v; want %q", text, line, err, answer)
	}
}

func startContained(t *testing.T, role string) *poketest.Target {
	t.Helper()
	lazytest.InNamespaces(t, "mount -t tmpfs none /tmp", "-mn")
	cmd := exec.Command("sh", "-c", `exec 3<"$0" && mount -t tmpfs none /tmp && exec /proc/self/fd/3 ""`, lazytest.CopyExe(t, "inside"))
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:   syscall.CLONE_NEWPID | syscall.CLONE_NEWNET,
		Unshareflags: syscall.CLONE_NEWNS,
	}
	return poketest.StartCommand(t, role, "", cmd)
}

// asUser returns the command run by another user.
func asUser(t *testing.T, uid int, cmd *exec.Cmd) *exec.Cmd {
	t.Helper()
	wrapped := lazytest.Wrap(cmd, lazytest.AsUser(t, uid)...)
	wrapped.Env = cmd.Env
	return wrapped
}
