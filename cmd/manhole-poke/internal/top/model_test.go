package top

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-manhole/lazy/stackdump"
)

var when = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// dump returns one with groups of these sizes, by function.
func dump(counts map[string]int) *stackdump.Dump {
	d := &stackdump.Dump{Full: true, Stopped: time.Millisecond}
	for f, n := range counts {
		d.Total += n
		d.Groups = append(d.Groups, stackdump.Group{Count: n, State: "chan receive", CreatedBy: stackdump.Frame{Func: "main.start", File: "/src/main.go", Line: 3},
			Frames: []stackdump.Frame{{Func: "sync.(*Mutex).Lock", File: "/go/sync/mutex.go", Line: 1}, {Func: "main." + f, File: "/src/main.go", Line: 12}}})
	}
	return d
}

// ticks returns a process after samples one second apart.
func ticks(p *Proc, counts ...map[string]int) *Proc {
	for i, c := range counts {
		p.Add(&Sample{When: when.Add(time.Duration(i) * time.Second), Dump: dump(c), Cost: 10 * time.Millisecond, CPU: time.Duration(i) * time.Second / 2, CPUKnown: true,
			Metrics: Metrics{Values: map[string]float64{heapBytes: 3 << 20, cycles: float64(7 + i)}, Histograms: map[string][]Bucket{latencies: {{1e-6, float64(10 + i)}}}}})
	}
	return p
}

func screen(m *Model, width, height int) string {
	var b strings.Builder
	for _, l := range m.Render(width, height, when.Add(time.Minute)) {
		b.WriteString(l.Text + "\n")
	}
	return b.String()
}

func TestGrowth(t *testing.T) {
	p := ticks(&Proc{PID: 12, Name: "shop"}, map[string]int{"leak": 5, "steady": 9, "gone": 2}, map[string]int{"leak": 8, "steady": 9, "gone": 2}, map[string]int{"leak": 9, "steady": 9, "new": 1})
	m := NewModel([]*Proc{p}, time.Second)
	var got []string
	for _, r := range m.Rows() {
		got = append(got, fmt.Sprintf("%s %d %+d %+d", r.Where.Func, r.Count, r.Growth, r.LastTick))
	}
	want := "[main.leak 9 +4 +1 main.new 1 +1 +1 main.steady 9 +0 +0 main.gone 0 -2 -2]"
	if fmt.Sprint(got) != want {
		t.Errorf("%s, not %s", got, want)
	}
	for _, c := range []struct {
		order Order
		first string
	}{{ByTick, "main.leak"}, {ByCount, "main.leak"}, {ByName, "main.gone"}} {
		m.Order = c.order
		if f := m.Rows()[0].Where.Func; f != c.first {
			t.Errorf("by %v the first is %s", c.order, f)
		}
	}
	m.Filter = "STEADY"
	if rows := m.Rows(); len(rows) != 1 || rows[0].Where.Func != "main.steady" {
		t.Errorf("%+v", rows)
	}
	m.Filter = ""
	m.Press('r')
	for _, r := range m.Rows() {
		if r.Growth != 0 {
			t.Errorf("after a restart: %+v", r)
		}
	}
	// What is gone, and was not there at the start, is forgotten.
	ticks(p, map[string]int{"leak": 1}, map[string]int{"leak": 1}, map[string]int{"leak": 1})
	if _, ok := p.stacks[keyOf(dump(map[string]int{"gone": 1}).Groups[0].Frames)]; ok {
		t.Errorf("%d stacks", len(p.stacks))
	}
}

// The groups of several processes are one.
func TestSeveral(t *testing.T) {
	a := ticks(&Proc{PID: 1, Name: "a"}, map[string]int{"f": 1}, map[string]int{"f": 3})
	b := ticks(&Proc{PID: 2, Name: "b"}, map[string]int{"f": 10, "g": 1})
	m := NewModel([]*Proc{a, b, {Name: "/tmp/c", Ended: errors.New("it is \x1b[31mbusy")}, {PID: 4, Asked: when}}, time.Second)
	if r := m.Rows()[0]; r.Count != 13 || r.Growth != 2 || r.LastTick != 2 || r.Procs != 2 {
		t.Errorf("%+v", r)
	}
	text := screen(m, 100, 30)
	for _, w := range []string{"4 processes", "it is \ufffd[31mbusy", "no answer for 1m0s", "50%", "3M", "main.f  main.go:12  < main.start", "1µs"} {
		if !strings.Contains(text, w) {
			t.Errorf("no %q in\n%s", w, text)
		}
	}
	m.Press(KeyTab)
	m.Press(KeyTab)
	if rows := m.Rows(); len(rows) != 2 || rows[0].Count+rows[1].Count != 11 {
		t.Errorf("%+v", rows)
	}
	m.Press(KeyBacktab)
	m.Press(KeyBacktab)
	m.Press(KeyBacktab)
	if m.Selected != 3 {
		t.Error(m.Selected)
	}
}

