package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
	"golang.org/x/sys/unix"
)

// patience is how long a test waits for what must happen; no test depends on
// how soon it does.
const patience = 2 * time.Minute

func runTool(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).CombinedOutput()
	return string(out), err
}

// A result is what manhole-poke left behind.
type result struct {
	stdout, stderr string
	status         status
}

// pokeCommand is manhole-poke, killed if it does not come back.
func pokeCommand(t *testing.T, stdin io.Reader, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, pokeBinary, args...)
	cmd.Stdin = stdin
	return cmd
}

func finish(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &stdout
	}
	cmd.Stderr = &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{stdout.String(), stderr.String(), status(cmd.ProcessState.ExitCode())}
}

// pokeWith runs manhole-poke with a script, "" being none.
func pokeWith(t *testing.T, script string, args ...string) result {
	t.Helper()
	return finish(t, pokeCommand(t, strings.NewReader(script), args...))
}

// fails asserts a status, and one line on stderr that holds all of the words.
func (r result) fails(t *testing.T, s status, words ...string) {
	t.Helper()
	if r.status != s {
		t.Errorf("exit status %d, want %d", r.status, s)
	}
	line, isLine := strings.CutPrefix(r.stderr, "manhole-poke: ")
	if !isLine || strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
		t.Errorf("not one line: %q", r.stderr)
	}
	for _, w := range words {
		if !strings.Contains(line, w) {
			t.Errorf("%q lacks %q", line, w)
		}
	}
}

func (r result) succeeds(t *testing.T, stdout string) {
	t.Helper()
	if r.status != statusOK || r.stdout != stdout || r.stderr != "" {
		t.Errorf("got %+v, want %q", r, stdout)
	}
}

// A target is a process to be poked.
type target struct {
	cmd   *exec.Cmd
	pid   string
	path  string
	lines chan string
}

func start(t testing.TB, role string) *target {
	t.Helper()
	dir, err := os.MkdirTemp("", "poke")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return startAt(t, role, filepath.Join(dir, "door"))
}

func startAt(t testing.TB, role, path string) *target {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return startCommand(t, role, path, exec.Command(exe, path))
}

// startCommand is for a target that is started by something else: cmd ends up
// as this executable with the path as its argument.
func startCommand(t testing.TB, role, path string, cmd *exec.Cmd) *target {
	t.Helper()
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	g := &target{cmd: cmd, pid: strconv.Itoa(cmd.Process.Pid), path: path, lines: make(chan string, 100)}
	if path == "" {
		g.path = "/tmp/manhole-" + g.pid
	}
	read := make(chan bool)
	go func() {
		defer close(read)
		for s := bufio.NewScanner(stdout); s.Scan(); {
			g.lines <- s.Text()
		}
		close(g.lines)
	}()
	t.Cleanup(func() {
		stdin.Close()
		cmd.Process.Signal(syscall.SIGCONT)
		<-read
		cmd.Wait()
	})
	g.expect(t, "ready")
	return g
}

func (g *target) expect(t testing.TB, line string) {
	t.Helper()
	select {
	case l := <-g.lines:
		if l != line {
			t.Fatalf("the target said %q, want %q", l, line)
		}
	case <-time.After(patience):
		t.Fatalf("the target did not say %q", line)
	}
}

// unharmed says that the target lives and was not rung.
func (g *target) unharmed(t *testing.T) {
	t.Helper()
	if state := stateOf(t, g.pid); state == 'Z' || state == 'X' {
		t.Error("the target died")
	}
	select {
	case l := <-g.lines:
		t.Errorf("the target said %q", l)
	default:
	}
}

func stateOf(t *testing.T, pid string) byte {
	t.Helper()
	text, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		t.Fatal(err)
	}
	s, err := procfs.ParseStatus(text)
	if err != nil {
		t.Fatal(err)
	}
	return s.State
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it never came about that", what)
		}
	}
}

