package lazy_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

func init() { roles["peer"] = peerMain }

// peerMain connects to the path in its argument, asks for the version and prints
// the answer on one line. nc knows no abstract sockets.
func peerMain() {
	c, err := net.Dial("unix", os.Args[1])
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	io.WriteString(c, "version\n")
	c.(*net.UnixConn).CloseWrite()
	answer, err := io.ReadAll(c)
	fmt.Printf("%q %v\n", answer, err)
}

// A user of the tests, and another.
const (
	someone  = 61234
	stranger = 64321
)

// Somebody else than root comes in only where the kernel would let it debug the
// process, and with WithSameEffectiveUID if it is the process's effective user.
func TestWhoMayComeIn(t *testing.T) {
	asSomeone := lazytest.AsUser(t, someone)
	asStranger := lazytest.AsUser(t, stranger)
	lazytest.SkipEmulated(t, "the emulator's rights would count")
	lazytest.Tool(t, "nc")
	t.Parallel()
	// copied returns a copy of the test binary to which the command was done.
	copied := func(t *testing.T, command ...string) string {
		exe := lazytest.CopyExe(t, "target")
		if command != nil {
			lazytest.Tool(t, command[0])
			if out, err := exec.Command(command[0], append(command[1:], exe)...).CombinedOutput(); err != nil {
				t.Skipf("%q: %v: %s", command, err, out)
			}
		}
		return exe
	}
	for _, c := range []struct {
		name   string
		exe    func(t *testing.T) string
		as     []string // that the program is started as
		before string
		peer   []string // asSomeone, unless said otherwise
		want   string   // in the refusal; "" if the peer comes in
	}{
		{name: "same user", as: asSomeone},
		{name: "was root", before: "setuid", want: "not dumpable"},
		{name: "undumpable", as: asSomeone, before: "undumpable", want: "not dumpable"},
		{name: "file capabilities", as: asSomeone, want: "capabilities",
			exe: func(t *testing.T) string { return copied(t, "setcap", "cap_net_bind_service+ep") }},
		{name: "set-group-ID", as: asSomeone, want: "effective 64321",
			exe: func(t *testing.T) string {
				exe := copied(t, "chgrp", strconv.Itoa(stranger))
				os.Chmod(exe, os.ModeSetgid|0o755)
				return exe
			}},
		{name: "set-user-ID", as: asStranger, want: "this process has uid 64321, effective 61234",
			exe: func(t *testing.T) string {
				exe := copied(t, "chown", strconv.Itoa(someone))
				os.Chmod(exe, os.ModeSetuid|0o755)
				return exe
			}},
		{name: "ambient capabilities", want: "has capabilities",
			as: append(slices.Clip(asSomeone), "--inh-caps", "+net_bind_service", "--ambient-caps", "+net_bind_service")},
		{name: "peer in a child user namespace", as: asSomeone, want: "user namespace below",
			peer: append(slices.Clip(asSomeone), "unshare", "-U")},
		{name: "peer that is root of a child user namespace", as: asSomeone, want: "user namespace below",
			peer: append(slices.Clip(asSomeone), "unshare", "-Ur")},
	} {
		t.Run(c.name, func(t *testing.T) {
			exe := copied
			if c.exe != nil {
				exe = func(t *testing.T, _ ...string) string { return c.exe(t) }
			}
			peer := c.peer
			if peer == nil {
				peer = asSomeone
			}
			if out, err := exec.Command(peer[0], append(peer[1:], "true")...).CombinedOutput(); err != nil {
				t.Skipf("%q: %v: %s", peer, err, out)
			}
			tg := launchCommand(t, lazytest.Wrap(lazytest.Command(exe(t), "-same-uid", "-before", c.before), c.as...)).ready()
			as := strings.Join(peer, " ")

			// What the kernel says to the same peer: PTRACE_MODE_READ, and
			// PTRACE_MODE_ATTACH without a security module's rules.
			_, err := tg.Shell(as + " cat /proc/$PID/environ >/dev/null")
			if (err != nil) != (c.want != "") {
				t.Errorf("the kernel's verdict: %v", err)
			}

			try := func(as string) string {
				got, err := tg.Shell("echo version | " + as + " nc -N -U /tmp/manhole-$PID")
				if err != nil {
					t.Error(err)
				}
				return got
			}
			tg.Ring()
			tg.Opened()
			got := try(as)
			switch {
			case c.want == "" && strings.HasPrefix(got, "go1."):
				tg.Gone()
				tg.Ring()
				tg.Opened()
			case !strings.HasPrefix(got, "lazy: refused: connected as uid 61234; only root may connect") || !strings.Contains(got, c.want) || strings.Count(got, "\n") != 1:
				t.Errorf("%q, want %q", got, c.want)
			}
			if got := try(""); !strings.HasPrefix(got, "go1.") {
				t.Errorf("root: %q", got)
			}
			tg.Gone()
			if got := tg.Ask("disarm") + tg.Ask("arm"); got != "<nil><nil>" {
				t.Fatal(got)
			}
			tg.Ring()
			tg.Opened()
			if got := try(as); !strings.HasPrefix(got, "go1.") {
				t.Errorf("with WithSameEffectiveUID: %q", got)
			}
		})
	}
}

