package lazy_test

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to be somebody else")
	}
}

// nobody is a uid that is neither root nor the tests'.
const nobody = "65534"

// copyTarget copies the test binary, whose own directory is root's alone.
func copyTarget(t *testing.T, dir string) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "target")
	if err := os.WriteFile(name, b, 0o755); err != nil {
		t.Fatal(err)
	}
	return name
}

// Only root and the process's own effective user come in; others read why not
// and do not use up the session.
func TestOtherUsers(t *testing.T) {
	needRoot(t)
	t.Parallel()
	setpriv := tool(t, "setpriv")
	tool(t, "nc")
	as := setpriv + " --reuid " + nobody + " --regid " + nobody + " --clear-groups "

	t.Run("refused", func(t *testing.T) {
		tg := startTarget(t)
		tg.ring()
		eventually(t, "the socket is there", func() bool { _, err := os.Lstat(tg.path); return err == nil })
		fi, err := os.Lstat(tg.path)
		if err != nil || fi.Mode().String() != "Srw-------" {
			t.Errorf("mode %v, %v", fi.Mode(), err)
		}
		if got, err := tg.shell(as + "nc -N -U /tmp/manhole-$PID </dev/null"); err == nil {
			t.Errorf("the file's mode keeps nobody out: %s", got)
		}
		os.Chmod(tg.path, 0o666)
		got, err := tg.shell("echo version | " + as + "nc -N -U /tmp/manhole-$PID")
		if err != nil || !strings.HasPrefix(got, "lazy: refused: you are uid "+nobody+" (pid ") || strings.Count(got, "\n") != 1 {
			t.Errorf("%q, %v", got, err)
		}
		tg.logged("peer refused")
		c := tg.dial()
		io.WriteString(c, "version\n")
		c.CloseWrite()
		wants(t, rest(t, c), "go1.")
	})
	t.Run("same user, and root", func(t *testing.T) {
		dir, err := os.MkdirTemp("/tmp", "lazy-test-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		os.Chmod(dir, 0o777)
		path := filepath.Join(dir, "s")
		tg, first := launchCopy(t, copyTarget(t, dir), strings.Fields(as), "-path", path)
		if first != "ready" {
			t.Fatalf("%s\n%s", first, tg.log)
		}
		for _, who := range []string{as, ""} {
			got, err := tg.shell(rungAndThere(path) + "echo version | " + who + "nc -N -U " + path)
			if err != nil || !strings.HasPrefix(got, "go1.") {
				t.Errorf("as %q: %q, %v", who, got, err)
			}
			tg.gone()
		}
	})
	t.Run("socket of another user in the way", func(t *testing.T) {
		tg := startTarget(t)
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: tg.path})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		l.Close()
		os.Chown(tg.path, 65534, 65534)
		tg.ring()
		tg.logged("belongs to uid " + nobody)
		if _, err := os.Lstat(tg.path); err != nil {
			t.Error("another user's socket was removed:", err)
		}
	})
	t.Run("directory not writable", func(t *testing.T) {
		dir := t.TempDir()
		for d := dir; d != "/tmp" && d != "/"; d = filepath.Dir(d) {
			os.Chmod(d, 0o755)
		}
		_, first := launchCopy(t, copyTarget(t, dir), strings.Fields(as), "-path", filepath.Join(dir, "s"))
		if !strings.Contains(first, "is not writable for uid "+nobody) || !strings.Contains(first, "WithPath") {
			t.Errorf("%q", first)
		}
	})
}

// Arm refuses a signal that can't arrive.
func TestSignalCannotArrive(t *testing.T) {
	t.Parallel()
	if _, first := launch(t, nil, "-ignore-all"); !strings.Contains(first, "ignored") {
		t.Errorf("with all signals ignored: %q", first)
	}
	if idleGoroutines != 0 {
		return // os/signal unblocks what it is asked for
	}
	env := tool(t, "env")
	if _, first := launch(t, []string{env, "--block-signal=USR2"}); !strings.Contains(first, "SIGUSR2 is blocked in every thread") {
		t.Errorf("with the signal blocked: %q", first)
	}
	tg, first := launch(t, []string{env, "--block-signal=USR2"}, "-notify", "before")
	if first != "ready" {
		t.Fatalf("with the signal blocked, but notified of: %q", first)
	}
	wants(t, tg.script("version\n"), "go1.")
}

// A daemon that closed its standard descriptors does not get ours in their
// place.
func TestClosedStdio(t *testing.T) {
	t.Parallel()
	tool(t, "sh")
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	tg, _ := launch(t, []string{"sh", "-c", `exec "$@" <&- >&- 2>&-`, "sh"}, "-path", path, "-park", "1", "-stay")
	eventually(t, "it is armed", func() bool {
		links, _ := filepath.Glob("/proc/" + itoa(tg.pid) + "/fd/*")
		for _, l := range links {
			if what, _ := os.Readlink(l); strings.HasPrefix(what, "/memfd:lazy-armed") {
				return true
			}
		}
		return false
	})
	// The memfd is there a moment before the handler is.
	eventually(t, "a ring opens the socket", func() bool {
		tg.ring()
		_, err := os.Lstat(path)
		return err == nil
	})
	c := tg.dial()
	until(t, c, prompt)
	for _, n := range []string{"0", "1", "2"} {
		if what, _ := os.Readlink("/proc/" + itoa(tg.pid) + "/fd/" + n); strings.HasPrefix(what, "socket:") || strings.HasPrefix(what, "/memfd:") {
			t.Errorf("descriptor %s is %s", n, what)
		}
	}
	c.Close()
	tg.gone()
}

// The umask neither opens the socket to others nor closes it to its owner.
func TestUmask(t *testing.T) {
	t.Parallel()
	tool(t, "sh")
	for _, umask := range []string{"0", "022", "077"} {
		tg, first := launch(t, []string{"sh", "-c", `umask ` + umask + `; exec "$@"`, "sh"})
		if first != "ready" {
			t.Fatal(first)
		}
		tg.ring()
		eventually(t, "the socket is there", func() bool { _, err := os.Lstat(tg.path); return err == nil })
		if fi, err := os.Lstat(tg.path); err != nil || fi.Mode().String() != "Srw-------" {
			t.Errorf("umask %s: mode %v, %v", umask, fi.Mode(), err)
		}
	}
}