// startOther starts a program that is not ours.
func startOther(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(name, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return strconv.Itoa(cmd.Process.Pid)
}

func TestScript(t *testing.T) {
	g := start(t, "armed")
	pokeWith(t, "stats\nmore\n", g.pid).succeeds(t, "you said stats\nyou said more\n")
	pokeWith(t, "stats\nquit\n", "-s", "USR2", "-t", "5", g.pid).succeeds(t, "you said stats\n")
	pokeWith(t, "no newline at the end", g.pid).succeeds(t, "you said no newline at the end")
	g.expect(t, "rung")
}

func TestScriptThatStartsLate(t *testing.T) {
	g := start(t, "armed")
	r, w := io.Pipe()
	go func() {
		time.Sleep(300 * time.Millisecond) // a silent peer would be a person by now
		io.WriteString(w, "stats\n")
		w.Close()
	}()
	finish(t, pokeCommand(t, r, g.pid)).succeeds(t, "you said stats\n")
}

func TestReport(t *testing.T) {
	g := start(t, "armed")
	finish(t, pokeCommand(t, nil, g.pid)).succeeds(t, "lazy: welcome\n\nreport\n")
}

func TestDefaultPath(t *testing.T) {
	g := startAt(t, "armed", "")
	pokeWith(t, "a\n", g.pid).succeeds(t, "you said a\n")
}

func TestWithoutNote(t *testing.T) {
	g := start(t, "without a note")
	pokeWith(t, "a\n", g.pid).fails(t, statusUnarmed, g.pid, "does not look armed", "-s SIGUSR2")
	g.unharmed(t)
	pokeWith(t, "a\n", "-s", "12", "-p", g.path, g.pid).succeeds(t, "you said a\n")
}

func TestPath(t *testing.T) {
	g := startAt(t, "armed", "")
	// Nobody listens, but the process says that the path is its own, by whatever
	// name its directory has here.
	dir := t.TempDir()
	if err := os.Symlink("/tmp", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	name := "/" + filepath.Base(g.path)
	for _, path := range []string{g.path, dir + "/link" + name, "/proc/" + g.pid + "/root/tmp" + name, "/tmp/." + name} {
		pokeWith(t, "a\n", path).succeeds(t, "you said a\n")
		g.expect(t, "rung")
		pokeWith(t, "", path, "b").succeeds(t, "you said b\n")
		g.expect(t, "rung")
	}
	for _, path := range []string{dir + name, dir + "/none" + name, dir + "/link/none" + name} {
		pokeWith(t, "a\n", path).fails(t, statusNobody, "does not say that the path is its own")
		g.unharmed(t)
	}
	// Somebody listens already: nothing is to be rung.
	until(t, "the door is closed", func() bool { _, err := os.Lstat(g.path); return err != nil })
	g.cmd.Process.Signal(syscall.SIGUSR2)
	g.expect(t, "rung")
	until(t, "the door is open", func() bool { _, err := os.Lstat(g.path); return err == nil })
	pokeWith(t, "b\n", g.path).succeeds(t, "you said b\n")
	g.unharmed(t)
}

func TestCommandFails(t *testing.T) {
	g := start(t, "armed")
	r := pokeWith(t, "bad\na\n", g.pid)
	r.fails(t, statusCommand, "bad: no such command; try help")
	if want := "lazy: error: bad: no such command; try help\nyou said a\n"; r.stdout != want {
		t.Errorf("got %q, want %q", r.stdout, want)
	}
	pokeWith(t, "bad\nbad\n", g.pid).fails(t, statusCommand, "2 commands failed", "the first: bad")
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		{"-t", "1"}, {"list", "x"}, {"-x", "1"}, {"-t"}, {"-t", "0", "1"}, {"-t", "soon", "1"}, {"-s", "XYZ", "1"}, {"-s", "KILL", "1"},
		{"0"}, {"-1"}, {"99999999999999999999"}, {"-p", "/x", "/y"}, {""}, {"--what", "1"},
		{"demo", "x"}, {"-s", "USR1", "demo"}, {"help", "x"}, {"version", "x"}, {"--version", "x"},
		{"completion"}, {"completion", "x"}, {"--json", "1"}, {"-o", "x", "1"}, {"-f", "1", "stats"},
		{"1", "--json", "stats"}, {"1", "stats", "-o"}, {"1", "a\nb"}, {"1", "stats\x03"}, {"-c", "stats\x03", "1"}, {"-c", " ; ", "1"}, {"-c", "'", "1"},
		{"-c", "stats"}, {"--all"}, {"--all", "1", "stats"}, {"--all", "-c", "stats", "1"}, {"--all", "-x"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			pokeWith(t, "", args...).fails(t, statusUsage)
		})
	}
}

