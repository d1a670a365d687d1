package corefile

import (
	"context"
	"encoding/binary"
	"io"
)

// A run is memory that a debugger can read.
type run struct {
	start, end uint64
	zero       bool // it is all zeros
}

// Bits of an entry of /proc/PID/pagemap, see
// Documentation/admin-guide/mm/pagemap.rst in the kernel's source.
const (
	pagePresent = 1 << 63
	pageSwapped = 1 << 62
	pageOfFile  = 1 << 61 // or of shared memory
)

// A pageMap says which pages of a process hold what.
type pageMap struct {
	ctx      context.Context
	file     io.ReaderAt // nil: not known
	pageSize uint64
	buf      []byte
	limit    int // join runs when there are more
}

// runs appends what of m belongs into the file.
func (p *pageMap) runs(all []run, m mapping) []run {
	if m.file == "[vdso]" { // whose pages are the kernel's
		return append(all, run{m.start, m.end, false})
	}
	if p.file == nil {
		if m.inode && m.flags&pfWrite == 0 {
			return all
		}
		return append(all, run{m.start, m.end, false})
	}
	if m.empty && !m.inode {
		return append(all, run{m.start, m.end, true})
	}
	if p.buf == nil {
		p.buf = make([]byte, 64<<10)
	}
	for at := m.start; at < m.end && p.ctx.Err() == nil; {
		pages := min((m.end-at)/p.pageSize, uint64(len(p.buf)/8))
		n, err := p.file.ReadAt(p.buf[:pages*8], int64(at/p.pageSize*8))
		if n < int(pages*8) {
			if err == nil || n < 8 {
				return append(all, run{at, m.end, false}) // not known from here on
			}
			pages = uint64(n / 8)
		}
		for i := range pages {
			all = m.add(all, at+i*p.pageSize, p.pageSize, binary.NativeEndian.Uint64(p.buf[i*8:]))
		}
		at += pages * p.pageSize
		if len(all) > max(p.limit, minLimit) {
			all = join(all)
			p.limit = 2 * len(all)
		}
	}
	return all
}

// minLimit bounds the memory that many runs take before they are joined.
const minLimit = 8 * maxRuns

// add adds a page.
func (m mapping) add(all []run, at, size, entry uint64) []run {
	has := entry&(pagePresent|pageSwapped) != 0
	next := run{at, at + size, false}
	switch {
	case m.inode && !m.shared && (!has || entry&pageOfFile != 0) && m.flags&pfWrite == 0:
		// The file has it. Its first page says which file it is.
		if m.offset != 0 || at != m.start || !has {
			return all
		}
	case m.inode && !m.shared && !has:
		return all
	case !has && m.shared:
		// Another process may have written it.
	case !has:
		next.zero = true
	}
	if n := len(all); n > 0 && all[n-1].end == at && all[n-1].start >= m.start && all[n-1].zero == next.zero {
		all[n-1].end = next.end
		return all
	}
	return append(all, next)
}

// maxRuns is how many parts the file should have at most: debuggers look through
// all of them for each.
const maxRuns = 4096

// join makes runs of zeros part of their neighbours, the smallest first, until
// there are not too many. It uses the memory of all.
func join(all []run) []run {
	for gap := uint64(64 << 10); ; gap *= 2 {
		joined := all[:0]
		for i, r := range all {
			n := len(joined)
			follows := n > 0 && joined[n-1].end == r.start
			small := r.zero && r.end-r.start <= gap
			between := i+1 < len(all) && all[i+1].start == r.end && !all[i+1].zero
			if follows && (joined[n-1].zero == r.zero || !joined[n-1].zero && small && between) {
				joined[n-1].end = r.end
			} else {
				joined = append(joined, r)
			}
		}
		all = joined
		if len(all) <= maxRuns || gap > 64<<20 {
			return all
		}
	}
}

// The block of zeros in the file is as large as it takes to have at most maxRuns
// parts of the memory point there, within limits. What is more than that is left
// out.
const (
	minZeros = 1 << 20
	maxZeros = 64 << 20
)

// split splits runs of zeros into parts of at most block bytes.
func split(all []run) (parts []run, block uint64) {
	zeros := uint64(0)
	for _, r := range all {
		if r.zero {
			zeros += r.end - r.start
		}
	}
	if zeros == 0 {
		return all, 0
	}
	for block = minZeros; block < maxZeros && zeros/block > maxRuns; block *= 2 {
	}
	left := maxRuns + len(all)
	for _, r := range all {
		for ; r.zero && r.end-r.start > block && left > 0; left-- {
			parts = append(parts, run{r.start, r.start + block, true})
			r.start += block
		}
		if !r.zero || r.end-r.start <= block {
			parts = append(parts, r)
		}
	}
	return parts, block
}
