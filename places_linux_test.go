package lazy_test

import (
	"fmt"
	"io"
	"net"
	"os"
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

// An abstract name that somebody else took first is theirs.
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
