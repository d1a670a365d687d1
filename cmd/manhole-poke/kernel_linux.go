package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/kernelview"
	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/procfs"
	"golang.org/x/sys/unix"
)

// kernel shows what the kernel knows of a process, armed or not.
func kernel(o options, args []string) error {
	if len(args) != 1 {
		return failf(statusUsage, "kernel takes one PID or NAME; try manhole-poke kernel PID")
	}
	pid, err := strconv.ParseUint(args[0], 10, 31)
	if err != nil {
		var named int
		named, err = resolve(o, args[0])
		pid = uint64(named)
	}
	if err != nil {
		return err
	}
	p, err := glance(int(pid))
	if err != nil {
		return err
	}
	view, err := p.kernelView(false)
	if err != nil {
		return err
	}
	if _, err := fmt.Println(view); err != nil {
		return failf(statusHere, "cannot write what the kernel knows: %v", err)
	}
	return nil
}

// glance finds out about a process, whatever its state and whosever it is.
func glance(pid int) (*process, error) {
	p := &process{pid: pid, nspid: pid, uid: -1, handle: -1}
	if err := foreignProc(); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(p.proc("status"))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return nil, p.signalled(unix.ESRCH)
	}
	var s procfs.Status
	if err == nil {
		s, err = procfs.ParseStatus(text)
	}
	if err != nil {
		return nil, failf(statusUnlooked, "%s cannot be looked at: %v; try as root", p, err)
	}
	p.name, p.uid, p.gid = s.Name, s.UID, s.GID
	if len(s.NSPid) > 0 {
		p.nspid = s.NSPid[len(s.NSPid)-1]
	}
	if s.TGID != p.pid {
		return nil, failf(statusNoProcess, "%d is a thread of process %d (%s); try manhole-poke kernel %d", p.pid, s.TGID, s.Name, s.TGID)
	}
	p.readNote()
	return p, nil
}

// silent is the failure to get an answer in time. What the kernel knows comes
// with it, as long as the process is there.
func (p *process) silent(format string, args ...any) error {
	f := failf(statusTimeout, format, args...).(*failure)
	if view, err := p.kernelView(true); err == nil && p.pid != 0 {
		f.view = view
	}
	return f
}

// kernelView is what the kernel knows of the process, which, if it is silent, was
// asked for something and did not answer.
func (p *process) kernelView(silent bool) (string, error) {
	view, err := kernelview.Describe(kernelview.Process{
		PID: p.pid, Name: p.String(), IsGo: p.note != nil, Silent: silent, AsOwner: p.asOwner,
	})
	if err != nil {
		return "", failf(statusExited, "%s exited meanwhile", p)
	}
	return view, nil
}
