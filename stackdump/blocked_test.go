package stackdump

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// deadlockText is of a system where the runtime's memory cannot be read: two
// goroutines have each other's lock in the struct that is their receiver. A third has
// a lock next to them, and a fourth comes behind a question mark.
const deadlockText = `goroutine 22 [sync.Mutex.Lock, 3 minutes]:
internal/sync.(*Mutex).lockSlow(0xc000001018)
	/go/src/internal/sync/mutex.go:149 +0x15d
main.(*account).transfer(0xc000002010, 0xc000001010)
	/src/main.go:4 +0xa5

goroutine 23 [sync.Mutex.Lock, 2 minutes]:
internal/sync.(*Mutex).lockSlow(0xc000002018)
	/go/src/internal/sync/mutex.go:149 +0x15d
main.(*account).transfer(0xc000001010, 0xc000002010)
	/src/main.go:4 +0xa5

goroutine 24 [sleep]:
time.Sleep(0x1)
	/go/src/runtime/time.go:1 +0x1
main.worker({0x1, 0xc000003000}, ...)
	/src/main.go:40 +0xa5

goroutine 25 [sleep]:
time.Sleep(0x1)
	/go/src/runtime/time.go:1 +0x1
main.worker({0x1, 0xc000002018?}, ...)
	/src/main.go:40 +0xa5

goroutine 26 [chan receive]:
main.worker({0x1, 0xc000002018}, ...)
	/src/main.go:41 +0xa5
`

func blockedIn(text_ string, f Filter) *Blocked {
	d := parseFull([]byte(text_))
	b := newBlocked(d, &text{text: []byte(text_)}, f)
	b.Memory = errors.New("not here")
	return b
}

func TestBlockedByArguments(t *testing.T) {
	b := blockedIn(deadlockText, Filter{})
	var s strings.Builder
	if err := b.Render(&s, RenderOptions{}); err != nil {
		t.Fatal(err)
	}
	const want = `3 of 5 goroutines wait for 2 objects; it is not known for what 1 of them do
full capture
channels, most RWMutexes, and what is on stacks but no argument are not known: not here

likely deadlock of 2 goroutines:
    goroutine 23 may hold Mutex 0xc000001018 (an argument of main.(*account).transfer is 8 bytes before it), and waits for Mutex 0xc000002018
        main.(*account).transfer  /src/main.go:4
    goroutine 22 may hold Mutex 0xc000002018 (an argument of main.(*account).transfer is 8 bytes before it), and waits for Mutex 0xc000001018
        main.(*account).transfer  /src/main.go:4
    It is not certain: an argument does not say that a lock is held.

kind       address             waiters  longest wait    variable
Mutex      0xc000001018              1  3 minutes
    1 sync.Mutex.Lock in main.(*account).transfer  /src/main.go:4
    may be held by goroutine 23, sync.Mutex.Lock (an argument of main.(*account).transfer is 8 bytes before it)
        main.(*account).transfer  /src/main.go:4
Mutex      0xc000002018              1  2 minutes
    1 sync.Mutex.Lock in main.(*account).transfer  /src/main.go:4
    may be held by goroutine 26, chan receive (an argument of main.worker)
        main.worker  /src/main.go:41
    may be held by goroutine 22, sync.Mutex.Lock (an argument of main.(*account).transfer is 8 bytes before it)
        main.(*account).transfer  /src/main.go:4
`
	if got := s.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if b := blockedIn(deadlockText, Filter{MinWait: 3 * time.Minute}); len(b.Objects) != 1 || b.Waiters != 1 || b.Dump.Filtered != 4 || len(b.Objects[0].Holders) != 1 {
		t.Errorf("%+v", b)
	}
}

// A ring of many, and a chain that is no ring.
func TestCycles(t *testing.T) {
	objects := make([]Object, 1000)
	for i := range objects {
		objects[i].edges = []edge{{Holder{ID: uint64(i)}, min(i+1, 999)}}
	}
	objects[999].edges = nil
	if c := cycles(objects); len(c) != 0 {
		t.Errorf("%d cycles in a chain", len(c))
	}
	objects[999].edges = []edge{{Holder{ID: 999}, 500}}
	if c := cycles(objects); len(c) != 1 || len(c[0]) != 500 || c[0][499].Holder.ID != 999 || c[0][499].Object != &objects[999] {
		t.Errorf("%d cycles", len(c))
	}
}

// The session's own goroutines hold nothing, a lock that is let go is in no deadlock,
// and what is bounded stays so.
func TestCaptureBlocked(t *testing.T) {
	var mu sync.Mutex
	mu.Lock()
	const n = 100
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() { mu.Lock(); defer mu.Unlock() })
	}
	defer wg.Wait()
	defer mu.Unlock()
	for start := time.Now(); time.Since(start) < time.Minute; runtime.Gosched() {
		b, err := CaptureBlocked(context.Background(), Options{}, Filter{State: []string{"sync.Mutex"}})
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Objects) == 1 && b.Objects[0].Waiters == n {
			o := &b.Objects[0]
			if o.Kind != "Mutex" || len(o.Places) != 1 || len(b.Cycles) != 0 || len(o.Holders) > maxHolders {
				t.Errorf("%+v", o)
			}
			return
		}
	}
	t.Fatal("the goroutines never waited")
}

func FuzzBlocked(f *testing.F) {
	f.Add([]byte(deadlockText))
	f.Add([]byte(waitsText))
	f.Add(read(f, "testdata/go1.27/full.txt"))
	f.Fuzz(func(t *testing.T, b []byte) {
		blocked := blockedIn(string(b), Filter{})
		waiters := 0
		for _, o := range blocked.Objects {
			waiters += o.Waiters
			if o.Waiters == 0 || len(o.Places) == 0 || len(o.Places) > maxPlaces || len(o.Holders) > maxHolders {
				t.Errorf("%+v", o)
			}
			for _, h := range o.Holders {
				if h.Group == nil || h.Before > maxBefore {
					t.Errorf("%+v", h)
				}
			}
		}
		if waiters+blocked.Unknown != blocked.Waiters {
			t.Errorf("%d wait for something known, %d for something else, %d in all", waiters, blocked.Unknown, blocked.Waiters)
		}
		render := new(strings.Builder)
		blocked.Render(render, RenderOptions{})
	})
}
