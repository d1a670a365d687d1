package pattern

import (
	"errors"
	"unicode/utf8"
)

// maxProgram bounds a compiled pattern, and so what a character of a text costs.
// maxSteps bounds the work of compiling one, as (((a{0}){1000}){1000}){1000} is
// short when it is compiled.
const (
	maxProgram = 10_000
	maxSteps   = 10 * maxProgram
)

// A node is a part of a pattern.
type node struct {
	kind     byte // 1 (set), a (assertion), & (all of sub), | (one of sub), * (sub[0] at least min times, at most max unless that is -1)
	set      *set
	assert   byte
	sub      []*node
	min, max int
}

// Compile parses a regular expression in the syntax of package regexp.
func Compile(text string) (*Pattern, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("invalid UTF-8 in a regular expression")
	}
	p := parser{rest: text}
	n, err := p.alternatives(0)
	if err == nil && p.rest != "" {
		err = wrong("unexpected )", text)
	}
	if err != nil {
		return nil, err
	}
	if literal, ok := literalOf(n); ok {
		return &Pattern{literal: literal, plain: true}, nil
	}
	c := compiler{}
	c.compile(n)
	c.emit(opMatch)
	if len(c.program) > maxProgram || c.steps > maxSteps {
		return nil, wrong("expression too large", text)
	}
	return &Pattern{program: c.program}, nil
}

// MustCompile is Compile for a pattern that is known to be right.
func MustCompile(text string) *Pattern {
	p, err := Compile(text)
	if err != nil {
		panic(err)
	}
	return p
}

// literalOf returns the only text that matches n, if that is so.
func literalOf(n *node) (string, bool) {
	switch n.kind {
	case '1':
		s := n.set
		if s.fold || s.negate || len(s.parts) != 1 || s.parts[0].negate {
			return "", false
		}
		if r := s.parts[0].ranges; len(r) == 2 && r[0] == r[1] && r[0] != utf8.RuneError {
			return string(r[0]), true
		}
	case '&':
		var all []byte
		for _, sub := range n.sub {
			text, ok := literalOf(sub)
			if !ok {
				return "", false
			}
			all = append(all, text...)
		}
		return string(all), true
	}
	return "", false
}

type compiler struct {
	program []instruction
	steps   int
}

// emit appends an instruction, which goes on at the one after it, and returns its
// place.
//
//go:noinline
func (c *compiler) emit(op operation) int {
	if len(c.program) <= maxProgram {
		c.program = append(c.program, instruction{op: op, x: len(c.program) + 1})
	}
	return len(c.program) - 1
}

// compile appends the instructions for n, which go on at what is appended next.
func (c *compiler) compile(n *node) {
	if c.steps++; len(c.program) > maxProgram || c.steps > maxSteps {
		return
	}
	switch n.kind {
	case '1':
		i := c.emit(opOne)
		c.program[i].set = n.set
	case 'a':
		i := c.emit(opAssert)
		c.program[i].assert = n.assert
	case '&':
		for _, sub := range n.sub {
			c.compile(sub)
		}
	case '|':
		var ends []int
		for i, sub := range n.sub {
			if i == len(n.sub)-1 {
				c.compile(sub)
				break
			}
			fork := c.emit(opEither)
			c.compile(sub)
			ends = append(ends, c.emit(opJump))
			c.program[fork].y = len(c.program)
		}
		for _, i := range ends {
			c.program[i].x = len(c.program)
		}
	case '*':
		for i := 0; i < n.min && c.steps <= maxSteps; i++ {
			c.compile(n.sub[0])
		}
		if n.max < 0 {
			fork := c.emit(opEither)
			c.compile(n.sub[0])
			back := c.emit(opJump)
			c.program[back].x = fork
			c.program[fork].y = len(c.program)
			return
		}
		var forks []int
		for i := n.min; i < n.max && c.steps <= maxSteps; i++ {
			fork := c.emit(opEither)
			forks = append(forks, fork)
			c.compile(n.sub[0])
		}
		for _, fork := range forks {
			c.program[fork].y = len(c.program)
		}
	}
}
