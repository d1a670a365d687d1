package stackdump

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-manhole/lazy/internal/order"
	"github.com/go-manhole/lazy/internal/parked"
)

// Waited is an object that goroutines of a group wait for.
type Waited struct {
	Addr  uint64
	Count int // goroutines of the group that wait for it
}

// Object returns the address of what the goroutine IDs[i] waits for, or 0 if it is
// not known: of a sync.Mutex, RWMutex, WaitGroup or Cond, or of the poll.FD of a
// descriptor in "IO wait" and "syscall". In a system call without a poll.FD it is the
// descriptor itself (see MaxDescriptor). The text of the runtime has them as the
// arguments of functions. Channels, and an RWMutex unless a writer waits for another, are known
// only with Options.Objects, and not of a goroutine that selects among several.
func (g *Group) Object(i int) uint64 {
	if i >= len(g.objects) {
		return 0
	}
	return g.objects[i]
}

// WaitsFor returns the objects that Object has, the most waited for first.
func (g *Group) WaitsFor() []Waited {
	sorted := slices.Clone(g.objects)
	order.Sort(sorted, cmp.Compare)
	var all []Waited
	for _, o := range sorted {
		switch {
		case o == 0:
		case len(all) > 0 && all[len(all)-1].Addr == o:
			all[len(all)-1].Count++
		default:
			all = append(all, Waited{o, 1})
		}
	}
	order.Stable(all, func(a, b Waited) int { return b.Count - a.Count })
	return all
}

// WaitsOn names the kind of what the group waits for: Mutex, RWMutex, WaitGroup,
// Cond, channel, select, descriptor, or semaphore. It is empty if it waits for
// nothing of these.
func (g *Group) WaitsOn() string {
	switch {
	case strings.HasPrefix(g.State, "sync.Mutex") || strings.HasPrefix(g.State, "sync.RWMutex"):
		for _, f := range g.Frames[:min(8, len(g.Frames))] {
			if strings.HasPrefix(f.Func, "sync.(*RWMutex).") {
				return "RWMutex"
			}
		}
		return "Mutex"
	case g.State == "sync.WaitGroup.Wait":
		return "WaitGroup"
	case g.State == "sync.Cond.Wait":
		return "Cond"
	case strings.Contains(g.State, "(nil chan)") || strings.Contains(g.State, "(no cases)"):
		return "" // it waits for nothing that could happen
	case strings.HasPrefix(g.State, "chan "):
		return "channel"
	case strings.HasPrefix(g.State, "select"):
		return "select"
	case g.State == "IO wait", g.State == "syscall" && g.objects != nil:
		return "descriptor"
	case g.State == "semacquire":
		return "semaphore"
	}
	return ""
}

// objectOffsets are the functions whose first argument is, or is that far inside of,
// what the goroutine waits for. Others, such as sync.runtime_SemacquireWaitGroup, no longer
// have theirs by then.
var objectOffsets = map[string]uint64{
	"internal/sync.(*Mutex).lockSlow": 0,
	"sync.(*WaitGroup).Wait":          0,
	"sync.runtime_notifyListWait":     16, // the field notify of sync.Cond
}

// MaxDescriptor is the greatest number that [Group.Object] returns for a descriptor
// itself: that of a system call which was made without a poll.FD. The addresses of
// others are above it.
const MaxDescriptor = 1 << 20

// maxParked bounds how many goroutines the runtime's memory is read for.
const maxParked = 1 << 20

// memoryReader finds what the text does not have.
type memoryReader struct {
	list     []parked.Goroutine
	stack    []uint64
	channels []uint64
}

// object returns what a goroutine waits for, or 0.
func (m *memoryReader) object(id uint64, state string) uint64 {
	var offset uint64
	switch {
	case strings.HasPrefix(state, "chan ") || strings.HasPrefix(state, "select"):
		if all := m.all(id); len(all) == 1 {
			return all[0]
		}
		return 0
	case state == "sync.RWMutex.Lock":
		offset = 8 // its writerSem
	case state == "sync.RWMutex.RLock":
		offset = 12 // its readerSem
	case state == "semacquire":
	default:
		return 0
	}
	p := parked.Find(m.list, id)
	if p == nil {
		return 0
	}
	m.stack = p.Stack(m.stack)
	if a := p.Semaphore(m.stack); a > offset {
		return a - offset
	}
	return 0
}

// all returns the channels that a goroutine waits for. They are valid until the next
// call.
func (m *memoryReader) all(id uint64) []uint64 {
	p := parked.Find(m.list, id)
	if p == nil {
		return nil
	}
	m.channels = p.Channels(m.channels[:0])
	return m.channels
}

var pollFD = []byte("internal/poll.(*FD).")

// object returns the address of what a goroutine waits for that is in this call, or 0.
func object(state string, call []byte) uint64 {
	if state == "running" || state == "runnable" {
		return 0 // it tries, or has got it
	}
	i := bytes.LastIndexByte(call, '(')
	if i < 0 {
		return 0
	}
	if state == "syscall" && (string(call[:i]) == "syscall.Syscall" || string(call[:i]) == "syscall.Syscall6") {
		return descriptorArgument(call[i+1:])
	}
	offset, ok := objectOffsets[string(call[:i])]
	if !ok && !((state == "IO wait" || state == "syscall") && bytes.HasPrefix(call, pollFD)) {
		return 0
	}
	a, known := firstArgument(call[i+1:])
	if !known || a < 4096+offset {
		return 0
	}
	return a - offset
}

// firstArgument parses the first of "0xc000123300, 0x1)". It is not known if there
// is none or a question mark follows it, which means that it may have changed.
func firstArgument(b []byte) (a uint64, known bool) {
	b, ok := bytes.CutPrefix(b, []byte("0x"))
	if !ok {
		return 0, false
	}
	n := bytes.IndexAny(b, ",)")
	if n < 0 {
		return 0, false
	}
	a, err := strconv.ParseUint(string(b[:n]), 16, 64)
	return a, err == nil
}

// waitsForText returns the objects for people: "Mutex 0xc000123300 (51), 0xc000123320".
// descriptor names a descriptor, or is nil.
func (g *Group) waitsForText(descriptor func(*Group, uint64) string) string {
	kind := g.WaitsOn()
	descriptors := kind == "descriptor"
	if descriptors && descriptor == nil {
		return ""
	}
	all := g.WaitsFor()
	var b strings.Builder
	rest, objects := 0, 0
	for i, w := range all {
		name := ""
		if i < 3 {
			if name = "0x" + strconv.FormatUint(w.Addr, 16); descriptors {
				name = descriptor(g, w.Addr)
			}
		}
		if name == "" {
			rest += w.Count
			objects++
			continue
		}
		if b.Len() == 0 {
			b.WriteString(kind + " ")
		} else {
			b.WriteString(", ")
		}
		b.WriteString(name)
		if w.Count != g.Count && (!descriptors || w.Count > 1) {
			b.WriteString(" (" + strconv.Itoa(w.Count) + ")")
		}
	}
	if rest > 0 && b.Len() > 0 {
		b.WriteString(" and " + strconv.Itoa(objects) + " more")
		if rest != objects || !descriptors {
			b.WriteString(" (" + strconv.Itoa(rest) + ")")
		}
	}
	return b.String()
}