func TestHelpAndVersion(t *testing.T) {
	for _, arg := range []string{"help", "-h", "-help", "--help"} {
		if r := pokeWith(t, "", arg); r.status != statusOK || r.stderr != "" || !strings.HasPrefix(r.stdout, "Usage:\n  manhole-poke ") {
			t.Errorf("%s: %+v", arg, r)
		}
	}
	if r := pokeWith(t, "", "version"); r.status != statusOK || r.stderr != "" || !strings.HasPrefix(r.stdout, "manhole-poke ") {
		t.Errorf("version: %+v", r)
	}
}

func TestCalledLikeASubcommand(t *testing.T) {
	for _, name := range []string{"version", "help", "demo"} {
		pokeWith(t, "", "--", name).fails(t, statusNoProcess, name)
	}
}

func TestNearlyASubcommand(t *testing.T) {
	for word, near := range map[string]string{"lst": "list", "List": "list", "hlep": "help", "kernle": "kernel", "vers": "version", "stats": "", "xyz": "", "my": ""} {
		r := pokeWith(t, "", word)
		r.fails(t, statusNoProcess, fmt.Sprintf("%q", word), "manhole-poke alone")
		if said := strings.Contains(r.stderr, "the subcommand"); said != (near != "") || said && !strings.Contains(r.stderr, "the subcommand "+near+";") {
			t.Errorf("%s: %s", word, r.stderr)
		}
	}
}

func TestNoProcess(t *testing.T) {
	cmd := exec.Command("true")
	if err := cmd.Run(); err != nil {
		t.Skip(err)
	}
	pid := strconv.Itoa(cmd.Process.Pid)
	pokeWith(t, "", pid).fails(t, statusNoProcess, "no process "+pid, "try")
}

func TestThread(t *testing.T) {
	g := start(t, "armed")
	threads, err := os.ReadDir("/proc/" + g.pid + "/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		if thread.Name() != g.pid {
			pokeWith(t, "", thread.Name()).fails(t, statusNoProcess, "thread of process "+g.pid)
			return
		}
	}
	t.Skip("the target has one thread only")
}

func TestUncaught(t *testing.T) {
	pid := startOther(t, "sleep", "1000")
	until(t, "sleep runs", func() bool { text, _ := os.ReadFile("/proc/" + pid + "/comm"); return string(text) == "sleep\n" })
	pokeWith(t, "", pid).fails(t, statusNotGo, pid+" (sleep)", "not a Go program")
	pokeWith(t, "", "-s", "USR2", pid).fails(t, statusUncaught, pid+" (sleep)", "would die of it")
	if s := stateOf(t, pid); s == 'Z' {
		t.Error("it died of it")
	}
}

func TestIgnoring(t *testing.T) {
	g := start(t, "ignoring")
	pokeWith(t, "", g.pid).fails(t, statusUncaught, g.pid, "ignores SIGUSR2")
}

func TestUnarmed(t *testing.T) {
	for _, role := range []string{"unarmed", "with another's note"} {
		g := start(t, role)
		pokeWith(t, "", g.pid).fails(t, statusUnarmed, g.pid, "lazy.Arm")
		g.unharmed(t)
	}
	g := start(t, "unarmed")
	pokeWith(t, "", "-s", "USR2", "-t", "200ms", g.pid).fails(t, statusTimeout, g.pid, "lazy.Arm")
	g.expect(t, "rung")
}

