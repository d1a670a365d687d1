package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// dial connects to the socket at path, as it is seen from here, and says who
// listens there.
func dial(path string) (*net.UnixConn, peer, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, peer{}, err
	}
	return dialFile(fd, path, nil)
}

// dial connects to the socket at path, as the process sees it: in its own root
// directory or, with an @ in front, in its own network namespace.
func (p *process) dial(path string) (*net.UnixConn, peer, error) {
	as := &ids{p.uid, p.gid}
	if strings.HasPrefix(path, "@") {
		return p.dialAbstract(path, as)
	}
	root, err := p.open("root", unix.O_PATH|unix.O_DIRECTORY)
	if denied(err) {
		return dial(path) // its root is not ours to see, and most share ours
	}
	if err != nil {
		return nil, peer{}, err
	}
	defer unix.Close(root)
	fd, err := openWithin(root, path)
	if err != nil {
		return nil, peer{}, err
	}
	return dialFile(fd, path, as)
}

// opensAt says whether path, as it is seen from here, is where the process says
// that it opens its socket, and whether that can be known. Nothing need be there
// yet, so it is the directories that are compared, by what they are: the same one
// may have other names here, through links, mounts, or /proc/PID/root.
func (p *process) opensAt(path string) (same, known bool) {
	if p.note == nil {
		return false, false
	}
	if strings.HasPrefix(path, "@") || strings.HasPrefix(p.note.path, "@") {
		return path == p.note.path, true
	}
	if _, err := os.Readlink(path); err == nil {
		return false, false // where it leads need not be there yet either
	}
	root, err := p.open("root", unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return false, false
	}
	defer unix.Close(root)
	fd, err := openWithin(root, filepath.Dir(p.note.path)+"/.") // the directory, not a link to it
	if err != nil {
		return false, false
	}
	defer unix.Close(fd)
	var theirs, ours unix.Stat_t
	if err := unix.Fstat(fd, &theirs); err != nil {
		return false, false
	}
	switch err := unix.Stat(filepath.Dir(path), &ours); {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR):
		return false, true
	case err != nil:
		return false, false
	}
	return ours.Dev == theirs.Dev && ours.Ino == theirs.Ino && filepath.Base(path) == filepath.Base(p.note.path), true
}

// openWithin opens what path names below root without touching it. In a
// container somebody else decides what the names mean: no link of theirs,
// absolute or upwards or one of those in /proc, leads out of root, and the last
// name is not followed at all, since bind makes a socket, never a link to one.
func openWithin(root int, path string) (int, error) {
	fd, err := unix.Openat2(root, path, &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	// Linux before 5.6, and sandboxes that do not know the call.
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		return openWithinSlowly(root, path)
	}
	return fd, err
}

// openWithinSlowly does the same on old systems, except that an absolute link
// is an error here.
func openWithinSlowly(root int, path string) (int, error) {
	r, err := os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", root))
	if err != nil {
		return -1, err
	}
	defer r.Close()
	f, err := r.OpenFile(strings.TrimLeft(path, "/"), unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return -1, err
	}
	defer f.Close()
	return unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
}

// dialFile connects to an open socket file, and closes it. Its name in /proc
// leads to that very file, whatever becomes of the path, and fits a socket
// address, which holds 107 bytes, however long the path is.
func dialFile(fd int, path string, as *ids) (*net.UnixConn, peer, error) {
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, peer{}, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return nil, peer{}, errNotSocket
	}
	name := fmt.Sprintf("/proc/self/fd/%d", fd)
	if as == nil { // the path is as seen from here
		as = &ids{int(st.Uid), int(st.Gid)}
		if _, err := os.Lstat(name); err != nil {
			name = path // without /proc it has to do
		}
	}
	conn, err := connectAs(as, -1, name)
	return introduce(conn, err, path)
}

// dialAbstract connects to a socket without a file, which belongs to a network
// namespace.
func (p *process) dialAbstract(name string, as *ids) (*net.UnixConn, peer, error) {
	ns, err := p.otherNetwork()
	if err != nil {
		return nil, peer{}, err
	}
	if ns >= 0 {
		defer unix.Close(ns)
	}
	conn, err := connectAs(as, ns, name)
	if errors.Is(err, errSetns) {
		return nil, peer{}, failf(statusPermission, "%s listens at %s in a network namespace of its own, which uid %d may not enter (%v); try as root", p, name, os.Geteuid(), err)
	}
	return introduce(conn, err, name)
}

