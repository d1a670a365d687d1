package values

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/go-delve/delve/pkg/proc"
)

// seek has Delve know a goroutine, and fails if there is none with this id. Delve
// itself reads all of every goroutine before it, which takes tens of seconds if
// there are a million; this reads the ids alone. Where that is not possible, it
// leaves it to Delve.
func (p *Program) seek(id int64) error {
	s, err := p.scope(Place{})
	if err != nil {
		return nil
	}
	address := func(expr string) uint64 {
		v, err := s.EvalExpression(expr, proc.LoadConfig{})
		if err != nil || v.Unreadable != nil {
			return 0
		}
		return v.Addr
	}
	all, err := s.EvalExpression("runtime.allgs", proc.LoadConfig{})
	if err != nil || all.Len <= 0 {
		return nil
	}
	first, goid := address("*runtime.allgs[0]"), address("runtime.allgs[0].goid")
	if first == 0 || goid < first || p.target.BinInfo().Arch.PtrSize() != 8 {
		return nil
	}
	pointers, number := make([]byte, 8*chunk), make([]byte, 8)
	for from := int64(0); from < all.Len; from += chunk {
		part := pointers[:8*min(chunk, all.Len-from)]
		if _, err := p.memory.ReadMemory(part, all.Base+uint64(8*from)); err != nil {
			return nil
		}
		for i := int64(0); i < int64(len(part)/8); i++ {
			g := binary.LittleEndian.Uint64(part[8*i:])
			if _, err := p.memory.ReadMemory(number, g+goid-first); err != nil {
				if err := p.enough(); err != nil {
					return err
				}
				continue
			}
			if int64(binary.LittleEndian.Uint64(number)) != id {
				continue
			}
			// Which Delve then remembers. One that has ended is left out.
			found, _, err := proc.GoroutinesInfo(p.target, int(from+i), 1)
			if err == nil && len(found) > 0 && found[0].ID == id {
				return nil
			}
		}
	}
	return fmt.Errorf("there is no goroutine %d; stack full shows the ids", id)
}

// resolve finds the goroutine of a place, and the frame if that is OfProgram.
func (p *Program) resolve(at Place) (Place, error) {
	if at.Goroutine == 0 {
		return at, nil
	}
	if err := p.seek(at.Goroutine); err != nil {
		return at, err
	}
	if at.Frame == OfProgram {
		at.Frame = p.firstOfProgram(at.Goroutine)
	}
	return at, nil
}

// chunk is how many goroutines' addresses are read at once.
const chunk = 8 << 10

// firstOfProgram returns the number of the innermost frame of a goroutine that is
// not in the runtime, or 0.
func (p *Program) firstOfProgram(goroutine int64) int {
	for i, f := range p.frames(goroutine) {
		if f.Call.Fn != nil && !inRuntime(f.Call.Fn.PackageName()) {
			return i
		}
	}
	return 0
}

// frames returns the innermost frames of a goroutine.
func (p *Program) frames(goroutine int64) []proc.Stackframe {
	g, err := proc.FindGoroutine(p.target, goroutine)
	if err != nil || g == nil {
		return nil
	}
	frames, _ := proc.GoroutineStacktrace(p.target, g, maxFrames, 0)
	return frames
}

const maxFrames = 100

func inRuntime(pkg string) bool {
	return pkg == "runtime" || strings.HasPrefix(pkg, "internal/") || strings.HasPrefix(pkg, "runtime/internal/")
}
