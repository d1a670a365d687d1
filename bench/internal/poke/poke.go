//go:build linux

// Package poke rings an armed process and talks to it as a script does. It is
// deliberately independent of manhole-poke: what is measured is the library.
package poke

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
	"unsafe"

	"github.com/go-manhole/lazy/internal/ringtag"
	"golang.org/x/sys/unix"
)

// Signal is the one that rings.
const Signal = unix.SIGUSR2

// Tag is the value by which the library knows a ring that is meant for it alone.
const Tag = ringtag.Value

// Script is the usual conversation.
const Script = "stats\nstack\nquit\n"

// Errors of Ask that are no fault of the process.
var (
	ErrBusy = errors.New("another session is open")
	ErrLost = errors.New("the connection ended before anything was answered")
)

// Ring rings with a plain signal, as kill(1) does.
func Ring(pid int) error { return unix.Kill(pid, Signal) }

// RingTagged rings with a signal that carries a value: rt_sigqueueinfo(2) with
// the code SI_QUEUE.
func RingTagged(pid int, tag uint64) error {
	info := tagged(tag)
	_, _, errno := unix.RawSyscall(unix.SYS_RT_SIGQUEUEINFO, uintptr(pid), uintptr(Signal), uintptr(unsafe.Pointer(&info)))
	if errno != 0 {
		return errno
	}
	return nil
}

// RingPidfd does the same with pidfd_send_signal(2).
func RingPidfd(pidfd int, tag uint64) error {
	info := tagged(tag)
	_, _, errno := unix.RawSyscall6(unix.SYS_PIDFD_SEND_SIGNAL, uintptr(pidfd), uintptr(Signal), uintptr(unsafe.Pointer(&info)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// tagged is the siginfo_t of a queued signal, as 64-bit kernels lay it out: see
// siginfo.h and, for what the sender must fill in, rt_sigqueueinfo(2).
func tagged(tag uint64) (info [128]byte) {
	const siQueue = -1
	code := int32(siQueue)
	binary.NativeEndian.PutUint32(info[0:], uint32(Signal))
	binary.NativeEndian.PutUint32(info[8:], uint32(code))
	binary.NativeEndian.PutUint32(info[16:], uint32(os.Getpid()))
	binary.NativeEndian.PutUint32(info[20:], uint32(os.Getuid()))
	binary.NativeEndian.PutUint64(info[24:], tag)
	return info
}

// Open rings until the socket accepts a connection, for no longer than limit. A
// ring that comes while a session ends may be answered by that session, so one
// ring is not always enough.
func Open(path string, limit time.Duration, ring func() error) (*net.UnixConn, error) {
	const again = time.Second
	var rung time.Time
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		if time.Since(rung) > again {
			if err := ring(); err != nil {
				return nil, fmt.Errorf("ring: %w", err)
			}
			rung = time.Now()
		}
		conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
		if err == nil {
			return conn, nil
		}
		if time.Since(start) > limit {
			return nil, fmt.Errorf("the socket did not open within %v: %w", limit, err)
		}
	}
}

// Ask sends a script on a fresh connection, reads everything that is answered,
// and closes the connection.
func Ask(conn *net.UnixConn, script string, limit time.Duration) ([]byte, error) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(limit))
	_, writeErr := conn.Write([]byte(script))
	conn.CloseWrite()
	answer, err := io.ReadAll(conn)
	switch {
	case bytes.HasPrefix(answer, []byte("lazy: busy")):
		return answer, ErrBusy
	case len(answer) == 0:
		return nil, errors.Join(ErrLost, writeErr, err)
	case bytes.HasPrefix(answer, []byte("lazy: refused")), bytes.Contains(answer, []byte("\nlazy: closing")):
		return answer, errors.New(string(bytes.TrimSpace(lastLine(answer))))
	}
	return answer, errors.Join(writeErr, err)
}

// Session rings and has one whole session with stats and stack. It tries again
// while somebody else's session is open or ends.
func Session(path string, limit time.Duration, ring func() error) (answer []byte, err error) {
	for start := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		conn, err := Open(path, limit, ring)
		if err != nil {
			return nil, err
		}
		answer, err := Ask(conn, Script, limit)
		switch {
		case errors.Is(err, ErrBusy) || errors.Is(err, ErrLost):
			if time.Since(start) > limit {
				return answer, err
			}
		case err != nil:
			return answer, err
		case !bytes.Contains(answer, []byte("goroutines: ")) || !bytes.Contains(answer, []byte(".go:")):
			return answer, fmt.Errorf("not an answer to stats and stack: %.200q", answer)
		default:
			return answer, nil
		}
	}
}

func lastLine(text []byte) []byte {
	text = bytes.TrimSpace(text)
	return text[bytes.LastIndexByte(text, '\n')+1:]
}
