package gopsagent

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/internal/lazytest"
	"github.com/go-manhole/lazy/internal/signame"
)

func TestGops(t *testing.T) {
	ownDirectory(t)
	target := poketest.Start(t, "lazy")
	g := startGops(t, target.PID)
	end := time.Now().Add(10 * time.Minute)
	traced := startTrace(t) // which takes gops 5 seconds

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
			args := append(strings.Fields(test.args)[:1:1], target.PID)
			r := runGops(t, append(args, strings.Fields(test.args)[1:]...)...)
			if r.Status != 0 || !regexp.MustCompile(test.answer).MatchString(r.Stdout) {
				t.Errorf("%+v", r)
			}
		})
	}
	t.Run("pprof-cpu", func(t *testing.T) {
		cpu := gopsCommand(t, "pprof-cpu", target.PID)
		if err := cpu.Start(); err != nil {
			t.Fatal(err)
		}
		held(t, target)
		queued := gopsCommand(t, "stats", target.PID)
		var answer bytes.Buffer
		queued.Stdout = &answer
		if err := queued.Start(); err != nil {
			t.Fatal(err)
		}
		// The profile of 30 seconds ends when its client does.
		cpu.Process.Kill()
		cpu.Wait()
		if err := queued.Wait(); err != nil || !strings.HasPrefix(answer.String(), "goroutines: ") {
			t.Errorf("%q, %v", answer.String(), err)
		}
	})

	traced()
	r := g.signalled(t, syscall.SIGINT)
	r.Fails(t, exit.Signalled+exit.Status(syscall.SIGINT), "left on SIGINT")
	line := regexp.MustCompile(`^gops stack ` + target.PID + ` \(or stats, memstats, gc, setgc, version, pprof-heap, pprof-cpu, trace\) works for .* until (.*), or Ctrl-C\n$`).FindStringSubmatch(r.Stdout)
	if line == nil {
		t.Fatalf("it said %q", r.Stdout)
	}
	if said, err := time.ParseInLocation(time.DateTime, line[1], time.Local); err != nil || said.Before(end.Add(-lazytest.Patience)) || said.After(end.Add(lazytest.Patience)) {
		t.Errorf("until %v, %v; want about %v", said, err, end)
	}
	if r := runGops(t, "stats", target.PID); r.Status != 1 || !strings.Contains(r.Stderr, "no such file") {
		t.Errorf("afterwards: %+v", r)
	}
}

// startTrace has gops trace another process. The result is checked by the function
// that it returns.
func startTrace(t *testing.T) (check func()) {
	t.Helper()
	target := poketest.Start(t, "lazy")
	startGops(t, target.PID)
	cmd := gopsCommand(t, "trace", target.PID)
	cmd.Env = append(cmd.Env, "PATH=") // or it starts go tool trace, which serves it until killed
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		cmd.Wait()
		_, name, _ := strings.Cut(strings.TrimSpace(out.String()), "saved to: ")
		trace, err := os.ReadFile(name)
		if !cmd.ProcessState.Success() || err != nil || !regexp.MustCompile(`^go 1\.\d+ trace\x00`).Match(trace) {
			t.Errorf("%s\n%.20q, %v", &out, trace, err)
		}
	}
}

// Where gops looks for the file if GOPS_CONFIG_DIR does not say.
func TestGopsDirectory(t *testing.T) {
	poketest.Gops(t) // while HOME is what go expects
	target := poketest.Start(t, "lazy")
	for name, directory := range map[string]string{"HOME": ".config/gops", "XDG_CONFIG_HOME": "gops"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GOPS_CONFIG_DIR", "")
			t.Setenv("XDG_CONFIG_HOME", "")
			home := t.TempDir()
			t.Setenv(name, home)
			g := startGops(t, target.PID)
			if want := filepath.Join(home, directory, target.PID); g.file != want {
				t.Errorf("%s, want %s", g.file, want)
			}
			if r := runGops(t, "version", target.PID); r.Status != 0 || !strings.HasPrefix(r.Stdout, "go") {
				t.Errorf("%+v", r)
			}
			g.signalled(t, syscall.SIGTERM)
		})
	}
}

