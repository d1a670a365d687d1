package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"
)

const gopsVersion = "v0.3.28"

// realGops is the gops client as anybody installs it.
var realGops = sync.OnceValues(func() (string, error) {
	dir := filepath.Dir(pokeBinary)
	cmd := exec.Command("go", "install", "github.com/google/gops@"+gopsVersion)
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("installing gops: %v\n%s", err, out)
	}
	return filepath.Join(dir, "gops"), nil
})

// gopsCommand is gops as it finds itself at the end of a shell script: with no
// input, and a directory for its files.
func gopsCommand(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	gops, err := realGops()
	if err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(gops, args...)
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	return cmd
}

func runGops(t *testing.T, args ...string) result {
	t.Helper()
	return finish(t, gopsCommand(t, args...))
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

// ownDirectory is where the files of a test are.
func ownDirectory(t *testing.T) {
	t.Helper()
	dir, err := os.MkdirTemp("", "gops")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil { // for other users, too
		t.Fatal(err)
	}
	t.Setenv("GOPS_CONFIG_DIR", dir)
}

func startGops(t *testing.T, pid string, args ...string) *standIn {
	t.Helper()
	return startStandIn(t, pid, pokeCommand(t, nil, append([]string{"gops", pid}, args...)...))
}

// startStandIn returns when gops can be used.
func startStandIn(t *testing.T, pid string, cmd *exec.Cmd) *standIn {
	t.Helper()
	g := &standIn{cmd: cmd, ended: make(chan bool)}
	var err error
	if g.file, err = gopsFile(mustAtoi(t, pid)); err != nil {
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
func (g *standIn) end(t *testing.T) result {
	t.Helper()
	<-g.ended
	if _, err := os.Lstat(g.file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its file: %v", err)
	}
	if c, err := net.Dial("tcp4", "127.0.0.1:"+g.port); err == nil {
		c.Close()
		t.Error("its port is still open")
	}
	return result{g.stdout, g.stderr.String(), status(g.cmd.ProcessState.ExitCode())}
}

func (g *standIn) signalled(t *testing.T, sig syscall.Signal) result {
	t.Helper()
	g.cmd.Process.Signal(sig)
	return g.end(t)
}

// held waits until somebody has a session: then there is a connected socket of
// the door's name. Asking for one could take it away from whom it is to be.
func held(t *testing.T, g *target) {
	t.Helper()
	connected := regexp.MustCompile(`(?m) 0001 03 +\d+ ` + regexp.QuoteMeta(g.path) + `$`)
	until(t, "the session is held", func() bool {
		text, err := os.ReadFile("/proc/net/unix")
		return err == nil && connected.Match(text)
	})
}

func free(t *testing.T, g *target) {
	t.Helper()
	until(t, "the session is over", func() bool { return pokeWith(t, "version\n", g.pid).status == statusOK })
}

func TestGops(t *testing.T) {
	ownDirectory(t)
	target := start(t, "lazy")
	g := startGops(t, target.pid)
	end := time.Now().Add(10 * time.Minute)

	for _, test := range []struct{ args, answer string }{
		{"stack", `(?s)^goroutine \d+ \[.*\ngoroutine \d+ \[select \(no cases\)\]:\n\S+\.playLazy\.`},
		{"stats", `^goroutines: \d+\nOS threads: \d+\nGOMAXPROCS: \d+\nnum CPU: \d+\n$`},
		{"memstats", `(?s)^alloc: .*\nnum-forced-gc: 0\n.*\ndebug-gc: false\n$`},
		{"gc", `^$`},
		{"memstats", `(?s)^alloc: .*\nnum-forced-gc: 1\n.*\ndebug-gc: false\n$`},
		{"version", `^go\S+.*\n$`},
		{"setgc 150", `^New GC percent set to 150\. Previous value was \d+\.\n$`},
		{"setgc off", `^New GC percent set to -1\. Previous value was 150\.\n$`},
		// It starts go tool pprof, with the executable that it got.
		{"pprof-heap", `(?s)Profile dump saved to: .*\nBinary file saved to: .*\(pprof\)`},
	} {
		t.Run(test.args, func(t *testing.T) {
			args := append(strings.Fields(test.args)[:1:1], target.pid)
			r := runGops(t, append(args, strings.Fields(test.args)[1:]...)...)
			if r.status != 0 || !regexp.MustCompile(test.answer).MatchString(r.stdout) {
				t.Errorf("%+v", r)
			}
		})
	}
	t.Run("trace", func(t *testing.T) {
		cmd := gopsCommand(t, "trace", target.pid)
		cmd.Env = append(cmd.Env, "PATH=") // or it starts go tool trace, which serves it until killed
		r := finish(t, cmd)
		_, name, _ := strings.Cut(strings.TrimSpace(r.stdout), "saved to: ")
		trace, err := os.ReadFile(name)
		if r.status != 0 || err != nil || !regexp.MustCompile(`^go 1\.\d+ trace\x00`).Match(trace) {
			t.Errorf("%+v\n%.20q, %v", r, trace, err)
		}
	})
	t.Run("pprof-cpu", func(t *testing.T) {
		cpu := gopsCommand(t, "pprof-cpu", target.pid)
		if err := cpu.Start(); err != nil {
			t.Fatal(err)
		}
		held(t, target)
		queued := gopsCommand(t, "stats", target.pid)
		var answer bytes.Buffer
		queued.Stdout = &answer
		if err := queued.Start(); err != nil {
			t.Fatal(err)
		}
		// Nobody waits for 30 seconds of profile: it ends when its client does.
		cpu.Process.Kill()
		cpu.Wait()
		if err := queued.Wait(); err != nil || !strings.HasPrefix(answer.String(), "goroutines: ") {
			t.Errorf("%q, %v", answer.String(), err)
		}
	})

	r := g.signalled(t, syscall.SIGINT)
	r.fails(t, statusInterrupted+status(syscall.SIGINT), "left on SIGINT")
	line := regexp.MustCompile(`^gops stack ` + target.pid + ` \(or stats, memstats, gc, setgc, version, pprof-heap, pprof-cpu, trace\) works for .* until (.*), or Ctrl-C\n$`).FindStringSubmatch(r.stdout)
	if line == nil {
		t.Fatalf("it said %q", r.stdout)
	}
	if said, err := time.ParseInLocation(time.DateTime, line[1], time.Local); err != nil || said.Before(end.Add(-patience)) || said.After(end.Add(patience)) {
		t.Errorf("until %v, %v; want about %v", said, err, end)
	}
	if r := runGops(t, "stats", target.pid); r.status != 1 || !strings.Contains(r.stderr, "no such file") {
		t.Errorf("afterwards: %+v", r)
	}
}

// Where gops looks for the file if GOPS_CONFIG_DIR does not say.
func TestGopsDirectory(t *testing.T) {
	if _, err := realGops(); err != nil { // while HOME is what go expects
		t.Skip(err)
	}
	target := start(t, "lazy")
	for name, directory := range map[string]string{"HOME": ".config/gops", "XDG_CONFIG_HOME": "gops"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GOPS_CONFIG_DIR", "")
			t.Setenv("XDG_CONFIG_HOME", "")
			home := t.TempDir()
			t.Setenv(name, home)
			g := startGops(t, target.pid)
			if want := filepath.Join(home, directory, target.pid); g.file != want {
				t.Errorf("%s, want %s", g.file, want)
			}
			if r := runGops(t, "version", target.pid); r.status != 0 || !strings.HasPrefix(r.stdout, "go") {
				t.Errorf("%+v", r)
			}
			g.signalled(t, syscall.SIGTERM)
		})
	}
}

func TestGopsWaysOut(t *testing.T) {
	ownDirectory(t)
	target := start(t, "lazy")
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		g := startGops(t, target.pid)
		// In the middle of an answer, too.
		cpu := gopsCommand(t, "pprof-cpu", target.pid)
		done := make(chan result)
		go func() { done <- finish(t, cpu) }()
		held(t, target)
		g.signalled(t, sig).fails(t, statusInterrupted+status(sig), signalName(sig))
		if r := <-done; r.status != 1 || !strings.Contains(r.stderr, "connection reset") {
			t.Errorf("gops, on %v: %+v", sig, r)
		}
		free(t, target)
	}
	t.Run("time", func(t *testing.T) {
		if r := startGops(t, target.pid, "--for", "300ms").end(t); r.status != statusOK || r.stderr != "" {
			t.Errorf("%+v", r)
		}
	})
	t.Run("nobody reads what it says", func(t *testing.T) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		cmd := pokeCommand(t, nil, "gops", target.pid)
		cmd.Stderr = w
		g := startStandIn(t, target.pid, cmd)
		r.Close()
		g.says(t, "stats\n", "not gops") // and it complains
		if r := runGops(t, "version", target.pid); r.status != 0 {
			t.Errorf("%+v", r)
		}
		g.signalled(t, syscall.SIGTERM)
	})
	t.Run("exit", func(t *testing.T) {
		g := startGops(t, target.pid)
		cpu := gopsCommand(t, "pprof-cpu", target.pid)
		done := make(chan result)
		go func() { done <- finish(t, cpu) }()
		held(t, target)
		target.cmd.Process.Kill()
		r := g.end(t)
		// If it notices in the middle of the answer, that is told as well.
		lines := strings.SplitAfter(r.stderr, "\n")
		r.stderr = lines[len(lines)-2]
		r.fails(t, statusExited, target.pid, "exited")
		if r := <-done; r.status != 1 {
			t.Errorf("gops: %+v", r)
		}
	})
}

