package process

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-manhole/lazy/cmd/manhole-poke/internal/asuser"
	"golang.org/x/sys/unix"
)

// A File is what lies at the path of a socket, opened without touching it
// (O_PATH), or a connection to it if its file system might make whoever connects
// wait for ever.
type File struct {
	FD        int `json:"-"`
	Connected bool
	Mode      uint32
	UID, GID  int
	FS        int64
}

// OpenSocket opens the file at path, as seen from here if p is nil, else as p
// sees it. The error is errLate's if that takes too long.
func OpenSocket(p *Process, path string, limit time.Duration) (File, error) {
	q := question{Do: "open", Path: path}
	if p == nil {
		q.Path = absolute(path)
		p = unknown(0)
	}
	r, fd, err := p.ask(q, limit)
	if err == nil {
		err = r.err()
	}
	r.File.FD = fd
	return r.File, err
}

// absolute returns an absolute path, as the deputy may have been started in
// another working directory.
func absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	abs, err := filepath.Abs("x") // which does not clean the path itself
	if err != nil {
		return path
	}
	return filepath.Dir(abs) + "/" + path
}

// openSocket is OpenSocket in the deputy.
func openSocket(p *Process, path string) (int, error) {
	if p.PID == 0 {
		return unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	}
	root, err := p.OpenRoot()
	if IsDenied(err) { // its root directory is hidden, and most processes share ours
		return unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return -1, err
	}
	defer unix.Close(root)
	return OpenWithin(root, path)
}

func describe(fd int) (File, error) {
	var st unix.Stat_t
	var fs unix.Statfs_t
	if err := unix.Fstat(fd, &st); err != nil {
		unix.Close(fd)
		return File{}, err
	}
	if err := unix.Fstatfs(fd, &fs); err != nil {
		unix.Close(fd)
		return File{}, err
	}
	return File{FD: fd, Mode: st.Mode, UID: int(st.Uid), GID: int(st.Gid), FS: int64(fs.Type)}, nil
}

// local are the file systems that ask no other process before they answer. In a
// container everything is on overlayfs, which can lie on any other; but where
// that is not our own, the process cannot see who connects anyway.
var local = []int64{unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.TMPFS_MAGIC, unix.RAMFS_MAGIC, unix.F2FS_SUPER_MAGIC, zfsMagic, unix.OVERLAYFS_SUPER_MAGIC}

const zfsMagic = 0x2fc12fc1

// slow reports whether connecting to the socket might take for ever. Then the
// deputy does it, and the process takes that for its peer.
func (f File) slow() bool {
	return f.IsSocket() && !slices.Contains(local, f.FS)
}

// IsSocket reports whether it is a socket.
func (f File) IsSocket() bool { return f.Mode&unix.S_IFMT == unix.S_IFSOCK }

// connect replaces the descriptor by a connection.
func (f *File) connect(fd int, p *Process) (int, error) {
	defer unix.Close(fd)
	as := &asuser.IDs{UID: f.UID, GID: f.GID}
	if p.PID != 0 {
		as = &asuser.IDs{UID: p.UID, GID: p.GID}
	}
	f.Connected = true
	return asuser.Connect(as, -1, fmt.Sprintf("/proc/self/fd/%d", fd))
}

// Kind says what it is if it is no socket.
func (f File) Kind() string {
	switch f.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return "a regular file"
	case unix.S_IFIFO:
		return "a FIFO"
	case unix.S_IFDIR:
		return "a directory"
	case unix.S_IFLNK:
		return "a symbolic link"
	}
	return "a device"
}