// In a user namespace all that are not mapped there are uid 65534, also the
// process.
func TestUnmappedUsers(t *testing.T) {
	asSomeone := lazytest.AsUser(t, someone)
	asStranger := lazytest.AsUser(t, stranger)
	lazytest.SkipEmulated(t, "the container has no emulator in it")
	t.Parallel()
	inNamespace := append(slices.Clip(asSomeone), lazytest.Tool(t, "unshare"), "-U")
	if out, err := lazytest.Wrap(exec.Command("true"), inNamespace...).CombinedOutput(); err != nil {
		t.Skipf("%v: %s", err, out)
	}
	exe := lazytest.CopyExe(t, "target")
	path := fmt.Sprintf("@manhole-of-test-%d-unmapped", os.Getpid())
	tg := launchCommand(t, lazytest.Wrap(lazytest.Command(exe, "-path", path, "-same-uid"), inNamespace...)).ready()
	for range 2 {
		tg.Ring()
		lazytest.Eventually(t, "it listens", func() bool {
			c, err := net.Dial("unix", path)
			if err == nil {
				c.Close()
			}
			return err == nil
		})
		p := lazytest.Launch(t, "peer", lazytest.Wrap(lazytest.Command(exe, path), asStranger...))
		if !strings.Contains(p.First, "stands for every user that is not mapped") {
			t.Errorf("%s", p.First)
		}
		if got := tg.Ask("disarm") + tg.Ask("arm"); got != "<nil><nil>" {
			t.Fatal(got)
		}
	}
}

// openToAll calls connect once the socket's mode lets everybody connect. The
// process may set the mode after the socket is there.
func openToAll(tg *target, connect func() error) {
	tg.t.Helper()
	lazytest.Eventually(tg.t, "everybody can connect", func() bool {
		return os.Chmod(tg.Path, 0o666) == nil && connect() == nil
	})
}

// A process that is root of a user namespace lets in the user who made that, as the
// kernel does, and root of the same namespace. Everybody else out there is uid
// 65534 to it, root of the host too.
func TestRootOfUserNamespace(t *testing.T) {
	asSomeone := lazytest.AsUser(t, someone)
	asStranger := lazytest.AsUser(t, stranger)
	lazytest.SkipEmulated(t, "the emulator's rights would count")
	lazytest.Tool(t, "nc")
	nsenter := lazytest.Tool(t, "nsenter")
	t.Parallel()
	inNamespace := append(slices.Clip(asSomeone), lazytest.Tool(t, "unshare"), "-Ur")
	if out, err := lazytest.Wrap(exec.Command("true"), inNamespace...).CombinedOutput(); err != nil {
		t.Skipf("%v: %s", err, out)
	}
	tg := launchCommand(t, lazytest.Wrap(lazytest.Command(lazytest.CopyExe(t, "target")), inNamespace...)).ready()
	for _, c := range []struct {
		name   string
		as     string
		comes  bool
		kernel bool // lets it in
	}{
		{"another user", strings.Join(asStranger, " "), false, false},
		{"root of the host", "", false, true},
		{"who made the namespace", strings.Join(asSomeone, " "), true, true},
		{"root of the namespace", nsenter + " -U -t $PID", true, true},
	} {
		if _, err := tg.Shell(c.as + " cat /proc/$PID/environ >/dev/null"); (err == nil) != c.kernel {
			t.Errorf("%s: the kernel's verdict: %v", c.name, err)
		}
		tg.Ring()
		tg.Opened()
		var got string
		openToAll(tg, func() (err error) {
			got, err = tg.Shell("echo version | " + c.as + " nc -N -U /tmp/manhole-$PID")
			return err
		})
		switch {
		case c.comes && strings.HasPrefix(got, "go1."):
			tg.Gone()
		case c.comes || !strings.HasPrefix(got, "lazy: refused: connected as uid 65534, which in this user namespace stands for every user that is not mapped, the host's root too; try manhole-poke as root"):
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

// beforeArm does what the flag -before of a target says.
func beforeArm(what string) {
	var err error
	switch what {
	case "":
	case "setuid":
		if err = unix.Setgroups(nil); err == nil {
			if err = unix.Setgid(someone); err == nil {
				err = unix.Setuid(someone)
			}
		}
	case "undumpable":
		err = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	case "forbid-sockets":
		err = lazytest.Forbid(unix.SYS_SOCKET, lazytest.Refuse)
	case "forbid-memfd":
		err = lazytest.Forbid(unix.SYS_MEMFD_CREATE, lazytest.Refuse)
	default:
		err = fmt.Errorf("unknown -before %s", what)
	}
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}
