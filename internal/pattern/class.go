package pattern

import (
	"strconv"
	"strings"
	"unicode"
)

// names are the classes with a name, as pairs of characters.
var names = []struct{ name, ranges string }{
	{"alnum", "09AZaz"}, {"alpha", "AZaz"}, {"ascii", "\x00\x7f"}, {"blank", "\t\t  "},
	{"cntrl", "\x00\x1f\x7f\x7f"}, {"digit", "09"}, {"graph", "!~"}, {"lower", "az"},
	{"print", " ~"}, {"punct", "!/:@[`{~"}, {"space", "\t\r  "}, {"upper", "AZ"},
	{"word", "09AZaz__"}, {"xdigit", "09AFaf"},
}

// perl parses \d, \s, \w and their opposites.
func (p *parser) perl() (c part, ok bool) {
	if len(p.rest) < 2 || p.rest[0] != '\\' {
		return c, false
	}
	switch p.rest[1] | 0x20 {
	case 'd':
		c.ranges = []rune("09")
	case 's':
		c.ranges = []rune("\t\n\f\r  ")
	case 'w':
		c.ranges = []rune("09AZaz__")
	default:
		return c, false
	}
	if p.rest[1] != 'd' && p.rest[1] != 's' && p.rest[1] != 'w' {
		if p.rest[1] < 'A' || p.rest[1] > 'Z' {
			return c, false
		}
		c.negate = true
	}
	p.rest = p.rest[2:]
	return c, true
}

// class parses [...].
func (p *parser) class() (*set, error) {
	from := p.rest
	p.take("[")
	s := &set{negate: p.take("^"), fold: p.fold}
	var ranges []rune
	for first := true; p.rest != "" && (first || p.rest[0] != ']'); first = false {
		if strings.HasPrefix(p.rest, "[:") {
			if name, rest, ok := strings.Cut(p.rest[2:], ":]"); ok {
				c, known := named(name)
				if !known {
					return nil, wrong("invalid character class range", "[:"+name+":]")
				}
				p.rest = rest
				s.parts = append(s.parts, c)
				continue
			}
		}
		if c, ok := p.perl(); ok {
			s.parts = append(s.parts, c)
			continue
		}
		start := p.rest
		low, err := p.character()
		if err != nil {
			return nil, err
		}
		high := low
		if len(p.rest) >= 2 && p.rest[0] == '-' && p.rest[1] != ']' {
			p.take("-")
			if high, err = p.character(); err != nil {
				return nil, err
			}
			if high < low {
				return nil, wrong("invalid character class range", start[:len(start)-len(p.rest)])
			}
		}
		ranges = append(ranges, low, high)
	}
	if !p.take("]") {
		return nil, wrong("missing closing ]", from)
	}
	if ranges != nil {
		s.parts = append(s.parts, part{ranges: ranges})
	}
	return s, nil
}

func named(name string) (c part, ok bool) {
	name, c.negate = strings.CutPrefix(name, "^")
	for _, n := range names {
		if n.name == name {
			c.ranges = []rune(n.ranges)
			return c, true
		}
	}
	return c, false
}

// character parses one character, which may be escaped.
func (p *parser) character() (rune, error) {
	if p.rest == "" {
		return 0, wrong("missing closing ]", "[")
	}
	from := p.rest
	r := p.next()
	if r != '\\' {
		return r, nil
	}
	if p.rest == "" {
		return 0, wrong("trailing backslash at end of expression", "")
	}
	switch r = p.next(); r {
	case 'a':
		return '\a', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'v':
		return '\v', nil
	case 'p', 'P':
		return 0, wrong("classes of Unicode are not known here", from[:2])
	case '1', '2', '3', '4', '5', '6', '7':
		// A single digit would refer to a group.
		if p.rest == "" || p.rest[0] < '0' || p.rest[0] > '7' {
			break
		}
		fallthrough
	case '0':
		n := r - '0'
		for i := 1; i < 3 && p.rest != "" && '0' <= p.rest[0] && p.rest[0] <= '7'; i++ {
			n = 8*n + p.next() - '0'
		}
		return n, nil
	case 'x':
		var digits, rest string
		if after, ok := strings.CutPrefix(p.rest, "{"); ok {
			if digits, rest, ok = strings.Cut(after, "}"); !ok {
				break
			}
		} else if len(p.rest) >= 2 {
			digits, rest = p.rest[:2], p.rest[2:]
		} else {
			break
		}
		if strings.ContainsAny(digits, "+-_") {
			break
		}
		n, err := strconv.ParseUint(digits, 16, 32)
		if err != nil || n > unicode.MaxRune {
			break
		}
		p.rest = rest
		return rune(n), nil
	default:
		if r < 0x80 && (r == '_' || !word(r)) {
			return r, nil
		}
	}
	return 0, wrong("invalid escape sequence", from[:len(from)-len(p.rest)])
}
