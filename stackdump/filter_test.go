package stackdump

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const waiting = `goroutine 1 [running]:
main.main()
	/src/main.go:1 +0x1

goroutine 2 [chan receive, 5 minutes]:
main.work()
	/src/work.go:7 +0x1
created by main.main in goroutine 1
	/src/main.go:3 +0x1

goroutine 3 [chan receive] {tenant: blue}:
main.work()
	/src/work.go:7 +0x1
created by main.main in goroutine 1
	/src/main.go:3 +0x1

goroutine 4 [chan receive, 9 minutes] {tenant: blue}:
main.work()
	/src/work.go:7 +0x1
created by main.main in goroutine 3
	/src/main.go:3 +0x1

goroutine 5 [runnable]:
lib.run()
	/lib/run.go:7 +0x1
created by lib.Start in goroutine 1
	/lib/start.go:3 +0x1

goroutine 6 [syscall]:
os/signal.signal_recv()
	/go/src/runtime/sigqueue.go:152 +0x1
os/signal.loop()
	/go/src/os/signal/signal_unix.go:23 +0x1
created by os/signal.Notify.func1.1 in goroutine 1
	/go/src/os/signal/signal.go:152 +0x1
`

func TestFilter(t *testing.T) {
	d := parseFull([]byte(waiting))
	for _, c := range []struct {
		f    Filter
		want []uint64
	}{
		{Filter{}, []uint64{1, 2, 3, 4, 5}},
		{Filter{System: true}, []uint64{1, 2, 3, 4, 5, 6}},
		{Filter{State: []string{"chan"}}, []uint64{2, 3, 4}},
		{Filter{State: []string{"RUN"}}, []uint64{1, 5}},
		{Filter{State: []string{"syscall"}}, nil},
		{Filter{State: []string{"syscall"}, System: true}, []uint64{6}},
		{Filter{Match: []Matcher{regexp.MustCompile(`^main\.work$`)}}, []uint64{2, 3, 4}},
		{Filter{Match: []Matcher{regexp.MustCompile(`work\.go`)}}, []uint64{2, 3, 4}},
		{Filter{Match: []Matcher{regexp.MustCompile(`lib\.Start`)}}, []uint64{5}},
		{Filter{MinWait: time.Minute}, []uint64{2, 4}},
		{Filter{MinWait: 9 * time.Minute}, []uint64{4}},
		{Filter{MinWait: time.Hour}, nil},
		{Filter{ID: []uint64{3}}, []uint64{3}},
		{Filter{ID: []uint64{3}, State: []string{"run"}}, nil},
		{Filter{Label: []string{"tenant"}}, []uint64{3, 4}},
		{Filter{Label: []string{"tenant=blue"}, MinWait: time.Minute}, []uint64{4}},
		{Filter{Label: []string{"tenant=red"}}, nil},
		{Filter{State: []string{"chan", "send"}}, nil},
		{Filter{State: []string{"chan", "Receive"}}, []uint64{2, 3, 4}},
		{Filter{NotState: []string{"run"}}, []uint64{2, 3, 4}},
		{Filter{NotState: []string{"running", "chan"}}, []uint64{5}},
		{Filter{Match: []Matcher{regexp.MustCompile("work"), regexp.MustCompile("lib")}}, nil},
		{Filter{NotMatch: []Matcher{regexp.MustCompile("work"), regexp.MustCompile("lib")}}, []uint64{1}},
		{Filter{ID: []uint64{5, 3, 77}}, []uint64{3, 5}},
		{Filter{Label: []string{"tenant", "tenant=blue"}}, []uint64{3, 4}},
		{Filter{Label: []string{"tenant", "tenant=red"}}, nil},
		{Filter{Groups: 1}, []uint64{2, 3, 4}},
	} {
		got := d.Filter(c.f)
		check(t, got)
		var ids []uint64
		for _, g := range got.Groups {
			ids = append(ids, g.IDs...)
			if g.Count != len(g.IDs) {
				t.Errorf("%+v: %d ids of %d", c.f, len(g.IDs), g.Count)
			}
		}
		slices.Sort(ids)
		if !slices.Equal(ids, c.want) {
			t.Errorf("%+v: %v", c.f, ids)
		}
	}
	g := d.Filter(Filter{MinWait: time.Minute}).Groups[0]
	if g.MinWait != 5*time.Minute || g.MaxWait != 9*time.Minute || len(g.Labels) != 1 || g.Labels[0].Count != 1 {
		t.Errorf("%+v", g)
	}
	if len(d.Groups) != 4 || d.Groups[0].Count != 3 || d.Filtered != 0 {
		t.Errorf("the filter changed its source: %+v", d)
	}
}

