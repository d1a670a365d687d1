package main

import (
	"bytes"
	"io"
	"os"
	"strings"
)

// A palette is how text is set off on a terminal (SGR in ECMA-48). The empty
// one leaves all as it is.
type palette struct{ strong, faint, bad, plain string }

// terminalPalette is for a terminal. NO_COLOR is that of no-color.org.
func terminalPalette() palette {
	if name := os.Getenv("TERM"); os.Getenv("NO_COLOR") != "" || name == "" || name == "dumb" {
		return palette{}
	}
	return palette{strong: "\x1b[1m", faint: "\x1b[2m", bad: "\x1b[31m", plain: "\x1b[0m"}
}

// set puts text, without its end of line, into one of the palette's colours.
func (p palette) set(colour, text string) string {
	if colour == "" || text == "" {
		return text
	}
	body := strings.TrimSuffix(text, "\n")
	return colour + body + p.plain + text[len(body):]
}

// stackPainter sets off what one looks for in an answer of stack: the heads of
// the groups, and the functions from where they stand.
type stackPainter struct {
	w io.Writer
	palette
	line []byte // what there is of one
}

// longLine is how much of a line is waited for.
const longLine = 64 << 10

func (s *stackPainter) Write(p []byte) (int, error) {
	s.line = append(s.line, p...)
	var painted []byte
	for {
		i := bytes.IndexByte(s.line, '\n')
		if i < 0 {
			break
		}
		painted = append(painted, s.paint(string(s.line[:i+1]))...)
		s.line = s.line[i+1:]
	}
	if len(s.line) > longLine {
		painted, s.line = append(painted, s.line...), nil
	}
	_, err := s.w.Write(painted)
	return len(p), err
}

// end passes on the last line.
func (s *stackPainter) end() error {
	_, err := s.w.Write(s.line)
	s.line = nil
	return err
}

func (s *stackPainter) paint(line string) string {
	if frame, ok := strings.CutPrefix(line, "    "); ok {
		function, place := frame, ""
		if i := strings.LastIndex(frame, "  "); i > 0 {
			function, place = frame[:i+2], frame[i+2:]
		}
		if strings.HasPrefix(frame, "created by ") {
			function, place = "", frame
		}
		return "    " + function + s.set(s.faint, place)
	}
	if head, ok := groupHead(line); ok {
		return s.set(s.strong, head) + line[len(head):]
	}
	return line
}

// groupHead is the part of the head of a group that says how many do what:
// "#1: 22 chan send, ids 41 42" or "+61 grown from 22 to 83: chan send".
func groupHead(line string) (head string, ok bool) {
	digits := strings.TrimLeft(line, "#+-")
	rest := strings.TrimLeft(digits, "0123456789")
	if len(digits) == len(line) || len(rest) == len(digits) || len(line)-len(digits) > 1 {
		return "", false
	}
	if line[0] == '#' && !strings.HasPrefix(rest, ": ") || line[0] != '#' && !strings.HasPrefix(rest, " ") {
		return "", false
	}
	head, _, _ = strings.Cut(strings.TrimSuffix(line, "\n"), ", ")
	return head, true
}
