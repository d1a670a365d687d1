//go:build linux || darwin || freebsd

package lazy_test

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/internal/lazytest"
	"github.com/go-manhole/lazy/internal/sockpath"
)

// A directory that vanished is logged, and the next ring works.
func TestDirectoryVanishes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "d")
	os.Mkdir(dir, 0o700)
	tg := startTarget(t, "-path", filepath.Join(dir, "s"))
	os.Remove(dir)
	tg.Ring()
	tg.Logged("cannot open the socket")
	os.Mkdir(dir, 0o700)
	lazytest.Eventually(t, "a later ring works", func() bool {
		tg.Ring()
		_, err := os.Lstat(tg.Path)
		return err == nil
	})
	c := tg.Dial()
	lazytest.Until(t, c, lazytest.Prompt)
}

// A file at the path is removed only if it is the socket of a dead process.
func TestPathTaken(t *testing.T) {
	t.Parallel()
	t.Run("stale", func(t *testing.T) {
		tg := startTarget(t)
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: tg.Path})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		l.Close()
		lazytest.Wants(t, tg.Script("version\n"), "go1.")
		tg.Gone()
	})
	// Something else at the path is left alone. At a path that the program chose
	// the ring fails; otherwise the socket opens at the next usual path.
	for name, occupy := range map[string]struct {
		with func(path string) (clear func())
		log  string
	}{
		"alive": {func(path string) func() {
			l, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			return func() { l.Close() }
		}, "another process listens"},
		"not a socket": {func(path string) func() {
			os.WriteFile(path, []byte("precious"), 0o600)
			return func() {
				if b, _ := os.ReadFile(path); string(b) != "precious" {
					t.Errorf("the file was touched: %q", b)
				}
				os.Remove(path)
			}
		}, "not a socket"},
	} {
		t.Run(name+", at a chosen path", func(t *testing.T) {
			tg := startTarget(t, "-path", filepath.Join(lazytest.PublicDir(t), "s"))
			clear := occupy.with(tg.Path)
			tg.Ring()
			tg.Logged(occupy.log)
			clear()
			lazytest.Wants(t, tg.Script("version\n"), "go1.")
		})
		t.Run(name+", at the usual path", func(t *testing.T) {
			tg := startTarget(t)
			usual := sockpath.Usual(tg.PID)
			if len(usual) == 1 {
				t.Skip("there is no other")
			}
			clear := occupy.with(usual[0])
			tg.Ring()
			tg.Logged(occupy.log)
			tg.Path = usual[1]
			c := tg.Dial()
			io.WriteString(c, "version\n")
			c.CloseWrite()
			lazytest.Wants(t, lazytest.Rest(t, c), "go1.")
			tg.Gone()
			clear()
			tg.Path = usual[0]
			lazytest.Wants(t, tg.Script("version\n"), "go1.")
		})
	}
	t.Run("replaced before a peer came", func(t *testing.T) {
		tg := startTarget(t)
		tg.Ring()
		tg.Opened()
		os.Remove(tg.Path)
		os.WriteFile(tg.Path, []byte("precious"), 0o600)
		if got := tg.Ask("disarm"); got != "<nil>" && !strings.Contains(got, "left alone") {
			t.Error(got)
		}
		if b, _ := os.ReadFile(tg.Path); string(b) != "precious" {
			t.Errorf("the file was touched: %q", b)
		}
	})
	t.Run("replaced during the session", func(t *testing.T) {
		tg := startTarget(t)
		tg.Ring()
		c := tg.Dial()
		lazytest.Until(t, c, lazytest.Prompt)
		os.Remove(tg.Path)
		os.WriteFile(tg.Path, []byte("precious"), 0o600)
		io.WriteString(c, "quit\n")
		lazytest.Rest(t, c)
		tg.Logged("left alone")
		if b, _ := os.ReadFile(tg.Path); string(b) != "precious" {
			t.Errorf("the file was touched: %q", b)
		}
	})
}

// When the socket is removed while it waits for a peer, the next ring opens
// another.
func TestSocketRemoved(t *testing.T) {
	t.Parallel()
	tg := startTarget(t)
	tg.Ring()
	tg.Dial().Close() // it may be taken for a client that only tries
	os.Remove(tg.Path)
	lazytest.Eventually(t, "a later ring works", func() bool {
		tg.Ring()
		_, err := os.Lstat(tg.Path)
		return err == nil
	})
	lazytest.Wants(t, tg.Script("version\n"), "go1.")
}

// A process without a free descriptor still answers.
func TestDescriptorsExhausted(t *testing.T) {
	t.Parallel()
	lazytest.Tool(t, "sh")
	for range 3 {
		tg := launch(t, []string{"sh", "-c", `ulimit -n 64; exec "$@"`, "sh"}, "-nofile").ready()
		for range 5 {
			lazytest.Wants(t, tg.Script("stats\nversion\n"), "goroutines: ", "go1.")
			tg.Gone()
		}
		tg.Ring()
		c := tg.Dial()
		lazytest.Wants(t, lazytest.Until(t, c, lazytest.Prompt), "goroutines: ", "lazy: stack shows them all")
		c.Close()
		tg.Gone()
		// A stale socket needs one more descriptor.
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: tg.Path})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		l.Close()
		lazytest.Wants(t, tg.Script("version\n"), "go1.")
	}
}
