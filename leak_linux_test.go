package lazy_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/internal/lazytest"
)

// A build with the profile of leaked goroutines finds those that can never be
// woken, and not those that only wait.
func TestGoroutineLeak(t *testing.T) {
	if testing.Short() || lazytest.Emulated() {
		t.Skip("builds a program, and for the experiment the standard library too")
	}
	goTool := lazytest.Tool(t, "go")
	t.Parallel()
	dir := t.TempDir()
	bin := filepath.Join(dir, "leak")
	build := exec.Command(goTool, "build", "-o", bin, "./testdata/leak")
	build.Env = append(os.Environ(), "GOEXPERIMENT=goroutineleakprofile")
	out, err := build.CombinedOutput()
	if bytes.Contains(out, []byte("unknown GOEXPERIMENT")) {
		// Too old for the experiment, or so new that it is none any more.
		build = exec.Command(goTool, "build", "-o", bin, "./testdata/leak")
		out, err = build.CombinedOutput()
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	tg := lazytest.Launch(t, "", exec.Command(bin)).Ready()
	if !strings.Contains(tg.Script("pprof\n"), "\ngoroutineleak ") {
		t.Skip("this Go release has no profile of leaked goroutines")
	}
	tg.Gone()

	file := filepath.Join(dir, "leak.pprof")
	if err := os.WriteFile(file, []byte(tg.Script("pprof goroutineleak\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	tg.Gone()
	finds(t, "pprof goroutineleak -top", tg.Script("pprof goroutineleak -top\n"))
	tg.Gone()
	for _, how := range []string{"-top", "-raw"} {
		out, err := exec.Command(goTool, "tool", "pprof", how, file).CombinedOutput()
		if err != nil {
			t.Fatalf("go tool pprof %s: %v\n%s", how, err, out)
		}
		finds(t, "go tool pprof "+how, string(out))
	}
	lazytest.Wants(t, tg.Script("stack full -state leaked\n"), "7 chan send (leaked)", "main.forgotten")
}

// finds checks that a report has the seven that are forgotten, and not the
// five that are patient.
func finds(t *testing.T, what, report string) {
	t.Helper()
	if !strings.Contains(report, "main.forgotten") || !regexp.MustCompile(`\b7\b`).MatchString(report) || strings.Contains(report, "main.patient") {
		t.Errorf("%s:\n%s", what, report)
	}
}
