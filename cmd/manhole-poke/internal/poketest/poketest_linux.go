// Package poketest runs the real manhole-poke in tests, with processes to run
// it on. Those are the test binary itself in a role (package lazytest): the
// roles here are what a program with lazy in it never or rarely is, and two
// that really are armed. Each test package begins with
//
//	func TestMain(m *testing.M) { poketest.Main(m, nil) }
package poketest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

var binaryDir string

// Main is for TestMain: it plays a role, or runs the tests.
func Main(m *testing.M, more lazytest.Roles) {
	all := roles()
	maps.Copy(all, more)
	lazytest.Play(all)
	os.Exit(func() int {
		var err error
		if binaryDir, err = os.MkdirTemp("", "manhole-poke"); err != nil {
			panic(err)
		}
		defer os.RemoveAll(binaryDir)
		if err := os.Chmod(binaryDir, 0o755); err != nil { // other users must be able to run it
			panic(err)
		}
		return m.Run()
	}())
}

var build = sync.OnceValues(func() (string, error) {
	dir := "."
	for range 10 {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		dir = filepath.Join("..", dir)
	}
	path := filepath.Join(binaryDir, "manhole-poke")
	if err := buildOnce(path, dir); err != nil {
		return path, lazytest.Build(path, dir)
	}
	return path, nil
})

// buildOnce builds where the test binaries of all packages do, so that only one
// of them has to link: go build leaves alone what is up to date. Other users must
// be able to run it, so path is a copy.
func buildOnce(path, dir string) error {
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	// Each kind of build has its own.
	kind := sha256.Sum256(fmt.Appendf(nil, "%s %t %q %s", abs, lazytest.Race, testing.CoverMode(), runtime.Version()))
	shared := filepath.Join(cache, "lazy-test", hex.EncodeToString(kind[:8]))
	if err := os.MkdirAll(shared, 0o700); err != nil {
		return err
	}
	lock, err := os.Create(filepath.Join(shared, "lock"))
	if err != nil {
		return err
	}
	defer lock.Close() // which unlocks
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return err
	}
	built := filepath.Join(shared, "manhole-poke")
	if err := lazytest.Build(built, dir); err != nil {
		return err
	}
	// A process that is forked here could keep a copy open for writing (ETXTBSY).
	return exec.Command("cp", built, path).Run()
}

// Dir returns a directory that every user may enter and that goes with the tests
// of the package.
func Dir() string { return binaryDir }

// Binary returns the path of manhole-poke, which is built once.
func Binary(t testing.TB) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

const gopsVersion = "v0.3.28"

var installGops = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("go", "install", "github.com/google/gops@"+gopsVersion)
	cmd.Env = append(os.Environ(), "GOBIN="+binaryDir, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("installing gops: %v\n%s", err, out)
	}
	return filepath.Join(binaryDir, "gops"), nil
})

// Gops returns the path of the gops client, as anybody installs it, or skips
// the test.
func Gops(t testing.TB) string {
	t.Helper()
	path, err := installGops()
	if err != nil {
		t.Skip(err)
	}
	return path
}

// A Result is what manhole-poke left behind.
type Result struct {
	Stdout, Stderr string
	Status         exit.Status
}

// Command returns manhole-poke, which is killed if it does not come back.
func Command(t testing.TB, stdin io.Reader, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*lazytest.Patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, Binary(t), args...)
	cmd.Stdin = stdin
	return cmd
}

// Finish runs a command.
func Finish(t testing.TB, cmd *exec.Cmd) Result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &stdout
	}
	cmd.Stderr = &stderr
	err := cmd.Run()
	if failed := (*exec.ExitError)(nil); err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return Result{stdout.String(), stderr.String(), StatusOf(cmd)}
}

// StatusOf returns the exit status of a command that has ended.
func StatusOf(cmd *exec.Cmd) exit.Status { return exit.Status(cmd.ProcessState.ExitCode()) }

// Run runs manhole-poke with a script on its standard input, which may be "".
func Run(t testing.TB, script string, args ...string) Result {
	t.Helper()
	return Finish(t, Command(t, strings.NewReader(script), args...))
}

// AsNobody is Run as another user.
func AsNobody(t testing.TB, script string, args ...string) Result {
	t.Helper()
	cmd := lazytest.Wrap(Command(t, nil, args...), lazytest.AsUser(t, lazytest.Nobody)...)
	cmd.Stdin = strings.NewReader(script)
	return Finish(t, cmd)
}

// Lacking runs manhole-poke as root without some capabilities, such as
// "-sys_ptrace,-setuid".
func Lacking(t testing.TB, capabilities string, args ...string) Result {
	t.Helper()
	lazytest.NeedRoot(t)
	return Finish(t, lazytest.Wrap(Command(t, nil, args...), lazytest.Tool(t, "setpriv"), "--bounding-set", capabilities))
}