// says sends something to the port, and wants it answered with one line.
func (g *standIn) says(t *testing.T, text, answer string) {
	t.Helper()
	c, err := net.Dial("tcp4", "127.0.0.1:"+g.port)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	io.WriteString(c, text)
	line, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(line), "manhole-poke: ") || strings.Count(string(line), "\n") != 1 || !strings.Contains(string(line), answer) {
		t.Errorf("%q is answered with %q, %v; want %q", text, line, err, answer)
	}
}

// What is not gops is kept from the console, to which it might mean more.
func TestGopsOnly(t *testing.T) {
	ownDirectory(t)
	target := start(t, "armed") // and says when it is rung
	g := startGops(t, target.pid, "-t", "200ms")
	g.says(t, "stats\n", "'s'")
	g.says(t, "GET / HTTP/1.1\r\n\r\n", "'G'")
	g.says(t, "\x16\x03\x01", "not gops") // TLS
	g.says(t, "\x10\xff", "setgc")
	g.says(t, "", "nothing within 200ms")
	c, err := net.Dial("tcp4", "127.0.0.1:"+g.port)
	if err != nil {
		t.Fatal(err)
	}
	c.Close() // only to see whether anybody is there
	g.says(t, "stats\n", "'s'")
	target.unharmed(t)
	r := g.signalled(t, syscall.SIGTERM)
	if !strings.HasPrefix(r.stderr, "manhole-poke: somebody who is not gops says 's'") {
		t.Errorf("stderr: %s", r.stderr)
	}
}

