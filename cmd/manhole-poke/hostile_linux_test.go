package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/internal/lazytest"
)

// A process that never comes to an end does not withhold the answers of others.
func TestSeveralHostile(t *testing.T) {
	good, bad := poketest.Start(t, "lazy"), poketest.Start(t, "hostile")
	for _, test := range []struct {
		json          bool
		command, want string
		why           string
	}{
		{false, "stats", "\n" + good.PID, "did not answer within 2s, while others did"},
		{false, "stack", "select (no cases)", "did not answer within 2s"},
		{true, "stats", `"goroutines":`, ""},
		{true, "stack", `"state":"select (no cases)"`, ""},
		{false, "stall", "no such command", "stopped in the middle of an answer"},
	} {
		args := []string{"-t", "2s", bad.PID, good.PID, test.command}
		if test.json {
			args = append([]string{"--json"}, args...)
		}
		r := poketest.Run(t, "", args...)
		if r.Status != exit.Partial || !strings.Contains(r.Stdout, test.want) || !strings.Contains(r.Stderr, test.why) {
			t.Errorf("%q: %+v", args, r)
		}
	}
}

// Nor does one whose answer does not end: what others say is shown at once.
func TestSeveralSilent(t *testing.T) {
	good, bad := poketest.Start(t, "armed"), poketest.Start(t, "hostile")
	for _, command := range []string{"silence", "drip"} {
		cmd := poketest.Command(t, nil, bad.PID, good.PID, command)
		var out lazytest.Buffer
		cmd.Stdout = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lazytest.Eventually(t, "the answer is shown", func() bool { return strings.HasSuffix(out.String(), "\nyou said "+command+"\n") })
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		if s := poketest.StatusOf(cmd); s != exit.Signalled+exit.Status(syscall.SIGTERM) {
			t.Errorf("status %d", s)
		}
	}
	dir := t.TempDir()
	cmd := poketest.Command(t, nil, "-o", filepath.Join(dir, "x"), bad.PID, good.PID, "silence")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lazytest.Eventually(t, "its file is complete", func() bool { return lazytest.Exists(filepath.Join(dir, "x."+good.PID)) })
	cmd.Process.Signal(syscall.SIGTERM)
	cmd.Wait()
	if left, _ := filepath.Glob(dir + "/.*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A process that does not answer is given up on in the end, whatever it was
// asked.
func TestSeveralGivenUp(t *testing.T) {
	var all sync.WaitGroup
	for _, flags := range [][]string{{"--json"}, {"-o", filepath.Join(t.TempDir(), "x")}} {
		good, bad := poketest.Start(t, "armed"), poketest.Start(t, "hostile")
		cmd := poketest.Command(t, nil, append(flags, "-t", "500ms", bad.PID, good.PID, "silence")...)
		all.Go(func() {
			said, _ := cmd.CombinedOutput()
			if s := poketest.StatusOf(cmd); s != exit.Partial || !strings.Contains(string(said), "did not answer within 3") {
				t.Errorf("%q: status %d, %s", flags, s, said)
			}
		})
	}
	all.Wait()
}

// Answers without end take a limited amount of memory together, and those of
// others are kept.
func TestSeveralFlood(t *testing.T) {
	if lazytest.Race {
		t.Skip("the race detector's memory counts too")
	}
	good := poketest.Start(t, "armed")
	targets := []string{good.PID}
	for range 3 {
		targets = append(targets, poketest.Start(t, "hostile").PID)
	}
	for _, flags := range [][]string{nil, {"--json"}} {
		cmd := poketest.Command(t, nil, append(append(flags, targets...), "flood")...)
		r := poketest.Finish(t, cmd)
		if r.Status != exit.Partial || !strings.Contains(r.Stdout, "you said flood") || flags == nil && strings.Count(r.Stderr, "too long to show with others") != 3 {
			t.Errorf("%d, %.200q, %s", r.Status, r.Stdout, r.Stderr)
		}
		if kb := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss; kb > 512<<10 {
			t.Errorf("%q took %d MiB", flags, kb>>10)
		}
	}
}

// A refusal without end is cut off.
func TestEndlessRefusal(t *testing.T) {
	g := poketest.Start(t, "refusing for ever")
	cmd := poketest.Command(t, nil, g.PID, "stats")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.Run()
	if s := poketest.StatusOf(cmd); s != exit.Denied || stderr.Len() > 16<<10 {
		t.Errorf("status %d, %d bytes", s, stderr.Len())
	}
	if kb := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss; kb > 100<<10 && os.Getenv("GOFLAGS") != "-race" {
		t.Errorf("it took %d MiB", kb>>10)
	}
}

// What --restricted forbids, nothing that follows it allows.
func TestRestricted(t *testing.T) {
	g := poketest.Start(t, "lazy")
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("XDG_STATE_HOME", dir)
	t.Setenv("PAGER", "touch paged")
	t.Setenv("GOPS_CONFIG_DIR", dir)
	for _, args := range [][]string{
		{"-o", "x", g.PID, "version"}, {g.PID, "version", "-o", "x"}, {"-f", "-o", "x", g.PID, "version"}, {"-s", "TERM", g.PID, "version"}, {"--pager", g.PID, "stack"},
		{"-o", "x", "--all", "version"}, {"-ox", "-c", "version", g.PID}, {"--output=x", "--json", g.PID, "version"},
	} {
		poketest.Run(t, "", append([]string{"--restricted"}, args...)...).Fails(t, exit.Denied, "--restricted does not allow")
	}
	for _, args := range [][]string{{"--restricted=false", g.PID, "version"}, {"gops", g.PID}, {"demo"}, {"--restricted=false", "gops", g.PID}, {"gops", "--restricted=false", g.PID}, {"gops", "--restricted", g.PID}} {
		poketest.Run(t, "", append([]string{"--restricted"}, args...)...).Fails(t, exit.Usage, "restricted")
	}
	for _, args := range [][]string{{g.PID, "echo", "x"}, {"-c", "echo x", g.PID}} {
		poketest.Run(t, "", append([]string{"--restricted"}, args...)...).Succeeds(t, "x\n")
	}
	for _, args := range [][]string{{}, {"list"}, {"--json"}, {"kernel", g.PID}} {
		if r := poketest.Run(t, "", append([]string{"--restricted"}, args...)...); r.Status != exit.OK || r.Stdout == "" {
			t.Errorf("%q: %+v", args, r)
		}
	}
	s, wait := poketest.AtTerminal(t, "--restricted", g.PID)
	s.Until(t, "lazy> ")
	for _, line := range []string{"version > x", "version >! x", "version | touch x", "version >x", "version |touch x"} {
		s.Type(t, line+"\r")
		s.Until(t, "allows neither | nor >")
	}
	s.Type(t, "quit\r")
	if st := wait(); st != exit.OK {
		t.Errorf("exit status %d", st)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Nothing is left behind if files cannot be made for all targets, if there is
// nowhere to write, or after the client was stopped.
func TestNothingLeft(t *testing.T) {
	g, dir := poketest.Start(t, "lazy"), t.TempDir()
	empty := func(what string) {
		t.Helper()
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: left behind: %d, %v", what, len(left), left[0])
		}
	}
	args := []string{"-o", filepath.Join(dir, "x"), g.PID}
	for n := range 2000 {
		args = append(args, strconv.Itoa(1<<22+1+n)) // more than any PID
	}
	args = append(args, "block")
	cmd := lazytest.Wrap(poketest.Command(t, nil, args...), "sh", "-c", `ulimit -n 64; exec "$@"`, "sh")
	if cmd.Run(); cmd.ProcessState.Success() {
		t.Error("it made all files")
	}
	empty("few descriptors")

	// Each is ended by one signal: a second one is obeyed at once.
	cmd = lazytest.Wrap(poketest.Command(t, nil, args...), "sh", "-c", `exec 1>&- 2>&-; exec "$@"`, "sh")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lazytest.Eventually(t, "all files are made", func() bool { left, _ := os.ReadDir(dir); return len(left) == 2001 })
	cmd.Process.Signal(syscall.SIGTERM)
	cmd.Wait()
	empty("no output")

	cmd = poketest.Command(t, nil, "-o", filepath.Join(dir, "x"), g.PID, "block")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lazytest.Eventually(t, "it has begun", func() bool { left, _ := os.ReadDir(dir); return len(left) > 0 })
	for _, sig := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGTERM, syscall.SIGCONT} {
		cmd.Process.Signal(sig)
	}
	cmd.Wait()
	empty("stopped")
}
