package pager

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

func TestCommand(t *testing.T) {
	t.Setenv("PAGER", "cat -A")
	if c := Command(); c != "cat -A" {
		t.Error(c)
	}
	t.Setenv("PAGER", "")
	t.Setenv("PATH", t.TempDir())
	if c := Command(); c != "more" {
		t.Error(c)
	}
}

func TestBuffer(t *testing.T) {
	for _, test := range []struct {
		text  string
		paged bool
	}{
		{"", false}, {"a\nb\n", false}, {"a\nb\nc\n", true},
		{"0123456789\n", false}, {"01234567890123456789x\n", true}, {"a\nb\nno end", true},
	} {
		for _, step := range []int{1, 1000} {
			var pager bytes.Buffer
			started := 0
			b := Buffer{
				Size:  func() (int, int, error) { return 10, 3, nil },
				Start: func() (io.Writer, error) { started++; return &pager, nil },
			}
			for rest := test.text; rest != ""; {
				n := min(step, len(rest))
				if _, err := b.Write([]byte(rest[:n])); err != nil {
					t.Error(err)
				}
				rest = rest[n:]
			}
			if got := pager.String() + string(b.Held()); got != test.text || (started == 1) != test.paged || test.paged == (len(b.Held()) > 0) && test.text != "" {
				t.Errorf("%q in steps of %d: held %q, paged %q", test.text, step, b.Held(), &pager)
			}
		}
	}
}

func TestBufferFails(t *testing.T) {
	broken := errors.New("no pager")
	b := Buffer{
		Size:  func() (int, int, error) { return 10, 1, nil },
		Start: func() (io.Writer, error) { return nil, broken },
	}
	for range 2 {
		if _, err := b.Write([]byte("text\n")); err != broken {
			t.Error(err)
		}
	}
	b = Buffer{Size: func() (int, int, error) { return 0, 0, broken }}
	if _, err := b.Write([]byte("text\n")); err != nil || string(b.Held()) != "text\n" {
		t.Error(err)
	}
}
