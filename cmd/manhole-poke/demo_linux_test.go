package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

var demoPid = regexp.MustCompile(`this is manhole-poke (\d+):`)

func TestDemo(t *testing.T) {
	r := poketest.Finish(t, poketest.Command(t, nil, "demo"))
	m := demoPid.FindStringSubmatch(r.Stderr)
	if r.Status != exit.OK || m == nil || strings.Count(r.Stderr, "\n") != 1 {
		t.Fatalf("%+v", r)
	}
	for _, word := range []string{
		"pid", "goroutines", "main.packOrders", "main.shipParcel", "main.tendDesk", "main.payAtTill", "main.readShelves",
		"main.waitForDoors", "main.waitForStaff", "main.cleanFloor", "main.printReceipt",
	} {
		if !strings.Contains(r.Stdout, word) {
			t.Errorf("the report lacks %q", word)
		}
	}
	if t.Failed() {
		t.Log(r.Stdout)
	}
	if err := unix.Kill(poketest.Atoi(t, m[1]), 0); err != unix.ESRCH {
		t.Errorf("the demo's program is still there: %v", err)
	}
	if _, err := os.Lstat("/tmp/manhole-" + m[1]); err == nil {
		t.Errorf("the demo's socket is still there")
	}
}

// The demo's program is a real armed one, which a second process can use.
func TestReal(t *testing.T) {
	cmd := exec.Command(poketest.Binary(t), "demo", demoProgramArg)
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

	if r := poketest.Run(t, "stats\nversion\n", pid); r.Status != exit.OK || r.Stderr != "" || !strings.Contains(r.Stdout, "goroutines") || strings.Contains(r.Stdout, "lazy") {
		t.Errorf("a script: %+v", r)
	}
	if r := poketest.Run(t, "nonsense\nversion\n", pid); !strings.Contains(r.Stdout, "\ngo") {
		t.Errorf("an unknown command: %+v", r)
	} else {
		r.Fails(t, exit.Command, "nonsense: no such command")
	}
	if r := poketest.Run(t, "", pid); r.Status != exit.OK || !strings.Contains(r.Stdout, "main.printReceipt") {
		t.Errorf("a report: %+v", r)
	}
	poketest.Run(t, "", "-s", "USR1", pid).Fails(t, exit.NotArmed, "armed for SIGUSR2")

	if r := poketest.Run(t, "", "--json"); !regexp.MustCompile(`"pid":` + pid + `,.*"lazy":"[^"]`).MatchString(r.Stdout) {
		t.Errorf("lazy's version is not in the list: %+v", r)
	}

	s, wait := poketest.AtTerminal(t, pid)
	s.Until(t, "lazy> ")
	// During the session others learn that it is busy.
	poketest.Run(t, "stats\n", pid).Fails(t, exit.Busy, pid, "lazy: busy:")
	s.Type(t, "stats\n")
	s.Until(t, "goroutines")
	s.Until(t, "lazy> ")
	s.Type(t, "quit\n")
	if st := wait(); st != exit.OK {
		t.Errorf("quit at the terminal: exit status %d", st)
	}

	s, wait = poketest.AtTerminal(t, pid)
	s.Until(t, "lazy> ")
	defer os.Remove("/tmp/manhole-" + pid) // nobody is left to do it
	cmd.Process.Kill()
	if st := wait(); st != exit.Broken {
		t.Errorf("killed in the session: exit status %d", st)
	}
	s.Until(t, "exited during the session")
}

func TestDemoAtTerminal(t *testing.T) {
	s, wait := poketest.AtTerminal(t, "demo")
	s.Until(t, "lazy> ")
	s.Type(t, "stats\n")
	s.Until(t, "goroutines")
	s.Until(t, "lazy> ")
	s.Type(t, "\x04")
	if st := wait(); st != exit.OK {
		t.Errorf("exit status %d", st)
	}
}

// However the demo ends, its program ends with it.
func TestDemoKilled(t *testing.T) {
	keys, tty := lazytest.OpenTerminal(t)
	defer keys.Close()
	cmd := poketest.Command(t, tty, "demo")
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
	pid := poketest.Atoi(t, m[1])
	lazytest.Eventually(t, "the demo's program is gone", func() bool {
		text, err := os.ReadFile("/proc/" + m[1] + "/stat")
		return unix.Kill(pid, 0) == unix.ESRCH || err == nil && procfs.Exiting(text) // where nobody reaps orphans
	})
	if _, err := os.Lstat("/tmp/manhole-" + m[1]); err == nil {
		t.Error("the demo's socket is still there")
	}
}

// A chroot with nothing in it but the program.
func TestBareChroot(t *testing.T) {
	lazytest.NeedRoot(t)
	dir := lazytest.PublicDir(t)
	static := exec.Command("go", "build", "-o", dir+"/program", ".")
	static.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := static.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	for name, namespaces := range map[string]uintptr{"chroot": 0, "container": lazytest.AllNamespaces | syscall.CLONE_NEWNS} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command("/program", "demo", demoProgramArg)
			cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: dir, Cloneflags: namespaces}
			pid := startDemoProgram(t, cmd)
			r := poketest.Run(t, "", pid, "stats")
			if r.Status != exit.OK || !strings.Contains(r.Stdout, "goroutines") {
				t.Errorf("%+v", r)
			}
		})
	}
}

func startDemoProgram(t *testing.T, cmd *exec.Cmd) (pid string) {
	t.Helper()
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
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	said := make([]byte, len(demoArmed))
	if n, err := stdout.Read(said); err != nil || string(said[:n]) != demoArmed {
		t.Fatalf("%q, %v", said[:n], err)
	}
	return strconv.Itoa(cmd.Process.Pid)
}
