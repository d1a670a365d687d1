package stackdump

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

const waitsText = `goroutine 22 [sync.Mutex.Lock, 3 minutes]:
internal/sync.runtime_SemacquireMutex(0xc0000a6010?, 0xe0?, 0x10?)
	/go/src/runtime/sema.go:95 +0x25
internal/sync.(*Mutex).lockSlow(0xc0000a6018)
	/go/src/internal/sync/mutex.go:149 +0x15d
main.transfer(0xc000012345?)
	/src/main.go:4 +0xa5

goroutine 23 [sync.Mutex.Lock]:
internal/sync.runtime_SemacquireMutex(0x0?, 0x0?, 0x0?)
	/go/src/runtime/sema.go:95 +0x25
internal/sync.(*Mutex).lockSlow(0xc0000a6018)
	/go/src/internal/sync/mutex.go:149 +0x15d
main.transfer(0x0?)
	/src/main.go:4 +0xa5

goroutine 24 [sync.Mutex.Lock]:
internal/sync.runtime_SemacquireMutex(0x0?, 0x0?, 0x0?)
	/go/src/runtime/sema.go:95 +0x25
internal/sync.(*Mutex).lockSlow(0xc0000a6028)
	/go/src/internal/sync/mutex.go:149 +0x15d
main.transfer(0x0?)
	/src/main.go:4 +0xa5

goroutine 36 [IO wait]:
internal/poll.runtime_pollWait(0x7f8578cd1e00, 0x72)
	/go/src/runtime/netpoll.go:351 +0x85
internal/poll.(*FD).Read(0xc0001da200, {0xc0001941d4, 0x5, 0x5})
	/go/src/internal/poll/fd_unix.go:165 +0x2ae

goroutine 9 [sync.Cond.Wait]:
sync.runtime_notifyListWait(0xc000124050, 0x0)
	/go/src/runtime/sema.go:617 +0x1b3
sync.(*Cond).Wait(0x0?)
	/go/src/sync/cond.go:71 +0x73

goroutine 33 [sync.RWMutex.Lock]:
sync.runtime_SemacquireRWMutex(0x0?, 0x0?, 0x0?)
	/go/src/runtime/sema.go:105 +0x25
sync.(*RWMutex).Lock(0xc000001230?)
	/go/src/sync/rwmutex.go:155 +0x6b

goroutine 34 [runnable]:
internal/sync.(*Mutex).lockSlow(0xc0000a6018)
	/go/src/internal/sync/mutex.go:149 +0x15d
`

// The objects are those of the text, survive JSON, follow a filter, and mean nothing
// in a merged dump.
func TestObjects(t *testing.T) {
	d := parseFull([]byte(waitsText))
	var b bytes.Buffer
	if err := d.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	again, err := ReadJSON(&b)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []*Dump{d, again} {
		got := render(t, d, RenderOptions{})
		for _, want := range []string{
			"\n    waits for Mutex 0xc0000a6018 (2), 0xc0000a6028 (1)\n",
			"\n    waits for Cond 0xc000124040\n",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in\n%s", want, got)
			}
		}
		if n := strings.Count(got, "waits for"); n != 2 {
			t.Errorf("%d groups wait for something:\n%s", n, got)
		}
		got = render(t, d.Filter(Filter{MinWait: time.Minute}), RenderOptions{})
		if !strings.Contains(got, "\n    waits for Mutex 0xc0000a6018\n") {
			t.Error(got)
		}
		for i := range d.Groups {
			if g := &d.Groups[i]; g.State == "IO wait" && (g.Object(0) != 0xc0001da200 || g.WaitsOn() != "descriptor") {
				t.Errorf("%#x", g.Object(0))
			}
		}
	}
	if got := render(t, Merge(d, d), RenderOptions{}); strings.Contains(got, "waits for") {
		t.Error(got)
	}
}

func TestObjectsInvalid(t *testing.T) {
	const line = `{"stackdump":1,"full":true,"total":1,"groups":1}` + "\n" + `{"count":1,"state":"x","frames":[],"goroutines":[{"id":1,"waits_for":"ten"}]}`
	if _, err := ReadJSON(strings.NewReader(line)); err == nil || !strings.Contains(err.Error(), `"ten", which is no address`) {
		t.Error(err)
	}
}
