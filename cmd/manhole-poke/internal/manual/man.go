package manual

import (
	"fmt"
	"go/doc/comment"
	"regexp"
	"slices"
	"strings"
)

// Man returns the manual in the macros of man(7). The date is that of the
// version; both may be empty.
//
// The generators for cobra (cobra/doc, go-md2man) make a page for each
// subcommand, and from a flat list of flags.
func (m *Manual) Man(version, date string) string {
	r := &roffWriter{placeholders: m.placeholders()}
	fmt.Fprintf(&r.b, ".TH MANHOLE\\-POKE 1 \"%s\" \"manhole\\-poke %s\"\n", roff(date), roff(version))
	fmt.Fprintf(&r.b, ".ad l\n.nh\n.SH NAME\nmanhole\\-poke \\- %s\n", roff(Tagline))
	for _, s := range m.sections {
		fmt.Fprintf(&r.b, ".SH %s\n", roff(strings.ToUpper(s.title)))
		r.synopsis = s.title == "Synopsis"
		r.blocks(s.blocks)
	}
	return r.b.String()
}

// A roffWriter writes blocks in roff.
type roffWriter struct {
	b            strings.Builder
	placeholders map[string]bool // words that stand for others; they are italic
	synopsis     bool            // in that section
}

var (
	capitals = regexp.MustCompile(`\b[A-Z]+\b`)
	word     = regexp.MustCompile(`[\w$./@-]+`)
)

// placeholders are the words in capitals in what can be typed.
func (m *Manual) placeholders() map[string]bool {
	var typed []string
	for _, f := range forms {
		typed = append(typed, f.flags+f.args)
	}
	for _, f := range m.tables.Flags {
		typed = append(typed, f.Arg)
	}
	for _, s := range m.tables.Subcommands {
		typed = append(typed, s.Args)
	}
	for _, c := range m.tables.Commands {
		typed = append(typed, c.Usage)
		for _, f := range c.Forms {
			typed = append(typed, f.Usage)
		}
		for _, o := range c.Options {
			typed = append(typed, o.Arg)
		}
	}
	for _, b := range slices.Concat(m.section("Targets"), m.section("At a terminal")) {
		if l, ok := b.(*comment.List); ok {
			for _, item := range l.Items {
				term, _ := definition(item)
				typed = append(typed, term)
			}
		}
	}
	all := map[string]bool{}
	for _, w := range capitals.FindAllString(strings.Join(typed, " "), -1) {
		all[w] = true
	}
	return all
}

func (r *roffWriter) blocks(blocks []comment.Block) {
	for i, b := range blocks {
		switch b := b.(type) {
		case *comment.Heading:
			fmt.Fprintf(&r.b, ".SS %s\n", roff(plain(b.Text)))
		case *comment.Paragraph:
			if i > 0 {
				r.b.WriteString(".PP\n")
			}
			r.line(r.style(plain(b.Text), isFlag))
		case *comment.Code:
			r.code(b)
		case *comment.List:
			r.list(b)
		}
	}
}

func (r *roffWriter) code(c *comment.Code) {
	if r.synopsis {
		r.b.WriteString(".nf\n")
		for l := range strings.Lines(c.Text) {
			r.line(r.style(strings.TrimRight(l, "\n"), isAny))
		}
		r.b.WriteString(".fi\n")
		return
	}
	r.b.WriteString(".PP\n.RS 4\n.nf\n")
	for l := range strings.Lines(c.Text) {
		r.line(roff(strings.TrimRight(l, "\n")))
	}
	r.b.WriteString(".fi\n.RE\n")
}

func (r *roffWriter) list(l *comment.List) {
	for _, item := range l.Items {
		term, meaning := definition(item)
		r.b.WriteString(".TP\n")
		r.line(r.style(term, isAny))
		r.line(r.style(meaning, isFlag))
		if more := item.Content[1:]; len(more) > 0 {
			r.b.WriteString(".RS 7\n")
			if _, ok := more[0].(*comment.Paragraph); ok {
				r.b.WriteString(".PP\n") // a list begins with a blank line anyway
			}
			r.blocks(more)
			r.b.WriteString(".RE\n")
		}
	}
}

func isAny(string) bool { return true }

func isFlag(word string) bool {
	return word == "manhole-poke" || strings.HasPrefix(word, "-") && strings.Trim(word, "-") != ""
}

// style returns text in roff, with placeholders in italics, and other words in
// bold type if they are bold.
func (r *roffWriter) style(s string, bold func(word string) bool) string {
	var b strings.Builder
	last := 0
	for _, m := range word.FindAllStringIndex(s, -1) {
		b.WriteString(roff(s[last:m[0]]))
		last = m[1]
		w := strings.TrimRight(s[m[0]:m[1]], ".")
		switch {
		case r.placeholders[w]:
			b.WriteString(`\fI` + roff(w) + `\fR`)
		case w != "" && bold(w):
			b.WriteString(`\fB` + roff(w) + `\fR`)
		default:
			b.WriteString(roff(w))
		}
		b.WriteString(s[m[0]+len(w) : m[1]]) // full stops
	}
	b.WriteString(roff(s[last:]))
	return b.String()
}

// line writes a line of roff that is text and not a request.
func (r *roffWriter) line(text string) {
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	fmt.Fprintln(&r.b, text)
}

// roff escapes what has a meaning in roff, or would come out as a character
// other than the one to be typed.
func roff(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch e := roffEscapes[c]; {
		case e != "":
			b.WriteString(e)
		case c > '~':
			fmt.Fprintf(&b, `\[u%04X]`, c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

var roffEscapes = map[rune]string{
	'\\': `\e`, '-': `\-`, '\'': `\(aq`, '`': `\(ga`, '^': `\(ha`, '~': `\(ti`, '"': `\(dq`,
}
