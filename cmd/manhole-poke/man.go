package main

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/go-manhole/lazy/console"
)

// man prints the manual in the macros of man(7). That is done here because
// what there is for cobra makes a page of each subcommand, and knows neither
// the console's commands nor the exit statuses.
func man(_ options, args []string) error {
	if len(args) > 0 {
		return failf(statusUsage, "man takes no arguments, not %q; try manhole-poke man | man -l -", args[0])
	}
	return printOut(func(w *bytes.Buffer) { writeMan(w, manual()) })
}

func writeMan(w io.Writer, manual []section) {
	version, date := built()
	fmt.Fprintf(w, ".TH MANHOLE\\-POKE 1 \"%s\" \"manhole\\-poke %s\"\n", roff(date), roff(version))
	fmt.Fprintf(w, ".ad l\n.nh\n.SH NAME\nmanhole\\-poke \\- %s\n", roff(tagline))
	r := newRoffer()
	for _, s := range manual {
		fmt.Fprintf(w, ".SH %s\n", roff(strings.ToUpper(s.title)))
		r.parts(w, s.parts)
	}
}

// built is the day of the commit, as a page without a date is one that
// mandoc(1) complains of, and the day of the build would make each differ.
func built() (version, date string) {
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return "", ""
	}
	for _, s := range b.Settings {
		if s.Key == "vcs.time" {
			date, _, _ = strings.Cut(s.Value, "T")
		}
	}
	return b.Main.Version, date
}

// A roffer knows which words stand for others, and so are in italics.
type roffer struct{ stands map[string]bool }

var (
	capitals = regexp.MustCompile(`\b[A-Z]+\b`)
	marked   = regexp.MustCompile(`[\w$./@-]+`)
)

func newRoffer() roffer {
	r := roffer{map[string]bool{}}
	all := slices.Concat(ways("[FLAGS] "), targetTerms, flagTerms(), subcommandTerms())
	for _, c := range console.Commands() {
		all = append(all, entry{name: c.Args})
	}
	for _, t := range all {
		for _, word := range capitals.FindAllString(t.name, -1) {
			r.stands[word] = true
		}
	}
	return r
}

func (r roffer) parts(w io.Writer, parts []part) {
	for i, p := range parts {
		if _, ok := p.(paragraph); ok && i > 0 {
			fmt.Fprintln(w, ".PP")
		}
		r.part(w, p)
	}
}

func (r roffer) part(w io.Writer, p part) {
	switch p := p.(type) {
	case paragraph:
		writeRoff(w, r.text(string(p)))
	case heading:
		fmt.Fprintf(w, ".SS %s\n", roff(string(p)))
	case example:
		fmt.Fprintf(w, ".PP\n.RS 4\n.nf\n")
		for l := range strings.Lines(string(p)) {
			fmt.Fprintln(w, line(roff(strings.TrimRight(l, "\n"))))
		}
		fmt.Fprintf(w, ".fi\n.RE\n")
	case synopsis:
		fmt.Fprintf(w, ".nf\n")
		for l := range strings.Lines(string(p)) {
			fmt.Fprintln(w, line(r.name(strings.TrimRight(l, "\n"))))
		}
		fmt.Fprintf(w, ".fi\n")
	case nested:
		fmt.Fprintf(w, ".RS 7\n")
		if _, ok := p[0].(paragraph); ok {
			fmt.Fprintln(w, ".PP") // terms have a line before them anyway
		}
		r.parts(w, p)
		fmt.Fprintf(w, ".RE\n")
	case terms:
		for _, t := range p {
			fmt.Fprintf(w, ".TP\n%s\n", line(r.name(strings.TrimSpace(t.name))))
			writeRoff(w, r.text(t.meaning))
		}
	}
}

// name is what is typed: all of it is bold but for the words that stand for
// others.
func (r roffer) name(s string) string {
	return r.words(s, func(string) bool { return true })
}

// text has only the flags in bold, and whose they are.
func (r roffer) text(s string) string {
	return r.words(s, func(word string) bool {
		return word == "manhole-poke" || strings.HasPrefix(word, "-") && strings.Trim(word, "-") != ""
	})
}

func (r roffer) words(s string, bold func(string) bool) string {
	var b strings.Builder
	last := 0
	for _, m := range marked.FindAllStringIndex(s, -1) {
		b.WriteString(roff(s[last:m[0]]))
		word := s[m[0]:m[1]]
		last = m[1]
		stop := word[len(strings.TrimRight(word, ".")):]
		word = strings.TrimSuffix(word, stop)
		switch {
		case r.stands[word]:
			b.WriteString(`\fI` + roff(word) + `\fR`)
		case word != "" && bold(word):
			b.WriteString(`\fB` + roff(word) + `\fR`)
		default:
			b.WriteString(roff(word))
		}
		b.WriteString(roff(stop))
	}
	b.WriteString(roff(s[last:]))
	return b.String()
}

// roff escapes what would mean something to troff(1), or come out as another
// character than the one to be typed.
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

func writeRoff(w io.Writer, text string) {
	for _, l := range wrap(text, textWidth) {
		fmt.Fprintln(w, line(l))
	}
}

// line keeps text from being taken for a request.
func line(s string) string {
	if strings.HasPrefix(s, ".") {
		return `\&` + s
	}
	return s
}
