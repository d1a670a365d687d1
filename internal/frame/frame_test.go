package frame

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

func TestReadWrite(t *testing.T) {
	var b bytes.Buffer
	want := []Frame{{Line, 1, []byte("stack")}, {Finish, 1, nil}, {Output, 1 << 31, bytes.Repeat([]byte("x"), MaxPayload)}, {Done, 0, nil}}
	for _, f := range want {
		if err := Write(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	all := bytes.Clone(b.Bytes())
	for _, f := range want {
		got, err := Read(&b)
		if err != nil || got.Kind != f.Kind || got.ID != f.ID || !bytes.Equal(got.Payload, f.Payload) {
			t.Errorf("%v, %v", got, err)
		}
		taken, rest, ok, err := Take(all, MaxPayload)
		if !ok || err != nil || taken.Kind != f.Kind || taken.ID != f.ID || !bytes.Equal(taken.Payload, f.Payload) {
			t.Errorf("%v, %v, %v", taken, ok, err)
		}
		all = rest
	}
	if _, err := Read(&b); err != io.EOF {
		t.Error(err)
	}
	if _, err := Read(bytes.NewReader([]byte("O\x00\x00\x00\x01\x00\x00\x00\x02x"))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	if _, err := Read(bytes.NewReader([]byte("O\x00\x00\x00\x01\xff\xff\xff\xff"))); err == nil {
		t.Error("a frame of 4 GiB")
	}
}

func TestWriter(t *testing.T) {
	var b bytes.Buffer
	text := bytes.Repeat([]byte("0123456789"), MaxPayload/4)
	if n, err := (&Writer{W: &b, Kind: Output, ID: 7}).Write(text); n != len(text) || err != nil {
		t.Fatal(n, err)
	}
	var got []byte
	for b.Len() > 0 {
		f, err := Read(&b)
		if err != nil || f.Kind != Output || f.ID != 7 {
			t.Fatal(f.Kind, f.ID, err)
		}
		got = append(got, f.Payload...)
	}
	if !bytes.Equal(got, text) {
		t.Errorf("%d bytes", len(got))
	}
}

func FuzzTake(f *testing.F) {
	f.Add([]byte("L\x00\x00\x00\x01\x00\x00\x00\x05stack"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, rest, ok, err := Take(b, MaxLine)
		switch {
		case ok && err != nil:
			t.Error("both")
		case ok && headerSize+len(got.Payload)+len(rest) != len(b):
			t.Errorf("%d and %d of %d bytes", len(got.Payload), len(rest), len(b))
		case !ok && !bytes.Equal(rest, b):
			t.Error("something was taken")
		case !ok && err == nil && len(b) >= headerSize+MaxLine:
			t.Error("it never ends")
		}
		again, err2 := Read(bytes.NewReader(b))
		if ok && (err2 != nil || again.Kind != got.Kind || again.ID != got.ID || !bytes.Equal(again.Payload, got.Payload)) {
			t.Errorf("Read says %v, %v", again, err2)
		}
	})
}
