package fds

import "testing"

func FuzzAddress(f *testing.F) {
	f.Add([]byte("\x02\x00\x00\x50\x7f\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x01\x00\x00name"))
	f.Add([]byte("\x01\x00/path\x00"))
	f.Add([]byte("\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		unconnected(raw)
		if address(raw) == "" {
			t.Errorf("%q has no text", raw)
		}
	})
}
