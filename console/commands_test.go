package console

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/stackdump"
)

func TestStackFilters(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	for range 3 {
		go park(release)
	}
	running("console.park(")
	for _, test := range []struct{ line, want, not string }{
		{"stack", "console.park", ""},
		{"stack -match 'console\\.park' -state chan", "console.park", "testing.(*M).Run"},
		{"stack -match 'no such'", "", "console.park"},
		{"stack full -match=park -n 1", "console.park", ""},
		{"stack raw", "console.park(", ""},
		{"stack raw -n 1 -match 'console\\.park'", "console.park(", "testing.(*M).Run"},
		{"stack raw -not-match 'console\\.park'", "testing.(*M).Run(", "console.park("},
		{"stack raw -match 'no such'", "", "goroutine"},
		{"stack raw json", "lazy: error: stack: raw is the runtime's own text", "console.park"},
		{"stack -match 'console\\.park' -match 'no such'", "", "console.park"},
		{"stack -match 'console\\.park' -match 'Test' -state chan -state receive", "console.park", ""},
		{"stack -not-match 'console\\.park'", "testing.(*M).Run", "console.park"},
		{"stack -not-state chan", "", "console.park"},
		{"stack -id 1 -id 2,3", "testing.(*M).Run", "console.park"},
		{"stack -id 1,x", "not the number of a goroutine", "console.park"},
		{"stack -fold-idle", "console.park", ""},
		{"stack diff 1h x", "manhole-poke also takes a file", "console.park"},
		{"stack diff 0.01 -match 'console\\.park'", ": 0 new, 0 grown, 0 shrunk, 0 gone, 1 unchanged", "console.park"},
		{"stack bogus", "lazy: error: stack: unexpected argument bogus", "console.park"},
		{"stack -bogus", "lazy: error: stack: unknown option -bogus (valid: -args, -state, -not-state, -match, ", "console.park"},
		{"stack -match '('", "lazy: error: stack: -match (: ", "console.park"},
		{"stack -min-wait 5", "whole minutes", "console.park"},
		{"stack -min-wait 5m", "", "console.park"},
		{"stack -id 0", "not the number of a goroutine", "console.park"},
		{"stack diff", "lazy: error: stack: no earlier stacks", "console.park"},
		{"stack json diff", "lazy: error: stack: stack diff has no JSON form", "console.park"},
		{"stack json -min-wait 5", "whole minutes", "console.park"},
	} {
		got := talk(t, Config{}, test.line+"\n")
		if !strings.Contains(got, test.want) || test.not != "" && strings.Contains(got, test.not) {
			t.Errorf("%s: got\n%s", test.line, got)
		}
	}
	// The session's own goroutines are not shown.
	if got := talk(t, Config{}, "stack\n"); strings.Contains(got, "console.(*session)") || !strings.Contains(got, " of this session's own\n") {
		t.Errorf("the session shows itself:\n%s", got)
	}
}

func TestStackJSON(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	for range 3 {
		go park(release)
	}
	running("console.park(")
	for _, test := range []struct {
		line   string
		groups int // at most
		parked bool
	}{
		{"stack json", 1000, true},
		{"stack full json", 1000, true},
		{"stack json -state chan -match 'console\\.park'", 1, true},
		{"stack json -system -n 1", 1, false},
		{"stack json -match 'no such'", 0, false},
	} {
		got := talk(t, Config{}, test.line+"\n")
		d, err := stackdump.ReadJSON(strings.NewReader(got))
		if err != nil || len(d.Groups) > test.groups {
			t.Errorf("%s: %v\n%s", test.line, err, got)
			continue
		}
		n := 0
		for _, g := range d.Filter(stackdump.Filter{Match: []stackdump.Matcher{regexp.MustCompile(`console\.park$`)}}).Groups {
			n += g.Count
		}
		if test.parked && n != 3 {
			t.Errorf("%s: %d of 3 goroutines\n%s", test.line, n, got)
		}
	}
}