// otherNetwork opens the process's network namespace, and is -1 if that is ours
// or not ours to see.
func (p *process) otherNetwork() (int, error) {
	var ours, theirs unix.Stat_t
	if unix.Stat("/proc/thread-self/ns/net", &ours) != nil {
		return -1, nil
	}
	fd, err := p.open("ns/net", unix.O_RDONLY)
	if denied(err) {
		return -1, nil
	}
	if err != nil {
		return -1, err
	}
	if err := unix.Fstat(fd, &theirs); err != nil || theirs.Ino == ours.Ino && theirs.Dev == ours.Dev {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func denied(err error) bool { return errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) }

// open opens what /proc has of the process.
func (p *process) open(name string, flags int) (fd int, err error) {
	fd, err = unix.Open(p.proc(name), flags|unix.O_CLOEXEC, 0)
	if denied(err) {
		p.asOwner(func() { fd, err = unix.Open(p.proc(name), flags|unix.O_CLOEXEC, 0) })
	}
	return fd, err
}

// asOwner calls f as the process's user, if that may help: what is said in
// /proc of a process, its user may see (ptrace(2), access mode checking), and
// root may not without CAP_SYS_PTRACE, which it lacks in most containers.
func (p *process) asOwner(f func()) {
	if os.Geteuid() != 0 || p.uid <= 0 {
		return
	}
	onThreadOfItsOwn(func() {
		if (&ids{p.uid, p.gid}).takeOn() == nil {
			f()
		}
	})
}

// ids are whom to connect as.
type ids struct{ uid, gid int }

var (
	errSetns = errors.New("setns")
	errIDs   = errors.New("taking on another user")
)

// connectAs connects from the network namespace netns, if that is not -1. Root
// takes on the ids for it: SO_PEERCRED is what the connecting thread was at that
// moment, so it is the rules of the process's own user that hold, also in
// a user namespace, where the host's root is nobody.
func connectAs(as *ids, netns int, name string) (int, error) {
	if os.Geteuid() != 0 || as.uid <= 0 {
		return connect(nil, netns, name)
	}
	fd, err := connect(as, netns, name)
	// Root without the capabilities, or the id has no name here, because this
	// is a user namespace that the process's user is not mapped into.
	if errors.Is(err, errIDs) || errors.Is(err, unix.EACCES) {
		return connect(nil, netns, name)
	}
	return fd, err
}

func connect(as *ids, netns int, name string) (fd int, err error) {
	call := func() {
		if netns >= 0 {
			if err = unix.Setns(netns, unix.CLONE_NEWNET); err != nil {
				err = fmt.Errorf("%w: %w", errSetns, err)
				return
			}
		}
		// Made here, because a socket belongs to the network namespace in
		// which it was made.
		if fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
			return
		}
		if as != nil {
			err = as.takeOn()
		}
		if err == nil {
			err = unix.Connect(fd, &unix.SockaddrUnix{Name: name})
		}
		if err != nil {
			unix.Close(fd)
		}
	}
	if as == nil && netns < 0 {
		call()
	} else {
		onThreadOfItsOwn(call)
	}
	return fd, err
}

// takeOn changes the effective ids of this thread and no other, which is why
// it makes the system calls itself: syscall.Setresuid changes all threads. The
// real and saved ids stay root's, so that the user who is taken on can neither
// signal nor trace this process.
func (as *ids) takeOn() error {
	const unchanged = ^uintptr(0)
	if err := unix.Setgroups(nil); err != nil { // of this thread, too
		return fmt.Errorf("%w: %w", errIDs, err)
	}
	if _, _, errno := unix.RawSyscall(sysSetresgid, unchanged, uintptr(as.gid), unchanged); errno != 0 {
		return fmt.Errorf("%w: %w", errIDs, errno)
	}
	if _, _, errno := unix.RawSyscall(sysSetresuid, unchanged, uintptr(as.uid), unchanged); errno != 0 {
		return fmt.Errorf("%w: %w", errIDs, errno)
	}
	return nil
}

// onThreadOfItsOwn calls f on a thread that ends when f returns, with whatever f
// changed about it: a goroutine that ends without runtime.UnlockOSThread takes
// its thread along. Only the first thread would survive that; it is what
// /proc/self shows, and f does not run on it.
func onThreadOfItsOwn(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			onThreadOfItsOwn(f) // while this goroutine occupies the first one
			runtime.UnlockOSThread()
			return
		}
		f()
	}()
	<-done
}

// introduce makes a connection of the socket and asks who listens there.
func introduce(fd int, err error, path string) (*net.UnixConn, peer, error) {
	if err != nil {
		return nil, peer{}, err
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	who, err := peerOf(fd)
	if err != nil {
		return nil, peer{}, cannotTell(path, err)
	}
	c, err := net.FileConn(f)
	if err != nil {
		return nil, peer{}, err
	}
	return c.(*net.UnixConn), who, nil
}