func TestGopsOtherUser(t *testing.T) {
	needRoot(t)
	ownDirectory(t)
	target := start(t, "armed")
	g := startGops(t, target.pid)
	gops := gopsCommand(t, "stats", "127.0.0.1:"+g.port) // the file is not theirs to read
	r := finish(t, asUser(t, 65534, gops))
	if want := "manhole-poke: refused uid 65534: this is for root\n"; r.stdout != want {
		t.Errorf("%+v, want %q", r, want)
	}
	// Who is gone at once is not root, although the kernel says uid 0 of his
	// socket then.
	for range 20 {
		as(t, 65534, func() {
			c, err := net.Dial("tcp4", "127.0.0.1:"+g.port)
			if err != nil {
				t.Fatal(err)
			}
			c.Write([]byte("\x02"))
			c.Close()
		})
	}
	g.says(t, "stats\n", "not gops") // all who were before are done with
	target.unharmed(t)
	r = g.signalled(t, syscall.SIGTERM)
	if !strings.HasPrefix(r.stderr, "manhole-poke: refused uid 65534: this is for root\n") {
		t.Errorf("stderr: %s", r.stderr)
	}
}

// What a user starts is for him and root.
func TestGopsOfUser(t *testing.T) {
	needRoot(t)
	ownDirectory(t)
	target := startCopy(t, "lazy", copied(t, "poke-test-gops"), 65534)
	g := startStandIn(t, target.pid, asUser(t, 65534, pokeCommand(t, nil, "gops", target.pid)))
	for name, cmd := range map[string]*exec.Cmd{
		"root":     gopsCommand(t, "version", target.pid),
		"the user": asUser(t, 65534, gopsCommand(t, "version", target.pid)),
	} {
		if r := finish(t, cmd); r.status != 0 || !strings.HasPrefix(r.stdout, "go") {
			t.Errorf("%s: %+v", name, r)
		}
	}
	r := finish(t, asUser(t, 65533, gopsCommand(t, "version", "127.0.0.1:"+g.port)))
	if want := "manhole-poke: refused uid 65533: this is for uid 65534 and root\n"; r.stdout != want {
		t.Errorf("%+v, want %q", r, want)
	}
	g.signalled(t, syscall.SIGTERM)
}

