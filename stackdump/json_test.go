package stackdump

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

func writeJSON(t testing.TB, d *Dump) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := d.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readBack(t testing.TB, b []byte) *Dump {
	t.Helper()
	d, err := ReadJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// goldens are the dumps of real programs by several Go releases.
func goldens(t testing.TB) map[string]*Dump {
	dirs, err := filepath.Glob("testdata/go1*")
	if err != nil || len(dirs) == 0 {
		t.Fatal(dirs, err)
	}
	all := map[string]*Dump{}
	for _, dir := range dirs {
		all[dir+"/full"] = parseFull(read(t, dir+"/full.txt"))
		all[dir+"/grouped"] = parseGrouped(read(t, dir+"/grouped.txt"), symbolTable(t, dir+"/symbols.txt"))
	}
	return all
}

// TestJSON: what was written is read back, to the last unexported field.
func TestJSON(t *testing.T) {
	hold(t)
	all := goldens(t)
	all["here, full"], all["here, grouped"] = capture(t, Options{}), capture(t, Options{Limit: -1})
	for name, d := range all {
		d.fullStop = 0             // is for Render alone
		d.Taken = d.Taken.Round(0) // its monotonic clock is this process's own
		for _, d := range []*Dump{d, d.Filter(Filter{System: true}), d.Filter(Filter{State: []string{"chan"}}), d.Filter(Filter{Label: []string{"tenant"}}), d.Filter(Filter{FoldIdle: true, NotMatch: []Matcher{regexp.MustCompile("no such")}})} {
			b := writeJSON(t, d)
			if n := bytes.Count(b, []byte("\n")); n != 1+len(d.Groups) {
				t.Errorf("%s: %d lines for %d groups", name, n, len(d.Groups))
			}
			got := readBack(t, b)
			if got.Taken.Equal(d.Taken) {
				got.Taken = d.Taken // but for its location
			}
			if !reflect.DeepEqual(got, d) {
				t.Errorf("%s: got\n%+v\nwant\n%+v", name, got, d)
			}
			use(t, got)
		}
	}
}

// TestJSONNames pins the format, which other programs read.
func TestJSONNames(t *testing.T) {
	d := parseFull([]byte(`goroutine 7 [chan receive, 2 minutes, locked to thread labels:{"who": "a<b"}]:
main.f(...)
	/x.go:1 +0x1
created by main.main in goroutine 1
	/x.go:9 +0x1

goroutine 8 [chan receive, locked to thread]:
main.f(...)
	/x.go:1 +0x1
created by main.main in goroutine 1
	/x.go:9 +0x1

goroutine 9 [GC worker (idle)]:
runtime.goexit({})
	/asm.s:1 +0x1
`))
	d.Taken = time.Date(2026, 11, 23, 5, 18, 49, 200, time.UTC)
	d.Elapsed, d.Stopped = 2*time.Millisecond, time.Millisecond
	want := `{"stackdump":1,"taken":"2026-11-23T05:18:49.0000002Z","elapsed_ns":2000000,"stopped_ns":1000000,"full":true,"total":3,"skipped":0,"filtered":0,"missing":0,"labels_missing":0,"groups":2}
{"count":2,"state":"chan receive","locked":true,"min_wait_ns":0,"max_wait_ns":120000000000,"created_by":{"func":"main.main","file":"/x.go","line":9},"parent":1,"frames":[{"func":"main.f","file":"/x.go","line":1}],"labels":[{"count":1,"labels":{"who":"a<b"}}],"goroutines":[{"id":7,"wait_ns":120000000000,"label_set":0},{"id":8}]}
{"count":1,"state":"GC worker (idle)","system":true,"min_wait_ns":0,"max_wait_ns":0,"frames":[{"func":"runtime.goexit","file":"/asm.s","line":1}],"goroutines":[{"id":9}]}
`
	if got := string(writeJSON(t, d)); got != want {
		t.Errorf("got %s", got)
	}
	for line := range strings.Lines(want) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
	// A later release may add something.
	more := strings.ReplaceAll(want, `"count":1,`, `"count":1,"new":[{"a":[]}],`)
	more = strings.Replace(more, `"full":true,`, `"full":true,"new":{},`, 1)
	if got := readBack(t, []byte(more)); render(t, got, RenderOptions{}) != render(t, d, RenderOptions{}) {
		t.Errorf("got %+v", got)
	}
}

// TestJSONCut: a part is not taken for the whole.
func TestJSONCut(t *testing.T) {
	d := parseFull(read(t, "testdata/go1.26/full.txt")).Filter(Filter{State: []string{"nil chan"}})
	whole := bytes.TrimSpace(writeJSON(t, d))
	for n := range len(whole) {
		if d, err := ReadJSON(bytes.NewReader(whole[:n])); err == nil {
			t.Fatalf("%d of %d bytes are a dump: %+v", n, len(whole), d)
		}
	}
	readBack(t, whole)
}

func TestJSONForeign(t *testing.T) {
	head := func(total, groups int) string {
		return fmt.Sprintf(`{"stackdump":1,"total":%d,"groups":%d}`+"\n", total, groups)
	}
	for _, c := range []struct{ text, want string }{
		{"", "no dump of goroutines in JSON: EOF"},
		{"lazy: error: stack: no", "no dump of goroutines in JSON: invalid character 'l'"},
		{"{}", "stackdump is 0, not 1"},
		{`{"stackdump":2}`, "stackdump is 2, not 1"},
		{"[]", "no dump of goroutines in JSON: json: cannot unmarshal"},
		{`{"stackdump":1,"total":-1}`, "-1 of something"},
		{`{"stackdump":1,"total":3000000000}`, "more than any dump holds"},
		{`{"stackdump":1,"elapsed_ns":-5}`, "-5 is negative"},
		{`{"stackdump":1,"grouped_dumps":1}`, "do not add up"},
		{`{"stackdump":1,"total":1}`, "do not add up"},
		{head(1, 1), "group 1 of 1: unexpected EOF"},
		{head(1, 1) + `{"count":1`, "group 1 of 1: unexpected EOF"},
		{head(1, 1) + `[]`, "group 1 of 1: [ is not a group"},
		{head(1, 1) + `{"count":2}`, "do not add up"},
		{head(1, 1) + `{"count":0}`, "do not add up"},
		{head(1, 1) + `{"count":1,"dumps":1}`, "negative"},
		{head(1, 1) + `{"count":1,"min_wait_ns":2,"max_wait_ns":1}`, "negative"},
		{head(1, 1) + `{"count":1,"frames":[{"line":-1}]}`, "negative"},
		{head(1, 1) + `{"count":1,"frames":{}}`, "group 1 of 1: frames: { is not a list"},
		{head(1, 1) + `{"count":1,"frames":[7]}`, "frames: json: cannot unmarshal"},
		{head(1, 1) + `{"count":1,"labels":[{"count":2}]}`, "do not add up"},
		{head(1, 1) + `{"count":1,"goroutines":[{"id":1},{"id":2}]}`, "do not add up"},
		{head(2, 1) + `{"count":2,"goroutines":[{"id":2},{"id":1}]}`, "not in the order"},
		{head(1, 1) + `{"count":1,"goroutines":[{"id":0}]}`, "goroutine 0"},
		{head(1, 1) + `{"count":1,"goroutines":[{"id":1,"wait_ns":-60000000000}]}`, "has waited for -60000000000 ns"},
		{head(1, 1) + `{"count":1,"labels":[{"count":1}],"goroutines":[{"id":1,"label_set":1}]}`, "is not there"},
		{head(1, 1) + `{"count":1}x`, "something follows the dump"},
		{head(1, 1) + `{"count":1}` + head(1, 1), "something follows the dump"},
	} {
		if d, err := ReadJSON(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, %v", c.text, d, err)
		}
	}
	d := readBack(t, []byte(head(1, 1)+`{"count":1,"state":"a\nb","frames":[{"func":"\u001b[31m","file":"\u202e"}],"created_by":{"func":"\u0000"},"labels":[{"count":1,"labels":{"\u0007":"\n"}}]}`))
	text := render(t, d, RenderOptions{})
	if want := "#1: 1 a\ufffdb\n    labels \"\\a\"=\"\\n\"\n    \ufffd[31m  \ufffd:0\n    created by \ufffd\n"; !strings.Contains(text, want) {
		t.Errorf("%q is not in %q", want, text)
	}
}

// endless repeats itself after a beginning.
type endless struct {
	first, again string
	read         int
}

func (e *endless) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if e.first == "" {
			e.first = e.again
		}
		m := copy(p[n:], e.first)
		e.first = e.first[m:]
		n += m
	}
	e.read += n
	return n, nil
}

