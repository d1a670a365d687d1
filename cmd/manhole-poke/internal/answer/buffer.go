package answer

import (
	"fmt"
	"slices"
	"sync"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
)

// MaxHeld is how many bytes of answers are held at once, of all processes
// together, until they can be shown. As JSON they take several times as much,
// and are limited to a quarter.
const MaxHeld = 128 << 20

// A Budget limits how much the answers of all processes take. It is safe for
// concurrent use.
type Budget struct {
	mu      sync.Mutex
	max     int
	left    int
	holders []*Buffer
}

// NewBudget returns a budget of so many bytes.
func NewBudget(bytes int) *Budget { return &Budget{max: bytes, left: bytes} }

// A Buffer holds an answer until it can be shown. If the budget does not suffice
// for all, the largest answer is dropped, so that one process cannot keep those
// of the others from being shown.
type Buffer struct {
	budget  *Budget
	parts   [][]byte
	size    int
	dropped bool
}

// Buffer returns a new buffer.
func (b *Budget) Buffer() *Buffer {
	h := &Buffer{budget: b}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.holders = append(b.holders, h)
	return h
}

// Write implements io.Writer. It fails from when the answer is dropped.
func (h *Buffer) Write(p []byte) (int, error) {
	b := h.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	for !h.dropped && b.left < len(p) {
		largest := h
		for _, other := range b.holders {
			if other.size > largest.size {
				largest = other
			}
		}
		largest.dropped = true
		b.release(largest)
	}
	if h.dropped {
		return 0, exit.Errorf(exit.LocalIO, "output", "%s", b.tooLong())
	}
	h.parts = append(h.parts, slices.Clone(p))
	h.size += len(p)
	b.left -= len(p)
	return len(p), nil
}

func (b *Budget) tooLong() string {
	return fmt.Sprintf("the answer is too long to show with others, which may take %d MiB together; ask this process alone, or try -o FILE", b.max>>20)
}

// release returns what h holds to the budget.
func (b *Budget) release(h *Buffer) {
	b.left += h.size
	h.size, h.parts = 0, nil
	b.holders = slices.DeleteFunc(b.holders, func(other *Buffer) bool { return other == h })
}

// take returns the answer, which then no longer counts.
func (h *Buffer) take() (text []byte, dropped bool) {
	h.budget.mu.Lock()
	defer h.budget.mu.Unlock()
	text = slices.Concat(h.parts...)
	h.budget.release(h)
	return text, h.dropped
}
