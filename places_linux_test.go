package lazy_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
)

// Where /tmp can't be used the socket opens elsewhere, and the process says so.
func TestOtherPlaces(t *testing.T) {
	needRoot(t)
	tool(t, "sh")
	unshare := tool(t, "unshare")
	tool(t, "mount")
	readOnly := func(dirs ...string) []string {
		script := "set -e; "
		for _, d := range dirs {
			script += "mount --bind " + d + " " + d + "; mount -o remount,bind,ro " + d + "; "
		}
		return []string{unshare, "-m", "sh", "-c", script + `exec "$@"`, "sh"}
	}
	for _, place := range []struct {
		path    string
		wrapper []string
	}{
		{"/dev/shm/manhole-", readOnly("/tmp")},
		{"@manhole-", readOnly("/tmp", "/dev/shm")},
	} {
		tg, first := launch(t, place.wrapper)
		if first != "ready" {
			t.Fatalf("%s: %q\n%s", place.path, first, tg.log)
		}
		tg.path = place.path + itoa(tg.pid)
		tg.logged("elsewhere than usual")
		tg.logged("path=" + tg.path)
		before := tg.resting()
		for range 2 {
			wants(t, tg.script("version\n"), "go1.")
			tg.notListening()
		}
		tg.settles(before)
		tg.ring() // what disarm closes
		tg.dial()
		if got := tg.ask("disarm"); got != "<nil>" {
			t.Errorf("%s: disarm: %q", place.path, got)
		}
		tg.notListening()
	}
}

// An abstract name that somebody else took first is theirs.
func TestAbstractName(t *testing.T) {
	tg := startTarget(t, "-path", fmt.Sprintf("@manhole-of-test-%d", os.Getpid()))
	squatter, err := net.Listen("unix", tg.path)
	if err != nil {
		t.Fatal(err)
	}
	tg.ring()
	tg.logged("somebody else listens")
	squatter.Close()
	wants(t, tg.script("version\n"), "go1.")
	tg.notListening()
	tg.ring()
	c := tg.dial()
	io.WriteString(c, "\x07")
	if got := rest(t, c); !strings.HasPrefix(got, "goroutines: ") {
		t.Errorf("gops: %q", got)
	}
}

// notListening waits until nobody listens at the target's path.
func (tg *target) notListening() {
	tg.t.Helper()
	eventually(tg.t, "nobody listens at "+tg.path, func() bool {
		c, err := net.Dial("unix", tg.path)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
}
