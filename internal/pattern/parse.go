package pattern

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDepth bounds the nesting of groups, and maxRepeat the numbers in {n,m}.
const (
	maxDepth  = 1000
	maxRepeat = 1000
)

// wrong is an error in the words of package regexp.
func wrong(what, where string) error {
	return errors.New("error parsing regexp: " + what + ": `" + where + "`")
}

type parser struct {
	rest                   string
	fold, multiline, dotNL bool
}

func (p *parser) take(prefix string) (ok bool) {
	p.rest, ok = strings.CutPrefix(p.rest, prefix)
	return ok
}

func (p *parser) next() rune {
	r, n := utf8.DecodeRuneInString(p.rest)
	p.rest = p.rest[n:]
	return r
}

// alternatives parses up to the end or an unmatched parenthesis.
func (p *parser) alternatives(depth int) (*node, error) {
	if depth > maxDepth {
		return nil, wrong("expression nests too deeply", p.rest)
	}
	either := &node{kind: '|'}
	for {
		n, err := p.sequence(depth)
		if err != nil {
			return nil, err
		}
		either.sub = append(either.sub, n)
		if !p.take("|") {
			break
		}
	}
	if len(either.sub) == 1 {
		return either.sub[0], nil
	}
	return either, nil
}

func (p *parser) sequence(depth int) (*node, error) {
	all := &node{kind: '&'}
	repeated := "" // the operator that ends all
	for p.rest != "" && p.rest[0] != '|' && p.rest[0] != ')' {
		from := p.rest
		least, most, ok, err := p.repetition()
		switch {
		case err != nil:
			return nil, err
		case ok:
			operator := from[:len(from)-len(p.rest)]
			if len(all.sub) == 0 {
				return nil, wrong("missing argument to repetition operator", operator)
			}
			if repeated != "" {
				return nil, wrong("invalid nested repetition operator", repeated+operator)
			}
			repeated = operator
			last := &all.sub[len(all.sub)-1]
			*last = &node{kind: '*', sub: []*node{*last}, min: least, max: most}
			continue
		}
		repeated = ""
		if p.take(`\Q`) {
			text, after, _ := strings.Cut(p.rest, `\E`)
			p.rest = after
			for _, r := range text {
				all.sub = append(all.sub, p.one(r))
			}
			continue
		}
		n, err := p.item(depth)
		if err != nil {
			return nil, err
		}
		if n != nil {
			all.sub = append(all.sub, n)
		}
	}
	return all, nil
}

// repetition parses *, +, ? or {n,m}, and the ? that makes no difference here.
func (p *parser) repetition() (least, most int, ok bool, err error) {
	switch {
	case p.take("*"):
		most = -1
	case p.take("+"):
		least, most = 1, -1
	case p.take("?"):
		most = 1
	default:
		text, found := strings.CutPrefix(p.rest, "{")
		if !found {
			return 0, 0, false, nil
		}
		least, text, found = number(text)
		if !found {
			return 0, 0, false, nil
		}
		most = least
		if after, comma := strings.CutPrefix(text, ","); comma {
			if most, text, found = number(after); !found {
				most, text = -1, after
			}
		}
		after, closed := strings.CutPrefix(text, "}")
		if !closed {
			return 0, 0, false, nil // a brace like any other character
		}
		if least > maxRepeat || most > maxRepeat || most >= 0 && most < least {
			return 0, 0, false, wrong("invalid repeat count", p.rest[:len(p.rest)-len(after)])
		}
		p.rest = after
	}
	p.take("?")
	return least, most, true, nil
}

// number parses digits, without zeros in front.
func number(s string) (n int, rest string, ok bool) {
	i := 0
	for ; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
		n = min(10*n+int(s[i]-'0'), maxRepeat+1)
	}
	return n, s[i:], i == 1 || i > 1 && s[0] != '0'
}

// one is a node for a character.
func (p *parser) one(r rune) *node {
	return &node{kind: '1', set: &set{parts: []part{{ranges: []rune{r, r}}}, fold: p.fold && unicode.SimpleFold(r) != r}}
}

// item parses what can be repeated; nil is flags for what follows.
func (p *parser) item(depth int) (*node, error) {
	switch {
	case p.rest[0] == '(':
		return p.group(depth)
	case p.rest[0] == '[':
		s, err := p.class()
		return &node{kind: '1', set: s}, err
	case p.take("."):
		s := &set{negate: true}
		if !p.dotNL {
			s.parts = []part{{ranges: []rune{'\n', '\n'}}}
		}
		return &node{kind: '1', set: s}, nil
	case p.take("^"):
		return p.assertion('^', 'm'), nil
	case p.take("$"):
		return p.assertion('$', 'M'), nil
	case p.take(`\A`):
		return &node{kind: 'a', assert: '^'}, nil
	case p.take(`\z`):
		return &node{kind: 'a', assert: '$'}, nil
	case p.take(`\b`):
		return &node{kind: 'a', assert: 'b'}, nil
	case p.take(`\B`):
		return &node{kind: 'a', assert: 'B'}, nil
	}
	if c, ok := p.perl(); ok {
		return &node{kind: '1', set: &set{parts: []part{c}, fold: p.fold}}, nil
	}
	r, err := p.character()
	return p.one(r), err
}

func (p *parser) assertion(text, line byte) *node {
	if p.multiline {
		text = line
	}
	return &node{kind: 'a', assert: text}
}

// group parses a group, or flags.
func (p *parser) group(depth int) (*node, error) {
	from, outside := p.rest, *p
	p.take("(")
	if p.take("?") {
		named := p.take("P<")
		if !named && p.take("<") {
			named = true
		}
		if named {
			name, rest, ok := strings.Cut(p.rest, ">")
			if !ok || name == "" || strings.ContainsFunc(name, func(r rune) bool { return !word(r) }) {
				return nil, wrong("invalid named capture", from)
			}
			p.rest = rest
		} else if only, err := p.flags(from); only || err != nil {
			return nil, err
		}
	}
	n, err := p.alternatives(depth + 1)
	if err != nil {
		return nil, err
	}
	if !p.take(")") {
		return nil, wrong("missing closing )", from)
	}
	outside.rest = p.rest
	*p = outside
	return n, nil
}

// flags parses "i-s:" or "i-s)"; only reports the latter.
func (p *parser) flags(from string) (only bool, err error) {
	on, some := true, false
	for p.rest != "" {
		switch p.next() {
		case 'i':
			p.fold = on
		case 'm':
			p.multiline = on
		case 's':
			p.dotNL = on
		case 'U': // which is about how long a match is
		case '-':
			if !on {
				return false, wrong("invalid or unsupported Perl syntax", from)
			}
			on, some = false, false
			continue
		case ':', ')':
			if !on && !some {
				return false, wrong("invalid or unsupported Perl syntax", from)
			}
			return from[len(from)-len(p.rest)-1] == ')', nil
		default:
			return false, wrong("invalid or unsupported Perl syntax", from)
		}
		some = true
	}
	return false, wrong("missing closing )", from)
}
