package access

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/go-manhole/lazy/internal/lazytest"
	"github.com/go-manhole/lazy/internal/peercred"
	"golang.org/x/sys/unix"
)

// The test binary is started anew as another user, in the state that the
// variable names, and prints what Check says of a peer with the same ids.
const stateEnv = "LAZY_TEST_ACCESS"

func TestMain(m *testing.M) {
	state, ok := os.LookupEnv(stateEnv)
	if !ok {
		os.Exit(m.Run())
	}
	peer := peercred.Cred{UID: os.Getuid(), GID: os.Getgid(), PID: os.Getpid()}
	switch state {
	case "same", "ambient":
	case "other user":
		peer.UID++
	case "other group":
		peer.GID++
	case "undumpable":
		unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	case "was root":
		peer.UID, peer.GID = 1234, 1234
		syscall.Setgroups(nil)
		syscall.Setgid(1234)
		if err := syscall.Setuid(1234); err != nil {
			fmt.Println(err)
		}
	case "saved":
		peer.UID = 1234
		if err := syscall.Setresuid(1234, 1234, 0); err != nil {
			fmt.Println(err)
		}
	case "root":
		peer = peercred.Cred{}
	}
	fmt.Printf("%v\n%v\n", Check(peer), Privileged())
}

func TestCheck(t *testing.T) {
	if os.Getenv("LAZY_TEST_EMULATOR") != "" {
		t.Skip("a copy of the test binary cannot be started without the emulator")
	}
	if os.Getuid() != 0 {
		t.Skip("needs root, to be other users")
	}
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		t.Skip(err)
	}
	user := []string{setpriv, "--reuid", "1234", "--regid", "1234", "--clear-groups"}
	ambient := append(user, "--inh-caps", "+net_bind_service", "--ambient-caps", "+net_bind_service")
	for _, c := range []struct {
		state      string
		as         []string
		want       string
		privileged string
	}{
		{"same", user, "<nil>", "false"},
		{"root", user, "<nil>", "false"},
		{"other user", user, "connected as uid 1235; only uid 1234 and root may connect", "false"},
		{"other group", user, "gid 1234", "false"},
		{"undumpable", user, "not dumpable", "true"},
		{"ambient", ambient, "capabilities (0x400)", "false"},
		{"was root", nil, "not dumpable", "true"},
		{"saved", nil, "saved 0", "true"},
	} {
		t.Run(c.state, func(t *testing.T) {
			copied := lazytest.CopyExe(t, "access.test")
			words := append(c.as[:len(c.as):len(c.as)], copied)
			cmd := exec.Command(words[0], words[1:]...)
			cmd.Env = append(os.Environ(), stateEnv+"="+c.state)
			out, err := cmd.CombinedOutput()
			check, privileged, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
			if err != nil || !strings.Contains(check, c.want) || privileged != c.privileged {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestSameUser(t *testing.T) {
	for peer, ok := range map[peercred.Cred]bool{{UID: 0}: true, {UID: 7}: true, {UID: 8}: false} {
		if err := SameUser(peer, 7); (err == nil) != ok {
			t.Errorf("%+v: %v", peer, err)
		}
	}
}

// TestOtherNamespace has a process in a user namespace of its own.
func TestOtherNamespace(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		t.Skipf("no user namespace: %v", err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	if err := sameNamespace(peercred.Cred{UID: 1, PID: cmd.Process.Pid}); err == nil || !strings.Contains(err.Error(), "user namespace below") {
		t.Errorf("%v", err)
	}
	if err := sameNamespace(peercred.Cred{UID: 1, PID: os.Getpid()}); err != nil {
		t.Error(err)
	}
}
