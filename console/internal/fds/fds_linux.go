// Package fds lists the open descriptors of this process and what they are.
package fds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/go-manhole/lazy/console/internal/format"
	"github.com/go-manhole/lazy/internal/pattern"
	"golang.org/x/sys/unix"
)

// List writes a line for each descriptor that match accepts, and a last one that
// counts all. Sockets are asked for their addresses: unlike /proc/net that works
// in any network namespace, and takes no longer on a host with many others. It
// fails if ctx is done, if the list cannot be read, or if afford returns an error,
// which is called between a thousand descriptors and the next.
func List(ctx context.Context, w io.Writer, match *pattern.Pattern, afford func() error) error {
	open, err := descriptors(afford)
	if err != nil {
		return err
	}
	kinds := map[string]int{}
	total := 0
	path := []byte("/proc/self/fd/")
	target := make([]byte, 4096)
	for i, fd := range open {
		if err := ctx.Err(); err != nil {
			return err
		}
		if i%atOnce == atOnce-1 {
			if err := afford(); err != nil {
				return err
			}
		}
		n, err := unix.Readlink(string(strconv.AppendInt(path, int64(fd), 10)), target)
		if err != nil {
			continue // closed since, such as the one the list was read from
		}
		total++
		kind, what := describe(int(fd), string(target[:n]))
		kinds[kind]++
		if match.MatchString(what) {
			fmt.Fprintf(w, "%5d %-2s %s\n", fd, mode(int(fd)), what)
		}
	}
	var summary []string
	for kind, n := range kinds {
		summary = append(summary, fmt.Sprintf("%d %s", n, kind))
	}
	slices.Sort(summary)
	_, err = fmt.Fprintf(w, "%d open (%s)%s\n", total, strings.Join(summary, ", "), limitText())
	return err
}

func limitText() string {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return ""
	}
	return fmt.Sprintf(", at most %d", limit.Cur)
}

// atOnce is how many are read at once: a process that leaks them may have a
// million, and little memory left.
const atOnce = 1000

// descriptors returns the numbers of the open ones, in order.
func descriptors(afford func() error) ([]int32, error) {
	fds, err := readDescriptors(afford)
	if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) {
		// None is left to read the directory with, which is when this list is
		// wanted most. Then there are as many as the limit allows.
		var limit unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			return nil, err
		}
		all := make([]int32, min(limit.Cur, 1<<20))
		for i := range all {
			all[i] = int32(i)
		}
		return all, nil
	}
	slices.Sort(fds)
	return fds, err
}

func readDescriptors(afford func() error) (fds []int32, err error) {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	for {
		names, err := dir.Readdirnames(atOnce)
		for _, n := range names {
			if fd, err := strconv.ParseInt(n, 10, 32); err == nil {
				fds = append(fds, int32(fd))
			}
		}
		if err == io.EOF {
			return fds, nil
		}
		if err == nil {
			err = afford()
		}
		if err != nil {
			return nil, err
		}
	}
}

// mode is r, w or rw.
func mode(fd int) string {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return "?"
	}
	switch {
	case flags&unix.O_PATH != 0:
		return "-" // a place, not open for either
	case flags&unix.O_ACCMODE == unix.O_RDONLY:
		return "r"
	case flags&unix.O_ACCMODE == unix.O_WRONLY:
		return "w"
	}
	return "rw"
}

// describe returns the kind of a descriptor and what it is, given the target of
// its link in /proc.
func describe(fd int, target string) (kind, what string) {
	switch {
	case strings.HasPrefix(target, "socket:"):
		return "socket", socket(fd)
	case strings.HasPrefix(target, "pipe:"):
		what := target
		if n, err := unix.IoctlGetInt(fd, unix.TIOCINQ); err == nil && n > 0 {
			what += fmt.Sprintf(", %d bytes unread", n)
		}
		return "pipe", what
	case strings.HasPrefix(target, "/memfd:"):
		return "memfd", format.Printable(target[1:])
	case strings.HasPrefix(target, "anon_inode:"):
		return strings.Trim(strings.TrimPrefix(target, "anon_inode:"), "[]"), format.Printable(target)
	case strings.HasPrefix(target, "/dev/"):
		return "device", format.Printable(target)
	}
	what = format.Printable(target)
	if at, err := unix.Seek(fd, 0, unix.SEEK_CUR); err == nil && at > 0 {
		what += fmt.Sprintf(", at byte %d", at)
	}
	return "file", what
}

// socket describes a socket: its kind, addresses, state, and how many bytes wait
// in it.
func socket(fd int) string {
	option := func(name int) int {
		v, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, name)
		if err != nil {
			return -1
		}
		return v
	}
	family, kind, protocol := option(unix.SO_DOMAIN), option(unix.SO_TYPE), option(unix.SO_PROTOCOL)
	listens := option(unix.SO_ACCEPTCONN) == 1
	// Go's own listeners are MPTCP where the kernel has it.
	tcp := (family == unix.AF_INET || family == unix.AF_INET6) &&
		(protocol == unix.IPPROTO_TCP || protocol == unix.IPPROTO_MPTCP)
	var b strings.Builder
	b.WriteString(socketName(family, kind, protocol))
	local, err := unix.Getsockname(fd)
	if err == nil {
		b.WriteString(" " + address(local))
	}
	remote, err := unix.Getpeername(fd)
	if peer, ok := remote.(*unix.SockaddrNetlink); ok && peer.Pid == 0 && peer.Groups == 0 {
		err = unix.ENOTCONN // one that is not connected has this address
	}
	if err == nil {
		b.WriteString(" -> " + address(remote))
	}
	switch {
	case tcp:
		if info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			b.WriteString(" " + tcpState(info.State))
		}
	case listens:
		b.WriteString(" LISTEN")
	case err == nil:
		b.WriteString(" connected")
	}
	if family == unix.AF_UNIX && err == nil {
		if peer, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil && peer.Pid > 0 {
			fmt.Fprintf(&b, " (pid %d)", peer.Pid)
		}
	}
	if !listens {
		if n, err := unix.IoctlGetInt(fd, unix.SIOCINQ); err == nil && n > 0 {
			fmt.Fprintf(&b, ", %d bytes unread", n)
		}
		if n, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ); tcp && err == nil && n > 0 { // others count the kernel's own as well
			fmt.Fprintf(&b, ", %d bytes unacknowledged", n)
		}
	}
	return b.String()
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

func address(a unix.Sockaddr) string {
	switch a := a.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port)).String()
	case *unix.SockaddrInet6:
		ip := netip.AddrFrom16(a.Addr)
		if a.ZoneId != 0 {
			ip = ip.WithZone(strconv.FormatUint(uint64(a.ZoneId), 10))
		}
		return netip.AddrPortFrom(ip, uint16(a.Port)).String()
	case *unix.SockaddrUnix:
		if a.Name == "" || a.Name == "@" {
			return "unnamed"
		}
		return format.Printable(a.Name)
	case *unix.SockaddrNetlink:
		return fmt.Sprintf("pid %d groups %#x", a.Pid, a.Groups)
	case *unix.SockaddrLinklayer:
		return fmt.Sprintf("protocol %#04x interface %d", a.Protocol>>8|a.Protocol<<8, a.Ifindex)
	case *unix.SockaddrVM:
		if a.CID == math.MaxUint32 {
			return fmt.Sprintf("any:%d", a.Port)
		}
		return fmt.Sprintf("%d:%d", a.CID, a.Port)
	}
	return "?"
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
