package sockfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// RemoveElsewhere removes the file of a socket that was bound to path by a
// thread with another root directory or mount namespace than this one, or other
// rights: the signal handler runs on any thread. It does nothing if the kernel
// does not say where the file is.
func RemoveElsewhere(sock int, path string) {
	dev, ino, err := placeOf(sock)
	if err != nil || abstract(path) {
		return
	}
	roots := []string{""}
	if tasks, err := os.Open("/proc/self/task"); err == nil {
		ids, _ := tasks.Readdirnames(-1)
		tasks.Close()
		for _, id := range ids {
			roots = append(roots, "/proc/self/task/"+id+"/root")
		}
	}
	for _, root := range roots {
		name := root + path
		var st unix.Stat_t
		if unix.Lstat(name, &st) == nil && uint64(st.Dev) == dev && uint64(uint32(st.Ino)) == ino {
			os.Remove(name)
			return
		}
	}
}

// placeOf returns the device and the low 32 bits of the inode of the file that
// a socket is bound to. Only sock_diag(7) knows them.
func placeOf(sock int) (dev, ino uint64, err error) {
	_, id, ok := identity(sock)
	if !ok {
		return 0, 0, unix.EBADF
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return 0, 0, err
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1}); err != nil {
		return 0, 0, err
	}
	if err := unix.Sendto(fd, placeRequest(uint32(id)), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return 0, 0, err
	}
	answer := make([]byte, 4096)
	n, err := unix.Read(fd, answer)
	if err != nil {
		return 0, 0, err
	}
	return parsePlace(answer[:n])
}

const (
	sockDiagByFamily = 20 // linux/sock_diag.h
	showVFS          = 2  // UDIAG_SHOW_VFS, linux/unix_diag.h
	attrVFS          = 1  // UNIX_DIAG_VFS
)

// placeRequest is a nlmsghdr and a unix_diag_req.
func placeRequest(ino uint32) []byte {
	e := binary.NativeEndian
	b := make([]byte, 16+24)
	e.PutUint32(b[0:], uint32(len(b)))
	e.PutUint16(b[4:], sockDiagByFamily)
	e.PutUint16(b[6:], unix.NLM_F_REQUEST)
	b[16] = unix.AF_UNIX
	e.PutUint32(b[20:], ^uint32(0)) // any state
	e.PutUint32(b[24:], ino)
	e.PutUint32(b[28:], showVFS)
	e.PutUint64(b[32:], ^uint64(0)) // any cookie
	return b
}

var errPlace = errors.New("sock_diag does not say where the socket is bound")

// parsePlace reads a nlmsghdr, a unix_diag_msg and its attributes.
func parsePlace(b []byte) (dev, ino uint64, err error) {
	e := binary.NativeEndian
	if len(b) < 16+16 || e.Uint16(b[4:]) != sockDiagByFamily {
		return 0, 0, errPlace
	}
	for b = b[32:]; len(b) >= 4; {
		size := int(e.Uint16(b))
		if size < 4 || size > len(b) {
			break
		}
		if e.Uint16(b[2:]) == attrVFS && size >= 12 {
			d := e.Uint32(b[8:]) // the kernel's own: 12 bits of major, 20 of minor
			return unix.Mkdev(d>>20, d&(1<<20-1)), uint64(e.Uint32(b[4:])), nil
		}
		b = b[min(len(b), (size+3)&^3):]
	}
	return 0, 0, errPlace
}

// ownMode gives the file the mode 0600 whatever the umask was, which bind
// applied. The file is opened first, so that no link is followed.
func ownMode(path string, st *unix.Stat_t) error {
	if st.Mode&0o777 == 0o600 {
		return nil
	}
	fd, err := unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if dev, ino, ok := identity(fd); !ok || dev != uint64(st.Dev) || ino != st.Ino {
		return errReplaced(path)
	}
	return unix.Chmod(fmt.Sprintf("/proc/self/fd/%d", fd), 0o600)
}
