package values

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/go-delve/delve/service/api"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/printable"
)

func TestNote(t *testing.T) {
	note := "\x04\x00\x00\x00\x05\x00\x00\x00\x04\x00\x00\x00Go\x00\x00hello\x00\x00\x00"
	if got := describedBy([]byte(note), binary.LittleEndian); got != "hello" {
		t.Errorf("%q", got)
	}
	for n := range 21 {
		if got := describedBy([]byte(note[:n]), binary.LittleEndian); got != "" {
			t.Errorf("of %d bytes: %q", n, got)
		}
	}
	if middle("a/b/c/d") != middle("x/b/c/y") || middle("a/b/c/d") == middle("a/x/c/d") || middle("a//c/d") == middle("b//c/d") || middle("") != "" {
		t.Error("middle")
	}
}

func FuzzNote(f *testing.F) {
	f.Add([]byte("\x04\x00\x00\x00\x05\x00\x00\x00\x04\x00\x00\x00Go\x00\x00hello\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got := describedBy(b, binary.LittleEndian); len(got) > len(b) {
			t.Errorf("%q", got)
		}
	})
}

func TestSameContent(t *testing.T) {
	long := strings.Repeat("x", 1<<17)
	for _, c := range []struct {
		a, b string
		same bool
	}{{"", "", true}, {"a", "a", true}, {"a", "b", false}, {"a", "", false}, {long, long, true}, {long, long + "x", false}, {long + "a", long + "b", false}} {
		if sameContent(strings.NewReader(c.a), strings.NewReader(c.b)) != c.same {
			t.Errorf("%.10q, %.10q", c.a, c.b)
		}
	}
	if sameContent(io.MultiReader(strings.NewReader("a"), failing{}), strings.NewReader("a")) {
		t.Error("an error is no end")
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("no") }

// One question reads only so much, however small its reads are.
func TestMemory(t *testing.T) {
	reads := 0
	m := &memory{read: func(p []byte, addr uint64) (int, error) {
		reads++
		if addr >= 1<<40 {
			return 0, io.EOF
		}
		return len(p), nil
	}}
	m.allow()
	b := make([]byte, 8)
	for n := range uint64(1000) {
		if k, err := m.ReadMemory(b, 8*n); k != 8 || err != nil {
			t.Fatal(k, err)
		}
	}
	if reads > 3 {
		t.Errorf("%d reads", reads)
	}
	if _, err := m.ReadMemory(b, pageSize-4); err != nil {
		t.Error(err) // of two pages
	}
	if _, err := m.ReadMemory(b, 1<<40); err == nil || err == errTooMuch {
		t.Error(err)
	}
	var err error
	for n := 0; err == nil && n < 2*maxRead/perRead; n++ {
		_, err = m.ReadMemory(b[:1], 0)
	}
	if err != errTooMuch {
		t.Error(err)
	}
	m.allow()
	if _, err := m.ReadMemory(make([]byte, maxRead+1), 0); err != errTooMuch {
		t.Error(err)
	}
	m.stopped.Store(true)
	if _, err := m.ReadMemory(b, 0); err != errStopped {
		t.Error(err)
	}
}

func FuzzValue(f *testing.F) {
	f.Add(uint8(reflect.Int), "int", "5 (6)", int64(3), "x\x1b", true)
	f.Add(uint8(reflect.Float64), "float64", "+Inf", int64(-3), "", false)
	f.Add(uint8(reflect.Map), "map[string]int", "", int64(1<<62), "\xff", false)
	f.Fuzz(func(t *testing.T, kind uint8, typ, value string, n int64, name string, nested bool) {
		v := &api.Variable{Name: name, Kind: reflect.Kind(kind % 27), Type: typ, RealType: typ, Value: value, Len: n, Cap: n, Addr: uint64(n)}
		if nested {
			inner := *v
			v.Children = []api.Variable{inner, inner}
		}
		tidy(v)
		text, err := printable.JSON(Of(v))
		if err != nil || !json.Valid(text) {
			t.Errorf("%+v: %s, %v", v, text, err)
		}
		isCut(v)
	})
}