func TestGopsWaysOut(t *testing.T) {
	ownDirectory(t)
	target := poketest.Start(t, "lazy")
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		g := startGops(t, target.PID)
		// In the middle of an answer, too.
		cpu := gopsCommand(t, "pprof-cpu", target.PID)
		done := make(chan poketest.Result)
		go func() { done <- poketest.Finish(t, cpu) }()
		held(t, target)
		g.signalled(t, sig).Fails(t, exit.Signalled+exit.Status(sig), signame.Name(sig))
		if r := <-done; r.Status != 1 || !strings.Contains(r.Stderr, "connection reset") {
			t.Errorf("gops, on %v: %+v", sig, r)
		}
		free(t, target)
	}
	t.Run("time", func(t *testing.T) {
		if r := startGops(t, target.PID, "--for", "300ms").end(t); r.Status != exit.OK || r.Stderr != "" {
			t.Errorf("%+v", r)
		}
	})
	t.Run("nobody reads what it says", func(t *testing.T) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		cmd := poketest.Command(t, nil, "gops", target.PID)
		cmd.Stderr = w
		g := startStandIn(t, target.PID, cmd)
		r.Close()
		g.says(t, "stats\n", "not gops") // and it complains
		if r := runGops(t, "version", target.PID); r.Status != 0 {
			t.Errorf("%+v", r)
		}
		g.signalled(t, syscall.SIGTERM)
	})
	t.Run("exit", func(t *testing.T) {
		g := startGops(t, target.PID)
		cpu := gopsCommand(t, "pprof-cpu", target.PID)
		done := make(chan poketest.Result)
		go func() { done <- poketest.Finish(t, cpu) }()
		held(t, target)
		target.Cmd.Process.Kill()
		r := g.end(t)
		// If it notices in the middle of the answer, that is reported as well.
		lines := strings.SplitAfter(r.Stderr, "\n")
		r.Stderr = lines[len(lines)-2]
		r.Fails(t, exit.Broken, target.PID, "exited")
		if r := <-done; r.Status != 1 {
			t.Errorf("gops: %+v", r)
		}
	})
}

// Only requests of gops reach the process, to whose console other input might
// mean more.
func TestGopsOnly(t *testing.T) {
	ownDirectory(t)
	target := poketest.Start(t, "armed") // and says when it is rung
	g := startGops(t, target.PID, "-t", "200ms")
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
	target.Unharmed(t)
	r := g.signalled(t, syscall.SIGTERM)
	if !strings.HasPrefix(r.Stderr, "manhole-poke: a client that is not gops says 's'") {
		t.Errorf("stderr: %s", r.Stderr)
	}
}

func TestGopsOtherUser(t *testing.T) {
	lazytest.NeedRoot(t)
	ownDirectory(t)
	target := poketest.Start(t, "armed")
	g := startGops(t, target.PID)
	gops := gopsCommand(t, "stats", "127.0.0.1:"+g.port) // the file is not theirs to read
	r := poketest.Finish(t, asUser(t, 65534, gops))
	if want := "manhole-poke: refused uid 65534: this is for root\n"; r.Stdout != want {
		t.Errorf("%+v, want %q", r, want)
	}
	// A client that leaves at once is not taken for root, although the kernel
	// shows uid 0 for its socket then.
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
	g.says(t, "stats\n", "not gops") // the clients before have been handled
	target.Unharmed(t)
	r = g.signalled(t, syscall.SIGTERM)
	if !strings.HasPrefix(r.Stderr, "manhole-poke: refused uid 65534: this is for root\n") {
		t.Errorf("stderr: %s", r.Stderr)
	}
}

