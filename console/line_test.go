package console

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"
)

type readConn struct{ io.Reader }

func (readConn) Write(b []byte) (int, error)     { return len(b), nil }
func (readConn) SetReadDeadline(time.Time) error { return nil }

// FuzzLines compares the reader with what it should do, put plainly, however
// the input is cut into reads.
func FuzzLines(f *testing.F) {
	for _, s := range []string{
		"", "\n", "a\nb", "a\r\nb\r", "\r\n\r", "\xff\x00\n",
		strings.Repeat("x", maxLine), strings.Repeat("x", maxLine) + "\r\n" + "y\n",
		strings.Repeat("x", maxLine+1) + "\ny", strings.Repeat("x", 3*maxLine) + "\r\ny",
		strings.Repeat("x", maxLine+2) + "\n\n", strings.Repeat("x", maxLine) + "\r\r\nz",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		var want []string
		rest := input
		for len(rest) > 0 {
			line, after, _ := bytes.Cut(rest, []byte{'\n'})
			rest = after
			line = bytes.TrimSuffix(line, []byte{'\r'})
			if len(line) > maxLine {
				want = append(want, "TOO LONG")
			} else {
				want = append(want, string(line))
			}
		}
		cuts := []io.Reader{
			bytes.NewReader(input),
			iotest.HalfReader(bytes.NewReader(input)),
			iotest.DataErrReader(bytes.NewReader(input)),
		}
		if len(input) < 512 { // it is slow
			cuts = append(cuts, iotest.OneByteReader(bytes.NewReader(input)))
		}
		for _, r := range cuts {
			l := &lineReader{ctx: context.Background(), conn: readConn{r}}
			var got []string
			for {
				line, err := l.next()
				if err == io.EOF {
					break
				}
				if errors.Is(err, errLong) {
					line = "TOO LONG"
				} else if err != nil {
					t.Fatal(err)
				}
				got = append(got, line)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%q: got %q, want %q", input, got, want)
			}
		}
	})
}

func TestSplit(t *testing.T) {
	for _, test := range []struct {
		line string
		want []string
	}{
		{"", nil},
		{" \t ", nil},
		{"a b", []string{"a", "b"}},
		{"  a   b  ", []string{"a", "b"}},
		{`a "b c" d`, []string{"a", "b c", "d"}},
		{`a'b c'd`, []string{"ab cd"}},
		{`'' ""`, []string{"", ""}},
		{`http\.Serve \d+`, []string{`http\.Serve`, `\d+`}},
		{`a\ b \" \' \\`, []string{"a b", `"`, "'", `\`}},
		{`"a\"b\\c\d"`, []string{`a"b\c\d`}},
		{`'a\b'`, []string{`a\b`}},
		{`a\`, []string{`a\`}},
	} {
		if got, err := split(test.line); err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, %v, want %q", test.line, got, err, test.want)
		}
	}
}

func FuzzSplit(f *testing.F) {
	for _, s := range []string{"", `a "b`, `a\ 'b c' "d\"e"`, "\xff\x00", `\`, `"\`} {
		f.Add(s)
	}
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	f.Fuzz(func(t *testing.T, line string) {
		words, err := split(line)
		if err != nil {
			return
		}
		// Words that are quoted again come back as they were.
		var again []string
		for _, w := range words {
			again = append(again, `"`+quote.Replace(w)+`"`)
			if s := show(w); !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\x1b\n") || s == "" {
				t.Fatalf("%q is shown as %q", w, s)
			}
		}
		back, err := split(strings.Join(again, " "))
		if err != nil || !slices.Equal(back, words) {
			t.Fatalf("%q: %q came back as %q, %v", line, words, back, err)
		}
	})
}
