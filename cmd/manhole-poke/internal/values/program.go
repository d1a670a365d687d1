// Package values reads the variables of a program from a copy of it, with Delve's
// expressions.
package values

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"go/scanner"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-delve/delve/pkg/logflags"
	"github.com/go-delve/delve/pkg/proc"
	"github.com/go-delve/delve/pkg/proc/core"
)

// A Source is what is known of a copy: either its memory or a core file.
type Source struct {
	Memory *os.File // or nil
	Auxv   []byte   // with Memory
	Core   string   // the path, without Memory
	Exe    string   // the path of the executable

	// There reports whether the copy with the Memory is still there. nil means
	// that it cannot vanish.
	There func() bool

	// Thread is one whose registers are known, with Memory; or nil.
	Thread *Thread

	// Symbols is the path of the executable's twin that has the symbols, or "".
	Symbols string
}

// A Program answers questions about variables. It is for one goroutine.
type Program struct {
	target *proc.Target
	group  *proc.TargetGroup
	memory *memory
	there  func() bool
}

// Open reads the symbols.
func Open(ctx context.Context, s Source) (*Program, error) {
	quiet()
	exe := s.Exe
	arch, err := check(s.Exe, s.Symbols)
	if err != nil {
		return nil, err
	}
	if s.Symbols != "" {
		exe = s.Symbols
	}
	p := &Program{there: s.There}
	err = p.guard(ctx, func() (err error) {
		if s.Memory == nil {
			return p.openCore(s.Core, exe)
		}
		p.memory = &memory{read: func(b []byte, addr uint64) (int, error) {
			if int64(addr) < 0 {
				return 0, errors.New("no address")
			}
			return s.Memory.ReadAt(b, int64(addr))
		}}
		p.memory.allow()
		d := newDead(p.memory, arch, s.Auxv)
		var add proc.AddTargetFunc
		p.group, add = proc.NewGroup(d, proc.NewTargetGroupConfig{})
		p.target, err = add(d, threadID, &d.thread, exe, proc.StopAttached, "")
		if err == nil && s.Thread != nil {
			p.place(d, s.Thread, arch)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the symbols of the program: %w", err)
	}
	return p, nil
}

func (p *Program) openCore(file, exe string) (err error) {
	if p.group, err = core.OpenCore(file, exe, nil); err != nil {
		return err
	}
	p.target = p.group.Selected
	mem := p.target.Memory()
	p.memory = &memory{read: mem.ReadMemory}
	return nil
}

// Close closes the files that were opened for the symbols.
func (p *Program) Close() { p.target.BinInfo().Close() }

// quiet keeps Delve from writing to standard error what it does not like about a
// program.
var quiet = sync.OnceFunc(func() { logflags.Setup(false, "", os.DevNull) })

// maxTime is how long one question may take.
const maxTime = time.Minute

// guard calls f, which ends soon after ctx or maxTime, as reading memory then
// fails. A panic of Delve over what it has read becomes an error.
func (p *Program) guard(ctx context.Context, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the debugger does not understand what it has read: %v", v)
		}
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
	}()
	if p.memory != nil {
		p.memory.allow()
		limited, cancel := context.WithTimeout(ctx, maxTime)
		defer cancel()
		defer context.AfterFunc(limited, func() { p.memory.stopped.Store(true) })()
	}
	return f()
}

// A Place is where names are looked up: in a goroutine's frame, or without a
// goroutine in package main.
type Place struct {
	Goroutine int64
	Frame     int // or OfProgram
}

// OfProgram is the innermost frame that is not in the runtime.
const OfProgram = -1

// scope returns the scope of a place that resolve has returned.
func (p *Program) scope(at Place) (*proc.EvalScope, error) {
	if at.Goroutine != 0 {
		s, err := proc.ConvertEvalScope(p.target, at.Goroutine, at.Frame, 0)
		if err != nil {
			return nil, plain(err)
		}
		s.Mem = p.memory
		return s, nil
	}
	frame := proc.Stackframe{}
	if fns := p.target.BinInfo().LookupFunc()["main.main"]; len(fns) > 0 {
		frame.Call = proc.Location{PC: fns[0].Entry, Fn: fns[0]}
	}
	s := proc.FrameToScope(p.target, p.memory, nil, threadID, frame)
	s.PC = frame.Call.PC
	return s, nil
}

// plain makes an error of Delve one that says what to do.
func plain(err error) error {
	text := err.Error()
	switch {
	case errors.As(err, new(scanner.ErrorList)):
		return fmt.Errorf("this is not a Go expression (%s); options come before it, and the shell needs quotes: see help print", text)
	case strings.HasPrefix(text, "unknown goroutine"):
		return fmt.Errorf("there is no %s; stack full shows the ids", strings.TrimPrefix(text, "unknown "))
	case strings.Contains(text, "could not find symbol"), strings.Contains(text, "has no function"):
		text = strings.Replace(text, "has no function", "has no variable, constant or function", 1)
		return fmt.Errorf("%s; globals REGEXP lists the package variables, as in main.x, and locals -id N those of a goroutine; what the program does not use is left out by the linker", text)
	case strings.Contains(text, "function calls not allowed"):
		return fmt.Errorf("%s: a copy runs nothing", text)
	}
	return err
}

var archs = map[elf.Machine]string{elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64", elf.EM_386: "386", elf.EM_PPC64: "ppc64le", elf.EM_RISCV: "riscv64", elf.EM_LOONGARCH: "loong64"}
