//go:build linux && (amd64 || arm64)

package tee

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// inMessages reports whether it matters at fd what is written by one write(2): at
// /dev/kmsg, for instance. Elsewhere the process passes on several lines at once,
// as many as fit into a record; they do not mix with what others write to a pipe.
func inMessages(fd int) bool {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return true
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFCHR:
		_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		return err != nil
	case unix.S_IFIFO:
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		return err != nil || flags&unix.O_DIRECT != 0
	}
	return false
}

// spawn starts the process with everything but the pipe, which exists.
func (t *Tee) spawn(output int) (err error) {
	image, toCopies, fromControl := -1, -1, -1
	defer func() { closeAll(image, toCopies, fromControl) }()
	if t.copies, toCopies, err = pipe(unix.O_NONBLOCK); err != nil {
		return err
	}
	if fromControl, t.control, err = pipe(0); err != nil {
		return err
	}
	unix.FcntlInt(uintptr(t.copies), unix.F_SETPIPE_SZ, capacity)
	if image, err = executable(); err != nil {
		return err
	}
	files := [...]uintptr{
		loopInput:   uintptr(t.out),
		loopOutput:  uintptr(output),
		loopCopies:  uintptr(toCopies),
		loopControl: uintptr(fromControl),
		loopImage:   uintptr(image), // at this number, whatever number it has here
	}
	name := fmt.Sprintf("lazy-tail of %d", unix.Getpid())
	t.pid, err = syscall.ForkExec("/proc/self/fd/"+strconv.Itoa(loopImage), []string{name}, &syscall.ProcAttr{
		Env:   t.env,
		Files: files[:],
		// Not in the terminal's session, which gets signals when it closes.
		Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if errors.Is(err, unix.ENOENT) {
		err = errors.New("/proc is not mounted, and the helper process is started from it")
	}
	if err != nil {
		return fmt.Errorf("cannot start the helper process: %w", err)
	}
	return nil
}

// executable returns a memfd with image in it.
func executable() (int, error) {
	const mfdExec = 0x10 // MFD_EXEC of memfd_create(2), since Linux 6.3
	fd, err := unix.MemfdCreate("lazy-tail", unix.MFD_CLOEXEC|mfdExec)
	if err == unix.EINVAL {
		fd, err = unix.MemfdCreate("lazy-tail", unix.MFD_CLOEXEC)
	}
	if err != nil {
		return -1, fmt.Errorf("memfd_create: %w", err)
	}
	if n, err := unix.Write(fd, image()); err != nil || n < len(image()) {
		unix.Close(fd)
		return -1, fmt.Errorf("writing to a memfd: %w", cmp.Or(err, error(unix.EFBIG)))
	}
	return fd, nil
}

// pipe returns a pipe neither end of which is stdin, stdout or stderr, even if
// those are closed.
func pipe(flags int) (r, w int, err error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], flags|unix.O_CLOEXEC); err != nil {
		return -1, -1, err
	}
	for i, fd := range ends {
		if fd > unix.Stderr {
			continue
		}
		if ends[i], err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, unix.Stderr+1); err != nil {
			closeAll(ends[:]...)
			unix.Close(fd)
			return -1, -1, err
		}
		unix.Close(fd)
	}
	return ends[0], ends[1], nil
}

func closeAll(fds ...int) {
	for _, fd := range fds {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}
