package stackdump

import (
	"bytes"
	"strconv"
	"strings"
)

// textParser reads what runtime.Stack writes:
//
//	goroutine 18 [chan receive, 5 minutes, locked to thread]:
//	main.(*queue).take(0xc000012345)
//		/src/queue.go:12 +0x1d
//	...3 frames elided...
//	created by main.start in goroutine 1
//		/src/main.go:34 +0x56
//
// and a blank line between goroutines. Labels stand inside the brackets in Go
// 1.26 (` labels:{"k": "v"}`) and after them since Go 1.27 (` {k: v}`).
type textParser struct {
	strings map[string]string
	r       record

	wantArgs bool // in r.args
}

func newTextParser() *textParser { return &textParser{strings: map[string]string{}} }

var goroutineWord = []byte("goroutine ")

// parse calls visit with one record for each goroutine in text until it returns
// false. With cut set the text may end anywhere, so that its last goroutine is
// not whole and is not visited.
func (p *textParser) parse(text []byte, cut bool, visit func(*record) bool) {
	if p.wantArgs {
		p.r.args = make([]byte, 0, 1024) // not nil
	}
	for len(text) > 0 {
		var block []byte
		if i := bytes.Index(text, []byte("\n\n")); i >= 0 {
			block, text = text[:i], text[i+2:]
		} else if cut {
			return
		} else {
			block, text = text, nil
		}
		if p.goroutine(block) && !visit(&p.r) {
			return
		}
	}
}

// goroutine parses one goroutine into p.r and reports whether it is one.
func (p *textParser) goroutine(block []byte) bool {
	p.r = record{count: 1, frames: p.r.frames[:0], labels: p.r.labels[:0], args: p.r.args[:0]}
	line, rest, _ := bytes.Cut(bytes.TrimLeft(block, "\n"), []byte("\n"))
	if !p.header(line) {
		return false
	}
	created := false
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		switch {
		case len(line) == 0:
		case line[0] == '\t':
			if created {
				p.place(line[1:], &p.r.by)
			} else if n := len(p.r.frames); n > 0 {
				p.place(line[1:], &p.r.frames[n-1])
			} else {
				// "goroutine running on other thread; stack unavailable"
				p.r.frames = append(p.r.frames, Frame{Func: p.intern(line[1:])})
				if p.wantArgs {
					p.r.args = append(p.r.args, '\n')
				}
			}
		case line[0] == '[':
			// "[originating from goroutine 5]:" and that one's stack follow
			// if GODEBUG has tracebackancestors.
			p.ancestors(line, rest)
			return true
		case bytes.HasPrefix(line, []byte("created by ")):
			created = true
			by := line[len("created by "):]
			if i := bytes.LastIndex(by, []byte(" in goroutine ")); i >= 0 {
				p.r.parent, _ = strconv.ParseUint(string(by[i+len(" in goroutine "):]), 10, 64)
				by = by[:i]
			}
			p.r.by.Func = p.intern(by)
		default:
			var arguments []byte
			if p.r.object == 0 {
				p.r.object = object(p.r.state, line)
			}
			if line[len(line)-1] == ')' {
				if i := bytes.LastIndexByte(line, '('); i > 0 {
					arguments, line = line[i:], line[:i]
				}
			}
			p.r.frames = append(p.r.frames, Frame{Func: p.intern(line)})
			if p.wantArgs {
				p.r.args = append(append(p.r.args, arguments...), '\n')
			}
		}
	}
	return true
}

