package corefile

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"syscall"
)

const (
	headerSize  = 64
	programSize = 56
	sectionSize = 64
	manyHeaders = 0xffff // PN_XNUM, elf(5)
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

// headers returns everything before the memory.
func (c *core) headers(text []byte) []byte {
	n := len(c.parts) + 1
	h := elf.Header64{
		Type: uint16(elf.ET_CORE), Machine: machine(), Version: uint32(elf.EV_CURRENT),
		Phoff: headerSize, Ehsize: headerSize, Phentsize: programSize, Phnum: uint16(min(n, manyHeaders)),
	}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	at := uint64(headerSize + n*programSize)
	if n >= manyHeaders {
		h.Shoff, h.Shentsize, h.Shnum = at, sectionSize, 1
		at += sectionSize
	}
	var b bytes.Buffer
	put := func(v any) { binary.Write(&b, binary.LittleEndian, v) } // cannot fail
	put(h)
	put(elf.Prog64{Type: uint32(elf.PT_NOTE), Off: at, Filesz: uint64(len(text)), Align: 4})
	at = (at + uint64(len(text)) + c.pageSize - 1) / c.pageSize * c.pageSize
	zeros := at // the first thing after the headers
	at += c.zeros
	for _, p := range c.parts {
		s := elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: p.flags, Vaddr: p.start, Memsz: p.end - p.start, Align: c.pageSize, Off: at}
		switch {
		case p.zero:
			s.Off, s.Filesz = zeros, s.Memsz
		case p.file:
			s.Filesz = s.Memsz
			at += s.Filesz
		}
		put(s)
	}
	if n >= manyHeaders {
		put(elf.Section64{Info: uint32(n)})
	}
	b.Write(text)
	b.Write(make([]byte, zeros-uint64(b.Len())))
	c.size = int64(at)
	return b.Bytes()
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

func machine() uint16 {
	if runtime.GOARCH == "arm64" {
		return uint16(elf.EM_AARCH64)
	}
	return uint16(elf.EM_X86_64)
}
