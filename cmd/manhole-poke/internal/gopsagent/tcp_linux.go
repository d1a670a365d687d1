package gopsagent

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// TCP does not say who is at the other end of a connection, but the kernel lists
// all sockets of the machine, proc_net_tcp.txt. That is for kernels that cannot
// look up one of them (diagTCP), and for other network namespaces.

// States of a socket, include/net/tcp_states.h.
const (
	tcpEstablished = 1
	tcpListen      = 10
)

// ownNet belongs to the network namespace of this process; one of its threads
// may be in another one for a while.
const ownNet = "/proc/thread-self/net"

// A tcpSocket is one line of /proc/net/tcp or tcp6.
type tcpSocket struct {
	local, remote netip.AddrPort // IPv4 in IPv6 as IPv4
	state         uint64
	uid           int    // of its creator; 0 also if nobody has it open
	inode         uint64 // 0 if nobody has it open
}

func parseTCPSocket(line string) (s tcpSocket, err error) {
	// sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode
	fields := strings.Fields(line)
	if len(fields) < 10 {
		return s, errors.New("too few fields")
	}
	var errs [5]error
	var uid uint64
	s.local, errs[0] = parseTCPAddress(fields[1])
	s.remote, errs[1] = parseTCPAddress(fields[2])
	s.state, errs[2] = strconv.ParseUint(fields[3], 16, 8)
	uid, errs[3] = strconv.ParseUint(fields[7], 10, 32)
	s.inode, errs[4] = strconv.ParseUint(fields[9], 10, 64)
	s.uid = int(uid)
	return s, errors.Join(errs[:]...)
}

// parseTCPAddress reads an address, which the kernel prints word by word in the
// byte order of this machine, and a port, which is a plain number.
func parseTCPAddress(text string) (netip.AddrPort, error) {
	address, port, _ := strings.Cut(text, ":")
	b, err := hex.DecodeString(address)
	if err != nil || len(b) != 4 && len(b) != 16 {
		return netip.AddrPort{}, fmt.Errorf("address %q", text)
	}
	for word := range len(b) / 4 {
		w := b[4*word:][:4]
		binary.NativeEndian.PutUint32(w, binary.BigEndian.Uint32(w))
	}
	n, err := strconv.ParseUint(port, 16, 16)
	a, _ := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(a.Unmap(), uint16(n)), err
}

// findTCP looks in a directory like /proc/net for the first socket for which is
// returns true.
func findTCP(dir string, is func(tcpSocket) bool) (found tcpSocket, ok bool, err error) {
	for _, name := range []string{"tcp", "tcp6"} {
		found, ok, err = findInTable(dir+"/"+name, is)
		if name == "tcp6" && errors.Is(err, fs.ErrNotExist) {
			err = nil // a kernel without IPv6
		}
		if ok || err != nil {
			break
		}
	}
	return found, ok, err
}

func findInTable(name string, is func(tcpSocket) bool) (tcpSocket, bool, error) {
	f, err := os.Open(name)
	if err != nil {
		return tcpSocket{}, false, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Scan() // the heading
	for lines.Scan() {
		s, err := parseTCPSocket(lines.Text())
		if err != nil {
			return tcpSocket{}, false, fmt.Errorf("%s: %q: %w", name, lines.Text(), err)
		}
		if is(s) {
			return s, true, nil
		}
	}
	return tcpSocket{}, false, lines.Err()
}

// errGone is for a connection whose other end is closed or half-closed: then
// its owner is no longer known for certain.
var errGone = errors.New("the connection is closed")

// tcpPeer returns the owner of the other end of a connection within this
// machine.
//
// The kernel prints uid 0 for a socket that nobody has open any more, and once
// a connection was reset its ports may be those of another one. So the
// owner counts only if it is read before the connection is found still
// established, and again for an open socket afterwards.
func tcpPeer(c *net.TCPConn) (uid int, err error) {
	us, them := addrPort(c.LocalAddr()), addrPort(c.RemoteAddr())
	find := findPeer
	if hasDiag() {
		find = diagPeer
	}
	// Repeated, because the table is read in pieces, and a line may be missed
	// while others come and go.
	for range 5 {
		before, found, err := find(us, them)
		if err != nil {
			return -1, err
		}
		if err := stillEstablished(c); err != nil {
			return -1, err
		}
		if !found {
			continue
		}
		after, found, err := find(us, them)
		if err != nil {
			return -1, err
		}
		if found && after == before {
			return before.uid, nil
		}
	}
	return -1, errors.New("the kernel does not show its socket")
}

// findPeer looks for the other end of a connection in the table of all.
func findPeer(us, them netip.AddrPort) (tcpSocket, bool, error) {
	return findTCP(ownNet, func(s tcpSocket) bool { return s.isPeer(us, them) })
}

// diagPeer asks the kernel for the other end of a connection.
func diagPeer(us, them netip.AddrPort) (tcpSocket, bool, error) {
	s, err := diagTCP(them, us)
	if err == errNoSocket {
		return s, false, nil
	}
	return s, err == nil && s.isPeer(us, them), err
}

func (s tcpSocket) isPeer(us, them netip.AddrPort) bool {
	return s.local == them && s.remote == us && s.state == tcpEstablished && s.inode != 0
}

func addrPort(a net.Addr) netip.AddrPort {
	ap := a.(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

func stillEstablished(c *net.TCPConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var info *unix.TCPInfo
	var infoErr error
	if err := raw.Control(func(fd uintptr) {
		info, infoErr = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	}); err != nil {
		return err
	}
	if infoErr != nil {
		return infoErr
	}
	if info.State != tcpEstablished {
		return errGone
	}
	return nil
}