// header parses "goroutine 1 gp=0xc000002380 m=0 mp=0x5d4a0 [running, 2 minutes]:".
func (p *textParser) header(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, goroutineWord)
	if !ok {
		return false
	}
	n := 0
	for n < len(rest) && '0' <= rest[n] && rest[n] <= '9' {
		n++
	}
	id, err := strconv.ParseUint(string(rest[:n]), 10, 64)
	if err != nil {
		return false
	}
	p.r.id = id
	i := bytes.IndexByte(rest, '[')
	if i < 0 {
		return false
	}
	rest = rest[i+1:]

	n = bytes.IndexAny(rest, ",]")
	if i := bytes.Index(rest, []byte(" labels:{")); i >= 0 && (n < 0 || i < n) {
		n = i
	}
	if n < 0 {
		return false
	}
	p.r.state = p.intern(bytes.TrimSuffix(rest[:n], []byte(" (scan)")))
	rest = rest[n:]
	for {
		if r, ok := bytes.CutPrefix(rest, []byte(", ")); ok {
			n := bytes.IndexAny(r, ",]")
			if i := bytes.Index(r, []byte(" labels:{")); i >= 0 && (n < 0 || i < n) {
				n = i
			}
			if n < 0 {
				return false
			}
			word := r[:n]
			if minutes, ok := bytes.CutSuffix(word, []byte(" minutes")); ok {
				m, err := strconv.ParseUint(string(minutes), 10, 31)
				if err == nil {
					p.r.wait = int32(m)
				}
			} else if string(word) == "locked to thread" {
				p.r.locked = true
			} // else "synctest bubble 3", or what a later release adds
			rest = r[n:]
		} else if r, ok := bytes.CutPrefix(rest, []byte(" labels:{")); ok {
			p.r.labels, rest = p.labelList(r)
		} else {
			break
		}
	}
	if r, ok := bytes.CutPrefix(rest, []byte("] {")); ok {
		p.r.labels, rest = p.labelList(r)
		return len(rest) > 0
	}
	return bytes.HasPrefix(rest, []byte("]"))
}

// labelList parses what follows the opening brace.
func (p *textParser) labelList(b []byte) (labels []Label, rest []byte) {
	labels, rest = parseLabels(p.r.labels[:0], b)
	for i := range labels {
		labels[i].Key, labels[i].Value = p.internString(labels[i].Key), p.internString(labels[i].Value)
	}
	return labels, rest
}

// place parses "/src/main.go:34 +0x56".
func (p *textParser) place(line []byte, f *Frame) {
	if i := bytes.LastIndex(line, []byte(" +0x")); i >= 0 {
		line = line[:i]
	}
	i := bytes.LastIndexByte(line, ':')
	if i < 0 {
		return
	}
	n, err := strconv.ParseUint(string(line[i+1:]), 10, 31)
	if err != nil {
		return
	}
	f.File, f.Line = p.intern(line[:i]), int(n)
}

// intern makes a string of b once only: the same few functions and files fill
// the whole text.
func (p *textParser) intern(b []byte) string {
	if s, ok := p.strings[string(b)]; ok {
		return s
	}
	return p.internString(string(b))
}

func (p *textParser) internString(s string) string {
	if known, ok := p.strings[s]; ok {
		return known
	}
	if len(p.strings) < 1<<20 {
		s = strings.Clone(s)
		p.strings[s] = s
	}
	return s
}

// parseLabels appends the labels in b, which starts behind the opening brace, and
// returns what follows the closing one. Each is `key:value`, either of them quoted as
// by strconv.Quote or a bare word. It stops at the first thing it cannot read.
func parseLabels(labels []Label, b []byte) ([]Label, []byte) {
	for len(b) > 0 && b[0] != '}' {
		key, rest, ok := parseWord(b, ':')
		if !ok {
			return labels, nil
		}
		rest = bytes.TrimPrefix(rest[1:], []byte(" "))
		value, rest, ok := parseWord(rest, ',')
		if !ok {
			return labels, nil
		}
		labels = append(labels, Label{key, value})
		b = bytes.TrimPrefix(rest, []byte(", "))
	}
	return labels, bytes.TrimPrefix(b, []byte("}"))
}

// parseWord reads a quoted string or the bare word up to end or a closing brace,
// which must follow in either case.
func parseWord(b []byte, end byte) (word string, rest []byte, ok bool) {
	if len(b) == 0 {
		return "", nil, false
	}
	n := 0
	if b[0] == '"' {
		quoted, err := strconv.QuotedPrefix(string(quotedPart(b)))
		if err != nil {
			return "", nil, false
		}
		if word, err = strconv.Unquote(quoted); err != nil {
			return "", nil, false
		}
		n = len(quoted)
	} else {
		n = bytes.IndexFunc(b, func(r rune) bool { return r == rune(end) || r == '}' })
		if n < 0 {
			return "", nil, false
		}
		word = string(b[:n])
	}
	rest = b[n:]
	if len(rest) == 0 || rest[0] != end && (end == ':' || rest[0] != '}') {
		return "", nil, false
	}
	return word, rest, true
}

// quotedPart returns the quoted string at the start of b, so that not all that
// follows is copied for each label.
func quotedPart(b []byte) []byte {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return b[:i+1]
		}
	}
	return b
}
