package frozen

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/asuser"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/process"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
	"github.com/go-manhole/lazy/internal/copynote"
	"golang.org/x/sys/unix"
)

// find finds the copy among the processes here and opens it.
//
// The PID in the note is in the process's pid namespace, and a process can say
// what it likes. So the copy must be a child of the process, with its user and
// its executable: then it is nothing that the process might not debug itself.
func (c *Copy) find(ctx context.Context, of *process.Process, trace bool) error {
	if of.PID == 0 {
		return errHidden
	}
	exe, err := of.OpenProc("exe", unix.O_RDONLY)
	if err != nil {
		return fmt.Errorf("its executable: %w", err)
	}
	file := os.NewFile(uintptr(exe), "executable")
	c.Exe = c.keep(file)
	// The copy gives itself its name after it began.
	for late := time.Now().Add(time.Second); ; time.Sleep(5 * time.Millisecond) {
		if err = c.search(of, file); err == nil || !errors.Is(err, errNoCopy) {
			break
		}
		if ctx.Err() != nil || time.Now().After(late) {
			return err
		}
	}
	if err == nil && trace {
		err = mayTrace(c.PID)
	}
	return err
}

var errNoCopy = errors.New("it is not among the processes here")

// search looks first where the PIDs are the process's own.
func (c *Copy) search(of *process.Process, exe *os.File) error {
	if c.Note.PID != 0 {
		if err := c.openIfCopy(of, c.Note.PID, exe); !errors.Is(err, errNoCopy) {
			return err
		}
	}
	dir, err := os.Open("/proc")
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			if err := c.openIfCopy(of, pid, exe); !errors.Is(err, errNoCopy) {
				return err
			}
		}
	}
	return errNoCopy
}

// openIfCopy opens the process if it is the copy. All is read through one
// descriptor, so that it is of one process.
func (c *Copy) openIfCopy(of *process.Process, pid int, exe *os.File) error {
	dir, err := unix.Open("/proc/"+strconv.Itoa(pid), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return errNoCopy
	}
	defer unix.Close(dir)
	text, err := readAt(dir, "status")
	if err != nil {
		return errNoCopy
	}
	original, err := procfs.ReadFile(of.Proc("status"))
	if err != nil {
		return err
	}
	if !isCopy(text, original, of.PID, c.Note.PID) {
		return errNoCopy
	}
	handle, _ := unix.PidfdOpen(pid, 0) // else there is none
	open := func() { err = c.open(dir, exe) }
	if open(); process.IsDenied(err) {
		of.AsOwner(open)
	}
	// The directory still answers, so the handle is of the same process.
	if _, e := readAt(dir, "status"); err == nil && e != nil {
		err = e
	}
	if err != nil {
		if handle > 0 {
			unix.Close(handle)
		}
		return err
	}
	if c.PID = pid; handle > 0 {
		c.handle = handle
	}
	return nil
}

// isCopy reports whether status is that of the copy of the process whose status
// is original. pid is the copy's in the innermost namespace, or 0 if that is not
// known.
func isCopy(status, original []byte, parent, pid int) bool {
	s, err := procfs.ParseStatus(status)
	if err != nil || s.Name != copynote.Name || len(s.NSPid) == 0 || pid != 0 && s.NSPid[len(s.NSPid)-1] != pid {
		return false
	}
	for _, key := range []string{"Uid", "Gid", "CapPrm"} { // all of each
		if v := field(status, key); v == "" || v != field(original, key) {
			return false
		}
	}
	return field(status, "PPid") == strconv.Itoa(parent) && !strings.HasPrefix(field(status, "State"), "Z")
}

// field returns the value of a line of a status.
func field(status []byte, key string) string {
	_, after, ok := bytes.Cut(status, []byte("\n"+key+":"))
	if !ok {
		return ""
	}
	value, _, _ := bytes.Cut(after, []byte("\n"))
	return string(bytes.TrimSpace(value))
}

// open opens what is needed of the copy, whose directory in /proc is dir.
func (c *Copy) open(dir int, exe *os.File) error {
	var its, want unix.Stat_t
	if err := unix.Fstatat(dir, "exe", &its, 0); err != nil {
		return &os.PathError{Op: "stat", Path: "exe", Err: err}
	}
	if err := unix.Fstat(int(exe.Fd()), &want); err != nil {
		return &os.PathError{Op: "stat", Path: "exe", Err: err}
	}
	if its.Dev != want.Dev || its.Ino != want.Ino {
		return errNoCopy
	}
	auxv, err := readAt(dir, "auxv")
	if err != nil {
		return err
	}
	mem, err := openAt(dir, "mem")
	if err != nil {
		return err
	}
	c.Auxv, c.Memory = auxv, mem
	return nil
}

func openAt(dir int, name string) (*os.File, error) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}

func readAt(dir int, name string) ([]byte, error) {
	f, err := openAt(dir, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 64<<10))
}

// mayTrace reports whether the process may be traced, by doing so without
// stopping it, on a thread that then ends, which ends the tracing.
func mayTrace(pid int) (err error) {
	asuser.OnThread(func() {
		if _, _, e := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(pid), 0, 0, 0, 0); e != 0 {
			err = os.NewSyscallError("ptrace", e)
		}
	})
	// The thread ends a moment later.
	for late := time.Now().Add(time.Second); err == nil && time.Now().Before(late); time.Sleep(time.Millisecond) {
		text, e := procfs.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
		if e != nil || field(text, "TracerPid") == "0" {
			break
		}
	}
	return err
}