// TestJSONEndless: a process that never stops talking does not fill the memory
// of the one that reads.
func TestJSONEndless(t *testing.T) {
	head := `{"stackdump":1,"total":2000000000,"groups":2000000000}`
	for name, e := range map[string]*endless{
		"nothing":      {"", " ", 0},
		"a first line": {`{"stackdump":1,"`, "x", 0},
		"groups":       {head, `{"count":1}`, 0},
		"frames":       {head + `{"count":1,"frames":[{}`, `,{}`, 0},
		"lists":        {head + `{"count":1`, `,"frames":[{}]`, 0},
		"a name":       {head + `{"count":1,"frames":[{"func":"`, "main", 0},
		"long names":   {head + `{"count":1,"frames":[{}`, `,{"func":"` + strings.Repeat("x", 100_000) + `"}`, 0},
		"label sets":   {head + `{"count":1,"labels":[{}`, `,{"count":1,"labels":{"a":"b"}}`, 0},
		"labels":       {head + `{"count":1,"labels":[{"count":1,"labels":{"":""`, `,"a":"b"`, 0},
		"goroutines":   {head + `{"count":1,"goroutines":[{"id":1}`, `,{"id":1}`, 0},
		"a key":        {head + `{"`, "x", 0},
		"unknown":      {head + `{"x":[1`, ",1", 0},
	} {
		t.Run(name, func(t *testing.T) {
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			const most = 4 << 20
			if _, err := readJSON(e, 4*most, most); !errors.Is(err, errMuch) && !errors.Is(err, errLarge) {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 8*most {
				t.Errorf("%d MiB after %d MiB were read", grown>>20, e.read>>20)
			}
		})
	}
}

// largest keeps the length of the longest write.
type largest int

func (l *largest) Write(b []byte) (int, error) { *l = max(*l, largest(len(b))); return len(b), nil }

// TestJSONStreams: a group of very many goroutines is written in small pieces.
func TestJSONStreams(t *testing.T) {
	g := newGrouper("")
	for id := range uint64(20_000) {
		g.add(&record{count: 1, id: id + 1, state: "sleep", frames: []Frame{{"main.f", "f.go", 1}}, labels: []Label{{"id", fmt.Sprint(id)}}})
	}
	d := &Dump{Full: true, Total: g.total, Groups: g.groups()}
	var most largest
	if err := d.WriteJSON(&most); err != nil || most > 10_000 {
		t.Errorf("%d bytes at once, %v", most, err)
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(d.WriteJSON(w)) }()
	if got, err := ReadJSON(r); err != nil || !reflect.DeepEqual(got, d) {
		t.Errorf("%v", err)
	}
	if err := d.WriteJSON(failing{}); err != errFailing {
		t.Error(err)
	}
}

func FuzzJSON(f *testing.F) {
	for _, d := range goldens(f) {
		f.Add(writeJSON(f, d))
		f.Add(writeJSON(f, Merge(d, d)))
	}
	f.Add([]byte(`{"stackdump":1,"total":4,"missing":1,"groups":1}{"count":3,"labels":[{"count":2,"labels":{"tenant":"blue"}}],"goroutines":[{"id":7,"wait_ns":60000000000}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ReadJSON(bytes.NewReader(b))
		if err != nil {
			return
		}
		use(t, d)
		check(t, Merge(d, d))
		again := readBack(t, writeJSON(t, d))
		if got, want := render(t, again, RenderOptions{}), render(t, d, RenderOptions{}); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// TestJSONFolded: what the first line says of filters is bounded and shown safely.
func TestJSONFolded(t *testing.T) {
	const head = `{"stackdump":1,"total":3,"filtered":3,"groups":0,`
	for _, text := range []string{`"folded":{"a":-1}}`, `"folded":{"a":2,"b":2}}`, `"folded":{"a":0}}`, `"unseen":-1}`} {
		if d, err := ReadJSON(strings.NewReader(head + text)); err == nil {
			t.Errorf("%s: %+v", text, d)
		}
	}
	many := `"folded":{`
	for i := range maxKinds + 1 {
		many += fmt.Sprintf(`"%d":1,`, i)
	}
	if _, err := ReadJSON(strings.NewReader(strings.ReplaceAll(head, "3", "1000") + many + `"x":1}}`)); !errors.Is(err, errMuch) {
		t.Error(err)
	}
	text := render(t, readBack(t, []byte(head+`"folded":{"\u001b[31m":2},"unseen":1}`)), RenderOptions{})
	if !strings.Contains(text, "\nfolded: 2 idle goroutines of the standard library: 2 \ufffd[31m\n") || !strings.Contains(text, "not seen by the filter: ") {
		t.Errorf("%q", text)
	}
}
