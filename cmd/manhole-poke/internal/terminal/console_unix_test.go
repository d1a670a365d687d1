//go:build linux || darwin || freebsd

package terminal

import (
	"bytes"
	"errors"
	"testing"
)

type brokenWriter struct{ bytes.Buffer }

var errBroken = errors.New("broken")

func (b *brokenWriter) Write(p []byte) (int, error) {
	if b.Len() > 0 {
		return 0, errBroken
	}
	return b.Buffer.Write(p)
}

func TestErrWriter(t *testing.T) {
	var b brokenWriter
	failed := 0
	w := &errWriter{w: &b, failed: func() { failed++ }}
	for _, text := range []string{"a", "b", "c"} {
		if n, err := w.Write([]byte(text)); n != 1 || err != nil {
			t.Error(n, err)
		}
	}
	if b.String() != "a" || failed != 1 || w.err != errBroken {
		t.Error(b.String(), failed, w.err)
	}
}
