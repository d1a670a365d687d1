package lazy_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/internal/lazytest"
)

// Where /tmp can't be used the socket opens elsewhere, and the process says so.
func TestOtherPlaces(t *testing.T) {
	lazytest.Tool(t, "mount")
	readOnly := func(dirs ...string) []string {
		script := ""
		for _, d := range dirs {
			script += "mount --bind " + d + " " + d + "; mount -o remount,bind,ro " + d + "; "
		}
		return lazytest.InNamespaces(t, script, "-m")
	}
	for _, place := range []struct {
		path    string
		wrapper []string
	}{
		{"/dev/shm/manhole-", readOnly("/tmp")},
		{"@manhole-", readOnly("/tmp", "/dev/shm")},
	} {
		tg := launch(t, place.wrapper).ready()
		tg.Path = place.path + strconv.Itoa(tg.PID)
		tg.Logged("not at its usual path")
		tg.Logged("path=" + tg.Path)
		before := tg.resting()
		for range 2 {
			lazytest.Wants(t, tg.Script("version\n"), "go1.")
			tg.NotListening()
		}
		tg.Settles(before)
		tg.Ring() // what disarm closes
		tg.Dial()
		if got := tg.Ask("disarm"); got != "<nil>" {
			t.Errorf("%s: disarm: %q", place.path, got)
		}
		tg.NotListening()
	}
}

// An abstract name that another process took first stays with it.
func TestAbstractName(t *testing.T) {
	tg := startTarget(t, "-path", fmt.Sprintf("@manhole-of-test-%d", os.Getpid()))
	squatter, err := net.Listen("unix", tg.Path)
	if err != nil {
		t.Fatal(err)
	}
	tg.Ring()
	tg.Logged("another process listens")
	squatter.Close()
	lazytest.Wants(t, tg.Script("version\n"), "go1.")
	tg.NotListening()
	tg.Ring()
	c := tg.Dial()
	io.WriteString(c, "\x07")
	if got := lazytest.Rest(t, c); !strings.HasPrefix(got, "goroutines: ") {
		t.Errorf("gops: %q", got)
	}
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
	for _, umask := range []string{"0", "022", "077", "0777"} {
		tg := launch(t, []string{"sh", "-c", `umask ` + umask + `; exec "$@"`, "sh"}).ready()
		tg.Ring()
		tg.Opened()
		// bind takes away what the umask says; Go code gives it back.
		lazytest.Eventually(t, "umask "+umask+": the owner may connect", func() bool {
			fi, err := os.Lstat(tg.Path)
			if err != nil {
				t.Fatal(err)
			}
			if fi.Mode()&0o077 != 0 {
				t.Fatalf("umask %s: mode %v", umask, fi.Mode())
			}
			return fi.Mode().String() == "Srw-------"
		})
	}
	t.Run("nc of a user who is not root", func(t *testing.T) {
		as := lazytest.AsUser(t, lazytest.Nobody)
		lazytest.Tool(t, "nc")
		cmd := lazytest.Wrap(lazytest.Command(lazytest.CopyExe(t, "target")), append(as, "sh", "-c", `umask 0777; exec "$@"`, "sh")...)
		tg := launchCommand(t, cmd).ready()
		tg.Ring()
		lazytest.Eventually(t, "nc connects", func() bool {
			got, _ := tg.Shell("echo version | " + strings.Join(as, " ") + " nc -N -U /tmp/manhole-$PID")
			return strings.HasPrefix(got, "go1.")
		})
	})
}
