//go:build amd64 || arm64

package console

import (
	"bytes"
	"compress/gzip"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/go-manhole/lazy/internal/copynote"
	"github.com/go-manhole/lazy/internal/lazytest"
)

func skipCopies(t *testing.T) {
	lazytest.SkipEmulated(t, "it makes no such copies")
}

// copies returns the PIDs of the copies of this process.
func copies(t *testing.T) string {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, task := range tasks {
		children, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/children")
		all = append(all, strings.Fields(string(children))...)
	}
	return strings.Join(all, " ")
}

func TestFreeze(t *testing.T) {
	skipCopies(t)
	leavesNothing(t)
	before := copies(t)
	got := talk(t, Config{}, "freeze 100ms\nversion\n")
	if !regexp.MustCompile(`(?s)^copy \d+ of process \d+, taken [^\n]* stood still for [^\n]*\ndlv attach \d+\ngdb -p \d+\n.*go1\.`).MatchString(got) {
		t.Errorf("%s", got)
	}
	line, _, _ := strings.Cut(talk(t, Config{PeerPID: 1}, "freeze 100ms -json\n"), "\n")
	if n, err := copynote.Parse([]byte(line)); err != nil || n.Of != os.Getpid() || n.Tracer != 1 || !n.Exact || n.Goroutines == 0 || n.Taken.IsZero() || n.Until.IsZero() {
		t.Errorf("%s: %+v, %v", line, n, err)
	}
	if after := copies(t); after != before {
		t.Errorf("children: %q, before %q", after, before)
	}
}

// TestFreezeHolds has a person end the copy with Enter, and a peer vanish.
func TestFreezeHolds(t *testing.T) {
	skipCopies(t)
	before := copies(t)
	for name, leave := range map[string]func(io.WriteCloser){
		"Enter":    func(c io.WriteCloser) { io.WriteString(c, "\nquit\n") },
		"vanished": func(c io.WriteCloser) { c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			leavesNothing(t)
			ours, theirs := pair(t)
			ended := make(chan error, 1)
			go func() { ended <- person(context.Background(), ours, Config{}) }()
			io.WriteString(theirs, "freeze\n")
			await(t, theirs, "lazy: the program will stand still for about ")
			await(t, theirs, "\ngdb -p ")
			await(t, theirs, "lazy: Enter ends the copy\n")
			if copies(t) == before {
				t.Error("there is no copy")
			}
			leave(theirs)
			if err := <-ended; name == "Enter" && err != nil {
				t.Error(err)
			}
			if after := copies(t); after != before {
				t.Errorf("children: %q, before %q", after, before)
			}
		})
	}
}

func TestFreezeRefused(t *testing.T) {
	denied := Config{MayDebug: errors.New("connected as somebody else")}
	for _, c := range []struct {
		cfg        Config
		line, want string
	}{
		{Config{ReadOnly: true}, "freeze", "only observes"},
		{Config{ReadOnly: true}, "core", "only observes"},
		{Config{ReadOnly: true}, "set x -at 1 -type int -old 1 -new 2", "only observes"},
		{denied, "freeze", "has all that is in the memory of the process: connected as somebody else"},
		{denied, "core", "connected as somebody else"},
		{denied, "set x -at 1 -type int -old 1 -new 2", "connected as somebody else"},
		{Config{}, "freeze 1 2", "try help freeze"},
		{Config{}, "freeze soon", "soon"},
		{Config{}, "core -zip", "unknown option -zip"},
		{Config{}, "core x", "takes no arguments"},
		{Config{}, "set x 1", "manhole-poke PID set NAME VALUE"},
		{Config{}, "set x -at here -type int -old 1 -new 2", "not an address"},
	} {
		if got := talk(t, c.cfg, c.line+"\n"); !strings.HasPrefix(got, "lazy: error: ") || !strings.Contains(got, c.want) || copies(t) != "" {
			t.Errorf("%s: %s", c.line, got)
		}
	}
	if got := talkTo(t, person, Config{}, "core -gz\n"); !strings.Contains(got, "lazy: error: core: binary") || !strings.Contains(got, ".core.gz") {
		t.Errorf("%s", got)
	}
}

func TestCore(t *testing.T) {
	skipCopies(t)
	leavesNothing(t)
	for _, line := range []string{"core", "core -gz"} {
		// Not into memory, which would be part of the next core file.
		file, err := os.Create(filepath.Join(t.TempDir(), "core"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		fetch(t, line, file)
		if line == "core -gz" {
			file = unpacked(t, file)
		}
		f, err := elf.NewFile(file)
		if err != nil || f.Type != elf.ET_CORE {
			t.Fatalf("%s: %v", line, err)
		}
		end := uint64(0)
		for _, p := range f.Progs {
			end = max(end, p.Off+p.Filesz)
		}
		if info, err := file.Stat(); err != nil || uint64(info.Size()) != end {
			t.Errorf("%s: %d bytes, of which the headers mention %d", line, info.Size(), end)
		}
	}
}

// fetch writes the answer to a script of one line to file.
func fetch(t testing.TB, line string, file io.Writer) (n int64) {
	t.Helper()
	ours, theirs := pair(t)
	go func() {
		script(context.Background(), ours, Config{})
		ours.Close()
	}()
	io.WriteString(theirs, line+"\n")
	theirs.CloseWrite()
	n, err := io.Copy(file, theirs)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func unpacked(t *testing.T, packed *os.File) *os.File {
	t.Helper()
	if _, err := packed.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(packed.Name() + ".unpacked")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	if _, err := io.Copy(file, r); err != nil {
		t.Fatal(err)
	}
	return file
}

var verbose = 3

func TestSet(t *testing.T) {
	var records bytes.Buffer
	cfg := Config{Log: slog.New(slog.NewTextHandler(&records, nil))}
	line := fmt.Sprintf("set console.verbose -at %#x -type int -old 3 -new -4\n", uintptr(unsafe.Pointer(&verbose)))
	if got := talk(t, cfg, line); got != "console.verbose was 3 and is -4\n" || verbose != -4 {
		t.Errorf("%d: %s", verbose, got)
	}
	lazytest.Wants(t, records.String(), "a variable was set", "name=console.verbose", "old=3", "new=-4")
	if got := talk(t, cfg, line); !strings.Contains(got, "lazy: error: set: console.verbose is not set: it has another value by now") || verbose != -4 {
		t.Errorf("%d: %s", verbose, got)
	}
	heap := new(int)
	if got := talk(t, cfg, fmt.Sprintf("set x -at %#x -type int -old 0 -new 1\n", uintptr(unsafe.Pointer(heap)))); !strings.Contains(got, "not in a data or bss segment") || *heap != 0 {
		t.Errorf("%s", got)
	}
}

// BenchmarkCore needs constant memory.
func BenchmarkCore(b *testing.B) {
	for b.Loop() {
		start := time.Now()
		n := fetch(b, "core", io.Discard)
		b.ReportMetric(float64(n)/1e6/time.Since(start).Seconds(), "MB/s")
	}
}
