package process

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/poketest"
	"golang.org/x/sys/unix"
)

const (
	stuckVariable   = "LAZY_TEST_STUCK"   // PIDs at which to look takes for ever
	stoppedVariable = "LAZY_TEST_STOPPED" // and one at which the child comes to a halt
)

// In the child, before its init function runs.
var _ = func() bool {
	real := look
	look = func(v *viewer, pid int) (*Info, bool) {
		if slices.Contains(strings.Fields(os.Getenv(stuckVariable)), strconv.Itoa(pid)) {
			select {}
		}
		if os.Getenv(stoppedVariable) == strconv.Itoa(pid) {
			// kill(2) would let another thread take the signal, and this one go on
			// and answer until it is stopped as well.
			runtime.LockOSThread()
			unix.Tgkill(os.Getpid(), unix.Gettid(), unix.SIGSTOP)
		}
		return real(v, pid)
	}
	return true
}()

func TestListWithStuckProcess(t *testing.T) {
	g, a, b := poketest.Start(t, "armed"), poketest.Start(t, "armed"), poketest.StartOther(t, "sleep", "1000")
	t.Setenv(stuckVariable, a.PID+" "+b)
	ps, err := List()
	if err != nil {
		t.Fatal(err)
	}
	if p := among(t, ps, g.PID); p == nil || p.Unanswered || !*p.Armed {
		t.Errorf("another process: %+v", p)
	}
	for _, pid := range []string{a.PID, b} {
		if p := among(t, ps, pid); p == nil || !p.Unanswered || p.Name == "" || p.MayBeArmed() {
			t.Errorf("the stuck process: %+v", p)
		}
	}
	childless(t)
}

func TestListWithStuckChild(t *testing.T) {
	g := poketest.Start(t, "armed")
	t.Setenv(stoppedVariable, g.PID)
	ps, err := List()
	if err != nil {
		t.Fatal(err)
	}
	if p := among(t, ps, g.PID); p == nil || !p.Unanswered {
		t.Errorf("%+v", p)
	}
	childless(t)
}

// childless fails the test if a child that looked at processes is left.
func childless(t *testing.T) {
	t.Helper()
	out, _ := exec.Command("ps", "--ppid", strconv.Itoa(os.Getpid()), "-o", "pid,stat,args").Output()
	if strings.Contains(string(out), viewerName) || strings.Contains(string(out), "<defunct>") {
		t.Errorf("left behind:\n%s", out)
	}
}
