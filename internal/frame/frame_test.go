package frame

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	var b bytes.Buffer
	long := bytes.Repeat([]byte("0123456789"), 20000)
	if n, err := (Writer{&b, Output}).Write(long); n != len(long) || err != nil {
		t.Fatal(n, err)
	}
	if err := Write(&b, Done, nil); err != nil {
		t.Fatal(err)
	}
	var got []byte
	for {
		k, p, err := Read(&b)
		if err != nil {
			t.Fatal(err)
		}
		if k == Done {
			break
		}
		if k != Output || len(p) == 0 {
			t.Fatalf("%q of %d bytes", k, len(p))
		}
		got = append(got, p...)
	}
	if !bytes.Equal(got, long) {
		t.Errorf("%d bytes, not the %d written", len(got), len(long))
	}
	if _, _, err := Read(&b); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

// FuzzRead feeds what a process that is not what it seems might send.
func FuzzRead(f *testing.F) {
	f.Add([]byte("D\x00\x00\x00\x00"))
	f.Add([]byte("O\x00\x00\x00\x03abcE\x00\x00\x00\x01x"))
	f.Add([]byte("lazy: busy: "))
	f.Add([]byte("O\xff\xff\xff\xffabc"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var again bytes.Buffer
		r := bytes.NewReader(b)
		for {
			k, p, err := Read(r)
			if err != nil {
				break
			}
			if err := Write(&again, k, p); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.HasPrefix(b, again.Bytes()) {
			t.Errorf("%q became %q", b, again.Bytes())
		}
		if again.Len() == len(b) {
			if _, _, err := Read(r); !errors.Is(err, io.EOF) {
				t.Errorf("at the end: %v", err)
			}
		}
	})
}
