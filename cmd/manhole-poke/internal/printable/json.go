package printable

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON returns v as one line of JSON, with its end. All of it is printable:
// package json leaves control characters beyond ASCII as they are, which some
// terminals obey.
func JSON(v any) ([]byte, error) {
	var line bytes.Buffer
	e := json.NewEncoder(&line)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return append(escape(bytes.TrimSpace(line.Bytes())), '\n'), nil
}

// escape replaces what is not printable. In JSON that can only be within a
// string, where the escape means the same.
func escape(text []byte) (escaped []byte) {
	for _, r := range string(text) {
		if unicode.IsPrint(r) {
			escaped = utf8.AppendRune(escaped, r)
			continue
		}
		for _, u := range utf16.Encode([]rune{r}) {
			escaped = fmt.Appendf(escaped, `\u%04x`, u)
		}
	}
	return escaped
}
