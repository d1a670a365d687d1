package lazy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/internal/lazytest"
)

// The library works in every build mode. In some of them the assembler turns one
// instruction that names a symbol into two.
func TestBuildModes(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the library in six modes")
	}
	if lazytest.Emulated() {
		t.Skip("no C compiler for the emulated machine")
	}
	lazytest.Tool(t, "gcc")
	lazytest.Tool(t, "nc")
	lazytest.Tool(t, "go")
	dir := t.TempDir()
	run := func(words ...string) string {
		t.Helper()
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", words, err, out)
		}
		return string(out)
	}
	build := func(t *testing.T, out, program string, flags ...string) string {
		t.Helper()
		out = filepath.Join(dir, out)
		run(append(append([]string{"go", "build", "-o", out}, flags...), program)...)
		return out
	}
	const program = "./testdata/buildmode"
	compile := func(t *testing.T, out string, args ...string) string {
		t.Helper()
		out = filepath.Join(dir, out)
		run(append([]string{"gcc", "-o", out}, args...)...)
		return out
	}
	for _, mode := range []struct {
		name  string
		start func(t *testing.T) []string // builds it, and returns the command
	}{
		{"exe", func(t *testing.T) []string { return []string{build(t, "exe", program)} }},
		{"pie", func(t *testing.T) []string { return []string{build(t, "pie", program, "-buildmode=pie")} }},
		{"plugin", func(t *testing.T) []string {
			return []string{build(t, "loader", program+"/loader"), build(t, "plugin.so", program, "-buildmode=plugin")}
		}},
		{"c-shared", func(t *testing.T) []string {
			library := build(t, "shared.so", program, "-buildmode=c-shared")
			return []string{compile(t, "shared", program+"/c/shared.c", "-ldl"), library}
		}},
		{"c-archive", func(t *testing.T) []string {
			archive := build(t, "archive.a", program, "-buildmode=c-archive")
			return []string{compile(t, "archive", program+"/c/archive.c", archive, "-lpthread")}
		}},
		{"linkshared", func(t *testing.T) []string {
			if os.Getenv("LAZY_TEST_LINKSHARED") == "" {
				t.Skip("builds the standard library as a shared one, which takes a minute; set LAZY_TEST_LINKSHARED=1")
			}
			// What -buildmode=shared installs goes into GOROOT/pkg.
			root := filepath.Join(dir, "goroot")
			run("cp", "-a", strings.TrimSpace(run("go", "env", "GOROOT")), root)
			t.Setenv("GOROOT", root)
			t.Setenv("GOTOOLCHAIN", "local")
			run(filepath.Join(root, "bin/go"), "install", "-buildmode=shared", "-linkshared", "std")
			out := filepath.Join(dir, "linkshared")
			run(filepath.Join(root, "bin/go"), "build", "-linkshared", "-o", out, program)
			return []string{out}
		}},
	} {
		t.Run(mode.name, func(t *testing.T) {
			words := mode.start(t)
			out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
			got := string(out)
			if err != nil || strings.Count(got, "goroutines: ") != 3 || !strings.Contains(got, "disarmed: <nil>") {
				t.Errorf("%s/%s: %v\n%s", runtime.GOARCH, mode.name, err, got)
			}
		})
	}
}
