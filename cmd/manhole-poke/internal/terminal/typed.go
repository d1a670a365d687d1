package terminal

import (
	"errors"
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/complete"
	"github.com/go-manhole/lazy/internal/words"
)

// A typedLine is a line of the prompt: a line for the console, and where its
// answer goes if not to the terminal.
type typedLine struct {
	line  string
	pipe  string // the shell command that reads the answer
	file  string // the file that the answer is written to
	force bool   // overwrite it
}

var (
	errNoLine  = errors.New("there is no command; try stack | less, or stack > FILE")
	errNoPipe  = errors.New("there is no program after |; try stack | less")
	errNoFile  = errors.New("there is no file after >; try stack > FILE")
	errOneFile = errors.New("only one file can follow >; quote a name that contains blanks")
	errAppend  = errors.New("cannot append to a file; try > FILE, or >! FILE to overwrite one")
)

// parseTyped finds | and >, which are the terminal's where they begin a word
// outside quotes.
func parseTyped(text string) (t typedLine, err error) {
	typed, err := words.Scan(text)
	if err != nil {
		return typedLine{line: text}, nil // the console reports it
	}
	t.line = text
	for i, w := range typed {
		if w.Quoted || text[w.Start] != '|' && text[w.Start] != '>' {
			continue
		}
		t.line = strings.TrimRight(text[:w.Start], " \t")
		switch rest := text[w.Start+1:]; {
		case i == 0:
			return t, errNoLine
		case text[w.Start] == '|':
			t.pipe = strings.TrimSpace(rest)
			if t.pipe == "" {
				return t, errNoPipe
			}
		case strings.HasPrefix(rest, ">"):
			return t, errAppend
		default:
			rest, t.force = strings.CutPrefix(rest, "!")
			t.file, err = fileWord(rest)
		}
		return t, err
	}
	return t, nil
}

// fileWord returns the only word of text, with ~ expanded unless it is quoted.
func fileWord(text string) (string, error) {
	typed, err := words.Scan(text)
	switch {
	case err != nil:
		return "", err
	case len(typed) == 0 || typed[0].Text == "":
		return "", errNoFile
	case len(typed) > 1:
		return "", errOneFile
	case typed[0].Quoted:
		return typed[0].Text, nil
	}
	return complete.ExpandHome(typed[0].Text), nil
}

// withoutControls removes the control characters that can be typed or pasted.
func withoutControls(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r < ' ' || r == 0x7f:
			return -1
		}
		return r
	}, text)
}
