//go:build unix

package armed

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-manhole/lazy"
)

// The test binary imports the package, so each start of it is a program that
// arms itself or not.
func TestMain(m *testing.M) {
	if os.Getenv("ARMED_TEST_PROGRAM") != "" {
		if path := os.Getenv("ARMED_TEST_RING"); path != "" {
			syscall.Kill(os.Getpid(), syscall.SIGUSR1)
			for range 1000 {
				if _, err := os.Lstat(path); err == nil {
					os.Stdout.WriteString("rung ")
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
		}
		// Arm fails if the import has armed already.
		if err := lazy.Arm(); err != nil {
			os.Stdout.WriteString(err.Error())
		}
		lazy.Disarm()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func program(t *testing.T, env ...string) (stdout, stderr string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(append(os.Environ(), "ARMED_TEST_PROGRAM=1"), env...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	return out.String(), errs.String()
}

func TestVariable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	for _, test := range []struct{ value, stdout, stderr string }{
		{"", "", ""},
		{"0", "", ""},
		{"off", "", ""},
		{"1", "lazy: armed already, SIGUSR2 opens /tmp/manhole-", ""},
		{"signal=SIGUSR1,path=" + path + ", idle-timeout=10m, accept-timeout=1s, max-duration=2h, readonly=true", "rung lazy: armed already, SIGUSR1 opens " + path, ""},
		{"signal=10,readonly=0", "lazy: armed already, SIGUSR1 opens /tmp/manhole-", ""},
		{"please", "", `lazy: LAZY_MANHOLE: "please" is not key=value; set it to 1, or to pairs such as signal=USR1,idle-timeout=10m; the program runs on unarmed`},
		{"colour=red", "", `unknown option "colour" (valid: signal, path, accept-timeout, idle-timeout, max-duration, readonly)`},
		{"idle-timeout=soon", "", `idle-timeout="soon" is not a duration`},
		{"signal=SIGNAL", "", `signal=SIGNAL: "SIGNAL" is not a signal`},
		{"signal=TERM", "", "SIGTERM"},
		{"path=/nowhere/at/all", "", "create it or choose another"},
		{"accept-timeout=-1s", "", "must be positive"},
	} {
		env := []string{variable + "=" + test.value}
		if strings.HasPrefix(test.stdout, "rung") {
			env = append(env, "ARMED_TEST_RING="+path)
		}
		stdout, stderr := program(t, env...)
		if !strings.HasPrefix(stdout, test.stdout) || stdout != "" && test.stdout == "" {
			t.Errorf("%s: stdout %q, want %q", test.value, stdout, test.stdout)
		}
		if !strings.Contains(stderr, test.stderr) || strings.Count(stderr, "\n") > 1 || stderr != "" && test.stderr == "" {
			t.Errorf("%s: stderr %q, want %q", test.value, stderr, test.stderr)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"1", "signal=USR1,path=/x,accept-timeout=1s", "a=b", ",", "=", "readonly=maybe"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if _, err := parse(value); err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
	})
}
