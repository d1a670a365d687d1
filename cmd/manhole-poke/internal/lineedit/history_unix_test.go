//go:build linux || darwin || freebsd

package lineedit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// program is the name that the history is kept under.
const program = "some-program"

// stateHome is where history is kept during a test.
func stateHome(t *testing.T) (file string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_STATE_HOME", dir)
	return filepath.Join(dir, program, "history")
}

func TestHistory(t *testing.T) {
	file := stateHome(t)
	h := openHistory(program)
	for _, line := range []string{"stack", " secret", "stack", "", "stats", "\x1b[2J", "stack", strings.Repeat("x", 5000)} {
		h.add(line)
	}
	want := []string{"stack", "stats", "stack"}
	if !slices.Equal(h.lines, want) || !slices.Equal(openHistory(program).lines, want) {
		t.Errorf("%q, then %q", h.lines, openHistory(program).lines)
	}
	for name, mode := range map[string]os.FileMode{file: 0o600, filepath.Dir(file): 0o700 | os.ModeDir} {
		if info, err := os.Stat(name); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
}

func TestHistoryOfSeveralAtOnce(t *testing.T) {
	stateHome(t)
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			h := openHistory(program)
			for i := range 50 {
				h.add(fmt.Sprintf("poke %d line %d", n, i))
			}
		})
	}
	all.Wait()
	if n := len(openHistory(program).lines); n != 400 {
		t.Errorf("%d lines, want 400", n)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	file := stateHome(t)
	long := strings.Repeat("x", 1000)
	var all sync.WaitGroup
	for n := range 2 { // each replaces the file that the other has open
		all.Go(func() {
			h := openHistory(program)
			for i := range 1000 {
				h.add(fmt.Sprintf("%d.%d %s", n, i, long))
			}
			if len(h.lines) > maxHistory {
				t.Errorf("%d lines", len(h.lines))
			}
		})
	}
	all.Wait()
	if info, err := os.Stat(file); err != nil || info.Size() > maxHistorySize+2000 || info.Mode() != 0o600 {
		t.Errorf("%+v %v", info, err)
	}
	// What is left of each process are its last lines, without a gap.
	next := map[string]int{}
	for _, l := range openHistory(program).lines {
		var i int
		process, rest, _ := strings.Cut(l, ".")
		fmt.Sscan(rest, &i)
		if n, seen := next[process]; seen && n != i {
			t.Errorf("%s.%d where %d should be", process, i, n)
		}
		next[process] = i + 1
	}
	if len(next) == 0 {
		t.Error("nothing is left")
	}
	for process, n := range next {
		if n != 1000 {
			t.Errorf("of %s the last is %d", process, n-1)
		}
	}
}

func TestHistoryWithoutPlace(t *testing.T) {
	for name, state := range map[string]string{
		"a file is in the way": func() string {
			file := filepath.Join(t.TempDir(), "x")
			os.WriteFile(file, nil, 0o600)
			return filepath.Join(file, "y")
		}(),
		"it is a device": "/dev/null/x",
	} {
		t.Setenv("XDG_STATE_HOME", state)
		h := openHistory(program)
		h.add("stack")
		h.add("stats")
		if len(h.lines) != 2 || h.file != "" {
			t.Errorf("%s: %+v", name, h)
		}
	}
	t.Setenv("XDG_STATE_HOME", "relative")
	t.Setenv("HOME", "")
	if f := historyFile(program); f != "" {
		t.Error(f)
	}
	if os.Geteuid() == 0 {
		// As sudo may leave it in the environment.
		home := t.TempDir()
		if err := os.Chown(home, 65534, 65534); err != nil {
			t.Skip(err)
		}
		t.Setenv("HOME", home)
		if f := historyFile(program); f != "" {
			t.Errorf("root's in the home of another: %s", f)
		}
	}
}

// The file is not what another file's name, or another user, made of it.
func TestHistoryIsOwn(t *testing.T) {
	file := stateHome(t)
	victim := filepath.Join(t.TempDir(), "victim")
	uid := os.Geteuid()
	for name, place := range map[string]func() error{
		"a pipe":         func() error { return unix.Mkfifo(file, 0o600) },
		"a directory":    func() error { return os.Mkdir(file, 0o700) },
		"another's file": func() error { return errors.Join(os.WriteFile(file, nil, 0o666), os.Chown(file, 65533, -1)) },
		"another's link": func() error { return errors.Join(os.Symlink(victim, file), os.Lchown(file, 65533, -1)) },
		"another's link up": func() error {
			return errors.Join(os.Remove(filepath.Dir(file)), os.Symlink(filepath.Dir(victim), filepath.Dir(file)), os.Lchown(filepath.Dir(file), 65533, -1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.HasPrefix(name, "another's") && uid != 0 {
				t.Skip("needs root")
			}
			os.RemoveAll(filepath.Dir(file))
			if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), place()); err != nil {
				t.Fatal(err)
			}
			h := openHistory(program)
			h.add("stack")
			if len(h.lines) != 1 || h.file != "" {
				t.Errorf("%+v", h)
			}
			if left, _ := filepath.Glob(filepath.Dir(victim) + "/*"); len(left) > 0 {
				t.Error(left)
			}
		})
	}
	// One's own link is as good as the file.
	os.RemoveAll(filepath.Dir(file))
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(victim, nil, 0o600), os.Symlink(victim, file)); err != nil {
		t.Fatal(err)
	}
	openHistory(program).add("stack")
	if text, err := os.ReadFile(victim); err != nil || string(text) != "stack\n" {
		t.Errorf("%q, %v", text, err)
	}
}

func FuzzHistoryLines(f *testing.F) {
	f.Add([]byte("stack\n secret\n\x1b[2J\nstats"))
	f.Fuzz(func(t *testing.T, text []byte) {
		lines := historyLines(text)
		if len(lines) > maxHistory {
			t.Error(len(lines))
		}
		for _, l := range lines {
			if l == "" || l[0] == ' ' || !utf8.ValidString(l) || strings.ContainsAny(l, "\x1b\n\r\a\u009b") {
				t.Errorf("%q", l)
			}
		}
	})
}
