// Package words is the syntax of a line of the console: how it is split into
// words, how words are joined into a line, and how a word that somebody else
// chose is shown. Library and client both import it, so that a line means the
// same to both.
//
// Words are separated by blanks, tabs and carriage returns. Single and double
// quotes keep them together. A backslash stands for itself unless it precedes
// a blank, a quote or another backslash (within double quotes: a double quote
// or another backslash; within single quotes: never), so that a regular
// expression needs no doubling.
package words

import (
	"errors"
	"strconv"
	"strings"
)

// ErrUnclosed is the error for a line that ends inside a quote.
var ErrUnclosed = errors.New("unclosed quote; close it, or put a backslash before it")

// A Word is a word of a line.
type Word struct {
	Text   string
	Start  int  // its offset in the line
	Quoted bool // it begins with a quote or a backslash
}

// Scan splits a line into words. With ErrUnclosed it returns the words before
// the unclosed quote; the last one is incomplete and not among them.
func Scan(line string) (all []Word, err error) {
	s := scanner{line: line}
	for s.next() {
		if s.ended {
			all = append(all, Word{string(s.word), s.start, isQuote(line[s.start]) || line[s.start] == '\\'})
		}
	}
	if s.quote != 0 {
		return all, ErrUnclosed
	}
	return all, nil
}

// Split is Scan without the positions. It returns no words with ErrUnclosed.
func Split(line string) ([]string, error) {
	scanned, err := Scan(line)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, w := range scanned {
		all = append(all, w.Text)
	}
	return all, nil
}

// A scanner goes through a line byte by byte.
type scanner struct {
	line  string
	at    int
	quote byte // the quote that is open, or 0
	word  []byte
	start int  // of word
	in    bool // in a word
	ended bool // the last step ended word
}

// next makes one step, and reports whether there was one to make.
func (s *scanner) next() bool {
	if s.ended {
		s.word, s.in, s.ended = nil, false, false
	}
	if s.at == len(s.line) {
		s.ended = s.in && s.quote == 0
		s.in = false
		return s.ended
	}
	c := s.line[s.at]
	if s.quote == 0 && isBlank(c) {
		s.at++
		s.ended = s.in
		return true
	}
	if !s.in {
		s.in, s.start = true, s.at
	}
	switch {
	case s.escapes(c):
		s.at++
		s.word = append(s.word, s.line[s.at])
	case s.quote != 0 && c == s.quote:
		s.quote = 0
	case s.quote == 0 && isQuote(c):
		s.quote = c
	default:
		s.word = append(s.word, c)
	}
	s.at++
	return true
}

// escapes reports whether c is a backslash that makes the next byte literal.
func (s *scanner) escapes(c byte) bool {
	if c != '\\' || s.at+1 == len(s.line) {
		return false
	}
	switch next := s.line[s.at+1]; s.quote {
	case '\'':
		return false
	case '"':
		return next == '"' || next == '\\'
	default:
		return next == '\\' || isQuote(next) || isBlank(next)
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }

func isQuote(c byte) bool { return c == '\'' || c == '"' }

// Commands splits text at semicolons and newlines outside quotes, and drops
// what is blank. A line that ends inside a quote is ErrUnclosed: a command is
// one line.
func Commands(text string) (all []string, err error) {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		s := scanner{line: line}
		from := 0
		// Not trimmed on the right, where a backslash may protect a blank.
		cut := func(to int) {
			if c := strings.TrimLeft(line[from:to], " \t\r"); c != "" {
				all = append(all, c)
			}
			from = to + 1
		}
		for {
			at := s.at
			if s.quote == 0 && at < len(line) && line[at] == ';' {
				cut(at)
			}
			if !s.next() {
				break
			}
		}
		if s.quote != 0 {
			return nil, ErrUnclosed
		}
		cut(len(line))
	}
	return all, nil
}

// Join makes a line that Split splits into these words again. A word must not
// contain a newline, which would end the line.
func Join(all ...string) string {
	quoted := make([]string, len(all))
	for i, w := range all {
		quoted[i] = Quote(w)
	}
	return strings.Join(quoted, " ")
}

// Quote returns a word as it can be typed.
func Quote(word string) string {
	switch {
	case word != "" && !strings.ContainsAny(word, " \t\r;'\"\\"):
		return word
	case !strings.Contains(word, "'"):
		return "'" + word + "'"
	default:
		return `"` + strings.ReplaceAll(strings.ReplaceAll(word, `\`, `\\`), `"`, `\"`) + `"`
	}
}

// Show returns a word that somebody else chose for use in a message: at most
// 64 bytes of it, printable ASCII, quoted as in Go if it is empty or not that
// already.
func Show(word string) string {
	const most = 64
	cut := ""
	if len(word) > most {
		word, cut = word[:most], "..."
	}
	if q := strconv.QuoteToASCII(word); word == "" || q[1:len(q)-1] != word {
		return q + cut
	}
	return word + cut
}
