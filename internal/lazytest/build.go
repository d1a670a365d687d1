package lazytest

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"syscall"
	"testing"
)

// UnderRace reports whether the test binary has the race detector in it.
func UnderRace() bool {
	info, _ := debug.ReadBuildInfo()
	return info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// coverage returns what a process that the tests start needs in its environment
// so that its coverage counts; nothing if coverage is not measured. go test reads
// the directory at the end of the tests.
func coverage() []string {
	if testing.CoverMode() == "" {
		return nil
	}
	// go test sets the variable, and the flag to the same unless it is given.
	dir := os.Getenv("GOCOVERDIR")
	if f := flag.Lookup("test.gocoverdir"); f != nil && f.Value.String() != "" {
		dir = f.Value.String()
	}
	return []string{"GOCOVERDIR=" + dir}
}

// Build builds the package in the directory dir into the file out, with this
// test's tags, race detector and coverage.
func Build(out, dir string) error {
	args := []string{"build", "-o", out}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "-race" || s.Key == "-tags" {
				args = append(args, s.Key+"="+s.Value)
			}
		}
	}
	if testing.CoverMode() != "" {
		args = append(args, "-cover", "-covermode="+testing.CoverMode(), "-coverpkg=github.com/go-manhole/lazy/...")
	}
	cmd := exec.Command("go", append(args, ".")...)
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build in %s: %w\n%s", dir, err, text)
	}
	return nil
}

// CopyExe copies the test binary to a file of that name in a directory that
// every user may enter, and returns its path. The copy goes with the test.
func CopyExe(t testing.TB, name string) string {
	t.Helper()
	exe, err := os.ReadFile(Exe(t))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(PublicDir(t), name)
	WriteExe(t, path, exe)
	return path
}

// WriteExe makes an executable file with that content.
func WriteExe(t testing.TB, path string, content []byte) {
	t.Helper()
	// A process that another test starts at this moment would have the file open
	// for writing until its execve(2), and nobody could run it (ETXTBSY).
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, content, 0o755); err != nil {
		t.Fatal(err)
	}
}

// Exe returns the path of the test binary.
func Exe(t testing.TB) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exe
}

// PublicDir makes a directory in which every user may read and write, with a
// path short enough for a socket. It goes with the test.
func PublicDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lazytest-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}
