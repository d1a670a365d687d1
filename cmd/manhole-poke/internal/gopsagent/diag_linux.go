package gopsagent

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel looks up one connection for sock_diag(7). In /proc/net/tcp it would
// have to be searched for among all connections of the machine, which other users
// can make many of.

// Of include/uapi/linux/inet_diag.h and sock_diag.h.
const (
	sockDiagByFamily = 20
	diagNoCookie     = 0xffffffff
)

// A diagSocket is struct inet_diag_sockid. Ports and addresses are in network
// byte order.
type diagSocket struct {
	sport, dport [2]byte
	src, dst     [16]byte
	iface        uint32
	cookie       [2]uint32
}

// A diagRequest is struct nlmsghdr with struct inet_diag_req_v2.
type diagRequest struct {
	header                         unix.NlMsghdr
	family, protocol, ext, padding uint8
	states                         uint32
	id                             diagSocket
}

// A diagMessage is struct nlmsghdr with struct inet_diag_msg.
type diagMessage struct {
	header                        unix.NlMsghdr
	family, state, timer, retrans uint8
	id                            diagSocket
	expires, rqueue, wqueue       uint32
	uid, inode                    uint32
}

// errNoSocket means that there is no such socket.
var errNoSocket = errors.New("the kernel knows no such socket")

// diagTCP looks up the socket with these ends, or one that listens at local.
func diagTCP(local, remote netip.AddrPort) (s tcpSocket, err error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return s, err
	}
	defer unix.Close(fd)
	unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1}) // it answers at once
	r := diagRequest{
		header: unix.NlMsghdr{Len: uint32(unsafe.Sizeof(diagRequest{})), Type: sockDiagByFamily, Flags: unix.NLM_F_REQUEST, Seq: 1},
		family: unix.AF_INET, protocol: unix.IPPROTO_TCP, states: ^uint32(0),
		id: diagSocket{cookie: [2]uint32{diagNoCookie, diagNoCookie}},
	}
	binary.BigEndian.PutUint16(r.id.sport[:], local.Port())
	binary.BigEndian.PutUint16(r.id.dport[:], remote.Port())
	src, dst := local.Addr().As4(), remote.Addr().As4()
	copy(r.id.src[:], src[:])
	copy(r.id.dst[:], dst[:])
	if err := unix.Sendto(fd, unsafe.Slice((*byte)(unsafe.Pointer(&r)), unsafe.Sizeof(r)), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return s, err
	}
	// Longer than the message, for its attributes; aligned for it.
	var buf [128]uint64
	n, _, err := unix.Recvfrom(fd, unsafe.Slice((*byte)(unsafe.Pointer(&buf)), unsafe.Sizeof(buf)), 0)
	m := (*diagMessage)(unsafe.Pointer(&buf))
	switch {
	case err != nil:
		return s, err
	case n >= unix.SizeofNlMsghdr+4 && m.header.Type == unix.NLMSG_ERROR:
		errno := *(*int32)(unsafe.Add(unsafe.Pointer(&buf), unix.SizeofNlMsghdr))
		if err := unix.Errno(-errno); err != unix.ENOENT {
			return s, err
		}
		return s, errNoSocket
	case n < int(unsafe.Sizeof(*m)) || m.header.Type != sockDiagByFamily:
		return s, errors.New("sock_diag is not understood")
	}
	return tcpSocket{local: diagAddress(m.family, m.id.src, m.id.sport), remote: diagAddress(m.family, m.id.dst, m.id.dport),
		state: uint64(m.state), uid: int(m.uid), inode: uint64(m.inode)}, nil
}

func diagAddress(family uint8, address [16]byte, port [2]byte) netip.AddrPort {
	a := netip.AddrFrom16(address).Unmap()
	if family == unix.AF_INET {
		a = netip.AddrFrom4([4]byte(address[:4]))
	}
	return netip.AddrPortFrom(a, binary.BigEndian.Uint16(port[:]))
}

// hasDiag reports whether the kernel answers: the module may be missing, which
// looks like a socket that is not there.
var hasDiag = sync.OnceValue(func() bool {
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return false
	}
	defer l.Close()
	at := addrPort(l.Addr())
	s, err := diagTCP(at, netip.AddrPortFrom(netip.IPv4Unspecified(), 0))
	return err == nil && s.local == at && s.state == tcpListen
})
