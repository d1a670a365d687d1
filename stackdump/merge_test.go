package stackdump

import (
	"strings"
	"testing"
	"time"
)

// process is a full dump of text; what is given as grouped knows no more than
// a grouped one does.
func process(text string) *Dump { return parseFull([]byte(text)) }

func grouped(text string) *Dump {
	d := process(text)
	d.Full = false
	for i := range d.Groups {
		g := &d.Groups[i]
		g.IDs, g.waits, g.sets, g.Parent, g.CreatedBy, g.Locked = nil, nil, nil, 0, Frame{}, false
		g.MinWait, g.MaxWait = 0, 0
	}
	return d
}

const (
	blue = `goroutine 1 [running]:
main.main()
	/src/main.go:1 +0x1

goroutine 7 [chan send, 3 minutes labels:{"tenant": "blue"}]:
main.send()
	/src/main.go:10 +0x1
created by main.main in goroutine 1
	/src/main.go:2 +0x1

goroutine 8 [chan send, 5 minutes]:
main.send()
	/src/main.go:10 +0x1
created by main.main in goroutine 1
	/src/main.go:2 +0x1

goroutine 9 [syscall, 2 minutes, locked to thread]:
main.call()
	/src/main.go:20 +0x1
created by main.main in goroutine 1
	/src/main.go:3 +0x1
`
	green = `goroutine 1 [running]:
main.main()
	/src/main.go:1 +0x1

goroutine 20 [chan send, 12 minutes labels:{"tenant": "green"}]:
main.send()
	/src/main.go:10 +0x1
created by main.main in goroutine 1
	/src/main.go:2 +0x1

goroutine 21 [chan send labels:{"tenant": "blue"}]:
main.send()
	/src/main.go:10 +0x1
created by main.again in goroutine 1
	/src/main.go:4 +0x1

goroutine 22 [chan send]:
main.send()
	/src/main.go:11 +0x1
created by main.main in goroutine 1
	/src/main.go:2 +0x1
`
)

func TestMerge(t *testing.T) {
	a, b := process(blue), process(green)
	a.Taken, b.Taken = time.Unix(20, 0), time.Unix(10, 0)
	a.Stopped, b.Stopped = time.Millisecond, 2*time.Millisecond
	a.Elapsed, b.Elapsed = 5*time.Second, 4*time.Second
	a.Skipped, b.Skipped = 2, 1
	a.Total, b.Total = a.Total+2, b.Total+1
	for _, test := range []struct {
		name string
		d    *Dump
		want string
	}{
		{"full", Merge(a, b), `8 of 11 goroutines of 2 processes in 5 groups: 2 running, 5 chan send, 1 syscall
full captures, the world stood still for at most 2ms
running or runnable: #2

#1: 3 chan send in 2 of 2 processes, 3 to 12 minutes
    labels tenant=blue (1)
    labels tenant=green (1)
    main.send  /src/main.go:10
    created by main.main  /src/main.go:2

#2: 2 running in 2 of 2 processes
    main.main  /src/main.go:1

#3: 1 chan send in 1 of 2 processes
    labels tenant=blue
    main.send  /src/main.go:10
    created by main.again  /src/main.go:4

#4: 1 chan send in 1 of 2 processes
    main.send  /src/main.go:11
    created by main.main  /src/main.go:2

#5: 1 syscall in 1 of 2 processes, 2 minutes, locked to thread
    main.call  /src/main.go:20
    created by main.main  /src/main.go:3

left out: 3 of the sessions' own
`},
		{"mixed", Merge(a, grouped(green), grouped(blue)), `12 of 14 goroutines of 3 processes in 4 groups: 3 running, 7 chan send, 2 syscall
1 full capture, the world stood still for at most 1ms; 2 grouped, of which waits and creators are not known
running or runnable: #2

#1: 6 chan send in 3 of 3 processes, 3 to 5 minutes
    labels tenant=blue (3)
    labels tenant=green (1)
    main.send  /src/main.go:10
    created by main.main  /src/main.go:2

#2: 3 running in 3 of 3 processes
    main.main  /src/main.go:1

#3: 2 syscall in 2 of 3 processes, 2 minutes, locked to thread
    main.call  /src/main.go:20
    created by main.main  /src/main.go:3

#4: 1 chan send in 1 of 3 processes
    main.send  /src/main.go:11

left out: 2 of the sessions' own
`},
		{"two creators among some", Merge(b, grouped(green)).Filter(Filter{State: []string{"chan"}}), `6 of 9 goroutines of 2 processes in 2 groups: 6 chan send
1 full capture, the world stood still for at most 2ms; 1 grouped, of which waits and creators are not known

#1: 4 chan send in 2 of 2 processes, 0 to 12 minutes
    labels tenant=blue (2)
    labels tenant=green (2)
    main.send  /src/main.go:10

#2: 2 chan send in 2 of 2 processes
    main.send  /src/main.go:11
    created by main.main  /src/main.go:2

left out: 2 by the filter, 1 of the sessions' own
`},
		{"grouped", Merge(grouped(green), grouped(blue)).Filter(Filter{State: []string{"sys"}}), `1 of 8 goroutines of 2 processes in 1 group: 1 syscall
grouped captures in at most 0s: waits and creators are not known

#1: 1 syscall in 1 of 2 processes
    main.call  /src/main.go:20

left out: 7 by the filter
`},
	} {
		check(t, test.d)
		if got := render(t, test.d, RenderOptions{Skipped: "of the sessions' own"}); got != test.want {
			t.Errorf("%s:\n%s", test.name, got)
		}
		again := readBack(t, writeJSON(t, test.d))
		if got, want := render(t, again, RenderOptions{}), render(t, test.d, RenderOptions{}); got != want {
			t.Errorf("%s: read back it is\n%s", test.name, got)
		}
	}
	if d := Merge(a, b); !d.Taken.Equal(b.Taken) || d.Elapsed != a.Elapsed || !d.Full || d.Dumps != 2 {
		t.Errorf("%+v", d)
	}
	if Merge(a) != a || len(a.Groups) != 3 || len(a.Groups[0].IDs) != 2 || a.Groups[0].Dumps != 0 {
		t.Errorf("a dump was changed: %+v", a)
	}
	check(t, Merge())
}

