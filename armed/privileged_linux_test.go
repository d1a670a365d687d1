package armed

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/internal/lazytest"
)

// A program that has rights that its caller had not ignores the variable, also
// where all its ids are the caller's.
func TestPrivileged(t *testing.T) {
	const caller, owner = 61234, 64321
	as := lazytest.AsUser(t, caller)
	lazytest.SkipEmulated(t, "the emulator's rights would count")
	for name, prepare := range map[string]func(exe string) error{
		"plain": func(string) error { return nil },
		"set-user-ID": func(exe string) error {
			os.Chown(exe, owner, -1)
			return os.Chmod(exe, os.ModeSetuid|0o755)
		},
		"set-group-ID": func(exe string) error {
			os.Chown(exe, -1, owner)
			return os.Chmod(exe, os.ModeSetgid|0o755)
		},
		"file capabilities": func(exe string) error {
			out, err := exec.Command(lazytest.Tool(t, "setcap"), "cap_net_bind_service+ep", exe).CombinedOutput()
			if err != nil {
				return fmt.Errorf("%w: %s", err, out)
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			exe := lazytest.CopyExe(t, "program")
			if err := prepare(exe); err != nil {
				t.Skip(err)
			}
			t.Setenv(variable, "1")
			p := lazytest.Launch(t, "program", lazytest.Wrap(lazytest.Command(exe), as...))
			if err := p.Wait(); err != nil {
				t.Fatalf("%v: %s", err, p.Log)
			}
			if name == "plain" {
				if want := "armed already, SIGUSR2 opens /tmp/manhole-" + strconv.Itoa(p.PID); !strings.Contains(p.First, want) {
					t.Errorf("%q: %s", p.First, p.Log)
				}
				return
			}
			if p.First != "" || !strings.Contains(p.Log.String(), "lazy: LAZY_MANHOLE: ignored in a set-user-ID or set-group-ID program, or one with file capabilities; the program runs on unarmed\n") {
				t.Errorf("%q: %s", p.First, p.Log)
			}
		})
	}
}
