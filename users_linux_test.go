package lazy_test

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/internal/lazytest"
)

var nobody = strconv.Itoa(lazytest.Nobody)

// Only root and the process's own effective user come in; others read why not
// and do not use up the session.
func TestOtherUsers(t *testing.T) {
	asNobody := lazytest.AsUser(t, lazytest.Nobody)
	lazytest.Tool(t, "nc")
	as := strings.Join(asNobody, " ") + " "
	t.Parallel()

	t.Run("refused", func(t *testing.T) {
		tg := startTarget(t)
		tg.Ring()
		tg.Opened()
		fi, err := os.Lstat(tg.Path)
		if err != nil || fi.Mode().String() != "Srw-------" {
			t.Errorf("mode %v, %v", fi.Mode(), err)
		}
		if got, err := tg.Shell(as + "nc -N -U /tmp/manhole-$PID </dev/null"); err == nil {
			t.Errorf("the file's mode keeps nobody out: %s", got)
		}
		os.Chmod(tg.Path, 0o666)
		got, err := tg.Shell("echo version | " + as + "nc -N -U /tmp/manhole-$PID")
		if err != nil || !strings.HasPrefix(got, "lazy: refused: connected as uid "+nobody+" (pid ") || strings.Count(got, "\n") != 1 {
			t.Errorf("%q, %v", got, err)
		}
		tg.Logged("peer refused")
		c := tg.Dial()
		io.WriteString(c, "version\n")
		c.CloseWrite()
		lazytest.Wants(t, lazytest.Rest(t, c), "go1.")
	})
	t.Run("same user, and root", func(t *testing.T) {
		path := filepath.Join(lazytest.PublicDir(t), "s")
		tg := launchCommand(t, lazytest.Wrap(lazytest.Command(lazytest.CopyExe(t, "target"), "-path", path), asNobody...)).ready()
		for _, who := range []string{as, ""} {
			got, err := tg.Shell(lazytest.RingAndWait(path) + "echo version | " + who + "nc -N -U " + path)
			if err != nil || !strings.HasPrefix(got, "go1.") {
				t.Errorf("as %q: %q, %v", who, got, err)
			}
			tg.Gone()
		}
	})
	t.Run("socket of another user in the way", func(t *testing.T) {
		tg := startTarget(t)
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: tg.Path})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		l.Close()
		os.Chown(tg.Path, 65534, 65534)
		tg.Ring()
		tg.Logged("belongs to uid " + nobody)
		if _, err := os.Lstat(tg.Path); err != nil {
			t.Error("another user's socket was removed:", err)
		}
	})
	t.Run("directory not writable", func(t *testing.T) {
		dir := lazytest.PublicDir(t)
		os.Chmod(dir, 0o755)
		tg := launchCommand(t, lazytest.Wrap(lazytest.Command(lazytest.CopyExe(t, "target"), "-path", filepath.Join(dir, "s")), asNobody...))
		if !strings.Contains(tg.First, "is not writable for uid "+nobody) || !strings.Contains(tg.First, "WithPath") {
			t.Errorf("%q", tg.First)
		}
	})
}

// Arm refuses a signal that can't arrive.
func TestSignalCannotArrive(t *testing.T) {
	t.Parallel()
	if tg := launch(t, nil, "-ignore-all"); !strings.Contains(tg.First, "ignored") {
		t.Errorf("with all signals ignored: %q", tg.First)
	}
	if idleGoroutines != 0 {
		return // os/signal unblocks what it is asked for
	}
	env := lazytest.Tool(t, "env")
	if tg := launch(t, []string{env, "--block-signal=USR2"}); !strings.Contains(tg.First, "SIGUSR2 is blocked in every thread") {
		t.Errorf("with the signal blocked: %q", tg.First)
	}
	tg := launch(t, []string{env, "--block-signal=USR2"}, "-notify", "before").ready()
	lazytest.Wants(t, tg.Script("version\n"), "go1.")
}

// A daemon that closed its standard descriptors does not get ours in their
// place.
func TestClosedStdio(t *testing.T) {
	t.Parallel()
	lazytest.Tool(t, "sh")
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	tg := launch(t, []string{"sh", "-c", `exec "$@" <&- >&- 2>&-`, "sh"}, "-path", path, "-park", "1", "-stay")
	lazytest.Eventually(t, "it is armed", func() bool {
		links, _ := filepath.Glob("/proc/" + strconv.Itoa(tg.PID) + "/fd/*")
		for _, l := range links {
			if what, _ := os.Readlink(l); strings.HasPrefix(what, "/memfd:lazy-armed") {
				return true
			}
		}
		return false
	})
	// The memfd is there a moment before the handler is.
	lazytest.Eventually(t, "a ring opens the socket", func() bool {
		tg.Ring()
		_, err := os.Lstat(path)
		return err == nil
	})
	c := tg.Dial()
	lazytest.Until(t, c, lazytest.Prompt)
	for _, n := range []string{"0", "1", "2"} {
		if what, _ := os.Readlink("/proc/" + strconv.Itoa(tg.PID) + "/fd/" + n); strings.HasPrefix(what, "socket:") || strings.HasPrefix(what, "/memfd:") {
			t.Errorf("descriptor %s is %s", n, what)
		}
	}
	c.Close()
	tg.Gone()
}

// The umask neither opens the socket to others nor closes it to its owner.
func TestUmask(t *testing.T) {
	t.Parallel()
	lazytest.Tool(t, "sh")
	for _, umask := range []string{"0", "022", "077"} {
		tg := launch(t, []string{"sh", "-c", `umask ` + umask + `; exec "$@"`, "sh"}).ready()
		tg.Ring()
		tg.Opened()
		if fi, err := os.Lstat(tg.Path); err != nil || fi.Mode().String() != "Srw-------" {
			t.Errorf("umask %s: mode %v, %v", umask, fi.Mode(), err)
		}
	}
}
