package console

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-manhole/lazy/internal/words"
)

// tool runs go tool on what the console produced.
func tool(t *testing.T, file string, args ...string) string {
	t.Helper()
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command to read it with")
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(goTool, append(append([]string{"tool"}, args...), path)...).CombinedOutput()
	if err != nil {
		t.Fatalf("go tool %s: %v\n%.2000s\nof %.200q", args[0], err, out, file)
	}
	return string(out)
}

// burn uses CPU until it is stopped.
func burn(stop <-chan struct{}) (n int) {
	for {
		select {
		case <-stop:
			return n
		default:
			for range 1000 {
				n = n*31 + 1
			}
		}
	}
}

// contend makes goroutines wait for mutexes until stopped.
func contend() (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-end:
				return
			default:
			}
			var mu sync.Mutex // a new one, see mutexProfile
			mu.Lock()
			var all sync.WaitGroup
			for range 3 {
				all.Go(func() { holdLock(&mu) })
			}
			time.Sleep(time.Millisecond)
			mu.Unlock()
			all.Wait()
		}
	}()
	return func() { close(end); <-ended }
}

func holdLock(mu *sync.Mutex) {
	mu.Lock()
	time.Sleep(time.Millisecond)
	mu.Unlock()
}

func TestCPUProfile(t *testing.T) {
	leavesNothing(t)
	stop := make(chan struct{})
	go burn(stop)
	defer close(stop)
	got := talk(t, Config{}, "pprof-cpu 300ms\n")
	if out := tool(t, got, "pprof", "-top"); !strings.Contains(out, "console.burn") {
		t.Errorf("go tool pprof:\n%s", out)
	}
	got = talk(t, Config{}, "pprof-cpu 300ms -top -n 3\n")
	if !strings.HasPrefix(got, "cpu: ") || !strings.Contains(got, "console.burn\n") {
		t.Errorf("-top:\n%s", got)
	}
}

func TestHeapProfile(t *testing.T) {
	for _, got := range []string{talk(t, Config{}, "pprof-heap\n"), talk(t, Config{}, "pprof heap\n")} {
		if out := tool(t, got, "pprof", "-top", "-sample_index=alloc_space"); !strings.Contains(out, "alloc_space") {
			t.Errorf("go tool pprof:\n%s", out)
		}
	}
	if got := talk(t, Config{}, "pprof-heap -top\n"); !strings.HasPrefix(got, "inuse_space: ") {
		t.Errorf("-top:\n%s", got)
	}
	for range 64 {
		allocate()
	}
	runtime.GC() // the profile is that of the last collection
	if got := talk(t, Config{}, "pprof allocs -top -cum -focus console.allocate$\n"); !strings.HasPrefix(got, "alloc_space: ") || !strings.Contains(got, "console.allocate\n") {
		t.Errorf("-top -cum:\n%s", got)
	}
}

var garbage []byte

//go:noinline
func allocate() { garbage = make([]byte, 1<<20) }

func TestEveryProfile(t *testing.T) {
	pprof.NewProfile("console_test").Add(t, 0)
	list := talk(t, Config{}, "pprof\n")
	for _, p := range pprof.Profiles() {
		if !strings.Contains(list, p.Name()+" ") {
			t.Errorf("no %s in:\n%s", p.Name(), list)
		}
		line := "pprof " + p.Name()
		if takes(p.Name()) != 0 {
			line += " 10ms"
		}
		tool(t, talk(t, Config{}, line+"\n"), "pprof", "-raw")
		tool(t, talk(t, Config{}, "pprof "+p.Name()+" 10ms\n"), "pprof", "-raw")
		if got := talk(t, Config{}, line+" -top\n"); strings.Contains(got, "lazy: error") {
			t.Errorf("%s -top: %s", line, got)
		}
	}
}

func TestTrace(t *testing.T) {
	leavesNothing(t)
	got := talk(t, Config{}, "trace 200ms\n")
	out := tool(t, got, "trace", "-d=parsed")
	if !strings.Contains(out, "GoStart") && !strings.Contains(out, "StateTransition") {
		t.Errorf("go tool trace:\n%.1000s", out)
	}
}

// TestTraceBuffer fills it, as a peer that reads slowly does.
func TestTraceBuffer(t *testing.T) {
	s := newTraceBuffer(maxTrace)
	block := make([]byte, 1<<20)
	for range traceHighWater>>20 + 1 {
		s.Write(block)
	}
	select {
	case <-s.full:
	default:
		t.Error("the end of the trace is not asked for")
	}
	for range maxTrace >> 20 {
		s.Write(block)
	}
	kept, lost := s.take()
	if len(kept) > maxTrace || len(kept)+lost != (traceHighWater+maxTrace)+1<<20 {
		t.Errorf("%d kept, %d lost", len(kept), lost)
	}
}

func TestProfilesThatRunAlready(t *testing.T) {
	if err := pprof.StartCPUProfile(io.Discard); err != nil {
		t.Skip(err)
	}
	got := talk(t, Config{}, "pprof-cpu 1h\n")
	pprof.StopCPUProfile()
	if !strings.HasPrefix(got, "lazy: error: pprof-cpu: ") || !strings.Contains(got, "the program itself is profiling") {
		t.Error(got)
	}
	if err := trace.Start(io.Discard); err != nil {
		t.Skip(err)
	}
	got = talk(t, Config{}, "trace 1h\n")
	trace.Stop()
	if !strings.HasPrefix(got, "lazy: error: trace: ") || !strings.Contains(got, "the program itself is tracing") {
		t.Error(got)
	}
}

