package stackdump

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write testdata/*/*.want")

// parseFull makes a dump of a text of runtime.Stack.
func parseFull(b []byte) *Dump {
	d, g := new(Dump), newGrouper("")
	if _, err := d.parse(context.Background(), g, &text{text: b}); err != nil {
		panic(err)
	}
	d.Groups = g.groups()
	return d
}

// parseGrouped makes a dump of the text of a goroutine profile.
func parseGrouped(b []byte, symbolize func(uintptr) []symbol) *Dump {
	g := newGrouper("")
	p := newProfileParser(symbolize, g.add)
	p.Write(b)
	p.close()
	return &Dump{Total: g.total, Groups: g.groups()}
}

// symbolTable reads a symbols.txt.
func symbolTable(t testing.TB, path string) func(uintptr) []symbol {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	table := map[uintptr][]symbol{}
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		pc, err := strconv.ParseUint(f[0], 0, 64)
		if err != nil {
			t.Fatal(err)
		}
		offset, _ := strconv.Atoi(f[2])
		no, _ := strconv.Atoi(f[3])
		table[uintptr(pc)] = append(table[uintptr(pc)], symbol{Frame{f[1], f[4], no}, offset})
	}
	return func(pc uintptr) []symbol { return table[pc] }
}

func read(t testing.TB, path string) []byte {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func render(t testing.TB, d *Dump, o RenderOptions) string {
	var b strings.Builder
	if err := d.Render(&b, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	dirs, err := filepath.Glob("testdata/go1*")
	if err != nil || len(dirs) == 0 {
		t.Fatal(dirs, err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			full := parseFull(read(t, dir+"/full.txt"))
			grouped := parseGrouped(read(t, dir+"/grouped.txt"), symbolTable(t, dir+"/symbols.txt"))
			for name, d := range map[string]*Dump{"full": full, "grouped": grouped} {
				got := render(t, d, RenderOptions{})
				want := dir + "/" + name + ".want"
				if *update {
					if err := os.WriteFile(want, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				if string(read(t, want)) != got {
					t.Errorf("%s: differs from %s:\n%s", name, want, got)
				}
			}
			same(t, full, grouped)
		})
	}
}

// TestStatesAgree is the golden test's comparison for the release at hand.
func TestStatesAgree(t *testing.T) {
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go tool to build testdata/states with: ", err)
	}
	dir := t.TempDir()
	if out, err := exec.Command(tool, "run", "testdata/states/main.go", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	same(t, parseFull(read(t, dir+"/full.txt")),
		parseGrouped(read(t, dir+"/grouped.txt"), symbolTable(t, dir+"/symbols.txt")))
}

// same fails unless both ways saw the same: stacks, counts and, in the runtime's
// words, states. Only the goroutine that took them was elsewhere each time.
func same(t *testing.T, full, grouped *Dump) {
	t.Helper()
	if full.Total != grouped.Total {
		t.Errorf("full has %d goroutines, grouped %d", full.Total, grouped.Total)
	}
	describe := func(d *Dump) []string {
		var all []string
		for _, g := range d.Groups {
			if g.State == "running" {
				continue
			}
			line := strconv.Itoa(g.Count) + " " + g.State
			for _, f := range comparable(g.Frames) {
				line += "\n\t" + f.Func + " " + f.File + ":" + strconv.Itoa(f.Line)
			}
			all = append(all, line)
		}
		slices.Sort(all)
		return all
	}
	a, b := describe(full), describe(grouped)
	for _, line := range a {
		if !slices.Contains(b, line) {
			t.Errorf("only in full: %s", line)
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			t.Errorf("only in grouped: %s", line)
		}
	}
}

// TestHeaders reads first lines of which there is no capture, because they take
// hours, a crash or a test's bubble to come about.
func TestHeaders(t *testing.T) {
	labels := []Label{{"a", "b c"}, {"d", `e"],}`}}
	for _, c := range []struct {
		line   string
		ok     bool
		state  string
		wait   int32
		locked bool
		labels []Label
	}{
		{"goroutine 1 [running]:", true, "running", 0, false, nil},
		{"goroutine 5 [select (no cases), 1234 minutes, locked to thread]:", true, "select (no cases)", 1234, true, nil},
		{"goroutine 5 [chan receive (nil chan) (scan), 3 minutes]:", true, "chan receive (nil chan)", 3, false, nil},
		{"goroutine 5 [select (durable), 3 minutes, synctest bubble 7]:", true, "select (durable)", 3, false, nil},
		{"goroutine 5 gp=0xc000002380 m=0 mp=0x5d4a0 [syscall, locked to thread]:", true, "syscall", 0, true, nil},
		{`goroutine 5 [sleep, 2 minutes labels:{"a": "b c", "d": "e\"],}"}]:`, true, "sleep", 2, false, labels},
		{`goroutine 5 [sleep labels:{"a": "b c", "d": "e\"],}"}]:`, true, "sleep", 0, false, labels},
		{`goroutine 5 [sleep, locked to thread] {a: "b c", d: "e\"],}"}:`, true, "sleep", 0, true, labels},
		{"goroutine 99999999999999999999 [running]:", false, "", 0, false, nil},
		{"goroutine x [running]:", false, "", 0, false, nil},
		{"goroutine 5 [running", false, "", 0, false, nil},
		{"goroutine 5", false, "", 0, false, nil},
		{"panic: goroutine 5 [running]:", false, "", 0, false, nil},
	} {
		p := newTextParser()
		if ok := p.goroutine([]byte(c.line)); ok != c.ok {
			t.Errorf("%s: is a goroutine: %v", c.line, ok)
		} else if r := p.r; ok && (r.state != c.state || r.wait != c.wait || r.locked != c.locked || !slices.Equal(r.labels, c.labels)) {
			t.Errorf("%s: %+v", c.line, r)
		}
	}
}

func TestText(t *testing.T) {
	d := parseFull([]byte(`goroutine 7 [running]:
	goroutine running on other thread; stack unavailable
created by main.(*T).go in goroutine 3
	C:/a b/x.go:12 +0x1d

goroutine 8 [syscall, 4 minutes]:
main._Cfunc_wait(0x1, {0x2, 0x3})
	_cgo_gotypes.go:40 +0x3a fp=0xc1 sp=0xc2 pc=0x3
non-Go function at pc=0x7f
panic({0x45a2e0?, 0x47c5d8?})
	/go/src/runtime/panic.go:783 +0x132
main.f[...](...)
	/x.go:1
`))
	want := `2 goroutines in 2 groups: 1 running, 1 syscall
full capture
running or runnable: #1

#1: 1 running, id 7
    goroutine running on other thread; stack unavailable
    created by main.(*T).go in goroutine 3  C:/a b/x.go:12

#2: 1 syscall, 4 minutes, id 8
    main._Cfunc_wait  _cgo_gotypes.go:40
    non-Go function at pc=0x7f
    panic             /go/src/runtime/panic.go:783
    main.f[...]       /x.go:1
`
	if got := render(t, d, RenderOptions{}); got != want {
		t.Errorf("got %s", got)
	}
}

// TestChunks: what comes in one piece may come in many.
func TestChunks(t *testing.T) {
	b := read(t, "testdata/go1.26/grouped.txt")
	symbols := symbolTable(t, "testdata/go1.26/symbols.txt")
	want := render(t, parseGrouped(b, symbols), RenderOptions{})
	for _, size := range []int{1, 7, 4096} {
		g := newGrouper("")
		p := newProfileParser(symbols, g.add)
		for part := range slices.Chunk(b, size) {
			p.Write(part)
		}
		p.close()
		if got := render(t, &Dump{Total: g.total, Groups: g.groups()}, RenderOptions{}); got != want {
			t.Errorf("in pieces of %d bytes: %s", size, got)
		}
	}
}

// TestLongLabels: a line that is too long loses its last labels only.
func TestLongLabels(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("goroutine profile: total 3\n2 @ 0x1 0x2\n# labels: {")
	for i := range 10_000 {
		b.WriteString(`"key` + strconv.Itoa(i) + `":"value", `)
	}
	b.WriteString("\"z\":\"z\"}\n\n1 @ 0x3\n")
	d := parseGrouped(b.Bytes(), func(pc uintptr) []symbol { return []symbol{{Frame{"main.f", "f.go", int(pc)}, -1}} })
	if d.Total != 3 || len(d.Groups) != 2 || len(d.Groups[0].Labels) != 1 {
		t.Fatalf("%+v", d)
	}
	if n := len(d.Groups[0].Labels[0].Labels); n < 1000 || n >= 10_000 {
		t.Errorf("%d labels", n)
	}
}

// check fails unless a dump accounts for every goroutine.
func check(t testing.TB, d *Dump) {
	t.Helper()
	n := d.Skipped + d.Filtered + d.Missing
	for i, g := range d.Groups {
		n += g.Count
		if g.Count <= 0 || len(g.IDs) > g.Count || g.MinWait > g.MaxWait || g.MinWait < 0 {
			t.Errorf("group %+v", g)
		}
		if i > 0 && g.Count > d.Groups[i-1].Count {
			t.Errorf("group of %d after one of %d", g.Count, d.Groups[i-1].Count)
		}
		if !slices.IsSorted(g.IDs) || len(g.IDs) != len(g.waits) {
			t.Errorf("ids %v, waits %v", g.IDs, g.waits)
		}
		labelled := 0
		for _, s := range g.Labels {
			labelled += s.Count
		}
		if labelled > g.Count {
			t.Errorf("%d of %d goroutines have labels", labelled, g.Count)
		}
	}
	if n != d.Total {
		t.Errorf("%d goroutines of %d are accounted for", n, d.Total)
	}
}

// use does with a dump what a console does.
func use(t testing.TB, d *Dump) {
	t.Helper()
	check(t, d)
	for _, f := range []Filter{{}, {FoldIdle: true, NotMatch: []Matcher{regexp.MustCompile("x")}}, {Groups: 2}, {System: true}, {State: []string{"CHAN"}}, {MinWait: time.Minute}, {ID: []uint64{7}}, {Label: []string{"tenant"}}, {Label: []string{"tenant=blue"}, MinWait: time.Minute}} {
		c := d.Filter(f)
		check(t, c)
		check(t, c.Filter(f))
		render(t, c, RenderOptions{Groups: 3, IDs: 2})
		if err := Diff(d, c).Render(new(strings.Builder), RenderOptions{Groups: 2}); err != nil {
			t.Fatal(err)
		}
	}
	if c := Diff(d, d); len(c.New)+len(c.Gone)+len(c.Grown)+len(c.Shrunk) > 0 {
		t.Errorf("a dump differs from itself: %+v", c)
	}
}

func FuzzText(f *testing.F) {
	files, _ := filepath.Glob("testdata/go1*/full.txt")
	for _, name := range files {
		f.Add(read(f, name), false)
		f.Add(read(f, name)[:5000], true)
	}
	f.Add([]byte("goroutine 1 [a labels:{\"b\": \"c\"}, 1 minutes]:\nf(\n\t:1\n\n"), false)
	f.Fuzz(func(t *testing.T, b []byte, cut bool) {
		d, g := new(Dump), newGrouper("")
		if _, err := d.parse(context.Background(), g, &text{text: b, cut: cut}); err != nil {
			t.Fatal(err)
		}
		d.Missing, d.Groups = d.Missing+g.missing, g.groups()
		use(t, d)
	})
}

func FuzzProfile(f *testing.F) {
	files, _ := filepath.Glob("testdata/go1*/grouped.txt")
	for _, name := range files {
		f.Add(read(f, name))
	}
	f.Add([]byte("3 @ 0x1 0x2\n# labels: {\"a\":\"b\", \"c\":\"\\\n2 @\n@ 1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		use(t, parseGrouped(b, symbolize))
		table := []string{"runtime.gopark", "runtime.chanrecv", "runtime.goexit", "main.f", "", "runtime.gopanic", "syscall.Syscall", "runtime.block"}
		use(t, parseGrouped(b, func(pc uintptr) []symbol {
			return []symbol{{Frame{table[pc%8], "f.go", int(pc >> 3 & 0xff)}, int(pc % 100)}}
		}))
	})
}
