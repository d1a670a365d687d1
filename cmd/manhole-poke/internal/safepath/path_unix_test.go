//go:build linux || darwin || freebsd

package safepath

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const stranger = 65533

// place makes what every test needs: a directory for all, one of a stranger's,
// and in both a file, a link and a directory of the stranger's.
func place(t *testing.T) (shared, theirs string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to give files away")
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	shared, theirs = filepath.Join(dir, "shared"), filepath.Join(dir, "theirs")
	for d, mode := range map[string]os.FileMode{shared: 0o777 | os.ModeSticky, theirs: 0o755} {
		for _, err := range []error{
			os.Mkdir(d, 0o755), os.Chmod(d, mode), os.Mkdir(d+"/dir", 0o755), os.WriteFile(d+"/file", nil, 0o644), os.WriteFile(d+"/dir/file", nil, 0o644),
			os.Symlink("dir", d+"/link"), os.Symlink("dir/file", d+"/to-file"), os.Symlink("dir", d+"/root's"),
			os.Lchown(d+"/dir", stranger, stranger), os.Lchown(d+"/file", stranger, stranger), os.Lchown(d+"/link", stranger, stranger), os.Lchown(d+"/to-file", stranger, stranger),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Chown(theirs, stranger, stranger); err != nil {
		t.Fatal(err)
	}
	return shared, theirs
}

func TestTrust(t *testing.T) {
	shared, theirs := place(t)
	for name, want := range map[string]string{
		shared + "/file":        "in a directory where everybody may place files",
		shared + "/dir/file":    "in a directory where everybody may place files",
		shared + "/link/file":   "is a link of uid 65533 to dir",
		shared + "/to-file":     "is a link of uid 65533 to dir/file",
		shared + "/root's/file": "in a directory where everybody may place files",
		shared + "/new":         "",
		theirs + "/file":        "",
		theirs + "/dir/file":    "",
		theirs + "/link/file":   "is a link of uid 65533 to dir",
		theirs + "/root's/file": "",
		theirs + "/to-file":     "is a link of uid 65533 to dir/file",
	} {
		p, err := Resolve(name, false)
		if err == nil {
			var info Info
			if info, err = p.Stat(); err == nil {
				err = p.Trust(info)
			}
			p.Close()
		}
		switch {
		case want == "" && err != nil && !errors.Is(err, fs.ErrNotExist), want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// Names mean what they mean to the kernel.
func TestResolve(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, err := range []error{
		os.MkdirAll("a/b", 0o755), os.WriteFile("a/b/file", nil, 0o600), os.Symlink("a/b", "rel"), os.Symlink(dir+"/a", "abs"),
		os.Symlink("loop", "loop"), os.Symlink("../b/file", "a/b/again"), os.Symlink("none", "nowhere"), os.Chmod("a", 0o711),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{
		"a/b/file", "./a//b/file", "a/b/../b/file", "rel/file", "abs/b/file", "rel/again", dir + "/abs/b/again", "/.." + dir + "/rel/../b/file",
		"a/", "a/b/", "rel/", "rel", ".", "..", "/", "//", "a/none", "none", "nowhere", "none/x", "a/b/file/", "a/b/file/x", "loop", "loop/x", "", "/dev/null", "/dev/fd/0",
	} {
		want, wantErr := os.Stat(name)
		p, err := Resolve(name, false)
		var info Info
		if err == nil {
			info, err = p.Stat()
		}
		if (err == nil) != (wantErr == nil) {
			t.Errorf("%q: %v, os says %v", name, err, wantErr)
			continue
		}
		if err == nil {
			if got, err := os.Stat(p.String()); err != nil || !os.SameFile(got, want) || !info.Is(map[bool]uint32{true: unix.S_IFDIR, false: info.Mode & unix.S_IFMT}[want.IsDir()]) {
				t.Errorf("%q is %q: %v", name, p, err)
			}
			p.Close()
		}
	}
	for range 2 {
		p, err := Resolve("new/er/file", true)
		if err != nil {
			t.Fatal(err)
		}
		p.Close()
	}
	if st, err := os.Stat("new/er"); err != nil || st.Mode() != os.ModeDir|0o700 {
		t.Error(st, err)
	}
}

// What a name has become since it was resolved is not followed, and the
// directory stays the one that was looked at.
func TestSwapped(t *testing.T) {
	dir := t.TempDir()
	for _, err := range []error{os.Mkdir(dir+"/d", 0o755), os.Mkdir(dir+"/e", 0o755), unix.Mkfifo(dir+"/d/x", 0o600), os.WriteFile(dir+"/victim", []byte("old"), 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	p, err := Resolve(dir+"/d/x", false)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	seen, err := p.Stat()
	if err != nil {
		t.Fatal(err)
	}
	same := func(i Info) error {
		if !i.Same(seen) {
			return errors.New("changed")
		}
		return nil
	}
	if err := errors.Join(os.Remove(dir+"/d/x"), os.Symlink("../victim", dir+"/d/x")); err != nil {
		t.Fatal(err)
	}
	if f, err := p.Open(os.O_WRONLY, 0, same); err == nil {
		t.Error("the link was followed to", f.Name())
	}
	if err := errors.Join(os.Remove(dir+"/d/x"), os.Link(dir+"/victim", dir+"/d/x")); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Open(os.O_WRONLY, 0, same); err == nil || err.Error() != "changed" {
		t.Error(err)
	}
	if err := errors.Join(os.Rename(dir+"/d", dir+"/f"), os.Symlink("e", dir+"/d")); err != nil {
		t.Fatal(err)
	}
	f, name, err := p.CreateTemp()
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := p.Rename(name); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(dir + "/e/*"); len(left) > 0 {
		t.Error(left)
	}
	if text, _ := os.ReadFile(dir + "/victim"); string(text) != "old" {
		t.Errorf("%q", text)
	}
}