// asUser has a command run by another user.
func asUser(t *testing.T, uid int, cmd *exec.Cmd) *exec.Cmd {
	t.Helper()
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		t.Skip(err)
	}
	cmd.Args = append([]string{"setpriv", fmt.Sprintf("--reuid=%d", uid), fmt.Sprintf("--regid=%d", uid), "--clear-groups", cmd.Path}, cmd.Args[1:]...)
	cmd.Path = setpriv
	return cmd
}

// Nobody would know of a door whose opener's reader has gone.
func TestGopsUnread(t *testing.T) {
	ownDirectory(t)
	cmd := pokeCommand(t, nil, "gops", start(t, "lazy").pid)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	bufio.NewReader(out).ReadString('\n')
	out.Close()
	cmd.Wait()
	r := result{stderr: stderr.String(), status: status(cmd.ProcessState.ExitCode())}
	r.fails(t, statusHere, "nobody reads standard output any more")
}

func TestGopsBusy(t *testing.T) {
	ownDirectory(t)
	target := start(t, "lazy")
	g := startGops(t, target.pid)
	holder := pokeCommand(t, nil, target.pid, "block")
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	held(t, target)
	if r := runGops(t, "stats", target.pid); !strings.HasPrefix(r.stdout, "manhole-poke: process "+target.pid) || !strings.Contains(r.stdout, "lazy: busy: session held by ") {
		t.Errorf("%+v", r)
	}
	for _, command := range []string{"gc", "pprof-heap"} { // which would take any line for an answer
		if r := runGops(t, command, target.pid); r.status != 1 || !strings.Contains(r.stderr, "connection reset") {
			t.Errorf("%s: %+v", command, r)
		}
	}
	holder.Process.Signal(syscall.SIGTERM)
	holder.Wait()
	free(t, target)
	if r := runGops(t, "stats", target.pid); !strings.HasPrefix(r.stdout, "goroutines: ") {
		t.Errorf("afterwards: %+v", r)
	}
	r := g.signalled(t, syscall.SIGTERM)
	if strings.Count(r.stderr, "lazy: busy: ") != 3 {
		t.Errorf("stderr: %s", r.stderr)
	}
}