func TestKeys(t *testing.T) {
	p := ticks(&Proc{PID: 12, Name: "shop"}, map[string]int{"leak": 5, "steady": 9})
	m := NewModel([]*Proc{p}, 2*time.Second)
	screen(m, 80, 24)
	press := func(keys string) (a Action) {
		for _, k := range keys {
			a = m.Press(k)
		}
		return a
	}
	if press("f") != SetInterval || !strings.Contains(screen(m, 80, 24), "FROZEN") || press(" ") != SetInterval || m.Frozen {
		t.Error("freeze")
	}
	if press("++") != SetInterval || m.Every != 8*time.Second || press("-") != SetInterval || m.Every != 4*time.Second {
		t.Error(m.Every)
	}
	press("/q?")
	m.Press(KeyBackspace)
	if !strings.Contains(screen(m, 80, 24), "filter: q_") {
		t.Error(screen(m, 80, 24))
	}
	m.Press(KeyEscape)
	if press("c") != SampleCPU || press("C") != SampleCPU || press("C") != Nothing || press("n") != Ask {
		t.Error("actions")
	}
	press("j")
	m.Press(KeyEnter)
	if text := screen(m, 80, 24); !strings.Contains(text, "5 goroutines") || !strings.Contains(text, "/src/main.go:12") || !strings.Contains(text, "created by main.start") {
		t.Error(text)
	}
	m.Press(KeyEscape)
	press("?")
	if text := screen(m, 80, 24); !strings.Contains(text, "goroutines more than") {
		t.Error(text)
	}
	m.Press(KeyEnd)
	if text := screen(m, 80, 24); !strings.Contains(text, "start a CPU profile") {
		t.Error(text)
	}
	if press("q") != Nothing || press("q") != Quit {
		t.Error("q leaves a page, and then the view")
	}
	for r := rune(-20); r < 300; r++ { // whatever is pressed
		m.Press(r)
		screen(m, 80, 24)
	}
}

// The picture fits the screen whatever its size.
func TestSizes(t *testing.T) {
	counts := map[string]int{}
	for i := range 100 {
		counts[fmt.Sprint("function", strings.Repeat("x", i))] = i + 1
	}
	p := ticks(&Proc{PID: 12, Name: "shop\x1b[2J"}, counts, counts)
	p.CPU = readProfile("cpu: 1s in all\n        flat            cum         function\n" + strings.Repeat("  1s 50%  1s  50%  main.\x1bf\n", 50))
	p.Notice = "no\nfigures"
	for _, ended := range []error{nil, errors.New("gone")} {
		p.Ended = ended
		for _, page := range []page{pageList, pageGroup, pageHelp} {
			m := NewModel([]*Proc{p}, time.Second)
			for width := range 200 {
				m.page = page
				for _, height := range []int{0, 1, 2, 3, 5, 8, 24, 60} {
					lines := m.Render(width, height, when)
					if len(lines) > height {
						t.Fatalf("%d lines of %d", len(lines), height)
					}
					for _, l := range lines {
						if utf8.RuneCountInString(l.Text) > width || strings.ContainsAny(l.Text, "\x1b\n") {
							t.Fatalf("%d columns: %q", width, l.Text)
						}
					}
				}
			}
		}
	}
	for line := range strings.Lines(help) {
		if utf8.RuneCountInString(line) > 81 {
			t.Errorf("too long: %s", line)
		}
	}
}

// What one process has is bounded.
func TestManyStacks(t *testing.T) {
	counts := map[string]int{}
	for i := range maxStacks + 10 {
		counts[fmt.Sprint("f", i)] = 1
	}
	p := ticks(&Proc{PID: 1}, counts, counts)
	if len(p.stacks) != maxStacks || p.left != 10 || !strings.Contains(screen(NewModel([]*Proc{p}, 1), 80, 24), "10 goroutines in smaller groups") {
		t.Errorf("%d stacks, %d left", len(p.stacks), p.left)
	}
}

func TestMetrics(t *testing.T) {
	read := func(s string) Metrics {
		m, err := ReadMetrics(strings.NewReader(s))
		if err != nil {
			t.Error(err)
		}
		return m
	}
	a := read(`{"name":"n","value":3}{"name":"h","buckets":[[1,10],[2,10]]}` + "\n")
	b := read(`{"name":"n","value":5}{"name":"h","buckets":[[1,10],[2,109],[4,1]]}` + "\n")
	if n := b.since(a, "n"); n != 2 {
		t.Error(n)
	}
	for p, want := range map[float64]float64{0.5: 2, 0.99: 2, 1: 4} {
		if got := b.percentile(a, "h", p); got != want {
			t.Errorf("%v: %v", p, got)
		}
	}
	for _, bad := range []string{"lazy", "{", `{"name":"h","buckets":[[2,1],[1,1]]}`, `{"name":"h","buckets":[[1,-1]]}`, strings.Repeat("{}", maxMetrics+1)} {
		if _, err := ReadMetrics(strings.NewReader(bad)); err == nil {
			t.Errorf("%.20s is taken", bad)
		}
	}
	for _, c := range []struct {
		v          float64
		unit, want string
	}{{0, "s", "0"}, {2.5e-6, "s", "2.5µs"}, {0.02, "s", "20ms"}, {3, "s", "3s"}, {1536, "B", "1.5K"}, {3 << 30, "B", "3G"}, {12.4, "%", "12%"}, {1e300, "B", "-"}} {
		if got := amount(c.v, c.unit); got != c.want && c.want != "-" {
			t.Errorf("%v%s: %s", c.v, c.unit, got)
		}
	}
}

func FuzzReadMetrics(f *testing.F) {
	f.Add(`{"name":"/sched/latencies:seconds","buckets":[[1e-6,3],[2e-6,1]]}`, "cpu: 1s\n")
	f.Fuzz(func(t *testing.T, text, profile string) {
		m, err := ReadMetrics(strings.NewReader(text))
		p := &Proc{PID: 1}
		for range 2 {
			p.Add(&Sample{When: when, Dump: dump(map[string]int{"f": 1}), Metrics: m})
		}
		p.CPU = readProfile(profile)
		if s := screen(NewModel([]*Proc{p}, 1), 120, 24); err == nil && strings.Contains(s, "\x1b") {
			t.Errorf("%q", s)
		}
	})
}
