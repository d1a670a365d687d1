package lazytest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A Footprint is what a process has, counted from outside where that is
// possible.
type Footprint struct {
	Goroutines, Threads int
	Descriptors         []string // what each is, sorted
	Sockets             []string // paths of bound unix sockets
}

// Footprint counts what the process has. Its role answers the line
// "goroutines" with runtime.NumGoroutine().
func (p *Process) Footprint() Footprint {
	p.t.Helper()
	f := Footprint{Goroutines: p.AskInt("goroutines")}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID))
	if err != nil {
		p.t.Fatal(err)
	}
	fmt.Sscan(regexp.MustCompile(`Threads:\s+(\d+)`).FindStringSubmatch(string(status))[1], &f.Threads)
	inode := map[string]bool{}
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", p.PID))
	for _, l := range links {
		what, _ := os.Readlink(l)
		if i, ok := strings.CutPrefix(what, "socket:["); ok {
			inode[strings.TrimSuffix(i, "]")] = true
			what = "socket"
		}
		f.Descriptors = append(f.Descriptors, what)
	}
	slices.Sort(f.Descriptors)
	table, _ := os.ReadFile("/proc/net/unix")
	for line := range strings.Lines(string(table)) {
		if w := strings.Fields(line); len(w) >= 8 && inode[w[6]] {
			f.Sockets = append(f.Sockets, w[7])
		}
	}
	return f
}

// Resting returns the footprint once the last session is over for the process
// too, which is after the client reads its end: when there are so many
// goroutines again and no socket is bound.
func (p *Process) Resting(goroutines int) (f Footprint) {
	p.t.Helper()
	Eventually(p.t, "the last session is over", func() bool {
		f = p.Footprint()
		return f.Goroutines == goroutines && len(f.Sockets) == 0
	})
	return f
}

// Settles waits until the process has what it had before, and nothing else. The
// runtime starts threads as it likes and never ends them, so their number is
// only bounded.
func (p *Process) Settles(before Footprint) {
	p.t.Helper()
	var now Footprint
	same := func() bool {
		now = p.Footprint()
		return now.Goroutines == before.Goroutines && slices.Equal(now.Descriptors, before.Descriptors) && len(now.Sockets) == 0
	}
	// A goroutine that has done its work still counts while its thread waits
	// for a CPU.
	for end := time.Now().Add(Patience); !same(); time.Sleep(2 * time.Millisecond) {
		if time.Now().Before(end) {
			continue
		}
		p.t.Errorf("before: %+v\nafter:  %+v\n%s", before, now, p.Ask("stacks"))
		break
	}
	if now.Threads > before.Threads+16 {
		p.t.Errorf("threads: %d before, %d after", before.Threads, now.Threads)
	}
}
