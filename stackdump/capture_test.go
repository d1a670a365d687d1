package stackdump

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/DataDog/gostackparse"
)

const pkg = "github.com/go-manhole/lazy/stackdump"

func capture(t testing.TB, o Options) *Dump {
	t.Helper()
	d, err := Capture(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	check(t, d)
	return d
}

// find returns the groups with this outermost function.
func find(d *Dump, outermost string) (groups []Group) {
	for _, g := range d.Groups {
		if entry(g.Frames) == pkg+"."+outermost {
			groups = append(groups, g)
		}
	}
	return groups
}

// settle waits until n goroutines with this outermost function are in the state.
func settle(t testing.TB, n int, outermost, state string) {
	t.Helper()
	for range 1000 {
		have := 0
		for _, g := range find(capture(t, Options{Full: true}), outermost) {
			if g.State == state {
				have += g.Count
			}
		}
		if have == n {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("there are no %d goroutines of %s in %s", n, outermost, state)
}

func receive(c chan int, done *sync.WaitGroup) { <-c; done.Done() }
func lock(m *sync.Mutex, done *sync.WaitGroup) { m.Lock(); done.Done(); m.Unlock() }

func labelled(c chan int, done *sync.WaitGroup, kv ...string) {
	pprof.Do(context.Background(), pprof.Labels(kv...), func(context.Context) { <-c })
	done.Done()
}

// hold starts the goroutines that the tests look for.
func hold(t *testing.T) {
	c, m, done := make(chan int), new(sync.Mutex), new(sync.WaitGroup)
	m.Lock()
	done.Add(5 + 3 + 4)
	for range 5 {
		go receive(c, done)
	}
	for range 3 {
		go lock(m, done)
	}
	for i := range 4 {
		go labelled(c, done, "tenant", strconv.Itoa(i/3), "all", "yes")
	}
	t.Cleanup(func() { close(c); m.Unlock(); done.Wait() })
	settle(t, 5, "receive", "chan receive")
	settle(t, 3, "lock", "sync.Mutex.Lock")
	settle(t, 4, "labelled", "chan receive")
}

func TestBothWaysAgree(t *testing.T) {
	hold(t)
	full, grouped := capture(t, Options{}), capture(t, Options{Limit: -1})
	if !full.Full || grouped.Full || full.Stopped <= 0 || grouped.Stopped != 0 {
		t.Fatal("not taken the two ways")
	}
	same(t, full, grouped)
	for _, d := range []*Dump{full, grouped} {
		g := find(d, "labelled")
		if len(g) != 1 || g[0].Count != 4 {
			t.Fatalf("%+v", g)
		}
		want := []LabelSet{
			{3, []Label{{"all", "yes"}, {"tenant", "0"}}},
			{1, []Label{{"all", "yes"}, {"tenant", "1"}}},
		}
		if !slices.EqualFunc(g[0].Labels, want, func(a, b LabelSet) bool {
			return a.Count == b.Count && slices.Equal(a.Labels, b.Labels)
		}) {
			t.Errorf("labels %v", g[0].Labels)
		}
		for label, n := range map[string]int{"tenant": 4, "tenant=0": 3, "tenant=1": 1, "tenant=2": 0, "nobody": 0, "all=yes": 4} {
			c := d.Filter(Filter{Label: []string{label}})
			check(t, c)
			have := 0
			for _, g := range c.Groups {
				have += g.Count
			}
			if have != n {
				t.Errorf("full %v: %d goroutines with label %s", d.Full, have, label)
			}
		}
	}
	g := find(full, "receive")
	if len(g) != 1 || len(g[0].IDs) != 5 || g[0].CreatedBy.Func != pkg+".hold" || g[0].Parent == 0 {
		t.Errorf("%+v", g)
	}
	if g := find(grouped, "receive"); len(g) != 1 || len(g[0].IDs) != 0 || g[0].CreatedBy.Func != "" {
		t.Errorf("%+v", g)
	}
}

func TestLimit(t *testing.T) {
	hold(t)
	for _, c := range []struct {
		o    Options
		full bool
	}{{Options{}, true}, {Options{Limit: 5}, false}, {Options{Limit: 5, Full: true}, true}, {Options{Limit: 500}, true}, {Options{Limit: -1}, false}} {
		if d := capture(t, c.o); d.Full != c.full {
			t.Errorf("%+v: full %v", c.o, d.Full)
		}
	}
}

func TestSkip(t *testing.T) {
	hold(t)
	for _, o := range []Options{{}, {Limit: -1}} {
		skipped := 0
		for _, f := range []string{"receive", "labelled"} {
			o.SkipFunc = pkg + "." + f
			d := capture(t, o)
			if d.Skipped == 0 || len(find(d, f)) > 0 || len(find(d, "lock")) != 1 {
				t.Errorf("full %v: skipped %d: %+v", d.Full, d.Skipped, d.Groups)
			}
			if text := render(t, d, RenderOptions{}); !strings.Contains(text, fmt.Sprintf("left out: %d of the caller's own", d.Skipped)) {
				t.Errorf("%s", text)
			}
			skipped += d.Skipped
		}
		if skipped != 9 {
			t.Errorf("full %v: skipped %d in all", o.Limit == 0, skipped)
		}
		// Wherever the function stands in the stack.
		o.SkipFunc = "sync.(*Mutex).Lock"
		if d := capture(t, o); d.Skipped != 3 || len(find(d, "lock")) > 0 {
			t.Errorf("full %v: skipped %d: %+v", d.Full, d.Skipped, d.Groups)
		}
	}
}

func TestDone(t *testing.T) {
	why := errors.New("the peer left")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(why)
	if _, err := Capture(ctx, Options{}); err != why {
		t.Error(err)
	}
	if err := WriteRaw(ctx, new(bytes.Buffer), Options{}); err != why {
		t.Error(err)
	}
	g := newGrouper("")
	if err := new(Dump).grouped(ctx, g); err != why {
		t.Error(err)
	}
	if err := g.addLabels(ctx); err != why {
		t.Error(err)
	}
	if err := new(Dump).full(ctx, g, 1, false); err != why {
		t.Error(err)
	}
}

type failing struct{}

var errFailing = errors.New("no room")

func (failing) Write(b []byte) (int, error) { return 0, errFailing }

func TestWriteError(t *testing.T) {
	d := capture(t, Options{})
	if err := d.Render(failing{}, RenderOptions{}); err != errFailing {
		t.Error(err)
	}
	if err := Diff(d, d).Render(failing{}, RenderOptions{}); err != errFailing {
		t.Error(err)
	}
	if err := WriteRaw(context.Background(), failing{}, Options{}); err != errFailing {
		t.Error(err)
	}
}

// TestRaw: a tool that knows nothing of this package finds the same in the raw
// text as the package's own parser.
func TestRaw(t *testing.T) {
	hold(t)
	var b bytes.Buffer
	if err := WriteRaw(context.Background(), &b, Options{}); err != nil {
		t.Fatal(err)
	}
	theirs, errs := gostackparse.Parse(bytes.NewReader(b.Bytes()))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	ours := parseFull(b.Bytes())
	if len(theirs) != ours.Total {
		t.Errorf("%d goroutines, not %d", len(theirs), ours.Total)
	}
	for _, their := range theirs {
		i := slices.IndexFunc(ours.Groups, func(g Group) bool { return slices.Contains(g.IDs, uint64(their.ID)) })
		if i < 0 {
			t.Errorf("goroutine %d is missing", their.ID)
			continue
		}
		our := ours.Groups[i]
		if our.State != their.State || our.Locked != their.LockedToThread || len(our.Frames) != len(their.Stack) {
			t.Errorf("goroutine %d is %+v, not %+v", their.ID, our, their)
			continue
		}
		for i, f := range their.Stack {
			if (our.Frames[i] != Frame{f.Func, f.File, f.Line}) {
				t.Errorf("goroutine %d: %v, not %v", their.ID, our.Frames[i], *f)
			}
		}
		if their.CreatedBy != nil && our.CreatedBy.Line != their.CreatedBy.Line {
			t.Errorf("goroutine %d: created by %v, not %v", their.ID, our.CreatedBy, *their.CreatedBy)
		}
	}
}

// TestNoRoom: what is left out for want of memory is reported, and what is not left
// out is whole.
func TestNoRoom(t *testing.T) {
	hold(t)
	text := takeText(runtime.NumGoroutine(), 4<<10)
	defer text.release()
	if !text.cut || len(text.text) != 4<<10 {
		t.Fatalf("%d bytes, cut %v", len(text.text), text.cut)
	}
	var d Dump
	g := newGrouper("")
	if _, err := d.parse(context.Background(), g, &text); err != nil {
		t.Fatal(err)
	}
	d.Groups = g.groups()
	check(t, &d)
	if d.Missing == 0 || d.Missing == d.Total {
		t.Errorf("%d of %d goroutines are missing", d.Missing, d.Total)
	}
	want := "left out: " + strconv.Itoa(d.Missing) + " that did not fit"
	if s := render(t, &d, RenderOptions{}); !strings.Contains(s, want) {
		t.Errorf("not %s: %s", want, s)
	}
	var b bytes.Buffer
	if err := text.write(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	want = "\n..." + strconv.Itoa(d.Missing) + " of " + strconv.Itoa(d.Total) + " goroutines left out"
	if !strings.Contains(b.String(), want) {
		t.Errorf("not %s: %s", want, b.String())
	}
	theirs, _ := gostackparse.Parse(&b)
	if len(theirs) != d.Total-d.Missing {
		t.Errorf("%d goroutines, not %d of %d", len(theirs), d.Total-d.Missing, d.Total)
	}
}

// TestGrows: a first guess that is too small is corrected.
func TestGrows(t *testing.T) {
	c, done := make(chan int), new(sync.WaitGroup)
	const n = 10_000
	done.Add(n)
	for range n {
		go receive(c, done)
	}
	text := takeText(0, 1<<30)
	if text.cut || len(text.text) <= 1<<20 {
		t.Errorf("%d bytes, cut %v", len(text.text), text.cut)
	}
	d := parseFull(text.text)
	text.release()
	check(t, d)
	if d.Total <= n {
		t.Errorf("%d goroutines", d.Total)
	}
	close(c)
	done.Wait()
}

// TestHeldMemory: however many different stacks and labels there are, a dump
// grows no further.
func TestHeldMemory(t *testing.T) {
	g := newGrouper("")
	g.max = 100_000
	r := record{count: 2, state: "sleep", frames: []Frame{{"main.f", "f.go", 0}}}
	for i := range 10_000 {
		r.frames[0].Line = i
		g.add(&r)
	}
	d := Dump{Total: g.total, Missing: g.missing, Groups: g.groups()}
	check(t, &d)
	if d.Total != 20_000 || d.Missing < 10_000 || len(d.Groups) < 100 {
		t.Errorf("%d groups, %d of %d missing", len(d.Groups), d.Missing, d.Total)
	}

	g = newGrouper("")
	g.max = 100_000
	r.id = 1
	r.count = 1
	for i := range 10_000 {
		r.labels = []Label{{"request", strconv.Itoa(i)}}
		r.id++
		g.add(&r)
	}
	d = Dump{Total: g.total, Missing: g.missing, Groups: g.groups(), labelsDropped: g.labelsDropped}
	check(t, &d)
	if s := render(t, &d, RenderOptions{}); d.labelsDropped < 9000 || !strings.Contains(s, strconv.Itoa(d.labelsDropped)+" goroutines' labels") {
		t.Errorf("%d labels not held: %s", d.labelsDropped, s)
	}
	if len(d.Groups) != 1 || d.Groups[0].Count != 10_000 || d.Missing != 0 || len(d.Groups[0].Labels) > 1000 {
		t.Errorf("%d groups, %d missing", len(d.Groups), d.Missing)
	}
	render(t, d.Filter(Filter{Label: []string{"request=7"}}), RenderOptions{})
}

// TestLeftBehind: neither way leaves anything running.
func TestLeftBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 50 {
		capture(t, Options{})
		capture(t, Options{Limit: -1})
	}
	// Those of earlier tests may have ended by now.
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}

// TestAtOnce: captures at the same time, while goroutines come and go.
func TestAtOnce(t *testing.T) {
	stop, done := make(chan int), new(sync.WaitGroup)
	for range 4 {
		done.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					var one sync.WaitGroup
					one.Go(runtime.Gosched)
					one.Wait()
				}
			}
		})
	}
	var captures sync.WaitGroup
	for i := range 4 {
		captures.Go(func() {
			for range 10 {
				use(t, capture(t, Options{Limit: 10000 - i%2*10001}))
			}
		})
	}
	captures.Wait()
	close(stop)
	done.Wait()
}
