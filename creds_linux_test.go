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

// Only root and the effective user of the process come in. Others are told why
// not and do not use up the session.
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
			t.Errorf("the file's mode does not keep another user out: %s", got)
		}
		var got string
		openToAll(tg, func() (err error) {
			got, err = tg.Shell("echo version | " + as + "nc -N -U /tmp/manhole-$PID")
			return err
		})
		if !strings.HasPrefix(got, "lazy: refused: connected as uid "+nobody+"; only uid 0 and root may connect") || strings.Count(got, "\n") != 1 {
			t.Errorf("%q", got)
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
		for _, user := range []string{as, ""} {
			got, err := tg.Shell(lazytest.RingAndWait(path) + "echo version | " + user + "nc -N -U " + path)
			if err != nil || !strings.HasPrefix(got, "go1.") {
				t.Errorf("as %q: %q, %v", user, got, err)
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
