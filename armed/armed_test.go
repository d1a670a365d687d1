//go:build linux || darwin || freebsd

package armed

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-manhole/lazy"
	"github.com/go-manhole/lazy/internal/lazytest"
)

// The test binary imports the package, so each start of it is a program that
// arms itself or not.
func TestMain(m *testing.M) {
	lazytest.Play(lazytest.Roles{"program": program})
	os.Exit(m.Run())
}

// program rings itself if an argument says at which path that opens a socket,
// and prints the error of Arm, which fails if the import has armed already.
func program() {
	if len(os.Args) > 1 {
		syscall.Kill(os.Getpid(), syscall.SIGUSR1)
		for range 1000 {
			if lazytest.Exists(os.Args[1]) {
				os.Stdout.WriteString("rung ")
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	if err := lazy.Arm(); err != nil {
		os.Stdout.WriteString(err.Error())
	}
	lazy.Disarm()
}

func run(t *testing.T, value string, args ...string) (stdout, stderr string) {
	t.Helper()
	t.Setenv(variable, value)
	p := lazytest.Launch(t, "program", lazytest.Command(lazytest.Exe(t), args...))
	if err := p.Wait(); err != nil {
		t.Fatalf("%v: %s", err, p.Log)
	}
	return p.First, p.Log.String()
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
		var args []string
		if strings.HasPrefix(test.stdout, "rung") {
			args = append(args, path)
		}
		stdout, stderr := run(t, test.value, args...)
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
			t.Error("an error without a text")
		}
	})
}
