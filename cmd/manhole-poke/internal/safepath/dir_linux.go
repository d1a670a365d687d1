package safepath

import "golang.org/x/sys/unix"

// openDir opens a directory that need not be readable.
const openDir = unix.O_PATH

// inProc reports whether links in the directory may be those of /proc/PID/fd,
// whose text is no name, proc_pid_fd(5). They belong to the process's user.
func inProc(fd int) bool {
	var st unix.Statfs_t
	return unix.Fstatfs(fd, &st) == nil && int64(st.Type) == unix.PROC_SUPER_MAGIC
}

// readLink returns the owner of a symlink and where it leads.
func readLink(dir int, name string) (Info, string, error) {
	fd, err := unix.Openat(dir, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return Info{}, "", err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return Info{}, "", err
	}
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", buf)
	return infoOf(&st), string(buf[:max(n, 0)]), err
}
