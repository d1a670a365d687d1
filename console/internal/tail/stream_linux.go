package tail

import (
	"fmt"
	"os"
	"strconv"

	"github.com/go-manhole/lazy/console/internal/format"
	"golang.org/x/sys/unix"
)

// A stream is stdout or stderr.
type stream struct {
	name string
	fd   int
	// file is what nearly all of a Go program writes to the stream through.
	// The variables of package os may be assigned to at any time; these are
	// their initial values, which package log has as well.
	file *os.File
}

var streams = []stream{{"stdout", unix.Stdout, os.Stdout}, {"stderr", unix.Stderr, os.Stderr}}

// checkOutput returns an error if the stream cannot be diverted: it preserves
// message boundaries, or its descriptor has become something else, as the kernel
// gives the number of a closed descriptor to the next one opened.
func (s stream) checkOutput(st *unix.Stat_t) error {
	c, err := s.file.SyscallConn()
	if err == nil {
		err = c.Control(func(uintptr) {})
	}
	if err != nil {
		return fmt.Errorf("%s was closed by the program, and descriptor %d is %s now", s.name, s.fd, link(s.fd))
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFIFO, unix.S_IFCHR:
		return nil
	case unix.S_IFSOCK:
		kind, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TYPE)
		listens, _ := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
		if err == nil && kind == unix.SOCK_STREAM && listens == 0 {
			return nil
		}
	}
	return fmt.Errorf("%s is %s, and what is written to it cannot be copied; %s", s.name, destination(s.fd, st), alternative(st))
}

// leadingTo returns the streams that lead to the same place. If only one of them
// were diverted, the order of what is written to both would change.
func leadingTo(place *unix.Stat_t) (same []stream) {
	for _, s := range streams {
		var st unix.Stat_t
		if unix.Fstat(s.fd, &st) == nil && st.Dev == place.Dev && st.Ino == place.Ino && s.checkOutput(&st) == nil {
			same = append(same, s)
		}
	}
	return same
}

// destination describes what fd leads to, which is not a regular file.
func destination(fd int, st *unix.Stat_t) string {
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFIFO:
		return "a pipe"
	case unix.S_IFSOCK:
		if toJournal(st) {
			return "the journal"
		}
		return "a socket"
	case unix.S_IFCHR:
		if _, err := unix.IoctlGetTermios(fd, unix.TCGETS); err == nil {
			return "the terminal " + link(fd)
		}
	}
	return link(fd)
}

// alternative says how else to see what is written there.
func alternative(st *unix.Stat_t) string {
	pid := unix.Getpid()
	if toJournal(st) {
		return fmt.Sprintf("try journalctl -f _PID=%d", pid)
	}
	return fmt.Sprintf("try strace -f -e trace=write -s 9999 -p %d", pid)
}

// toJournal recognises the socket that systemd made for the program's output
// (JOURNAL_STREAM, systemd.exec(5)).
func toJournal(st *unix.Stat_t) bool {
	return os.Getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", st.Dev, st.Ino)
}

// moved returns the error that ends tail when its stream does.
func moved(stream string) error {
	return fmt.Errorf("the program closed %s or gave it another destination; try tail again", stream)
}

// link returns the name of what fd leads to.
func link(fd int) string {
	target, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		return "a file"
	}
	return format.Printable(target)
}