func TestRender(t *testing.T) {
	d := parseFull([]byte(waiting))
	for _, c := range []struct {
		d    *Dump
		o    RenderOptions
		want string
	}{
		{d, RenderOptions{IDs: 2}, `5 of 6 goroutines in 3 groups: 1 runnable, 1 running, 3 chan receive
full capture
running or runnable: #2 #3

#1: 3 chan receive, 0 to 9 minutes, ids 2 3 and 1 more
    labels tenant=blue (2)
    main.work  /src/work.go:7
    created by main.main  /src/main.go:3

#2: 1 runnable, id 5
    lib.run  /lib/run.go:7
    created by lib.Start in goroutine 1  /lib/start.go:3

#3: 1 running, id 1
    main.main  /src/main.go:1

left out: 1 of the runtime's own
`},
		{d.Filter(Filter{Label: []string{"tenant=blue"}, ID: []uint64{4}}), RenderOptions{}, `1 of 6 goroutines in 1 group: 1 chan receive
full capture

#1: 1 chan receive, 9 minutes, id 4
    labels tenant=blue
    main.work  /src/work.go:7
    created by main.main  /src/main.go:3

left out: 5 by the filter
`},
		{d.Filter(Filter{State: []string{"syscall"}, System: true}), RenderOptions{}, `1 of 6 goroutines in 1 group: 1 syscall
full capture

#1: 1 syscall, the runtime's own, id 6
    os/signal.signal_recv  /go/src/runtime/sigqueue.go:152
    os/signal.loop         /go/src/os/signal/signal_unix.go:23
    created by os/signal.Notify.func1.1 in goroutine 1  /go/src/os/signal/signal.go:152

left out: 5 by the filter
`},
		{d.Filter(Filter{State: []string{"run"}}), RenderOptions{Groups: 1}, `2 of 6 goroutines in 2 groups: 1 runnable, 1 running
full capture
running or runnable: #1

#1: 1 runnable, id 5
    lib.run  /lib/run.go:7
    created by lib.Start in goroutine 1  /lib/start.go:3

left out: 1 in 1 smaller group (1 running or runnable), 4 by the filter
`},
		{d.Filter(Filter{State: []string{"nothing"}}), RenderOptions{}, `0 of 6 goroutines in 0 groups
full capture

left out: 6 by the filter
`},
	} {
		if got := render(t, c.d, c.o); got != c.want {
			t.Errorf("got %s\nnot %s", got, c.want)
		}
	}
}

func TestDiff(t *testing.T) {
	before := parseFull([]byte(waiting))
	// The same program later: work leaks, run's goroutine is in another state,
	// which is no change, main is elsewhere, the signals' is not asked for.
	after := parseFull([]byte(strings.NewReplacer(
		"[runnable]", "[select]", "/src/main.go:1 ", "/src/main.go:2 ", "goroutine 6", "goroutine 7",
	).Replace(waiting) + `
goroutine 9 [chan receive]:
main.work()
	/src/work.go:7 +0x1
created by main.other in goroutine 1
	/src/main.go:3 +0x1
`))
	after.Taken = before.Taken.Add(90 * time.Second)
	var b strings.Builder
	if err := Diff(before, after).Render(&b, RenderOptions{}); err != nil {
		t.Fatal(err)
	}
	want := `7 goroutines, 6 before (+1 in 1m30s): 1 new, 1 grown, 0 shrunk, 1 gone, 1 unchanged

+1 new: running
    main.main  /src/main.go:2

+1 grown from 3 to 4: chan receive, 0 to 9 minutes
    labels tenant=blue (2)
    main.work  /src/work.go:7
    created by main.main  /src/main.go:3

-1 gone: running
    main.main  /src/main.go:1
`
	if b.String() != want {
		t.Errorf("got %s\nnot %s", b.String(), want)
	}
	if d := Diff(after, before); len(d.New) != 1 || len(d.Gone) != 1 || len(d.Shrunk) != 1 || len(d.Grown) != 0 || d.Shrunk[0].By() != -1 {
		t.Errorf("%+v", d)
	}
	b.Reset()
	Diff(before, after).Render(&b, RenderOptions{Groups: 1})
	if strings.Contains(b.String(), "left out") {
		t.Errorf("%s", b.String())
	}
}

// TestDiffOfBothKinds: a process that leaks goes from the one kind of capture to the other.
func TestDiffOfBothKinds(t *testing.T) {
	hold(t)
	d := Diff(capture(t, Options{}), capture(t, Options{Limit: -1}))
	for _, list := range [][]Change{d.New, d.Gone, d.Grown, d.Shrunk} {
		for _, c := range list {
			if c.Group.State != "running" {
				t.Errorf("%+v", c)
			}
		}
	}
	if d.Unchanged < 3 {
		t.Errorf("%d unchanged", d.Unchanged)
	}
}

