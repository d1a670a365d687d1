package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/go-manhole/lazy/internal/armednote"
	"golang.org/x/sys/unix"
)

// readArmedNote looks for the descriptor by which a process says that it is
// armed.
func (p *Process) readArmedNote() {
	p.readDescriptors()
	if !p.DescriptorsRead {
		p.AsOwner(p.readDescriptors)
	}
}

func (p *Process) readDescriptors() {
	dir, err := os.Open(p.Proc("fd"))
	if err != nil {
		return // hidden, although this user may signal the process
	}
	defer dir.Close()
	for hidden := false; ; {
		names, err := dir.Readdirnames(512)
		for _, name := range names {
			link, err := os.Readlink(dir.Name() + "/" + name)
			if IsDenied(err) {
				hidden = true // more users may list descriptors than read the links
			}
			if err != nil || !strings.HasPrefix(link, "/memfd:"+armednote.Prefix) {
				continue
			}
			n, err := readMemfd(dir.Name() + "/" + name)
			switch {
			case err != nil:
				p.ArmedNoteErr = err
			case n.PID == p.NSPid: // not one inherited from a parent
				p.ArmedNote, p.DescriptorsRead = &n, true
				return
			}
		}
		if err != nil {
			p.DescriptorsRead = err == io.EOF && !hidden
			return
		}
	}
}

// readMemfd opens nothing that could do harm or block: the other process
// chooses what the name leads to.
func readMemfd(name string) (armednote.Note, error) {
	fd, err := unix.Open(name, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return armednote.Note{}, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	var sfs unix.Statfs_t
	if err := errors.Join(unix.Fstat(fd, &st), unix.Fstatfs(fd, &sfs)); err != nil {
		return armednote.Note{}, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || sfs.Type != unix.TMPFS_MAGIC {
		return armednote.Note{}, errors.New("not a memfd")
	}
	f, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		return armednote.Note{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, armednote.Size+1))
	if err != nil {
		return armednote.Note{}, err
	}
	return armednote.Parse(text)
}
