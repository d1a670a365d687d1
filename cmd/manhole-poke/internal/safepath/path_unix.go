//go:build linux || darwin || freebsd

package safepath

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// An Info is what the kernel says of a file.
type Info struct {
	dev, ino uint64
	Mode     uint32 // with the bits of the type, S_IFMT
	UID, GID int
}

func infoOf(st *unix.Stat_t) Info {
	return Info{uint64(st.Dev), uint64(st.Ino), uint32(st.Mode), int(st.Uid), int(st.Gid)}
}

// Is reports whether the file has a type, such as unix.S_IFREG.
func (i Info) Is(kind uint32) bool { return i.Mode&unix.S_IFMT == kind }

// Same reports whether both are the same file, of the same type.
func (i Info) Same(other Info) bool {
	return i.dev == other.dev && i.ino == other.ino && i.Mode&unix.S_IFMT == other.Mode&unix.S_IFMT
}

// A Path is a name whose directory is open. It is not safe for concurrent use.
type Path struct {
	Dir, Base string // without links, for messages
	LinkTo    string // where the name itself leads, if it is a symlink; or ""

	fd     int  // of the directory
	dir    Info // of it
	kernel bool // Base is a link in /proc, which only the kernel can follow
}

// maxLinks is how many symlinks are followed, as path_resolution(7) has it.
const maxLinks = 40

