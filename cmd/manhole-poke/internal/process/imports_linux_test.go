package process

import (
	"bytes"
	"errors"
	"testing"
)

func TestContains(t *testing.T) {
	what := []byte("\x00name\x00")
	for _, at := range []int{0, 1, 1<<20 - 6, 1<<20 - 3, 1 << 20, 2<<20 - 12, 3 << 20} {
		text := make([]byte, 4<<20)
		copy(text[at:], what)
		if ok, err := contains(bytes.NewReader(text), what); !ok || err != nil {
			t.Errorf("at %d: %v %v", at, ok, err)
		}
		if ok, err := contains(bytes.NewReader(text[:at+5]), what); ok || err != nil {
			t.Errorf("cut at %d: %v %v", at, ok, err)
		}
	}
	if ok, err := contains(broken{}, what); ok || err == nil {
		t.Error(ok, err)
	}
}

type broken struct{}

func (broken) ReadAt([]byte, int64) (int, error) { return 0, errors.New("on purpose") }
