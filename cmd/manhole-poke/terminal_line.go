package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// A typedLine is what was typed at the prompt: a line for the console, and
// where its answer goes if not to the terminal.
type typedLine struct {
	line  string
	pipe  string // the shell's command that reads the answer
	file  string // that the answer is written to
	force bool   // over what exists
}

var (
	errNoLine   = errors.New("there is no command; try stack | less, or stack > FILE")
	errNoPipe   = errors.New("nothing stands behind the |; try stack | less")
	errNoFile   = errors.New("no file stands behind the >; try stack > FILE")
	errOneFile  = errors.New("one file can stand behind the >, and nothing after it; put quotes around a name with blanks")
	errAppended = errors.New("an answer is a file of its own; try > FILE, or >! FILE to write over one")
	errUnquoted = errors.New("a quote is opened and not closed; close it, or put a backslash before it")
)

// parseTyped finds | and >, which mean something to poke where they begin a
// word and no quote protects them. The quotes are those of package console.
func parseTyped(text string) (t typedLine, err error) {
	words, err := typedWords(text)
	if err != nil {
		// What is wrong with the quotes the console can say as well, and for
		// all that is known there is neither | nor >.
		return typedLine{line: text}, nil
	}
	t.line = text
	for i, w := range words {
		if w.quoted || text[w.start] != '|' && text[w.start] != '>' {
			continue
		}
		t.line = strings.TrimRight(text[:w.start], " \t")
		switch rest := text[w.start+1:]; {
		case i == 0:
			return t, errNoLine
		case text[w.start] == '|':
			t.pipe = strings.TrimSpace(rest)
			if t.pipe == "" {
				return t, errNoPipe
			}
		case strings.HasPrefix(rest, ">"):
			return t, errAppended
		default:
			rest, t.force = strings.CutPrefix(rest, "!")
			t.file, err = fileWord(rest)
		}
		return t, err
	}
	return t, nil
}

func fileWord(text string) (string, error) {
	words, err := typedWords(text)
	switch {
	case err != nil:
		return "", err
	case len(words) == 0 || words[0].text == "":
		return "", errNoFile
	case len(words) > 1:
		return "", errOneFile
	case words[0].quoted:
		return words[0].text, nil
	}
	return atHome(words[0].text), nil
}

// atHome replaces a ~ as a shell does.
func atHome(name string) string {
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	return name
}

// A typedWord is a word as the console will see it.
type typedWord struct {
	text   string
	start  int  // in the line
	quoted bool // it begins with a quote or backslash
}

// typedWords cuts a line into words, as package console does. With the error
// come the words before the quote that is open, and the one it is in.
func typedWords(line string) (words []typedWord, err error) {
	var word []byte
	var quote byte
	start := -1
	end := func() {
		if start >= 0 {
			words = append(words, typedWord{string(word), start, strings.IndexByte(`'"\`, line[start]) >= 0})
		}
		word, start = nil, -1
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		if quote == 0 && (c == ' ' || c == '\t' || c == '\r') {
			end()
			continue
		}
		if start < 0 {
			start = i
		}
		switch {
		case c == '\\' && quote != '\'' && i+1 < len(line) && escapable(line[i+1], quote):
			i++
			word = append(word, line[i])
		case c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		default:
			word = append(word, c)
		}
	}
	end()
	if quote != 0 {
		return words, errUnquoted
	}
	return words, nil
}

func escapable(c, quote byte) bool {
	if quote == '"' {
		return c == '"' || c == '\\'
	}
	return strings.IndexByte("\\'\" \t\r", c) >= 0
}
