package answer

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
)

func TestShowJSON(t *testing.T) {
	const (
		head     = `{"stackdump":1,"taken":"2026-11-23T05:18:49.2Z","elapsed_ns":1,"stopped_ns":0,"full":true,"total":1,"skipped":0,"filtered":0,"missing":0,"labels_missing":0,"groups":1}`
		group    = `{"count":1,"state":"select","min_wait_ns":0,"max_wait_ns":0,"frames":[{"func":"main.main","file":"/x.go","line":3}],"goroutines":[{"id":1}]}`
		oneStack = head + "\n" + group + "\n"
	)
	q := queries("stats", "stack", "version", "fail", "stack", "die")
	var b bytes.Buffer
	err := ShowJSON(&b, q, []Reply{
		{PID: 1, Path: "/x", Name: "web", Answers: []Answer{
			text("goroutines: 5\nname: x\n"), text(oneStack), text("a<b\x1b\n"), {Failed: "fail: on purpose"}, text("{}\nno JSON\n"),
		}, Err: exit.Errorf(exit.Broken, "exited", "it is gone")},
		{PID: 2, Err: errors.New("out of\nluck")},
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"pid":1,"path":"/x","name":"web","command":"stats","ok":true,"stats":{"goroutines":5}}
{"pid":1,"path":"/x","name":"web","command":"stack","ok":true,"stack":[` + head + "," + group + `]}
{"pid":1,"path":"/x","name":"web","command":"version","ok":true,"answer":"a<b\u001b\n"}
{"pid":1,"path":"/x","name":"web","command":"fail","ok":false,"error":"fail: on purpose","status":1,"reason":"command-failed"}
{"pid":1,"path":"/x","name":"web","command":"stack","ok":false,"error":"the stacks are not understood (no dump of goroutines in JSON, or one in another version of it: stackdump is 0, not 1); use the manhole-poke of its version of lazy","status":8,"reason":"not-understood","answer":"{}\nno JSON\n"}
{"pid":1,"path":"/x","name":"web","command":"die","ok":false,"error":"it is gone","status":8,"reason":"exited"}
{"pid":2,"command":"stats","ok":false,"error":"out of luck","status":10,"reason":"local-io"}
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &b, want)
	}
}

// What a process sends for stacks may be anything; each line of the output is JSON.
func FuzzShowJSON(f *testing.F) {
	f.Add([]byte("{}\n"), "name")
	f.Add([]byte("\"\u009b\"\n\xff"), "\x1b")
	f.Fuzz(func(t *testing.T, answer []byte, name string) {
		var b bytes.Buffer
		q := queries("stack", "stats", "version")
		a := Answer{Text: answer}
		if err := ShowJSON(&b, q, []Reply{{Name: name, Answers: []Answer{a, a, a}}}); err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfter(b.String(), "\n")
		if len(lines) != 4 {
			t.Errorf("%q", lines)
		}
		for _, l := range lines[:3] {
			if !json.Valid([]byte(l)) {
				t.Errorf("%q", l)
			}
		}
	})
}

func TestOutcome(t *testing.T) {
	gone := exit.Errorf(exit.Broken, "exited", "it is gone")
	answered := Reply{Answers: []Answer{text("x")}}
	failed := Reply{Answers: []Answer{{Failed: "no"}}}
	silent := Reply{Err: gone}
	for _, test := range []struct {
		name    string
		replies []Reply
		status  exit.Status
		reason  string
		lines   int
	}{
		{"no reply", nil, exit.OK, "", 0},
		{"answers", []Reply{answered, answered}, exit.OK, "", 0},
		{"one failed", []Reply{failed, answered}, exit.Command, "commands-failed", 0},
		{"the only one silent", []Reply{silent}, exit.Broken, "exited", 0},
		{"all silent", []Reply{silent, silent}, exit.Broken, "exited", 2},
		{"one silent", []Reply{silent, answered, failed}, exit.Partial, "some-did-not-answer", 1},
	} {
		var b bytes.Buffer
		err := Outcome(&b, test.replies)
		if exit.StatusOf(err) != test.status || exit.ReasonOf(err) != test.reason || strings.Count(b.String(), "manhole-poke: it is gone\n") != test.lines {
			t.Errorf("%s: %v, %q", test.name, err, &b)
		}
	}
}

// What does not fit is dropped, the largest first, so that the others stay.
func TestBudget(t *testing.T) {
	budget := NewBudget(100)
	a, b, c := budget.Buffer(), budget.Buffer(), budget.Buffer()
	write := func(h *Buffer, n int) error {
		_, err := h.Write(bytes.Repeat([]byte("x"), n))
		return err
	}
	if err := errors.Join(write(a, 20), write(b, 60), write(c, 20), write(a, 10)); err != nil {
		t.Fatal(err)
	}
	if err := write(b, 1); exit.ReasonOf(err) != "output" || !strings.Contains(err.Error(), "ask this process alone") {
		t.Error(err)
	}
	if text, dropped := a.take(); len(text) != 30 || dropped || budget.left != 80 {
		t.Error(len(text), dropped, budget.left)
	}
	if text, dropped := b.take(); len(text) != 0 || !dropped {
		t.Error(len(text), dropped)
	}
	d := budget.Buffer()
	if err := write(d, 80); err != nil {
		t.Error(err)
	}
	if err := write(c, 1); err != nil || !d.dropped {
		t.Error(err, "and not the largest was dropped")
	}
	if err := write(c, 101); err == nil {
		t.Error("a buffer without a limit")
	}
}

func TestFileName(t *testing.T) {
	for line, want := range map[string]string{
		"pprof-cpu 1s":   "cpu.pprof",
		"pprof block 1s": "block.pprof",
		"pprof -top":     "pprof.out",
		"pprof":          "pprof.out",
		"trace":          "trace.out",
		"core":           "program.core",
		"core -gz":       "program.core.gz",
		"binary":         "binary.out",
	} {
		if got := FileName(strings.Fields(line)); got != want {
			t.Errorf("%s: %s", line, got)
		}
	}
}

func TestWrote(t *testing.T) {
	for line, want := range map[string]string{
		"pprof-heap":      "wrote f, 5 bytes; look at it with go tool pprof f",
		"pprof-heap -top": "wrote f, 5 bytes",
		"trace 1s":        "wrote f, 5 bytes; look at it with go tool trace f",
		"core":            "wrote f, 5 bytes; look at it with manhole-poke debug --core f",
		"core -gz":        "wrote f, 5 bytes",
		"stats":           "wrote f, 5 bytes",
		"":                "wrote f, 5 bytes",
	} {
		if got := Wrote("f", 5, line); got != want {
			t.Errorf("%q: %s", line, got)
		}
	}
	if got, want := Wrote("a b;$(c)", 5, "trace"), `wrote a b;$(c), 5 bytes; look at it with go tool trace 'a b;$(c)'`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestIsStream(t *testing.T) {
	for line, want := range map[string]bool{"watch": true, "tail stderr": true, "stats": false, "": false, "tailor": false} {
		if IsStream(line) != want {
			t.Errorf("%q", line)
		}
	}
}
