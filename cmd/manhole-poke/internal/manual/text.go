package manual

import (
	"bytes"
	"fmt"
	"go/doc/comment"
	"strings"
	"unicode/utf8"
)

func paragraph(text string) *comment.Paragraph {
	return &comment.Paragraph{Text: []comment.Text{comment.Plain(text)}}
}

// define adds a term to a list. What else there is about it may be lists, which
// the parser and printers of go/doc/comment do not know in an item; this
// package prints items itself.
func define(l *comment.List, term, meaning string, more ...comment.Block) {
	content := append([]comment.Block{paragraph(term + ": " + meaning)}, more...)
	l.Items = append(l.Items, &comment.ListItem{Content: content})
	l.ForceBlankBefore = true // in the package comment
}

// definition splits the text of an item.
func definition(item *comment.ListItem) (term, meaning string) {
	text := plain(item.Content[0].(*comment.Paragraph).Text)
	term, meaning, _ = strings.Cut(text, ": ")
	return term, meaning
}

// plain returns text on one line.
func plain(text []comment.Text) string {
	var b strings.Builder
	for _, t := range text {
		switch t := t.(type) {
		case comment.Plain:
			b.WriteString(string(t))
		case comment.Italic:
			b.WriteString(string(t))
		case *comment.Link:
			b.WriteString(plain(t.Text))
		case *comment.DocLink:
			b.WriteString(plain(t.Text))
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

const (
	textWidth  = 79
	indent     = "  "
	maxColumn  = 24 // of terms that share lines with their meanings
	gap        = 2
	nestedMore = "    "
)

// plainText returns blocks as help shows them.
func plainText(blocks []comment.Block) string {
	var b bytes.Buffer
	writeText(&b, "", blocks)
	return b.String()
}

func writeText(b *bytes.Buffer, prefix string, blocks []comment.Block) {
	p := comment.Printer{TextPrefix: prefix, TextCodePrefix: prefix + indent, TextWidth: textWidth - len(prefix)}
	for i, block := range blocks {
		if i > 0 && blankBetween(blocks[i-1], block) {
			b.WriteByte('\n')
		}
		switch block := block.(type) {
		case *comment.List:
			writeList(b, prefix+indent, block)
		case *comment.Heading: // Printer.Text would mark it as one
			fmt.Fprintln(b, prefix+plain(block.Text))
		default:
			b.Write(p.Text(&comment.Doc{Content: []comment.Block{block}}))
		}
	}
}

// blankBetween keeps a list with its introduction.
func blankBetween(before, after comment.Block) bool {
	if _, ok := after.(*comment.List); !ok {
		return true
	}
	switch before := before.(type) {
	case *comment.Heading:
		return false
	case *comment.Paragraph:
		return !strings.HasSuffix(plain(before.Text), ":")
	}
	return true
}

// writeList writes terms and meanings in two columns. A term that is too long
// for its column gets a line to itself.
func writeList(b *bytes.Buffer, prefix string, l *comment.List) {
	column := termColumn(l, textWidth-len(prefix)-gap)
	for i, item := range l.Items {
		term, meaning := definition(item)
		margin := prefix + strings.Repeat(" ", column+gap)
		if utf8.RuneCountInString(term) > column {
			fmt.Fprintln(b, prefix+term)
			term = ""
		}
		p := comment.Printer{TextPrefix: margin, TextWidth: textWidth - len(margin)}
		lines := p.Text(&comment.Doc{Content: []comment.Block{paragraph(meaning)}})
		fmt.Fprintf(b, "%s%-*s%s", prefix, column+gap, term, lines[len(margin):])
		if more := item.Content[1:]; len(more) > 0 {
			writeText(b, prefix+nestedMore, more)
			if i < len(l.Items)-1 {
				b.WriteByte('\n')
			}
		}
	}
}

// termColumn returns the width of the longest term if every meaning then fits
// on one line, and otherwise that of the longest one of at most maxColumn.
func termColumn(l *comment.List, width int) int {
	var longest, fitting, meanings int
	for _, item := range l.Items {
		term, meaning := definition(item)
		n := utf8.RuneCountInString(term)
		longest, meanings = max(longest, n), max(meanings, utf8.RuneCountInString(meaning))
		if n <= maxColumn {
			fitting = max(fitting, n)
		}
	}
	if longest+meanings <= width {
		return longest
	}
	return fitting
}

// PackageComment returns the manual as the comment of package main, without the
// console's commands.
func (m *Manual) PackageComment() string {
	doc := &comment.Doc{Content: []comment.Block{paragraph("Manhole-poke: " + Tagline + ".")}}
	for _, s := range m.sections {
		if s.title == "Console commands" {
			continue
		}
		doc.Content = append(doc.Content, &comment.Heading{Text: []comment.Text{comment.Plain(s.title)}})
		doc.Content = append(doc.Content, s.blocks...)
	}
	p := comment.Printer{TextPrefix: "// ", TextCodePrefix: "//\t", TextWidth: textWidth - len("// ")}
	return string(p.Text(doc))
}
