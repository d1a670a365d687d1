package console

import (
	"math"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-manhole/lazy/console/internal/proftop"
)

var hoard [][]byte

//go:noinline
func hoardMore() { hoard = append(hoard, make([]byte, 1<<20)) }

// growing hoards until stop is called.
func growing() (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-end:
				return
			case <-time.After(5 * time.Millisecond):
				hoardMore()
			}
		}
	}()
	return func() { close(end); <-ended; hoard = nil }
}

// The difference of two profiles is a file that go tool pprof reads as -top here
// does.
func TestHeapOverTime(t *testing.T) {
	old := runtime.MemProfileRate
	runtime.MemProfileRate = 4096
	defer func() { runtime.MemProfileRate = old }()
	stop := growing()
	defer stop()
	file := talk(t, Config{}, "pprof-heap 300ms -gc\n")
	theirs := tool(t, file, "pprof", "-top")
	if !strings.Contains(theirs, "with a collection before each") || !strings.Contains(theirs, "Duration: ") {
		t.Errorf("go tool pprof -top:\n%s", theirs)
	}
	raw, err := proftop.Unpack([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	var ours strings.Builder
	if err := proftop.Write(&ours, raw, proftop.Options{}); err != nil {
		t.Fatal(err)
	}
	flat := func(text string) (percent float64) {
		m := regexp.MustCompile(`(?m)^ *\S+ +(\S+)% .*[./]console\.hoardMore$`).FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("no hoardMore in:\n%s", text)
		}
		percent, _ = strconv.ParseFloat(m[1], 64)
		return percent
	}
	if a, b := flat(ours.String()), flat(theirs); a < 20 || math.Abs(a-b) > 0.1 {
		t.Errorf("%v%% here, %v%% there:\n%s\n%s", a, b, &ours, theirs)
	}

	got := talk(t, Config{}, "pprof heap 300ms -gc -top\n")
	for _, want := range []string{"inuse_space: ", "console.hoardMore\n", "the difference over ", "to see more: -cum"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	got = talk(t, Config{}, "pprof allocs 200ms -gc -peek hoardMore$\n")
	if !strings.Contains(got, "called by github.com/go-manhole/lazy/console.growing.func1\n") || strings.Contains(got, "to see more") {
		t.Error(got)
	}
}

func TestProfileArguments(t *testing.T) {
	for line, want := range map[string]string{
		"pprof goroutine -gc":        "-gc is for heap and allocs",
		"pprof goroutine -total":     "-total is for block and mutex",
		"pprof mutex 1s -total":      "-total is what was counted until now",
		"pprof-cpu 1s -list main":    "is done by manhole-poke",
		"pprof-heap -focus (":        "-focus (: error parsing regexp",
		"pprof heap 0":               "must be positive",
		"pprof mutex 10ms -top":      "only waits that have ended are counted",
		"pprof block -total -top":    "delay: ",
		"pprof goroutine 10ms -tree": "the difference over ",
		"pprof":                      "pprof NAME DURATION shows what changed",
	} {
		if got := talk(t, Config{}, line+"\n"); !strings.Contains(got, want) {
			t.Errorf("%s: no %q in:\n%s", line, want, got)
		}
	}
	for _, line := range []string{"pprof-heap -gc", "pprof heap 1s -gc -top"} {
		if got := talk(t, Config{ReadOnly: true}, line+"\n"); !strings.Contains(got, errReadOnly.Error()) {
			t.Errorf("%s: %s", line, got)
		}
	}
}

func TestWatchNames(t *testing.T) {
	HandleVars(func(yield func(string, func() string)) {
		n := 0
		yield("requests", func() string { n++; return strconv.Itoa(n) })
		yield("codes", func() string { return `{"200":5,"a.b":{"c":1.5}}` })
		yield("words", func() string { return `"x\ny"` })
		yield("bad", func() string { panic("on\npurpose") })
		yield("gone", func() string { runtime.Goexit(); return "" })
	})
	defer expvars.Store(nil)
	for line, want := range map[string]string{
		"watch requests codes.200 0.02 2":                 `^time +requests +/s +codes.200 +/s\n\S+ +2 +\S+ +5 +0\n\S+ +3 +`,
		"watch codes.a.b.c 0.02 1":                        `\n\S+ +1\.5 +0\n$`,
		"watch codes.404 0.02 1":                          `error: watch: codes.404: codes has no 404\n$`,
		"watch codes 0.02 1":                              `error: watch: codes is not a number; vars shows it`,
		"watch words 0.02 1":                              `words is not a number`,
		"watch bad 0.02 1":                                `error: watch: bad: panic: on purpose\n$`,
		"watch gone 0.02 1":                               `error: watch: gone: `,
		"watch gc/heap/allocs:bytes gc/heap/live 0.02 1":  `^time +allocs:bytes/s +live:bytes\n.*B +\S+B\n$`,
		"watch /sched/goroutines:goroutines 0.02 1":       `^time +goroutines:goroutines\n\S+ +\d+\n$`,
		"watch gomaxprocs 0.02 1":                         ` gomaxprocs:threads\n\S+ +\d+\n$`,
		"watch sched/latencies 0.02 1":                    `^time +latencies:seconds/s +p50 +p99 +max\n`,
		"watch heap 0.02 1":                               `error: watch: heap may be /gc/.* or \d+ more; give more of the name`,
		"watch sched/latency 0.02 1":                      `error: watch: no metric and no variable of expvar is named sched/latency; did you mean /.*latencies`,
		"watch request 0.02 1":                            `named request; did you mean requests\?`,
		"watch zzz 0.02 1":                                `named zzz; metrics and vars list them`,
		"watch '' 0.02 1":                                 `error: watch: no metric`,
		"watch x 1 2 3":                                   `takes seconds and a number of lines`,
		"watch -1":                                        `error: watch: -1: must be positive`,
		"watch -match TestWatchNames -state sleep 0.02 1": `^time +matching +change +of +took\n\S+ +\d+ +[+-]\d+ +\d+ +\S+s\n$`,
		"watch -match ( 0.02 1":                           `error: watch: -match`,
		"watch gomemlimit 0.02 1":                         ` (off|\S+B)\n$`,
	} {
		if got := talk(t, Config{}, line+"\n"); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s: not %s:\n%s", line, want, got)
		}
	}
}

// A variable that does not answer is not asked again until it has, and holds up no
// session.
func TestWatchStuckVariable(t *testing.T) {
	stuck := make(chan struct{})
	var asked int
	HandleVars(func(yield func(string, func() string)) {
		yield("slow", func() string {
			if asked++; asked > 1 {
				<-stuck
			}
			return "1"
		})
	})
	defer expvars.Store(nil)
	defer close(stuck)
	got := talk(t, Config{}, "watch slow 0.01 2\nversion\n")
	if n := strings.Count(got, "no answer"); n != 2 || !strings.Contains(got, runtime.Version()) {
		t.Error(got)
	}
}

func FuzzWatch(f *testing.F) {
	f.Add("sched/latencies", `{"a":1}`)
	f.Add("v.a.b", `{"a":{"b":2}}`)
	f.Add("v..", `{"":{"":"x"}}`)
	f.Fuzz(func(t *testing.T, name, text string) {
		HandleVars(func(yield func(string, func() string)) { yield("v", func() string { return text }) })
		defer expvars.Store(nil)
		if c, err := namedColumn(name); err == nil {
			all := []*column{c}
			shorten(all)
			for range 2 {
				look(t.Context(), all, time.Second, func(int, string) {})
			}
		}
	})
}