func TestNoteFromTheFuture(t *testing.T) {
	g := start(t, "from the future")
	pokeWith(t, "", g.pid).fails(t, statusUnarmed, "newer manhole-poke")
	g.unharmed(t)
}

func TestOtherSignal(t *testing.T) {
	g := start(t, "for USR1")
	pokeWith(t, "", "-s", "USR2", g.pid).fails(t, statusOtherSignal, "armed for SIGUSR1", "without -s")
	g.unharmed(t)
	pokeWith(t, "a\n", g.pid).succeeds(t, "you said a\n")
}

func TestStopped(t *testing.T) {
	g := start(t, "armed")
	g.cmd.Process.Signal(syscall.SIGSTOP)
	until(t, "it stopped", func() bool { return stateOf(t, g.pid) == 'T' })
	pokeWith(t, "", g.pid).fails(t, statusStopped, g.pid, "kill -CONT "+g.pid)
	g.unharmed(t)
}

func TestZombie(t *testing.T) {
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	defer cmd.Wait()
	pid := strconv.Itoa(cmd.Process.Pid)
	until(t, "it died", func() bool { return stateOf(t, pid) == 'Z' })
	pokeWith(t, "", pid).fails(t, statusZombie, pid+" (true)", "zombie")
}

func TestDeaf(t *testing.T) {
	g := start(t, "deaf")
	pokeWith(t, "", "-t", "200ms", g.pid).fails(t, statusTimeout, g.pid, "did not open "+g.path, "-t")
	g.expect(t, "rung")
	if err := os.WriteFile(g.path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	pokeWith(t, "", "-t", "200ms", g.pid).fails(t, statusTimeout, g.path, "not a socket")
}

func TestSilent(t *testing.T) {
	g := start(t, "silent")
	r := finish(t, pokeCommand(t, nil, "-t", "200ms", g.pid))
	if r.status != statusTimeout {
		t.Errorf("%+v", r)
	}
}

func TestNobody(t *testing.T) {
	dir := t.TempDir()
	pokeWith(t, "", dir+"/door").fails(t, statusNobody, "nobody listens at "+dir+"/door", "manhole-poke PID")
	pokeWith(t, "", "/tmp/manhole-4999999").fails(t, statusNobody, "no process 4999999")
	g := start(t, "armed")
	pokeWith(t, "", dir+"/manhole-"+g.pid).fails(t, statusNobody, "manhole-poke "+g.pid)
	g.unharmed(t)
	// A socket that its process left behind.
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: dir + "/stale", Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	pokeWith(t, "", dir+"/stale").fails(t, statusNobody, "nobody listens at")
}

// silentListener stands in for the impostor; it must not be spoken to.
func silentListener(t *testing.T, path string) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan bool)
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if said, _ := io.ReadAll(c); len(said) > 0 {
				t.Errorf("the impostor heard %q", said)
			}
			c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
}

func TestImpostor(t *testing.T) {
	g := start(t, "armed")
	silentListener(t, g.path)
	self := fmt.Sprintf("process %d (", os.Getpid())
	pokeWith(t, "secret\n", g.pid).fails(t, statusImpostor, self, g.path, "not process "+g.pid)
	g.unharmed(t)

	g = startAt(t, "armed", "")
	silentListener(t, g.path)
	pokeWith(t, "secret\n", g.path).fails(t, statusImpostor, self, g.path, "not process "+g.pid)
	g.unharmed(t)
}

func TestImpostorWhoIsFaster(t *testing.T) {
	g := start(t, "deaf")
	done := make(chan result)
	go func() { done <- pokeWith(t, "secret\n", "-t", "30s", g.pid) }()
	g.expect(t, "rung")
	silentListener(t, g.path)
	(<-done).fails(t, statusImpostor, g.path, "not process "+g.pid)
}

func TestImpostorsDatagramSocket(t *testing.T) {
	g := start(t, "armed")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: g.path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	pokeWith(t, "secret\n", g.pid).fails(t, statusImpostor, g.path)
	g.unharmed(t)
}

