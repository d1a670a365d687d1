//go:build unix

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"

	opcode "github.com/google/gops/signal"
	"golang.org/x/sys/unix"
)

// gopsRequest is what a gops client says: a command, and for setgc a number
// that follows. Nothing else ever reaches the process, to whose console it
// might mean more.
func gopsRequest(op byte, more io.ByteReader) ([]byte, error) {
	request := []byte{op}
	if op != opcode.SetGCPercent {
		return request, nil
	}
	percent, err := binary.ReadVarint(more)
	if err != nil {
		return nil, failf(statusUsage, "gops setgc without a number (%v); try it as a command: manhole-poke PID setgc 100", err)
	}
	return binary.AppendVarint(request, percent), nil
}

// relay is for a script that speaks gops's protocol: bytes there, bytes back.
func relay(ctx context.Context, p *process, conn *net.UnixConn, request []byte, out io.Writer) error {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	conn.Write(request) // fails only if the peer is gone, which the reader sees
	conn.CloseWrite()
	kept := &kept{w: out}
	passed, own, err := passAnswer(kept, conn)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case kept.err != nil:
		return failf(statusHere, "cannot write the answer: %v", kept.err)
	case strings.HasPrefix(own, refused), strings.HasPrefix(own, busy):
		return turnedAway(p, own)
	case own != "":
		return failf(statusCommand, "%s says %q", p, own)
	case p.exited():
		return failf(statusExited, "%s exited during the session; its own log may say why", p)
	case passed == 0 && (err == nil || errors.Is(err, unix.ECONNRESET)):
		return p.unheard()
	case err != nil:
		return failf(statusBroken, "the answer of %s broke off: %v; try again", p, err)
	}
	return nil
}

// kept keeps the error of writing, which is not the connection's.
type kept struct {
	w   io.Writer
	err error
}

func (k *kept) Write(p []byte) (int, error) {
	n, err := k.w.Write(p)
	k.err = err
	return n, err
}

// lastWords is more than lazy says in its own name in one line.
const lastWords = 4096

// passAnswer passes on an answer, but not what lazy says in its own name: that
// is its only line, or the first one, or the last.
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
		if more := len(held) - lastWords; more > 0 {
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
