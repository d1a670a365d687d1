package lazy_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// In a build that has it, the profile of goroutines that nobody can ever wake
// finds those, and not those that merely wait.
func TestGoroutineLeak(t *testing.T) {
	if testing.Short() || os.Getenv(emulatorEnv) != "" {
		t.Skip("builds a program, and for the experiment the standard library too")
	}
	goTool := tool(t, "go")
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
	cmd := exec.Command(bin)
	in, _ := cmd.StdinPipe()
	first, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tg := &target{t: t, cmd: cmd, pid: cmd.Process.Pid, path: "/tmp/manhole-" + itoa(cmd.Process.Pid), log: new(lockedBuffer), in: in, out: bufio.NewReader(first)}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait(); os.Remove(tg.path) })
	if line, _ := tg.out.ReadString('\n'); line != "ready\n" {
		t.Fatalf("the program says %q", line)
	}
	if !strings.Contains(tg.script("pprof\n"), "\ngoroutineleak ") {
		t.Skip("this Go release has no profile of leaked goroutines")
	}
	tg.gone()

	file := filepath.Join(dir, "leak.pprof")
	if err := os.WriteFile(file, []byte(tg.script("pprof goroutineleak\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	tg.gone()
	finds(t, "pprof goroutineleak -top", tg.script("pprof goroutineleak -top\n"))
	tg.gone()
	for _, how := range []string{"-top", "-raw"} {
		out, err := exec.Command(goTool, "tool", "pprof", how, file).CombinedOutput()
		if err != nil {
			t.Fatalf("go tool pprof %s: %v\n%s", how, err, out)
		}
		finds(t, "go tool pprof "+how, string(out))
	}
	wants(t, tg.script("stack full -state leaked\n"), "7 chan send (leaked)", "main.forgotten")
}

// finds checks that a report has the seven that are forgotten, and not the
// five that are patient.
func finds(t *testing.T, what, report string) {
	t.Helper()
	if !strings.Contains(report, "main.forgotten") || !regexp.MustCompile(`\b7\b`).MatchString(report) || strings.Contains(report, "main.patient") {
		t.Errorf("%s:\n%s", what, report)
	}
}
