//go:build linux || darwin || freebsd

package outfile

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func create(t *testing.T, name string, overwrite bool, text string) *File {
	t.Helper()
	f, err := Create(t.Context(), name, overwrite)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Discard)
	if _, err := f.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return f
}

func commit(t *testing.T, f *File) {
	t.Helper()
	if err := f.Commit(); err != nil {
		t.Error(err)
	}
}

func wantFile(t *testing.T, name, text string, mode fs.FileMode) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil || string(b) != text {
		t.Errorf("%s: %q %v", name, b, err)
	}
	if st, err := os.Stat(name); err != nil || st.Mode() != mode {
		t.Errorf("%s: %v %v", name, st, err)
	}
}

func wantNothingLeft(t *testing.T, dir string) {
	t.Helper()
	if left, _ := filepath.Glob(dir + "/.*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestCreate(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "x")
	f := create(t, name, false, "whole")
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the name is there before the content is whole")
	}
	commit(t, f)
	wantFile(t, name, "whole", 0o600)
	if f.Size() != 5 || f.Name() != name {
		t.Error(f.Size(), f.Name())
	}
	create(t, filepath.Join(dir, "y"), false, "half").Discard()
	if _, err := os.Lstat(filepath.Join(dir, "y")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a discarded file is there")
	}
	wantNothingLeft(t, dir)
}

func TestCreateFails(t *testing.T) {
	dir := t.TempDir()
	there, nowhere := filepath.Join(dir, "there"), filepath.Join(dir, "nowhere")
	if err := errors.Join(os.WriteFile(there, nil, 0o600), os.Symlink("none", nowhere)); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(t.Context(), there, false); !errors.Is(err, fs.ErrExist) || err.Error() != there+" exists" {
		t.Error(err)
	}
	for name, want := range map[string]string{
		dir:                             "is a directory",
		filepath.Join(dir, "none", "x"): "cannot write",
		nowhere:                         "is a link to none, which does not exist",
		filepath.Join(there, "x"):       "cannot write",
	} {
		for _, overwrite := range []bool{false, true} {
			if _, err := Create(t.Context(), name, overwrite); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	wantNothingLeft(t, dir)
}

// A name that is taken before Commit is left alone.
func TestCommitDoesNotClobber(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "x")
	f := create(t, name, false, "ours")
	if err := os.WriteFile(name, []byte("somebody's"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := f.Commit()
	left, _ := filepath.Glob(dir + "/.x.*")
	if len(left) != 1 || err == nil || !strings.Contains(err.Error(), "the answer is in "+left[0]) {
		t.Fatal(left, err)
	}
	f.Discard() // which leaves what Commit could not name
	wantFile(t, name, "somebody's", 0o600)
	wantFile(t, left[0], "ours", 0o600)
}

// What is overwritten keeps its mode, its owner, and the links that lead to it.
func TestOverwrite(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	file, link := filepath.Join(other, "file"), filepath.Join(dir, "link")
	uid := os.Geteuid()
	if uid == 0 {
		uid = 65534
	}
	for _, err := range []error{
		os.WriteFile(file, []byte("old"), 0o600), os.Chmod(file, 0o664), os.Chown(file, uid, -1),
		os.Symlink(file, filepath.Join(other, "again")), os.Symlink("../"+filepath.Base(other)+"/again", link),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	f := create(t, link, true, "new")
	wantFile(t, file, "old", 0o664)
	commit(t, f)
	wantFile(t, file, "new", 0o664)
	if st, _ := os.Lstat(file); int(st.Sys().(*syscall.Stat_t).Uid) != uid {
		t.Errorf("%+v", st)
	}
	if to, err := os.Readlink(link); err != nil || !strings.HasSuffix(to, "/again") {
		t.Error(to, err)
	}
	wantNothingLeft(t, dir)
	wantNothingLeft(t, other)
}

func TestPipe(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	givenUp := errors.New("given up")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(givenUp)
	if _, err := Create(ctx, name, false); err != givenUp {
		t.Errorf("without a reader: %v", err)
	}

	read := make(chan string)
	go func() {
		b, _ := os.ReadFile(name)
		read <- string(b)
	}()
	f := create(t, name, false, "through")
	commit(t, f)
	if text := <-read; text != "through" {
		t.Errorf("%q", text)
	}

	// A reader that does not read does not hold a write whose context is done.
	r, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, cancel = context.WithCancelCause(t.Context())
	if f, err = Create(ctx, name, false); err != nil {
		t.Fatal(err)
	}
	defer f.Discard()
	failed := make(chan error)
	go func() {
		_, err := f.Write(make([]byte, 1<<20))
		failed <- err
	}()
	cancel(givenUp)
	if err := <-failed; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}

func TestDevice(t *testing.T) {
	commit(t, create(t, os.DevNull, false, "x"))
}

func TestInsertBeforeExt(t *testing.T) {
	for name, want := range map[string]string{"heap.pprof": "heap.12.pprof", "d.x/heap": "d.x/heap.12", "x.tar.gz": "x.tar.12.gz"} {
		if got := InsertBeforeExt(name, "12"); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
