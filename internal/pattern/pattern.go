// Package pattern matches regular expressions as package regexp does. It reports
// only whether there is a match, and knows no classes of Unicode (\p), so it adds
// a tenth of what regexp does to a program.
package pattern

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Pattern is a compiled regular expression. It may be used concurrently.
type Pattern struct {
	program []instruction
	literal string // if this is all that it looks for
	plain   bool   // whether it is
}

// An operation is what an instruction does.
type operation uint8

const (
	opOne    operation = iota // takes a character of set
	opAssert                  // goes on if assertion holds
	opEither                  // goes on at x and at y
	opJump                    // goes on at x
	opMatch
)

type instruction struct {
	op     operation
	assert byte // ^ $ (of the text), m M (of a line), b B
	set    *set
	x, y   int
}

// A set is what a character class or a single character stands for.
type set struct {
	parts  []part
	negate bool
	fold   bool // lower and upper case are the same
}

// A part is pairs of the first and the last character of a range.
type part struct {
	ranges []rune
	negate bool
}

func (s *set) has(r rune) bool {
	for i := range s.parts {
		if p := &s.parts[i]; p.has(r, s.fold) != p.negate {
			return !s.negate
		}
	}
	return s.negate
}

func (p *part) has(r rune, fold bool) bool {
	for c := r; ; {
		for i := 0; i < len(p.ranges); i += 2 {
			if p.ranges[i] <= c && c <= p.ranges[i+1] {
				return true
			}
		}
		if !fold {
			return false
		}
		if c = unicode.SimpleFold(c); c == r {
			return false
		}
	}
}

// MatchString reports whether s has a match. It takes time in proportion to the
// lengths of s and of the pattern. A nil Pattern matches everything.
func (p *Pattern) MatchString(s string) bool {
	if p == nil {
		return true
	}
	if p.plain {
		return strings.Contains(s, p.literal)
	}
	n := len(p.program)
	var room [600]uint16
	space := room[:]
	if 4*n+1 > len(room) {
		space = make([]uint16, 4*n+1)
	}
	// In now and next are the instructions to go on with, and in place where in
	// there an instruction is; stack has one entry more than there are.
	m := matcher{program: p.program, place: space[:n], stack: space[3*n : 3*n : 4*n+1]}
	now, next := space[n:n:2*n], space[2*n:2*n:3*n]
	before, at := rune(-1), 0
	for {
		after, width := rune(-1), 0
		if at < len(s) {
			after, width = utf8.DecodeRuneInString(s[at:])
		}
		var matched bool
		if now, matched = m.add(now, 0, before, after); matched {
			return true
		}
		if width == 0 {
			return false
		}
		at += width
		following := rune(-1)
		if at < len(s) {
			following, _ = utf8.DecodeRuneInString(s[at:])
		}
		next = next[:0]
		for _, i := range now {
			in := &p.program[i]
			if in.op != opOne || !in.set.has(after) {
				continue
			}
			if next, matched = m.add(next, in.x, after, following); matched {
				return true
			}
		}
		now, next = next, now
		before = after
	}
}

type matcher struct {
	program []instruction
	place   []uint16
	stack   []uint16
}

// add adds to list the instruction at pc and those that follow it without taking a
// character, between the characters before and after (-1 is none).
func (m *matcher) add(list []uint16, pc int, before, after rune) ([]uint16, bool) {
	m.stack = append(m.stack[:0], uint16(pc))
	for len(m.stack) > 0 {
		i := m.stack[len(m.stack)-1]
		m.stack = m.stack[:len(m.stack)-1]
		if at := int(m.place[i]); at < len(list) && list[at] == i {
			continue
		}
		m.place[i] = uint16(len(list))
		list = append(list, i)
		switch in := &m.program[i]; in.op {
		case opMatch:
			return list, true
		case opJump:
			m.stack = append(m.stack, uint16(in.x))
		case opEither:
			m.stack = append(m.stack, uint16(in.x), uint16(in.y))
		case opAssert:
			if holds(in.assert, before, after) {
				m.stack = append(m.stack, uint16(in.x))
			}
		}
	}
	return list, false
}

func holds(assert byte, before, after rune) bool {
	switch assert {
	case '^':
		return before < 0
	case '$':
		return after < 0
	case 'm':
		return before < 0 || before == '\n'
	case 'M':
		return after < 0 || after == '\n'
	}
	return (word(before) != word(after)) == (assert == 'b')
}

func word(r rune) bool {
	return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

// Quote returns a pattern that matches the text literally, as regexp.QuoteMeta
// does.
func Quote(text string) string {
	var quoted strings.Builder
	for i := range len(text) {
		if strings.IndexByte(`\.+*?()|[]{}^$`, text[i]) >= 0 {
			quoted.WriteByte('\\')
		}
		quoted.WriteByte(text[i])
	}
	return quoted.String()
}