func TestStackDiff(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	cfg := Config{Commands: []Command{{"leak", "", func(context.Context, io.Writer, []string) error {
		go park(release)
		running("console.park(")
		return nil
	}}}}
	got := talk(t, cfg, "stack -n 1\nleak\nstack diff\nstack diff\n")
	if n := len(regexp.MustCompile(`(?m)^\+1 new.*\n.*\n.*\n.*console\.park|(?m)^\+1 new.*\n.*console\.park`).FindAllString(got, -1)); n != 1 {
		t.Errorf("the new goroutine is there %d times, not once:\n%s", n, got)
	}
}

func TestMetrics(t *testing.T) {
	got := talk(t, Config{}, "metrics\nmetrics -json '^/sched/'\nmetrics '^/gc/gomemlimit'\nmetrics nothing\nmetrics '('\n")
	for _, want := range []string{
		"\n/sched/gomaxprocs:threads ",
		"/sched/latencies:seconds n=",
		" p99=",
		"\n{\"name\":\"/sched/latencies:seconds\",\"buckets\":[[",
		"\n{\"name\":\"/sched/gomaxprocs:threads\",\"value\":",
		"\n/gc/gomemlimit:bytes off\n",
		"lazy: error: metrics: no metric matches nothing\n",
		"lazy: error: metrics: (: error parsing regexp",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	for line := range strings.Lines(talk(t, Config{}, "metrics -json\n")) {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
}

func TestEnv(t *testing.T) {
	t.Setenv("CONSOLE_TEST_TOKEN", "hush")
	t.Setenv("CONSOLE_TEST_DB", "postgres://me:hush@db/x?a=b@c")
	t.Setenv("CONSOLE_TEST_KEY_FILE", "/path")
	t.Setenv("CONSOLE_TEST_ODD", "a\x1b[31m\nb")
	want := `CONSOLE_TEST_DB=postgres://me:****@db/x?a=b@c
CONSOLE_TEST_KEY_FILE=/path
CONSOLE_TEST_ODD="a\x1b[31m\nb"
CONSOLE_TEST_TOKEN=****
`
	if got := talk(t, Config{}, "env ^CONSOLE_TEST\n"); got != want {
		t.Errorf("got:\n%s", got)
	}
	got := talk(t, Config{}, "env ^CONSOLE_TEST -secrets\n")
	if !strings.Contains(got, "TOKEN=hush\n") || !strings.Contains(got, "me:hush@db") {
		t.Errorf("got:\n%s", got)
	}
}

func TestAbout(t *testing.T) {
	if got := talk(t, Config{}, "buildinfo\n"); !strings.HasPrefix(got, "go\t"+runtime.Version()) {
		t.Errorf("buildinfo:\n%s", got)
	}
	t.Setenv("GODEBUG", "inittrace=0")
	if got := talk(t, Config{}, "godebug\n"); !strings.HasPrefix(got, "GODEBUG: inittrace=0\n") {
		t.Errorf("godebug:\n%s", got)
	}
	got := talk(t, Config{}, "binary\n")
	path, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	if want, err := os.ReadFile(path); err != nil || got != string(want) {
		t.Errorf("%d bytes, want %d; %v", len(got), len(want), err)
	}
}

func TestChange(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(1 << 40))
	for _, test := range []struct{ line, want string }{
		{"setgc 50", "New GC percent set to 50. Previous value was 100.\n"},
		{"setgc off", "New GC percent set to -1. Previous value was 50.\n"},
		{"setgc 80%", "New GC percent set to 80. Previous value was -1.\n"},
		{"setgc -1", "lazy: error: setgc: -1 is negative; try setgc off, which stops the collections\n"},
		{"setgc 0", "lazy: error: setgc: 0 collects without a break; try setgc off for no collections, setgc 1 for as many as possible\n"},
		{"setgc", "lazy: error: setgc: takes a percentage, as GOGC does; try setgc 100, setgc off\n"},
		{"setgc 1x", "lazy: error: setgc: 1x is not a percentage; try setgc 100, setgc off\n"},
		{"memlimit", "memory limit: 1.00TB (1099511627776 bytes)\n"},
		{"memlimit 512MiB", "memory limit: 512.00MB (536870912 bytes), was 1.00TB (1099511627776 bytes)\n"},
		{"memlimit off", "memory limit: off, was 512.00MB (536870912 bytes)\n"},
		{"memlimit 0", "lazy: error: memlimit: 0 is not a size; try 512MiB or 2GiB\n"},
		{"memlimit x", "lazy: error: memlimit: x is not a size; try 512MiB or 2GiB\n"},
		{"maxprocs", "GOMAXPROCS: 2\n"},
		{"maxprocs 3", "GOMAXPROCS: 3, was 2\n"},
		{"maxprocs 0", "lazy: error: maxprocs: 0 is not a number of processors; try maxprocs 4, maxprocs default\n"},
		{"maxprocs default", fmt.Sprintf("GOMAXPROCS: %d, was 3\n", runtime.NumCPU())},
	} {
		if got := talk(t, Config{}, test.line+"\n"); got != test.want && !strings.Contains(test.line, "default") {
			t.Errorf("%s: got %swant %s", test.line, got, test.want)
		}
	}
	for _, line := range []string{"gc", "freemem"} {
		if got := talk(t, Config{}, line+"\n"); !strings.HasPrefix(got, "ok: ") {
			t.Errorf("%s: %s", line, got)
		}
	}
}

func TestVars(t *testing.T) {
	defer expvars.Store(expvars.Load())
	if got := talk(t, Config{}, "vars\n"); got != "lazy: error: vars: "+errNoVars.Error()+"\n" {
		t.Error(got)
	}
	asked := 0
	HandleVars(func(yield func(name string, value func() string)) {
		yield("a", func() string { asked++; return "1" })
		yield("bad", func() string { panic("on\npurpose") })
		yield("b", func() string { return `{"c": 2}` })
	})
	got := talk(t, Config{ReadOnly: true}, "vars\nvars b\nvars c\nvars bad\n")
	if want := "a: 1\nbad: panic: on purpose\nb: {\"c\": 2}\n{\"c\": 2}\nlazy: error: vars: no variable c; vars lists them\n" +
		"lazy: error: vars: panic: on purpose\n"; got != want || asked != 1 {
		t.Errorf("asked %d times, got:\n%s", asked, got)
	}
}

func TestWatch(t *testing.T) {
	leavesNothing(t)
	line := regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d\.\d{3} +\d+ .*(%|-)$`)
	if got := talk(t, Config{}, "watch 0.02 3\nversion\n"); len(line.FindAllString(got, -1)) != 3 || !strings.HasSuffix(got, runtime.Version()+"\n") {
		t.Errorf("three lines:\n%s", got)
	}
	// A script's next line ends it.
	if got := talk(t, Config{}, "watch 1h\nversion\n"); !strings.HasSuffix(got, runtime.Version()+"\n") {
		t.Errorf("the next line:\n%s", got)
	}
	if got := talk(t, Config{}, "watch x\nwatch 1 0\n"); strings.Count(got, "lazy: error: watch: ") != 2 {
		t.Errorf("mistakes:\n%s", got)
	}
	// The end of a script's input does not; that of the connection does.
	ours, theirs := pair(t)
	ended := make(chan error, 1)
	go func() { ended <- script(context.Background(), ours, Config{}) }()
	io.WriteString(theirs, "watch 0.02\n")
	theirs.CloseWrite()
	var all bytes.Buffer
	for buf := make([]byte, 4096); len(line.FindAll(all.Bytes(), -1)) < 3; {
		n, err := theirs.Read(buf)
		if err != nil {
			t.Fatalf("%v after:\n%s", err, all.Bytes())
		}
		all.Write(buf[:n])
	}
	theirs.Close()
	if err := <-ended; err == nil {
		t.Error("no error")
	}
}

func TestFDs(t *testing.T) {
	got := talk(t, Config{}, "fds\nfds '('\nfds a b\n")
	if runtime.GOOS != "linux" {
		if !strings.HasPrefix(got, "lazy: error: fds: not supported on "+runtime.GOOS) {
			t.Error(got)
		}
		return
	}
	for _, want := range []string{" unix ", " open (", "error: fds: (: error parsing regexp", "error: fds: unexpected argument b; put a pattern with blanks in quotes"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}