// InPIDNamespace runs manhole-poke in a new PID namespace, with a flag of
// unshare(1): -m leaves the old /proc there, --mount-proc does not.
func InPIDNamespace(t testing.TB, flag string, args ...string) Result {
	t.Helper()
	lazytest.NeedRoot(t)
	lazytest.InNamespaces(t, "", "-pf", flag)
	return Finish(t, lazytest.Wrap(Command(t, nil, args...), "unshare", "-pf", flag))
}

// WithoutProc runs manhole-poke where /proc is not mounted.
func WithoutProc(t testing.TB, args ...string) Result {
	t.Helper()
	r := Finish(t, lazytest.Wrap(Command(t, nil, args...), lazytest.InNamespaces(t, "mount -t tmpfs none /proc", "-m")...))
	// The race detector says, now and then, that it misses /proc itself.
	r.Stderr = regexp.MustCompile(`(?m)^==\d+==WARNING: reading executable name failed.*\n`).ReplaceAllString(r.Stderr, "")
	return r
}

// Fails asserts a status, and one line on stderr that holds all of the words.
func (r Result) Fails(t testing.TB, s exit.Status, words ...string) {
	t.Helper()
	if r.Status != s {
		t.Errorf("exit status %d, want %d: %s", r.Status, s, r.Stderr)
	}
	line, isLine := strings.CutPrefix(r.Stderr, "manhole-poke: ")
	if !isLine || strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
		t.Errorf("not one line: %q", r.Stderr)
	}
	for _, w := range words {
		if !strings.Contains(line, w) {
			t.Errorf("%q lacks %q", line, w)
		}
	}
}

// Succeeds asserts success and the answer.
func (r Result) Succeeds(t testing.TB, stdout string) {
	t.Helper()
	if r.Status != exit.OK || r.Stdout != stdout || r.Stderr != "" {
		t.Errorf("got %+v, want %q", r, stdout)
	}
}

// ShowsKernel asserts a view of what the kernel knows with matches for all of
// the patterns.
func (r Result) ShowsKernel(t testing.TB, patterns ...string) {
	t.Helper()
	if !strings.HasPrefix(r.Stdout, "What the kernel knows of process ") || !strings.HasSuffix(r.Stdout, ".\n") {
		t.Errorf("not a view: %q", r.Stdout)
	}
	if p := r.Lacks(patterns...); p != "" {
		t.Errorf("%q is missing in\n%s", p, r.Stdout)
	}
}

// Lacks returns the first of the patterns that has no match in the answer.
func (r Result) Lacks(patterns ...string) string {
	for _, p := range patterns {
		if !regexp.MustCompile(p).MatchString(r.Stdout) {
			return p
		}
	}
	return ""
}

// StateOf returns the state of a process, as in /proc/PID/status.
func StateOf(t testing.TB, pid string) byte {
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

// StartOther starts a program that is not ours, and returns its PID.
func StartOther(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(lazytest.Tool(t, name), args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	pid := strconv.Itoa(cmd.Process.Pid)
	lazytest.Eventually(t, name+" runs", func() bool {
		comm, _ := os.ReadFile("/proc/" + pid + "/comm")
		return string(comm) == filepath.Base(name)+"\n"
	})
	return pid
}

// StartZombie returns the PID of a process named true that is one until the end
// of the test.
func StartZombie(t testing.TB) string {
	t.Helper()
	cmd := exec.Command(lazytest.Tool(t, "true"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Wait() })
	pid := strconv.Itoa(cmd.Process.Pid)
	lazytest.Eventually(t, "it exited", func() bool { return StateOf(t, pid) == 'Z' })
	return pid
}

// Atoi returns the number that a PID is.
func Atoi(t testing.TB, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// FullDevice returns /dev/full, to which nothing can be written.
func FullDevice(t testing.TB) *os.File {
	t.Helper()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { full.Close() })
	return full
}

// Connected reports whether a connection was accepted at path, proc_net(5).
func Connected(t testing.TB, path string) bool {
	t.Helper()
	text, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 8 && f[5] == "03" && f[7] == path {
			return true
		}
	}
	return false
}

// Listens reports whether somebody in the network namespace of the process
// listens at path.
func Listens(t testing.TB, path, pid string) bool {
	t.Helper()
	text, err := os.ReadFile("/proc/" + pid + "/net/unix")
	if err != nil {
		t.Fatal(err)
	}
	return slices.Contains(procfs.ParseUnixListeners(text), path)
}

// SharedDir returns a directory that every user may use, with one of a long
// name in it, which is returned as well.
func SharedDir(t testing.TB) (dir, long string) {
	t.Helper()
	dir = lazytest.PublicDir(t)
	long = filepath.Join(dir, strings.Repeat("d", 60))
	if err := errors.Join(os.Mkdir(long, 0o755), os.Chmod(long, 0o777)); err != nil {
		t.Fatal(err)
	}
	return dir, long
}

// Exited reports whether the process is gone or about to be, as where nobody
// waits for orphans.
func Exited(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return unix.Kill(pid, 0) == unix.ESRCH || err == nil && procfs.Exiting(text)
}