// A user's manhole-poke gops serves that user and root.
func TestGopsOfUser(t *testing.T) {
	lazytest.NeedRoot(t)
	ownDirectory(t)
	target := poketest.StartCopy(t, "lazy", lazytest.CopyExe(t, "poke-test-gops"), 65534)
	g := startStandIn(t, target.PID, asUser(t, 65534, poketest.Command(t, nil, "gops", target.PID)))
	for name, cmd := range map[string]*exec.Cmd{
		"root":     gopsCommand(t, "version", target.PID),
		"the user": asUser(t, 65534, gopsCommand(t, "version", target.PID)),
	} {
		if r := poketest.Finish(t, cmd); r.Status != 0 || !strings.HasPrefix(r.Stdout, "go") {
			t.Errorf("%s: %+v", name, r)
		}
	}
	r := poketest.Finish(t, asUser(t, 65533, gopsCommand(t, "version", "127.0.0.1:"+g.port)))
	if want := "manhole-poke: refused uid 65533: this is for uid 65534 and root\n"; r.Stdout != want {
		t.Errorf("%+v, want %q", r, want)
	}
	g.signalled(t, syscall.SIGTERM)
}

// It ends when the reader of its output goes, as nobody would know of it.
func TestGopsUnread(t *testing.T) {
	ownDirectory(t)
	cmd := poketest.Command(t, nil, "gops", poketest.Start(t, "lazy").PID)
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
	r := poketest.Result{Stderr: stderr.String(), Status: poketest.StatusOf(cmd)}
	r.Fails(t, exit.LocalIO, "nobody reads standard output any longer")
}

func TestGopsBusy(t *testing.T) {
	ownDirectory(t)
	target := poketest.Start(t, "lazy")
	g := startGops(t, target.PID)
	holder := poketest.Command(t, nil, target.PID, "block")
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	held(t, target)
	if r := runGops(t, "stats", target.PID); !strings.HasPrefix(r.Stdout, "manhole-poke: process "+target.PID) || !strings.Contains(r.Stdout, "lazy: busy: session held by ") {
		t.Errorf("%+v", r)
	}
	for _, command := range []string{"gc", "pprof-heap"} { // which would take any line for an answer
		if r := runGops(t, command, target.PID); r.Status != 1 || !strings.Contains(r.Stderr, "connection reset") {
			t.Errorf("%s: %+v", command, r)
		}
	}
	holder.Process.Signal(syscall.SIGTERM)
	holder.Wait()
	free(t, target)
	if r := runGops(t, "stats", target.PID); !strings.HasPrefix(r.Stdout, "goroutines: ") {
		t.Errorf("afterwards: %+v", r)
	}
	r := g.signalled(t, syscall.SIGTERM)
	if strings.Count(r.Stderr, "lazy: busy: ") != 3 {
		t.Errorf("stderr: %s", r.Stderr)
	}
}

// Another user who connects without pause, or holds many connections, does not
// silence it, nor do clients that say nothing.
func TestGopsCrowd(t *testing.T) {
	lazytest.NeedRoot(t)
	ownDirectory(t)
	target := poketest.Start(t, "lazy")
	g := startGops(t, target.PID)
	for range maxClients / 2 {
		c, err := net.Dial("tcp4", "127.0.0.1:"+g.port) // and says nothing
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	crowd := lazytest.Launch(t, "crowd", lazytest.Wrap(exec.Command(lazytest.CopyExe(t, "crowd"), g.port), lazytest.AsUser(t, lazytest.Nobody)...))
	if crowd.First != "ready" {
		t.Fatal(crowd.First, crowd.Log)
	}
	for range 5 {
		cmd := gopsCommand(t, "version", target.PID)
		begin := time.Now()
		if r := poketest.Finish(t, cmd); r.Status != 0 || !strings.HasPrefix(r.Stdout, "go") {
			t.Errorf("%+v", r)
		}
		t.Logf("answered in %v", time.Since(begin))
	}
	r := g.signalled(t, syscall.SIGTERM)
	if lines := strings.Count(r.Stderr, "\n"); lines > 100 {
		t.Errorf("%d lines are logged", lines)
	}
}

// crowd connects to a port without pause, and holds some connections.
func crowd() {
	go poketest.EndWithInput()
	held := make(chan net.Conn, 2000)
	for n := 0; ; n++ {
		c, err := net.Dial("tcp4", "127.0.0.1:"+os.Args[1])
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		select {
		case held <- c:
		default:
			(<-held).Close()
			held <- c
		}
		if n == cap(held) {
			fmt.Println("ready")
		}
	}
}
