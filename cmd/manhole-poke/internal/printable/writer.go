package printable

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Writer passes on text in visible form. Except for line ends and tabs, control
// characters are shown as ^X or \uXXXX, because they could drive the terminal
// (ECMA-48; also those from U+0080 on, for which some terminals take the bare
// bytes from 0x80 on). So are formatting characters, which could change the order
// in which text is seen. A Writer is not safe for concurrent use.
type Writer struct {
	w    io.Writer
	held []byte // the beginning of a character, or a CR
	last byte   // written
}

// NewWriter returns a Writer that writes to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write passes on p in visible form. It holds back the last bytes if their form
// depends on what follows: the beginning of a character, or a CR. It takes all of
// p in any case; the error is that of the underlying writer.
func (v *Writer) Write(p []byte) (int, error) {
	text := append(v.held, p...)
	shown := make([]byte, 0, len(text)+len(text)/8)
	for len(text) > 0 && !(text[0] == '\r' && len(text) == 1) && utf8.FullRune(text) {
		var n int
		shown, n = appendVisible(shown, text)
		text = text[n:]
	}
	v.held = append([]byte(nil), text...)
	return len(p), v.pass(shown)
}

func (v *Writer) pass(shown []byte) error {
	if len(shown) == 0 {
		return nil
	}
	v.last = shown[len(shown)-1]
	_, err := v.w.Write(shown)
	return err
}

// Close passes on what was held back, and ends the last line. The error is that
// of the underlying writer, which stays open.
func (v *Writer) Close() error {
	var shown []byte
	for len(v.held) > 0 {
		var n int
		shown, n = appendVisible(shown, v.held)
		v.held = v.held[n:]
	}
	if err := v.pass(shown); err != nil || v.last == '\n' || v.last == 0 {
		return err
	}
	return v.pass([]byte{'\n'})
}

// Text returns text in the form that a [Writer] gives it, in whole lines.
func Text(text string) string {
	var b strings.Builder
	v := NewWriter(&b)
	v.Write([]byte(text))
	v.Close()
	return b.String()
}

// appendVisible appends the first character of text in visible form, and returns
// its length in text.
func appendVisible(shown, text []byte) ([]byte, int) {
	c := text[0]
	switch {
	case c == '\n' || c == '\t' || c >= ' ' && c < 0x7f:
		return append(shown, c), 1
	case c == '\r' && len(text) > 1 && text[1] == '\n':
		return shown, 1
	case c < utf8.RuneSelf:
		return append(shown, '^', c^0x40), 1
	}
	r, n := utf8.DecodeRune(text)
	switch {
	case r == utf8.RuneError && n == 1:
		return fmt.Appendf(shown, `\x%02x`, c), 1
	case !unicode.IsGraphic(r):
		return fmt.Appendf(shown, `\u%04x`, r), n
	}
	return append(shown, text[:n]...), n
}