func TestTurnedAway(t *testing.T) {
	g := start(t, "refusing")
	r := pokeWith(t, "a\n", g.pid)
	r.fails(t, statusRefused, "lazy: refused: uid 7 is neither uid 0 nor root", "try as the process's user")
	g = start(t, "busy")
	r2 := pokeWith(t, "a\n", g.pid)
	r2.fails(t, statusBusy, "held by uid 7 (pid 8) since 09:10:11", "wait")
	if r.stdout+r2.stdout != "" {
		t.Errorf("said on stdout: %q", r.stdout+r2.stdout)
	}
}

func TestBroken(t *testing.T) {
	g := start(t, "hanging up")
	finish(t, pokeCommand(t, nil, g.pid)).fails(t, statusBroken, g.pid, "without a word")
	g = start(t, "hanging up on the script")
	pokeWith(t, "a\nb\nc\n", g.pid).fails(t, statusBroken, g.pid, "try")
	g = start(t, "closing")
	r := pokeWith(t, "a\n", g.pid)
	r.fails(t, statusBroken, "ended the session: silent for 5m0s")
	if r.stdout != "welcome\n" {
		t.Errorf("%q", r.stdout)
	}
}

// Who comes before the process has noticed that the holder is gone gets in.
func TestHolderKilled(t *testing.T) {
	g := start(t, "lazy")
	for range 10 {
		holder := pokeCommand(t, nil, g.pid, "block")
		out, err := holder.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := holder.Start(); err != nil {
			t.Fatal(err)
		}
		bufio.NewReader(out).ReadString('\n')
		holder.Process.Kill()
		holder.Wait()
		finish(t, pokeCommand(t, nil, g.pid, "echo", "in")).succeeds(t, "in\n")
	}
}

// Who comes when the session before is just ending tries again, whatever the
// language, and says all of it again.
func TestHungUpAtFirst(t *testing.T) {
	for script, answer := range map[string]string{
		"stats\n":              "you said stats\n",
		"\a":                   "gops said \"\\a\"\n",
		"\x10\xc8\x01and more": "gops said \"\\x10\\xc8\\x01\"\n",
	} {
		g := start(t, "hanging up at first")
		pokeWith(t, script, g.pid).succeeds(t, answer)
	}
	pokeWith(t, "\x10\xc8", start(t, "armed").pid).fails(t, statusUsage, "setgc without a number", "setgc 100")
}

func TestExited(t *testing.T) {
	g := start(t, "dying when rung")
	pokeWith(t, "a\n", g.pid).fails(t, statusExited, g.pid, "exited before it opened "+g.path)
	g = start(t, "dying in the session")
	r := pokeWith(t, "a\n", g.pid)
	r.fails(t, statusExited, g.pid, "exited during the session")
	if r.stdout != "welcome\n" {
		t.Errorf("%q", r.stdout)
	}
}

func TestStandardOutputFull(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	a, b := start(t, "lazy"), start(t, "lazy")
	for _, c := range []struct {
		script string
		args   []string
		says   string
	}{
		{"version\n", []string{a.pid}, "cannot write the answers"},
		{"", []string{a.pid}, "cannot write the answers"},
		{"\a", []string{a.pid}, "cannot write the answer"},
		{"", []string{a.pid, "version"}, "cannot write the answer"},
		{"", []string{a.pid, "binary"}, "cannot write the answer"},
		{"", []string{"-c", "version; stats", a.pid}, "cannot write the answer"},
		{"", []string{a.pid, b.pid, "version"}, "cannot write the answers"},
		{"", []string{a.pid, b.pid, "stats"}, "cannot write the answers"},
		{"", []string{a.pid, b.pid, "stack"}, "cannot write the answers"},
		{"", []string{"--json", a.pid, b.pid, "stack"}, "cannot write the answers"},
		{"", []string{"list"}, "cannot write the list"},
		{"", []string{"kernel", a.pid}, "cannot write what the kernel knows"},
		{"", []string{"help"}, "cannot write to standard output"},
		{"", []string{"version"}, "cannot write to standard output"},
		{"", []string{"man"}, "cannot write to standard output"},
		{"", []string{"completion", "bash"}, "cannot write to standard output"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			cmd := pokeCommand(t, strings.NewReader(c.script), c.args...)
			cmd.Stdout = full
			finish(t, cmd).fails(t, statusHere, c.says+": ", "no space left")
		})
	}
}

