package lazytest

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// Patience is how long a test waits for what must happen in the end. Only a
// broken program needs it.
const Patience = 2 * time.Minute

// Eventually waits until ok returns true, and fails the test after Patience.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(Patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still not so after %v: %s", Patience, what)
		}
	}
}

// Wants fails the test, once for each, if words are missing in got.
func Wants(t testing.TB, got string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(got, w) {
			t.Errorf("%q is missing in:\n%s", w, got)
		}
	}
}

// Exists reports whether path names anything, a dangling symlink included.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// Tool returns the path of an installed program, or skips the test.
func Tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

// NeedRoot skips the test unless it runs as root.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to be another user or to make namespaces")
	}
}

// emulatorVariable names the program that runs the test binary here, such as
// qemu-aarch64; unset if the machine runs it itself.
const emulatorVariable = "LAZY_TEST_EMULATOR"

// Emulated reports whether the test binary is run by an emulator.
func Emulated() bool { return os.Getenv(emulatorVariable) != "" }

// SkipEmulated skips the test in an emulator.
func SkipEmulated(t testing.TB, why string) {
	t.Helper()
	if Emulated() {
		t.Skip("in an emulator: " + why)
	}
}

// A Buffer is a bytes.Buffer that is safe for concurrent use.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
