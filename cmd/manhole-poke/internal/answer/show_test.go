package answer

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/internal/commands"
	"github.com/go-manhole/lazy/stackdump"
)

func queries(lines ...string) (all []Query) {
	for _, l := range lines {
		all = append(all, NewQuery(l, false, commands.Builtin()))
	}
	return all
}

func text(s string) Answer { return Answer{Text: []byte(s)} }

func show(t *testing.T, q []Query, replies ...Reply) string {
	t.Helper()
	var b bytes.Buffer
	if err := Show(&b, q, replies); err != nil {
		t.Error(err)
	}
	return b.String()
}

func TestShowConcatenated(t *testing.T) {
	got := show(t, queries("version", "echo x"),
		Reply{PID: 1, Name: "web\x1b", Answers: []Answer{text("go1\n"), text("no end")}},
		Reply{Path: "/run/x", Answers: []Answer{{Text: []byte("half\n"), Failed: "version: on purpose"}}, Err: errors.New("gone")},
		Reply{PID: 3, Err: errors.New("gone")},
	)
	const want = "version:\n==> process 1 (web\ufffd) <==\ngo1\n\n==> process /run/x <==\nhalf\nlazy: error: version: on purpose\n" +
		"\necho x:\n==> process 1 (web\ufffd) <==\nno end\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestShowTable(t *testing.T) {
	got := show(t, queries("stats"),
		Reply{PID: 1, Name: "web", Answers: []Answer{text("goroutines: 5\nOS threads: 7\n")}},
		Reply{PID: 12345, Answers: []Answer{text("goroutines: 6\nnum CPU: 2\n")}},
		Reply{PID: 3, Name: "x", Answers: []Answer{{Failed: "stats: no"}}},
	)
	const want = "PID    NAME  GOROUTINES  OS THREADS  NUM CPU\n" +
		"1      web   5           7           -\n" +
		"12345  ?     6           -           2\n" +
		"3      x     lazy: error: stats: no\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// dump is the answer of this process to stack json.
func dump(t *testing.T) string {
	t.Helper()
	d, err := stackdump.Capture(t.Context(), stackdump.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := d.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestShowMerged(t *testing.T) {
	d := dump(t)
	got := show(t, queries("stack -match nothing -n 1"),
		Reply{PID: 1, Answers: []Answer{text(d)}}, Reply{PID: 2, Answers: []Answer{text(d)}},
		Reply{PID: 3, Answers: []Answer{text("garbage")}}, Reply{PID: 4, Answers: []Answer{{Failed: "stack: no"}}},
	)
	for _, want := range []string{
		"==> process 3 <==\nlazy: error: the stacks are not understood (", "==> process 4 <==\nlazy: error: stack: no\n", "2 of 2 processes", "#1: ",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("it lacks %q", want)
		}
	}
	if strings.Contains(got, "#2: ") || t.Failed() {
		t.Errorf("got\n%s", got)
	}
	if got := show(t, queries("stack"), Reply{PID: 4, Answers: []Answer{{Failed: "stack: no"}}}); got != "==> process 4 <==\nlazy: error: stack: no\n" {
		t.Errorf("got\n%s", got)
	}
}

// What a process says cannot be taken for what this client says of another one.
func TestForged(t *testing.T) {
	lie := "fine\n==> process 2 (web) <==\n\\==> x\n \t==>\r\n\necho x:\nx\r==> process 2\x1b[1G==> process 3\n\v==>\n"
	got := show(t, queries("version", "echo x"),
		Reply{PID: 1, Name: "web) <==\n==> process 2 (web", Answers: []Answer{text(lie), text("version:\n")}},
		Reply{PID: 2, Name: "web", Answers: []Answer{text("true\n"), text("x\n")}})
	var titles, sections int
	for line := range strings.Lines(got) {
		if strings.ContainsAny(line, "\r\v\x1b") {
			t.Errorf("%q", line)
		}
		if strings.HasPrefix(line, "==>") {
			titles++
		}
		if line == "version:\n" || line == "echo x:\n" {
			sections++
		}
	}
	if titles != 4 || sections != 2 {
		t.Errorf("%d titles and %d sections in\n%s", titles, sections, got)
	}
}

// Stacks that contradict themselves are refused as JSON, too.
func TestStacksNotUnderstood(t *testing.T) {
	good := dump(t)
	for name, bad := range map[string]string{
		"negative":   strings.Replace(good, `"count":1,`, `"count":-1,`, 1),
		"sum":        strings.Replace(good, `"total":`, `"total":7`, 1),
		"of several": strings.Replace(good, `"total":`, `"dumps":1000,"grouped":1000,"total":`, 1),
		"no dump":    "{}\n",
		"more":       good + "{}\n",
		"empty":      "",
		"a list":     "[1]\n",
	} {
		if bad == good {
			t.Fatal(name)
		}
		q := []Query{NewQuery("stack", true, commands.Builtin())}
		var b bytes.Buffer
		if err := ShowJSON(&b, q, []Reply{{PID: 1, Answers: []Answer{text(bad)}}}); err != nil {
			t.Error(err)
		}
		if !strings.Contains(b.String(), `"ok":false,"error":"the stacks are not understood (`) || !strings.Contains(b.String(), `"reason":"not-understood"`) {
			t.Errorf("%s: %.200s", name, &b)
		}
		if got := show(t, queries("stack"), Reply{PID: 1, Answers: []Answer{text(bad)}}); !strings.Contains(got, "lazy: error: the stacks are not understood (") {
			t.Errorf("%s: %.200s", name, got)
		}
	}
}

// A table has a bounded number of columns, whatever a process says.
func TestShowTableBounded(t *testing.T) {
	var lie strings.Builder
	lie.WriteString(strings.Repeat("x", 1<<20) + ": 1\n")
	for n := range 100000 {
		fmt.Fprintf(&lie, "figure %d: 1\n", n)
	}
	got := show(t, queries("stats"), Reply{PID: 1, Answers: []Answer{text(lie.String())}}, Reply{PID: 2, Answers: []Answer{text(lie.String())}})
	if len(got) > 10000 {
		t.Errorf("%d bytes", len(got))
	}
}

// An error of the writer is returned for every layout.
func TestShowFails(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	for line, a := range map[string]Answer{"version": text("go1\n"), "stats": text("a: 1\n"), "stack": text(dump(t))} {
		if err := Show(full, queries(line), []Reply{{PID: 1, Answers: []Answer{a}}}); err == nil {
			t.Errorf("%s: no error", line)
		}
		if err := ShowJSON(full, queries(line), []Reply{{PID: 1, Answers: []Answer{a}}}); err == nil {
			t.Errorf("%s as JSON: no error", line)
		}
	}
}
