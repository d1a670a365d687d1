package fds

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"syscall"
	"unsafe"

	"github.com/go-manhole/lazy/console/internal/format"
	"golang.org/x/sys/unix"
)

// name returns the address that getsockname(2) or getpeername(2) has for a
// descriptor. The functions of package unix know all kinds of addresses, and add
// 30 kB to a program.
func name(call uintptr, fd int) ([]byte, error) {
	var raw [unix.SizeofSockaddrAny]byte
	size := uint32(len(raw))
	if _, _, errno := syscall.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(&raw)), uintptr(unsafe.Pointer(&size))); errno != 0 {
		return nil, errno
	}
	return raw[:min(size, uint32(len(raw)))], nil
}

// sizes are those of the addresses that are known.
var sizes = map[uint16]int{
	unix.AF_INET: unix.SizeofSockaddrInet4, unix.AF_INET6: unix.SizeofSockaddrInet6, unix.AF_UNIX: 2,
	unix.AF_NETLINK: unix.SizeofSockaddrNetlink, unix.AF_PACKET: 8, unix.AF_VSOCK: 12,
}

// address shows an address as the kernel has it.
func address(raw []byte) string {
	e := binary.NativeEndian
	if len(raw) < 2 {
		return "?"
	}
	family := e.Uint16(raw)
	if size, known := sizes[family]; !known || len(raw) < size {
		return "?"
	}
	port := binary.BigEndian.Uint16
	switch family {
	case unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(raw[4:])), port(raw[2:])).String()
	case unix.AF_INET6:
		ip := netip.AddrFrom16([16]byte(raw[8:]))
		if zone := e.Uint32(raw[24:]); zone != 0 {
			ip = ip.WithZone(strconv.FormatUint(uint64(zone), 10))
		}
		return netip.AddrPortFrom(ip, port(raw[2:])).String()
	case unix.AF_NETLINK:
		return fmt.Sprintf("pid %d groups %#x", e.Uint32(raw[4:]), e.Uint32(raw[8:]))
	case unix.AF_PACKET:
		return fmt.Sprintf("protocol %#04x interface %d", port(raw[2:]), int32(e.Uint32(raw[4:])))
	case unix.AF_VSOCK:
		if cid := e.Uint32(raw[8:]); cid != math.MaxUint32 {
			return fmt.Sprintf("%d:%d", cid, e.Uint32(raw[4:]))
		}
		return fmt.Sprintf("any:%d", e.Uint32(raw[4:]))
	}
	path := raw[2:]
	at := ""
	if len(path) > 0 && path[0] == 0 {
		at, path = "@", path[1:]
	}
	path, _, _ = bytes.Cut(path, []byte{0})
	if len(path) == 0 {
		return "unnamed"
	}
	return format.Printable(at + string(path))
}

// unconnected reports whether the address of a peer is the one that netlink has
// for none.
func unconnected(raw []byte) bool {
	e := binary.NativeEndian
	return len(raw) >= unix.SizeofSockaddrNetlink && e.Uint16(raw) == unix.AF_NETLINK && e.Uint64(raw[4:]) == 0
}