func TestMutexSampling(t *testing.T) {
	stop := contend()
	defer stop()
	got := ""
	for !strings.Contains(got, "sync.(*Mutex).Unlock") { // one contention in ten is sampled
		if got = talk(t, Config{}, "pprof mutex 500ms -top\n"); !strings.Contains(got, "delay: ") {
			t.Fatal(got)
		}
	}
	if now := runtime.SetMutexProfileFraction(-1); now != 0 {
		t.Errorf("the fraction is %d afterwards", now)
	}
	runtime.SetMutexProfileFraction(7)
	defer runtime.SetMutexProfileFraction(0)
	talk(t, Config{}, "pprof mutex 10ms\n")
	if now := runtime.SetMutexProfileFraction(-1); now != 7 {
		t.Errorf("the program's fraction is %d afterwards", now)
	}
}

func TestBlockSampling(t *testing.T) {
	stop := contend()
	defer stop()
	got := talk(t, Config{}, "pprof block 300ms -top -cum\n")
	if !strings.HasPrefix(got, "delay: ") || !strings.Contains(got, "sync.(*Mutex).Lock") {
		t.Error(got)
	}
	// Off again: no more events.
	before := blockEvents()
	for range 10 {
		holdLock(new(sync.Mutex))
	}
	if now := blockEvents(); now != before {
		t.Errorf("%d events, then %d: still sampling", before, now)
	}
	if got := talk(t, Config{}, "pprof block 300ms -top\n"); !strings.Contains(got, "sync.(*Mutex).Lock") {
		t.Errorf("the second time:\n%s", got)
	}

	// The program's own sampling is left alone.
	runtime.SetBlockProfileRate(1)
	defer runtime.SetBlockProfileRate(0)
	for before = blockEvents(); blockEvents() == before; {
		time.Sleep(time.Millisecond)
	}
	talk(t, Config{}, "pprof block 10ms\n")
	for before = blockEvents(); blockEvents() == before; { // for ever, if it was switched off
		time.Sleep(time.Millisecond)
	}

	// Nor does -top show what the session itself waits for.
	if got := talk(t, Config{}, "pprof block 50ms -rate 1 -top\n"); strings.Contains(got, "console.(*session)") || !strings.Contains(got, "left out: ") {
		t.Error(got)
	}
	// Unless that is asked for.
	talk(t, Config{}, "pprof block 10ms -rate 1000\n")
	before = blockEvents()
	time.Sleep(20 * time.Millisecond)
	if now := blockEvents(); now != before {
		t.Errorf("%d events, then %d: still sampling", before, now)
	}
}

func TestBinaryIsNotForPersons(t *testing.T) {
	cfg := Config{Greeting: "\n", Path: "/run/hole", Signal: "USR1"}
	for _, line := range []string{"pprof-heap", "pprof-cpu 3s", "pprof mutex 1s", "trace 1s", "binary"} {
		_, got, _ := strings.Cut(talkTo(t, person, cfg, line+"\n"), prompt)
		for _, want := range []string{
			"lazy: error: " + strings.Fields(line)[0] + ": binary, not for a terminal",
			"echo '" + line + "' | nc -N -U /run/hole > ",
			"kill -USR1 ",
			"echo '" + line + "' | manhole-poke -s USR1 ",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in:\n%s", want, got)
			}
		}
	}
}

// What stands behind echo is for a shell, and what that says for the console.
func TestFetchLines(t *testing.T) {
	for _, name := range []string{"example.com/my/pkg.conns", "my conns", "it's", `back\slash`, "a;b"} {
		if pprof.Lookup(name) == nil {
			pprof.NewProfile(name)
		}
		typed := `"` + strings.ReplaceAll(name, `\`, `\\`) + `"`
		got := talkTo(t, person, Config{Greeting: "\n", Path: "/run/my hole"}, "pprof "+typed+"\n")
		said := regexp.MustCompile(`(?m)&& echo (.*) \| nc -N -U '/run/my hole' > ([\w.]+\.pprof)$`).FindStringSubmatch(got)
		if said == nil {
			t.Errorf("%s: got\n%s", name, got)
			continue
		}
		line, err := exec.Command("sh", "-c", "printf %s "+said[1]).Output()
		split, wrong := words.Split(string(line))
		if err != nil || wrong != nil || len(split) != 2 || split[1] != name {
			t.Errorf("%s: %v %v: %q", said[1], err, wrong, split)
		}
	}
}

func TestCountdown(t *testing.T) {
	leavesNothing(t)
	ours, theirs := pair(t)
	go func() {
		person(context.Background(), ours, Config{Greeting: "\n"})
		ours.Close()
	}()
	await := func(what string) { t.Helper(); await(t, theirs, what) }
	await(prompt)
	io.WriteString(theirs, "pprof-cpu 1h -top\n")
	await("\rlazy: pprof cpu: 3600 s left")
	await("\rlazy: pprof cpu: 3599 s left")
	io.WriteString(theirs, "\n") // enough
	await("cpu: ")
	await(prompt)
	io.WriteString(theirs, "watch 0.01\n")
	await("goroutines")
	await("%\n")
	await("%\n")
	io.WriteString(theirs, "version\n") // ends it, and is run
	await(runtime.Version())
	await(prompt)
	io.WriteString(theirs, "watch 1h\n")
	await("goroutines")
	theirs.CloseWrite()
	if _, err := io.Copy(io.Discard, theirs); err != nil {
		t.Error(err)
	}
}