// TestMergeInSteps: merging what was merged before is merging all at once.
func TestMergeInSteps(t *testing.T) {
	a, b, c := process(blue), process(green), process(blue)
	if got, want := render(t, Merge(Merge(a, b), c), RenderOptions{}), render(t, Merge(a, b, c), RenderOptions{}); got != want {
		t.Errorf("got %s", got)
	}
	if got, want := render(t, Merge(grouped(blue), Merge(a, b)), RenderOptions{}), render(t, Merge(a, b, grouped(blue)), RenderOptions{}); got != want {
		t.Errorf("got %s", got)
	}
}

// TestMergeWays: the same program captured in the two ways is the same, but for
// the goroutine that took the dump.
func TestMergeWays(t *testing.T) {
	hold(t)
	full, grouped := capture(t, Options{}), capture(t, Options{Limit: -1})
	d := Merge(full, grouped)
	check(t, d)
	for _, function := range []string{"receive", "lock", "labelled"} {
		g := find(d, function)
		if len(g) != 1 || g[0].Dumps != 2 || g[0].Count != 2*find(full, function)[0].Count || g[0].CreatedBy.Func != pkg+".hold" {
			t.Errorf("%s: %+v", function, g)
		}
	}
	if g := find(d, "labelled"); len(g[0].Labels) != 2 || g[0].Labels[0].Count != 6 {
		t.Errorf("%+v", g[0].Labels)
	}
	all := goldens(t)
	for name, full := range all {
		dir, ok := strings.CutSuffix(name, "full")
		if !ok {
			continue
		}
		d := Merge(full, all[dir+"grouped"])
		check(t, d)
		for _, g := range d.Groups {
			if g.Dumps != 2 && g.State != "running" {
				t.Errorf("%s: only in one of the two: %+v", name, g)
			}
		}
	}
}

// TestMergeMany is the answer of a hundred workers.
func TestMergeMany(t *testing.T) {
	var dumps []*Dump
	for i := range 100 {
		d := process(blue)
		if i < 3 {
			d = process(green)
		}
		dumps = append(dumps, d)
	}
	d := Merge(dumps...)
	check(t, d)
	if text := render(t, d, RenderOptions{}); !strings.Contains(text, "#1: 197 chan send in 100 of 100 processes") ||
		!strings.Contains(text, "97 syscall in 97 of 100 processes, 2 minutes") {
		t.Error(text)
	}
}