func TestStandardInputUnreadable(t *testing.T) {
	dir, err := os.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	g := start(t, "armed")
	finish(t, pokeCommand(t, dir, g.pid)).fails(t, statusHere, "cannot read the script", "</dev/null")
	g.unharmed(t)
}

func TestInterrupted(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		g := start(t, "deaf")
		cmd := pokeCommand(t, strings.NewReader("a\n"), g.pid)
		done := make(chan result)
		go func() { done <- finish(t, cmd) }()
		g.expect(t, "rung")
		cmd.Process.Signal(sig)
		(<-done).fails(t, statusInterrupted+status(sig), signalName(sig))
	}
}

// It is as good to leave while no more connections fit.
func TestInterruptedInLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "door")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrUnix{Name: path}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	first, _, err := dial(path)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if second, _, err := dial(path); err != unix.EAGAIN {
		t.Skip("more than one may wait here: ", second, err)
	}
	script, say, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer script.Close()
	defer say.Close()
	cmd := pokeCommand(t, script, "-t", "1h", path)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	io.WriteString(say, "stats\n")
	until(t, "the script is read", func() bool {
		unread, err := unix.IoctlGetInt(int(script.Fd()), unix.TIOCINQ)
		return err == nil && unread == 0
	})
	cmd.Process.Signal(syscall.SIGINT)
	cmd.Wait()
	r := result{stderr: stderr.String(), status: status(cmd.ProcessState.ExitCode())}
	r.fails(t, statusInterrupted+status(syscall.SIGINT), "left on SIGINT")
}

// asNobody runs manhole-poke as another user.
func asNobody(t *testing.T, script string, args ...string) result {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("becoming another user takes root")
	}
	if _, err := exec.LookPath("setpriv"); err != nil {
		t.Skip(err)
	}
	cmd := exec.Command("setpriv", append([]string{"--reuid=65534", "--regid=65534", "--clear-groups", pokeBinary}, args...)...)
	cmd.Stdin = strings.NewReader(script)
	return finish(t, cmd)
}

func TestOtherUser(t *testing.T) {
	g := startAt(t, "armed", "")
	asNobody(t, "a\n", g.pid).fails(t, statusPermission, g.pid, "belongs to uid 0", "uid 65534", "as root")
	g.unharmed(t)
	asNobody(t, "a\n", g.path).fails(t, statusNobody, g.path, "belongs to uid 0")
	silentListener(t, g.path)
	if err := os.Chmod(g.path, 0o600); err != nil {
		t.Fatal(err)
	}
	asNobody(t, "a\n", g.path).fails(t, statusPermission, "no permission to connect", "uid 65534")
	if err := os.Chmod(g.path, 0o666); err != nil {
		t.Fatal(err)
	}
	asNobody(t, "a\n", g.path).fails(t, statusImpostor, g.path)

	door := g.path + "-door"
	silentListener(t, door)
	if err := os.Chmod(door, 0o666); err != nil {
		t.Fatal(err)
	}
	asNobody(t, "a\n", door).fails(t, statusPermission, "belongs to uid 0")
}

// withoutProc runs manhole-poke where /proc is not mounted.
func withoutProc(t *testing.T, args ...string) result {
	t.Helper()
	if out, err := runTool("unshare", "-m", "mount", "-t", "tmpfs", "none", "/proc"); err != nil {
		t.Skipf("hiding /proc needs root, unshare and mount: %v %s", err, out)
	}
	cmd := exec.Command("unshare", append([]string{"-m", "sh", "-c", `mount -t tmpfs none /proc && exec "$0" "$@"`, pokeBinary}, args...)...)
	r := finish(t, cmd)
	// The race detector says, now and then, that it misses /proc itself.
	r.stderr = regexp.MustCompile(`(?m)^==\d+==WARNING: reading executable name failed.*\n`).ReplaceAllString(r.stderr, "")
	return r
}

