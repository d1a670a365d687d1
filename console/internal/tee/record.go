package tee

import (
	"encoding/binary"
	"errors"
)

// A record is a message of the process. It is at most as long as a pipe takes in
// one piece (PIPE_BUF, pipe(7)), so that it is sent whole or not at all. Its
// header is two numbers of 8 bytes and two of 4, little-endian: how many bytes
// and newlines were passed on before it, how many bytes of text follow, and
// which question it answers.
//
// A question is a byte from control. Its answer has no text and means that
// everything written before the question has been passed on.
type record struct {
	bytes, newlines uint64
	text            []byte
	answer          byte // 0 if it is none
}

const (
	recordHeader = 24
	maxRecord    = 4096
)

var errRecord = errors.New("the helper process sent garbage")

// takeRecord takes the first record off b. Without a whole one the rest is b.
func takeRecord(b []byte) (r record, rest []byte, ok bool, err error) {
	if len(b) < recordHeader {
		return r, b, false, nil
	}
	size := uint64(binary.LittleEndian.Uint32(b[16:]))
	switch {
	case size > maxRecord-recordHeader:
		return r, b, false, errRecord
	case uint64(len(b)) < recordHeader+size:
		return r, b, false, nil
	}
	r.bytes, r.newlines = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	r.answer = b[20]
	r.text = b[recordHeader : recordHeader+size]
	return r, b[recordHeader+size:], true, nil
}
