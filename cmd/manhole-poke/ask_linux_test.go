package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-manhole/lazy/stackdump"
	opcode "github.com/google/gops/signal"
	"golang.org/x/sys/unix"
)

func TestOneCommand(t *testing.T) {
	g := startAt(t, "lazy", "")
	pokeWith(t, "", g.pid, "echo", "one  word", "it's").succeeds(t, "one  word it's\n")
	pokeWith(t, "", g.path, "version").succeeds(t, runtime.Version()+"\n")
	pokeWith(t, "", "-c", "echo 'a;b'; version", g.pid).succeeds(t, "a;b\n"+runtime.Version()+"\n")
	pokeWith(t, "", "-c", "quit; version", g.pid).fails(t, statusBroken, "before all was said")

	r := pokeWith(t, "", g.pid, "fail")
	r.fails(t, statusCommand, "fail: on purpose")
	if r.stdout != "half an answer\n" {
		t.Errorf("%q", r.stdout)
	}
	pokeWith(t, "", g.pid, "nonsense").fails(t, statusCommand, "nonsense: no such command; try help")
	r = pokeWith(t, "", "-c", "fail; echo on", g.pid)
	if r.status != statusCommand || r.stdout != "half an answer\non\n" || r.stderr != "manhole-poke: fail: on purpose\nmanhole-poke: 1 of 2 commands failed\n" {
		t.Errorf("%+v", r)
	}
	// What it answers holds all that lazy may say in its own name.
	exe, err := os.ReadFile(g.exe(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []result{pokeWith(t, "", g.pid, "binary"), pokeWith(t, "binary\n", g.pid), pokeWith(t, "\t", g.pid)} {
		if r.status != statusOK || r.stdout != string(exe) {
			t.Errorf("binary: status %d, %d bytes, not %d; %s", r.status, len(r.stdout), len(exe), r.stderr)
		}
	}

	pokeWith(t, "", g.pid, "die").fails(t, statusExited, "exited during the session")
}

// exe is the target's executable.
func (g *target) exe(t *testing.T) string {
	t.Helper()
	name, err := os.Readlink("/proc/" + g.pid + "/exe")
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// Enter ends early what takes its time, but not one typed before it began; and
// all else that is typed is left to the shell.
func TestOneCommandEnter(t *testing.T) {
	g := start(t, "lazy")
	for _, before := range []string{"", "\n", "stats\n", "stats\n\n"} {
		s, wait := atTerminalAfter(t, before, g.pid, "watch", "0.01", "30")
		s.until(t, "CPU\r\n")
		for range 30 {
			s.until(t, "%\r\n")
		}
		if st := wait(); st != statusOK || s.unread(t) != before {
			t.Errorf("%q: exit status %d", before, st)
		}

		for _, command := range []string{"watch 0.01", "pprof-cpu 1h -o " + filepath.Join(t.TempDir(), "cpu.pprof")} {
			s, wait := atTerminalAfter(t, before, append([]string{g.pid}, strings.Fields(command)...)...)
			s.until(t, map[string]string{"w": "Enter ends it", "p": "s left"}[command[:1]])
			s.typed(t, "version\n") // which is not Enter alone
			done := make(chan status, 1)
			go func() { done <- wait() }()
			for over := false; !over; {
				select {
				case st := <-done:
					left, ours := strings.CutPrefix(s.unread(t), before+"version\n")
					if over = true; st != statusOK || !ours || strings.Trim(left, "\n") != "" {
						t.Errorf("%s after %q: exit status %d", command, before, st)
					}
				case <-time.After(100 * time.Millisecond): // what comes at once is one line, as far as can be seen
					s.typed(t, "\n")
				}
			}
		}
	}
	s, wait := atTerminal(t, g.pid, "watch", "0.01")
	s.until(t, "Enter ends it")
	s.typed(t, "\n")
	if st, left := wait(), s.unread(t); st != statusOK || left != "" {
		t.Errorf("exit status %d, left %q", st, left)
	}
}

func TestAnswerToFile(t *testing.T) {
	g := start(t, "lazy")
	dir := t.TempDir()
	file := filepath.Join(dir, "heap.pprof")
	r := pokeWith(t, "", "-o", file, g.pid, "pprof-heap")
	if r.status != statusOK || r.stdout != "" || !strings.HasSuffix(r.stderr, "; look at it with go tool pprof "+file+"\n") {
		t.Errorf("%+v", r)
	}
	if out, err := runTool("go", "tool", "pprof", "-raw", file); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if st, err := os.Stat(file); err != nil || st.Mode() != 0o600 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
	pokeWith(t, "", "-o", file, g.pid, "version").fails(t, statusHere, "exists", "-f")
	// What failed leaves what was there.
	pokeWith(t, "", "-f", "-o", file, g.pid, "fail").fails(t, statusCommand, "on purpose")
	if b, err := os.ReadFile(file); err != nil || !bytes.HasPrefix(b, []byte("\x1f\x8b")) {
		t.Errorf("%q, %v", b, err)
	}
	if r := pokeWith(t, "", g.pid, "version", "-f", "-o", file); r.status != statusOK {
		t.Errorf("%+v", r)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != runtime.Version()+"\n" {
		t.Errorf("%q, %v", b, err)
	}
	pokeWith(t, "", "-o", filepath.Join(dir, "missing", "x"), g.pid, "version").fails(t, statusHere, "cannot write")
	pokeWith(t, "", "-o", dir, g.pid, "version").fails(t, statusHere, "is a directory")
	pokeWith(t, "", "-o", file+"2", "-c", "version; stats", g.pid).fails(t, statusUsage, "one command, not of 2")
	if left, _ := filepath.Glob(dir + "/.*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}

	// A - is no file, unless it is in a directory.
	for _, args := range [][]string{{"-o", "-", g.pid, "version"}, {g.pid, "version", "-f", "-o", "-"}, {"-o", "-", "-c", "version", g.pid}} {
		cmd := pokeCommand(t, nil, args...)
		cmd.Dir = dir
		finish(t, cmd).succeeds(t, runtime.Version()+"\n")
	}
	cmd := pokeCommand(t, nil, "-o", "./-", g.pid, "version")
	cmd.Dir = dir
	if r := finish(t, cmd); r.status != statusOK || r.stdout != "" {
		t.Errorf("%+v", r)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "-")); err != nil || string(b) != runtime.Version()+"\n" {
		t.Errorf("%q, %v", b, err)
	}
	s, wait := atTerminal(t, "-o", "-", g.pid, "pprof-heap")
	s.until(t, "is binary, not for a terminal; try manhole-poke -o pprof-heap.out "+g.pid)
	if st := wait(); st != statusUsage {
		t.Errorf("exit status %d", st)
	}
}

// What is written over keeps its mode, its owner, and the links that lead to it.
func TestAnswerOverFile(t *testing.T) {
	g := start(t, "lazy")
	dir, other := t.TempDir(), t.TempDir()
	file, link, nowhere := filepath.Join(other, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "nowhere")
	uid := os.Geteuid()
	if uid == 0 {
		uid = 65534
	}
	for _, err := range []error{
		os.WriteFile(file, []byte("old"), 0o600), os.Chmod(file, 0o664), os.Chown(file, uid, -1),
		os.Symlink(file, filepath.Join(other, "again")), os.Symlink("../"+filepath.Base(other)+"/again", link), os.Symlink("none", nowhere),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	is := func(text string) {
		t.Helper()
		b, err := os.ReadFile(file)
		st, _ := os.Lstat(file)
		if err != nil || string(b) != text || st.Mode() != 0o664 || int(st.Sys().(*syscall.Stat_t).Uid) != uid {
			t.Errorf("%.20q, %v, %+v", b, err, st)
		}
		if to, err := os.Readlink(link); err != nil || !strings.HasSuffix(to, "/again") {
			t.Errorf("%s, %v", to, err)
		}
		for _, d := range []string{dir, other} {
			if left, _ := filepath.Glob(d + "/.*"); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		}
	}
	pokeWith(t, "", "-o", link, g.pid, "version").fails(t, statusHere, "exists", "-f")
	pokeWith(t, "", "-f", "-o", link, g.pid, "fail").fails(t, statusCommand, "on purpose")
	is("old")
	cmd := pokeCommand(t, nil, "-f", "-o", link, g.pid, "block")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "half an answer is there", func() bool {
		half, _ := filepath.Glob(other + "/.*")
		if len(half) == 0 {
			return false
		}
		b, _ := os.ReadFile(half[0])
		return len(b) > 0
	})
	if b, err := os.ReadFile(file); err != nil || string(b) != "old" {
		t.Errorf("%q, %v", b, err)
	}
	cmd.Process.Signal(syscall.SIGTERM)
	cmd.Wait()
	is("old")
	if r := pokeWith(t, "", "-f", "-o", link, g.pid, "version"); r.status != statusOK || !strings.Contains(r.stderr, "wrote "+link+", ") {
		t.Errorf("%+v", r)
	}
	is(runtime.Version() + "\n")

	for _, flags := range [][]string{{"-o", nowhere}, {"-f", "-o", nowhere}} {
		pokeWith(t, "", append(flags, g.pid, "version")...).fails(t, statusHere, "is a link to none, which does not exist")
	}
}

// A pipe is waited for, and whoever waits can leave: before somebody reads it,
// and when nobody goes on reading.
func TestAnswerToPipe(t *testing.T) {
	a, b := start(t, "lazy"), start(t, "lazy")
	dir := t.TempDir()
	pipe := func(name string) string {
		t.Helper()
		if err := unix.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	written := pipe("written")
	cmd := pokeCommand(t, nil, "-o", written, a.pid, "echo", "through", "a", "pipe")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(written)
	if cmd.Wait(); err != nil || string(text) != "through a pipe\n" || !cmd.ProcessState.Success() {
		t.Errorf("%q, %v, %v", text, err, cmd.ProcessState)
	}

	// At the second one it waits when it has opened the first.
	pipe("x." + b.pid)
	first, err := unix.Open(pipe("x."+a.pid), unix.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(first)
	leaves := func(ready func() bool, args ...string) {
		t.Helper()
		cmd := pokeCommand(t, nil, args...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		until(t, "it waits", ready)
		cmd.Process.Signal(syscall.SIGINT)
		cmd.Wait()
		r := result{stderr: stderr.String(), status: status(cmd.ProcessState.ExitCode())}
		r.fails(t, statusInterrupted+status(syscall.SIGINT), "left on SIGINT")
	}
	leaves(func() bool {
		_, err := unix.Read(first, make([]byte, 1))
		return err == unix.EAGAIN // there is a writer, pipe(7)
	}, "-o", filepath.Join(dir, "x"), a.pid, b.pid, "version")
	leaves(func() bool {
		unread, err := unix.IoctlGetInt(first, unix.TIOCINQ)
		return err == nil && unread >= 64<<10 // as many as there is room for
	}, "-o", filepath.Join(dir, "x."+a.pid), b.pid, "binary")
}

func TestSeveral(t *testing.T) {
	a, b := start(t, "lazy"), startAt(t, "lazy", "")
	r := pokeWith(t, "", a.pid, b.path, "stats")
	table := regexp.MustCompile(`^PID +NAME +GOROUTINES +OS THREADS +GOMAXPROCS +NUM CPU\n` + a.pid + ` +\S+ +\d+ +\d+ +\d+ +\d+\n` + b.pid + ` +\S+ +\d+ .*\n$`)
	if r.status != statusOK || !table.MatchString(r.stdout) {
		t.Errorf("%+v", r)
	}

	r = pokeWith(t, "", a.pid, b.pid, "stack", "-n", "1", "-match", "playLazy")
	if r.status != statusOK || !strings.Contains(r.stdout, "40 select (no cases)") || !strings.Contains(r.stdout, "in 2 of 2 processes") || strings.Contains(r.stdout, "#2") {
		t.Errorf("%+v", r)
	}
	// What looks like another form of the answer is what is looked for.
	r = pokeWith(t, "", a.pid, b.pid, "stack", "-match", "raw|playLazy", "-state=select", "-n=1")
	if r.status != statusOK || !strings.Contains(r.stdout, "40 select (no cases)") {
		t.Errorf("%+v", r)
	}
	r = pokeWith(t, "", a.pid, b.pid, "stack", "-match", "raw")
	if r.status != statusOK || !strings.Contains(r.stdout, "in 2 processes") && !strings.Contains(r.stdout, "of 2 processes") {
		t.Errorf("%+v", r)
	}

	r = pokeWith(t, "version\n\necho x\n", a.pid, b.pid)
	want := strings.ReplaceAll("version:\n==> process A (NAME) <==\nV\n\n==> process B (NAME) <==\nV\n\necho x:\n==> process A (NAME) <==\nx\n\n==> process B (NAME) <==\nx\n", "V", runtime.Version())
	name := regexp.MustCompile(`process \d+ \(([^)]*)\)`).FindStringSubmatch(r.stdout)
	if name == nil {
		t.Fatalf("%+v", r)
	}
	r.succeeds(t, strings.NewReplacer(" A ", " "+a.pid+" ", " B ", " "+b.pid+" ", "NAME", name[1]).Replace(want))

	dir := t.TempDir()
	r = pokeWith(t, "", "-o", filepath.Join(dir, "heap.pprof"), a.pid, b.pid, "pprof-heap")
	if r.status != statusOK {
		t.Errorf("%+v", r)
	}
	for _, g := range []*target{a, b} {
		if b, err := os.ReadFile(filepath.Join(dir, "heap."+g.pid+".pprof")); err != nil || !bytes.HasPrefix(b, []byte("\x1f\x8b")) {
			t.Errorf("%.20q, %v", b, err)
		}
	}

	// That one name is taken meanwhile costs the others nothing, nor itself.
	dir = t.TempDir()
	slow := pokeCommand(t, nil, "-o", filepath.Join(dir, "x"), a.pid, b.pid, "pprof-cpu", "1s")
	var stderr bytes.Buffer
	slow.Stderr = &stderr
	if err := slow.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "both are asked", func() bool { left, _ := filepath.Glob(dir + "/.x.*"); return len(left) == 2 })
	taken := filepath.Join(dir, "x."+a.pid)
	if err := os.WriteFile(taken, []byte("somebody's"), 0o600); err != nil {
		t.Fatal(err)
	}
	slow.Wait()
	left, _ := filepath.Glob(dir + "/.x.*")
	if got := status(slow.ProcessState.ExitCode()); got != statusSome || len(left) != 1 || !strings.Contains(stderr.String(), "the answer is in "+left[0]) {
		t.Errorf("status %d, left %v\n%s", got, left, &stderr)
	}
	for name, want := range map[string]string{taken: "somebody's", filepath.Join(dir, "x."+b.pid): "\x1f\x8b"} {
		if b, err := os.ReadFile(name); err != nil || !strings.HasPrefix(string(b), want) {
			t.Errorf("%s: %.20q, %v", name, b, err)
		}
	}

	r = pokeWith(t, "", "-o", "-", a.pid, b.path, "stats")
	if r.status != statusOK || !table.MatchString(r.stdout) {
		t.Errorf("%+v", r)
	}

	r = pokeWith(t, "", a.pid, b.pid, "fail")
	if r.status != statusCommand || strings.Count(r.stdout, "half an answer\nlazy: error: fail: on purpose\n") != 2 {
		t.Errorf("%+v", r)
	}
	c := start(t, "unarmed")
	r = pokeWith(t, "", a.pid, c.pid, "version")
	if r.status != statusSome || !strings.Contains(r.stdout, runtime.Version()) || !strings.Contains(r.stderr, "does not look armed") {
		t.Errorf("%+v", r)
	}
	pokeWith(t, "", c.pid, c.pid, "version").fails(t, statusUnarmed, "does not look armed")
	c.unharmed(t)
}

// When nobody reads the answer any more, the command is given up and the session
// is free, however long it would have taken.
func TestNobodyReads(t *testing.T) {
	ends := map[string]func() (ours, poke *os.File){
		"pipe": func() (*os.File, *os.File) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			return r, w
		},
		"socket": func() (*os.File, *os.File) {
			fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			return os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "poke's")
		},
	}
	a, b := start(t, "lazy"), start(t, "lazy")
	for kind, ends := range ends {
		for name, c := range map[string]struct {
			script string
			args   []string
		}{
			"command":  {args: []string{a.pid, "block"}},
			"profile":  {args: []string{a.pid, "pprof-cpu", "1h"}},
			"watch":    {args: []string{a.pid, "watch", "3600"}},
			"commands": {args: []string{"-c", "echo x; block; echo y", a.pid}},
			"several":  {args: []string{a.pid, b.pid, "block"}},
			"JSON":     {args: []string{"--json", a.pid, "block"}},
			"script":   {script: "block\necho y\n", args: []string{a.pid}},
			"gops":     {script: string([]byte{opcode.CPUProfile}), args: []string{a.pid}},
			"-o -":     {args: []string{"-o", "-", a.pid, "block"}},
		} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				ours, out := ends()
				defer ours.Close()
				cmd := pokeCommand(t, strings.NewReader(c.script), c.args...)
				var stderr bytes.Buffer
				cmd.Stdout, cmd.Stderr = out, &stderr
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				out.Close()
				until(t, "the session is held", func() bool { return someoneAt(t, a.path) })
				ours.Close()
				cmd.Wait()
				if st := cmd.ProcessState.Sys().(syscall.WaitStatus); !st.Signaled() || st.Signal() != syscall.SIGPIPE || stderr.Len() > 0 {
					t.Errorf("%v, %q", cmd.ProcessState, &stderr)
				}
				until(t, "the session is free", func() bool { return !someoneAt(t, a.path) && !someoneAt(t, b.path) })
				pokeWith(t, "", a.pid, "echo", "free").succeeds(t, "free\n")
			})
		}
	}

	// Nobody writes to it any more, but somebody reads.
	ours, out := ends["socket"]()
	defer ours.Close()
	unix.Shutdown(int(ours.Fd()), unix.SHUT_WR)
	cmd := pokeCommand(t, out, a.pid, "watch", "0.1", "5")
	cmd.Stdout = out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out.Close()
	text, err := io.ReadAll(ours)
	if cmd.Wait(); err != nil || strings.Count(string(text), "%\n") != 5 || !cmd.ProcessState.Success() {
		t.Errorf("%q, %v, %v", text, err, cmd.ProcessState)
	}

	// What goes to a file is not for who reads the rest.
	ours, out = ends["pipe"]()
	ours.Close()
	file := filepath.Join(t.TempDir(), "x")
	cmd = pokeCommand(t, nil, "-o", file, a.pid, "watch", "0.1", "5")
	cmd.Stdout = out
	r := finish(t, cmd)
	out.Close()
	if _, err := os.Stat(file); err != nil || r.status != statusOK {
		t.Errorf("%v, %+v", err, r)
	}
}

// someoneAt says whether a connection was accepted at path, proc_net(5).
func someoneAt(t *testing.T, path string) bool {
	text, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(strings.Split(string(text), "\n"), func(line string) bool {
		f := strings.Fields(line)
		return len(f) == 8 && f[5] == "03" && f[7] == path
	})
}

// However often a process is named, it is asked once.
func TestNamedTwice(t *testing.T) {
	g := startCopy(t, "lazy", copied(t, "poke-test-twice"), 0)
	apart := start(t, "lazy")
	dir := t.TempDir()
	if err := os.Symlink(filepath.Dir(apart.path), dir+"/link"); err != nil {
		t.Fatal(err)
	}
	want := "once\n"
	for _, targets := range [][]string{
		{g.pid, g.pid}, {"poke-test-twice", g.pid}, {"poke-test-twice", g.path}, {g.path, g.pid, g.path}, {g.pid, "/proc/" + g.pid + "/root" + g.path},
		{apart.pid, apart.path}, {apart.path, dir + "/link/door", apart.pid},
	} {
		pokeWith(t, "", append(targets, "echo", "once")...).succeeds(t, want)
		pokeWith(t, "echo once\n", targets...).succeeds(t, want)
	}
	r := pokeWith(t, "", g.path, apart.pid, g.pid, "echo", "once")
	if r.status != statusOK || strings.Count(r.stdout, "==> ") != 2 || strings.Count(r.stdout, want) != 2 {
		t.Errorf("%+v", r)
	}
}

func TestJSON(t *testing.T) {
	a, b := start(t, "lazy"), start(t, "unarmed")
	r := pokeWith(t, "", "--json", "-c", "stats; stack; version; fail", a.pid, b.pid)
	if r.status != statusSome {
		t.Errorf("status %d", r.status)
	}
	var lines []jsonLine
	for d := json.NewDecoder(strings.NewReader(r.stdout)); d.More(); {
		var l jsonLine
		if err := d.Decode(&l); err != nil {
			t.Fatalf("%v in\n%s", err, r.stdout)
		}
		lines = append(lines, l)
	}
	if len(lines) != 5 {
		t.Fatalf("%d lines\n%s", len(lines), r.stdout)
	}
	if l := lines[0]; !l.OK || l.Stats["goroutines"] < 20 || l.Command != "stats" || l.PID != mustAtoi(t, a.pid) {
		t.Errorf("%+v", l)
	}
	var stack bytes.Buffer
	for _, line := range lines[1].Stack {
		stack.Write(append(line, '\n'))
	}
	if d, err := stackdump.ReadJSON(&stack); err != nil || d.Total < 20 {
		t.Errorf("%v, %v", d, err)
	}
	if l := lines[2]; !l.OK || l.Answer != runtime.Version()+"\n" {
		t.Errorf("%+v", l)
	}
	if l := lines[3]; l.OK || l.Error != "fail: on purpose" || l.Status != int(statusCommand) {
		t.Errorf("%+v", l)
	}
	if l := lines[4]; l.OK || l.Status != int(statusUnarmed) || l.PID != mustAtoi(t, b.pid) || l.Name == "" || l.Name != lines[0].Name || l.Command != "stats" {
		t.Errorf("%+v", l)
	}
	b.unharmed(t)
	var l jsonLine
	last := func(r result) {
		t.Helper()
		l = jsonLine{}
		if err := json.Unmarshal([]byte(r.stdout[strings.LastIndex(strings.TrimSpace(r.stdout), "\n")+1:]), &l); err != nil {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	stopped := start(t, "lazy")
	stopped.cmd.Process.Signal(syscall.SIGSTOP)
	until(t, "it stopped", func() bool { return stateOf(t, stopped.pid) == 'T' })
	if last(pokeWith(t, "", "--json", stopped.pid, "version")); l.Status != int(statusStopped) || l.Name != lines[0].Name || l.Command != "version" {
		t.Errorf("%+v", l)
	}
	dying := start(t, "lazy")
	if last(pokeWith(t, "", "--json", "-c", "version; die; stats", dying.pid)); l.Status != int(statusExited) || l.Name != lines[0].Name || l.Command != "die" {
		t.Errorf("%+v", l)
	}

	r = pokeWith(t, "", "--json", a.pid, "stack", "-n", "1")
	if last(r); r.status != statusOK {
		t.Fatalf("%+v", r)
	}
	stack.Reset()
	for _, line := range l.Stack {
		stack.Write(append(line, '\n'))
	}
	if d, err := stackdump.ReadJSON(&stack); err != nil || len(d.Groups) != 1 {
		t.Errorf("%+v, %v", d, err)
	}
}
