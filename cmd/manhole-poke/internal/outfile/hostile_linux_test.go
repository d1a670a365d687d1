package outfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-manhole/lazy/internal/lazytest"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	lazytest.Play(lazytest.Roles{"swap": swap})
	os.Exit(m.Run())
}

// swap makes os.Args[1] by turns a pipe, which it has open to read, a link to
// os.Args[2], and a file, until its input ends.
func swap() {
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	name, victim := os.Args[1], os.Args[2]
	for n := 0; ; n++ {
		pipe := name + ".pipe"
		if err := unix.Mkfifo(pipe, 0o666); err != nil {
			panic(err)
		}
		fd, err := unix.Open(pipe, unix.O_RDWR|unix.O_NONBLOCK, 0)
		if err != nil {
			panic(err)
		}
		os.Rename(pipe, name)
		os.Symlink(victim, name+".link")
		os.Rename(name+".link", name)
		os.WriteFile(name+".file", nil, 0o666)
		os.Rename(name+".file", name)
		unix.Close(fd)
		if n == 0 {
			fmt.Println("ready")
		}
	}
}

// Whatever another user makes of the name while root writes to it, root's own
// files are not touched.
func TestSwapped(t *testing.T) {
	lazytest.NeedRoot(t)
	for where, mode := range map[string]os.FileMode{"in a directory of theirs": 0o755, "in a directory for all": 0o777 | os.ModeSticky} {
		t.Run(where, func(t *testing.T) {
			base := lazytest.PublicDir(t)
			dir, victim := filepath.Join(base, "d"), filepath.Join(base, "victim")
			for _, err := range []error{os.WriteFile(victim, []byte("precious"), 0o600), os.Mkdir(dir, 0o755), os.Chmod(dir, mode)} {
				if err != nil {
					t.Fatal(err)
				}
			}
			if mode&os.ModeSticky == 0 {
				if err := os.Chown(dir, lazytest.Nobody, lazytest.Nobody); err != nil {
					t.Fatal(err)
				}
			}
			name := filepath.Join(dir, "out")
			swapper := lazytest.Launch(t, "swap", lazytest.Wrap(exec.Command(lazytest.CopyExe(t, "swap"), name, victim), lazytest.AsUser(t, lazytest.Nobody)...))
			if swapper.First != "ready" {
				t.Fatal(swapper.First)
			}
			for n := range 2000 {
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				if f, err := Create(ctx, name, n%2 == 0); err == nil {
					f.Write([]byte("answer"))
					f.Commit()
					f.Discard()
				}
				cancel()
				st, err := os.Lstat(victim)
				if err != nil || st.Mode() != 0o600 || st.Size() != int64(len("precious")) {
					t.Fatalf("after %d writes: %v, %v", n, st, err)
				}
			}
			if text, err := os.ReadFile(victim); err != nil || string(text) != "precious" {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
}

// What somebody else placed in a directory like /tmp is not written to.
func TestPlaced(t *testing.T) {
	lazytest.NeedRoot(t)
	dir := lazytest.PublicDir(t)
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, err := range []error{
		os.Chmod(dir, 0o777|os.ModeSticky), unix.Mkfifo(in("pipe"), 0o666), os.WriteFile(in("file"), []byte("theirs"), 0o666), os.Symlink("own", in("link")),
		os.WriteFile(in("own"), []byte("ours"), 0o600), os.Mkdir(in("d"), 0o777),
		os.Lchown(in("pipe"), lazytest.Nobody, -1), os.Lchown(in("file"), lazytest.Nobody, -1), os.Lchown(in("link"), lazytest.Nobody, -1), os.Lchown(in("d"), lazytest.Nobody, -1),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	reader, err := os.OpenFile(in("pipe"), os.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for name, want := range map[string]string{
		"pipe": "belongs to uid 65534", "file": "belongs to uid 65534", "link": "is a link of uid 65534 to own", "d/new": "belongs to uid 65534", "own": "",
	} {
		f, err := Create(t.Context(), in(name), true)
		if err == nil {
			f.Discard()
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// Links that the kernel makes up lead to what is open.
func TestOpenFiles(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	f, err := Create(t.Context(), fmt.Sprintf("/dev/fd/%d", w.Fd()), false)
	if err != nil {
		t.Fatal(err)
	}
	f.Write([]byte("through"))
	if err := f.Commit(); err != nil {
		t.Error(err)
	}
	w.Close()
	if text, err := io.ReadAll(r); err != nil || string(text) != "through" {
		t.Errorf("%q, %v", text, err)
	}
	name := filepath.Join(t.TempDir(), "x")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	open := fmt.Sprintf("/proc/self/fd/%d", file.Fd())
	if _, err := Create(t.Context(), open, false); !errors.Is(err, os.ErrExist) {
		t.Error(err)
	}
	commit(t, create(t, open, true, "new"))
	if text, err := os.ReadFile(name); err != nil || string(text) != "new" {
		t.Errorf("%q, %v", text, err)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(t.Context(), open, true); err == nil {
		t.Error("the file has no name")
	}
}