func TestGopsFileInTheWay(t *testing.T) {
	ownDirectory(t)
	agent := start(t, "with gops's agent")
	pokeWith(t, "", "gops", agent.pid).fails(t, statusAgent, agent.pid, "gops stack "+agent.pid+" works without")
	if r := runGops(t, "version", agent.pid); r.status != 0 {
		t.Errorf("the agent's file was harmed: %+v", r)
	}

	target := start(t, "lazy")
	g := startGops(t, target.pid)
	pokeWith(t, "", "gops", target.pid).fails(t, statusAgent, "port "+g.port, "another manhole-poke gops "+target.pid)
	if r := runGops(t, "version", target.pid); r.status != 0 {
		t.Errorf("the first one was harmed: %+v", r)
	}
	g.cmd.Process.Kill()
	<-g.ended
	// What it left is no use to anybody.
	if r := runGops(t, "version", target.pid); r.status != 1 || !strings.Contains(r.stderr, "connection refused") {
		t.Errorf("%+v", r)
	}
	file := g.file
	for _, text := range []string{g.port, "", "rubbish\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		g = startGops(t, target.pid)
		if r := runGops(t, "version", target.pid); r.status != 0 {
			t.Errorf("over %q: %+v", text, r)
		}
		g.signalled(t, syscall.SIGTERM)
	}

	// An agent that starts meanwhile writes over it.
	g = startGops(t, target.pid)
	if err := os.WriteFile(file, []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	g.cmd.Process.Signal(syscall.SIGTERM)
	<-g.ended
	if text, err := os.ReadFile(file); string(text) != "1" {
		t.Errorf("its file became %q, %v", text, err)
	}
	os.Remove(file)

	if err := os.Mkdir(file, 0o700); err != nil {
		t.Fatal(err)
	}
	pokeWith(t, "", "gops", target.pid).fails(t, statusHere, file, "not a file")
	t.Setenv("GOPS_CONFIG_DIR", "/proc/none")
	pokeWith(t, "", "gops", target.pid).fails(t, statusHere, "/proc/none", "GOPS_CONFIG_DIR")
}

// In a container the process has another pid, another /tmp and another
// loopback interface; gops knows it by the pid that is seen from here.
func TestGopsInContainer(t *testing.T) {
	needRoot(t)
	ownDirectory(t)
	target := startContained(t, "lazy")
	g := startGops(t, target.pid)
	for _, command := range []string{"version", "stats"} {
		if r := runGops(t, command, target.pid); r.status != 0 || !strings.HasPrefix(r.stdout, "go") {
			t.Errorf("%s: %+v", command, r)
		}
	}
	g.signalled(t, syscall.SIGTERM)
}

// An agent may be where gops cannot reach it.
func TestGopsAgentInNetworkNamespace(t *testing.T) {
	needRoot(t)
	ownDirectory(t)
	target := startContained(t, "with gops's agent")
	// As if it shared the directory too, and not the pid namespace.
	file := filepath.Join(os.Getenv("GOPS_CONFIG_DIR"), target.pid)
	port, err := os.ReadFile(filepath.Join("/proc", target.pid, "root", filepath.Dir(file), "1"))
	if err == nil {
		err = os.WriteFile(file, port, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	pokeWith(t, "", "gops", target.pid).fails(t, statusAgent, "in its network namespace", "nsenter -t "+target.pid+" -n gops stack "+target.pid)
}

func startContained(t *testing.T, role string) *target {
	t.Helper()
	if out, err := runTool("unshare", "-mn", "mount", "-t", "tmpfs", "none", "/tmp"); err != nil {
		t.Skipf("a container takes unshare and mount: %v %s", err, out)
	}
	cmd := exec.Command("sh", "-c", `exec 3<"$0" && mount -t tmpfs none /tmp && exec /proc/self/fd/3 ""`, copied(t, "inside"))
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:   syscall.CLONE_NEWPID | syscall.CLONE_NEWNET,
		Unshareflags: syscall.CLONE_NEWNS,
	}
	return startCommand(t, role, "", cmd)
}

func TestGopsUsage(t *testing.T) {
	ownDirectory(t)
	for _, args := range [][]string{
		{"gops"}, {"gops", "1", "stack"}, {"gops", "0"}, {"gops", "99999999999999999999"}, {"gops", "--for", "0", "1"},
		{"gops", "--for", "soon", "1"}, {"gops", "--json", "1"}, {"gops", "/tmp/x"}, {"--for", "1m", "1"}, {"--for", "1m"},
	} {
		pokeWith(t, "", args...).fails(t, statusUsage)
	}
	for role, s := range map[string]status{"unarmed": statusUnarmed, "ignoring": statusUncaught} {
		target := start(t, role)
		pokeWith(t, "", "gops", target.pid).fails(t, s, target.pid)
	}
	if left, _ := os.ReadDir(os.Getenv("GOPS_CONFIG_DIR")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	pokeWith(t, "", "gops", "no-such-name").fails(t, statusNoProcess, "no-such-name")
}

// Where the kernel gives everybody unknown this user's number, nobody could be
// told from it: the one way to this status that there is on Linux, but for a
// /proc without net/tcp.
func TestGopsWhereUsersLookAlike(t *testing.T) {
	if out, err := runTool("unshare", "-U", "true"); err != nil {
		t.Skipf("a user namespace takes unshare: %v %s", err, out)
	}
	ownDirectory(t)
	g := start(t, "armed")
	r := finish(t, exec.Command("unshare", "-U", pokeBinary, "gops", g.pid))
	r.fails(t, statusUnsupported, "everybody unknown looks like you", "as its root")
	g.unharmed(t)
}

func TestPassAnswer(t *testing.T) {
	long := strings.Repeat("0123456789abcdef\n", 10000)
	const busy, failed = "lazy: busy: somebody", "lazy: error: stack: panic: why"
	for text, want := range map[string]struct{ passed, own string }{
		"":                                 {"", ""},
		"ok":                               {"ok", ""},
		long:                               {long, ""},
		long + "lazy> ":                    {long + "lazy> ", ""},
		busy + "\n":                        {"", busy},
		busy:                               {"", busy},
		failed + "\n" + long:               {"", failed},
		"part\n" + failed + "\n":           {"part\n", failed},
		long + "\n" + failed + "\n":        {long + "\n", failed},
		long + failed + "\nand more\n":     {long + failed + "\nand more\n", ""}, // an executable may hold that
		long + "no line of " + busy + "\n": {long + "no line of " + busy + "\n", ""},
	} {
		for _, from := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text))} {
			var to bytes.Buffer
			n, own, err := passAnswer(&to, from)
			if to.String() != want.passed || n != len(want.passed) || own != want.own || err != nil {
				t.Errorf("%.40q...: passed %d of %d bytes, own words %q, %v; want %d and %q", text, n, len(text), own, err, len(want.passed), want.own)
			}
		}
	}
	broken := errors.New("broken")
	if _, _, err := passAnswer(io.Discard, io.MultiReader(strings.NewReader("part"), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("reading: %v", err)
	}
}

func FuzzPassAnswer(f *testing.F) {
	f.Add([]byte("lazy: busy: somebody\n"))
	f.Add([]byte("goroutines: 1\nlazy: closing: why\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var to bytes.Buffer
		n, own, err := passAnswer(&to, bytes.NewReader(text))
		if err != nil || n != to.Len() || !bytes.HasPrefix(text, to.Bytes()) || own == "" && n != len(text) || strings.Contains(own, "\n") {
			t.Errorf("%q: passed %q, own words %q, %v", text, to.Bytes(), own, err)
		}
	})
}
