package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

func TestAnswerToFile(t *testing.T) {
	g := poketest.Start(t, "lazy")
	dir := t.TempDir()
	file := filepath.Join(dir, "heap.pprof")
	r := poketest.Run(t, "", "-o", file, g.PID, "pprof-heap")
	if r.Status != exit.OK || r.Stdout != "" || !strings.HasSuffix(r.Stderr, "; look at it with go tool pprof "+file+"\n") {
		t.Errorf("%+v", r)
	}
	if out, err := exec.Command("go", "tool", "pprof", "-raw", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if st, err := os.Stat(file); err != nil || st.Mode() != 0o600 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
	poketest.Run(t, "", "-o", file, g.PID, "version").Fails(t, exit.LocalIO, "exists", "-f")
	// A failed command leaves the old file alone.
	poketest.Run(t, "", "-f", "-o", file, g.PID, "fail").Fails(t, exit.Command, "on purpose")
	if b, err := os.ReadFile(file); err != nil || !bytes.HasPrefix(b, []byte("\x1f\x8b")) {
		t.Errorf("%q, %v", b, err)
	}
	if r := poketest.Run(t, "", g.PID, "version", "-f", "-o", file); r.Status != exit.OK {
		t.Errorf("%+v", r)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != runtime.Version()+"\n" {
		t.Errorf("%q, %v", b, err)
	}
	poketest.Run(t, "", "-o", filepath.Join(dir, "missing", "x"), g.PID, "version").Fails(t, exit.LocalIO, "cannot write")
	poketest.Run(t, "", "-o", dir, g.PID, "version").Fails(t, exit.LocalIO, "is a directory")
	poketest.Run(t, "", "-o", file+"2", "-c", "version; stats", g.PID).Fails(t, exit.Usage, "one command, not of 2")
	if left, _ := filepath.Glob(dir + "/.*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}

	// A - is standard output, and ./- a file.
	for _, args := range [][]string{{"-o", "-", g.PID, "version"}, {g.PID, "version", "-f", "-o", "-"}, {"-o", "-", "-c", "version", g.PID}} {
		cmd := poketest.Command(t, nil, args...)
		cmd.Dir = dir
		poketest.Finish(t, cmd).Succeeds(t, runtime.Version()+"\n")
	}
	cmd := poketest.Command(t, nil, "-o", "./-", g.PID, "version")
	cmd.Dir = dir
	if r := poketest.Finish(t, cmd); r.Status != exit.OK || r.Stdout != "" {
		t.Errorf("%+v", r)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "-")); err != nil || string(b) != runtime.Version()+"\n" {
		t.Errorf("%q, %v", b, err)
	}
	s, wait := poketest.AtTerminal(t, "-o", "-", g.PID, "pprof-heap")
	s.Until(t, "is binary, not for a terminal; try manhole-poke -o heap.pprof "+g.PID)
	if st := wait(); st != exit.Usage {
		t.Errorf("exit status %d", st)
	}
}

// A file that is overwritten keeps its mode, its owner, and symlinks to it.
func TestAnswerOverFile(t *testing.T) {
	g := poketest.Start(t, "lazy")
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
	poketest.Run(t, "", "-o", link, g.PID, "version").Fails(t, exit.LocalIO, "exists", "-f")
	poketest.Run(t, "", "-f", "-o", link, g.PID, "fail").Fails(t, exit.Command, "on purpose")
	is("old")
	cmd := poketest.Command(t, nil, "-f", "-o", link, g.PID, "block")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lazytest.Eventually(t, "half an answer is there", func() bool {
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
	if r := poketest.Run(t, "", "-f", "-o", link, g.PID, "version"); r.Status != exit.OK || !strings.Contains(r.Stderr, "wrote "+link+", ") {
		t.Errorf("%+v", r)
	}
	is(runtime.Version() + "\n")

	for _, flags := range [][]string{{"-o", nowhere}, {"-f", "-o", nowhere}} {
		poketest.Run(t, "", append(flags, g.PID, "version")...).Fails(t, exit.LocalIO, "is a link to none, which does not exist")
	}
}

// Opening a pipe waits for a reader. Ctrl-C ends that, and a write to a pipe whose
// reader does not read.
func TestAnswerToPipe(t *testing.T) {
	a, b := poketest.Start(t, "lazy"), poketest.Start(t, "lazy")
	dir := t.TempDir()
	pipe := func(name string) string {
		t.Helper()
		if err := unix.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	written := pipe("written")
	cmd := poketest.Command(t, nil, "-o", written, a.PID, "echo", "through", "a", "pipe")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(written)
	if cmd.Wait(); err != nil || string(text) != "through a pipe\n" || !cmd.ProcessState.Success() {
		t.Errorf("%q, %v, %v", text, err, cmd.ProcessState)
	}

	// It opens the first pipe, then waits at the second.
	pipe("x." + b.PID)
	first, err := unix.Open(pipe("x."+a.PID), unix.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(first)
	leaves := func(ready func() bool, args ...string) {
		t.Helper()
		cmd := poketest.Command(t, nil, args...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lazytest.Eventually(t, "it waits", ready)
		cmd.Process.Signal(syscall.SIGINT)
		cmd.Wait()
		r := poketest.Result{Stderr: stderr.String(), Status: poketest.StatusOf(cmd)}
		r.Fails(t, exit.Signalled+exit.Status(syscall.SIGINT), "left on SIGINT")
	}
	leaves(func() bool {
		_, err := unix.Read(first, make([]byte, 1))
		return err == unix.EAGAIN // there is a writer, pipe(7)
	}, "-o", filepath.Join(dir, "x"), a.PID, b.PID, "version")
	leaves(func() bool {
		unread, err := unix.IoctlGetInt(first, unix.TIOCINQ)
		return err == nil && unread >= 64<<10 // as many as there is room for
	}, "-o", filepath.Join(dir, "x."+a.PID), b.PID, "binary")
}
