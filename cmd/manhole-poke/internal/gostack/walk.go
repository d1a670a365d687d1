package gostack

import (
	"runtime"
	"strings"
)

// A place is where a thread is: its registers, as far as they are known.
type place struct {
	pc, sp uint64
	lr     uint64 // 0 if it is not known, or the machine has none
}

// maxFrames is how many calls a walk follows.
const maxFrames = 100

// tops are functions that begin a stack, or switch to another one.
var tops = []string{
	"runtime.goexit", "runtime.mstart", "runtime.rt0_go", "runtime.systemstack", "runtime.mcall", "runtime.morestack",
	"runtime.sigtramp", "runtime.sigreturn", "runtime.asmcgocall", "runtime.cgocallback",
}

// walk follows the calls of a thread, innermost first. word reads from its
// stack.
func (t *table) walk(p place, word func(at uint64) (uint64, bool)) (frames []Frame) {
	if _, isGo := t.find(p.pc); !isGo {
		var ok bool
		if p, ok = t.callerOfC(p, word); !ok {
			return nil
		}
	}
	for pc := p.pc; len(frames) < maxFrames; pc = p.pc - 1 { // a return address is behind the call
		f, ok := t.find(pc)
		if !ok {
			break
		}
		frames = append(frames, t.frames(f, pc)...)
		if isTop(f.name) {
			break
		}
		size, ok := t.value(f.spdelta, f.entry, pc)
		if !ok || size < 0 {
			break
		}
		if p, ok = caller(p, uint64(size), word); !ok {
			break
		}
	}
	return frames
}

func isTop(name string) bool {
	for _, top := range tops {
		if rest, ok := strings.CutPrefix(name, top); ok && (rest == "" || rest[0] == '.' || rest[0] == '0') {
			return true
		}
	}
	return false
}

// caller returns the place to which a function with a frame of that size will
// return.
func caller(p place, size uint64, word func(uint64) (uint64, bool)) (place, bool) {
	switch {
	case runtime.GOARCH == "amd64":
		pc, ok := word(p.sp + size)
		return place{pc: pc, sp: p.sp + size + 8}, ok && pc != 0
	case size > 0: // arm64: the link register is saved at the stack pointer
		pc, ok := word(p.sp)
		return place{pc: pc, sp: p.sp + size}, ok && pc != 0
	case p.lr != 0:
		return place{pc: p.lr, sp: p.sp}, true
	}
	// The link register of a leaf is not known, but that of its caller is saved,
	// as is the frame pointer of the next.
	pc, ok := word(p.sp)
	fp, ok2 := word(p.sp - 8)
	return place{pc: pc, sp: fp + 8}, ok && ok2 && pc != 0 && fp > p.sp
}

// maxC is how much of a stack of C functions is searched.
const maxC = 256 << 10

// callerOfC finds the Go function that called into C, from a thread that is
// there (asmcgocall in runtime/asm_amd64.s): the stack of C begins with the
// goroutine, and how deep its own stack is.
func (t *table) callerOfC(p place, word func(uint64) (uint64, bool)) (place, bool) {
	if runtime.GOARCH != "amd64" {
		return p, false
	}
	for at := p.sp &^ 7; at < p.sp+maxC; at += 8 {
		pc, ok := word(at)
		if !ok {
			break
		}
		if pc < t.text || pc >= t.end {
			continue
		}
		f, ok := t.find(pc)
		if !ok || !strings.HasPrefix(f.name, "runtime.asmcgocall") || strings.HasPrefix(f.name, "runtime.asmcgocall_landingpad") {
			continue
		}
		depth, ok1 := word(at + 8)
		g, ok2 := word(at + 16)
		low, ok3 := word(g)
		high, ok4 := word(g + 8)
		if !ok1 || !ok2 || !ok3 || !ok4 || low >= high || depth > high-low {
			continue
		}
		size, ok := t.value(f.spdelta, f.entry, pc-1)
		if ok && size >= 0 {
			return caller(place{sp: high - depth}, uint64(size), word)
		}
	}
	return p, false
}