func TestWithoutProc(t *testing.T) {
	g := start(t, "armed")
	withoutProc(t, g.pid).fails(t, statusUnlooked, g.pid, "/proc", "kill -USR2 "+g.pid)
	g.unharmed(t)
	// What that advises.
	g = start(t, "lazy")
	g.cmd.Process.Signal(syscall.SIGUSR2)
	until(t, "the door is open", func() bool { _, err := os.Lstat(g.path); return err == nil })
	withoutProc(t, g.path, "echo", "still", "here").succeeds(t, "still here\n")
}

// openTerminal makes a terminal, pty(7).
func openTerminal(t *testing.T) (keys, tty *os.File) {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { keys.Close() })
	if err := unix.IoctlSetPointerInt(int(keys.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetUint32(int(keys.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { tty.Close() })
	return keys, tty
}

// A pty collects what a terminal shows.
type pty struct {
	keys  *os.File
	tty   *os.File
	chunk chan string
	shown string
}

func (s *pty) until(t *testing.T, text string) {
	t.Helper()
	late := time.After(patience)
	for !strings.Contains(s.shown, text) {
		select {
		case c := <-s.chunk:
			s.shown += c
		case <-late:
			t.Fatalf("the screen shows %q, not %q", s.shown, text)
		}
	}
	_, s.shown, _ = strings.Cut(s.shown, text)
}

func (s *pty) typed(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(s.keys, text); err != nil {
		t.Fatal(err)
	}
}

// unread is what was typed and nobody has read, in whole lines.
func (s *pty) unread(t *testing.T) string {
	t.Helper()
	n, err := unix.IoctlGetInt(int(s.tty.Fd()), unix.TIOCINQ)
	if err != nil {
		t.Fatal(err)
	}
	var text string
	for len(text) < n { // a line at a time
		line := make([]byte, n)
		k, err := s.tty.Read(line)
		if err != nil {
			t.Fatal(err)
		}
		text += string(line[:k])
	}
	return text
}

// atTerminal starts manhole-poke on a terminal of its own. The returned
// function waits for it and checks that the terminal is as it was.
func atTerminal(t *testing.T, args ...string) (*pty, func() status) {
	t.Helper()
	return atTerminalAfter(t, "", args...)
}

// atTerminalAfter does so where something was typed already.
func atTerminalAfter(t *testing.T, typed string, args ...string) (*pty, func() status) {
	t.Helper()
	keys, tty := openTerminal(t)
	before, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	s := &pty{keys: keys, tty: tty, chunk: make(chan string, 100)}
	go func() {
		for {
			buf := make([]byte, 4096)
			n, err := keys.Read(buf)
			if err != nil {
				return
			}
			s.chunk <- string(buf[:n])
		}
	}()
	s.typed(t, typed)
	cmd := pokeCommand(t, tty, args...)
	cmd.Stdout, cmd.Stderr = tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return s, func() status {
		t.Helper()
		cmd.Wait()
		after, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
		if err != nil || *after != *before {
			t.Errorf("the terminal was %+v and is %+v, %v", before, after, err)
		}
		return status(cmd.ProcessState.ExitCode())
	}
}

var demoPid = regexp.MustCompile(`this is manhole-poke (\d+):`)

func TestDemo(t *testing.T) {
	r := finish(t, pokeCommand(t, nil, "demo"))
	m := demoPid.FindStringSubmatch(r.stderr)
	if r.status != statusOK || m == nil || strings.Count(r.stderr, "\n") != 1 {
		t.Fatalf("%+v", r)
	}
	for _, word := range []string{
		"pid", "goroutines", "main.packOrders", "main.shipParcel", "main.tendDesk", "main.payAtTill", "main.readShelves",
		"main.waitForDoors", "main.waitForStaff", "main.cleanFloor", "main.printReceipt",
	} {
		if !strings.Contains(r.stdout, word) {
			t.Errorf("the report lacks %q", word)
		}
	}
	if t.Failed() {
		t.Log(r.stdout)
	}
	if err := unix.Kill(mustAtoi(t, m[1]), 0); err != unix.ESRCH {
		t.Errorf("the demo's program is still there: %v", err)
	}
	if _, err := os.Lstat("/tmp/manhole-" + m[1]); err == nil {
		t.Errorf("the demo's socket is still there")
	}
}

// The demo's program is a real armed one: poke it from a second process.
func TestReal(t *testing.T) {
	cmd := exec.Command(pokeBinary, "demo", demoProgramArg)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer stdin.Close()
	if _, err := io.ReadFull(stdout, make([]byte, len(demoArmed))); err != nil {
		t.Fatal(err)
	}
	pid := strconv.Itoa(cmd.Process.Pid)

	if r := pokeWith(t, "stats\nversion\n", pid); r.status != statusOK || r.stderr != "" || !strings.Contains(r.stdout, "goroutines") || strings.Contains(r.stdout, "lazy") {
		t.Errorf("a script: %+v", r)
	}
	if r := pokeWith(t, "nonsense\nversion\n", pid); !strings.Contains(r.stdout, "\ngo") {
		t.Errorf("an unknown command: %+v", r)
	} else {
		r.fails(t, statusCommand, "nonsense: no such command")
	}
	if r := pokeWith(t, "", pid); r.status != statusOK || !strings.Contains(r.stdout, "main.printReceipt") {
		t.Errorf("a report: %+v", r)
	}
	if r := pokeWith(t, "\a", pid); r.status != statusOK || !strings.HasPrefix(r.stdout, "goroutines: ") {
		t.Errorf("gops's stats: %+v", r)
	}
	pokeWith(t, "", "-s", "USR1", pid).fails(t, statusOtherSignal, "armed for SIGUSR2")

	s, wait := atTerminal(t, pid)
	s.until(t, "lazy> ")
	// While the session is held, others are told so.
	pokeWith(t, "stats\n", pid).fails(t, statusBusy, pid, "lazy: busy:")
	s.typed(t, "stats\n")
	s.until(t, "goroutines")
	s.until(t, "lazy> ")
	s.typed(t, "quit\n")
	if st := wait(); st != statusOK {
		t.Errorf("quit at the terminal: exit status %d", st)
	}

	s, wait = atTerminal(t, pid)
	s.until(t, "lazy> ")
	defer os.Remove("/tmp/manhole-" + pid) // nobody is left to do it
	cmd.Process.Kill()
	if st := wait(); st != statusExited {
		t.Errorf("killed in the session: exit status %d", st)
	}
	s.until(t, "exited during the session")
}

func TestDemoAtTerminal(t *testing.T) {
	s, wait := atTerminal(t, "demo")
	s.until(t, "lazy> ")
	s.typed(t, "stats\n")
	s.until(t, "goroutines")
	s.until(t, "lazy> ")
	s.typed(t, "\x04")
	if st := wait(); st != statusOK {
		t.Errorf("exit status %d", st)
	}
}

// However the demo ends, its program ends with it.
func TestDemoKilled(t *testing.T) {
	keys, tty := openTerminal(t)
	defer keys.Close()
	cmd := pokeCommand(t, tty, "demo")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stderr).ReadString('\n')
	m := demoPid.FindStringSubmatch(line)
	if m == nil {
		t.Fatal(line, err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	pid := mustAtoi(t, m[1])
	until(t, "the demo's program is gone", func() bool {
		text, err := os.ReadFile("/proc/" + m[1] + "/stat")
		return unix.Kill(pid, 0) == unix.ESRCH || err == nil && procfs.Exiting(text) // where nobody reaps orphans
	})
	if _, err := os.Lstat("/tmp/manhole-" + m[1]); err == nil {
		t.Error("the demo's socket is still there")
	}
}

func mustAtoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
