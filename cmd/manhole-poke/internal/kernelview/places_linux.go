package kernelview

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/asuser"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/gostack"
)

// How many threads are walked at one moment: those that run are stopped for it.
const (
	maxRunning = 32
	maxAsleep  = 256
)

// A walker finds the calls of a Go program's threads.
type walker struct {
	program *gostack.Program
	barred  bool // threads that run may not be traced
}

// openProgram returns nil if the calls cannot be found.
func openProgram(pid int) *walker {
	p, ok := soon(func() *gostack.Program {
		p, err := gostack.Open(pid)
		if err != nil {
			return nil
		}
		return p
	})
	if !ok || p == nil {
		return nil
	}
	return &walker{program: p}
}

// calls returns the calls of threads: of those that run, and if all is set also
// of those that sleep. It gives up for good if that takes too long.
func (w *walker) calls(moments map[int]moment, all bool) map[int][]gostack.Frame {
	if w == nil || w.program == nil {
		return nil
	}
	program, barred := w.program, w.barred
	type result struct {
		calls  map[int][]gostack.Frame
		barred bool
	}
	r, ok := soon(func() result {
		r := result{map[int][]gostack.Frame{}, barred}
		var running []int
		asleep := 0
		for _, tid := range slices.Sorted(maps.Keys(moments)) {
			m := moments[tid]
			switch {
			case m.State == 'R' || m.Running:
				running = append(running, tid)
			case all && m.PC != 0 && asleep < maxAsleep:
				asleep++
				r.calls[tid] = program.Asleep(m.PC, m.SP)
			}
		}
		if len(running) > 0 && !r.barred {
			// What could not be let go is let go with the thread.
			asuser.OnThread(func() {
				for _, tid := range running[:min(len(running), maxRunning)] {
					calls, err := program.Running(tid)
					if gostack.IsDenied(err) {
						r.barred = true
						return
					}
					if err == nil {
						r.calls[tid] = calls
					}
				}
			})
		}
		return r
	})
	if !ok {
		w.program = nil // still in use there, so not closed
		return nil
	}
	w.barred = r.barred
	return r.calls
}

func (w *walker) close() {
	if w != nil && w.program != nil {
		w.program.Close()
	}
}

// usualCalls returns the calls that a thread was most often found in.
func usualCalls(moments []moment) (usual []gostack.Frame) {
	count, highest := map[string]int{}, 0
	for _, m := range moments {
		if len(m.calls) == 0 {
			continue
		}
		f, _ := own(m.calls)
		if count[f.Function]++; count[f.Function] >= highest {
			usual, highest = m.calls, count[f.Function]
		}
	}
	return usual
}

// stopsTheWorld reports whether a thread was stopping the world whenever its
// calls were looked at, and whether they were.
func stopsTheWorld(moments []moment) (stops, known bool) {
	stops = true
	for _, m := range moments {
		if len(m.calls) == 0 {
			continue
		}
		known = true
		stops = stops && slices.ContainsFunc(m.calls, func(f gostack.Frame) bool {
			return strings.HasPrefix(f.Function, "runtime.stopTheWorld")
		})
	}
	return stops && known, known
}

// own returns the innermost call of the program itself and its index, or the
// innermost of all.
func own(calls []gostack.Frame) (gostack.Frame, int) {
	for i, f := range calls {
		if !inLibrary(f.Function) {
			return f, i
		}
	}
	return calls[0], 0
}

// inLibrary reports whether a function is of the packages through which system
// calls are made, or a stub of cgo.
func inLibrary(function string) bool {
	slash := strings.LastIndexByte(function, '/') + 1
	name, rest, _ := strings.Cut(function[slash:], ".")
	switch pkg := function[:slash] + name; pkg {
	case "runtime", "syscall", "os", "io", "net", "time", "sync", "golang.org/x/sys/unix":
		return true
	default:
		return strings.HasPrefix(pkg, "runtime/") || strings.HasPrefix(pkg, "internal/") || strings.HasPrefix(rest, "_Cfunc_")
	}
}

// What threads do that run none of the program's functions.
var chores = []struct{ function, what string }{
	{"runtime.stopTheWorldWithSema", "stops the world"},
	{"runtime.sysmon", "the runtime's monitor"},
	{"runtime.findRunnable", "waits for a goroutine to run"},
	{"runtime.stopm", "waits for a goroutine to run"},
	{"runtime.templateThread", "waits for threads to start"},
	{"runtime.gcBgMarkWorker", "collects garbage"},
	{"runtime.gcDrain", "collects garbage"},
}

// shown describes the calls of a thread in one line.
func shown(calls []gostack.Frame) string {
	f, i := own(calls)
	if inLibrary(f.Function) {
		for _, c := range chores {
			if at := slices.IndexFunc(calls, func(f gostack.Frame) bool { return f.Function == c.function }); at > 0 {
				return fmt.Sprintf("%s .. %s: %s", brieflyAt(calls[0]), c.function, c.what)
			} else if at == 0 {
				return fmt.Sprintf("%s: %s", brieflyAt(calls[0]), c.what)
			}
		}
	}
	const max = 4
	var b strings.Builder
	if i > 0 {
		fmt.Fprintf(&b, "%s ", calls[0].Function)
		if i > 1 {
			b.WriteString(".. ")
		}
		b.WriteString("< ")
	}
	b.WriteString(fullyAt(f))
	for n, f := range calls[i+1:] {
		if n == max {
			b.WriteString(" ..")
			break
		}
		if f.Function == "runtime.goexit" || f.Function == "runtime.main" {
			break
		}
		fmt.Fprintf(&b, " < %s", brieflyAt(f))
	}
	return b.String()
}

func fullyAt(f gostack.Frame) string { return fmt.Sprintf("%s (%s:%d)", f.Function, f.File, f.Line) }

func brieflyAt(f gostack.Frame) string {
	return fmt.Sprintf("%s (%s:%d)", f.Function, path.Base(f.File), f.Line)
}

// places says where some threads are, in sentences for the diagnosis.
func places(threads []thread) string {
	const max = 3
	var b strings.Builder
	for _, t := range threads[:min(len(threads), max)] {
		if len(t.calls) > 0 {
			f, _ := own(t.calls)
			fmt.Fprintf(&b, "Thread %d is at %s. ", t.tid, fullyAt(f))
		}
	}
	return b.String()
}
