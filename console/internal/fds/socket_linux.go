package fds

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-manhole/lazy/console/internal/format"
	"golang.org/x/sys/unix"
)

// An identity is what a socket is, and between whom.
type identity struct {
	family, kind int
	tcp          bool
	connected    bool
	local        string // path of a unix socket
}

// named returns a socket's kind and addresses.
func named(fd int) (string, identity) {
	family, kind, protocol := option(fd, unix.SO_DOMAIN), option(fd, unix.SO_TYPE), option(fd, unix.SO_PROTOCOL)
	// Go's own listeners are MPTCP where the kernel has it.
	id := identity{family: family, kind: kind, tcp: (family == unix.AF_INET || family == unix.AF_INET6) &&
		(protocol == unix.IPPROTO_TCP || protocol == unix.IPPROTO_MPTCP)}
	called := socketName(family, kind, protocol)
	if local, err := name(unix.SYS_GETSOCKNAME, fd); err == nil {
		at := address(local)
		called += " " + at
		if family == unix.AF_UNIX {
			id.local = at
		}
	}
	remote, err := name(unix.SYS_GETPEERNAME, fd)
	if unconnected(remote) {
		err = unix.ENOTCONN // one that is not connected has this address
	}
	if id.connected = err == nil; id.connected {
		called += " -> " + address(remote)
	}
	return called, id
}

// option returns a socket's option, or -1.
func option(fd, name int) int {
	v, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, name)
	if err != nil {
		return -1
	}
	return v
}

// socket describes a socket: its kind, addresses and state, how many bytes are in
// its queues, and for how long nothing was received or sent. It only asks, with
// getsockopt(2), ioctl(2) and the like.
func socket(fd int, own string) entry {
	name, id := named(fd)
	listens := option(fd, unix.SO_ACCEPTCONN) == 1
	e := entry{kind: "socket", idle: idleUnknown}
	var b strings.Builder
	b.WriteString(name)
	var info *unix.TCPInfo
	if id.tcp {
		info, _ = unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	}
	switch {
	case info != nil:
		e.state = tcpState(info.State)
	case listens:
		e.state = "LISTEN"
	case id.connected:
		e.state = "connected"
	}
	if e.state != "" {
		b.WriteString(" " + e.state)
	}
	if id.family == unix.AF_UNIX && id.connected {
		if peer, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil && peer.Pid > 0 {
			fmt.Fprintf(&b, " (pid %d)", peer.Pid)
		}
	}
	if own != "" && id.local == format.Printable(own) {
		b.WriteString(ours)
	}
	if listens {
		e.idle = noIdle
		if info != nil { // of a listening socket these two are its queue
			fmt.Fprintf(&b, ", %d of at most %d to be accepted", info.Unacked, info.Sacked)
		}
		e.what = b.String()
		return e
	}
	if n, err := unix.IoctlGetInt(fd, unix.SIOCINQ); err == nil && n > 0 {
		fmt.Fprintf(&b, ", %d bytes unread", n)
	}
	if n, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ); err == nil && n > 0 {
		switch {
		case info != nil:
			fmt.Fprintf(&b, ", %d bytes unacknowledged", n)
			b.WriteString(unsent(info))
		case id.family == unix.AF_UNIX: // with what the kernel needs for each packet
			fmt.Fprintf(&b, ", %d bytes of memory hold what the peer has not read", n)
		}
	}
	switch {
	case info != nil && e.state != "CLOSE" || info != nil && id.connected:
		e.idle = traffic(&b, info)
	case info != nil:
		e.idle = noIdle // never connected
	case id.family == unix.AF_UNIX && id.kind != unix.SOCK_DGRAM && id.connected && alone(fd):
		b.WriteString(", the other end is closed")
	}
	e.what = b.String()
	return e
}

// unsent says why bytes in the send queue were not sent or not acknowledged, as far as known.
func unsent(info *unix.TCPInfo) string {
	var why []string
	if n := info.Notsent_bytes; n > 0 {
		s := fmt.Sprintf("%d of them not sent", n)
		if info.Unacked == 0 && info.Snd_wnd < min(n, info.Snd_mss) {
			s += ", because the peer does not read"
		}
		why = append(why, s)
	}
	if info.Retransmits > 0 {
		why = append(why, fmt.Sprintf("sent again %d times without an answer", info.Retransmits))
	}
	if len(why) == 0 {
		return ""
	}
	return " (" + strings.Join(why, ", ") + ")"
}

// traffic writes when data was received and sent last, and returns for how long
// there was none. What was never received or sent counts from the moment when the
// connection was established.
func traffic(b *strings.Builder, info *unix.TCPInfo) time.Duration {
	received := time.Duration(info.Last_data_recv) * time.Millisecond
	sent := time.Duration(info.Last_data_sent) * time.Millisecond
	idle := min(received, sent)
	// Linux before 4.6 has no counts of segments, nor Min_rtt.
	ago := func(verb string, d time.Duration, segments uint32) string {
		if segments == 0 && info.Min_rtt != 0 {
			return "nothing " + verb
		}
		return verb + " " + round(d).String() + " ago"
	}
	fmt.Fprintf(b, ", idle %s: %s, %s", round(idle), ago("received", received, info.Data_segs_in), ago("sent", sent, info.Data_segs_out))
	return idle
}

func round(d time.Duration) time.Duration {
	if d >= time.Second {
		return d.Truncate(time.Second)
	}
	return d
}

func socketName(family, kind, protocol int) string {
	ip := map[int]string{unix.AF_INET: "", unix.AF_INET6: "6"}
	if six, ok := ip[family]; ok {
		switch protocol {
		case unix.IPPROTO_TCP:
			return "tcp" + six
		case unix.IPPROTO_MPTCP:
			return "mptcp" + six
		case unix.IPPROTO_UDP:
			return "udp" + six
		case unix.IPPROTO_ICMP, unix.IPPROTO_ICMPV6:
			return "icmp" + six
		}
		return fmt.Sprintf("ip%s protocol %d", six, protocol)
	}
	name, ok := map[int]string{
		unix.AF_UNIX: "unix", unix.AF_NETLINK: "netlink", unix.AF_PACKET: "packet", unix.AF_VSOCK: "vsock",
	}[family]
	if !ok {
		name = fmt.Sprintf("socket of family %d", family)
	}
	switch kind {
	case unix.SOCK_DGRAM:
		name += " dgram"
	case unix.SOCK_SEQPACKET:
		name += " seqpacket"
	}
	return name
}

// tcpState names a state as ss and netstat do (include/net/tcp_states.h).
func tcpState(n uint8) string {
	names := []string{"?", "ESTABLISHED", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT",
		"CLOSE", "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING", "NEW-SYN-RECV"}
	if int(n) < len(names) {
		return names[n]
	}
	return strconv.Itoa(int(n))
}
