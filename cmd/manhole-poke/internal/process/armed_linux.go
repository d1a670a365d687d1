package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/go-manhole/lazy/internal/armednote"
	"github.com/go-manhole/lazy/internal/sighandler"
	"github.com/go-manhole/lazy/internal/signame"
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
	candidates := 0
	all := p.eachDescriptor(func(name, link string) bool {
		if !strings.HasPrefix(link, "/memfd:"+armednote.Prefix) {
			return true
		}
		if candidates++; candidates > maxCandidates {
			p.ArmedNoteErr = fmt.Errorf("it has more than %d of them", maxCandidates)
			return false
		}
		n, err := p.readMemfd(name)
		switch {
		case errors.Is(err, errPlanted):
		case err != nil:
			p.ArmedNoteErr = err
		case !sighandler.Usable(syscall.Signal(n.Signal)):
			p.ArmedNoteErr = fmt.Errorf("nothing can be armed for %s", signame.Name(syscall.Signal(n.Signal)))
		case n.PID == p.NSPid: // not one inherited from a parent
			p.ArmedNote, p.ArmedNoteErr, p.DescriptorsRead = &n, nil, true
			return false
		}
		return true
	})
	p.DescriptorsRead = p.DescriptorsRead || all
}

// maxDescriptors bounds how many descriptors of one process are looked at.
const maxDescriptors = 1 << 20

// eachDescriptor calls f with the name below /proc and the link of every
// descriptor, in ascending order (proc_readfd_common in fs/proc/fd.c), until it
// returns false. It reports whether there was nothing more to see.
func (p *Process) eachDescriptor(f func(name, link string) bool) (all bool) {
	dir, err := os.Open(p.Proc("fd"))
	if err != nil {
		return false // hidden, although this user may signal the process
	}
	defer dir.Close()
	hidden := false
	for n := 0; n < maxDescriptors; {
		names, err := dir.Readdirnames(512)
		n += len(names)
		for _, name := range names {
			name = dir.Name() + "/" + name
			link, err := os.Readlink(name)
			if IsDenied(err) {
				hidden = true // more users may list descriptors than read the links
			}
			if err == nil && !f(name, link) {
				return false
			}
		}
		if err != nil {
			return err == io.EOF && !hidden
		}
	}
	return false
}

// maxCandidates bounds how many notes of one process are read.
const maxCandidates = 64

// errPlanted is the error for a memfd that the process did not make: anybody may
// send it one over a unix socket.
var errPlanted = errors.New("made by another user")

// dropNote takes back the note if the program has no lazy in it. One of which
// that cannot be read keeps it, and one that is not of Go: lazy may be in a
// library.
func (p *Process) dropNote(b *Build) {
	if b != nil && !b.LinksLazy() {
		p.ArmedNote = nil
	}
}

// readMemfd opens nothing that could do harm or block: the other process
// chooses what the name leads to.
func (p *Process) readMemfd(name string) (armednote.Note, error) {
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
	if st.Uid != 0 && int64(st.Uid) != int64(p.UID) {
		return armednote.Note{}, errPlanted
	}
	// Without waiting for whoever has a lease on it (fcntl(2), F_SETLEASE).
	f, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", fd), os.O_RDONLY|unix.O_NONBLOCK, 0)
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
