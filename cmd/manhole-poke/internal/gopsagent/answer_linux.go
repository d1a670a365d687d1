package gopsagent

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/exit"
	opcode "github.com/google/gops/signal"
)

// isRequest reports whether a byte is one of gops's commands.
func isRequest(op byte) bool {
	switch op {
	case opcode.StackTrace, opcode.GC, opcode.MemStats, opcode.Version, opcode.HeapProfile, opcode.CPUProfile,
		opcode.Stats, opcode.Trace, opcode.BinaryDump, opcode.SetGCPercent:
		return true
	}
	return false
}

// parseRequest returns what a gops client says after op: for setgc a number
// follows. Nothing else ever reaches the process, to whose console it might mean
// more.
func parseRequest(op byte, rest io.ByteReader) ([]byte, error) {
	request := []byte{op}
	if op != opcode.SetGCPercent {
		return request, nil
	}
	percent, err := binary.ReadVarint(rest)
	if err != nil {
		return nil, exit.Errorf(exit.Usage, "usage", "gops setgc without a number (%v); try gops setgc PID 100", err)
	}
	return binary.AppendVarint(request, percent), nil
}

// What lazy says itself in an answer starts a line with one of these.
var ownPrefixes = [][]byte{[]byte("lazy: refused:"), []byte("lazy: busy:"), []byte("lazy: closing:"), []byte("lazy: error:")}

func isOwn(line []byte) bool {
	for _, prefix := range ownPrefixes {
		if bytes.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}

// maxOwn is more than lazy itself says in one line.
const maxOwn = 4096

// passAnswer passes on an answer without what lazy itself says, which is the
// only line, the first or the last, and is returned.
func passAnswer(to io.Writer, from io.Reader) (passed int, own string, err error) {
	var held []byte
	pass := func(n int) error {
		wrote, err := to.Write(held[:n])
		passed += wrote
		held = append(held[:0], held[n:]...)
		return err
	}
	buf := make([]byte, 64<<10)
	for err == nil {
		var n int
		n, err = from.Read(buf)
		held = append(held, buf[:n]...)
		if more := len(held) - maxOwn; more > 0 {
			if passed == 0 && isOwn(held) {
				break
			}
			if failed := pass(more); failed != nil {
				return passed, "", failed
			}
		}
	}
	if err == io.EOF {
		err = nil
	}
	if passed == 0 && isOwn(held) {
		own, _, _ = strings.Cut(string(held), "\n")
		return 0, own, err
	}
	text := strings.TrimRight(string(held), "\n")
	if i := strings.LastIndexByte(text, '\n') + 1; (i > 0 || passed == 0) && isOwn([]byte(text[i:])) {
		own, held = text[i:], held[:i]
	}
	return passed, own, errors.Join(pass(len(held)), err)
}
