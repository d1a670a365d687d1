package lazy_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A signal that comes to a thread of C code rings, reaches the program's own
// channel, and does not end the process.
func TestThreadOfC(t *testing.T) {
	if os.Getenv(emulatorEnv) != "" {
		t.Skip("no C compiler for the emulated machine")
	}
	if idleGoroutines != 0 {
		t.Skip("with os/signal the program is always notified")
	}
	tool(t, "gcc")
	goTool := tool(t, "go")
	t.Parallel()
	bin := filepath.Join(t.TempDir(), "cthread")
	build := exec.Command(goTool, "build", "-o", bin, "./testdata/cthread")
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, notify := range []bool{false, true} {
		cmd := exec.Command(bin)
		if notify {
			cmd.Args = append(cmd.Args, "notify")
		}
		in, _ := cmd.StdinPipe()
		out, _ := cmd.StdoutPipe()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		tg := &target{t: t, cmd: cmd, pid: cmd.Process.Pid, path: "/tmp/manhole-" + itoa(cmd.Process.Pid), log: new(lockedBuffer), in: in, out: bufio.NewReader(out)}
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait(); os.Remove(tg.path) })
		line, _ := tg.out.ReadString('\n')
		tid, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			t.Fatalf("the program says %q", line)
		}
		for i := 1; i <= 5; i++ {
			if err := unix.Tgkill(tg.pid, tid, unix.SIGUSR2); err != nil {
				t.Fatal(err)
			}
			c := tg.dial()
			fmt.Fprintln(c, "version")
			c.CloseWrite()
			wants(t, rest(t, c), "go1.")
			tg.gone()
			if notify {
				eventually(t, "the program is notified", func() bool { return tg.askInt("?") == i })
			}
		}
		// What the main thread gets late is the same ring.
		tg.askInt("block")
		for range 3 {
			unix.Tgkill(tg.pid, tid, unix.SIGUSR2)
			c := tg.dial()
			c.CloseWrite()
			rest(t, c)
			tg.gone()
		}
		tg.askInt("unblock")
		if _, err := os.Lstat(tg.path); err == nil {
			t.Error("it rang twice")
		}
		tg.ring()
		c := tg.dial()
		c.CloseWrite()
		rest(t, c)
	}
}
