package corefile

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

const (
	headerSize  = 64
	programSize = 56
	sectionSize = 64
	manyHeaders = 0xffff // PN_XNUM, elf(5)
	ptLoad      = 1
	ptNote      = 4
	chunk       = 256 << 10
)

// Write writes a core file of p to w. progress, if not nil, is called now and
// then with how many bytes are written, of how many. It needs as much memory as
// the lists of mappings and files take, and a buffer of 256 KiB.
func Write(ctx context.Context, w io.Writer, p Process, progress func(done, all int64)) error {
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", p.PID))
	if err != nil {
		return cannotRead(err)
	}
	defer mem.Close()
	maps, err := mappings(p.PID)
	if err != nil {
		return cannotRead(err)
	}
	pages := &pageMap{ctx: ctx, pageSize: uint64(os.Getpagesize())}
	if f, err := os.Open(fmt.Sprintf("/proc/%d/pagemap", p.PID)); err == nil {
		defer f.Close()
		pages.file = f
	} else if outOfFiles(err) { // without it all memory that could be used would be written
		return cannotRead(err)
	}
	text, err := notes(p, maps, pages.pageSize)
	if err != nil {
		return cannotRead(err)
	}
	c := layOut(maps, pages, text)
	if err := ctx.Err(); err != nil {
		return err
	}
	out := &counter{w: w, all: c.size, progress: progress}
	if _, err := out.Write(c.head); err != nil {
		return err
	}
	return c.writeMemory(out, mem)
}

func cannotRead(err error) error {
	hint := ""
	switch {
	case outOfFiles(err):
		hint = "; a core file takes three descriptors: close some, or raise RLIMIT_NOFILE"
	case errors.Is(err, fs.ErrPermission):
		hint = "; does a security module (such as Yama with ptrace_scope 2) forbid it"
	}
	return fmt.Errorf("the memory of the copy cannot be read: %w%s", err, hint)
}

func outOfFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

func mappings(pid int) ([]mapping, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/smaps", pid))
	if errors.Is(err, fs.ErrNotExist) { // CONFIG_PROC_PAGE_MONITOR
		f, err = os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readMaps(f)
}

// A core is a file that is to be written.
type core struct {
	head     []byte // headers and notes
	parts    []part
	zeros    uint64 // size of the block of zeros
	size     int64
	pageSize uint64
}

// A part is a segment of the file.
type part struct {
	run
	flags uint32
	file  bool // its contents are in the file
}

// layOut decides what is where.
func layOut(maps []mapping, pages *pageMap, text []byte) *core {
	c := &core{pageSize: pages.pageSize}
	var runs []run
	for _, m := range maps {
		if m.wanted() {
			runs = pages.runs(runs, m)
		}
	}
	runs, c.zeros = split(join(runs))
	for _, m := range maps {
		at := m.start
		rest := func(to uint64) {
			if at < to {
				c.parts = append(c.parts, part{run{at, to, false}, m.flags, false})
			}
		}
		for len(runs) > 0 && runs[0].start < m.end {
			r := runs[0]
			r.end = min(r.end, m.end) // two mappings may have been joined
			rest(r.start)
			c.parts = append(c.parts, part{r, m.flags, true})
			if at = r.end; runs[0].end > m.end {
				runs[0].start = m.end
				break
			}
			runs = runs[1:]
		}
		rest(m.end)
	}
	c.head = c.headers(text)
	return c
}

// headers returns everything before the memory: the headers of elf(5), and notes.
func (c *core) headers(text []byte) []byte {
	n := len(c.parts) + 1
	at := uint64(headerSize + n*programSize)
	sections := uint64(0)
	if n >= manyHeaders {
		sections = at
		at += sectionSize
	}
	b := make([]byte, 0, at+uint64(len(text))+c.pageSize)
	b = append(b, "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"...) // 64 bits, little endian
	const etCore, version = 4, 1
	b = words(b,
		etCore|machine<<16|version<<32, 0, headerSize, sections,
		headerSize<<32|programSize<<48, uint64(min(n, manyHeaders))|sectionSize<<16|min(sections, 1)<<32)

	b = words(b, ptNote, at, 0, 0, uint64(len(text)), 0, 4)
	at = (at + uint64(len(text)) + c.pageSize - 1) / c.pageSize * c.pageSize
	zeros := at // the first thing after the headers
	at += c.zeros
	for _, p := range c.parts {
		size := p.end - p.start
		offset, inFile := at, size
		switch {
		case p.zero:
			offset = zeros
		case p.file:
			at += size
		default:
			inFile = 0
		}
		b = words(b, ptLoad|uint64(p.flags)<<32, offset, p.start, 0, inFile, size, c.pageSize)
	}
	if sections > 0 { // one, for the number of segments
		b = words(b, 0, 0, 0, 0, 0, uint64(n)<<32, 0, 0)
	}
	b = append(b, text...)
	c.size = int64(at)
	return append(b, make([]byte, zeros-uint64(len(b)))...)
}

// words appends values.
func words(b []byte, values ...uint64) []byte {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return b
}

// writeMemory writes the contents of the segments. What cannot be read, such as
// shared memory beyond the end of its file, is zero.
func (c *core) writeMemory(w io.Writer, mem io.ReaderAt) error {
	buf := make([]byte, chunk)
	for left := c.zeros; left > 0; left -= min(left, chunk) {
		if _, err := w.Write(buf[:min(left, chunk)]); err != nil {
			return err
		}
	}
	for _, p := range c.parts {
		if !p.file || p.zero {
			continue
		}
		for at := p.start; at < p.end; {
			b := buf[:min(p.end-at, chunk)]
			n, err := mem.ReadAt(b, int64(at))
			if err != nil {
				n = n / int(c.pageSize) * int(c.pageSize)
				if n == 0 {
					b = b[:c.pageSize]
					clear(b)
					n = len(b)
				}
			}
			if _, err := w.Write(b[:n]); err != nil {
				return err
			}
			at += uint64(n)
		}
	}
	return nil
}

// A counter reports progress for each part that it passes on.
type counter struct {
	w         io.Writer
	done, all int64
	progress  func(done, all int64)
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.done += int64(n)
	if c.progress != nil {
		c.progress(c.done, c.all)
	}
	return n, err
}
