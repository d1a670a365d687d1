//go:build linux || darwin || freebsd

package lineedit

import (
	"context"
	"os"
	"strings"
	"testing"
)

func TestKeys(t *testing.T) {
	k := newKeys(nil)
	ctx, cancel := context.WithCancel(context.Background())
	take := func(want string) {
		t.Helper()
		if got := string(k.next(ctx)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	k.add([]byte("stack\nsta"))
	take("stack\n")
	take("sta")
	var heard []byte
	listen := func(key byte) { heard = append(heard, key) }
	k.during(listen)
	k.add([]byte("\r")) // alone it is not for the next prompt
	k.add([]byte("stats"))
	k.add([]byte("\n\n"))
	k.during(nil)
	k.add([]byte("\n"))
	if string(heard) != "\r\n" {
		t.Errorf("heard %q", heard)
	}
	take("stats\n")
	take("\n")
	k.add([]byte("ab\x1acd\x03ef"))
	take("ab")
	take("\x1a")
	take("cd\x03")
	k.typed, heard = nil, nil
	k.add([]byte("one\n\x03two\n"))
	k.during(listen)
	k.add([]byte("three\n\x04"))
	k.during(nil)
	if string(heard) != "\x03\x04" {
		t.Errorf("heard %q", heard)
	}
	take("two\n")
	take("three\n")
	take("\x04")
	k.interrupt()
	take("\x03")
	k.add([]byte("x"))
	k.forget()
	cancel()
	take("")
}

// FuzzKeys types anything; no key may be lost.
func FuzzKeys(f *testing.F) {
	f.Add("a\r\x03b\x1a\x1a\n", 3)
	f.Fuzz(func(t *testing.T, text string, step int) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		k := newKeys(nil)
		var got strings.Builder
		for rest := text; rest != ""; {
			n := min(max(1, step), len(rest))
			k.add([]byte(rest[:n]))
			rest = rest[n:]
			for len(k.typed) > 0 {
				part := string(k.next(ctx))
				if part == "" || strings.ContainsAny(part[:len(part)-1], "\r\n\x03\x1a") || len(part) > 1 && part[len(part)-1] == ctrlZ {
					t.Fatalf("%q of %q", part, text)
				}
				got.WriteString(part)
			}
		}
		if got.String() != text {
			t.Errorf("%q became %q", text, got.String())
		}
	})
}

func TestKeysAreLeftToOthers(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	k := newKeys(r)
	for _, text := range []string{"one\n", "two\n"} {
		if err := k.listen(); err != nil {
			t.Fatal(err)
		}
		w.WriteString(text)
		if got := string(k.next(context.Background())); got != text {
			t.Errorf("%q", got)
		}
		k.leave()
		w.WriteString("for another\n")
		buf := make([]byte, 100)
		if n, err := r.Read(buf); err != nil || string(buf[:n]) != "for another\n" {
			t.Errorf("%q %v", buf[:n], err)
		}
	}
	if err := k.listen(); err != nil {
		t.Fatal(err)
	}
	defer k.leave()
	w.Close() // the terminal is gone
	if got := k.next(context.Background()); string(got) != "\x04" {
		t.Errorf("%q", got)
	}
	if got := k.next(context.Background()); got != nil {
		t.Errorf("%q", got)
	}
}
