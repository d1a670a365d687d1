package copier

import (
	"encoding/binary"
	"errors"
)

// A record is what the process sends: one is not longer than a pipe takes
// whole (PIPE_BUF, pipe(7)), so that it never sends a part of one. It begins
// with how many bytes and newlines were passed on before it, how many bytes
// follow, and which question it answers: two numbers of 8 bytes and two of 4,
// little-endian.
//
// A question is a byte from control; the answer has no text and says that all
// that was written before the question has been passed on.
type record struct {
	bytes, newlines uint64
	text            []byte
	answer          byte // 0 if it is none
}

const (
	recordHeader = 24
	recordMost   = 4096
)

var errRecord = errors.New("the copies are garbled")

// takeRecord takes the first record off b. Without a whole one the rest is b.
func takeRecord(b []byte) (r record, rest []byte, ok bool, err error) {
	if len(b) < recordHeader {
		return r, b, false, nil
	}
	size := uint64(binary.LittleEndian.Uint32(b[16:]))
	switch {
	case size > recordMost-recordHeader:
		return r, b, false, errRecord
	case uint64(len(b)) < recordHeader+size:
		return r, b, false, nil
	}
	r.bytes, r.newlines = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	r.answer = b[20]
	r.text = b[recordHeader : recordHeader+size]
	return r, b[recordHeader+size:], true, nil
}
