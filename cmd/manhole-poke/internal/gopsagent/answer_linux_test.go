package gopsagent

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestPassAnswer(t *testing.T) {
	long := strings.Repeat("0123456789abcdef\n", 10000)
	const busy, failed = "lazy: busy: somebody", "lazy: error: stack: panic: why"
	for text, want := range map[string]struct{ passed, own string }{
		"":                                 {"", ""},
		"ok":                               {"ok", ""},
		long:                               {long, ""},
		long + "lazy> ":                    {long + "lazy> ", ""},
		busy + "\n":                        {"", busy},
		busy:                               {"", busy},
		failed + "\n" + long:               {"", failed},
		"part\n" + failed + "\n":           {"part\n", failed},
		long + "\n" + failed + "\n":        {long + "\n", failed},
		long + failed + "\nand more\n":     {long + failed + "\nand more\n", ""}, // an executable may hold that
		long + "no line of " + busy + "\n": {long + "no line of " + busy + "\n", ""},
	} {
		for _, from := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text))} {
			var to bytes.Buffer
			n, own, err := passAnswer(&to, from)
			if to.String() != want.passed || n != len(want.passed) || own != want.own || err != nil {
				t.Errorf("%.40q...: passed %d of %d bytes, own words %q, %v; want %d and %q", text, n, len(text), own, err, len(want.passed), want.own)
			}
		}
	}
	broken := errors.New("broken")
	if _, _, err := passAnswer(io.Discard, io.MultiReader(strings.NewReader("part"), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("reading: %v", err)
	}
}

func FuzzPassAnswer(f *testing.F) {
	f.Add([]byte("lazy: busy: somebody\n"))
	f.Add([]byte("goroutines: 1\nlazy: closing: why\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var to bytes.Buffer
		n, own, err := passAnswer(&to, bytes.NewReader(text))
		if err != nil || n != to.Len() || !bytes.HasPrefix(text, to.Bytes()) || own == "" && n != len(text) || strings.Contains(own, "\n") {
			t.Errorf("%q: passed %q, own words %q, %v", text, to.Bytes(), own, err)
		}
	})
}
