//go:build (amd64 || arm64) && !go1.28

package parked

import (
	"debug/dwarf"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
	"unsafe"
)

func address[T any](p *T) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }

func pointer(c any) uint64 {
	return uint64((*[2]uintptr)(unsafe.Pointer(&c))[1])
}

// Each kind of wait is found, for some goroutine that waits so.
func TestAll(t *testing.T) {
	sent, received, a, b := make(chan int), make(chan string), make(chan int), make(chan bool)
	rw := new(sync.RWMutex)
	rw.RLock()
	wg := new(sync.WaitGroup)
	wg.Add(1)
	var all sync.WaitGroup
	all.Go(func() { sent <- 1 })
	all.Go(func() { <-received })
	all.Go(func() {
		select {
		case <-a:
		case b <- true:
		}
	})
	all.Go(func() { rw.Lock(); rw.Unlock() })
	all.Go(func() { wg.Wait() })
	all.Go(func() {
		var mu sync.Mutex
		mu.Lock()
		defer mu.Unlock()
		<-received
	})
	defer all.Wait()
	defer func() {
		<-sent
		close(received)
		close(a)
		rw.RUnlock()
		wg.Done()
	}()
	has := func(f func(*Goroutine, []uint64) bool) func() bool {
		return func() (found bool) {
			var buf []uint64
			list, err := List(1000)
			if err != nil {
				t.Fatal(err)
			}
			for i := range list {
				buf = list[i].Stack(buf)
				found = found || f(&list[i], buf)
			}
			return found
		}
	}
	for name, found := range map[string]func() bool{
		"send":    has(func(g *Goroutine, _ []uint64) bool { return slices.Equal(g.Channels(nil), []uint64{pointer(sent)}) }),
		"receive": has(func(g *Goroutine, _ []uint64) bool { return slices.Equal(g.Channels(nil), []uint64{pointer(received)}) }),
		"select": has(func(g *Goroutine, _ []uint64) bool {
			c := g.Channels(nil)
			return len(c) == 2 && slices.Contains(c, pointer(a)) && slices.Contains(c, pointer(b))
		}),
		"RWMutex":   has(func(g *Goroutine, s []uint64) bool { return g.Semaphore(s) == address(rw)+8 }),
		"WaitGroup": has(func(g *Goroutine, s []uint64) bool { return g.Semaphore(s) == address(wg)+8 }),
	} {
		for start := time.Now(); !found(); time.Sleep(time.Millisecond) {
			if time.Since(start) > time.Minute {
				t.Fatal("never found: ", name)
			}
		}
	}
}

// Goroutines that come, go and grow their stacks do no harm.
func TestBusy(t *testing.T) {
	stop := make(chan bool)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				done := make(chan int)
				go func() { deep(100); done <- 1 }()
				<-done
			}
		})
	}
	var buf []uint64
	for range 30 {
		list, err := List(1000)
		if err != nil {
			t.Error(err)
		}
		for i := range list {
			buf = list[i].Stack(buf)
			list[i].Channels(nil)
			list[i].Semaphore(buf)
		}
		runtime.Gosched()
	}
	close(stop)
	wg.Wait()
}

func deep(n int) int {
	var room [128]byte
	if n == 0 {
		return int(room[0])
	}
	return deep(n-1) + int(room[n%128])
}

// TestOffsets compares what this package knows of the runtime with the debug
// information of this release.
func TestOffsets(t *testing.T) {
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go tool to build a program with: ", err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\n\nfunc main() { select {} }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "program")
	cmd := exec.Command(tool, "build", "-ldflags=-w=0", "-o", program, "main.go")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.DWARF()
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]int64{}
	for r := info.Reader(); ; {
		e, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if e == nil {
			break
		}
		name, _ := e.Val(dwarf.AttrName).(string)
		if e.Tag != dwarf.TagStructType || !slices.Contains([]string{"runtime.g", "runtime.sudog", "runtime.gobuf", "runtime.stack", "runtime.maybeTraceablePtr", "runtime.maybeTraceableChan"}, name) {
			continue
		}
		typ, err := info.Type(e.Offset)
		if err != nil {
			t.Fatal(err)
		}
		for _, field := range typ.(*dwarf.StructType).Field {
			fields[name+"."+field.Name] = field.ByteOffset
		}
	}
	sum := func(names ...string) (n int64) {
		for _, name := range names {
			offset, ok := fields["runtime."+name]
			if !ok {
				t.Errorf("no %s", name)
			}
			n += offset
		}
		return n
	}
	for _, c := range []struct{ know, is int64 }{
		{gStackHi, sum("g.stack", "stack.hi")},
		{gSP, sum("g.sched", "gobuf.sp")},
		{gSelf, sum("g.sched", "gobuf.g")},
		{gStatus, sum("g.atomicstatus")},
		{gID, sum("g.goid")},
		{gWaiting, sum("g.waiting")},
		{sudogG, sum("sudog.g")},
		{sudogElem, sum("sudog.elem", "maybeTraceablePtr.vu")},
		{sudogNext, sum("sudog.waitlink")},
		{sudogChannel, sum("sudog.c", "maybeTraceableChan.maybeTraceablePtr", "maybeTraceablePtr.vu")},
	} {
		if c.know != c.is {
			t.Errorf("%d is at %d", c.know, c.is)
		}
	}
}