// Resolve opens the directory of a file, which need not exist. If mkdir is set,
// missing directories are made, with mode 0700.
func Resolve(name string, mkdir bool) (*Path, error) {
	if name == "" {
		return nil, fs.ErrNotExist
	}
	p := &Path{fd: -1}
	if err := p.resolve(name, mkdir); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func (p *Path) resolve(rest string, mkdir bool) error {
	if err := p.start(rest); err != nil {
		return err
	}
	for links := 0; ; {
		component, after, more := strings.Cut(strings.TrimLeft(rest, "/"), "/")
		if component == "" {
			component = "."
		}
		if after = strings.TrimLeft(after, "/"); more && after == "" {
			after = "." // x/ is a directory
		}
		p.Base = component
		info, err := p.Stat()
		switch {
		case err == nil && info.Is(unix.S_IFLNK):
			to, err := p.follow()
			if err != nil {
				return err
			}
			if links++; links > maxLinks {
				return p.error(unix.ELOOP)
			}
			if after == "" && p.LinkTo == "" {
				p.LinkTo = to
			}
			if p.kernel = inProc(p.fd); p.kernel {
				if after == "" {
					return nil
				}
				break // to open it as a directory
			}
			if strings.HasPrefix(to, "/") {
				if err := p.start(to); err != nil {
					return err
				}
			}
			if rest = to; after != "" {
				rest += "/" + after
			}
			continue
		case after == "":
			return nil // it exists or not
		case errors.Is(err, fs.ErrNotExist) && mkdir:
			if err := unix.Mkdirat(p.fd, component, 0o700); err != nil && err != unix.EEXIST {
				return p.error(err)
			}
		case err != nil:
			return p.error(err)
		}
		if err := p.enter(component); err != nil {
			return err
		}
		rest = after
	}
}

// start begins at the root or at the working directory.
func (p *Path) start(name string) error {
	p.Close()
	p.Dir, p.Base = "", "."
	if strings.HasPrefix(name, "/") {
		p.Dir, p.Base = "/", "/"
	}
	return p.open(unix.AT_FDCWD, p.Base)
}

// open opens a directory as the one of the path.
func (p *Path) open(at int, name string) error {
	flags := openDir | unix.O_DIRECTORY | unix.O_CLOEXEC
	if !p.kernel {
		flags |= unix.O_NOFOLLOW
	}
	fd, err := ignoringEINTR(func() (int, error) { return unix.Openat(at, name, flags, 0) })
	if err != nil {
		return p.error(err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		unix.Close(fd)
		return p.error(err)
	}
	p.Close()
	p.fd, p.dir, p.kernel = fd, infoOf(&st), false
	return nil
}

// enter makes a directory in the directory that of the path.
func (p *Path) enter(component string) error {
	parent := p.dir
	if err := p.open(p.fd, component); err != nil {
		return err
	}
	if component != ".." && component != "." {
		if err := trust(parent, p.dir); err != nil {
			return p.error(err)
		}
	}
	p.Dir, p.Base = p.String(), ""
	return nil
}

// follow returns where a symlink leads.
func (p *Path) follow() (string, error) {
	link, to, err := readLink(p.fd, p.Base)
	switch {
	case err != nil:
		return "", p.error(err)
	case !ours(link.UID):
		return "", p.error(fmt.Errorf("it is a link of uid %d to %s, which may change it; give the name that it leads to", link.UID, to))
	}
	return to, nil
}

func ours(uid int) bool { return uid == 0 || uid == os.Geteuid() }

// trust fails if somebody may have placed a file in a directory to deceive.
func trust(dir, file Info) error {
	if dir.Mode&unix.S_IWOTH == 0 || ours(file.UID) || file.UID == dir.UID {
		return nil
	}
	return fmt.Errorf("it belongs to uid %d, in a directory where everybody may place files; use a directory of your own", file.UID)
}

// Trust fails if the file may have been placed there to deceive. The error says
// what to do.
func (p *Path) Trust(file Info) error {
	if p.kernel {
		return nil // it is open in a process of ours
	}
	return trust(p.dir, file)
}

// String returns the name without links.
func (p *Path) String() string { return p.beside(p.Base) }

func (p *Path) beside(name string) string {
	if p.Dir == "" || strings.HasSuffix(p.Dir, "/") {
		return p.Dir + name
	}
	return p.Dir + "/" + name
}

func (p *Path) error(err error) error { return fmt.Errorf("%s: %w", p, err) }

// Opaque reports whether the name is a link in /proc, such as /dev/stdout leads
// to. Stat and Open then follow it.
func (p *Path) Opaque() bool { return p.kernel }

// Stat looks at the file. A link that it has become is not followed.
func (p *Path) Stat() (Info, error) {
	flags := unix.AT_SYMLINK_NOFOLLOW
	if p.kernel {
		flags = 0
	}
	var st unix.Stat_t
	if err := unix.Fstatat(p.fd, p.Base, &st, flags); err != nil {
		return Info{}, err
	}
	return infoOf(&st), nil
}

// Open opens the file. A link that it has become is not followed, and opening
// does not wait for the other end of a pipe. check sees what was opened, whose
// descriptor is closed if it fails.
func (p *Path) Open(flags int, mode uint32, check func(Info) error) (*os.File, error) {
	flags |= unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY
	if !p.kernel {
		flags |= unix.O_NOFOLLOW
	}
	return p.openFile(p.Base, flags, mode, check)
}

func (p *Path) openFile(name string, flags int, mode uint32, check func(Info) error) (*os.File, error) {
	fd, err := ignoringEINTR(func() (int, error) { return unix.Openat(p.fd, name, flags, mode) })
	if err != nil {
		return nil, err
	}
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil {
		err = check(infoOf(&st))
	}
	if err == nil && !infoOf(&st).Is(unix.S_IFIFO) {
		err = unix.SetNonblock(fd, false)
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), p.beside(name)), nil
}

// CreateTemp makes a new file with mode 0600 beside the file, whose name is
// hidden and begins with that of the file. It returns the name for Rename,
// Link and Remove.
func (p *Path) CreateTemp() (f *os.File, name string, err error) {
	for range 100 {
		name = "." + p.Base + "." + rand.Text()[:10]
		f, err = p.openFile(name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600, func(Info) error { return nil })
		if err != unix.EEXIST {
			break
		}
	}
	return f, name, err
}

// Rename gives the name to a file beside it, in place of one that exists.
func (p *Path) Rename(from string) error { return unix.Renameat(p.fd, from, p.fd, p.Base) }

// Link gives the name to a file beside it as well, unless there is one.
func (p *Path) Link(from string) error { return unix.Linkat(p.fd, from, p.fd, p.Base, 0) }

// Remove removes a file in the directory: Base or another one.
func (p *Path) Remove(name string) error { return unix.Unlinkat(p.fd, name, 0) }

// Close closes the directory.
func (p *Path) Close() {
	if p.fd >= 0 {
		unix.Close(p.fd)
		p.fd = -1
	}
}

func ignoringEINTR(f func() (int, error)) (int, error) {
	for {
		if n, err := f(); err != unix.EINTR {
			return n, err
		}
	}
}
