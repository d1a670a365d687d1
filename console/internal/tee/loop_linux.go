//go:build linux && (amd64 || arm64)

package tee

import (
	"encoding/binary"
	"runtime"
	"unsafe"
)

// The descriptors of the process that runs loop.
const (
	loopInput   = iota // to be read, without waiting
	loopOutput         // what was read is passed on to
	loopCopies         // and is sent to in records, if it takes them without waiting
	loopControl        // a byte here asks for a record that is empty
	loopImage          // itself, which it closes
)

// packets is the environment of loop if its input comes in packets (pipe(2),
// O_DIRECT); otherwise it has none.
const packets = "PACKETS=1"

// loop is the assembly, declared for go vet. It is never called.
//
//lint:ignore U1000 the assembly needs the declaration
func loop()

// loopPC is the address of loop.
var loopPC uintptr

// image returns an executable file that runs loop: the headers of elf(5)
// before its instructions.
func image() []byte {
	const (
		base    = 0x400000 // a multiple of the largest page
		page    = 0x10000
		headers = 64 + 2*56
	)
	code := loopCode()
	size := uint64(headers + len(code))
	b := []byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00") // 64 bits, little-endian
	u16, u32, u64 := binary.LittleEndian.AppendUint16, binary.LittleEndian.AppendUint32, binary.LittleEndian.AppendUint64
	b = u32(u16(u16(b, 2), machine), 1) // ET_EXEC, EV_CURRENT
	b = u64(u64(u64(b, base+headers), 64), 0)
	for _, v := range []uint16{0, 0, 64, 56, 2, 0, 0, 0} { // flags are 32 bits
		b = u16(b, v)
	}
	b = u32(u32(b, 1), 1|4) // PT_LOAD, PF_X and PF_R
	for _, v := range []uint64{0, base, base, size, size, page} {
		b = u64(b, v)
	}
	b = u32(u32(b, 0x6474e551), 2|4) // PT_GNU_STACK, or some kernels let it be executed
	b = append(b, make([]byte, 6*8)...)
	return append(b, code...)
}

// loopCode returns the instructions of loop, and what pads them.
func loopCode() []byte {
	end := loopPC
	for runtime.FuncForPC(end) == runtime.FuncForPC(loopPC) {
		end++
	}
	return unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&loopPC))), end-loopPC)
}
