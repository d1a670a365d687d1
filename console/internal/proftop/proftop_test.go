package proftop

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-manhole/lazy/internal/pattern"
)

// TestSkip leaves out this goroutine, by a function in its stack, and what was
// counted before.
func TestSkip(t *testing.T) {
	p := pprof.NewProfile("proftop_test")
	addSkipped(p)
	var before, after, text bytes.Buffer
	p.WriteTo(&before, 0)
	addSkipped(p)
	addShown(p)
	p.WriteTo(&after, 0)
	name := strings.TrimSuffix(funcName(), "funcName") + "addSkipped"
	d, err := Delta(unpack(t, before.Bytes()), unpack(t, after.Bytes()), time.Second, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := Write(&text, d, Options{SkipFunc: name}); err != nil {
		t.Fatal(err)
	}
	if got := text.String(); !strings.Contains(got, ": 1 in all\n") || !strings.Contains(got, "addShown\n") ||
		strings.Contains(got, "addSkipped") || !strings.HasSuffix(got, "left out: 1 of this session's own\n") {
		t.Error(got)
	}
}

//go:noinline
func addSkipped(p *pprof.Profile) { p.Add(new(int), 0) }

//go:noinline
func addShown(p *pprof.Profile) { p.Add(new(int), 0) }

func funcName() string {
	pc, _, _, _ := runtime.Caller(0)
	return runtime.FuncForPC(pc).Name()
}

// TestDeltaOfWhatIsGone subtracts stacks that are no more, with their labels.
func TestDeltaOfWhatIsGone(t *testing.T) {
	stop := make(chan struct{})
	var ended sync.WaitGroup
	for range 3 {
		ended.Go(func() {
			pprof.Do(context.Background(), pprof.Labels("colour", "blue"), func(context.Context) { waitHere(stop) })
		})
	}
	var before, after bytes.Buffer
	for {
		before.Reset()
		pprof.Lookup("goroutine").WriteTo(&before, 0)
		var text bytes.Buffer
		if Write(&text, unpack(t, before.Bytes()), Options{Focus: must("waitHere")}); strings.HasPrefix(text.String(), "goroutine: 3 in all\n") {
			break
		}
		runtime.Gosched()
	}
	close(stop)
	ended.Wait()
	pprof.Lookup("goroutine").WriteTo(&after, 0)
	d, err := Delta(unpack(t, before.Bytes()), unpack(t, after.Bytes()), time.Second, "", "a comment")
	if err != nil {
		t.Fatal(err)
	}
	var text, file bytes.Buffer
	if err := Write(&text, d, Options{Peek: must(`\.waitHere$`)}); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^ +0 +0\.0% +-3 .*\.waitHere$`).MatchString(text.String()) && !regexp.MustCompile(`(?m) -3 .*\.waitHere$`).MatchString(text.String()) {
		t.Error(text.String())
	}
	if err := Pack(&file, d); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "delta.pprof")
	if err := os.WriteFile(name, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command to read it with")
	}
	out, err := exec.Command(goTool, "tool", "pprof", "-traces", name).CombinedOutput()
	if err != nil || !regexp.MustCompile(`colour: *blue\n +-3 `).Match(out) || !strings.Contains(string(out), ".waitHere") ||
		!strings.Contains(string(out), "a comment") {
		t.Errorf("%v\n%s", err, out)
	}
}

//go:noinline
func waitHere(stop chan struct{}) { <-stop }

func TestPeek(t *testing.T) {
	p := pprof.NewProfile("proftop_peek")
	addSkipped(p)
	addShown(p)
	addShown(p)
	var packed, text bytes.Buffer
	p.WriteTo(&packed, 0)
	raw := unpack(t, packed.Bytes())
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Peek: must("TestPeek")}, `(?s)called by testing.tRunner\n.* 3 100\.0%  \S+TestPeek\n.* 2  66\.7%    calls \S+addShown\n.* 1  33\.3%    calls \S+addSkipped\n`},
		{Options{Tree: true, Entries: 1}, `(?s)called by \S+addShown\n.* 3 100\.0%  \S+Add\n.*and \d+ functions with less`},
		{Options{Focus: must("Skipped$")}, `^proftop_peek: 1 in all\n(?s).*left out: 2 without`},
		{Options{Peek: must("nosuch")}, `no function matches -peek`},
	} {
		text.Reset()
		if err := Write(&text, raw, c.o); err != nil || !regexp.MustCompile(c.want).MatchString(text.String()) {
			t.Errorf("%v, not %s:\n%s", err, c.want, &text)
		}
	}
}

func FuzzSum(f *testing.F) {
	var b bytes.Buffer
	pprof.Lookup("heap").WriteTo(&b, 0)
	f.Add(unpack(f, b.Bytes()))
	b.Reset()
	pprof.Lookup("goroutine").WriteTo(&b, 0)
	f.Add(unpack(f, b.Bytes()))
	f.Fuzz(func(t *testing.T, raw []byte) {
		Write(io.Discard, raw, Options{SkipFunc: "runtime.main", Tree: true})
	})
}

// FuzzDelta checks that the difference of anything that can be read can be read,
// too, and that a profile less itself is nothing.
func FuzzDelta(f *testing.F) {
	for _, name := range []string{"heap", "goroutine", "threadcreate"} {
		var b bytes.Buffer
		pprof.Lookup(name).WriteTo(&b, 0)
		raw := unpack(f, b.Bytes())
		f.Add(raw, raw)
		f.Add(raw, []byte("\x0a\x04\x08\x01\x10\x02"))
	}
	f.Fuzz(func(t *testing.T, before, after []byte) {
		d, err := Delta(before, after, time.Second, "runtime.main", "x")
		if err != nil {
			return
		}
		if _, err := parse(d); err != nil {
			t.Errorf("%v: %q", err, d)
		}
	})
}

func unpack(t testing.TB, packed []byte) []byte {
	t.Helper()
	raw, err := Unpack(packed)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// BenchmarkTop is the cost of -top for a heap profile of this process.
func BenchmarkTop(b *testing.B) {
	var p bytes.Buffer
	pprof.Lookup("heap").WriteTo(&p, 0)
	for b.Loop() {
		if err := Write(io.Discard, unpack(b, p.Bytes()), Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func must(text string) *pattern.Pattern {
	p, err := pattern.Compile(text)
	if err != nil {
		panic(err)
	}
	return p
}