// TestAncestors: what tracebackancestors adds is in groups and their JSON, and
// filters see it.
func TestAncestors(t *testing.T) {
	const text = `goroutine %d [select]:
main.work()
	/src/work.go:7 +0x1
created by main.start in goroutine %d
	/src/main.go:3 +0x1
[originating from goroutine %[2]d]:
main.start(...)
	/src/main.go:4 +0x1
created by main.handle
	/src/main.go:30 +0x1
[originating from goroutine 1]:
main.handle(...)
	/src/main.go:%d +0x1
...additional frames elided...

`
	d := parseFull([]byte(fmt.Sprintf(text, 7, 5, 31) + fmt.Sprintf(text, 8, 6, 31) + fmt.Sprintf(text, 9, 6, 32)))
	check(t, d)
	want := `3 goroutines in 2 groups: 3 select
full capture

#1: 2 select, ids 7 8
    main.work  /src/work.go:7
    created by main.start  /src/main.go:3
    originating from more than one goroutine, each in
      main.start  /src/main.go:4
      created by main.handle  /src/main.go:30
    originating from goroutine 1 in
      main.handle  /src/main.go:31
      ...additional frames elided...

#2: 1 select, id 9
    main.work  /src/work.go:7
    created by main.start in goroutine 6  /src/main.go:3
    originating from goroutine 6 in
      main.start  /src/main.go:4
      created by main.handle  /src/main.go:30
    originating from goroutine 1 in
      main.handle  /src/main.go:32
      ...additional frames elided...
`
	if got := render(t, d, RenderOptions{}); got != want {
		t.Errorf("got %s\nnot %s", got, want)
	}
	if got := render(t, readBack(t, writeJSON(t, d)), RenderOptions{}); got != want {
		t.Errorf("got %s\nnot %s", got, want)
	}
	if c := d.Filter(Filter{Match: []Matcher{regexp.MustCompile("main.handle")}}); len(c.Groups) != 2 {
		t.Errorf("%+v", c)
	}
	if m := Merge(d, d); len(m.Groups) != 2 || m.Groups[0].Ancestors[1].ID != 0 || d.Groups[0].Ancestors[1].ID != 1 {
		t.Errorf("%+v", m.Groups)
	}
}

// TestFold: of a client and a server that wait for each other, only the handler and the
// leaked body are of interest.
func TestFold(t *testing.T) {
	stack := func(state string, functions ...string) string {
		text := "goroutine 7 [" + state + "]:\n"
		for _, f := range functions {
			text += f + "()\n\t/src/x.go:7 +0x1\n"
		}
		return text + "\n"
	}
	d := parseFull([]byte(stack("IO wait", "internal/poll.runtime_pollWait", "bufio.(*Reader).fill", "bufio.(*Reader).Peek", "net/http.(*conn).serve") +
		stack("IO wait", "bufio.(*Reader).ReadLine", "net/http.readRequest", "net/http.(*conn).readRequest", "net/http.(*conn).serve") +
		stack("chan receive", "main.handle", "net/http.serverHandler.ServeHTTP", "net/http.(*conn).serve") +
		stack("IO wait", "net/http.(*connReader).backgroundRead") +
		stack("select", "net/http.(*http2serverConn).serve", "net/http.(*http2Server).ServeConn", "net/http.(*conn).serve") +
		stack("select", "net/http.(*persistConn).writeLoop") +
		stack("select", "net/http.(*persistConn).readLoop") +
		stack("IO wait", "bufio.(*Reader).Peek", "net/http.(*persistConn).readLoop") +
		stack("select", "database/sql.(*DB).connectionOpener") +
		stack("IO wait", "internal/poll.runtime_pollWait", "internal/poll.(*FD).Accept", "net.(*TCPListener).Accept", "main.main") +
		stack("runnable", "internal/poll.(*FD).Accept", "net.(*TCPListener).Accept", "main.main"))).Filter(Filter{FoldIdle: true})
	check(t, d)
	text := render(t, d, RenderOptions{})
	for _, want := range []string{
		"3 of 11 goroutines in 3 groups: ", "main.handle", "net/http.(*persistConn).readLoop",
		"\nfolded: 8 idle goroutines of the standard library: ", "3 net/http server", "2 net/http client", "1 HTTP/2", "1 database/sql", "1 Accept",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "left out") {
		t.Error(text)
	}
	if got := render(t, readBack(t, writeJSON(t, d)), RenderOptions{}); got != text {
		t.Errorf("got %s\nnot %s", got, text)
	}
	if got := render(t, Merge(d, d), RenderOptions{}); !strings.Contains(got, "\nfolded: 16 idle goroutines of the standard library: 2 Accept, ") {
		t.Error(got)
	}
}
