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
	f.Fuzz(func(t *testing.T, sent []byte) {
		var want []string
		rest := sent
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
			bytes.NewReader(sent),
			iotest.HalfReader(bytes.NewReader(sent)),
			iotest.DataErrReader(bytes.NewReader(sent)),
		}
		if len(sent) < 512 { // it is slow
			cuts = append(cuts, iotest.OneByteReader(bytes.NewReader(sent)))
		}
		for _, r := range cuts {
			l := &input{ctx: context.Background(), conn: readConn{r}}
			var got []string
			for {
				line, err := l.line()
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
				t.Fatalf("%q: got %q, want %q", sent, got, want)
			}
		}
	})
}

// FuzzCtrlC is about what a terminal in raw mode may send.
func FuzzCtrlC(f *testing.F) {
	f.Add([]byte("version\n\x03\nquit\n"))
	f.Add([]byte("\x03\x03version"))
	f.Fuzz(func(t *testing.T, b []byte) {
		in := &input{ctx: context.Background(), conn: readConn{bytes.NewReader(b)}, keys: true}
		for {
			line, err := in.line()
			if err != nil && !errors.Is(err, errLong) && !errors.Is(err, errInterrupted) {
				if err != io.EOF {
					t.Fatal(err)
				}
				return
			}
			if strings.ContainsRune(line, ctrlC) {
				t.Fatalf("%q", line)
			}
		}
	})
}
