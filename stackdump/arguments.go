package stackdump

import (
	"bytes"
	"strconv"
)

// parseArguments calls goroutine with the id of each in a text of runtime.Stack, and
// what that returns, unless it is nil, with each argument of its calls that is a
// number and known: a question mark means that it may have changed. With cut set the
// last goroutine may not be whole.
func parseArguments(text []byte, cut bool, goroutine func(id uint64) func(name string, argument uint64)) {
	p := newTextParser()
	for len(text) > 0 {
		var block []byte
		if i := bytes.Index(text, []byte("\n\n")); i >= 0 {
			block, text = text[:i], text[i+2:]
		} else if cut {
			return
		} else {
			block, text = text, nil
		}
		line, rest, _ := bytes.Cut(bytes.TrimLeft(block, "\n"), []byte("\n"))
		p.r = record{labels: p.r.labels[:0]}
		if !p.header(line) {
			continue
		}
		visit := goroutine(p.r.id)
		for visit != nil && len(rest) > 0 {
			line, rest, _ = bytes.Cut(rest, []byte("\n"))
			if len(line) == 0 || line[0] == '\t' {
				continue
			}
			if line[0] == '[' || bytes.HasPrefix(line, []byte("created by ")) {
				break
			}
			if i := bytes.LastIndexByte(line, '('); i > 0 {
				arguments(line[i+1:], func(v uint64) { visit(p.intern(line[:i]), v) })
			}
		}
	}
}

// arguments calls visit with the known ones of "0xc000123300, {0x5, 0x1?}, ...)".
func arguments(b []byte, visit func(uint64)) {
	for {
		i := bytes.Index(b, []byte("0x"))
		if i < 0 {
			return
		}
		b = b[i+2:]
		n := 0
		for n < len(b) && ('0' <= b[n] && b[n] <= '9' || 'a' <= b[n] && b[n] <= 'f') {
			n++
		}
		if n < len(b) && b[n] != '?' {
			if v, err := strconv.ParseUint(string(b[:n]), 16, 64); err == nil && v >= 4096 {
				visit(v)
			}
		}
		b = b[n:]
	}
}
