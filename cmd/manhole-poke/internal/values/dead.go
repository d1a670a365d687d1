package values

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/go-delve/delve/pkg/proc"
	"github.com/go-delve/delve/pkg/proc/linutil"
)

// A dead is a process of which only the memory is there, as Delve wants a
// process. Nothing is traced, so nothing can be left traced or stopped.
//
// Delve calls no other methods of a process that does not run; those of the
// interfaces that are embedded would panic, and [Program.guard] recovers.
type dead struct {
	proc.ProcessInternal
	memory      *memory
	info        *proc.BinaryInfo
	entry       uint64
	breakpoints proc.BreakpointMap
	thread      thread
}

// newDead returns a process. As if it was attached to, Delve asks no server for
// its symbols.
func newDead(m *memory, arch string, auxv []byte) *dead {
	d := &dead{memory: m, info: proc.NewBinaryInfo("linux", arch, true), breakpoints: proc.NewBreakpointMap()}
	d.entry = linutil.EntryPointFromAuxv(auxv, d.info.Arch.PtrSize())
	d.thread.of = d
	return d
}

var errStandsStill = errors.New("a copy stands still, and is not changed")

func (d *dead) BinInfo() *proc.BinaryInfo                 { return d.info }
func (d *dead) EntryPoint() (uint64, error)               { return d.entry, nil }
func (d *dead) FindThread(id int) (proc.Thread, bool)     { return &d.thread, id == threadID }
func (d *dead) ThreadList() []proc.Thread                 { return []proc.Thread{&d.thread} }
func (d *dead) Breakpoints() *proc.BreakpointMap          { return &d.breakpoints }
func (d *dead) Memory() proc.MemoryReadWriter             { return d.memory }
func (d *dead) Valid() (bool, error)                      { return true, nil }
func (d *dead) WriteBreakpoint(*proc.Breakpoint) error    { return errStandsStill }
func (d *dead) EraseBreakpoint(*proc.Breakpoint) error    { return errStandsStill }
func (d *dead) SupportsBPF() bool                         { return false }
func (d *dead) MemoryMap() ([]proc.MemoryMapEntry, error) { return nil, proc.ErrMemoryMapNotSupported }
func (d *dead) StartCallInjection() (func(), error)       { return nil, errStandsStill }
func (d *dead) ContinueOnce(*proc.ContinueOnceContext) (proc.Thread, proc.StopReason, error) {
	return nil, proc.StopUnknown, errStandsStill
}
func (d *dead) StepInstruction(int) error { return errStandsStill }
func (d *dead) Detach(int, bool) error    { return nil }
func (d *dead) Close() error              { return nil }

// A thread has no registers, unless they are known by other means: the one that
// the copy has belongs to no goroutine that is of interest, and those of the
// others are in the memory.
type thread struct {
	proc.Thread
	of     *dead
	common proc.CommonThread
	regs   proc.Registers // or nil
}

const threadID = 1

func (t *thread) ThreadID() int                     { return threadID }
func (t *thread) Breakpoint() *proc.BreakpointState { return &proc.BreakpointState{} }
func (t *thread) Registers() (proc.Registers, error) {
	if t.regs != nil {
		return t.regs, nil
	}
	return nil, errors.New("a copy has no running threads")
}
func (t *thread) BinInfo() *proc.BinaryInfo            { return t.of.info }
func (t *thread) ProcessMemory() proc.MemoryReadWriter { return t.of.memory }
func (t *thread) Common() *proc.CommonThread           { return &t.common }
func (t *thread) SetCurrentBreakpoint(bool) error      { return nil }
func (t *thread) SoftExc() bool                        { return false }

// A memory is what Delve reads. What it holds is anybody's, and a map or a list
// in it may have no end: so only so much can be read for one question.
type memory struct {
	read func(p []byte, addr uint64) (int, error)

	left    atomic.Int64 // bytes
	stopped atomic.Bool

	// A few pages that were read last: most reads are of a few bytes.
	mu    sync.Mutex
	pages map[uint64][]byte
}

const (
	pageSize = 4 << 10
	maxPages = 4 << 10
	perRead  = 64 // bytes that a read counts at least
	maxRead  = 256 << 20
)

var (
	errTooMuch = errors.New("too much to read; ask for less: a part of it, or less with -depth and -len")
	errStopped = errors.New("interrupted")
)

// allow begins a question.
func (m *memory) allow() {
	m.left.Store(maxRead)
	m.stopped.Store(false)
}

func (m *memory) ReadMemory(p []byte, addr uint64) (int, error) {
	switch {
	case m.stopped.Load():
		return 0, errStopped
	case m.left.Add(-int64(max(len(p), perRead))) < 0:
		return 0, errTooMuch
	case len(p) == 0:
		return 0, nil
	}
	if offset := addr % pageSize; offset+uint64(len(p)) <= pageSize {
		if page := m.page(addr - offset); page != nil {
			return copy(p, page[offset:]), nil
		}
	}
	n, err := m.read(p, addr)
	if err == nil && n < len(p) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		err = errors.New("not mapped, or not in the core file")
	}
	return n, err
}

// page returns a page, or nil if it cannot be read as a whole.
func (m *memory) page(addr uint64) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if page, ok := m.pages[addr]; ok {
		return page
	}
	if m.pages == nil || len(m.pages) >= maxPages {
		m.pages = map[uint64][]byte{}
	}
	page := make([]byte, pageSize)
	if n, err := m.read(page, addr); err != nil || n < pageSize {
		page = nil
	}
	m.pages[addr] = page
	return page
}

func (m *memory) WriteMemory(uint64, []byte) (int, error) { return 0, errStandsStill }
