package copynote

import (
	"testing"
	"time"
)

func TestNote(t *testing.T) {
	want := Note{PID: 7, Of: 6, Taken: time.Unix(1, 0).UTC(), Until: time.Unix(2, 0).UTC(), Pause: time.Millisecond, Goroutines: 3, Exact: true, Tracer: 5}
	line := want.Marshal()
	if got, err := Parse(line); err != nil || got != want || line[len(line)-1] != '\n' {
		t.Errorf("%q: %+v, %v", line, got, err)
	}
	for _, bad := range []string{"", "{}", `{"pid":1,"of":1}`, `{"pid":-1,"of":1}`, "lazy: error: freeze: no\n"} {
		if n, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%q: %+v", bad, n)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Note{PID: 7, Of: 6}.Marshal())
	f.Fuzz(func(t *testing.T, line []byte) {
		if n, err := Parse(line); err == nil && n.PID <= 0 {
			t.Errorf("%+v", n)
		}
	})
}
