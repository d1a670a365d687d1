package terminal

import (
	"bytes"
	"io"
	"os"
	"strings"
)

// A palette holds the sequences that colour text (SGR in ECMA-48). The zero
// palette colours nothing.
type palette struct{ strong, faint, bad, plain string }

// newPalette returns the palette for the environment: see no-color.org for
// NO_COLOR.
func newPalette() palette {
	if name := os.Getenv("TERM"); os.Getenv("NO_COLOR") != "" || name == "" || name == "dumb" {
		return palette{}
	}
	return palette{strong: "\x1b[1m", faint: "\x1b[2m", bad: "\x1b[31m", plain: "\x1b[0m"}
}

// paint colours text, but not the end of its line.
func (p palette) paint(colour, text string) string {
	if colour == "" || text == "" {
		return text
	}
	body := strings.TrimSuffix(text, "\n")
	return colour + body + p.plain + text[len(body):]
}

// A stackPainter colours answers of the command stack: the heads of the groups
// strong, and the places of the functions faint.
type stackPainter struct {
	w io.Writer
	palette
	line []byte // the beginning of one
}

// maxPainted is the longest line that is coloured.
const maxPainted = 64 << 10

// Write implements io.Writer. It takes all of p in any case.
func (s *stackPainter) Write(p []byte) (int, error) {
	s.line = append(s.line, p...)
	var painted []byte
	for {
		i := bytes.IndexByte(s.line, '\n')
		if i < 0 {
			break
		}
		painted = append(painted, s.paintLine(string(s.line[:i+1]))...)
		s.line = s.line[i+1:]
	}
	if len(s.line) > maxPainted {
		painted, s.line = append(painted, s.line...), nil
	}
	_, err := s.w.Write(painted)
	return len(p), err
}

// Close passes on a last line without an end.
func (s *stackPainter) Close() error {
	_, err := s.w.Write(s.line)
	s.line = nil
	return err
}

func (s *stackPainter) paintLine(line string) string {
	if frame, ok := strings.CutPrefix(line, "    "); ok {
		function, place := frame, ""
		if i := strings.LastIndex(frame, "  "); i > 0 {
			function, place = frame[:i+2], frame[i+2:]
		}
		if strings.HasPrefix(frame, "created by ") {
			function, place = "", frame
		}
		return "    " + function + s.paint(s.faint, place)
	}
	if head, ok := groupHead(line); ok {
		return s.paint(s.strong, head) + line[len(head):]
	}
	return line
}

// groupHead returns the beginning of the head of a group: how many goroutines
// do what. Heads are "#1: 22 chan send, ids 41 42" or "+61 grown from 22 to 83:
// chan send".
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
