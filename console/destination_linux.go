package console

import (
	"fmt"
	"os"
	"strconv"

	"github.com/go-manhole/lazy/console/internal/format"
	"golang.org/x/sys/unix"
)

// destination says what fd is, which is not a regular file.
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

// lookElsewhere says how to see what is written there without us.
func lookElsewhere(st *unix.Stat_t) string {
	pid := unix.Getpid()
	if toJournal(st) {
		return fmt.Sprintf("try journalctl -f _PID=%d", pid)
	}
	return fmt.Sprintf("try strace -f -e trace=write -s 9999 -p %d", pid)
}

// toJournal knows the socket that systemd made for the program, systemd.exec(5).
func toJournal(st *unix.Stat_t) bool {
	return os.Getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", st.Dev, st.Ino)
}

// elsewhere is the error that ends tail when its stream does.
func elsewhere(stream string) error {
	return fmt.Errorf("the program closed %s or gave it another destination; try tail again", stream)
}

// link is what the kernel calls that which fd leads to.
func link(fd int) string {
	target, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		return "a file"
	}
	return format.Printable(target)
}
